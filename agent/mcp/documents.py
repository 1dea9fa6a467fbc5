"""The evaluation document and the table as whole texts."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from sqlalchemy.orm import Session

from agent import views
from agent.story import load_story
from graphs.options import RunOptions
from graphs.report_data import assemble
from store import evaluation, runs
from tools.clock import FixedClock, SystemClock
from tools.faults import NotFound
from tools.table_export import to_markdown

Form = Literal["md", "html", "json"]


def document(session: Session, run: str, form: Form) -> str:
    """The document as the rows are now; :class:`~tools.faults.NotFound` while nothing is judged."""
    from tools.report import render_html, render_json, render_markdown

    row = runs.get(session, run)
    if not evaluation.has_assessments(session, row.id, "primary"):
        raise NotFound(f"Run {row.id} has nothing to report yet.", "`status` tells where it is.")
    told = RunOptions.model_validate(row.options).story
    if told is None:
        data = assemble(session, row.id, SystemClock())
    else:
        story = load_story(Path(told).name, Path(told).parent)
        data = assemble(session, row.id, FixedClock(story.about.recorded_at), story.replayed)
    return {"md": render_markdown, "html": render_html, "json": render_json}[form](data)


def whole_table(session: Session, run: str) -> str:
    """The table in Markdown with every row and its footnotes."""
    seen = views.table_view(session, run)
    return f"Table {seen.hash}\n\n{to_markdown(seen.table, None)}"
