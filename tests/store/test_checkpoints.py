"""The checkpointer's file: made where it is missing, named where it cannot be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypedDict

import pytest

from store.checkpoints import open_checkpointer
from store.database import StoreFault, sqlite_url


class Count(TypedDict):
    steps: int


def build(saver: Any) -> Any:
    from langgraph.graph import END, START, StateGraph
    from langgraph.types import interrupt

    async def ask(state: Count) -> Count:
        return {"steps": state["steps"] + interrupt("how many?")}

    graph = StateGraph(Count)
    graph.add_node("ask", ask)
    graph.add_edge(START, "ask")
    graph.add_edge("ask", END)
    return graph.compile(checkpointer=saver)


async def test_a_graph_goes_on_in_another_opening_of_the_file(tmp_path: Path):
    from langgraph.types import Command

    path = tmp_path / "new" / "checkpoints.sqlite"
    config = {"configurable": {"thread_id": "20260301-abcde"}}
    async with open_checkpointer(sqlite_url(path)) as saver:
        waiting = await build(saver).ainvoke({"steps": 1}, config, durability="sync")
        assert waiting["__interrupt__"][0].value == "how many?"
    async with open_checkpointer(sqlite_url(path)) as saver:
        assert await build(saver).ainvoke(Command(resume=4), config, durability="sync") == {"steps": 5}


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
