"""Whether a conversation has something new, for everybody who follows it: one look at the rows for all."""

from __future__ import annotations

import asyncio
import contextlib
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from agent.service.problems import TooMany
from store import events, threads
from store.database import Database
from store.schema import MessageRow

MOST_READERS = 300
"""Readers of all conversations together: each holds a connection."""
LOOK_SECONDS = 0.3
"""How long something new may wait in the rows before readers hear of it."""


class Mark(NamedTuple):
    """How far a conversation has got; two that are equal have nothing new between them."""

    run_id: str | None
    message: int
    event: int


class Pulses:
    """The newest mark of each conversation that somebody follows."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._looks: dict[str, asyncio.Task[Mark]] = {}
        self._closed = False
        self._readers = 0
        """Who waits now."""

    def close(self) -> None:
        """Let every reader go, soon."""
        self._closed = True

    def check_room(self) -> None:
        """Raise :class:`TooMany` when no further reader can be served."""
        if self._readers >= MOST_READERS:
            raise TooMany(
                f"{MOST_READERS} readers follow conversations already.",
                "Close some, or ask again soon.",
                retry_after=5,
            )

    async def next(self, thread_id: str, seen: Mark | None, patience: float) -> Mark:
        """The first mark other than ``seen``, or ``seen`` again.

        That is when nothing came within ``patience`` seconds or the service is being stopped.
        :class:`~tools.faults.NotFound` when the conversation is gone.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + patience
        self._readers += 1
        try:
            while True:
                mark = await self._look(thread_id, at_once=seen is None)
                if mark != seen or self._closed or loop.time() >= until:
                    return mark
        finally:
            self._readers -= 1

    async def _look(self, thread_id: str, *, at_once: bool) -> Mark:
        if at_once:
            return await self._database.look(mark_of, thread_id)
        look = self._looks.get(thread_id)
        if look is None:
            look = self._looks[thread_id] = asyncio.create_task(self._soon(thread_id))
        # A reader who leaves takes nobody's look along.
        return await asyncio.shield(look)

    async def _soon(self, thread_id: str) -> Mark:
        try:
            await asyncio.sleep(LOOK_SECONDS)
        finally:
            # Whoever asks from here on is to see what is written from here on.
            with contextlib.suppress(KeyError):
                del self._looks[thread_id]
        return await self._database.look(mark_of, thread_id)


def mark_of(session: Session, thread_id: str) -> Mark:
    """How far the conversation has got now."""
    run_id = threads.get(session, thread_id).run_id
    last = select(func.max(MessageRow.position)).where(MessageRow.thread_id == thread_id)
    event = 0 if run_id is None else events.last_seq(session, run_id)
    return Mark(run_id, session.scalar(last) or 0, event)
