"""Why each candidate shown was considered, what became of it, and what the selected ones' cells rest on."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from tools.candidates import Stance
from tools.facts import Source
from tools.proposal import claimed
from tools.rating import Rating
from tools.report.data import ReportData
from tools.table import Column, ComparisonTable, TableRow
from tools.table_export import PRECEDENCE

SHOWN = 12
"""Eligible candidates that the document shows, as many as the table in Markdown."""
LONGEST_QUOTE = 300


class CandidateNote(NamedTuple):
    """One candidate in words."""

    name: str
    key: str
    stars: str
    considered: str
    """Why it is in the table at all."""
    outcome: str
    """``selected as primary``, ``selected as backup``, ``not selected`` or ``excluded``."""
    why: str
    strengths: tuple[str, ...]
    weaknesses: tuple[str, ...]


class SourceLine(NamedTuple):
    """One thing that was read about a selected candidate."""

    what: str
    value: str
    url: str
    said_by: str
    quote: str
    """Verbatim; empty when a field of a record was read."""
    field: str
    retrieved_at: datetime
    note: str = ""
    """``differs from the value shown``, or that a claim was not counted."""


class SelectedSources(NamedTuple):
    name: str
    key: str
    role: str
    lines: tuple[SourceLine, ...]


def candidate_notes(data: ReportData, limit: int = SHOWN) -> tuple[CandidateNote, ...]:
    """Notes on the eligible rows shown, on a selected one further down, and on nothing else."""
    table = data.table
    if table is None:
        return ()
    chosen = _chosen(data)
    shown = list(table.eligible[:limit])
    shown += [row for row in table.rows if row.key in chosen and row not in shown]
    return tuple(_note(row, data, table) for row in shown)


def selected_sources(data: ReportData) -> tuple[SelectedSources, ...]:
    """Everything that stands behind the cells of the primary and the backup."""
    if data.table is None:
        return ()
    rows = {row.key: row for row in data.table.rows}
    return tuple(
        SelectedSources(rows[key].name, key, role, _lines(rows[key]))
        for key, role in _chosen(data).items()
        if key in rows
    )


def _chosen(data: ReportData) -> dict[str, str]:
    """Key of a selected candidate → its role."""
    found = {model.candidate: str(model.role) for model in data.models}
    if data.approval is not None:
        for key, role in ((data.approval.primary, "primary"), (data.approval.backup, "backup")):
            if key:
                found.setdefault(key, role)
    return found


def _note(row: TableRow, data: ReportData, table: ComparisonTable) -> CandidateNote:
    line = data.candidate(row.key)
    considered = "not recorded" if line is None else f"{line.reason}; found by {line.found_by}"
    role = _chosen(data).get(row.key)
    if role:
        outcome, why = f"selected as {role}", _why_selected(row, role, data)
    elif row.excluded:
        outcome, why = "excluded", " ".join(row.excluded)
    else:
        outcome, why = "not selected", _why_not(row, data, table)
    return CandidateNote(
        name=row.name,
        key=row.key,
        stars=stars(row.rating),
        considered=considered,
        outcome=outcome,
        why=why,
        strengths=tuple(part.why for part in row.rating.parts if part.points > 0),
        weaknesses=(
            *(part.why for part in row.rating.parts if part.points < 0),
            *claimed(row, Stance.AGAINST),
        ),
    )


def stars(rating: Rating) -> str:
    """``⭐⭐⭐⭐ 4.0`` or ``no evidence``."""
    return str(rating)


def _why_selected(row: TableRow, role: str, data: ReportData) -> str:
    proposal, approval = data.proposal, data.approval
    if proposal is None:
        return "Named directly."
    proposed = proposal.primary if role == "primary" else proposal.backup
    if row.key == proposed:
        return proposal.why_primary if role == "primary" else proposal.why_backup
    said = approval.reason if approval is not None else ""
    who = approval.by if approval is not None else "a person"
    was = data.name_of(proposed) if proposed else "none"
    because = f"with the reason: {said}" if said else "without giving a reason"
    return f"The proposal was {was}; {who} chose {row.name} instead, {because}"


def _why_not(row: TableRow, data: ReportData, table: ComparisonTable) -> str:
    if row.rating.stars is None:
        return "No source was read that says how well it fits the domain, so it was not proposed."
    key = next((key for key, role in _chosen(data).items() if role == "primary"), None)
    primary = next((other for other in table.rows if other.key == key), None)
    if primary is None or primary.rating.stars is None:
        return "It was not chosen."
    mine, theirs = row.rating.stars, primary.rating.stars
    if mine < theirs:
        text = f"{mine:.1f} stars against {theirs:.1f} of {primary.name}."
    elif mine > theirs:
        text = f"It has {mine:.1f} stars, {primary.name} {theirs:.1f}, which was chosen all the same."
    else:
        counted, others = _counted(row), _counted(primary)
        text = f"As many stars as {primary.name}, on {counted} claims against {others}."
    if row.lineage == primary.lineage and row.licence.display == primary.licence.display:
        text += " As a backup it would share lineage and licence with the primary."
    return text


def _counted(row: TableRow) -> int:
    return sum(not claim.suspicious for claim in row.evidence)


def _lines(row: TableRow) -> tuple[SourceLine, ...]:
    lines: list[SourceLine] = []
    for cell in row.cells:
        if cell.column is Column.FIT:
            continue
        for fact in cell.facts:
            what = f"{cell.column.value}: {fact.factor.value.replace('_', ' ')}"
            lines.append(_line(what, str(fact.value), fact.source))
        for fact in cell.contradictions:
            what = f"{cell.column.value}: {fact.factor.value.replace('_', ' ')}"
            lines.append(_line(what, str(fact.value), fact.source, "differs from the value shown"))
    for claim in row.evidence:
        note = "tries to instruct its reader; not counted" if claim.suspicious else ""
        what = f"Evidence, {claim.kind.value}, {claim.stance.value}"
        lines.append(_line(what, claim.summary, claim.source, note))
    return tuple(dict.fromkeys(lines))


def _line(what: str, value: str, source: Source, note: str = "") -> SourceLine:
    return SourceLine(
        what=what,
        value=value,
        url=source.url,
        said_by=PRECEDENCE[int(source.kind)],
        quote=source.quote or "",
        field=source.record_field or "",
        retrieved_at=source.retrieved_at,
        note=note,
    )
