"""Asking again, over real loopback HTTP, with a clock that only waiting moves."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.standins.http_server import Answered, StandIn
from tests.standins.patience import PATIENCE, soon
from tools.clock import FixedClock
from tools.outcomes import Blocked, BlockReason, Empty, Failed, FailReason, Found, Outcome
from tools.web.client import HttpWeb
from tools.web.page import Page
from tools.web.patience import MAX_MISHAPS, MAX_WAITS, PatientWeb

CLOCK = FixedClock(datetime(2026, 6, 1, 12, 0, tzinfo=UTC))
LIMITED = Answered(b"", 429)
PAGE = Answered(b"page")


def limited(seconds: int) -> Answered:
    return Answered(b"", 429, headers={"Retry-After": str(seconds)})


class Time:
    """A clock that moves when somebody sleeps, once every request that is under way has its outcome;
    ``slept`` says for how long each time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []
        self.under_way = 0

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0.02)  # long enough for requests that must not be sent to be sent
        await soon(lambda: not self.under_way)
        self.now += seconds


class Watched:
    """A web that tells the clock of its requests."""

    def __init__(self, inner: HttpWeb, time: Time) -> None:
        self._inner, self._time = inner, time

    async def get(self, url: str, **asked: Any) -> Outcome[Page]:
        self._time.under_way += 1
        try:
            return await self._inner.get(url, **asked)
        finally:
            self._time.under_way -= 1


class Script(StandIn):
    """A server that gives these answers in order, and the last one for ever."""

    def __init__(self, *answers: Answered) -> None:
        super().__init__(lambda _: self._next())
        self._answers = list(answers)

    def _next(self) -> Answered:
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def patient(web: HttpWeb, time: Time, *, budget: float = 600.0, draw: float = 0.0) -> PatientWeb:
    return PatientWeb(
        Watched(web, time),
        budget_seconds=budget,
        sleep=time.sleep,
        monotonic=time.monotonic,
        draw=lambda: draw,
    )


async def ask(server: StandIn, *, paths: Sequence[str] = ("x",), budget: float = 600.0, draw: float = 0.0):
    """The outcomes of all ``paths`` asked at once, and the time it took."""
    time = Time()
    async with HttpWeb(CLOCK, allow_hosts=frozenset({server.netloc}), timeout_seconds=PATIENCE) as inner:
        web = patient(inner, time, budget=budget, draw=draw)
        outcomes = await asyncio.gather(*(web.get(f"{server.address}/{path}") for path in paths))
    return outcomes, time


@pytest.mark.parametrize(
    ("refusal", "waited"),
    [
        (limited(7), 7.0),
        (Answered(b"", 503, headers={"Retry-After": "7"}), 7.0),
        (Answered(b"", 429, headers={"Retry-After": "Mon, 01 Jun 2026 12:00:30 GMT"}), 30.0),
        (Answered(b"", 429, headers={"RateLimit": '"api";r=0;t=55'}), 55.0),
        (Answered(b"", 429, headers={"RateLimit": '"api";r=3;t=55'}), 5.0),
        (limited(0), 5.0),
        (LIMITED, 5.0),
    ],
)
async def test_a_limit_is_waited_for(refusal, waited):
    with Script(refusal, PAGE) as server:
        (outcome,), time = await ask(server)
    assert isinstance(outcome, Found)
    assert time.slept == [waited]


async def test_waits_of_our_own_double_and_end():
    with Script(LIMITED) as server:
        (outcome,), time = await ask(server)
        assert len(server.asked) == MAX_WAITS + 1
    assert isinstance(outcome, Blocked)
    assert outcome.detail == "HTTP 429, also after 5 waits in a row"
    assert time.slept == [5, 10, 20, 40, 80]


async def test_jitter_lengthens_a_wait_and_never_shortens_it():
    with Script(limited(8), PAGE) as server:
        _, time = await ask(server, draw=1.0)
    assert time.slept == [10.0]


async def test_while_a_host_waits_nobody_else_asks_it():
    paths = [str(number) for number in range(12)]
    with Script(*[limited(60)] * 4, PAGE) as server:
        outcomes, time = await ask(server, paths=paths)
        assert len(server.asked) == 4 + len(paths)
    assert all(isinstance(outcome, Found) for outcome in outcomes)
    assert time.slept == [60]


async def test_other_hosts_do_not_wait_along():
    with Script(limited(60), PAGE) as limiting, Script(PAGE) as free:
        time, begun, go = Time(), asyncio.Event(), asyncio.Event()

        async def sleep(seconds: float) -> None:
            begun.set()
            await go.wait()
            await time.sleep(seconds)

        allowed = frozenset({limiting.netloc, free.netloc})
        async with HttpWeb(CLOCK, allow_hosts=allowed) as inner:
            web = PatientWeb(inner, sleep=sleep, monotonic=time.monotonic)
            waiting = asyncio.create_task(web.get(f"{limiting.address}/x"))
            await begun.wait()
            assert isinstance(await web.get(f"{free.address}/x"), Found)
            assert not waiting.done()
            go.set()
            assert isinstance(await waiting, Found)


