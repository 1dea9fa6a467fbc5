"""Conversations: create, list, say, confirm, read, follow, delete."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from agent.api.examples import CONFIRMATION, MESSAGE, NEW_THREAD
from agent.api.response_examples import CONFIRMED, SAID, THREAD, THREAD_STREAM, THREADS, TURNS, answered
from agent.api.streams import HEARTBEAT, MEDIA_TYPE, EventStream
from agent.conversation.feed import feed
from agent.conversation.records import Cursor, Turn
from agent.conversation.talk import LONGEST, LONGEST_ID, Conversation
from agent.service.place import Here, Place, Who, place_of
from agent.service.problems import responses
from agent.service.pulse import Mark
from agent.views import Page
from store import runs, threads
from store.schema import ThreadRow
from tools.escape import one_line
from tools.faults import NotFound

router = APIRouter(tags=["conversations"])

_BEGUN = answered(
    "A new conversation.",
    THREAD,
    201,
    headers={"Location": {"description": "Address of the conversation.", "schema": {"type": "string"}}},
)
_DELETED: dict[int | str, dict[str, Any]] = {204: {"description": "It is removed."}}
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Turns; each one's id is its cursor.",
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}, "example": THREAD_STREAM}},
    }
}

IDLE_SECONDS = 15.0
"""After so long a silence a stream says that it is still there."""

Name = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
After = Annotated[str, Query(max_length=40, pattern=r"^(\d{1,15}\.\d{1,15})?$")]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NewThread(_Record):
    """A conversation to begin."""

    id: Name | None = None
    """A name of the client's own; a new one is made when it is left out."""
    run_id: str | None = Field(default=None, min_length=1, max_length=40)
    """A run that it is about from the beginning."""


class ThreadView(_Record):
    """A conversation."""

    id: str
    run_id: str | None
    """The run that it is about now."""
    title: str
    """What was said first."""
    created_at: datetime
    updated_at: datetime


class ThreadPage(Page):
    items: tuple[ThreadView, ...]


class NewMessage(_Record):
    """What a person says."""

    text: str = Field(min_length=1, max_length=LONGEST)
    id: str | None = Field(default=None, min_length=1, max_length=LONGEST_ID)
    """A name of the client's own: a message sent twice under one name is one message."""


class Confirmation(_Record):
    yes: bool


class TurnPage(_Record):
    """Turns in their order."""

    turns: tuple[Turn, ...]
    next: str
    """Where to read on: ``after`` of the next request."""


def conversation_of(request: Request, place: Annotated[Place, Depends(place_of)]) -> Conversation:
    """The conversations of this service, which are one object: it works on one message of each at a time."""
    kept = getattr(request.app.state, "conversation", None)
    if not isinstance(kept, Conversation):
        kept = Conversation(place.settings, place.database, place.actions, place.clock)
        request.app.state.conversation = kept
    return kept


Talk = Annotated[Conversation, Depends(conversation_of)]


def _view(row: ThreadRow) -> ThreadView:
    return ThreadView(
        id=row.id, run_id=row.run_id, title=row.title, created_at=row.created_at, updated_at=row.updated_at
    )


@router.post(
    "/threads",
    status_code=201,
    operation_id="create_thread",
    responses=_BEGUN | responses(404, 409, 422),
)
async def create_thread(wish: Annotated[NewThread, NEW_THREAD], here: Here, response: Response) -> ThreadView:
    """Begin a conversation, about a run or about nothing yet. 409 when there is one of that name."""

    def work(session: Session) -> ThreadView:
        run_id = None if wish.run_id is None else runs.get(session, wish.run_id).id
        return _view(threads.create(session, here.clock.now(), thread_id=wish.id, run_id=run_id))

    made = await here.database.run(work)
    response.headers["Location"] = f"/api/threads/{made.id}"
    return made


@router.get(
    "/threads", operation_id="list_threads", responses=answered("Conversations.", THREADS) | responses(422)
)
async def list_threads(
    here: Here,
    limit: Annotated[int, Query(ge=1, le=200)] = 20,
    cursor: Annotated[int, Query(ge=0, le=10**9)] = 0,
) -> ThreadPage:
    """Conversations, the newest first."""

    def work(session: Session) -> ThreadPage:
        total = session.scalar(select(func.count()).select_from(ThreadRow)) or 0
        found = threads.latest(session, limit, cursor)
        more = cursor + len(found) < total
        return ThreadPage(
            total=total, next=str(cursor + len(found)) if more else None, items=tuple(map(_view, found))
        )

    return await here.look(work)


