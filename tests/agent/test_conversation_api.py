"""Conversations over HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from agent.actions import Actions
from agent.api import threads as api
from agent.service import problems
from agent.service.feed import Feeds
from agent.service.place import Place
from agent.service.pulse import Pulses
from agent.settings import Settings
from tests.agent.test_conversation import NoEngine
from tests.standins.records import NOW
from tests.standins.replayed import Kept
from tools.clock import FixedClock

pytestmark = pytest.mark.both_databases(slow=True)


@pytest.fixture
def client(waiting: Kept) -> Iterator[TestClient]:
    with waiting.opened() as database:
        settings, clock, engine = Settings(home=waiting.home), FixedClock(NOW), NoEngine()
        app = FastAPI()
        app.state.place = Place(
            settings=settings,
            database=database,
            engine=engine,
            actions=Actions(settings, database, engine, clock),
            feeds=Feeds(database),
            pulses=Pulses(database),
            clock=clock,
        )
        problems.install(app)
        app.include_router(api.router, prefix="/api")
        yield TestClient(app)


@pytest.mark.both_databases
def test_a_conversation_from_beginning_to_end(client: TestClient, waiting: Kept) -> None:
    made = client.post("/api/threads", json={"id": "mine", "run_id": waiting.run_id})
    assert made.status_code == 201
    assert made.headers["location"] == "/api/threads/mine"
    assert client.post("/api/threads", json={"id": "mine"}).status_code == 409
    said = client.post("/api/threads/mine/messages", json={"text": "approve", "id": "m1"}).json()
    again = client.post("/api/threads/mine/messages", json={"text": "approve", "id": "m1"}).json()
    assert [turn["id"] for turn in said] == [turn["id"] for turn in again]
    assert said[1]["extras"]["offer"]["kind"] == "reply"
    path = f"/api/threads/mine/messages/{said[1]['id']}/confirm"
    outcome = client.post(path, json={"yes": True})
    assert outcome.json()[0]["text"].startswith("Done: Approve")
    assert client.post(path, json={"yes": False}).status_code == 409
    page = client.get("/api/threads/mine/messages", params={"limit": 3}).json()
    rest = client.get("/api/threads/mine/messages", params={"after": page["next"]}).json()
    ids = [turn["id"] for turn in page["turns"] + rest["turns"]]
    assert len(set(ids)) == len(ids)
    assert ids[-3:] == [said[0]["id"], said[1]["id"], outcome.json()[0]["id"]]
    assert client.get("/api/threads").json()["items"][0]["title"] == "approve"
    assert client.delete("/api/threads/mine").status_code == 204
    assert client.get("/api/threads/mine").status_code == 404


@pytest.mark.parametrize(
    ("body", "status"), [({"text": ""}, 422), ({"text": "x" * 20_001}, 422), ({"text": "a", "who": "b"}, 422)]
)
def test_a_message_is_bounded(client: TestClient, body: dict[str, str], status: int) -> None:
    client.post("/api/threads", json={"id": "mine"})
    assert client.post("/api/threads/mine/messages", json=body).status_code == status
    assert client.post("/api/threads/none/messages", json={"text": "hello"}).status_code == 404
    assert client.get("/api/threads/none/stream").status_code == 404


async def test_the_stream_goes_on_from_where_a_reader_was(waiting: Kept) -> None:
    from agent.conversation.records import Cursor
    from store import threads

    class Gone:
        """A request whose client leaves after some looks."""

        looks = 0

        async def is_disconnected(self) -> bool:
            self.looks += 1
            return self.looks > 2

    with waiting.opened() as database:
        with database.session() as session:
            thread = threads.create(session, NOW, run_id=waiting.run_id).id
        settings, clock, engine = Settings(home=waiting.home), FixedClock(NOW), NoEngine()
        actions = Actions(settings, database, engine, clock)
        place = Place(settings, database, engine, actions, Feeds(database), Pulses(database), clock)
        sent = [one async for one in api._sent(Gone(), place, thread, Cursor())]  # type: ignore[arg-type]
        ids = [one.splitlines()[0].removeprefix(b"id: ").decode() for one in sent if one.startswith(b"id: ")]
        assert len(ids) > 3
        on = Cursor.parse(ids[1])
        rest = [one async for one in api._sent(Gone(), place, thread, on)]  # type: ignore[arg-type]
        assert [
            one.splitlines()[0].removeprefix(b"id: ").decode() for one in rest if one.startswith(b"id: ")
        ] == ids[2:]
