"""How often one engine is asked: one query at a time, and time between two."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tools.web.pace import Monotonic, Sleep


class EnginePace:
    """At most one query at a time, and two starts at least ``min_interval_seconds`` apart, plus a random part
    of up to ``jitter_seconds``: in the threads of ddgs' users, bursts are what gets blocked."""

    def __init__(
        self,
        *,
        min_interval_seconds: float,
        jitter_seconds: float,
        sleep: Sleep = asyncio.sleep,
        monotonic: Monotonic = time.monotonic,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._interval = min_interval_seconds
        self._jitter = jitter_seconds
        self._sleep = sleep
        self._monotonic = monotonic
        self._draw = draw
        self._next_start: float | None = None
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Hold the engine for one query."""
        async with self._turn:
            now = self._monotonic()
            if self._next_start is not None and self._next_start > now:
                await self._sleep(self._next_start - now)
                now = max(self._monotonic(), self._next_start)
            self._next_start = now + self._interval + self._jitter * self._draw()
            yield
