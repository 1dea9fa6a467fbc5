"""A run as it goes: the overview, research and evaluation, each with the parts that are fetched anew."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from agent.api.inputs import RunId
from agent.pages.curve import drawing, thinned
from agent.pages.evaluation_live import evaluation_live, per_minute
from agent.pages.overview import overview, pulse
from agent.pages.rates import duration
from agent.pages.render import page
from agent.pages.research_live import research_live
from agent.pages.shared import Shared, of_run
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
    return await run_view(
        request, here, run_id, "overview.html", "overview", run=found.run, live=found, pulse=beat, **WORDS
    )


@router.get("/runs/{run_id}/research")
async def research_page(run_id: RunId, request: Request, here: Here) -> HTMLResponse:
    beat = await here.look(pulse, run_id, here.clock)
    found = await of_run(_shared(request), here, run_id, research_live)
    return await run_view(
        request, here, run_id, "research.html", "research", pulse=beat, research=found, **WORDS
    )


@router.get("/runs/{run_id}/evaluation")
async def evaluation_page(run_id: RunId, request: Request, here: Here) -> HTMLResponse:
    beat = await here.look(pulse, run_id, here.clock)
    found = await of_run(_shared(request), here, run_id, evaluation_live)
    return await run_view(
        request, here, run_id, "evaluation.html", "evaluation", pulse=beat, evaluation=found, **WORDS
    )


# --- parts --------------------------------------------------------------------------------------------------


@router.get("/runs/{run_id}/parts/head")
async def head_part(
    run_id: RunId, request: Request, here: Here, tab: Annotated[Tab, Query()] = "overview"
) -> HTMLResponse:
    found = await here.look(pulse, run_id, here.clock)
    return page(request, "run_head.html", run=found.run, tab=tab)


@router.get("/runs/{run_id}/parts/research")
async def research_part(run_id: RunId, request: Request, here: Here) -> HTMLResponse:
    beat = await here.look(pulse, run_id, here.clock)
    found = await of_run(_shared(request), here, run_id, research_live)
    return page(request, "research_part.html", pulse=beat, research=found, **WORDS)


@router.get("/runs/{run_id}/parts/evaluation")
async def evaluation_part(run_id: RunId, request: Request, here: Here) -> HTMLResponse:
    beat = await here.look(pulse, run_id, here.clock)
    found = await of_run(_shared(request), here, run_id, evaluation_live)
    return page(request, "evaluation_part.html", pulse=beat, evaluation=found, **WORDS)


@router.get("/runs/{run_id}/parts/pulse/{part}")
async def pulse_part(
    run_id: RunId, part: Literal["log", "heartbeat"], request: Request, here: Here
) -> HTMLResponse:
    beat = await here.look(pulse, run_id, here.clock)
    return page(request, f"{part}_part.html", pulse=beat, **WORDS)


@router.get("/runs/{run_id}/parts/overview/{part}")
async def overview_part(
    run_id: RunId, part: Literal["stations", "waiting", "results"], request: Request, here: Here
) -> HTMLResponse:
    found = await here.look(overview, run_id, here.clock)
    return page(request, f"{part}_part.html", run=found.run, live=found, **WORDS)


# --- looked up once for all who ask -------------------------------------------------------------------------


def _shared(request: Request) -> Shared:
    """What is the same for everybody. A status is not: it depends on the time, as that of a process that died
    is told from its lease."""
    if not hasattr(request.app.state, "shared"):
        request.app.state.shared = Shared()
    shared: Shared = request.app.state.shared
    return shared
