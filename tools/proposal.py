"""Which candidate to evaluate first, and which to fall back on: a proposal, never a choice."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from tools.candidates import Stance
from tools.licences import CommercialUse
from tools.ranking import order, runnable
from tools.rating import MOST
from tools.sensitivity import Sensitivity, try_weights
from tools.table_records import Column, ComparisonTable, CoverageNote, TableRow

BACKUP_MAY_COST: Final = 1.0
"""Stars that a backup differing in both lineage and licence may cost against one that differs in one."""
COMPARED: Final = 2
"""Candidates that the primary is compared with."""
QUOTED: Final = 2
"""Claims told as a strength, and as many as a concern."""


class Proposal(BaseModel):
    """A primary and a backup with their reasons, for a person to approve, edit or reject."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    primary: str | None
    """Key of the candidate proposed; None when no candidate may be proposed."""
    backup: str | None
    """Key of a candidate whose risk differs from the primary's; None when there is none."""
    why_primary: str
    """One or two sentences; says why there is none when ``primary`` is None."""
    strengths: tuple[str, ...] = ()
    """What speaks for the primary, one sentence each."""
    concerns: tuple[str, ...] = ()
    """What speaks against it or is unknown, one sentence each."""
    why_backup: str = ""
    """How its risk differs, or why there is no backup."""
    over: tuple[str, ...] = ()
    """Why the primary and not each of the next two, one sentence each."""
    traded: float | None = None
    """Stars that the backup has less than the best other candidate; None without a backup."""
    sensitivity: Sensitivity | None = None
    """Whether other weights would propose somebody else; None without a primary."""
    coverage_warning: str | None = None
    """Why the research behind the proposal is thin; None when it is not."""
    table_hash: str
    """Hash of the table that the proposal was made from."""


def propose(table: ComparisonTable) -> Proposal:
    """The best-rated eligible candidate, and the best one whose risk differs from its. Pure.

    A candidate without stars is never proposed: without evidence there is nothing to propose it on. One of
    which no packaged copy is known (no Ollama tag, no GGUF file) comes after all that could be run at once.
    """
    rated = sorted((row for row in table.eligible if row.rating.stars is not None), key=_first)
    warning = coverage_warning(table.coverage)
    if not rated:
        return Proposal(
            primary=None,
            backup=None,
            why_primary=_why_none(table),
            why_backup="Without a primary there is no backup.",
            coverage_warning=warning,
            table_hash=table.hash,
        )
    primary, others = rated[0], rated[1:]
    backup, why_backup = _backup(primary, others)
    sensitivity = try_weights(primary, rated, _first)
    return Proposal(
        primary=primary.key,
        backup=backup.key if backup else None,
        why_primary=_why(primary, others, table),
        over=tuple(_over(primary, other) for other in others[:COMPARED]),
        strengths=_strengths(primary, sensitivity),
        concerns=_concerns(primary, sensitivity),
        why_backup=why_backup,
        traded=_lost(others[0], backup) if backup else None,
        sensitivity=sensitivity,
        coverage_warning=warning,
        table_hash=table.hash,
    )


def _first(row: TableRow, stars: float | None = None) -> tuple[Any, ...]:
    return (not runnable(row), *order(row, stars))


def coverage_warning(note: CoverageNote | None) -> str | None:
    """Why the research is thin, in sentences; None when it was measured, wide enough and unhindered."""
    if note is None or note.share is None:
        sentences = ["How much of the field research has seen was not measured."]
    elif note.below_threshold:
        sentences = [
            f"This proposal is shallow: research covered about {note.share:.0%} of the field, "
            f"{note.threshold:.0%} were wanted."
        ]
    else:
        sentences = []
    if note is not None and note.degraded:
        nothing = note.blocked + note.failed >= note.queries
        sentences.append(
            f"{note.blocked} of {note.queries} requests were blocked and {note.failed} failed, "
            + ("so nothing could be read." if nothing else "so better candidates may have been missed.")
        )
    return " ".join(sentences) or None


def _why_none(table: ComparisonTable) -> str:
    if not table.rows:
        return "Research accepted no candidate, so there is nothing to propose."
    if not table.eligible:
        return (
            f"Each of the {len(table.rows)} candidates misses a hard need of the request, "
            "so none can be proposed; the reasons stand in the table."
        )
    return (
        f"No source was read that says how well any of the {len(table.eligible)} eligible candidates fits "
        f"{table.domain_title}, so none is proposed; more research may help, or you choose one yourself."
    )


def _why(primary: TableRow, others: list[TableRow], table: ComparisonTable) -> str:
    ahead = [row for row in others if order(row) < order(primary)]
    whose = "that can be had packaged and meet every hard need" if ahead else "that meet every hard need"
    unrated = len(table.eligible) - len(others) - 1
    evidence = "with evidence " if unrated else ""
    text = f"{primary.name} fits {table.domain_title} best of those {evidence}{whose}: {primary.rating}."
    if unrated:
        text += f" Of {unrated} more no source was read that says how well they fit."
    equal = [row.name for row in others if row.rating.stars == primary.rating.stars and row not in ahead]
    if equal:
        names = ", ".join(equal[:3]) + (" and others" if len(equal) > 3 else "")
        text += f" {names} {'has' if len(equal) == 1 else 'have'} as many stars."
    if ahead:
        text += f" {ahead[0].name} ({ahead[0].rating}) ranks higher, but no packaged copy of it is known."
    return text


