"""Politeness: how many requests at once, and how soon after one another, a host gets from us."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Sleep = Callable[[float], Awaitable[None]]
Monotonic = Callable[[], float]


class HostPace:
    """At most ``concurrency`` requests in all, ``per_host`` to one host, and a minimum interval between two
    starts to one host."""

    def __init__(
        self,
        *,
        concurrency: int = 8,
        per_host: int = 4,
        min_interval_seconds: float = 0.0,
        sleep: Sleep = asyncio.sleep,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._all = asyncio.Semaphore(concurrency)
        self._per_host = per_host
        self._interval = min_interval_seconds
        self._sleep = sleep
        self._monotonic = monotonic
        self._hosts: dict[str, asyncio.Semaphore] = {}
        self._next_start: dict[str, float] = {}
        self._intervals: dict[str, float] = {}

    def slow_down(self, host: str, interval_seconds: float) -> None:
        """Space starts to ``host`` by at least ``interval_seconds`` from now on."""
        self._intervals[host] = max(interval_seconds, self._intervals.get(host, self._interval))

    @asynccontextmanager
    async def slot(self, host: str) -> AsyncIterator[None]:
        """Hold a place for one request to ``host``; waits until there is one."""
        mine = self._hosts.setdefault(host, asyncio.Semaphore(self._per_host))
        async with mine:
            await self._wait_for_turn(host)
            async with self._all:
                yield

    async def _wait_for_turn(self, host: str) -> None:
        interval = self._intervals.get(host, self._interval)
        if interval <= 0:
            return
        now = self._monotonic()
        start = max(now, self._next_start.get(host, now))
        self._next_start[host] = start + interval
        if start > now:
            await self._sleep(start - now)
