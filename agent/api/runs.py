"""Runs: create, list, look at, cancel, resume, delete."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from agent import views
from agent.api.examples import CANCELLED, NEW_RUN, QUEUED, RUN_LIST, RUN_STATE, WISHES
from agent.api.inputs import ONLY_TEXT, Limit, RunId
from agent.api.paging import link_next, paged
from agent.api.response_examples import answered
from agent.service.place import Here, Who
from agent.service.problems import responses
from agent.views import RunPage, RunState
from agent.wishes import Wishes

router = APIRouter(tags=["runs"], dependencies=[ONLY_TEXT])

Key = Annotated[
    str | None,
    Header(
        pattern=r"^[!-~]{1,200}$",
        description="A name of the client's own for this request. Sent again with the same body it gives the "
        "same run (200); with another body it is refused (409).",
        examples=["5f1c6f0e-7a34-4c6f-9a2e-3f0f6c1f7b11"],
    ),
]
Cursor = Annotated[
    str | None,
    Query(
        pattern=r"^[0-9]{8}T[0-9]{12}~[A-Za-z0-9-]{1,40}$",
        description="`next` of the page before; left out for the first.",
    ),
]
_LOCATION = {"Location": {"description": "Address of the run.", "schema": {"type": "string"}}}
_FOUND = answered("The run.", RUN_STATE)
_ENDED = answered("The run, which has ended.", CANCELLED)
_GOES_ON = answered("It goes on.", QUEUED, 202)
_DELETED: dict[int | str, dict[str, Any]] = {204: {"description": "It is removed."}}
_CREATED = answered(
    "The run that this key had made before.", NEW_RUN, model=RunState, headers=_LOCATION
) | answered("A new run, which is begun at once.", NEW_RUN, 201, headers=_LOCATION)


class Further(BaseModel):
    """How a run that ended undecided goes on."""

    model_config = ConfigDict(
        extra="forbid", use_attribute_docstrings=True, json_schema_extra={"examples": [{}, {"further": 30}]}
    )

    further: int | None = Field(default=None, ge=1, le=5000)
    """Scenarios to add to an undecided run; left out, as many as would settle it."""


@router.post("/runs", operation_id="create_run", status_code=201, responses=_CREATED | responses(409, 422))
async def create_run(
    wishes: Annotated[Wishes, WISHES],
    here: Here,
    who: Who,
    response: Response,
    idempotency_key: Key = None,
) -> RunState:
    """Start a run: from a request in plain words, for a model that is named, or as a replay of a story.

    The answer comes at once; follow the run's events, or ask for its state. It waits for a person once its
    table is ready (`waits_for`).
    """
    created = await here.actions.create(wishes, by=who, key=idempotency_key)
    response.headers["Location"] = f"/api/runs/{created.run_id}"
    if not created.anew:
        response.status_code = 200
    return await here.look(views.run_state, created.run_id, here.clock)


@router.get(
    "/runs",
    operation_id="list_runs",
    responses=paged("Runs.", RUN_LIST) | responses(422),
)
async def list_runs(
    request: Request, response: Response, here: Here, limit: Limit = 20, cursor: Cursor = None
) -> RunPage:
    """Runs, the newest first. A run that is started while pages are turned moves nothing on them."""
    page = await here.look(views.run_list, here.clock, limit, cursor)
    link_next(request, response, page)
    return page


@router.get(
    "/runs/{run_id}",
    operation_id="get_run",
    responses=_FOUND | responses(404, 422),
)
async def get_run(run_id: RunId, here: Here) -> RunState:
    """Where a run is, what it has found, how far each model has got, and what it waits for."""
    return await here.look(views.run_state, run_id, here.clock)


@router.delete(
    "/runs/{run_id}",
    operation_id="delete_run",
    status_code=204,
    responses=_DELETED | responses(404, 409, 422),
)
async def delete_run(run_id: RunId, here: Here) -> None:
    """Remove a run with everything that is stored of it. Refused while it is driven: cancel it first."""
    await here.actions.delete(run_id)


@router.post(
    "/runs/{run_id}/cancel",
    operation_id="cancel_run",
    responses=_ENDED | responses(404, 409, 422),
)
async def cancel_run(run_id: RunId, here: Here) -> RunState:
    """End a run. Whatever drives it stops within seconds; what was finished is kept."""
    await here.actions.cancel(run_id)
    return await here.look(views.run_state, run_id, here.clock)


@router.post(
    "/runs/{run_id}/resume",
    operation_id="resume_run",
    status_code=202,
    responses=_GOES_ON | responses(404, 409, 422),
)
async def resume_run(run_id: RunId, here: Here, who: Who, how: Further | None = None) -> RunState:
    """Go on with a run that stopped, or carry one that ended undecided on with further scenarios.

    409 for a run that waits for an answer (it goes on with the answer), that is driven already, or that
    cannot go on: it was cancelled, it has decided and `further` names no scenarios, or it is a replay and
    holds no more than was recorded.
    """
    await here.actions.resume(run_id, by=who, further=None if how is None else how.further)
    return await here.look(views.run_state, run_id, here.clock)
