"""The database goes away for a moment while a run of LangGraph's protocol is seen to: it gets its end."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter, defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from agent.langgraph_api import driving, kept
from agent.settings import Settings
from store.database import CommitUnheard, StoreAway, StoreFault
from tests.standins.patience import PATIENCE
from tests.standins.service import NoEngine, inside

BLIPS = 2


async def test_a_run_of_the_protocol_ends_although_the_database_was_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driving, "AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(kept, "AT_WORK", kept.AT_WORK / 3000)
    failed: Counter[str] = Counter()
    passed: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
    async with inside(Settings(home=tmp_path), engine=NoEngine()) as client:
        place = client._transport.app.state.place  # type: ignore[attr-defined]
        await client.post("/langgraph/threads", json={"thread_id": "talk"})

        def flaky(work: Any, fault: Exception) -> Any:
            async def tried(query: Any, *arguments: Any, **named: Any) -> Any:
                if query.__name__ in {"finish", "goes_on", "still_at_work", "mark_of"}:
                    failed[query.__name__] += 1
                    if failed[query.__name__] <= BLIPS:
                        raise fault
                    passed[query.__name__].set()
                return await work(query, *arguments, **named)

            return tried

        database = place.database
        monkeypatch.setattr(database, "run", flaky(database.run, CommitUnheard("It went away.")))
        monkeypatch.setattr(database, "look", flaky(database.look, StoreAway("It is away.")))
        say = driving.Conversation.say

        async def slow(*arguments: Any, **named: Any) -> Any:
            await asyncio.wait_for(passed["still_at_work"].wait(), PATIENCE)
            return await say(*arguments, **named)

        monkeypatch.setattr(driving.Conversation, "say", slow)
        body = {"assistant_id": "agent", "input": {"text": "hello"}}
        run = (await client.post("/langgraph/threads/talk/runs", json=body)).json()
        await asyncio.wait_for(passed["finish"].wait(), PATIENCE)
        await client.get(f"/langgraph/threads/talk/runs/{run['run_id']}/join")
        found = await client.get(f"/langgraph/threads/talk/runs/{run['run_id']}")
        assert found.json()["status"] == "success"
    assert passed["goes_on"].is_set()


FULL = StoreFault("The disk with the database is full.")
AWAY = StoreAway("The database does not answer.")
LOCKED = StoreFault("Another process is writing to the database.")
LOCKED.__cause__ = OperationalError("BEGIN IMMEDIATE", {}, sqlite3.OperationalError("database is locked"))


@pytest.mark.parametrize(
    ("fault", "pauses"),
    [
        (FULL, [1, 2, 4, 8, 16, 32, 60, 60]),
        (AWAY, [1] * 8),
        (LOCKED, [1] * 8),
    ],
)
async def test_a_database_that_stays_unusable_is_asked_seldom_and_told_of_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, fault: StoreFault, pauses: list[float]
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def work() -> str:
        if len(slept) < len(pauses):
            raise fault
        return "done"

    monkeypatch.setattr(driving, "asyncio", SimpleNamespace(sleep=sleep))
    assert await driving._insist(work) == "done"
    assert slept == pauses
    assert [record.args for record in caplog.records] == [(str(fault),)]
