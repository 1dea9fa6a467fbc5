"""What is no text is stored as U+FFFD, in columns, in JSON and in checkpoints, the same on every database."""

from __future__ import annotations

import json
from typing import Any, TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langgraph.graph import END, START, StateGraph
from sqlalchemy import select

from store import events, runs, threads
from store.checkpoints import open_checkpointer
from store.database import Database
from store.plain import as_json, plain
from store.schema import RunRow
from tests.standins.records import NOW

ANYTHING = st.text(st.characters(codec=None))
BAD = "a\0b\ud800c\U0001f600"
GOOD = "a�b�c\U0001f600"


@given(ANYTHING)
def test_plain_text_has_the_same_length_and_can_be_written(text: str):
    assert len(plain(text)) == len(text)
    assert "\0" not in plain(text)
    plain(text).encode()
    assert plain(plain(text)) == plain(text)


@given(
    st.recursive(ANYTHING, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5)
)
def test_json_is_that_of_plain_strings(value: Any):
    def plainly(one: Any) -> Any:
        if isinstance(one, dict):
            return {plain(name): plainly(inner) for name, inner in one.items()}
        return [plainly(inner) for inner in one] if isinstance(one, list) else plain(one)

    assert json.loads(as_json(value)) == plainly(value)


def test_a_backslash_before_u0000_is_no_nul():
    for text in ("\\u0000", "\\\\u0000", "\\\0", "\\\\\0"):
        assert json.loads(as_json(text)) == plain(text)


@pytest.mark.both_databases
def test_text_and_json_of_any_kind_are_stored(database: Database, run_id: str):
    with database.session() as session:
        threads.create(session, NOW, thread_id="talk", tags={BAD: [BAD]})
        threads.say(session, "talk", threads.PERSON, BAD, NOW, data={"x": BAD})
        events.append(session, run_id, "research", "search", {"query": BAD}, NOW)
        runs.set_options(session, run_id, {"story": None, "text": BAD}, NOW)
    with database.reading() as session:
        (message,) = threads.messages(session, "talk")
        assert (message.text, message.data) == (GOOD, {"x": GOOD})
        assert threads.get(session, "talk").tags == {GOOD: [GOOD]}
        assert events.after(session, run_id, 0)[0].data == {"query": GOOD}
        # PostgreSQL decodes every string of a value that is looked into.
        assert session.scalar(select(RunRow.options["text"].as_string())) == GOOD


@pytest.mark.both_databases
def test_rows_come_in_the_order_of_code_points_on_every_database(database: Database):
    names = ["b", "A", "a", "é", "Z", "_", "\U0001f600", "a b", "a-b"]
    with database.session() as session:
        for name in names:
            threads.create(session, NOW, thread_id=name)
    with database.reading() as session:
        assert [row.id for row in threads.latest(session)] == sorted(names)


class Note(TypedDict):
    note: str
    notes: dict[str, str]


@pytest.mark.both_databases
async def test_a_checkpoint_holds_any_text(database_url: str, database: Database):
    async def write(_state: Note) -> Note:
        return {"note": "a\0b", "notes": {"x": "a\0b"}}

    graph = StateGraph(Note)
    graph.add_node("write", write)
    graph.add_edge(START, "write")
    graph.add_edge("write", END)
    url = database_url if database.dialect == "postgresql" else f"{database_url}.checkpoints"
    config: Any = {"configurable": {"thread_id": "20260301-abcde"}}
    async with open_checkpointer(url) as saver:
        built = graph.compile(checkpointer=saver)
        await built.ainvoke({"note": "", "notes": {}}, config, durability="sync")
        kept = (await built.aget_state(config)).values
    assert kept["note"] in {"a\0b", "a�b"}  # SQLite takes it as it is
    assert kept["notes"] == {"x": "a\0b"}
