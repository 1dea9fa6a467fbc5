"""Rows that arrive one by one, committed together with whatever else has arrived meanwhile.

A row is on disk before whoever brought it goes on, so nothing that was paid for is lost; but rows that come
while a commit is under way share the next one (group commit: Gray and Reuter, "Transaction processing",
1993).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Generic, Self, TypeVar

from sqlalchemy.orm import Session

from graphs.desk import Desk

Item = TypeVar("Item")


class Clerk(Generic[Item]):
    """``keep_all(session, run_id, items)`` stores items and the events that tell of them.

    An async context manager: leaving it waits for the last commit.
    """

    def __init__(self, desk: Desk, keep_all: Callable[[Session, str, Sequence[Item]], None]) -> None:
        self._desk = desk
        self._keep_all = keep_all
        self._waiting: list[tuple[Item, asyncio.Future[None]]] = []
        self._work: asyncio.Task[None] | None = None

    async def keep(self, item: Item) -> None:
        """Store ``item``; it is committed when this returns. Raises what the commit raised."""
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, kept))
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._commit())
        await asyncio.shield(kept)

    async def _commit(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                await self._desk.write(self._keep_all, [item for item, _ in batch])
            except BaseException as error:
                for _, kept in (*batch, *self._waiting):
                    if not kept.done():
                        kept.set_exception(error)
                        kept.exception()  # who brought it may have been cancelled and raise nothing
                self._waiting = []
                raise
            for _, kept in batch:
                if not kept.done():
                    kept.set_result(None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: Any) -> None:
        if self._work is not None:
            await asyncio.wait({self._work})
            if not self._work.cancelled():
                self._work.exception()  # raised already, by whoever waited for the row
