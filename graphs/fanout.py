"""The same work on many items, a bounded number at a time.

Bounded by a semaphore of our own: LangGraph's ``max_concurrency`` makes checkpoint writes wait behind tasks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, Self, TypeVar

from tools.concurrency import Throttle

Item = TypeVar("Item")


async def each(
    items: Iterable[Item], work: Callable[[Item], Awaitable[None]], *, at_once: int | Throttle
) -> None:
    """Run ``work`` on every item. The first failure stops what has not begun, and is raised as it is.

    There are as many workers as there may be items under way, however many items there are.
    """
    throttle = Throttle(at_once) if isinstance(at_once, int) else at_once
    left = iter(items)
    stopped = False

    async def worker() -> None:
        nonlocal stopped
        while True:
            async with throttle:
                if stopped:  # the slot of a failure is free before the group has cancelled who waits for it
                    return
                item = next(left, _NOTHING)
                if isinstance(item, _Nothing):
                    return
                try:
                    await work(item)
                except BaseException:
                    stopped = True
                    raise

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(throttle.most):
                group.create_task(worker())
    except BaseExceptionGroup as failures:
        raise _first(failures) from None


class _Nothing:
    """What is left when nothing is."""


_NOTHING = _Nothing()


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


class Crew:
    """Work that turns up while other work goes on; at most ``at_once`` pieces of it at the same time.

    An async context manager: leaving it waits for all that was added. The first failure cancels the rest and
    is raised as it is.
    """

    def __init__(self, at_once: int) -> None:
        self._slots = asyncio.Semaphore(at_once)
        self._group = asyncio.TaskGroup()

    def add(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin ``work`` as soon as there is a place for it."""
        self._group.create_task(self._bounded(work))

    async def _bounded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            async with self._slots:
                await work
        finally:
            work.close()  # cancelled before it began, it would be said to have been forgotten

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(self, *failure: Any) -> None:
        try:
            await self._group.__aexit__(*failure)
        except BaseExceptionGroup as failures:
            raise _first(failures) from None
