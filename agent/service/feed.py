"""Events of a run for many readers at once: one look at the rows for all of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from agent.views import EventRecord, event_records
from store.database import Database

LOOK_SECONDS = 0.2
"""How long an event may wait in the rows before readers see it."""
KEPT = 1000
"""Events kept for readers who are nearly up to date; older ones come from the rows."""


class Feeds:
    """One :class:`_Feed` for each run that somebody follows."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._feeds: dict[str, _Feed] = {}
        self._closed = asyncio.Event()

    async def follow(self, run_id: str, after: int) -> AsyncIterator[list[EventRecord]]:
        """Batches of events numbered above ``after``, in order and without a gap; an empty one when nothing
        happened for a while. It ends when the service does."""
        feed = self._feeds.get(run_id)
        if feed is None:
            feed = self._feeds[run_id] = _Feed(self._database, run_id, after)
        feed.readers += 1
        try:
            while not self._closed.is_set():
                batch = await feed.next(after)
                if batch:
                    after = batch[-1].seq
                yield batch
        finally:
            feed.readers -= 1
            if not feed.readers:
                self._feeds.pop(run_id, None)
                await feed.close()

    def close(self) -> None:
        """Let every reader go."""
        self._closed.set()
        for feed in self._feeds.values():
            feed.let_go()


class _Feed:
    IDLE_SECONDS = 15.0

    def __init__(self, database: Database, run_id: str, after: int) -> None:
        self.readers = 0
        self._database = database
        self._run_id = run_id
        self._kept: list[EventRecord] = []
        self._first = after
        """Everything after this number is in ``_kept``."""
        self._news = asyncio.Event()
        self._watcher = asyncio.create_task(self._watch())

    async def next(self, after: int) -> list[EventRecord]:
        """Events after a number; waits for some, but not for long."""
        if after < self._first:
            return await self._database.look(event_records, self._run_id, after)
        newer = self._after(after)
        if newer:
            return newer
        news = self._news
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(news.wait(), self.IDLE_SECONDS)
        return self._after(after)

    def _after(self, seq: int) -> list[EventRecord]:
        # Numbers have no gaps, so the place of an event in the list is known.
        return self._kept[max(0, seq - self._first) :] if self._kept else []

    async def _watch(self) -> None:
        last = self._first
        while True:
            batch = await self._database.look(event_records, self._run_id, last)
            if batch:
                last = batch[-1].seq
                self._kept += batch
                surplus = len(self._kept) - KEPT
                if surplus > 0:
                    self._first = self._kept[surplus - 1].seq
                    del self._kept[:surplus]
                self.let_go()
            else:
                await asyncio.sleep(LOOK_SECONDS)

    def let_go(self) -> None:
        """Wake everybody who waits."""
        self._news.set()
        self._news = asyncio.Event()

    async def close(self) -> None:
        self._watcher.cancel()
        await asyncio.gather(self._watcher, return_exceptions=True)
