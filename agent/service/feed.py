"""Events of a run for many readers at once: one look at the rows for all of them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator

from sqlalchemy.orm import Session

from agent.service.news import News
from agent.service.problems import TooMany
from agent.views import EventRecord, event_records
from store import events
from store.database import Database
from store.schema import RunRow
from tools.faults import Fault

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.2
"""How long an event may wait in the rows before readers see it, where nobody tells of it."""
GATHER_SECONDS = 0.05
"""Between two looks at a run that is lively: its events are read a few at a time."""
IDLE_SECONDS = 15.0
"""After how long without news a reader is told that it is still connected."""
KEPT = 1000
"""Events kept for readers who are nearly up to date; older ones come from the rows."""
BATCH = 200
"""Events handed to a reader at a time: what a slow one makes the service hold."""
MOST_READERS = 300
"""Readers of all runs together: each holds a connection, and others want one too."""


class Feeds:
    """One :class:`_Feed` for each run that somebody follows."""

    def __init__(self, database: Database, news: News | None = None) -> None:
        self._database = database
        self._news = news or News(database)
        self._feeds: dict[str, _Feed] = {}
        self._closed = asyncio.Event()

    @property
    def closed(self) -> bool:
        """Whether the service is being stopped."""
        return self._closed.is_set()

    @property
    def readers(self) -> int:
        return sum(feed.readers for feed in self._feeds.values())

    def check_room(self) -> None:
        """Raise :class:`TooMany` when no further reader can be served."""
        if self.readers >= MOST_READERS:
            raise TooMany(
                f"{MOST_READERS} readers follow runs already.",
                "Close some, or ask again soon.",
                retry_after=5,
            )

    async def follow(self, run_id: str, after: int) -> AsyncGenerator[list[EventRecord], None]:
        """Batches of events numbered above ``after``, in order and without a gap; an empty one when nothing
        happened for a while. It ends when the service does, and when the run is deleted.

        Whoever leaves early closes it (``contextlib.aclosing``), so that its place is free at once.
        """
        feed = self._feeds.get(run_id)
        if feed is None:
            feed = self._feeds[run_id] = _Feed(self._database, self._news, run_id)
        feed.readers += 1
        try:
            while not self._closed.is_set():
                batch = await feed.next(after)
                if batch:
                    after = batch[-1].seq
                elif feed.over or self._closed.is_set():
                    return
                yield batch
        finally:
            feed.readers -= 1
            if not feed.readers and self._feeds.get(run_id) is feed:
                del self._feeds[run_id]
                feed.stop()

    def close(self) -> None:
        """Let every reader go."""
        self._closed.set()
        for feed in self._feeds.values():
            feed.let_go()


class _Feed:
    """The newest events of one run, read once for all who follow it."""

    def __init__(self, database: Database, told: News, run_id: str) -> None:
        self.readers = 0
        self.over = False
        """Whether the run is gone."""
        self._database = database
        self._told = told
        self._run_id = run_id
        self._kept: list[EventRecord] = []
        self._first: int | None = None
        """Everything after this number is in ``_kept``; None until the rows were looked at."""
        self._ready = asyncio.Event()
        """Whether ``_first`` is known, or there is nothing to wait for."""
        self._news = asyncio.Event()
        self._watcher = asyncio.create_task(self._watch())

    async def next(self, after: int) -> list[EventRecord]:
        """Events after a number; waits for some, but not for long."""
        if self._first is None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ready.wait(), IDLE_SECONDS)
        if self._first is None:
            return []
        if after < self._first:
            older = await self._database.look(event_records, self._run_id, after, BATCH)
            if older:
                return older
        newer = self._after(after)
        if newer or self.over:
            return newer
        news = self._news
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(news.wait(), IDLE_SECONDS)
        return self._after(after)

    def _after(self, seq: int) -> list[EventRecord]:
        # Numbers have no gaps, so the place of an event in the list is known.
        if self._first is None or seq < self._first:
            return []
        start = seq - self._first
        return self._kept[start : start + BATCH]

    async def _watch(self) -> None:
        with self._told.bell(self._run_id) as bell:
            while True:
                bell.clear()
                try:
                    if await self._look():
                        await asyncio.sleep(GATHER_SECONDS)
                    else:
                        await bell.wait(LOOK_SECONDS)
                except Fault as fault:
                    # Readers stay, and are told once the database answers again.
                    log.warning("events of run %s could not be read: %s", self._run_id, fault)
                    await asyncio.sleep(1)
                except Exception:
                    self.over = True  # readers connect again, and begin a feed that works
                    self.let_go()
                    raise

    async def _look(self) -> bool:
        """Take in what is new; whether there was anything."""
        if self._first is None:
            # Those who connect again after a restart are nearly up to date, and all come at once.
            newest = await self._database.look(events.last_seq, self._run_id)
            self._first = max(0, newest - KEPT)
            self._ready.set()
        last = self._kept[-1].seq if self._kept else self._first
        batch, there = await self._database.look(_newer, self._run_id, last)
        if not there:
            self.over = True
            self.let_go()
            return False
        if batch:
            self._kept += batch
            surplus = len(self._kept) - KEPT
            if surplus > 0:
                self._first = self._kept[surplus - 1].seq
                del self._kept[:surplus]
            self.let_go()
        return bool(batch)

    def let_go(self) -> None:
        """Wake everybody who waits."""
        self._ready.set()
        self._news.set()
        self._news = asyncio.Event()

    def stop(self) -> None:
        self._watcher.cancel()


def _newer(session: Session, run_id: str, after: int) -> tuple[list[EventRecord], bool]:
    """Events after a number, and whether there is such a run."""
    batch = event_records(session, run_id, after)
    return batch, bool(batch) or session.get(RunRow, run_id) is not None
