"""Readers are woken by what is written, wherever it is written; and look by themselves when nobody tells."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from agent.service import feed as feeds
from agent.service import news as newsroom
from agent.service import pulse as pulses
from agent.service.feed import Feeds
from agent.service.news import News
from agent.service.pulse import Pulses
from store import events, leases, orders, runs, threads
from store.database import Database
from store.orders import OrderKind
from store.schema import RunStatus
from tests.standins.patience import PATIENCE
from tests.standins.postgres import Postgres
from tests.standins.records import NOW

pytestmark = pytest.mark.both_databases

NEVER = 1e6
"""Seconds after which a test of being woken has failed by waiting."""


def append(database: Database, run_id: str, count: int = 1) -> None:
    with database.session() as session:
        events.append_all(session, run_id, "research", "search", [{"n": n} for n in range(count)], NOW)


@pytest.fixture
def never_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks unless woken."""
    monkeypatch.setattr(newsroom, "RARELY_SECONDS", NEVER)
    monkeypatch.setattr(feeds, "LOOK_SECONDS", NEVER)
    monkeypatch.setattr(pulses, "LOOK_SECONDS", NEVER)
    monkeypatch.setattr(pulses, "RARELY_SECONDS", NEVER)


@asynccontextmanager
async def listening(database: Database) -> AsyncIterator[News]:
    news = News(database)
    news.start()
    try:
        await alive(news)
        yield news
    finally:
        await news.stop()


async def alive(news: News, *, wanted: bool = True) -> None:
    async with asyncio.timeout(PATIENCE):
        while news.alive is not wanted:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.mark.usefixtures("never_by_themselves")
async def test_readers_of_a_run_are_woken_by_its_events(database: Database, run_id: str):
    async with listening(database) as news, asyncio.timeout(PATIENCE):
        following = Feeds(database, news)
        readers = [following.follow(run_id, 0) for _ in range(3)]
        first = [asyncio.ensure_future(anext(one, None)) for one in readers]
        await asyncio.sleep(0.1)
        for number in range(1, 6):
            await asyncio.to_thread(append, database, run_id)
            got = await asyncio.gather(*first)
            assert [[event.seq for event in batch or ()] for batch in got] == [[number]] * 3
            first = [asyncio.ensure_future(anext(one, None)) for one in readers]
        following.close()
        await asyncio.gather(*first)
        for one in readers:
            await one.aclose()


@pytest.mark.usefixtures("never_by_themselves")
async def test_whoever_follows_a_conversation_hears_of_all_that_shows_there(database: Database, run_id: str):
    """Its messages, the events of its run, and that nobody drives that any more, which no event tells."""
    with database.session() as session:
        threads.create(session, NOW, thread_id="talk")
        lease = leases.take(session, run_id, "somewhere:1:1.00", NOW)
        number = orders.submit(session, run_id, OrderKind.DRIVE, NOW, by="ada")

    def say() -> None:
        with database.session() as session:
            threads.say(session, "talk", threads.PERSON, "hello", NOW)

    def turn() -> None:
        with database.session() as session:
            threads.set_run(session, "talk", run_id, NOW)

    def finish() -> None:
        with database.session() as session:
            orders.finish(session, number, NOW)

    def let_go() -> None:
        with database.session() as session:
            runs.set_status(session, run_id, RunStatus.WAITING, "waits", NOW)
            leases.release(session, lease)

    async with listening(database) as news, asyncio.timeout(PATIENCE):
        following = Pulses(database, news)
        seen = await following.next("talk", None, 0)
        for happens in (say, turn, lambda: append(database, run_id), finish, let_go):
            waiting = asyncio.ensure_future(following.next("talk", seen, NEVER))
            await asyncio.sleep(0.1)
            assert not waiting.done()
            await asyncio.to_thread(happens)
            now = await waiting
            assert now != seen
            seen = now
        assert (seen.run_id, seen.message, seen.standing) == (run_id, 1, "waiting")
        assert await following.next("talk", seen, 0.05) == seen
        waiting = asyncio.ensure_future(following.next("talk", seen, NEVER))
        await asyncio.sleep(0.05)
        following.close()
        assert await waiting == seen


async def test_nothing_is_lost_while_nobody_listens(database: Database, run_id: str):
    following = Feeds(database, News(database))  # never started
    async with asyncio.timeout(PATIENCE):
        reader = following.follow(run_id, 0)
        await asyncio.to_thread(append, database, run_id)
        assert [event.seq for event in await anext(reader)] == [1]
        following.close()
        await reader.aclose()


async def test_a_bell_rings_for_its_own_names_alone(database: Database, run_id: str):
    if database.dialect != "postgresql":
        pytest.skip("a file tells that it was written to, and not what")
    with database.session() as session:
        other = runs.create(session, "another", {"out_dir": "/out"}, NOW)
    async with listening(database) as news, asyncio.timeout(PATIENCE):
        with news.bell(run_id) as mine, news.bell(other) as theirs:
            mine.clear(), theirs.clear()
            await asyncio.to_thread(append, database, run_id)
            await mine.wait(PATIENCE, PATIENCE)
            assert mine._rung.is_set()
            assert not theirs._rung.is_set()
        assert not news._bells


async def test_a_listener_whose_connection_is_cut_listens_again(
    request: pytest.FixtureRequest, database: Database, run_id: str, monkeypatch: pytest.MonkeyPatch
):
    if database.dialect != "postgresql":
        pytest.skip("a file has no connection")
    server: Postgres = request.getfixturevalue("postgres")
    monkeypatch.setattr(newsroom, "FIRST_PAUSE", 0.05)
    async with listening(database) as news, asyncio.timeout(PATIENCE):
        following = Feeds(database, news)
        reader = following.follow(run_id, 0)
        await asyncio.to_thread(append, database, run_id)
        assert [event.seq for event in await anext(reader)] == [1]
        waiting = asyncio.ensure_future(anext(reader))
        await asyncio.to_thread(server.cut, database.url, wait=False)
        await alive(news, wanted=False)
        await asyncio.to_thread(append, database, run_id)
        assert [event.seq for event in await waiting] == [2]
        await alive(news)
        await asyncio.to_thread(append, database, run_id)
        assert [event.seq for event in await anext(reader)] == [3]
        following.close()
        await reader.aclose()
