"""What a run has fetched once it does not ask for again; real pages from a server on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphs.desk import Desk
from graphs.stored_web import StoredWeb, _outcome
from store import events, leases, reading
from store.leases import LostLease
from store.schema import FetchRow
from tests.standins.http_server import Answered, Asked, StandIn
from tests.standins.records import NOW, a_page
from tools.clock import FixedClock
from tools.outcomes import Blocked, BlockReason, Empty, Failed, FailReason, Found
from tools.web import Page
from tools.web.client import HttpWeb
from tools.web.robots import RobotsWeb

STATUSES = {"found": 200, "empty": 404, "blocked": 429, "failed": 500}


class Changing(StandIn):
    """Answers ``/found``, ``/empty``, ``/blocked`` and ``/failed`` so; after ``heal`` everything is found."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.healed = False

    def _answer(self, asked: Asked) -> Answered:
        kind = asked.path.strip("/")
        status = 200 if self.healed else STATUSES[kind]
        headers = {"Retry-After": "30"} if status == 429 else {}
        return Answered(f"a page, {len(self.asked)}".encode(), status, headers=headers)


@asynccontextmanager
async def a_desk(desk_for: Callable[..., Desk], server: StandIn) -> AsyncIterator[Desk]:
    async with HttpWeb(FixedClock(NOW), allow_hosts=frozenset({server.netloc})) as web:
        yield desk_for(web=web)


@pytest.mark.parametrize("kind", STATUSES)
async def test_every_outcome_is_stored_and_comes_back(desk_for: Callable[..., Desk], kind: str):
    with Changing() as server:
        url = f"{server.address}/{kind}"
        async with a_desk(desk_for, server) as desk:
            first = await StoredWeb(desk, "research").get(url)
            again = await StoredWeb(desk, "research").get(url)
            await StoredWeb(desk, "pull").get(url)
            said = await desk.look(events.after, 0)
    assert type(first).__name__.lower() == kind
    assert len(server.asked) == 1
    assert [(row.stage, row.kind, row.data["url"], row.data["outcome"]) for row in said] == [
        ("research", "page", url, kind)
    ]
    if isinstance(first, Blocked):
        # How long to wait was meant for the moment of the block.
        assert first.retry_after_seconds == 30.0
        assert again == Blocked(first.reason, first.detail)
    else:
        assert again == first


@pytest.mark.parametrize("kind", STATUSES)
async def test_asking_again_asks_only_for_what_was_blocked_or_failed(
    desk_for: Callable[..., Desk], kind: str
):
    with Changing() as server:
        url = f"{server.address}/{kind}"
        async with a_desk(desk_for, server) as desk:
            first = await StoredWeb(desk, "research").get(url)
            server.healed = True
            again = StoredWeb(desk, "research", ask_again=True)
            second, third = await again.get(url), await again.get(url)
    assert third == second
    if kind in {"blocked", "failed"}:
        assert isinstance(second, Found)
        assert len(server.asked) == 2
    else:
        assert second == first
        assert len(server.asked) == 1


async def test_what_stays_blocked_is_asked_once_more_and_no_more(desk_for: Callable[..., Desk]):
    with Changing() as server:
        url = f"{server.address}/blocked"
        async with a_desk(desk_for, server) as desk:
            await StoredWeb(desk, "research").get(url)
            again = StoredWeb(desk, "research", ask_again=True)
            for _ in range(3):
                assert isinstance(await again.get(url), Blocked)
    assert len(server.asked) == 2


async def test_a_server_that_is_away_is_a_failure_that_is_stored(desk_for: Callable[..., Desk]):
    with Changing() as server:
        url = f"{server.address}/found"
        async with a_desk(desk_for, server) as desk:
            server.stop()
            first = await StoredWeb(desk, "research").get(url)
            server.start()
            assert await StoredWeb(desk, "research").get(url) == first
    assert isinstance(first, Failed)
    assert first.reason is FailReason.UNREACHABLE
    assert server.asked == []


async def test_who_wants_the_same_page_at_the_same_time_gets_the_same_page(desk_for: Callable[..., Desk]):
    with Changing() as server:
        urls = [f"{server.address}/found", f"{server.address}/found?other"]
        async with a_desk(desk_for, server) as desk:
            web = StoredWeb(desk, "research")
            pages = await asyncio.gather(*(web.get(url) for url in urls * 5))
    assert len(server.asked) == 2
    assert [page.value.url for page in pages if isinstance(page, Found)] == urls * 5
    assert len({page.value.content_hash for page in pages if isinstance(page, Found)}) == 2


async def test_what_is_asked_for_is_passed_on(desk_for: Callable[..., Desk]):
    with Changing() as server:
        async with a_desk(desk_for, server) as desk:
            outcome = await StoredWeb(desk, "research").get(
                f"{server.address}/found", accept="application/json", headers={"X-Asked": "yes"}, max_bytes=3
            )
    assert outcome == Failed(FailReason.TOO_LARGE, "more than 3 bytes")
    assert server.asked[0].headers["accept"] == "application/json"
    assert server.asked[0].headers["x-asked"] == "yes"


