"""The start page with a new conversation, one that there is already, and the history of runs."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from agent import views
from agent.pages.render import page
from agent.service.place import Here
from agent.settings import Settings
from agent.views import ResultView, RunSummary
from store import threads
from tools.clock import Clock

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

RECENT = 8
PER_PAGE = 20
EXAMPLES = {
    "evaluate 8B models for therapy coaching": "evaluate 8B models for therapy coaching",
    "7-9B for coding, 12 GB of memory": "evaluate 7-9B models for coding in 12 GB of memory",
    "Replay the recorded therapy story": "replay the demo",
}
"""What a person can click instead of typing, and the words that are said then."""

ThreadId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.:-]{1,40}$")]


class RunLine(NamedTuple):
    """A run in the history."""

    run: RunSummary
    results: tuple[ResultView, ...]
    """Recomputed from its rows; empty before anything was judged."""


class History(NamedTuple):
    total: int
    lines: tuple[RunLine, ...]
    page: int
    pages: int


def history(session: Session, clock: Clock, number: int, per_page: int = PER_PAGE) -> History:
    """One page of the runs, the newest first."""
    found = views.run_page(session, clock, per_page, (number - 1) * per_page)
    return History(
        total=found.total,
        lines=tuple(RunLine(run, tuple(views.result_views(session, run.id))) for run in found.items),
        page=number,
        pages=max(1, -(-found.total // per_page)),
    )


def here_is(settings: Settings) -> tuple[str, ...]:
    """What is set and what is not, in a few words each; from the settings alone."""
    runtime = "found by itself" if settings.runtime == "auto" else settings.runtime
    return (
        f"Brain: {settings.brain or 'none, the conversation works by rules'}",
        f"Judge: {settings.judge or 'not set, you are asked for one'}",
        f"Runtime: {runtime}",
    )


@router.get("/")
async def start(request: Request, here: Here) -> HTMLResponse:
    recent = await here.look(views.run_page, here.clock, RECENT, 0)
    return page(
        request,
        "home.html",
        recent=recent.items,
        more=recent.next is not None,
        examples=EXAMPLES,
        here_is=here_is(here.settings),
        thread_id=None,
        title="",
        run=None,
    )


@router.get("/chats/{thread_id}")
async def chat(thread_id: ThreadId, request: Request, here: Here) -> HTMLResponse:
    def look(session: Session) -> tuple[str, str, RunSummary | None]:
        thread = threads.get(session, thread_id)
        run = None if thread.run_id is None else views.run_state(session, thread.run_id, here.clock)
        return thread.id, thread.title, run

    name, title, run = await here.look(look)
    recent = await here.look(views.run_page, here.clock, RECENT, 0)
    return page(
        request,
        "home.html",
        recent=recent.items,
        more=recent.next is not None,
        examples={},
        here_is=here_is(here.settings),
        thread_id=name,
        title=title,
        run=run,
    )


@router.get("/runs")
async def all_runs(
    request: Request, here: Here, number: Annotated[int, Query(alias="page", ge=1, le=10**6)] = 1
) -> HTMLResponse:
    found = await here.look(history, here.clock, number)
    return page(request, "runs.html", history=found)