async def test_a_longer_wait_of_the_same_host_lengthens_the_first():
    with Script(limited(10), limited(100), PAGE) as server:
        _, time = await ask(server, paths=("a", "b"))
    assert sum(time.slept) == 100, "whichever of the two refusals came first"


async def test_one_that_gives_up_does_not_end_the_others_wait():
    with Script(limited(60), PAGE) as server:
        time, begun, go = Time(), asyncio.Event(), asyncio.Event()

        async def sleep(seconds: float) -> None:
            begun.set()
            await go.wait()
            await time.sleep(seconds)

        async with HttpWeb(CLOCK, allow_hosts=frozenset({server.netloc})) as inner:
            web = PatientWeb(inner, sleep=sleep, monotonic=time.monotonic)
            first = asyncio.create_task(web.get(f"{server.address}/a"))
            await begun.wait()
            second = asyncio.create_task(web.get(f"{server.address}/b"))
            await asyncio.sleep(0.02)
            first.cancel()
            await asyncio.sleep(0.02)
            assert not second.done()
            assert len(server.asked) == 1
            go.set()
            assert isinstance(await second, Found)


async def test_a_wait_that_the_budget_does_not_reach_for_is_not_begun():
    with Script(limited(3600)) as server:
        time = Time()
        async with HttpWeb(CLOCK, allow_hosts=frozenset({server.netloc})) as inner:
            web = patient(inner, time, budget=100)
            outcome = await web.get(f"{server.address}/x")
            time.now += 600
            again = await web.get(f"{server.address}/y")
            assert len(server.asked) == 1
            time.now += 3600
            await web.get(f"{server.address}/z")
            assert len(server.asked) == 2
    assert time.slept == []
    assert isinstance(outcome, Blocked)
    assert outcome.reason is BlockReason.RATE_LIMIT
    assert outcome.detail == (
        "HTTP 429; asked to wait 3600 s, but 100 s of the run's 100 s for waiting are left"
    )
    assert isinstance(again, Blocked)
    assert again.retry_after_seconds == 3000


async def test_the_budget_is_one_for_the_whole_run():
    with Script(limited(40), PAGE, limited(40), PAGE, limited(40)) as server:
        time = Time()
        async with HttpWeb(CLOCK, allow_hosts=frozenset({server.netloc})) as inner:
            web = patient(inner, time, budget=100)
            outcomes = [await web.get(f"{server.address}/{n}") for n in range(3)]
            assert web.waited_seconds == 80
    assert [type(outcome) for outcome in outcomes] == [Found, Found, Blocked]
    assert time.slept == [40, 40]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(Answered(b"", 500), FailReason.SERVER_ERROR), (Answered(b"", 408), FailReason.TIMEOUT)],
)
async def test_mishaps_are_tried_twice_more(answer, reason):
    with Script(answer) as server:
        (outcome,), time = await ask(server)
        assert len(server.asked) == 1 + MAX_MISHAPS
    assert isinstance(outcome, Failed)
    assert outcome.reason is reason
    assert time.slept == [0.5, 1.0]
    with Script(answer, PAGE) as server:
        (outcome,), _ = await ask(server)
    assert isinstance(outcome, Found)


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npa"])
async def test_a_connection_that_breaks_off_is_a_mishap(begun):
    answers = [begun, b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage"]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answers.pop(0))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        netloc = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        time = Time()
        async with HttpWeb(CLOCK, allow_hosts=frozenset({netloc})) as inner:
            outcome = await patient(inner, time).get(f"http://{netloc}/x")
    assert isinstance(outcome, Found)
    assert outcome.value.text == "page"
    assert time.slept == [0.5]


async def test_mishaps_use_the_budget_too():
    with Script(Answered(b"", 500)) as server:
        (outcome,), time = await ask(server, budget=1.0)
    assert time.slept == [0.5]
    assert isinstance(outcome, Failed)
    assert outcome.detail.startswith("HTTP 500; not asked again: ")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answered(b"", 403), Blocked),
        (Answered(b"", 403, headers={"Retry-After": "1"}), Blocked),
        (Answered(b"", 401, headers={"X-Error-Code": "GatedRepo"}), Blocked),
        (Answered(b"", 403, headers={"cf-mitigated": "challenge", "Retry-After": "1"}), Blocked),
        (Answered(b"", 404), Empty),
        (Answered(b"\x89PNG", content_type="image/png"), Failed),
        (Answered(b"", 418), Failed),
    ],
)
async def test_what_would_not_help_is_not_tried(answer, kind):
    with Script(answer) as server:
        (outcome,), time = await ask(server)
        assert len(server.asked) == 1
    assert isinstance(outcome, kind)
    assert time.slept == []
