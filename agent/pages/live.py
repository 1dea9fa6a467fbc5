"""A run as it goes: the overview, research and evaluation, each with the parts that are fetched anew."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from agent import views
from agent.api.inputs import RunId
from agent.pages.curve import drawing, thinned
from agent.pages.evaluation_live import evaluation_live, per_minute
from agent.pages.log import log
from agent.pages.overview import overview, pulse, run_summary
from agent.pages.rates import duration
from agent.pages.render import page
from agent.pages.research_live import research_live
from agent.pages.shared import of_run
from agent.pages.shell import run_view
from agent.service.place import Here

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

Tab = Literal["overview", "research", "table", "approval", "evaluation", "labels", "failures", "report"]
WORDS: dict[str, Any] = {
    "per_minute": per_minute,
    "duration": duration,
    "quiet": lambda seconds: duration(timedelta(seconds=seconds)),
    "drawing": drawing,
    "thinned": thinned,
}
"""Functions that the templates call."""


@router.get("/runs/{run_id}")
async def overview_page(run_id: RunId, request: Request, here: Here) -> HTMLResponse:
    found = await here.look(overview, run_id, here.clock)
    beat = await here.look(pulse, run_id, here.clock)
    lines = await of_run(request, here, run_id, log)
    context = {"live": found, "lost": found.lost, "pulse": beat, "lines": lines, **WORDS}
    return await run_view(request, here, run_id, "overview.html", "overview", run=found.run, **context)


@router.get("/runs/{run_id}/research")
async def research_page(run_id: RunId, request: Request, here: Here) -> HTMLResponse:
    run = await here.look(views.run_state, run_id, here.clock)  # first: what comes now is heard as an event
    beat = await here.look(pulse, run_id, here.clock)
    found = await of_run(request, here, run_id, research_live)
    return await run_view(
        request, here, run_id, "research.html", "research", run=run, pulse=beat, research=found, **WORDS
    )


@router.get("/runs/{run_id}/evaluation")
async def evaluation_page(run_id: RunId, request: Request, here: Here) -> HTMLResponse:
    run = await here.look(views.run_state, run_id, here.clock)
    beat = await here.look(pulse, run_id, here.clock)
    found = await of_run(request, here, run_id, evaluation_live)
    return await run_view(
        request, here, run_id, "evaluation.html", "evaluation", run=run, pulse=beat, evaluation=found, **WORDS
    )


# --- parts --------------------------------------------------------------------------------------------------


@router.get("/runs/{run_id}/parts/head")
async def head_part(
    run_id: RunId, request: Request, here: Here, tab: Annotated[Tab, Query()] = "overview"
) -> HTMLResponse:
    run = await of_run(request, here, run_id, run_summary, here.clock)
    return page(request, "run_head.html", run=run, tab=tab)


@router.get("/runs/{run_id}/parts/research")
async def research_part(run_id: RunId, request: Request, here: Here) -> HTMLResponse:
    beat = await here.look(pulse, run_id, here.clock)
    found = await of_run(request, here, run_id, research_live)
    return page(request, "research_part.html", pulse=beat, research=found, **WORDS)


@router.get("/runs/{run_id}/parts/evaluation")
async def evaluation_part(run_id: RunId, request: Request, here: Here) -> HTMLResponse:
    beat = await here.look(pulse, run_id, here.clock)
    found = await of_run(request, here, run_id, evaluation_live)
    return page(request, "evaluation_part.html", pulse=beat, evaluation=found, **WORDS)


@router.get("/runs/{run_id}/parts/pulse/heartbeat")
async def heartbeat_part(run_id: RunId, request: Request, here: Here) -> HTMLResponse:
    beat = await here.look(pulse, run_id, here.clock)
    return page(request, "heartbeat_part.html", pulse=beat, **WORDS)


@router.get("/runs/{run_id}/parts/pulse/log")
async def log_part(run_id: RunId, request: Request, here: Here) -> HTMLResponse:
    return page(request, "log_part.html", lines=await of_run(request, here, run_id, log))


@router.get("/runs/{run_id}/parts/overview/{part}")
async def overview_part(
    run_id: RunId, part: Literal["stations", "waiting", "results"], request: Request, here: Here
) -> HTMLResponse:
    found = await of_run(request, here, run_id, overview, here.clock)
    return page(request, f"{part}_part.html", run=found.run, live=found, lost=found.lost, **WORDS)
