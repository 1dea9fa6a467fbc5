"""A run whose requests did not get through: said first in every view, with a way to search again."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest

from agent.pages.log import folded
from agent.reach import Reach, reach
from agent.settings import Settings
from agent.views import EventRecord
from store import events
from store.database import Database
from store.schema import FetchRow, SearchRow
from tests.standins.offered import offered_run
from tests.standins.records import NOW
from tests.standins.service import NoEngine, inside

VIEWS = ("", "/research", "/table", "/approval")


@pytest.fixture
def run_id(home: Path, empty_database: Path) -> str:
    return offered_run(home / "bms", empty_database)


def asked(home: Path, run_id: str, *, failed: int, found: int = 0, reason: str = "unreachable") -> None:
    """So many requests, half of them searches; the last ones of them found something."""
    with Database(Settings(home=home / "bms").rows_url) as database, database.session() as session:
        for number in range(failed + found):
            ended = {"outcome": "failed", "reason": reason} if number < failed else {"outcome": "found"}
            if number % 2:
                row = {"engine": "mojeek", "query": f"query {number}", "wave": 1, "hits": [], "asked_at": NOW}
                session.add(SearchRow(run_id=run_id, **row, **ended))
                told = {"query": f"query {number}", "engine": "mojeek", "hits": 0, "reason": "", **ended}
            else:
                url = f"https://x.example/{number}"
                row = {"url_hash": f"{number:064}", "url": url, "fetched_at": NOW}
                session.add(FetchRow(run_id=run_id, **row, **ended))
                told = {"url": url, "reason": "", **ended}
            events.append(session, run_id, "research", "query" if number % 2 else "page", told, NOW)
        events.append(session, run_id, "compare", "table", {"rows": 3, "eligible": 2}, NOW)
        events.append(session, run_id, "research", "stage", {}, NOW)


async def views(home: Path, run_id: str) -> dict[str, str]:
    async with inside(Settings(home=home / "bms"), engine=NoEngine()) as client:
        return {view: (await client.get(f"/runs/{run_id}{view}")).text for view in VIEWS}


async def test_it_is_said_first_in_every_view_and_can_be_searched_again(home: Path, run_id: str) -> None:
    asked(home, run_id, failed=40)
    later = ("Which model", "waits for your approval", 'class="grid"', "Degraded")
    for view, text in (await views(home, run_id)).items():
        assert "<strong>Not one of 40 requests got through (40 unreachable).</strong>" in text, view
        assert "Check the network (bms doctor), then search again." in text, view
        assert all(text.index("got through") < text.find(word) for word in later if word in text), view
        assert 'class="note good"' not in text, view
    button = re.search(r'data-do="POST (/api[^"]+)" data-body=\'([^\']+)\'', (await views(home, run_id))[""])
    assert button is not None
    async with inside(Settings(home=home / "bms"), engine=NoEngine()) as client:
        reply = await client.post(button[1], json=json.loads(html.unescape(button[2])))
    assert reply.status_code == 202, reply.text
    assert reply.json()["status"] == "queued"


async def test_what_was_in_vain_is_not_green(home: Path, run_id: str) -> None:
    asked(home, run_id, failed=40)
    overview = (await views(home, run_id))[""]
    assert '<li class="good">' not in overview
    assert "The table is ready: 3 candidates, 2 eligible." in overview
    assert "20 pages: unreachable." in overview
    assert "20 searches: unreachable." in overview


async def test_a_run_that_got_through_says_nothing_of_it(home: Path, run_id: str) -> None:
    asked(home, run_id, failed=10, found=10)
    for text in (await views(home, run_id)).values():
        assert "got through" not in text
    assert '<li class="good">' in (await views(home, run_id))[""]


@pytest.mark.parametrize(
    ("failed", "found", "lost"), [(2, 0, False), (3, 0, True), (99, 1, True), (95, 5, True), (94, 6, False)]
)
def test_nearly_none_is_five_of_a_hundred(
    home: Path, run_id: str, failed: int, found: int, lost: bool
) -> None:
    asked(home, run_id, failed=failed, found=found)
    with Database(Settings(home=home / "bms").rows_url) as database, database.reading() as session:
        told = reach(session, run_id)
    assert (told.asked, told.answered, told.lost) == (failed + found, found, lost)


def test_whoever_was_refused_is_told_to_wait() -> None:
    told = Reach(100, 2, 90, (("rate limited", 90), ("unreachable", 8)))
    assert told.sentence == "Only 2 of 100 requests got through (90 rate limited, 8 unreachable)."
    assert told.advice == "They were refused: wait a while"


def event(seq: int, kind: str, **data: object) -> EventRecord:
    return EventRecord(seq=seq, at=NOW, stage="research", kind=kind, data=dict(data))


def test_requests_that_ended_alike_are_one_line_until_something_else_comes() -> None:
    page = {"url": "https://x.example/a", "outcome": "failed", "reason": "unreachable"}
    found = {"url": "https://x.example/b", "outcome": "found", "reason": ""}
    answered = {"query": "8B", "outcome": "found", "hits": 3}
    told = [event(9, "page", **page), event(8, "page", **found), event(7, "query", **answered)]
    told += [event(6, "page", **page), event(5, "page", **found), event(4, "warning", sentence="Slow.")]
    told += [event(3, "page", **page)]
    assert [(line.seq, line.text) for line in folded(told, 30)] == [
        (9, "2 pages: unreachable."),
        (8, "Read 2 pages and records, the newest x.example/b"),
        (7, "Searched for “8B”: 3 hits."),
        (4, "Slow."),
        (3, "x.example/a: failed (unreachable)."),
    ]
    assert len(folded(told, 2)) == 2
