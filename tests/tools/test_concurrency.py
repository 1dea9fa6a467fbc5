"""How many requests are under way, against servers of known capacity, in time that only the test moves."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.standins.patience import PATIENCE
from tools.concurrency import Throttle


class Time:
    """A clock that goes on when everybody waits."""

    def __init__(self) -> None:
        self.now = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self.now + seconds, self._count, future))
        await future

    async def run(self, *work: Coroutine[Any, Any, None]) -> None:
        tasks = [asyncio.ensure_future(one) for one in work]
        while not all(task.done() for task in tasks):
            for _ in range(50):
                await asyncio.sleep(0)
            if self._sleepers:
                self.now, _, future = heapq.heappop(self._sleepers)
                if not future.done():
                    future.set_result(None)
        for task in tasks:
            task.result()


class Server:
    """Answers ``capacity`` requests at once, each in a second; more of them share it, or are refused."""

    def __init__(self, time: Time, capacity: int, *, refuses: bool = False) -> None:
        self.time, self.capacity, self.refuses = time, capacity, refuses
        self.under_way = self.most = self.refused = 0

    async def answer(self, throttle: Throttle) -> None:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            while self.refuses and self.under_way > self.capacity:
                self.refused += 1
                throttle.complain()
                self.under_way -= 1
                await self.time.sleep(1.0)
                self.under_way += 1
            await self.time.sleep(max(1.0, self.under_way / self.capacity))
        finally:
            self.under_way -= 1


async def work(time: Time, server: Server, throttle: Throttle, items: int) -> None:
    async def one() -> None:
        async with throttle:
            await server.answer(throttle)

    await time.run(*(one() for _ in range(items)))


async def test_a_server_that_can_do_more_gets_more() -> None:
    time = Time()
    server, throttle = Server(time, 100), Throttle(20, 2, time)
    await work(time, server, throttle, 400)
    assert server.most == 20
    assert throttle.limit == 20
    assert time.now < 30, "400 seconds of work, twenty at once, and a little for finding out"


async def test_a_server_that_does_one_at_a_time_is_left_with_one() -> None:
    time = Time()
    server, throttle = Server(time, 1), Throttle(8, 1, time)
    await work(time, server, throttle, 60)
    assert throttle.limit <= 2
    assert server.most <= 2, "it was tried once, and taken back"


async def test_a_bound_that_a_person_named_is_used_from_the_start() -> None:
    time = Time()
    server, throttle = Server(time, 100), Throttle(12, clock=time)
    await work(time, server, throttle, 24)
    assert server.most == 12
    assert time.now == pytest.approx(2.0)


async def test_complaints_halve_and_calm_brings_it_back_by_one() -> None:
    time = Time()
    server, throttle = Server(time, 3, refuses=True), Throttle(16, clock=time)
    await work(time, server, throttle, 300)
    assert server.refused
    assert 1 <= throttle.limit <= 6
    assert server.refused < 100, "most of what is asked is not refused"


async def test_complaints_of_one_moment_count_once() -> None:
    throttle = Throttle(16)
    entered = [throttle.__aenter__() for _ in range(16)]
    for one in entered:
        await one
    for _ in range(16):
        throttle.complain()
    assert throttle.limit == 8


async def test_a_turn_that_is_cancelled_goes_to_the_next() -> None:
    throttle = Throttle(1)
    await throttle.__aenter__()

    async def turn() -> str:
        async with throttle:
            return "had it"

    first, second = asyncio.ensure_future(turn()), asyncio.ensure_future(turn())
    await asyncio.sleep(0)
    await throttle.__aexit__(None)  # the turn is the first one's …
    first.cancel()  # … who does not live to take it
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await asyncio.wait_for(second, PATIENCE) == "had it"


@given(st.integers(1, 40), st.lists(st.sampled_from(["done", "failed", "complains"]), max_size=200))
def test_the_limit_stays_within_its_bounds(most: int, happenings: list[str]) -> None:
    async def go() -> None:
        throttle = Throttle(most, 1 + most // 3 if most > 1 else 1)
        for happening in happenings:
            await throttle.__aenter__()
            if happening == "complains":
                throttle.complain()
            await throttle.__aexit__(ValueError if happening == "failed" else None)
            assert 1 <= throttle.limit <= most

    asyncio.run(go())


@pytest.mark.parametrize(("most", "start"), [(0, None), (4, 0), (4, 5)])
def test_impossible_bounds_are_refused(most: int, start: int | None) -> None:
    with pytest.raises(ValueError, match="at least one"):
        Throttle(most, start)
