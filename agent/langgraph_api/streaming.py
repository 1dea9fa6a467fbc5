"""A run of the protocol as server-sent events. What is sent comes from rows, so that a reader who comes back
with the last identifier goes on where it was, also after a restart."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy.orm import Session
from starlette.types import Message, Send

from agent.api.streams import EventStream
from agent.conversation.records import Cursor, Turn
from agent.langgraph_api import kept as ledger
from agent.langgraph_api import state
from agent.langgraph_api.driving import Drives, as_it_is
from agent.langgraph_api.interrupts import Schema, interrupt_of
from agent.langgraph_api.kept import Kept
from agent.langgraph_api.names import ASSISTANT, GRAPH
from agent.langgraph_api.talking import message_of, turns
from agent.langgraph_api.wire import Modes
from agent.service import pulse
from agent.service.place import Place
from agent.views import EventRecord, event_records
from store import threads
from tools.clock import Clock
from tools.escape import one_line
from tools.faults import NotFound, WrongUse

OFFERED = ("values", "updates", "messages", "messages-tuple", "custom", "events")
HEARTBEAT = ": still here\n\n"
HEARTBEAT_SECONDS = 15.0
BEGINNING = frozenset({"-1", "0"})
"""What clients of the JavaScript SDK send to have everything from the run's beginning."""


class Stream(EventStream):
    """Without a word about reconnecting before the first event: LangGraph's clients take it for one."""

    def __init__(self, texts: AsyncGenerator[str, None], headers: Mapping[str, str]) -> None:
        super().__init__(_encoded(texts))
        self.headers.update(headers)

    async def stream_response(self, send: Send) -> None:
        async def without_preface(message: Message) -> None:
            if not message.get("body", b"").startswith(b"retry:"):
                await send(message)

        await super().stream_response(without_preface)


async def _encoded(texts: AsyncGenerator[str, None]) -> AsyncGenerator[bytes, None]:
    async with contextlib.aclosing(texts):
        async for text in texts:
            yield text.encode()


class Mark(NamedTuple):
    """How far a reader is: the last turn, and the last event of the run that the thread is about."""

    turn: Cursor
    event: int
    run_id: str | None

    def __str__(self) -> str:
        return f"{self.turn}.{self.event}@{self.run_id or ''}"

    @classmethod
    def parse(cls, text: str) -> Mark | None:
        """None for what is no mark."""
        where, _, run_id = text.strip().partition("@")
        turn, _, event = where.rpartition(".")
        cursor = Cursor.parse(turn)
        if str(cursor) != turn or not (event.isascii() and event.isdigit()):
            return None
        return cls(cursor, int(event[:15]), run_id or None)


class _News(NamedTuple):
    turns: list[Turn]
    events: list[EventRecord]
    run_id: str | None
    one: Kept | None
    moment: state.Moment | None
    schema: Schema


def modes_of(given: Modes) -> tuple[str, ...]:
    """:class:`~tools.faults.WrongUse` for a mode that there is not."""
    asked = (given,) if isinstance(given, str) else tuple(given or ("values",))
    for mode in asked:
        if mode not in OFFERED:
            raise WrongUse(
                f"There is no stream mode {str(mode)[:40]!r} here.", f"There are {', '.join(OFFERED)}."
            )
    return asked


def mark_of(one: Kept) -> Mark:
    """The beginning of a run."""
    start = Cursor.parse(one.start)
    return Mark(start, start.event, one.run_id)


async def stream_run(
    place: Place,
    drives: Drives,
    thread_id: str,
    one: Kept,
    modes: Sequence[str],
    *,
    after: Mark | None = None,
    attempt: int = 1,
) -> AsyncGenerator[str, None]:
    """From ``after``, or from its beginning, until the run waits or ends."""
    mark = mark_of(one) if after is None else after
    yield frame("metadata", {"run_id": one.id, "thread_id": thread_id, "attempt": attempt})
    watch = _Watch(place, drives, thread_id, one.id, modes)
    try:
        await watch.begin()
        while True:
            news = await watch.look(mark)
            async for text, reached in watch.tell(news, mark):
                yield text
                mark = reached
            assert news.one is not None
            if news.one.end is not None and not news.turns and not news.events:
                for text in _last(news, mark, modes):
                    yield text
                return
            if place.feeds.closed:
                return
            if news.turns or news.events:
                continue  # only a look that finds nothing says that everything was read
            if not await watch.wait():
                yield HEARTBEAT
    except NotFound:  # the conversation was deleted
        return


async def stream_thread(
    place: Place, drives: Drives, thread_id: str, modes: Sequence[str], *, after: Mark | None
) -> AsyncGenerator[str, None]:
    """Everything that happens in a thread, for as long as somebody reads."""
    mark = await place.look(_here, thread_id) if after is None else after
    watch = _Watch(place, drives, thread_id, None, modes)
    try:
        await watch.begin()
        while not place.feeds.closed:
            news = await watch.look(mark)
            async for text, reached in watch.tell(news, mark):
                yield text
                mark = reached
            if news.turns or news.events:
                continue
            if not await watch.wait():
                yield HEARTBEAT
    except NotFound:  # the conversation was deleted
        return


def _here(session: Session, thread_id: str) -> Mark:
    thread = threads.get(session, thread_id)
    cursor = ledger.position(session, thread)
    return Mark(cursor, cursor.event, thread.run_id)


