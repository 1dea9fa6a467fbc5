"""Two servers are given the same message while one of them carries it out: both give the answer of one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent.actions import Actions
from agent.conversation.records import Turn
from agent.conversation.talk import Conversation
from agent.settings import Settings
from graphs.prompts import AskedField, RequestPrompt
from store import events, orders, runs, threads
from store.database import Database
from store.schema import RunStatus
from tests.standins.records import NOW
from tests.standins.replayed import Kept
from tests.standins.service import NoEngine
from tools.clock import FixedClock

SIZE = RequestPrompt(questions=(AskedField(field="size", sentence="How large?"),))


class Servers:
    """The second one is told the same as soon as the first has done what the message asks for."""

    def __init__(self, home: Path, database: Database, run_id: str | None) -> None:
        settings, clock = Settings(home=home), FixedClock(NOW)
        self.one, self.other = (
            Conversation(settings, database, Actions(settings, database, NoEngine(), clock), clock)
            for _ in range(2)
        )
        self.database = database
        with database.session() as session:
            self.thread = threads.create(session, NOW, run_id=run_id).id

    async def say(self, text: str) -> Turn:
        return (await self.one.say(self.thread, text, by="ada"))[-1]

    async def both(self, text: str, action: str, monkeypatch: pytest.MonkeyPatch) -> str:
        act, answered = getattr(Actions, action), []

        async def meanwhile(actions: Actions, *arguments: Any, **named: Any) -> Any:
            done = await act(actions, *arguments, **named)
            monkeypatch.setattr(Actions, action, act)
            answered.append(await self.other.say(self.thread, text, by="ada", message_id="m1"))
            return done

        monkeypatch.setattr(Actions, action, meanwhile)
        first = await self.one.say(self.thread, text, by="ada", message_id="m1")
        assert answered == [first]
        return first[-1].text

    def open_orders(self) -> int:
        with self.database.reading() as session:
            return len(orders.all_open(session))


async def test_a_run_is_started_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Database(Settings(home=tmp_path).rows_url) as database:
        servers = Servers(tmp_path, database, None)
        said = await servers.both("evaluate 8B models for therapy coaching", "create", monkeypatch)
        with database.reading() as session:
            (row,) = runs.latest(session)
        assert f"It is run {row.id}." in said
        assert servers.open_orders() == 1


@pytest.mark.both_databases
async def test_a_question_is_answered_once(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.session() as session:
        run_id = runs.create(session, "evaluate models for chess", {"out_dir": "/nowhere"}, NOW)
        session.flush()
        asked = {"prompt": SIZE.model_dump(mode="json"), "prompt_id": "q1"}
        events.append(session, run_id, "waiting", "waiting", asked, NOW)
        runs.set_status(session, run_id, RunStatus.WAITING, "waits", NOW)
    servers = Servers(tmp_path, database, run_id)
    assert (await servers.both("8B", "reply", monkeypatch)).startswith("Done: ")
    assert servers.open_orders() == 1


async def test_an_offer_is_confirmed_once(waiting: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    with waiting.opened() as database:
        servers = Servers(waiting.home, database, waiting.run_id)
        assert (await servers.say("approve")).extras.offer is not None
        assert (await servers.both("yes", "reply", monkeypatch)).startswith("Done: Approve")
        assert servers.open_orders() == 1
