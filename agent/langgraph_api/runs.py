"""The protocol's runs: begun, streamed, waited for, joined, cancelled."""

from __future__ import annotations

import contextlib
import json
import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response
from sqlalchemy.orm import Session

from agent.langgraph_api import kept as ledger
from agent.langgraph_api import state
from agent.langgraph_api.asking import Begun, begin
from agent.langgraph_api.driving import LOOK_SECONDS, Driven, Drives, as_it_is, cancel
from agent.langgraph_api.interrupts import interrupt_of
from agent.langgraph_api.kept import Kept
from agent.langgraph_api.streaming import (
    BEGINNING,
    OFFERED,
    Mark,
    Stream,
    modes_of,
    stream_run,
    stream_thread,
)
from agent.langgraph_api.wire import NewRun, RunStatus
from agent.service.place import Here, Place, Who
from store import threads
from tools.clock import Clock
from tools.faults import Conflict, WrongUse

router = APIRouter()

BASE = "/langgraph"
"""Where the routes are mounted: clients follow ``Location`` from the root of the server."""

LastEventId = Annotated[str | None, Header(max_length=200)]
ModesInQuery = Annotated[list[str] | None, Query()]


@router.post("/threads/{thread_id}/runs")
async def create_run(
    thread_id: str, body: NewRun, here: Here, drives: Driven, who: Who, response: Response
) -> dict[str, Any]:
    """Begin a run, and do not wait for it."""
    modes_of(body.stream_mode)
    begun = await begin(here, drives, thread_id, body, who)
    response.headers["Content-Location"] = f"/threads/{thread_id}/runs/{begun.kept.id}"
    return ledger.record_of(thread_id, await _now(here, drives, thread_id, begun.kept.id))


@router.post("/threads/{thread_id}/runs/stream")
async def create_and_stream(thread_id: str, body: NewRun, here: Here, drives: Driven, who: Who) -> Stream:
    """Begin a run, and read of it until it waits for a person or ends."""
    modes = modes_of(body.stream_mode)
    here.feeds.check_room()
    begun = await begin(here, drives, thread_id, body, who)
    return _streamed(here, drives, thread_id, begun.kept, modes, None)


@router.post("/threads/{thread_id}/runs/wait")
async def create_and_wait(
    thread_id: str, body: NewRun, here: Here, drives: Driven, who: Who, response: Response
) -> dict[str, Any]:
    """Begin a run; the thread's values once it waits or has ended."""
    begun = await begin(here, drives, thread_id, body, who)
    response.headers["Content-Location"] = f"/threads/{thread_id}/runs/{begun.kept.id}"
    return await _waited(here, drives, thread_id, begun)


@router.post("/runs/stream")
async def stream_stateless(body: NewRun, here: Here, drives: Driven, who: Who) -> Stream:
    """As on a thread, on a new one. It stays: what waits for a person has to be found again."""
    return await create_and_stream(str(uuid.uuid4()), _on_new_thread(body), here, drives, who)


@router.post("/runs/wait")
async def wait_stateless(
    body: NewRun, here: Here, drives: Driven, who: Who, response: Response
) -> dict[str, Any]:
    return await create_and_wait(str(uuid.uuid4()), _on_new_thread(body), here, drives, who, response)


@router.post("/runs")
async def create_stateless(
    body: NewRun, here: Here, drives: Driven, who: Who, response: Response
) -> dict[str, Any]:
    return await create_run(str(uuid.uuid4()), _on_new_thread(body), here, drives, who, response)


@router.get("/threads/{thread_id}/runs")
async def list_runs(
    thread_id: str,
    here: Here,
    drives: Driven,
    limit: Annotated[int, Query(ge=1, le=1000)] = 10,
    offset: Annotated[int, Query(ge=0)] = 0,
    status: RunStatus | None = None,
) -> list[dict[str, Any]]:
    """Runs of a thread, the newest first."""
    thread = await here.look(threads.get, thread_id)
    found = [await _now(here, drives, thread_id, one.id) for one in ledger.all_of(thread)]
    fitting = [one for one in found if status is None or one.status == status]
    return [ledger.record_of(thread_id, one) for one in fitting[offset : offset + limit]]


@router.get("/threads/{thread_id}/runs/{run_id}")
async def get_run(thread_id: str, run_id: str, here: Here, drives: Driven) -> dict[str, Any]:
    return ledger.record_of(thread_id, await _now(here, drives, thread_id, run_id))


@router.delete("/threads/{thread_id}/runs/{run_id}", status_code=204)
async def delete_run(thread_id: str, run_id: str, here: Here, drives: Driven) -> None:
    """Forget that it was asked. What was said and found stays."""
    one = await _now(here, drives, thread_id, run_id)
    if one.end is None:
        raise Conflict("That run goes on.", "Cancel it first.")
    await here.database.run(ledger.drop, thread_id, run_id)


@router.get("/threads/{thread_id}/runs/{run_id}/join")
async def join_run(thread_id: str, run_id: str, here: Here, drives: Driven) -> dict[str, Any]:
    """The thread's values once the run waits or has ended."""
    one = await _now(here, drives, thread_id, run_id)
    return await _waited(here, drives, thread_id, Begun(one, anew=False))


