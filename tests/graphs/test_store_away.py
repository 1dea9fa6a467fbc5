"""A database that stays away ends the process that drives, and not the order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from agent import driven
from agent.driver_process import BUSY
from graphs.desk import Desk
from graphs.options import RunOptions
from graphs.runner import Runner, Standing
from store import orders, runs
from store.database import AWAY, CommitUnheard, Database, StoreAway, StoreFault
from store.orders import OrderKind
from store.schema import OrderRow
from tests.standins.records import NOW
from tools.faults import Fault

UNHEARD = CommitUnheard("The database went away while something was being stored.", AWAY)
GONE = StoreAway("The database does not answer.", AWAY)
FULL = StoreFault("The disk with the database is full.", "Free some disk space.")


def ordered(database: Database) -> OrderRow:
    options = RunOptions(out_dir="/out").model_dump(mode="json")
    with database.session() as session:
        run_id = runs.create(session, "x", options, NOW)
        session.flush()
        number = orders.submit(session, run_id, OrderKind.DRIVE, NOW - timedelta(seconds=1), by="ada")
        return session.get_one(OrderRow, number)


def is_open(database: Database, order: OrderRow) -> bool:
    with database.reading() as session:
        return orders.open_order(session, order.run_id) is not None


@pytest.mark.parametrize(("fault", "open_still"), [(GONE, True), (UNHEARD, True), (FULL, False)])
async def test_only_a_database_that_is_gone_leaves_the_order_open(
    database: Database, desk_for: Callable[..., Desk], fault: Fault, open_still: bool
) -> None:
    order = ordered(database)
    runner = Runner(desk_for().services, InMemorySaver())
    with database.reading() as session:
        row = runs.get(session, order.run_id)

    async def go(_desk: Desk) -> Standing:
        raise fault

    with pytest.raises(type(fault)):
        await runner._under_lease(row, go, order.id, to_be_continued=False)
    assert is_open(database, order) == open_still


@pytest.mark.parametrize("fault", [GONE, UNHEARD])
async def test_its_process_gives_the_order_back(
    database: Database, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    order = ordered(database)

    async def drive(*_: object) -> None:
        raise fault

    monkeypatch.setattr(driven, "_drive", drive)
    assert await driven.carry_out(database, order) == BUSY
    assert is_open(database, order)
