"""The checkpointer's file: made where it is missing, named where it cannot be used."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypedDict

import pytest
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt

from store import leases
from store.checkpoints import forget, open_checkpointer
from store.database import StoreFault, sqlite_url
from store.fencing import Fenced
from tests.standins.postgres import Postgres


class Count(TypedDict):
    steps: int


def build(saver: Any) -> Any:
    async def ask(state: Count) -> Count:
        return {"steps": state["steps"] + interrupt("how many?")}

    graph = StateGraph(Count)
    graph.add_node("ask", ask)
    graph.add_edge(START, "ask")
    graph.add_edge("ask", END)
    return graph.compile(checkpointer=saver)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a place for checkpoints that has none yet."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "new" / "checkpoints.sqlite")
    return str(request.getfixturevalue("postgres_url"))


CONFIG: Any = {"configurable": {"thread_id": "20260301-abcde"}}


async def test_a_graph_goes_on_in_another_opening(url: str):
    async with open_checkpointer(url) as saver:
        waiting = await build(saver).ainvoke({"steps": 1}, CONFIG, durability="sync")
        assert waiting["__interrupt__"][0].value == "how many?"
    async with open_checkpointer(url) as saver:
        assert await build(saver).ainvoke(Command(resume=4), CONFIG, durability="sync") == {"steps": 5}


async def test_what_is_forgotten_is_gone_and_no_more(url: str):
    other: Any = {"configurable": {"thread_id": "20260301-fghij"}}
    async with open_checkpointer(url) as saver:
        for config in (CONFIG, other):
            await build(saver).ainvoke({"steps": 1}, config, durability="sync")
        await asyncio.to_thread(forget, url, "20260301-abcde")
        assert await saver.aget_tuple(CONFIG) is None
        assert [one async for one in saver.alist(CONFIG)] == []
        assert await build(saver).ainvoke(Command(resume=4), other, durability="sync") == {"steps": 5}


def test_there_is_nothing_to_forget_where_nothing_was_kept(url: str):
    forget(url, "20260301-abcde")


async def test_who_has_lost_the_run_writes_no_checkpoint(url: str):
    asked: list[str] = []

    async def lost(run_id: str) -> None:
        asked.append(run_id)
        raise leases.lost(run_id)

    async with open_checkpointer(url) as saver:
        assert isinstance(saver, Fenced)
        await build(saver).ainvoke({"steps": 1}, CONFIG, durability="sync")
        saver.may_write = lost
        with pytest.raises(leases.LostLease):
            await build(saver).ainvoke(Command(resume=4), CONFIG, durability="sync")
        assert set(asked) == {"20260301-abcde"}
        saver.may_write = None
        waiting = await build(saver).aget_state(CONFIG)
        assert waiting.next == ("ask",), "the run stands where its driver left it"


async def test_a_writer_that_falls_asleep_on_its_way_to_the_file_is_refused(tmp_path: Path):
    """It has asked whether it may write, and another takes the run over before it does."""
    url = sqlite_url(tmp_path / "checkpoints.sqlite")
    asked: list[str] = []

    async def may(run_id: str) -> None:
        if asked:
            raise leases.lost(run_id)

    run_id = CONFIG["configurable"]["thread_id"]
    async with open_checkpointer(url) as sleeper, open_checkpointer(url) as successor:
        assert isinstance(sleeper, Fenced)
        assert isinstance(successor, Fenced)
        sleeper.may_write = may
        await sleeper.take_over(run_id, 1)
        await build(sleeper).ainvoke({"steps": 1}, CONFIG, durability="sync")
        await successor.take_over(run_id, 2)
        put = sleeper._fenced

        async def sleeps(config: Any, work: Any) -> Any:
            async def late() -> Any:
                asked.append("the first time it was allowed")
                return await work()

            return await put(config, late)

        sleeper._fenced = sleeps  # type: ignore[method-assign]
        with pytest.raises(leases.LostLease):
            await build(sleeper).ainvoke(Command(resume=4), CONFIG, durability="sync")
        assert asked
        waiting = await build(successor).aget_state(CONFIG)
        assert waiting.next == ("ask",), "the run stands where its successor has it"
        assert await build(successor).ainvoke(Command(resume=5), CONFIG, durability="sync") == {"steps": 6}
        await sleeper.take_over(run_id, 3)
        asked.clear()
        await sleeper.aput_writes(waiting.config, [("steps", 9)], "task")


async def test_processes_that_begin_together_make_the_tables_once(postgres: Postgres):
    url = postgres.make()
    try:
        async with AsyncExitStack() as stack:
            savers = await asyncio.gather(
                *(stack.enter_async_context(open_checkpointer(url)) for _ in range(4))
            )
            for number, saver in enumerate(savers):
                config: Any = {"configurable": {"thread_id": f"20260301-{number}"}}
                assert "__interrupt__" in await build(saver).ainvoke({"steps": 1}, config)
    finally:
        postgres.drop(url)


async def test_a_connection_that_breaks_is_made_anew(postgres: Postgres, postgres_url: str):
    async with open_checkpointer(postgres_url) as saver:
        await build(saver).ainvoke({"steps": 1}, CONFIG, durability="sync")
        await asyncio.to_thread(postgres.cut, postgres_url)
        assert await build(saver).ainvoke(Command(resume=4), CONFIG, durability="sync") == {"steps": 5}


async def test_a_database_that_stays_away_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("store.postgres.PATIENCE_SECONDS", 0.5)
    nobody = f"postgresql+psycopg://someone:secret@/bms?host={tmp_path}"
    with pytest.raises(StoreFault, match="does not answer") as caught:
        async with open_checkpointer(nobody):
            pytest.fail("it was opened")
    assert "BMS_DATABASE_URL" in caught.value.next_step
    assert "secret" not in str(caught.value)


async def test_it_writes_ahead_and_waits_for_others(tmp_path: Path):
    async with open_checkpointer(sqlite_url(tmp_path / "checkpoints.sqlite")) as saver:
        told = []
        for name in ("journal_mode", "busy_timeout"):
            async with saver.conn.execute(f"PRAGMA {name}") as cursor:  # type: ignore[attr-defined]
                told.append(await cursor.fetchone())
    assert told == [("wal",), (10000,)]


@pytest.mark.parametrize("broken", ["a file that is no database", "a directory", "under a file"])
async def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, broken: str):
    path = tmp_path / "checkpoints.sqlite"
    match broken:
        case "a directory":
            path.mkdir()
        case "under a file":
            path.write_text("")
            path = path / "checkpoints.sqlite"
        case _:
            path.write_bytes(b"notes " * 500)
    with pytest.raises(StoreFault, match="checkpoints") as caught:
        async with open_checkpointer(sqlite_url(path)):
            pytest.fail("it was opened")
    assert "BMS_HOME" in caught.value.next_step


async def test_a_failure_of_the_work_is_not_taken_for_one_of_the_file(tmp_path: Path):
    with pytest.raises(OSError, match="the work failed"):
        async with open_checkpointer(sqlite_url(tmp_path / "checkpoints.sqlite")):
            raise OSError("the work failed")
