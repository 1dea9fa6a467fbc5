"""Runs: create, list, look at, answer, cancel, resume, delete."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Response

from agent import views
from agent.service.place import Here, Who
from agent.service.problems import RESPONSES
from agent.views import RunPage, RunState
from agent.wishes import Wishes

router = APIRouter(tags=["runs"], responses=RESPONSES)

Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[int, Query(ge=0, le=10**9)]


@router.post("/runs", status_code=201)
async def create_run(
    wishes: Wishes,
    here: Here,
    who: Who,
    response: Response,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200)] = None,
) -> RunState:
    """Start a run."""
    created = await here.actions.create(wishes, by=who, key=idempotency_key)
    response.headers["Location"] = f"/api/runs/{created.run_id}"
    if not created.anew:
        response.status_code = 200
    return await here.look(views.run_state, created.run_id, here.clock)


@router.get("/runs")
async def list_runs(here: Here, limit: Limit = 20, cursor: Cursor = 0) -> RunPage:
    """Runs, the newest first."""
    return await here.look(views.run_page, here.clock, limit, cursor)


@router.get("/runs/{run_id}")
async def get_run(run_id: str, here: Here) -> RunState:
    """Where a run is, what it has found, and what it waits for."""
    return await here.look(views.run_state, run_id, here.clock)
