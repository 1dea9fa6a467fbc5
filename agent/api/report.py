"""The document of a run in each form, and the files that go with it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from agent import report_view, views
from agent.api.forms import HTML, JSON, MARKDOWN, contents, document, form_of
from agent.api.inputs import ONLY_TEXT, RunId
from agent.api.response_examples import FILE_TEXTS, FILES, REPORT, REPORT_TEXTS, answered
from agent.service.place import Here
from agent.service.problems import responses
from tools.clock import Clock
from tools.report import render_html, render_json, render_markdown

router = APIRouter(tags=["report"], dependencies=[ONLY_TEXT])

REPORT_FORMS = {"md": MARKDOWN, "html": HTML, "json": JSON}
_DOCUMENT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The document.",
        "content": contents(REPORT_TEXTS) | {JSON: {"schema": {"type": "object"}, "example": REPORT}},
    }
}
_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file, to be saved.",
        "content": contents(FILE_TEXTS) | {JSON: {"schema": {}, "example": REPORT}},
    }
}
_RENDER = {"md": render_markdown, "html": render_html, "json": render_json}


class FileAbout(BaseModel):
    """A file that can be had."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    name: str
    media_type: str
    href: str
    """Where it can be had."""


class FileList(BaseModel):
    items: tuple[FileAbout, ...]


def rendered(session: Session, run_id: str, form: str, clock: Clock) -> str:
    return _RENDER[form](report_view.report_data(session, run_id, clock))


@router.get(
    "/runs/{run_id}/report",
    operation_id="get_report",
    responses=_DOCUMENT | responses(404, 406, 422),
)
async def get_report(
    run_id: RunId,
    request: Request,
    here: Here,
    form: Annotated[
        Literal["md", "html", "json"] | None,
        Query(alias="format", description="Instead of what `Accept` says; Markdown without either."),
    ] = None,
) -> Any:
    """The evaluation document as the rows are now: Markdown, one HTML page with its figures, or JSON with
    every row. 404 while nothing has been judged."""
    wanted = form_of(request, form, REPORT_FORMS)
    text = await here.study(rendered, run_id, wanted, here.clock)
    return document(text, REPORT_FORMS[wanted])


@router.get(
    "/runs/{run_id}/files",
    operation_id="list_files",
    responses=answered("The files.", FILES) | responses(404, 422),
)
async def list_files(run_id: RunId, here: Here) -> FileList:
    """The files that there are by now: the table's, the document with its figures, exports for programs."""
    whole = await here.look(views.whole_id, run_id)
    found = await here.study(report_view.files, whole, here.clock)
    return FileList(
        items=tuple(
            FileAbout(name=one.name, media_type=one.media, href=f"/api/runs/{whole}/files/{one.name}")
            for one in found.values()
        )
    )


@router.get(
    "/runs/{run_id}/files/{name}",
    operation_id="get_file",
    responses=_FILE | responses(404, 422),
)
async def get_file(
    run_id: RunId,
    here: Here,
    name: Annotated[
        str,
        Path(
            pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,120}$",
            description="One of the names of the list of files.",
            examples=["answers.jsonl"],
        ),
    ],
) -> Any:
    """One file, made from the rows. The name is looked up in the list of files and nowhere else."""
    file, text = await here.study(report_view.file_text, run_id, name, here.clock)
    return document(text, file.media, file.name)
