"""Tables and results for a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy.orm import Session

from agent.terminal import plain
from graphs.results import result_of
from store import evaluation
from tools.evaluation import Verdict
from tools.proposal import Proposal
from tools.table import Column, ComparisonTable

RATIOS = {
    Column.MODEL: 16,
    Column.PARAMS: 13,
    Column.LICENCE: 12,
    Column.CONTEXT: 10,
    Column.RELEASE: 10,
    Column.FOCUS: 10,
    Column.QUANTIZATION: 16,
    Column.COMMUNITY: 10,
    Column.FIT: 9,
    Column.NOTES: 22,
}
LONGEST_CELL = 120
"""Characters of a cell on the screen; `bms evidence` and the files have the whole text."""

FIRST = 12
"""Rows shown unless all are asked for."""


def print_table(
    console: Console, table: ComparisonTable, proposal: Proposal | None, *, limit: int | None = FIRST
) -> None:
    """The comparison table with its footnotes, and the proposal under it."""
    rows = table.rows if limit is None else table.rows[:limit]
    grid = Table(
        title=f"Candidates for {plain(table.domain_title)}, {plain(table.request.size)}",
        expand=True,
        title_style="bold",
        row_styles=("", "on grey7"),
        padding=(0, 1, 1, 1),
        collapse_padding=True,
    )
    for column in Column:
        grid.add_column(plain(column.value), overflow="fold", ratio=RATIOS[column])
    notes: list[str] = []
    for row in rows:
        cells = []
        for column in Column:
            cell = row.cell(column)
            text = plain(_short(cell.text))
            if cell.contradictions:
                notes.append(_footnote(row.name, column, cell.facts, cell.contradictions))
                text += f" [{len(notes)}]".replace("[", r"\[")
            cells.append(f"[dim]{text}[/]" if row.excluded else text)
        mark = _mark(row.key, proposal)
        cells[0] = f"{mark}{cells[0]}"
        grid.add_row(*cells)
    console.print(grid)
    for number, note in enumerate(notes, 1):
        console.print(f"[dim]\\[{number}] {note}[/]", highlight=False)
    if len(rows) < len(table.rows):
        console.print(f"[dim]{len(table.rows) - len(rows)} more: bms table RUN --all[/]", highlight=False)
    if table.rejected:
        total = sum(group.count for group in table.rejected)
        top = "; ".join(f"{group.count} {plain(group.reason)}" for group in table.rejected[:4])
        console.print(f"[dim]{total} rejected: {top}[/]", highlight=False)
    if proposal is not None:
        print_proposal(console, proposal)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL - 1].rstrip() + "…"


def _mark(key: str, proposal: Proposal | None) -> str:
    if proposal is None or key not in {proposal.primary, proposal.backup}:
        return ""
    return "[bold green]primary[/]\n" if key == proposal.primary else "[bold blue]backup[/]\n"


def _footnote(name: str, column: Column, shown: tuple[object, ...], others: tuple[object, ...]) -> str:
    from tools.facts import Fact

    def said(facts: tuple[object, ...]) -> str:
        return ", ".join(f"{plain(f.value)} ({plain(f.source.url)})" for f in facts if isinstance(f, Fact))

    return f"{plain(name)}, {plain(column.value)}: shown {said(shown)}; also said {said(others)}"


def print_proposal(console: Console, proposal: Proposal) -> None:
    console.print()
    if proposal.primary is None:
        console.print(f"[bold yellow]No proposal.[/] {plain(proposal.why_primary)}", highlight=False)
    else:
        console.print(
            f"[bold green]Primary[/] {plain(proposal.primary)}: {plain(proposal.why_primary)}",
            highlight=False,
        )
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


def print_sample(console: Console, session: Session, run_id: str, role: str, sample: tuple[str, ...]) -> None:
    """Scenarios, answers and the criteria that failed, for reading."""
    given = evaluation.answers(session, run_id, role)
    judge = evaluation.newest_judge(session, run_id, role)
    judged = {} if judge is None else evaluation.assessments(session, run_id, role, judge)
    for scenario in evaluation.scenarios(session, run_id):
        if scenario.id not in sample or scenario.id not in given:
            continue
        console.rule(escape(f"{scenario.id} · {scenario.topic} · {scenario.style}"))
        console.print(f"[bold]User:[/] {plain(scenario.message)}", highlight=False)
        console.print(f"[bold]Model:[/] {plain(given[scenario.id].text)}", highlight=False)
        for verdict in judged[scenario.id].verdicts if scenario.id in judged else ():
            if verdict.verdict is Verdict.NO:
                console.print(
                    f"[red]{plain(verdict.criterion)} NO:[/] {plain(verdict.reason)}", highlight=False
                )


def print_result(console: Console, session: Session, run_id: str) -> None:
    """The headline of every evaluated model, recomputed from rows."""
    for role in evaluation.roles(session, run_id):
        judge = evaluation.newest_judge(session, run_id, role)
        if judge is None:
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
