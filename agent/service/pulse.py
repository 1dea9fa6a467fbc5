"""Whether a conversation has something new, for everybody who follows it: one look at the rows for all."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from agent.service.news import Bell, News
from agent.service.problems import TooMany
from store import events, orders, threads
from store.database import Database
from store.schema import MessageRow, RunRow
from tools.clock import Clock, SystemClock
from tools.faults import Fault, NotFound

MOST_READERS = 300
"""Readers of all conversations together: each holds a connection."""
LOOK_SECONDS = 0.3
"""How long something new may wait in the rows before readers hear of it, where nobody tells of it."""
RARELY_SECONDS = 15.0
"""Between two looks while changes are told: a look takes six queries, and there may be many conversations."""
GATHER_SECONDS = 0.05
"""Between two looks at a conversation that is lively."""


class Mark(NamedTuple):
    """How far a conversation has got; two that are equal have nothing new between them."""

    run_id: str | None
    message: int
    event: int
    standing: str
    """Status of the run: no event tells that its driver has let go of it."""
    tags: int
    """Changes with what clients and LangGraph's protocol have noted."""


class Pulses:
    """The newest mark of each conversation that somebody follows."""

    def __init__(self, database: Database, news: News | None = None, clock: Clock | None = None) -> None:
        self._database = database
        self._news = news or News(database)
        self._clock = clock or SystemClock()
        self._followed: dict[str, _Pulse] = {}
        self._closed = False

    def close(self) -> None:
        """Let every reader go."""
        self._closed = True
        for pulse in self._followed.values():
            pulse.wake()

    def check_room(self) -> None:
        """Raise :class:`TooMany` when no further reader can be served."""
        if sum(pulse.readers for pulse in self._followed.values()) >= MOST_READERS:
            raise TooMany(
                f"{MOST_READERS} readers follow conversations already.",
                "Close some, or ask again soon.",
                retry_after=5,
            )

    async def now(self, thread_id: str) -> Mark:
        """The mark at this moment; :class:`~tools.faults.NotFound` without such a conversation."""
        return await self._database.look(mark_of, thread_id, self._clock)

    async def next(self, thread_id: str, seen: Mark | None, patience: float) -> Mark:
        """The first mark other than ``seen``, or ``seen`` again.

        That is when nothing came within ``patience`` seconds or the service is being stopped.
        :class:`~tools.faults.NotFound` when the conversation is gone.
        """
        if seen is None:
            return await self.now(thread_id)
        pulse = self._followed.get(thread_id)
        if pulse is None:
            pulse = self._followed[thread_id] = _Pulse(self, self._news, thread_id)
        pulse.readers += 1
        try:
            async with asyncio.timeout(patience):
                while not self._closed:
                    change = pulse.change
                    # What is kept may be older than what this reader has seen: only the rows know.
                    if pulse.mark not in {None, seen} or pulse.over:
                        mark = await self.now(thread_id)
                        if mark != seen:
                            return mark
                    await change.wait()
        except TimeoutError:
            pass
        finally:
            pulse.readers -= 1
            if not pulse.readers and self._followed.get(thread_id) is pulse:
                del self._followed[thread_id]
                pulse.stop()
        return seen


class _Pulse:
    """The mark of one conversation, looked at for all who follow it."""

    def __init__(self, all_of_them: Pulses, news: News, thread_id: str) -> None:
        self.readers = 0
        self.mark: Mark | None = None
        self.over = False
        """Whether the conversation is gone, or cannot be looked at: its readers find out which."""
        self._pulses = all_of_them
        self._news = news
        self._thread_id = thread_id
        self.change = asyncio.Event()
        """Set at the next change, when another one takes its place."""
        self._watcher = asyncio.create_task(self._watch())

    def wake(self) -> None:
        self.change.set()
        self.change = asyncio.Event()

    def stop(self) -> None:
        self._watcher.cancel()

    async def _watch(self) -> None:
        with self._news.bell(self._thread_id) as bell:
            while not self.over:
                await self._look(bell)

    async def _look(self, bell: Bell) -> None:
        bell.clear()
        try:
            mark = await self._pulses.now(self._thread_id)
        except NotFound:
            self.over = True
            self.wake()
            return
        except Fault:
            await asyncio.sleep(1)  # readers stay, and are told once the database answers again
            return
        except Exception:
            self.over = True  # readers find out what it is
            self.wake()
            raise
        names = {self._thread_id} if mark.run_id is None else {self._thread_id, mark.run_id}
        turned = bell.listen_for(*names)
        if mark != self.mark:
            self.mark = mark
            self.wake()
            await asyncio.sleep(GATHER_SECONDS)
        elif not turned:
            await bell.wait(LOOK_SECONDS, RARELY_SECONDS)


def mark_of(session: Session, thread_id: str, clock: Clock) -> Mark:
    """How far the conversation has got now."""
    thread = threads.get(session, thread_id)
    run = None if thread.run_id is None else session.get(RunRow, thread.run_id)
    last = select(func.max(MessageRow.position)).where(MessageRow.thread_id == thread_id)
    return Mark(
        run_id=thread.run_id,
        message=session.scalar(last) or 0,
        event=0 if run is None else events.last_seq(session, run.id),
        standing="" if run is None else orders.status_of(session, run, clock.now()).value,
        tags=hash(repr(thread.tags)),
    )
