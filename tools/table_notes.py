"""What stands under a comparison table: footnotes on its cells, and how full and how fresh it is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Final, NamedTuple

from tools.agreement import RULES
from tools.candidates import FoundBy
from tools.facts import CONTEXTS, Fact, Factor
from tools.table_records import Column, ComparisonTable, CoverageNote, RejectedGroup, TableRow

PRECEDENCE: Final = {
    1: "the artefact's own metadata",
    2: "the maker's config or card",
    3: "a vendor's documentation",
    4: "a third party",
}
RULE: Final = (
    "shown is the value of the better source: the artefact's own metadata, then the maker, then vendors, "
    "then third parties; among equals its own repository, then the newest reading"
)
CONTEXT_RULE: Final = (
    "shown is what the maker says in words of the trained length, since a config may hold head-room and "
    "scaling; then the better source"
)
STARS: Final = (
    "⭐ 1 to 5, computed from what sources say of a model in this domain. “no evidence”: no source that "
    "counts speaks of it, which says nothing against it. `bms evidence RUN MODEL` shows the sum."
)
REASONS: Final = 12
"""Reasons of rejection that are told one by one."""


class Footnote(NamedTuple):
    """What there is to say about a cell beside its text."""

    where: str
    """The row and the column, or the column alone where several rows share the note."""
    shown: tuple[Fact, ...]
    differing: tuple[Fact, ...]
    otherwise: tuple[Fact, ...]
    read_by: tuple[str, ...]
    """Rules by which the values displayed were read."""


class Footnotes(NamedTuple):
    notes: tuple[Footnote, ...]
    numbers: dict[tuple[str, Column], int]
    """Key of a row and column → number of its note, from 1."""


def footnotes(rows: Iterable[TableRow], columns: Iterable[Column]) -> Footnotes:
    """Footnotes of ``rows`` in reading order.

    Of values said differently only contexts are noted, since 128k and 131,072 look like two. A factor that
    several columns rest on is noted in the first of them; cells that were only read by the same rule share a
    note.
    """
    notes: dict[Footnote, int] = {}
    numbers: dict[tuple[str, Column], int] = {}
    columns = tuple(columns)
    for row in rows:
        told: set[Factor] = set()
        for column in columns:
            note = _note(row, column, told)
            if note is not None:
                numbers[row.key, column] = notes.setdefault(note, len(notes) + 1)
            told |= {fact.factor for fact in row.cell(column).facts}
    return Footnotes(tuple(notes), numbers)


def _note(row: TableRow, column: Column, told: set[Factor]) -> Footnote | None:
    cell = row.cell(column)
    differing = tuple(fact for fact in cell.contradictions if fact.factor not in told)
    otherwise = tuple(fact for fact in cell.otherwise if fact.factor in CONTEXTS - told)
    shown = tuple(fact for fact in cell.facts if fact.factor not in told)
    read_by = tuple(dict.fromkeys(fact.note for fact in shown if fact.note))
    if not differing and not otherwise:
        noted = read_by and column is Column.CONTEXT  # how memory was estimated stands in its own cell
        return Footnote(column.value, (), (), (), read_by) if noted else None
    factors = {fact.factor for fact in (*differing, *otherwise)}
    cited = tuple(fact for fact in shown if fact.factor in factors)
    return Footnote(f"{row.name}, {column.value}", cited, differing, otherwise, read_by)


def in_words(note: Footnote, plain: Callable[[str], str], link: Callable[[str], str]) -> str:
    """``note`` as sentences; ``plain`` and ``link`` make words and addresses safe for where it is shown."""

    def cited(facts: tuple[Fact, ...]) -> str:
        return "; ".join(
            f"{fact.factor.value.replace('_', ' ')} {plain(str(fact.value)[:120])} "
            f"according to {PRECEDENCE[int(fact.source.kind)]}, {link(fact.source.url)}"
            for fact in facts
        )

    sentences = [f"{plain(note.where)}:"]
    if note.shown:
        sentences.append(f"{cited(note.shown)}.")
    if note.differing:
        rule = CONTEXT_RULE if {fact.factor for fact in note.differing} <= CONTEXTS else RULE
        sentences.append(f"Differs: {cited(note.differing)}. Rule: {rule}.")
    if note.otherwise:
        rules = dict.fromkeys(RULES[f.factor] for f in note.otherwise if f.factor in RULES)
        why = f" ({'; '.join(rules)})" if rules else ""
        sentences.append(f"The same, said differently{why}: {cited(note.otherwise)}.")
    if note.read_by:
        sentences.append(f"Read by the rule: {plain('; '.join(rule.rstrip('.') for rule in note.read_by))}.")
    return " ".join(sentences)


def foot(table: ComparisonTable) -> list[str]:
    """How many candidates and cells there are, what research covered, and how old the oldest fact is.

    Untrusted text may be in it: escape it wherever it is shown.
    """
    counts = table.counts
    lines = [
        f"{counts.seen:,} candidates seen: {counts.viable:,} viable, {counts.excluded:,} excluded by a hard "
        f"need, {counts.rejected:,} rejected by research.",
        f"{counts.filled:,} cells filled, {counts.unknown:,} unknown, {counts.contradicted:,} in "
        "contradiction.",
    ]
    lines += _coverage(table.coverage)
    lines += _attributions(table)
    if table.oldest is not None:
        lines.append(f"The oldest fact was read {_age(table.oldest, table)}.")
    return lines


def _attributions(table: ComparisonTable) -> list[str]:
    """Who is to be named for the leaderboards' figures that the table shows."""
    from tools.leaderboards import leaderboards

    cited = {
        claim.source.url
        for row in table.rows
        for claim in row.evidence
        if claim.found_by is FoundBy.LEADERBOARD
    }
    named = [
        f"{board.title}: {board.attribution}; licence: {board.licence}."
        for board in leaderboards()
        if any(url.startswith(board.address().partition("?")[0]) for url in cited)
    ]
    return list(dict.fromkeys(named))