@router.get("/threads/{thread_id}/runs/{run_id}/stream")
async def join_stream(
    thread_id: str,
    run_id: str,
    here: Here,
    drives: Driven,
    stream_mode: ModesInQuery = None,
    cancel_on_disconnect: bool = False,
    last_event_id: LastEventId = None,
) -> Stream:
    """Read of a run that was begun before: from ``Last-Event-ID`` on, or from its beginning without one."""
    if cancel_on_disconnect:
        raise WrongUse("Nobody's leaving cancels a run.", "POST …/cancel does.")
    here.feeds.check_room()
    one = await _now(here, drives, thread_id, run_id)
    modes = modes_of(_listed(stream_mode) or ["values", "updates", "messages-tuple", "custom"])
    return _streamed(here, drives, thread_id, one, modes, _mark(last_event_id))


@router.post("/threads/{thread_id}/runs/{run_id}/cancel")
async def cancel_run(
    thread_id: str,
    run_id: str,
    here: Here,
    drives: Driven,
    response: Response,
    action: Annotated[str, Query(pattern="^(interrupt|rollback)$")] = "interrupt",
    wait: bool = False,
) -> None:
    """End the thread's run for good. What it has found stays."""
    if action == "rollback":
        raise WrongUse("What a run has found is not rolled back.", "DELETE /api/runs/{id} removes a run.")
    await cancel(here, drives, thread_id, run_id)
    response.status_code = 204 if wait else 202
    if wait:
        await _over(here, drives, thread_id, run_id)


@router.get("/threads/{thread_id}/stream")
async def join_thread(
    thread_id: str,
    here: Here,
    drives: Driven,
    stream_mode: ModesInQuery = None,
    last_event_id: LastEventId = None,
) -> Stream:
    """Everything that happens in a thread, for as long as somebody reads."""
    here.feeds.check_room()
    asked = _listed(stream_mode) or ["run_modes"]
    modes = ["values"] if asked == ["state_update"] else [mode for mode in OFFERED if mode != "messages"]
    if not set(asked) <= {"run_modes", "state_update"}:
        raise WrongUse("A thread is streamed as run_modes or state_update.")
    await here.look(threads.get, thread_id)
    parts = stream_thread(here, drives, thread_id, modes, after=_mark(last_event_id))
    return Stream(parts, {})


def _on_new_thread(body: NewRun) -> NewRun:
    if body.command is not None and body.command.resume is not None:
        raise WrongUse("There is nothing to resume without a thread.", "POST /threads/{id}/runs.")
    return body.model_copy(update={"if_not_exists": "create"})


def _streamed(
    here: Place, drives: Drives, thread_id: str, one: Kept, modes: tuple[str, ...], after: Mark | None
) -> Stream:
    where = f"/threads/{thread_id}/runs/{one.id}"
    headers = {"Content-Location": where, "Location": f"{BASE}{where}/stream"}
    parts = stream_run(here, drives, thread_id, one, modes, after=after)
    return Stream(parts, headers)


def _listed(modes: list[str] | None) -> list[str]:
    """Modes as clients write them into a query: repeated, with commas, or as JSON (the JavaScript SDK's)."""
    found: list[str] = []
    for mode in modes or []:
        if mode.startswith("["):
            with contextlib.suppress(ValueError, RecursionError):
                found += [str(one) for one in json.loads(mode)]
                continue
        found += [part for part in mode.split(",") if part]
    return found


def _mark(last_event_id: str | None) -> Mark | None:
    if last_event_id is None or last_event_id.strip() in BEGINNING:
        return None
    mark = Mark.parse(last_event_id)
    if mark is None:
        raise WrongUse("Last-Event-ID is none of ours.", "Leave it out to read from the beginning.")
    return mark


async def _now(here: Place, drives: Drives, thread_id: str, run_id: str) -> Kept:
    return await here.look(as_it_is, thread_id, run_id, here.clock, drives.holds(run_id))


async def _waited(here: Place, drives: Drives, thread_id: str, begun: Begun) -> dict[str, Any]:
    one = await _over(here, drives, thread_id, begun.kept.id)
    return await here.look(_values, thread_id, one, here.clock)


async def _over(here: Place, drives: Drives, thread_id: str, run_id: str) -> Kept:
    """The run once it waits or has ended, or as it is when the service stops."""
    seen = await here.pulses.now(thread_id)
    while (one := await _now(here, drives, thread_id, run_id)).end is None and not here.feeds.closed:
        seen = await here.pulses.next(thread_id, seen, LOOK_SECONDS)
    return one


def _values(session: Session, thread_id: str, one: Kept, clock: Clock) -> dict[str, Any]:
    moment = state.now(session, thread_id, clock)
    if one.status == "error":
        return {"__error__": {"error": "RunStopped", "message": one.problem}}
    if moment.asked is None:
        return moment.values
    schema = state.schema_of(threads.get(session, thread_id))
    return {**moment.values, "__interrupt__": [interrupt_of(moment.asked, schema)]}
