"""DuckDuckGo through ddgs' own engine, over real loopback HTTP: a block is never an empty result."""

from __future__ import annotations

import threading

import pytest

from tests.standins.http_server import Answered, StandIn
from tests.standins.search_server import Entry, SearchServer
from tools.outcomes import Blocked, BlockReason, Empty, Failed, FailReason, Found
from tools.search.base import NotRecordedError, SearchHit
from tools.search.breaker import BreakerEngine
from tools.search.duckduckgo import DuckDuckGo

ENTRIES = [Entry(f"https://a{n}.example/", f"Therapy models {n}", f"therapy coaching {n}") for n in range(14)]


async def no_wait(seconds: float) -> None:
    assert seconds > 0


def engine(server: StandIn, **more: object) -> DuckDuckGo:
    return DuckDuckGo(url=f"{server.address}/html/", sleep=no_wait, **more)  # type: ignore[arg-type]


async def test_results_and_pages():
    with SearchServer(ENTRIES) as server:
        duck = engine(server)
        first = await duck.search("therapy coaching")
        second = await duck.search("therapy coaching", page=2)
    assert isinstance(first, Found)
    assert isinstance(second, Found)
    assert first.value[0] == SearchHit(
        title="Therapy models 0", url="https://a0.example/", snippet="therapy coaching 0"
    )
    assert len(first.value) == 10
    assert not {hit.url for hit in first.value} & {hit.url for hit in second.value}


async def test_the_page_without_results_is_empty():
    with SearchServer(ENTRIES) as server:
        assert isinstance(await engine(server).search("nothing whatsoever"), Empty)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (202, BlockReason.CHALLENGE),
        (403, BlockReason.FORBIDDEN),
        (418, BlockReason.RATE_LIMIT),
        (429, BlockReason.RATE_LIMIT),
    ],
)
async def test_a_block_is_a_block(status, reason):
    with SearchServer(ENTRIES, statuses=[status]) as server:
        duck = engine(server)
        outcome = await duck.search("therapy coaching")
        after = await duck.search("therapy coaching")
    assert isinstance(outcome, Blocked)
    assert outcome.reason is reason
    assert outcome.retry_after_seconds == (30.0 if status == 429 else None)
    assert isinstance(after, Found)


async def test_a_challenge_at_200_is_a_block():
    with SearchServer(challenge_at_200=True) as server:
        outcome = await engine(server).search("therapy coaching")
    assert isinstance(outcome, Blocked)
    assert outcome.reason is BlockReason.CHALLENGE


@pytest.mark.parametrize("body", ["<html><body>hello</body></html>", "", " "])
async def test_a_page_that_says_nothing_is_no_empty_result(body):
    with SearchServer(bodies=[body]) as server:
        outcome = await engine(server).search("therapy coaching")
    assert isinstance(outcome, Failed)
    assert outcome.reason is FailReason.BAD_REPLY


async def test_an_error_a_timeout_and_a_closed_port_are_failures():
    with SearchServer(statuses=[500]) as server:
        broken = await engine(server).search("q")
    gone = await engine_at_closed_port()
    event = threading.Event()
    with StandIn(lambda _: Answered(b"late", wait=event)) as slow:
        late = await engine(slow, timeout_seconds=1).search("q")
        event.set()
    assert [o.reason for o in (broken, gone, late) if isinstance(o, Failed)] == [
        FailReason.SERVER_ERROR,
        FailReason.UNREACHABLE,
        FailReason.TIMEOUT,
    ]


async def engine_at_closed_port():
    server = StandIn(lambda _: Answered()).start()
    duck = engine(server)
    server.stop()
    return await duck.search("q")


async def test_queries_are_paced():
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    with SearchServer(ENTRIES) as server:
        url = f"{server.address}/html/"
        duck = DuckDuckGo(url=url, sleep=sleep, monotonic=lambda: 5.0, draw=lambda: 0.5, jitter_seconds=2)
        for _ in range(2):
            await duck.search("therapy coaching")
    assert waits == [2.5]


async def test_a_recordings_miss_is_raised_and_names_the_query(monkeypatch):
    import primp

    class CannotOverwriteExistingCassetteException(Exception):
        pass

    class Client:
        def __init__(self, **_: object) -> None:
            pass

        def headers_update(self, _: object) -> None:
            pass

        def request(self, *_: object, **__: object) -> None:
            raise CannotOverwriteExistingCassetteException("no recorded interaction matches")

    monkeypatch.setattr(primp, "Client", Client)
    with pytest.raises(NotRecordedError, match="unheard of"):
        await DuckDuckGo(sleep=no_wait).search("unheard of")


async def test_the_breaker_leaves_a_blocking_engine_in_peace():
    now = [0.0]
    with SearchServer(ENTRIES, statuses=[202, 202, 202]) as server:
        guarded = BreakerEngine(engine(server), threshold=2, cooldown_seconds=60, monotonic=lambda: now[0])
        for _ in range(2):
            await guarded.search("therapy coaching")
        refused = await guarded.search("therapy coaching")
        assert len(server.queries) == 2
        assert isinstance(refused, Blocked)
        assert refused.retry_after_seconds == 60
        now[0] = 61
        await guarded.search("therapy coaching")
        assert len(server.queries) == 3
        now[0] = 122
        assert not guarded.closed, "a block of the trial query doubles the cooldown"
        now[0] = 182
        assert isinstance(await guarded.search("therapy coaching"), Found)
        assert guarded.closed


async def test_an_empty_result_does_not_open_the_breaker():
    with SearchServer(ENTRIES) as server:
        guarded = BreakerEngine(engine(server), threshold=1)
        assert isinstance(await guarded.search("nothing whatsoever"), Empty)
        assert guarded.closed
