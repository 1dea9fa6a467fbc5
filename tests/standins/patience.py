"""How long a test waits for what happens in other processes and threads, and how it waits.

Nothing here is a measure of speed: on a machine that is busy with other work everything takes ten times as
long. A limit ends what hangs, and says what was waited for; everything else waits for a condition.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE = 150.0
"""Seconds after which whatever a test waits for has failed it."""
LOOK_SECONDS = 0.02

Found = TypeVar("Found")


def until(wanted: Callable[[], Found], told: Callable[[], str] = str) -> Found:
    """What ``wanted`` gives once it is true; ``told`` is said when it never is."""
    last = time.monotonic() + PATIENCE
    while not (found := wanted()):
        assert time.monotonic() < last, told()
        time.sleep(LOOK_SECONDS)
    return found


async def soon(wanted: Callable[[], Found]) -> Found:
    """:func:`until` beside the event loop's other work."""
    async with asyncio.timeout(PATIENCE):
        while not (found := wanted()):  # noqa: ASYNC110 - what is waited for rings no bell
            await asyncio.sleep(LOOK_SECONDS)
        return found
