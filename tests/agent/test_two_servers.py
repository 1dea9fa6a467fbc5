"""Two servers on one PostgreSQL: what comes through one is seen at the other, and of what comes through both
at once one is accepted. Real transactions of both; the race is run several times."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from pydantic import SecretStr

from agent.conversation.talk import Conversation
from agent.settings import Settings
from store import events, orders, research, runs, threads
from store.copying import Side, copy
from store.database import Database
from tests.standins.patience import PATIENCE
from tests.standins.records import NOW
from tests.standins.replayed import Kept
from tests.standins.service import NoEngine, inside, listening
from tools.clock import SystemClock

ROUNDS = 5
STREAM = {"Accept": "text/event-stream"}


class Two(NamedTuple):
    """Clients of two servers on one database."""

    settings: Settings
    a: httpx.AsyncClient
    b: httpx.AsyncClient

    async def at_once(self, method: str, path: str, *, headers: Any = None, **bodies: Any) -> list[int]:
        """The same at both, at the same moment: ``a`` and ``b`` are the bodies. Both status codes, sorted."""
        asked = [
            client.request(method, path, json=bodies[name], headers=headers)
            for name, client in (("a", self.a), ("b", self.b))
        ]
        return sorted([answer.status_code for answer in await asyncio.gather(*asked)])


@pytest.fixture
def settings(postgres_url: str, home: Path) -> Settings:
    return Settings(home=home / "bms", database_url=postgres_url)


@asynccontextmanager
async def two(settings: Settings) -> AsyncIterator[Two]:
    async with inside(settings, engine=NoEngine()) as a, inside(settings, engine=NoEngine()) as b:
        yield Two(settings, a, b)


def place_of(client: httpx.AsyncClient) -> Any:
    return client._transport.app.state.place  # type: ignore[attr-defined]


@pytest.fixture
def rows(settings: Settings) -> Iterator[Database]:
    with Database(settings.rows_url) as database:
        yield database


def new_run(rows: Database) -> str:
    with rows.session() as session:
        return runs.create(session, "evaluate 8B models", {"out_dir": "/out"}, NOW)


async def test_one_of_two_answers_is_taken_and_the_other_is_a_conflict(
    settings: Settings, rows: Database, waiting: Kept
) -> None:
    with waiting.opened() as old:
        source = Side(old, f"sqlite:///{waiting.home}/checkpoints.sqlite")
        target = Side(rows, settings.checkpoints_url)
        await copy(source, target, SystemClock().now(), lambda *_: None)
    run_id = waiting.run_id
    with rows.reading() as session:
        table = research.newest_table(session, run_id)
        assert table is not None
    approval = {"action": "approve", "table_hash": table.table.hash}
    async with two(settings) as both:
        for _ in range(ROUNDS):
            path = f"/api/runs/{run_id}/approval"
            codes = await both.at_once("POST", path, a={**approval, "by": "ada"}, b={**approval, "by": "bob"})
            assert codes == [202, 409]
            with rows.session() as session:
                (order,) = orders.all_open(session)
                session.delete(order)


async def test_one_key_at_both_makes_one_run(settings: Settings, rows: Database) -> None:
    body = {"story": "therapy-8b"}
    async with two(settings) as both:
        for number in range(ROUNDS):
            key = {"Idempotency-Key": f"key-{number}"}
            codes = await both.at_once("POST", "/api/runs", headers=key, a=body, b=body)
            assert codes == [200, 201]
    with rows.reading() as session:
        assert len(runs.latest(session)) == ROUNDS
        assert len(orders.all_open(session)) == ROUNDS


async def test_one_message_at_both_is_one_message_with_one_answer(settings: Settings, rows: Database) -> None:
    async with two(settings) as both:
        for number in range(ROUNDS):
            name = f"talk-{number}"
            assert (await both.a.post("/api/threads", json={"id": name})).status_code == 201
            said = {"text": "evaluate 8B models for therapy coaching", "id": "m1"}
            path = f"/api/threads/{name}/messages"
            assert await both.at_once("POST", path, a=said, b=said) == [200, 200]
            with rows.reading() as session:
                assert [row.author for row in threads.messages(session, name)] == ["person", "bms"]
            other = {"text": "something else", "id": "m2"}
            codes = await both.at_once("POST", path, a={"text": "status", "id": "m2"}, b=other)
            assert codes == [200, 409]


async def test_an_offer_is_settled_once(settings: Settings, rows: Database) -> None:
    async with two(settings) as both:
        for number in range(ROUNDS):
            name = f"talk-{number}"
            await both.a.post("/api/threads", json={"id": name})
            path = f"/api/threads/{name}/messages"
            await both.a.post(path, json={"text": "evaluate 8B models for therapy coaching"})
            offer = (await both.a.post(path, json={"text": "cancel the run"})).json()[1]
            assert offer["extras"]["offer"]["kind"] == "cancel"
            path = f"{path}/{offer['id']}/confirm"
            assert await both.at_once("POST", path, a={"yes": True}, b={"yes": False}) == [200, 409]


async def test_messages_at_both_are_numbered_one_after_the_other(settings: Settings, rows: Database) -> None:
    async with two(settings) as both:
        await both.a.post("/api/threads", json={"id": "talk"})
        asked = [
            client.post("/api/threads/talk/messages", json={"text": "help", "id": f"{name}{number}"})
            for number in range(8)
            for name, client in (("a", both.a), ("b", both.b))
        ]
        assert {answer.status_code for answer in await asyncio.gather(*asked)} == {200}
    with rows.reading() as session:
        found = threads.messages(session, "talk")
    assert [row.position for row in found] == list(range(1, 33))


def test_notes_of_two_servers_about_one_conversation_are_both_kept(rows: Database) -> None:
    """The protocol's runs are noted with the conversation: what one server notes the other must not undo."""
    from concurrent.futures import ThreadPoolExecutor

    from agent.langgraph_api import kept

    with rows.session() as session:
        threads.create(session, NOW, thread_id="talk")

    def note(number: int) -> None:
        with rows.session() as session:
            threads.get(session, "talk")  # as whoever looks before noting
            one = kept.Kept(id=str(number), kind="message", at=NOW, by="ada", run_id=None, start="0.0")
            kept.keep(session, "talk", one)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(note, range(24)))
    with rows.reading() as session:
        assert {one.id for one in kept.all_of(threads.get(session, "talk"))} == set(map(str, range(24)))


