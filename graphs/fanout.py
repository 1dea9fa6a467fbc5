"""The same work on many items, a bounded number at a time.

Bounded by a semaphore of our own: LangGraph's ``max_concurrency`` makes checkpoint writes wait behind tasks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")


async def each(items: Iterable[Item], work: Callable[[Item], Awaitable[None]], *, at_once: int) -> None:
    """Run ``work`` on every item. The first failure stops what has not begun, and is raised as it is."""
    slots = asyncio.Semaphore(at_once)
    stopped = False

    async def bounded(item: Item) -> None:
        nonlocal stopped
        async with slots:
            if stopped:  # the slot of a failure is free before the group has cancelled whoever waits for it
                return
            try:
                await work(item)
            except BaseException:
                stopped = True
                raise

    try:
        async with asyncio.TaskGroup() as group:
            for item in items:
                group.create_task(bounded(item))
    except BaseExceptionGroup as failures:
        raise _first(failures) from None


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
