"""What many readers see at once is looked up once for all of them."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

from fastapi import Request
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from agent.service.place import Place
from store import events, orders, runs
from store.schema import LabelRow, OrderRow
from tools.clock import Clock

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


async def of_run(
    request: Request, here: Place, run_id: str, query: Callable[..., T], *rest: Any, long: bool = False
) -> T:
    """``query(session, run_id, *rest)`` for everybody who asks while the run has told nothing new and nobody
    has labelled an answer. ``rest`` can be hashed. A ``long`` query is one of a whole document.

    What depends on the time alone, as how long a run has been quiet, is not looked up so.
    """
    state = request.app.state
    if not hasattr(state, "shared"):
        state.shared = Shared()
    standing = await here.look(_standing, run_id, here.clock)
    whole = standing[0]
    found: T = await state.shared.get(
        (query, standing, rest), lambda: (here.study if long else here.look)(query, whole, *rest)
    )
    return found


def _standing(session: Session, run_id: str, clock: Clock) -> tuple[Any, ...]:
    """The run's name, and everything that changes when something is to be shown of it."""
    row = runs.get(session, run_id)
    # That of a process that died is told from its lease, with no event.
    status = orders.status_of(session, row, clock.now())
    closed = session.scalar(select(func.max(OrderRow.done_at)).where(OrderRow.run_id == row.id))
    labelled = select(func.count(), func.max(LabelRow.at)).where(LabelRow.run_id == row.id)
    labels, newest = session.execute(labelled).one()
    return row.id, events.last_seq(session, row.id), row.updated_at, status, closed, labels, newest