async def test_events_written_anywhere_come_at_both_and_go_on_at_the_other(
    settings: Settings, rows: Database
) -> None:
    run_id = new_run(rows)

    def write(count: int) -> None:
        with rows.session() as session:
            events.append_all(session, run_id, "research", "search", [{"n": n} for n in range(count)], NOW)

    async with two(settings) as both:
        a, b = (place_of(client).feeds.follow(run_id, 0) for client in (both.a, both.b))
        await asyncio.to_thread(write, 3)
        assert [[event.seq for event in await anext(feed)] for feed in (a, b)] == [[1, 2, 3]] * 2
        await asyncio.to_thread(write, 2)
        assert [event.seq for event in await anext(a)] == [4, 5]
        await a.aclose()
        again = place_of(both.b).feeds.follow(run_id, 4)  # Last-Event-ID of the server that is gone
        assert [event.seq for event in await anext(again)] == [5]
        await again.aclose()
        await b.aclose()


async def test_a_session_of_one_is_one_of_the_other(settings: Settings) -> None:
    guarded = settings.model_copy(update={"token": SecretStr("a-token-of-sixteen")})
    async with two(guarded) as both:
        form = {"name": "ada", "token": "a-token-of-sixteen", "next": "/"}
        there = {"Origin": "http://127.0.0.1:8765"}
        signed = await both.a.post("/login", data=form, headers=there)
        assert signed.status_code == 303
        cookie = {"Cookie": f"bms_session={both.a.cookies['bms_session']}"}
        assert (await both.b.get("/api/runs", headers=cookie)).status_code == 200
        assert (await both.b.get("/api/runs")).status_code == 401


async def test_a_message_that_one_server_answers_is_busy_at_the_other(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its stream at the other server goes on until the answer is there."""
    hold = asyncio.Event()
    say = Conversation.say

    async def slowly(self: Conversation, *args: Any, **options: Any) -> Any:
        await hold.wait()
        return await say(self, *args, **options)

    monkeypatch.setattr(Conversation, "say", slowly)
    async with two(settings) as both:
        await both.a.post("/langgraph/threads", json={"thread_id": "8f5a0df6-5f0c-4b7b-a3ff-18d7a3a1c3c1"})
        at = "/langgraph/threads/8f5a0df6-5f0c-4b7b-a3ff-18d7a3a1c3c1"
        message = {"messages": [{"role": "user", "content": "help", "id": "m1"}]}
        begun = await both.a.post(f"{at}/runs", json={"assistant_id": "agent", "input": message})
        run = begun.json()["run_id"]
        assert (await both.b.get(at)).json()["status"] == "busy"
        assert (await both.b.get(f"{at}/runs/{run}")).json()["status"] == "running"
        joined = asyncio.create_task(both.b.get(f"{at}/runs/{run}/join", timeout=PATIENCE))
        await asyncio.sleep(0.3)
        assert not joined.done()
        hold.set()
        values = (await joined).json()
        assert [one["type"] for one in values["messages"]] == ["human", "ai"]


def test_a_reader_over_http_sees_what_was_said_at_the_other_server(settings: Settings) -> None:
    with (
        listening(settings, engine=NoEngine()) as a,
        listening(settings, engine=NoEngine()) as b,
        httpx.Client(timeout=PATIENCE) as client,
    ):
        client.post(f"{a}/api/threads", json={"id": "talk"}).raise_for_status()
        with client.stream("GET", f"{b}/api/threads/talk/stream", headers=STREAM) as stream:
            lines = stream.iter_lines()
            next(lines)
            client.post(f"{a}/api/threads/talk/messages", json={"text": "help"}).raise_for_status()
            turns = [json.loads(line[6:]) for line in _data(lines, 2)]
    assert [turn["author"] for turn in turns] == ["person", "bms"]


def _data(lines: Iterator[str], count: int) -> Iterator[str]:
    for line in lines:
        if line.startswith("data: "):
            yield line
            count -= 1
            if not count:
                return
