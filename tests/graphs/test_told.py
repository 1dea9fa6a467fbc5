"""A station that is gone through again tells nothing twice, and everything once."""

from __future__ import annotations

import pytest

from graphs.told import Told, counting
from store import events
from store.database import Database
from tests.standins.records import NOW


def test_what_was_told_is_known_as_often_as_it_was() -> None:
    told = Told()
    told.before([("pull", "warning", {"sentence": "Slow."})] * 2)
    assert [told.tell("pull", "warning", {"sentence": "Slow."}) for _ in range(3)] == [True, True, False]
    assert not told.tell("pull", "warning", {"sentence": "Fast."})


def test_what_was_new_the_first_time_is_the_same_event_when_nothing_is_new() -> None:
    told, data = Told(), counting("new", source="the Hub", seen=7)
    told.before([("research", "enumerated", data(5))])
    assert told.knows("research", "enumerated", data(0))
    assert not told.knows("research", "enumerated", counting("new", source="a page", seen=7)(5))


@pytest.mark.both_databases
def test_a_visit_is_what_was_told_since_its_first_beginning(database: Database, run_id: str) -> None:
    with database.session() as session:
        for stage, kind, data in (
            ("research", "stage", {"task": "a"}),
            ("research", "query", {"query": "1"}),
            ("research", "stage", {"task": "b"}),
            ("research", "query", {"query": "2"}),
            ("stopped", "stopped", {"sentence": "interrupted"}),
            ("research", "stage", {"task": "b"}),
            ("research", "query", {"query": "3"}),
        ):
            events.append(session, run_id, stage, kind, data, NOW)
        asked = [e.data["query"] for e in events.of_visit(session, run_id, "b") if e.kind == "query"]
        assert asked == ["2", "3"]
        assert events.of_visit(session, run_id, "a") == []
