"""Tables and results for a terminal."""

from __future__ import annotations

import re

from rich.console import Console
from rich.table import Table
from sqlalchemy.orm import Session

from agent.terminal import plain
from graphs.results import result_of, sample_of
from store import evaluation
from store.evaluation import ModelRole
from tools.evaluation import Verdict
from tools.proposal import Proposal
from tools.table import Column, ComparisonTable
from tools.table_notes import STARS, foot, footnotes, in_words
from tools.table_view import FIRST, Shown, shown

RATIOS = {
    Column.MODEL: 16,
    Column.PARAMS: 13,
    Column.LICENCE: 12,
    Column.CONTEXT: 10,
    Column.RELEASE: 10,
    Column.FOCUS: 10,
    Column.QUANTIZATION: 16,
    Column.MEMORY: 13,
    Column.COMMUNITY: 10,
    Column.FIT: 9,
    Column.NOTES: 22,
}
EXACT = re.compile(r" \((?:weights [^()]*|[\d,]{9,}(?: bytes)?)\)")
NARROW = 120
"""Columns of a terminal under which only the most telling columns of the table are shown."""
TELLING = (Column.MODEL, Column.PARAMS, Column.LICENCE, Column.CONTEXT, Column.MEMORY, Column.FIT)
LONGEST_CELL = 120
"""Characters of a cell on the screen; `bms evidence` and the files have the whole text."""


def print_table(
    console: Console,
    table: ComparisonTable,
    proposal: Proposal | None,
    *,
    limit: int | None = FIRST,
    view: Shown | None = None,
) -> None:
    """The comparison table with its footnotes, and the proposal under it.

    ``view`` says which rows and columns; without it, the first ``limit`` rows and every column.
    """
    view = view or shown(table, limit=limit)
    whole = view.columns == tuple(Column)
    if whole and console.width < NARROW:
        view = view._replace(columns=TELLING)
    grid = Table(
        title=f"Candidates for {plain(table.domain_title)}, {plain(table.request.size)}",
        expand=True,
        title_style="bold",
        row_styles=("", "on grey7"),
        padding=(0, 1, 1, 1),
        collapse_padding=True,
    )
    for column in view.columns:
        grid.add_column(plain(column.value), overflow="fold", ratio=RATIOS[column])
    notes = footnotes(view.rows, view.columns)
    for row in view.rows:
        cells = []
        for column in view.columns:
            text = plain(_short(row.cell(column).text))
            number = notes.numbers.get((row.key, column))
            if number:
                text += rf" \[{number}]"
            cells.append(f"[dim]{text}[/]" if row.excluded else text)
        mark = _mark(row.key, proposal)
        cells[0] = f"{mark}{cells[0]}"
        grid.add_row(*cells)
    console.print(grid)
    if whole and len(view.columns) < len(Column):
        more = [column.value for column in Column if column not in view.columns]
        wider = f"{len(more)} more columns in a wider terminal, or with --columns: {', '.join(more)}"
        console.print(f"[dim]{plain(wider)}[/]", highlight=False)
    for number, note in enumerate(notes.notes, 1):
        console.print(rf"[dim]\[{number}] {in_words(note, plain, plain)}[/]", highlight=False)
    if Column.FIT in view.columns:
        console.print(f"[dim]{plain(STARS)}[/]", highlight=False)
    if view.more:
        console.print(f"[dim]{view.more} more: bms table RUN --all[/]", highlight=False)
    if table.rejected:
        top = "; ".join(f"{group.count} {plain(group.reason)}" for group in table.rejected[:4])
        rest = sum(group.count for group in table.rejected[4:])
        top += f"; {rest} for other reasons" if rest else ""
        console.print(f"[dim]{table.counts.rejected} rejected: {top}[/]", highlight=False)
    for line in foot(table):
        console.print(f"[dim]{plain(line)}[/]", highlight=False)
    if proposal is not None:
        print_proposal(console, proposal)


def _short(text: str) -> str:
    """A cell for the screen; exact counts in brackets stand in the files and in `bms evidence`."""
    text = EXACT.sub("", text)
    return text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL - 1].rstrip() + "…"


def _mark(key: str, proposal: Proposal | None) -> str:
    if proposal is None or key not in {proposal.primary, proposal.backup}:
        return ""
    return "[bold green]primary[/]\n" if key == proposal.primary else "[bold blue]backup[/]\n"


def print_proposal(console: Console, proposal: Proposal) -> None:
    console.print()
    if proposal.primary is None:
        console.print(f"[bold yellow]No proposal.[/] {plain(proposal.why_primary)}", highlight=False)
    else:
        console.print(
            f"[bold green]Primary[/] {plain(proposal.primary)}: {plain(proposal.why_primary)}",
            highlight=False,
        )
        for sentence in proposal.over:
            console.print(f"  > {plain(sentence)}", highlight=False)
        for strength in proposal.strengths:
            console.print(f"  + {plain(strength)}", highlight=False)
        for concern in proposal.concerns:
            console.print(f"  – {plain(concern)}", highlight=False)
        if proposal.backup:
            console.print(
                f"[bold blue]Backup[/]  {plain(proposal.backup)}: {plain(proposal.why_backup)}",
                highlight=False,
            )
        else:
            console.print(f"No backup: {plain(proposal.why_backup)}")
    if proposal.coverage_warning:
        console.print(f"[yellow]! {plain(proposal.coverage_warning)}[/]", highlight=False)


def print_sample(
    console: Console, session: Session, run_id: str, role: ModelRole, sample: tuple[str, ...]
) -> None:
    """Answers for reading, each with why it was chosen and the criteria that it failed."""
    result = result_of(session, run_id, role, evaluation.judge_of(session, run_id, role) or "")
    reasons = {pick.row.scenario.id: pick.why for pick in sample_of(result)}
    for scenario, answer, assessment, _ in result.lines:
        if scenario.id not in sample:
            continue
        why = (reasons[scenario.id],) if scenario.id in reasons else ()
        console.rule(plain(" · ".join((scenario.id, scenario.topic, scenario.style, *why))))
        console.print(f"[bold]User:[/] {plain(scenario.message)}", highlight=False)
        console.print(f"[bold]Model:[/] {plain(answer.text)}", highlight=False)
        for verdict in assessment.verdicts:
            if verdict.verdict is Verdict.NO:
                console.print(
                    f"[red]{plain(verdict.criterion)} NO:[/] {plain(verdict.reason)}", highlight=False
                )


def print_result(console: Console, session: Session, run_id: str) -> None:
    """The headline of every evaluated model, recomputed from rows."""
    for role in evaluation.roles(session, run_id):
        judge = evaluation.judge_of(session, run_id, role)
        if judge is None or not evaluation.has_assessments(session, run_id, role):
            continue
        result = result_of(session, run_id, role, judge)
        held = evaluation.held(session, run_id, role)
        assert held is not None
        decision = result.decision
        rate = "–" if decision.pass_rate is None else f"{decision.pass_rate:.0%}"
        console.print(
            f"[bold]{plain(held.candidate)}[/] ({role}): {decision.passes} of {decision.measured} passed "
            f"({rate}), {decision.unmeasured} unmeasured, {len(result.lines)} of {result.planned} scenarios. "
            f"[bold]{decision.kind.value}[/]",
            highlight=False,
        )
        console.print(f"  {plain(decision.reason)}", highlight=False)