@router.get(
    "/threads/{thread_id}",
    operation_id="get_thread",
    responses=answered("The conversation.", THREAD) | responses(404, 422),
)
async def get_thread(thread_id: str, here: Here) -> ThreadView:
    """A conversation; its messages are read by themselves."""
    return await here.look(lambda session: _view(threads.get(session, thread_id)))


@router.delete(
    "/threads/{thread_id}",
    status_code=204,
    operation_id="delete_thread",
    responses=_DELETED | responses(404, 422),
)
async def delete_thread(thread_id: str, here: Here) -> None:
    """Remove a conversation. Its runs stay."""
    await here.database.run(threads.delete, thread_id)


@router.get(
    "/threads/{thread_id}/messages",
    operation_id="list_messages",
    responses=answered("Turns in their order.", TURNS) | responses(404, 422),
)
async def list_messages(
    thread_id: str, here: Here, after: After = "", limit: Annotated[int, Query(ge=1, le=500)] = 200
) -> TurnPage:
    """What was said, and what the run told in between, from a cursor on."""
    turns = await here.look(feed, thread_id, Cursor.parse(after), limit)
    return TurnPage(turns=tuple(turns), next=turns[-1].cursor if turns else str(Cursor.parse(after)))


@router.post(
    "/threads/{thread_id}/messages",
    operation_id="say",
    responses=answered("The message, and the answer to it.", SAID) | responses(404, 409, 422),
)
async def say(thread_id: str, message: Annotated[NewMessage, MESSAGE], talk: Talk, who: Who) -> list[Turn]:
    """Say something; the message and the answer.

    Of an answer with an `offer` nothing has been done yet: confirm it. 409 when another message has the name.
    """
    return await talk.say(thread_id, message.text, by=who, message_id=message.id)


@router.post(
    "/threads/{thread_id}/messages/{message_id}/confirm",
    operation_id="confirm_offer",
    responses=answered("What came of it.", CONFIRMED) | responses(404, 409, 422),
)
async def confirm(
    thread_id: str,
    message_id: str,
    confirmation: Annotated[Confirmation, CONFIRMATION],
    talk: Talk,
    who: Who,
) -> list[Turn]:
    """Say yes or no to what a message offers; what came of it. 409 when it offers nothing (any more)."""
    return await talk.confirm(thread_id, message_id, confirmation.yes, by=who)


@router.get(
    "/threads/{thread_id}/stream",
    response_class=EventStream,
    status_code=200,
    operation_id="follow_thread",
    responses=_STREAM | responses(404, 422, 429),
)
async def stream(
    thread_id: str,
    here: Here,
    request: Request,
    after: After = "",
    last_event_id: Annotated[str | None, Header(max_length=40)] = None,
) -> EventStream:
    """Turns as they come, from a cursor or ``Last-Event-ID`` on."""
    here.feeds.check_room()
    await here.look(threads.get, thread_id)
    begin = Cursor.parse(last_event_id or after)
    here.pulses.check_room()
    return EventStream(_sent(request, here, thread_id, begin))


async def _sent(request: Request, here: Place, thread_id: str, after: Cursor) -> AsyncGenerator[bytes, None]:
    yield b": a conversation\n\n"
    seen: Mark | None = None
    while not here.feeds.closed and not await request.is_disconnected():
        try:
            now = await here.pulses.next(thread_id, seen, IDLE_SECONDS)
            turns = [] if now == seen else await here.look(feed, thread_id, after)
        except NotFound:
            return
        if now == seen:
            yield HEARTBEAT
        # More may follow a full page: only an empty one says that everything up to ``now`` was read.
        seen = now if not turns else None
        for turn in turns:
            after = Cursor.parse(turn.cursor)
            yield f"id: {turn.cursor}\nevent: turn\ndata: {one_line(turn.model_dump_json())}\n\n".encode()