def rejections(table: ComparisonTable) -> list[RejectedGroup]:
    """The most frequent reasons of rejection, the others folded into one group at the end."""
    groups = list(table.rejected)
    if len(groups) <= REASONS:
        return groups
    rest = groups[REASONS:]
    other = RejectedGroup(
        reason=f"{len(rest)} other reasons; `bms table RUN --rejected` lists every candidate",
        count=sum(group.count for group in rest),
    )
    return [*groups[:REASONS], other]


def _coverage(note: CoverageNote | None) -> list[str]:
    if note is None:
        return []
    lines, measured = [], note.measured
    if note.share is not None:
        interval = ""
        if measured is not None and measured.low is not None and measured.high is not None:
            interval = f", 95 % interval of the sample {measured.low:.0%} to {measured.high:.0%}"
        lines.append(
            f"Coverage {note.share:.0%} (too thin below {note.threshold:.0%}{interval}) of what such queries "
            "can show, not of all models."
        )
    if measured is not None:
        if measured.sample_coverage is not None:
            unseen = math.ceil(measured.unseen)
            lines.append(
                f"At least {unseen} more viable candidates are estimated to be unseen."
                if unseen
                else "No further viable candidate is estimated to be unseen. The estimate is a lower bound."
            )
        if measured.truncated:
            lines.append(f"Not read to their end: {', '.join(measured.truncated[:5])}.")
        if measured.stopped:
            lines.append(f"Research stopped: {measured.stopped}")
    if note.degraded:
        lines.append(
            f"Degraded: {note.blocked} of {note.queries} requests were blocked, {note.failed} failed."
        )
    elif note.detail:
        lines.append(note.detail)
    return lines


def _age(at: datetime, table: ComparisonTable) -> str:
    day = at.astimezone(UTC).date()
    days = (table.built_on - day).days
    if days <= 0:
        return f"on {day.isoformat()}, the day of the table"
    return f"on {day.isoformat()}, {days} day{'' if days == 1 else 's'} before the table"
