"""Threads: conversations under LangGraph's name, with their states."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.langgraph_api import kept as ledger
from agent.langgraph_api import state
from agent.langgraph_api.asking import schema_named
from agent.langgraph_api.driving import Driven, Drives, is_talked_to
from agent.langgraph_api.interrupts import interrupt_of, name_of
from agent.langgraph_api.names import ALSO, ASSISTANT, GRAPH, task_name
from agent.langgraph_api.wire import (
    CheckpointQuery,
    HistoryQuery,
    NewThread,
    StateUpdate,
    ThreadPatch,
    ThreadQuery,
    ThreadStatus,
)
from agent.service.place import Here, Place
from store import threads
from store.schema import ThreadRow
from tools.clock import Clock
from tools.faults import WrongUse

router = APIRouter()


@router.post("/threads")
async def create_thread(body: NewThread, here: Here, drives: Driven) -> dict[str, Any]:
    """A new conversation."""
    if body.supersteps:
        raise WrongUse("A conversation begins empty: a state is not put together from outside.")
    metadata = _metadata(body.metadata)

    def work(session: Session) -> str:
        if body.thread_id is not None and body.if_exists == "do_nothing":
            known = session.get(ThreadRow, body.thread_id)
            if known is not None:
                return known.id
        return threads.create(session, here.clock.now(), thread_id=body.thread_id, tags=metadata).id

    return await _read(here, drives, await here.database.run(work))


@router.post("/threads/search")
async def search_threads(query: ThreadQuery, here: Here, drives: Driven) -> list[dict[str, Any]]:
    """Conversations, the newest first unless the query says otherwise."""
    found = await here.look(_search, query, here.clock, drives)
    part = found[query.offset : query.offset + query.limit]
    records = [await _read(here, drives, name) for name in part]
    if query.select is None:
        return records
    return [{key: record[key] for key in query.select if key in record} for record in records]


@router.post("/threads/count")
async def count_threads(query: ThreadQuery, here: Here, drives: Driven) -> int:
    return len(await here.look(_search, query, here.clock, drives))


@router.get("/threads/{thread_id}")
async def get_thread(thread_id: str, here: Here, drives: Driven) -> dict[str, Any]:
    return await _read(here, drives, thread_id)


@router.patch("/threads/{thread_id}")
async def update_thread(
    thread_id: str,
    body: ThreadPatch,
    here: Here,
    drives: Driven,
    prefer: Annotated[str | None, Header()] = None,
) -> Any:
    """Merge metadata into the thread's."""
    await here.database.run(ledger.tag, thread_id, _metadata(body.metadata), here.clock.now())
    if prefer == "return=minimal":
        return Response(status_code=204)
    return await _read(here, drives, thread_id)


@router.delete("/threads/{thread_id}", status_code=204)
async def delete_thread(thread_id: str, here: Here) -> None:
    """Forget a conversation. The run that it was about stays."""
    await here.database.run(threads.delete, thread_id)


@router.get("/threads/{thread_id}/state")
async def get_state(thread_id: str, here: Here) -> dict[str, Any]:
    return await here.look(_state, thread_id, None, here.clock)


@router.post("/threads/{thread_id}/state")
async def update_state(thread_id: str, body: StateUpdate, here: Here) -> dict[str, Any]:
    """The state is made of rows: what a client may change of it goes in as a message or an answer."""
    if body.values or body.as_node:
        raise WrongUse(
            "The state is read from what was found, measured and decided, and is not set from outside.",
            "Send a message or command.resume as a run; POST /threads/{id}/runs.",
        )
    found = await here.look(_state, thread_id, None, here.clock)
    return {"checkpoint": found["checkpoint"]}


@router.post("/threads/{thread_id}/state/checkpoint")
async def get_state_of(thread_id: str, body: CheckpointQuery, here: Here) -> dict[str, Any]:
    named = (body.checkpoint or {}).get("checkpoint_id")
    return await here.look(_state, thread_id, None if named is None else str(named), here.clock)


@router.get("/threads/{thread_id}/state/{checkpoint_id}")
async def get_state_at(thread_id: str, checkpoint_id: str, here: Here) -> dict[str, Any]:
    return await here.look(_state, thread_id, checkpoint_id, here.clock)


@router.post("/threads/{thread_id}/history")
async def search_history(thread_id: str, query: HistoryQuery, here: Here) -> list[dict[str, Any]]:
    return await here.look(_history, thread_id, query, here.clock)


