"""What many readers see at once is looked up once for all of them."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from agent.service.place import Place
from store import events, runs

T = TypeVar("T")
KEPT = 32


class Shared:
    """Results by key, the newest :data:`KEPT`. Whoever comes while one is looked up waits for it."""

    def __init__(self) -> None:
        self._held: OrderedDict[Hashable, asyncio.Task[Any]] = OrderedDict()

    async def get(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        task = self._held.get(key)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = self._held[key] = asyncio.ensure_future(make())
            while len(self._held) > KEPT:
                self._held.popitem(last=False)
        found: T = await asyncio.shield(task)
        return found


async def of_run(shared: Shared, here: Place, run_id: str, query: Callable[[Session, str], T]) -> T:
    """``query(session, run_id)`` for everybody who asks while the run has told nothing new."""
    whole, seq, changed = await here.look(_standing, run_id)
    return await shared.get((query, whole, seq, changed), lambda: here.look(query, whole))


def _standing(session: Session, run_id: str) -> tuple[str, int, Any]:
    row = runs.get(session, run_id)
    return row.id, events.last_seq(session, row.id), row.updated_at
