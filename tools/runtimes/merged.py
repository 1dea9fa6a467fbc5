"""Several asynchronous iterators as one: items in the order in which they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")


async def merged(sources: Sequence[AsyncIterator[Item]]) -> AsyncGenerator[Item]:
    """Items of all ``sources``. The first failure of one ends the others and is raised as it is."""
    steps = {_next(source): source for source in sources}
    try:
        while steps:
            done, _ = await asyncio.wait(steps, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                source = steps.pop(task)
                item = task.result()
                if not isinstance(item, _End):
                    steps[_next(source)] = source
                    yield item
    finally:
        for task in steps:
            task.cancel()
        if steps:
            await asyncio.wait(steps)


class _End:
    """In place of an item that is not there."""


_END = _End()


def _next(source: AsyncIterator[Item]) -> asyncio.Task[Item | _End]:
    async def one() -> Item | _End:
        return await anext(source, _END)

    return asyncio.create_task(one())