@router.get("/threads/{thread_id}/history")
async def get_history(
    thread_id: str,
    here: Here,
    limit: Annotated[int, Query(ge=1, le=1000)] = 10,
    before: str | None = None,
) -> list[dict[str, Any]]:
    return await here.look(_history, thread_id, HistoryQuery(limit=limit, before=before), here.clock)


def _metadata(given: dict[str, Any] | None) -> dict[str, Any]:
    metadata = ledger.checked(given or {})
    if state.SCHEMA in metadata:
        schema_named(metadata[state.SCHEMA])
    return metadata


def _state(session: Session, thread_id: str, checkpoint_id: str | None, clock: Clock) -> dict[str, Any]:
    schema = state.schema_of(threads.get(session, thread_id))
    if checkpoint_id is None:
        return state.thread_state(state.now(session, thread_id, clock), schema)
    return state.thread_state(state.at(session, thread_id, checkpoint_id, clock), schema)


def _history(session: Session, thread_id: str, query: HistoryQuery, clock: Clock) -> list[dict[str, Any]]:
    schema = state.schema_of(threads.get(session, thread_id))
    before = query.before.get("checkpoint_id") if isinstance(query.before, dict) else query.before
    moments = state.history(session, thread_id, clock, limit=query.limit, before=before)
    found = [state.thread_state(moment, schema) for moment in moments]
    wanted = query.metadata or {}
    return [one for one in found if all(one["metadata"].get(key) == value for key, value in wanted.items())]


async def _read(here: Place, drives: Drives, thread_id: str) -> dict[str, Any]:
    return await here.look(_record, thread_id, here.clock, drives)


def _record(session: Session, thread_id: str, clock: Clock, drives: Drives) -> dict[str, Any]:
    """``Thread``."""
    row = threads.get(session, thread_id)
    moment = state.now(session, thread_id, clock)
    schema = state.schema_of(row)
    asked = moment.asked
    return {
        "thread_id": row.id,
        "created_at": row.created_at.isoformat(),
        "updated_at": row.updated_at.isoformat(),
        "state_updated_at": row.updated_at.isoformat(),
        "metadata": _shown(row),
        "status": _status(session, row, clock, drives),
        "config": {},
        "error": None,
        "values": moment.values,
        "interrupts": {} if asked is None else {task_name(name_of(asked)): [interrupt_of(asked, schema)]},
    }


def _shown(row: ThreadRow) -> dict[str, Any]:
    """A thread is always one of our graph's: clients look for theirs by that."""
    plain = {key: value for key, value in row.tags.items() if key != ledger.RUNS}
    return {"thread_name": row.title, **plain, "graph_id": GRAPH, "assistant_id": ASSISTANT}


def _status(session: Session, row: ThreadRow, clock: Clock, drives: Drives) -> ThreadStatus:
    busy = drives.talks(row.id) or is_talked_to(row, clock.now())
    return "busy" if busy else state.status_of(session, row, clock)


def _search(session: Session, query: ThreadQuery, clock: Clock, drives: Drives) -> list[str]:
    """Names of the threads that fit, in the order that is asked for."""
    rows = list(session.scalars(select(ThreadRow).order_by(ThreadRow.created_at.desc(), ThreadRow.id)))
    found = [row for row in rows if _fits(session, row, query, clock, drives)]
    match query.sort_by:
        case "thread_id":
            found.sort(key=lambda row: row.id)
        case "status":
            found.sort(key=lambda row: _status(session, row, clock, drives))
        case "updated_at" | "state_updated_at":
            found.sort(key=lambda row: row.updated_at)
        case _:
            found.sort(key=lambda row: row.created_at)
    return [row.id for row in (found if query.sort_order == "asc" else found[::-1])]


def _fits(session: Session, row: ThreadRow, query: ThreadQuery, clock: Clock, drives: Drives) -> bool:
    if query.ids is not None and row.id not in query.ids:
        return False
    shown = _shown(row)
    for key, value in (query.metadata or {}).items():
        same = shown.get(key) == value or (key == "graph_id" and value in ALSO)
        if not same:
            return False
    if query.status is not None and _status(session, row, clock, drives) != query.status:
        return False
    if query.values:
        values = state.now(session, row.id, clock).values
        return all(values.get(key) == value for key, value in query.values.items())
    return True
