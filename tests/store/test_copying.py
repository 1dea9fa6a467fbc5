"""Everything of one database is in the other afterwards, or nothing is."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypedDict

import pytest
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt
from sqlalchemy import func, insert, null, select, text

from store import copying, events, leases, orders, runs, threads
from store.checkpoints import open_checkpointer
from store.copying import Copied, CopyFault, Side, copy
from store.database import Database, sqlite_url
from store.orders import OrderKind
from store.schema import Base, FactRow, OrderRow, RunRow
from tests.standins.records import NOW
from tools.faults import Conflict

pytestmark = pytest.mark.both_databases


class State(TypedDict, total=False):
    said: list[str]
    note: str
    count: int


def graph(saver: Any) -> Any:
    """Two steps beside each other, of which one asks; what the other wrote waits with the question."""

    async def work(_state: State) -> State:
        return {"count": 7}

    async def ask(_state: State) -> State:
        return {"said": [interrupt({"kind": "question"})], "note": "asked"}

    built = StateGraph(State)
    built.add_node("work", work)
    built.add_node("ask", ask)
    built.add_edge(START, "work")
    built.add_edge(START, "ask")
    built.add_edge("work", END)
    built.add_edge("ask", END)
    return built.compile(checkpointer=saver)


async def fill(side: Side) -> tuple[str, str]:
    """Two runs with rows of several kinds and checkpoints, one of which waits."""
    with side.database.session() as session:
        first, second = (runs.create(session, f"run {n}", {"out_dir": "/out"}, NOW) for n in range(2))
        events.append_all(session, first, "research", "search", [{"n": n} for n in range(450)], NOW)
        number = orders.submit(session, first, OrderKind.DRIVE, NOW, by="ada")
        orders.finish(session, number, NOW)
        orders.submit(session, first, OrderKind.REPLY, NOW, by="ada", record={"é": [1, 2.5, None]})
        threads.create(session, NOW, thread_id="talk", run_id=first, tags={"b": 1, "a": {"z": None}})
        threads.say(session, "talk", threads.PERSON, "hello\nwörld", NOW)
        for n in (3, 900):
            session.add(FactRow(id=n, run_id=first, candidate="x", factor="y", fingerprint=str(n), record={}))
        session.flush()
        run = select(RunRow).where(RunRow.id == second)
        session.scalars(run).one().request = None  # the null of JSON
        session.execute(text("UPDATE runs SET request = NULL WHERE id = :id"), {"id": first})
    async with open_checkpointer(side.checkpoints_url) as saver:
        for run_id in (first, second):
            config: Any = {"configurable": {"thread_id": run_id}}
            await graph(saver).ainvoke({"said": [], "note": "é"}, config, durability="sync")
        await graph(saver).ainvoke(Command(resume="yes"), config, durability="sync")
    return first, second


@pytest.fixture
def source(database: Database, database_url: str, tmp_path: Path) -> Side:
    if database.dialect == "postgresql":
        return Side(database, database_url)
    return Side(database, sqlite_url(tmp_path / "checkpoints.sqlite"))


@pytest.fixture
def target(request: pytest.FixtureRequest, database: Database, tmp_path: Path) -> Any:
    """The other kind of database, empty."""
    if database.dialect == "postgresql":
        url, checkpoints = sqlite_url(tmp_path / "to.sqlite"), sqlite_url(tmp_path / "to-checkpoints.sqlite")
    else:
        url = checkpoints = request.getfixturevalue("postgres_url")
    with Database(url) as opened:
        yield Side(opened, checkpoints)


async def copied(source: Side, target: Side) -> Copied:
    return await copy(source, target, NOW, lambda *_: None)


def counts(database: Database) -> dict[str, int]:
    with database.reading() as session:
        tables = Base.metadata.sorted_tables
        return {t.name: session.scalar(select(func.count()).select_from(t)) or 0 for t in tables}


async def test_everything_arrives_and_a_waiting_run_goes_on(source: Side, target: Side):
    first, second = await fill(source)
    told: list[tuple[str, int, int]] = []
    found = await copy(source, target, NOW, lambda *one: told.append(one))
    assert found.rows == counts(source.database) == counts(target.database)
    assert found.rows["events"] == 452
    assert ("events", 200, 452) in told
    assert found.checkpoints == 2 + 3
    with target.database.session() as session:
        (message,) = threads.messages(session, "talk")
        assert (message.text, message.at) == ("hello\nwörld", NOW)
        assert threads.get(session, "talk").tags == {"b": 1, "a": {"z": None}}
        order = orders.open_order(session, first)
        assert order is not None
        assert order.record == {"é": [1, 2.5, None]}
        is_null = {
            run: session.scalar(select(RunRow.request.is_(null())).where(RunRow.id == run))
            for run in (first, second)
        }
        assert is_null == {first: True, second: False}
        session.add(FactRow(run_id=first, candidate="x", factor="y", fingerprint="new", record={}))
        session.flush()
        assert session.scalar(select(func.max(FactRow.id))) == 901
        assert orders.submit(session, second, OrderKind.DRIVE, NOW, by="bob") == order.id + 1
    async with open_checkpointer(target.checkpoints_url) as saver:
        done = await graph(saver).ainvoke(
            Command(resume="yes"), {"configurable": {"thread_id": first}}, durability="sync"
        )
        assert done == {"said": ["yes"], "note": "asked", "count": 7}  # the finished step is not run again
        state = await graph(saver).aget_state({"configurable": {"thread_id": second}})
        assert state.values == done


async def test_a_target_with_something_in_it_is_refused(source: Side, target: Side):
    await fill(source)
    with target.database.session() as session:
        runs.create(session, "here already", {}, NOW)
    with pytest.raises(Conflict, match="has 1 run already"):
        await copied(source, target)
    assert counts(target.database)["runs"] == 1


async def test_nothing_is_copied_while_a_run_is_driven(source: Side, target: Side):
    first, _ = await fill(source)
    with source.database.session() as session:
        lease = leases.take(session, first, "elsewhere:1:1.00", NOW)
    with pytest.raises(Conflict, match=rf"{first} is being driven \(elsewhere:1\)"):
        await copied(source, target)
    assert not any(counts(target.database).values())
    with source.database.session() as session:
        leases.release(session, lease)
    assert (await copied(source, target)).rows["runs"] == 2


async def test_a_copy_that_broke_off_is_made_again(
    source: Side, target: Side, monkeypatch: pytest.MonkeyPatch
):
    await fill(source)

    def full(*_: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(copying, "_number_on", full)
        with pytest.raises(OSError, match="no space"):
            await copied(source, target)
    assert not any(counts(target.database).values())
    assert (await copied(source, target)).rows == counts(source.database) == counts(target.database)


@pytest.mark.parametrize("what", ["changed", "left out"])
async def test_rows_that_arrive_otherwise_are_noticed(
    source: Side, target: Side, monkeypatch: pytest.MonkeyPatch, what: str
):
    await fill(source)
    written = copying._written

    def spoil(table: Any, row: Any) -> Any:
        found = written(table, row)
        return {**found, "kind": "other"} if table is OrderRow.__table__ else found

    def lose(table: Any) -> Any:
        return text("DELETE FROM orders WHERE id = :id") if table is OrderRow.__table__ else insert(table)

    if what == "changed":
        monkeypatch.setattr(copying, "_written", spoil)
    else:
        monkeypatch.setattr(copying, "insert", lose)
    with pytest.raises(CopyFault, match="table orders is not what was copied"):
        await copied(source, target)
    assert not any(counts(target.database).values())


async def test_checkpoints_that_arrive_otherwise_are_noticed(
    source: Side, target: Side, monkeypatch: pytest.MonkeyPatch
):
    await fill(source)
    by_task = copying._by_task
    calls = []

    def lose(one: Any) -> Any:
        calls.append(one)
        return {} if len(calls) < 3 else by_task(one)

    monkeypatch.setattr(copying, "_by_task", lose)
    with pytest.raises(CopyFault, match="checkpoints of run"):
        await copied(source, target)
    assert not any(counts(target.database).values())