class _Watch:
    """Reads what is new of a thread, and waits for more."""

    def __init__(
        self, place: Place, drives: Drives, thread_id: str, one_id: str | None, modes: Sequence[str]
    ) -> None:
        self._place = place
        self._drives = drives
        self._thread_id = thread_id
        self._one_id = one_id
        self._modes = modes
        self._seen: pulse.Mark | None = None

    async def begin(self) -> None:
        """What is written from here on is heard."""
        self._seen = await self._place.pulses.now(self._thread_id)

    async def look(self, mark: Mark) -> _News:
        held = self._one_id is not None and self._drives.holds(self._one_id)
        return await self._place.look(_news, self._thread_id, self._one_id, mark, self._place.clock, held)

    async def tell(self, news: _News, mark: Mark) -> AsyncIterator[tuple[str, Mark]]:
        """What is new, each with where a reader of it is. The parts of one piece of news go out at once, and
        only the last of them moves the reader on."""
        if news.run_id != mark.run_id:
            mark = Mark(mark.turn, 0, news.run_id)
        for event in news.events:
            mark = mark._replace(event=event.seq)
            yield _joined(_parts_of_event(event, self._modes), mark), mark
        for turn in news.turns:
            mark = mark._replace(turn=Cursor.parse(turn.cursor))
            yield _joined(_parts_of_turn(turn, self._modes, self._metadata(turn)), mark), mark
        told = any(event.kind in state.TOLD for event in news.events)
        if news.moment is not None and (told or news.turns) and "values" in self._modes:
            yield frame("values", news.moment.values, str(mark)), mark

    def _metadata(self, turn: Turn) -> dict[str, Any]:
        return {
            "run_id": self._one_id,
            "thread_id": self._thread_id,
            "graph_id": GRAPH,
            "assistant_id": ASSISTANT,
            "langgraph_node": turn.author,
        }

    async def wait(self) -> bool:
        """Until there is something new; False when a while went by without."""
        before = self._seen
        self._seen = await self._place.pulses.next(self._thread_id, before, HEARTBEAT_SECONDS)
        return self._seen != before


def _news(
    session: Session, thread_id: str, one_id: str | None, mark: Mark, clock: Clock, held: bool
) -> _News:
    """In one look, so that a run is over only when everything of it is there."""
    thread = threads.get(session, thread_id)
    one = None if one_id is None else as_it_is(session, thread_id, one_id, clock, held)
    end = None if one is None or one.end is None else Cursor.parse(one.end)
    since = mark.event if thread.run_id == mark.run_id else 0
    told = [] if thread.run_id is None else event_records(session, thread.run_id, since)
    said = turns(session, thread_id, mark.turn)
    later = one is not None and ledger.all_of(thread)[0].id != one.id
    if end is not None and later:  # others have begun since: theirs is not told here
        told = [event for event in told if event.seq <= end.event]
        said = [turn for turn in said if state.is_within(Cursor.parse(turn.cursor), end)]
    changed = bool(told or said) or end is not None
    moment = None
    if changed:
        moment = state.now(session, thread_id, clock)
        if end is not None and later:
            moment = state.until(session, thread_id, end, clock)
    return _News(said, told, thread.run_id, one, moment, state.schema_of(thread))


def _parts_of_event(event: EventRecord, modes: Sequence[str]) -> list[tuple[str, Any]]:
    record = event.model_dump(mode="json")
    parts: list[tuple[str, Any]] = []
    if "custom" in modes:
        parts.append(("custom", record))
    if "updates" in modes and event.kind == "stage":
        parts.append(("updates", {event.stage: {"stage": event.stage, "status": "running"}}))
    if "events" in modes:
        parts.append(
            (
                "events",
                {
                    "event": "on_custom_event",
                    "name": event.kind,
                    "data": record,
                    "run_id": "",
                    "parent_ids": [],
                    "tags": [],
                    "metadata": {},
                },
            )
        )
    return parts


def _parts_of_turn(turn: Turn, modes: Sequence[str], metadata: dict[str, Any]) -> list[tuple[str, Any]]:
    message = message_of(turn)
    parts: list[tuple[str, Any]] = []
    if turn.author != "person":
        if "messages-tuple" in modes:
            parts.append(("messages", [message, metadata]))
        if "messages" in modes:
            parts.append(("messages/metadata", {turn.id: {"metadata": metadata}}))
            parts.append(("messages/complete", [message]))
    if "updates" in modes:
        parts.append(("updates", {"conversation": {"messages": [message]}}))
    return parts


def _last(news: _News, mark: Mark, modes: Sequence[str]) -> list[str]:
    """What the run has come to."""
    one, moment = news.one, news.moment
    assert one is not None
    assert moment is not None
    sent: list[str] = []
    interrupts = [] if moment.asked is None else [interrupt_of(moment.asked, news.schema)]
    if interrupts and "updates" in modes:
        sent.append(frame("updates", {"__interrupt__": interrupts}, str(mark)))
    if "values" in modes:
        sent.append(frame("values", moment.values, str(mark)))
        if interrupts:  # by itself: some clients show a state only where it has no interrupt
            sent.append(frame("values", {**moment.values, "__interrupt__": interrupts}, str(mark)))
    if one.status == "error":
        sent.append(frame("error", {"error": "RunStopped", "message": one.problem}, str(mark)))
    sent.append(frame("end", {"run_id": one.id, "status": one.status}, str(mark)))
    return sent


def _joined(parts: Sequence[tuple[str, Any]], mark: Mark) -> str:
    last = len(parts) - 1
    return "".join(
        frame(name, data, str(mark) if number == last else None) for number, (name, data) in enumerate(parts)
    )


def frame(name: str, data: Any, mark: str | None = None) -> str:
    """One server-sent event."""
    text = one_line(json.dumps(data, ensure_ascii=False, separators=(",", ":")))
    return f"event: {name}\ndata: {text}\n" + (f"id: {mark}\n\n" if mark else "\n")
