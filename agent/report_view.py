"""The document of a run and every file that goes with it, made from the rows as they are now.

Nothing is read from, or written to, a folder: a name that a client gives is looked up among those that the
document has, and leads nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from sqlalchemy.orm import Session

from agent.story import Story, story_at
from graphs.options import RunOptions
from store import evaluation, research, runs
from tools.clock import Clock, FixedClock
from tools.faults import NotFound
from tools.report import ReportData, render
from tools.report.document import STEM
from tools.table_export import to_csv, to_json, to_markdown
from tools.table_html import to_html

MEDIA = {
    "md": "text/markdown",
    "html": "text/html",
    "json": "application/json",
    "jsonl": "application/jsonl",
    "yaml": "application/yaml",
    "svg": "image/svg+xml",
    "csv": "text/csv",
}


class File(NamedTuple):
    """One file of a run."""

    name: str
    media: str
    text: Callable[[], str]
    """Makes its content."""


def report_data(session: Session, run_id: str, clock: Clock) -> ReportData:
    """Everything that the document shows; :class:`NotFound` while nothing is judged."""
    from graphs.report_data import assemble

    row = runs.get(session, run_id)
    if not evaluation.has_assessments(session, row.id, "primary"):
        raise NotFound(f"Run {row.id} has nothing to report yet.", f"`bms show {row.id}` tells where it is.")
    story = _story(RunOptions.model_validate(row.options))
    if story is not None:
        clock = FixedClock(story.about.recorded_at)
    return assemble(session, row.id, clock, None if story is None else story.replayed)


def _story(options: RunOptions) -> Story | None:
    return None if options.story is None else story_at(options.story)


def files(session: Session, run_id: str, clock: Clock) -> dict[str, File]:
    """The files that there are by now: the table's, and once something is judged those of the document."""
    row = runs.get(session, run_id)
    found = _of_table(session, row.id)
    if evaluation.has_assessments(session, row.id, "primary"):
        found += _of_document(report_data(session, row.id, clock))
    return {file.name: file for file in found}


def file_text(session: Session, run_id: str, name: str, clock: Clock) -> tuple[File, str]:
    """One file with its content; :class:`NotFound` for any other name."""
    row = runs.get(session, run_id)
    of_table = {file.name: file for file in _of_table(session, row.id)}
    # The document takes its time: it is made for a name of its own only.
    found = of_table if name in of_table else files(session, row.id, clock)
    if name not in found:
        raise NotFound(f"Run {row.id} has no file of this name.", f"/api/runs/{row.id}/files has the names.")
    return found[name], found[name].text()


def _of_table(session: Session, run_id: str) -> list[File]:
    offered = research.newest_table(session, run_id)
    if offered is None:
        return []
    table, proposal = offered.table, offered.proposal
    return [
        _file("table.md", partial(to_markdown, table)),
        _file("table.csv", partial(to_csv, table)),
        _file("table.json", partial(to_json, table)),
        _file("table.html", partial(to_html, table, proposal)),
    ]


def _of_document(data: ReportData) -> list[File]:
    made = render(data)
    return [
        _file(f"{STEM}.md", lambda: made.markdown),
        _file(f"{STEM}.html", lambda: made.html),
        _file(f"{STEM}.json", partial("".join, made.json)),
        *(_file(name, partial(str, svg)) for name, svg in made.figures.items()),
        *(_file(name, partial("".join, pieces)) for name, pieces in made.exports.items()),
    ]


def _file(name: str, text: Callable[[], str]) -> File:
    return File(name, MEDIA[name.rpartition(".")[2]], text)
