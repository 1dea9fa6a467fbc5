"""The document in the page, what it comes to, its files, and what to do next."""

from __future__ import annotations

from typing import NamedTuple

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from agent import views
from agent.pages.shared import of_run
from agent.pages.shell import run_view
from agent.pages.ways import ways
from agent.report_view import report_data
from agent.service.place import Here
from agent.views import ResultView
from store import runs
from tools.clock import Clock
from tools.escape import shorten
from tools.report.document import figure_file
from tools.report.lines import Line
from tools.report.next_steps import Plan
from tools.report.view import view_of

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


class Outcome(NamedTuple):
    """What the evaluation of one model comes to."""

    headline: ResultView
    cautions: tuple[str, ...]
    """What stands beside the results: how it was run differs from what was asked for."""
    plan: Plan


class File(NamedTuple):
    """A file that the document comes with."""

    name: str
    about: str


MOST_SAID = 160
"""Characters of what a figure shows; it says all of it itself."""
TABLE_FILES = (
    File("table.md", "the comparison table as Markdown"),
    File("table.csv", "the comparison table for a spreadsheet"),
    File("table.json", "the comparison table with every source, for programs"),
    File("table.html", "the comparison table as one page"),
)


class Reported(NamedTuple):
    """Everything that the view shows."""

    run_id: str
    banners: tuple[Line, ...]
    outcomes: tuple[Outcome, ...]
    """Primary, then backup."""
    paired: tuple[Line, ...]
    """Both on the same scenarios."""
    files: tuple[File, ...]
    """Beside the document itself."""
    again: str
    """Command that repeats the run."""


def reported(session: Session, run_id: str, clock: Clock) -> Reported | None:
    """The report as the rows are now; None while nothing is judged."""
    row = runs.get(session, run_id)
    headlines = {one.role: one for one in views.result_views(session, row.id)}
    if not headlines:
        return None
    view = view_of(report_data(session, row.id, clock))
    return Reported(
        run_id=row.id,
        banners=view.banners,
        outcomes=tuple(
            Outcome(headlines[model.result.role], model.warnings, model.plan) for model in view.models
        ),
        paired=view.paired,
        files=(
            *(File(export.name, export.about) for export in view.exports),
            *(() if view.data.table is None else TABLE_FILES),
            *(
                File(figure_file(figure), shorten(figure.description, MOST_SAID))
                for figure in (*(one for model in view.models for one in model.drawn), view.coverage)
                if figure is not None
            ),
        ),
        again=view.again,
    )


@router.get("/runs/{run_id}/report")
async def report(request: Request, run_id: str, here: Here) -> HTMLResponse:
    """The headline recomputed from rows, the document, and its files."""
    found = await of_run(request, here, run_id, reported, here.clock, long=True)
    return await run_view(request, here, run_id, "report.html", "report", found=found, ways=ways)
