"""Events over real sockets: everything once, in order, through a kill, a restart and a stop."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import httpx
import pytest

from agent.api.streams import EventStream, last_id
from agent.service import feed as feeds
from agent.service.feed import Feeds
from agent.settings import load_settings
from agent.views import EventRecord
from benchmarks.events import Size, measure
from store import events, runs
from store.database import Database
from tests.standins.patience import PATIENCE
from tests.standins.records import NOW
from tests.standins.service import NoEngine, inside, listening, serving
from tools.faults import Fault

pytestmark = pytest.mark.both_databases(slow=True)

STREAM = {"Accept": "text/event-stream"}


def append(database: Database, run_id: str, count: int, kind: str = "search") -> None:
    with database.session() as session:
        events.append_all(session, run_id, "research", kind, [{"n": n} for n in range(count)], NOW)


@pytest.fixture
def rows(home: Path) -> Iterator[tuple[Database, str]]:
    """A run with 30 events in the data directory of this test."""
    assert home.is_dir()
    with Database(load_settings().rows_url) as database:
        with database.session() as session:
            run_id = runs.create(session, "evaluate 8B models", {"out_dir": "/out"}, NOW)
        append(database, run_id, 30)
        yield database, run_id


def blocks(response: httpx.Response) -> Iterator[dict[str, str]]:
    """The blocks of a stream as they come; the retry and comments among them."""
    lines: dict[str, str] = {}
    for line in response.iter_lines():
        if line:
            name, _, value = line.partition(": ")
            lines[name or "comment"] = value if name else line
        elif lines:
            yield lines
            lines = {}


def test_a_reader_gets_what_was_and_then_what_comes(rows: tuple[Database, str]) -> None:
    database, run_id = rows
    with (
        listening(load_settings(), engine=NoEngine()) as url,
        httpx.stream("GET", f"{url}/api/runs/{run_id}/events", headers=STREAM, timeout=PATIENCE) as response,
    ):
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        found = blocks(response)
        assert next(found) == {"retry": "1000"}
        old = [next(found) for _ in range(30)]
        append(database, run_id, 5, "fetch")
        new = [next(found) for _ in range(5)]
    assert [int(block["id"]) for block in old + new] == list(range(1, 36))
    assert {block["event"] for block in new} == {"fetch"}
    record = json.loads(new[0]["data"])
    assert (record["seq"], record["kind"], record["data"]) == (31, "fetch", {"n": 0})


@pytest.mark.both_databases
def test_last_event_id_goes_before_the_query_and_a_strange_one_is_none(rows: tuple[Database, str]) -> None:
    _, run_id = rows
    with listening(load_settings(), engine=NoEngine()) as url:
        for header, first in (("27", 28), ("nonsense", 6), ("-3", 6), ("9" * 40, 6)):
            address = f"{url}/api/runs/{run_id}/events?after=5"
            sent = {**STREAM, "Last-Event-ID": header}
            with httpx.stream("GET", address, headers=sent, timeout=PATIENCE) as response:
                found = blocks(response)
                next(found)
                assert int(next(found)["id"]) == first


def test_a_stop_ends_streams_at_once_and_a_restart_goes_on(rows: tuple[Database, str], home: Path) -> None:
    _, run_id = rows
    with serving(home / "bms") as served:
        address = f"{served.url}/api/runs/{run_id}/events"
        with httpx.stream("GET", address, headers=STREAM, timeout=PATIENCE) as response:
            found = blocks(response)
            seen = [next(found) for _ in range(31)][1:]
            served.stop()
            assert list(found) == []  # it ended as streams end: nothing was cut off
        served.restart()
        again = {**STREAM, "Last-Event-ID": seen[-1]["id"]}
        with httpx.stream("GET", f"{address}?limit=5", headers=again, timeout=PATIENCE) as response:
            assert next(blocks(response)) == {"retry": "1000"}


def test_no_event_is_lost_or_doubled_when_the_server_is_killed() -> None:
    found = measure(Size(readers=6, events=240, per_second=60, kills=1, idle_seconds=0.2))
    assert (found["lost"], found["doubled"], found["out_of_order"]) == (0, 0, 0)
    assert found["received"] == 6 * 241
    assert found["connections"] >= 12
    assert found["latency_ms"]["of"] > 0


async def test_events_come_in_pages_too(rows: tuple[Database, str]) -> None:
    _, run_id = rows
    async with inside(load_settings(), engine=NoEngine()) as api:
        seen, address = [], f"/api/runs/{run_id}/events?limit=12"
        while address:
            page = await api.get(address)
            assert page.json()["total"] == 30
            seen += [event["seq"] for event in page.json()["items"]]
            address = page.headers.get("link", "").partition(">")[0].removeprefix("<")
        assert seen == list(range(1, 31))
        nobody = await api.get("/api/runs/no-such-run/events", headers=STREAM)
        assert nobody.status_code == 404


async def read(following: Feeds, run_id: str, after: int, until: int) -> list[int]:
    got: list[int] = []
    async with aclosing(following.follow(run_id, after)) as batches:
        async for batch in batches:
            got += [event.seq for event in batch]
            if got and got[-1] >= until:
                break
    return got


async def test_readers_far_behind_and_up_to_date_share_one_feed(
    rows: tuple[Database, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    database, run_id = rows
    monkeypatch.setattr(feeds, "KEPT", 20)
    monkeypatch.setattr(feeds, "BATCH", 7)
    following = Feeds(database)
    reading = [asyncio.create_task(read(following, run_id, after, 400)) for after in (0, 3, 15, 30)]
    for _ in range(37):
        await asyncio.to_thread(append, database, run_id, 10)
    got = await asyncio.wait_for(asyncio.gather(*reading), PATIENCE)
    assert got == [list(range(after + 1, 401)) for after in (0, 3, 15, 30)]
    assert following.readers == 0
    following.close()


async def test_a_reader_from_the_future_waits_and_disturbs_nobody(
    rows: tuple[Database, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    database, run_id = rows
    monkeypatch.setattr(feeds, "IDLE_SECONDS", 0.05)
    following = Feeds(database)
    async with aclosing(following.follow(run_id, 10**9)) as future:
        assert await anext(future) == []
        assert await asyncio.wait_for(read(following, run_id, 0, 30), PATIENCE) == list(range(1, 31))
        begun = time.monotonic()
        assert [await anext(future) for _ in range(3)] == [[], [], []]
        assert time.monotonic() - begun >= 0.1  # it waits between, and does not spin
    following.close()


async def test_a_stream_ends_when_its_run_is_deleted(rows: tuple[Database, str]) -> None:
    database, run_id = rows
    following = Feeds(database)
    async with aclosing(following.follow(run_id, 30)) as batches:
        waiting = asyncio.create_task(anext(batches, None))
        await asyncio.sleep(0)
        with database.session() as session:
            session.delete(runs.get(session, run_id))
        assert await asyncio.wait_for(waiting, PATIENCE) is None
    following.close()


async def test_readers_stay_while_the_database_does_not_answer(
    rows: tuple[Database, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    database, run_id = rows
    following = Feeds(database)
    failing = 2
    look = database.look

    async def sometimes(*args: object, **kwargs: object) -> object:
        nonlocal failing
        if failing:
            failing -= 1
            raise Fault("The database does not answer.")
        return await look(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(database, "look", sometimes)
    assert await asyncio.wait_for(read(following, run_id, 0, 30), PATIENCE) == list(range(1, 31))
    assert failing == 0
    following.close()


async def test_there_is_room_for_so_many_readers_and_no_more(
    rows: tuple[Database, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    database, run_id = rows
    monkeypatch.setattr(feeds, "MOST_READERS", 1)
    async with inside(load_settings(), engine=NoEngine()) as api:
        place = api._transport.app.state.place  # type: ignore[attr-defined]
        async with aclosing(place.feeds.follow(run_id, 0)) as batches:
            await anext(batches)
            refused = await api.get(f"/api/runs/{run_id}/events", headers=STREAM)
            assert refused.status_code == 429
            assert refused.headers["retry-after"] == "5"
    assert database


async def test_a_reader_that_takes_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.api.streams.PATIENCE_SECONDS", 0.05)
    asked, left = 0, False

    async def pieces():  # type: ignore[no-untyped-def]
        nonlocal asked, left
        try:
            while True:
                asked += 1
                yield b"x"
        finally:
            left = True

    sent: list[bytes] = []

    async def send(message) -> None:  # type: ignore[no-untyped-def]
        if len(sent) == 4:
            await asyncio.Event().wait()  # the socket takes no more
        sent.append(message.get("body", b""))

    await asyncio.wait_for(EventStream(pieces()).stream_response(send), PATIENCE)
    assert sent[1] == b"retry: 1000\n\n"
    assert asked == 3  # one is asked for at a time, however many there are
    assert left


@pytest.mark.parametrize(
    ("text", "number"), [(None, 4), ("", 4), (" 12 ", 12), ("0", 0), ("1.5", 4), ("٣", 4), ("1e3", 4)]
)
def test_the_last_id_is_a_number_or_none(text: str | None, number: int) -> None:
    assert last_id(text, 4) == number


def test_an_event_on_the_wire_has_no_bare_line_end_in_its_data() -> None:
    record = EventRecord(seq=3, at=NOW, stage="research", kind="search", data={"q": "a\nb\r\n\u2028id: 9"})
    head, _, rest = record.wire.decode().partition("data: ")
    assert head == "id: 3\nevent: search\n"
    assert rest.count("\n") == 2
    assert rest.endswith("\n\n")
    assert json.loads(rest)["data"] == {"q": "a\nb\r\n\u2028id: 9"}
