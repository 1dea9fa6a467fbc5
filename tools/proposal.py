"""Which candidate to evaluate first, and which to fall back on: a proposal, never a choice."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from tools.licences import CommercialUse
from tools.table_records import UNKNOWN, Column, ComparisonTable, CoverageNote, TableRow


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
    coverage_warning: str | None = None
    """Why the research behind the proposal is thin; None when it is not."""
    table_hash: str
    """Hash of the table that the proposal was made from."""


def propose(table: ComparisonTable) -> Proposal:
    """The best-rated eligible candidate, and the best one whose risk differs from its. Pure.

    A candidate without stars is never proposed: without evidence there is nothing to propose it on. One of
    which no packaged copy is known (no Ollama tag, no GGUF file) comes after all that could be run at once.
    """
    with_stars = [row for row in table.eligible if row.rating.stars is not None]
    rated = sorted(with_stars, key=lambda row: not row.cell(Column.QUANTIZATION).facts)
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
    primary = rated[0]
    backup, why_backup = _backup(primary, rated[1:])
    return Proposal(
        primary=primary.key,
        backup=backup,
        why_primary=_why(primary, rated[1:], table.domain_title),
        strengths=_strengths(primary),
        concerns=_concerns(primary),
        why_backup=why_backup,
        coverage_warning=warning,
        table_hash=table.hash,
    )


def coverage_warning(note: CoverageNote | None) -> str | None:
    """Why the research is thin, in sentences; None when it was measured, wide enough and unhindered."""
    if note is None or note.share is None:
        sentences = ["How much of the field research has seen was not measured."]
    elif note.below_threshold:
        sentences = [
            f"Research covered about {note.share:.0%} of the field; "
            f"a proposal below {note.threshold:.0%} is shallow."
        ]
    else:
        sentences = []
    if note is not None and note.degraded:
        sentences.append(
            f"{note.blocked} of {note.queries} requests were blocked and {note.failed} failed, "
            "so better candidates may have been missed."
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
        f"Nothing was found about how well any of the {len(table.eligible)} eligible candidates fits "
        f"{table.domain_title}, so none is proposed; more research may help, or you choose one yourself."
    )


def _why(primary: TableRow, others: list[TableRow], domain: str) -> str:
    text = f"{primary.name} fits {domain} best of those that meet every hard need: {primary.rating}."
    equal = [row.name for row in others if row.rating.stars == primary.rating.stars]
    if equal:
        names = ", ".join(equal[:3]) + (" and others" if len(equal) > 3 else "")
        text += f" {names} {'has' if len(equal) == 1 else 'have'} as many stars and not more evidence."
    return text


def _strengths(row: TableRow) -> tuple[str, ...]:
    found = [part.why for part in row.rating.parts if part.points > 0]
    if row.licence.verdict is CommercialUse.YES:
        found.append(f"{row.licence.display} allows commercial use.")
    return tuple(found)


def _concerns(row: TableRow) -> tuple[str, ...]:
    found = [part.why for part in row.rating.parts if part.points < 0]
    found += [part.why for part in row.rating.parts if part.points == 0 and not part.sources]
    if row.licence.laundering:
        found.append("Its stated licence is more permissive than that of the weights it was made from.")
    if row.licence.condition:
        found.append(row.licence.condition)
    found += row.licence.clauses
    unknown = [cell.column.value for cell in row.cells if cell.text == UNKNOWN]
    if unknown:
        found.append(f"Unknown: {', '.join(unknown)}.")
    differing = [
        cell.column.value for cell in row.cells if cell.contradictions and cell.column is not Column.FIT
    ]
    if differing:
        found.append(f"Sources disagree on: {', '.join(differing)}.")
    return tuple(dict.fromkeys(found))


def _backup(primary: TableRow, others: list[TableRow]) -> tuple[str | None, str]:
    for row in others:
        difference = _difference(primary, row)
        if difference:
            skipped = others[: others.index(row)]
            text = f"{row.name} ({row.rating}) is the best one with another risk: {difference}."
            if skipped:
                text += f" {skipped[0].name} ranks higher but shares lineage and licence with the primary."
            return row.key, text
    if not others:
        return None, "No other candidate may be proposed."
    return None, (
        f"Every other candidate comes from {primary.lineage} weights under {primary.licence.display} too, "
        "so what speaks against the primary would speak against it."
    )


def _difference(one: TableRow, other: TableRow) -> str:
    parts = []
    if one.lineage != other.lineage:
        parts.append(f"its weights are of the {other.lineage} line, not {one.lineage}")
    if one.licence.display != other.licence.display:
        parts.append(f"its licence is {other.licence.display}, not {one.licence.display}")
    return " and ".join(parts)
