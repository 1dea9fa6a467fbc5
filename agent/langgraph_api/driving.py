"""The protocol's runs while they go on: begun, followed until the run waits or ends, and cancelled."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from agent.api.threads import Talk
from agent.conversation.talk import Conversation
from agent.langgraph_api import kept as ledger
from agent.langgraph_api.kept import Kept
from agent.langgraph_api.wire import RunStatus as RunName
from agent.service.place import Place
from store import orders, runs, threads
from store.database import StoreAway, StoreFault
from store.schema import RunStatus, ThreadRow
from tools.clock import Clock
from tools.faults import Conflict, Fault, NotFound

log = logging.getLogger(__name__)

LOOK_SECONDS = 15.0
"""How often it is looked whether a run goes on, beside whenever something is written about it."""
AGAIN_SECONDS = 1.0
"""Between two tries while the database cannot be used."""
SELDOM_SECONDS = 60.0
"""The longest between two tries where it will not be usable by itself: a full disk, a damaged file."""

Act = Callable[[], Awaitable[object]]
R = TypeVar("R")

GOING = frozenset({RunStatus.RUNNING, RunStatus.QUEUED})


class Drives:
    """Runs that this process sees to, and the conversations that they are part of."""

    def __init__(self, talk: Conversation) -> None:
        self.talk = talk
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._talking: dict[str, str] = {}
        """Run of the protocol whose message is being answered → its thread."""

    def talks(self, thread_id: str) -> bool:
        return thread_id in self._talking.values()

    def holds(self, run_id: str) -> bool:
        return run_id in self._tasks

    def begin(self, place: Place, thread_id: str, kept: Kept, act: Act | None) -> None:
        """``act`` is awaited first, then the run."""
        if act is not None:
            self._talking[kept.id] = thread_id
        task = asyncio.create_task(self._see_to(place, thread_id, kept, act))
        self._tasks[kept.id] = task
        task.add_done_callback(lambda _task: self._tasks.pop(kept.id, None))

    async def _see_to(self, place: Place, thread_id: str, kept: Kept, act: Act | None) -> None:
        problem = ""
        try:
            try:
                if act is not None:
                    await _worked_at(place, thread_id, kept, act)
            except Fault as fault:
                problem = str(fault)
            except Exception as error:
                log.exception("a message could not be answered")
                problem = f"Something unexpected went wrong ({type(error).__name__})."
            finally:
                self._talking.pop(kept.id, None)
            with contextlib.suppress(NotFound):  # the conversation was deleted meanwhile
                if not problem:
                    await _until_it_rests(place, thread_id)
                await _insist(lambda: place.database.run(finish, thread_id, kept.id, place.clock, problem))
        except asyncio.CancelledError:
            self._talking.pop(kept.id, None)
            raise


async def _worked_at(place: Place, thread_id: str, kept: Kept, act: Act) -> None:
    """``act``, with every server told that it is going on."""

    async def tell() -> None:
        while True:
            await asyncio.sleep(ledger.AT_WORK.total_seconds() / 3)
            with contextlib.suppress(StoreFault):  # the next time is soon enough
                await place.database.run(ledger.still_at_work, thread_id, kept.id, place.clock.now())

    telling = asyncio.create_task(tell())
    try:
        await act()
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)


async def _until_it_rests(place: Place, thread_id: str) -> None:
    """Wait as long as the thread's run is driven, or about to be."""
    seen = await _insist(lambda: place.pulses.now(thread_id))
    while await _insist(lambda: place.look(goes_on, thread_id, place.clock)):
        seen = await _insist(partial(place.pulses.next, thread_id, seen, LOOK_SECONDS))


async def _insist(work: Callable[[], Awaitable[R]]) -> R:
    """The result of ``work``, which may be done twice; again as long as the database cannot be used."""
    pause, said = AGAIN_SECONDS, ""
    while True:
        try:
            return await work()
        except StoreFault as fault:
            if str(fault) != said:
                said = str(fault)
                log.warning("the end of a run could not be told yet: %s", said)
            await asyncio.sleep(pause)
            pause = AGAIN_SECONDS if _passes(fault) else min(2 * pause, SELDOM_SECONDS)


def _passes(fault: StoreFault) -> bool:
    """Whether waiting is all that it takes."""
    return isinstance(fault, StoreAway) or "is locked" in str(fault.__cause__)


def drives_of(request: Request, talk: Talk) -> Drives:
    kept = getattr(request.app.state, "langgraph_drives", None)
    if not isinstance(kept, Drives):
        kept = request.app.state.langgraph_drives = Drives(talk)
    return kept


Driven = Annotated[Drives, Depends(drives_of)]


def goes_on(session: Session, thread_id: str, clock: Clock) -> bool:
    """Whether the thread's run is driven, or about to be."""
    row = session.get(ThreadRow, thread_id)
    if row is None or row.run_id is None:
        return False
    return orders.status_of(session, runs.get(session, row.run_id), clock.now()) in GOING


def is_talked_to(thread: ThreadRow, now: datetime) -> bool:
    """Whether some server is answering a message of the thread."""
    return any(one.is_at_work(now) for one in ledger.all_of(thread))


def is_busy(session: Session, thread_id: str, clock: Clock) -> bool:
    return is_talked_to(threads.get(session, thread_id), clock.now()) or goes_on(session, thread_id, clock)


def finish(session: Session, thread_id: str, run_id: str, clock: Clock, problem: str = "") -> None:
    """The run of the protocol is over: the thread's run waits, has stopped or has ended."""
    thread = threads.get(session, thread_id)
    one = ledger.find(thread, run_id)
    if one.end is None:
        ledger.keep(session, thread_id, _finished(session, thread, one, clock, problem))


def _finished(session: Session, thread: ThreadRow, one: Kept, clock: Clock, problem: str = "") -> Kept:
    status: RunName = "success"
    if not problem and thread.run_id is not None:
        row = runs.get(session, thread.run_id)
        standing = orders.status_of(session, row, clock.now())
        if standing is RunStatus.STOPPED:
            problem = orders.last_problem(session, row.id) or row.detail or "The run has stopped."
        elif standing is RunStatus.WAITING:
            # An answer that could not be used is told by its order; the question is asked again.
            if one.kind == "reply":
                problem = orders.last_problem(session, row.id)
        elif standing is RunStatus.CANCELLED:
            status = "interrupted"
    end = str(ledger.position(session, thread))
    return one.model_copy(update={"end": end, "status": "error" if problem else status, "problem": problem})


def as_it_is(session: Session, thread_id: str, run_id: str, clock: Clock, held: bool) -> Kept:
    """The run of the protocol with its status now. What nobody sees to any more, since the service was
    restarted, is judged by the rows."""
    thread = threads.get(session, thread_id)
    one = ledger.find(thread, run_id)
    if one.end is not None or held or one.is_at_work(clock.now()) or goes_on(session, thread_id, clock):
        return one
    return _finished(session, thread, one, clock)


async def cancel(place: Place, drives: Drives, thread_id: str, run_id: str) -> None:
    """End the thread's run for good; :class:`~tools.faults.Conflict` when this one is over already."""
    one = await place.look(as_it_is, thread_id, run_id, place.clock, drives.holds(run_id))
    thread = await place.look(threads.get, thread_id)
    if one.end is not None or thread.run_id is None:
        raise Conflict(
            "That is over: there is nothing to cancel.", "A run that waits is cancelled over /api."
        )
    await place.actions.cancel(thread.run_id)
