"""Orders that another version of bms has written keep nobody else's from being carried out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from agent import driven
from agent.queue import jobs, tables
from agent.queue.parts import Part, Unreadable
from graphs.options import RunOptions
from store import orders, runs
from store.database import Database
from store.locks import Lock
from store.orders import OrderKind
from store.schema import OrderRow
from tests.standins.records import NOW

OPTIONS = RunOptions(out_dir="/out").model_dump(mode="json")
NEWER = {**OPTIONS, "of_a_newer_version": True}


@pytest.fixture
def database(postgres_url: str) -> Iterator[Database]:
    with Database(postgres_url) as opened:
        with opened.session() as session:
            tables.make(session)
        yield opened


def ordered(database: Database, options: dict[str, Any], kind: OrderKind, record: dict[str, Any]) -> int:
    with database.session() as session:
        run_id = runs.create(session, "x", options, NOW)
        session.flush()
        return orders.submit(session, run_id, kind, NOW, by="ada", record=record)


async def test_an_order_that_cannot_be_read_keeps_no_other_from_the_queue(database: Database):
    strange = [
        ordered(database, NEWER, OrderKind.DRIVE, {}),
        ordered(database, OPTIONS, OrderKind.REPLY, {"kind": "of a newer version"}),
    ]
    usual = ordered(database, OPTIONS, OrderKind.DRIVE, {})
    assert await database.run(jobs.fill) == 3
    with database.reading() as session:
        queued = session.execute(text("SELECT (args ->> 'order')::int, queue_name FROM procrastinate_jobs"))
        assert {row[0]: row[1] for row in queued} == dict.fromkeys((*strange, usual), Part.RESEARCH.value)


async def test_whoever_takes_it_says_why_it_cannot_be_read(database: Database):
    number = ordered(database, NEWER, OrderKind.DRIVE, {})
    with database.reading() as session:
        order = session.get_one(OrderRow, number)
    with pytest.raises(Unreadable, match="written by another version of bms"):
        await driven.carry_out(database, order, "gpu1")


async def test_an_evaluation_ends_where_another_one_has_begun_on_its_host(
    database: Database, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(driven, "LOOK_SECONDS", 0.05)
    holds_on = iter((True, False))

    async def hold_on(_lock: Lock) -> bool:
        return next(holds_on)

    monkeypatch.setattr(Lock, "hold_on", hold_on)

    async def evaluate() -> None:
        async with driven._alone_on(database, "gpu1") as alone:
            assert alone
            await asyncio.sleep(5)

    with pytest.raises(driven.HostTaken):
        await evaluate()
    assert await Lock(database, "host:gpu1").take()