def _over(primary: TableRow, other: TableRow) -> str:
    """What the primary has that ``other`` lacks, in stars where they differ."""
    mine = {part.name: part.adds for part in primary.rating.parts}
    gains = [(round(mine[part.name] - part.adds, 2), part.name) for part in other.rating.parts]
    ahead = ", ".join(f"{name} {gain:+.2f}" for gain, name in sorted(gains, reverse=True) if gain > 0)
    behind = ", ".join(f"{name} {gain:+.2f}" for gain, name in sorted(gains) if gain < 0)
    told = f"{other.name} ({other.rating})"
    if order(other) < order(primary):
        return f"Over {told}: no packaged copy of that one is known."
    if primary.rating.stars == other.rating.stars:
        reason = _tie(primary, other)
        return f"Over {told}: as many stars, {reason}."
    against = f", in spite of {behind}" if behind else ""
    limit = (
        f"; that one gets at most {other.rating.most:.1f}" if other.rating.most < primary.rating.most else ""
    )
    return f"Over {told}: {ahead or 'nothing in the parts'}{against}{limit}."


def _tie(primary: TableRow, other: TableRow) -> str:
    mine, theirs = order(primary), order(other)
    reasons = (
        f"more evidence ({primary.rating.counted} claims against {other.rating.counted})",
        f"fewer unknown cells ({mine[4]} against {theirs[4]})",
        "newer",
        "first by name only",
    )
    return next(
        (reason for reason, place in zip(reasons, range(3, 7), strict=True) if mine[place] < theirs[place]),
        reasons[-1],
    )


TELLING: Final = 0.1
"""Stars that a part must add or take to be told as a strength or a concern."""


def _strengths(row: TableRow, sensitivity: Sensitivity) -> tuple[str, ...]:
    found = [part.why for part in row.rating.parts if part.adds >= TELLING]
    found += claimed(row, Stance.FOR)
    if row.licence.verdict is CommercialUse.YES:
        found.append(f"{row.licence.display} allows commercial use.")
    if sensitivity.robust:
        found.append(sensitivity.sentence)
    return tuple(found)


def claimed(row: TableRow, stance: Stance) -> list[str]:
    """The strongest claims, as their summaries."""
    claims = [claim for claim in row.evidence if claim.stance is stance and not claim.suspicious]
    return [f"{claim.kind.value.capitalize()}: {claim.summary}" for claim in claims[:QUOTED]]


def _concerns(row: TableRow, sensitivity: Sensitivity) -> tuple[str, ...]:
    found = [part.why for part in row.rating.parts if part.adds <= -TELLING]
    found += [part.why for part in row.rating.parts if part.points == 0 and not part.sources]
    found += claimed(row, Stance.AGAINST)
    if row.rating.stars is not None and row.rating.most < MOST:
        most = f"{row.rating.most:g} stars"
        found.append(f"No source beside its makers speaks for it, so it gets no more than {most}.")
    if not sensitivity.robust:
        found.append(sensitivity.sentence)
    if row.licence.laundering:
        found.append("Its stated licence is more permissive than that of the weights it was made from.")
    if row.licence.condition:
        found.append(row.licence.condition)
    found += row.licence.clauses
    unknown = [cell.column.value for cell in row.cells if cell.unknown]
    if unknown:
        found.append(f"Unknown: {', '.join(unknown)}.")
    differing = [
        cell.column.value for cell in row.cells if cell.contradictions and cell.column is not Column.FIT
    ]
    if differing:
        found.append(f"Sources disagree on: {', '.join(differing)}.")
    return tuple(dict.fromkeys(found))


def _backup(primary: TableRow, others: list[TableRow]) -> tuple[TableRow | None, str]:
    """The best one of another lineage and licence class, if it costs little; else of another one of them."""
    one = next((row for row in others if _other_lineage(primary, row) or _other_licence(primary, row)), None)
    if one is None:
        if not others:
            return None, "No other candidate may be proposed."
        return None, (
            f"Every other candidate comes from {primary.lineage} weights under a licence of the same kind, "
            "so what speaks against the primary would speak against it."
        )
    both = next(
        (row for row in others if _other_lineage(primary, row) and _other_licence(primary, row)), None
    )
    cheap = both is not None and _lost(one, both) <= BACKUP_MAY_COST and runnable(both) >= runnable(one)
    chosen = both if both is not None and cheap else one
    text = (
        f"{chosen.name} ({chosen.rating}) is the best one with another risk: {_difference(primary, chosen)}."
    )
    if others[0] is not chosen:
        skipped = others[0]
        shares = _shared(primary, skipped)
        text += f" {skipped.name} ranks higher but shares {shares} with the primary"
        lost = _lost(skipped, chosen)
        text += f"; this costs {lost:.1f} stars." if lost > 0 else "; this costs no stars."
    return chosen, text


def _lost(best: TableRow, chosen: TableRow) -> float:
    return max(0.0, (best.rating.stars or 0.0) - (chosen.rating.stars or 0.0))


def _other_lineage(one: TableRow, other: TableRow) -> bool:
    return one.lineage != other.lineage


def _other_licence(one: TableRow, other: TableRow) -> bool:
    """Whether the licences are of different classes: every licence without conditions is of one."""
    return _licence_class(one) != _licence_class(other)


def _licence_class(row: TableRow) -> str:
    return "free" if row.licence.verdict is CommercialUse.YES else row.licence.display


def _shared(primary: TableRow, row: TableRow) -> str:
    shared = [] if _other_lineage(primary, row) else ["lineage"]
    shared += [] if _other_licence(primary, row) else ["licence"]
    return " and ".join(shared)


def _difference(one: TableRow, other: TableRow) -> str:
    parts = []
    if _other_lineage(one, other):
        parts.append(f"its weights are of the {other.lineage} line, not {one.lineage}")
    if _other_licence(one, other):
        parts.append(f"its licence is {other.licence.display}, not {one.licence.display}")
    return ", and ".join(parts)