async def test_runs_do_not_share_their_fetches(desk_for: Callable[..., Desk]):
    with Changing() as server:
        url = f"{server.address}/found"
        async with a_desk(desk_for, server) as one, a_desk(desk_for, server) as other:
            await StoredWeb(one, "research").get(url)
            await StoredWeb(other, "research").get(url)
    assert len(server.asked) == 2


async def test_a_process_that_lost_its_lease_stores_nothing(desk_for: Callable[..., Desk]):
    with Changing() as server:
        url = f"{server.address}/found"
        async with a_desk(desk_for, server) as desk:
            later = NOW + leases.DURATION
            await desk.services.database.run(leases.take, desk.run_id, "another-machine:1:1.00", later)
            with pytest.raises(LostLease):
                await StoredWeb(desk, "research").get(url)
            assert await desk.look(reading.stored_fetch, url) is None


words = st.text(max_size=40)
outcomes = st.one_of(
    words.map(lambda text: Found(a_page(text + "."))),
    st.builds(Empty, words),
    st.builds(Blocked, st.sampled_from(BlockReason), words),
    st.builds(Failed, st.sampled_from(FailReason), words),
)


@given(outcomes)
def test_an_outcome_is_the_same_after_its_columns(outcome: Found[Page] | Empty | Blocked | Failed):
    row = FetchRow(**reading.outcome_columns(outcome)._asdict())
    assert _outcome(row, outcome.value if isinstance(outcome, Found) else None) == outcome


# --- what another run has read -----------------------------------------------------------------------------


@asynccontextmanager
async def two_runs(
    desk_for: Callable[..., Desk], server: StandIn, days: float
) -> AsyncIterator[tuple[Desk, Desk]]:
    """A run, and another one that many days later; both may be lent what is a week old."""
    async with HttpWeb(FixedClock(NOW), allow_hosts=frozenset({server.netloc})) as web:
        later = FixedClock(NOW + timedelta(days=days))
        week = timedelta(days=7)
        yield desk_for(web=web, max_age=week), desk_for(web=web, max_age=week, wall=later)


@pytest.mark.parametrize("kind", STATUSES)
async def test_a_run_is_lent_what_another_one_has_found_and_no_block(
    desk_for: Callable[..., Desk], kind: str
):
    with Changing() as server:
        url = f"{server.address}/{kind}"
        async with two_runs(desk_for, server, days=6.9) as (one, other):
            first = await StoredWeb(one, "research").get(url)
            second = await StoredWeb(other, "research").get(url)
            known = await other.look(reading.stored_fetch, url)
            (said,) = [event.data for event in await other.look(events.after, 0) if event.kind == "page"]
    assert known is not None
    if kind in {"found", "empty"}:
        assert second == first
        assert len(server.asked) == 1
        assert known.row.fetched_at.replace(tzinfo=NOW.tzinfo) == NOW, "its age stays what it was"
        assert said["read_at"].startswith("2026-03-01T12:00:00")
    else:
        assert len(server.asked) == 2
        assert "read_at" not in said


async def test_what_is_older_than_the_limit_is_not_lent(desk_for: Callable[..., Desk]):
    with Changing() as server:
        url = f"{server.address}/found"
        async with two_runs(desk_for, server, days=7.1) as (one, other):
            await StoredWeb(one, "research").get(url)
            await StoredWeb(other, "research").get(url)
    assert len(server.asked) == 2


async def test_what_was_lent_is_fetched_anew_when_it_has_become_stale(desk_for: Callable[..., Desk]):
    with Changing() as server:
        url = f"{server.address}/found"
        async with two_runs(desk_for, server, days=6) as (one, other):
            await StoredWeb(one, "research").get(url)
            await StoredWeb(other, "research").get(url)
            wall = FixedClock(NOW + timedelta(days=8))
            later = replace(other, services=replace(other.services, wall=wall))
            assert await StoredWeb(later, "research").get(url) is not None
            assert len(server.asked) == 1, "a run goes on with what it has"
            await StoredWeb(later, "research", ask_again=True).get(url)
    assert len(server.asked) == 2


async def test_a_part_is_asked_for_where_the_whole_was_too_large(desk_for: Callable[..., Desk]):
    with StandIn(lambda _: Answered(b"User-agent: *\nDisallow: /a\n" + b"# words\n" * 70_000)) as server:
        async with a_desk(desk_for, server) as desk:
            allowed = RobotsWeb(StoredWeb(desk, "research"))
            assert isinstance(await allowed.get(f"{server.address}/a"), Blocked)
            assert isinstance(
                await RobotsWeb(StoredWeb(desk, "research")).get(f"{server.address}/a"), Blocked
            )
    assert [asked.path for asked in server.asked] == ["/robots.txt"] * 2, "a resumed run repeats neither"
