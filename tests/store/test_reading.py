"""What runs lend each other, who was seen where, and the waves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from store import reading, research, runs
from store.database import Database
from tests.standins.records import CARD, NOW, a_candidate, a_claim, a_page
from tools.candidates import Standing
from tools.coverage import Sighting
from tools.outcomes import Blocked, BlockReason, Empty, Failed, FailReason, Found
from tools.waves import Totals, Wave

pytestmark = pytest.mark.both_databases

URL = "https://example.org/page"


@pytest.fixture
def another(database: Database) -> str:
    with database.session() as session:
        return runs.create(session, "an earlier run", {"story": None}, NOW)


@pytest.mark.parametrize("outcome", [Found(a_page(url=URL)), Empty("nothing there")], ids=["found", "empty"])
def test_what_another_run_has_read_lately_is_lent(database: Database, run_id: str, another: str, outcome):
    with database.session() as session:
        reading.keep_fetch(session, another, URL, outcome, NOW)
    with database.session() as session:
        known = reading.fetch_of_another_run(session, run_id, URL, NOW - timedelta(days=1))
        assert known is not None
        reading.lend_fetch(session, run_id, known)
    with database.session() as session:
        mine = reading.stored_fetch(session, run_id, URL)
        assert mine is not None
        assert mine.row.fetched_at == NOW, "the age is that of the page, not of the loan"
        assert (mine.page.text if mine.page else None) == (
            outcome.value.text if isinstance(outcome, Found) else None
        )


@pytest.mark.parametrize(
    "outcome", [Blocked(BlockReason.RATE_LIMIT), Failed(FailReason.TIMEOUT)], ids=["blocked", "failed"]
)
def test_a_block_is_not_lent(database: Database, run_id: str, another: str, outcome):
    with database.session() as session:
        reading.keep_fetch(session, another, URL, outcome, NOW)
        assert reading.fetch_of_another_run(session, run_id, URL, NOW - timedelta(days=1)) is None


def test_what_is_old_is_not_lent(database: Database, run_id: str, another: str):
    with database.session() as session:
        reading.keep_fetch(session, another, URL, Found(a_page(url=URL)), NOW)
        since = NOW + timedelta(seconds=1)
        assert reading.fetch_of_another_run(session, run_id, URL, since) is None


def test_a_replayed_story_lends_nothing(database: Database, run_id: str):
    with database.session() as session:
        story = runs.create(session, "a replay", {"story": "cassettes/therapy-8b"}, NOW)
        session.flush()
        reading.keep_fetch(session, story, URL, Found(a_page(url=URL)), NOW)
        reading.keep_search(session, story, "duckduckgo", "q", 1, Found(()), [], NOW)
        since = NOW - timedelta(days=1)
        assert reading.fetch_of_another_run(session, run_id, URL, since) is None
        assert reading.search_of_another_run(session, run_id, "duckduckgo", "q", since) is None


def test_the_newest_answer_to_a_query_is_lent(database: Database, run_id: str, another: str):
    hits = [{"title": "t", "url": URL, "snippet": "s"}]
    with database.session() as session:
        third = runs.create(session, "a later run", {}, NOW)
        session.flush()
        reading.keep_search(session, another, "duckduckgo", "q", 1, Found(()), [], NOW)
        later = NOW + timedelta(hours=1)
        reading.keep_search(session, third, "duckduckgo", "q", 3, Found(()), hits, later)
        row = reading.search_of_another_run(session, run_id, "duckduckgo", "q", NOW)
        assert row is not None
        assert row.hits == hits
        reading.lend_search(session, run_id, row, wave=2)
        mine = reading.stored_search(session, run_id, "duckduckgo", "q")
        assert mine is not None
        assert (mine.wave, mine.hits, mine.asked_at) == (2, hits, later)
        assert reading.search_of_another_run(session, run_id, "mojeek", "q", NOW) is None


def test_queries_come_back_in_the_order_of_asking(database: Database, run_id: str):
    with database.session() as session:
        for query in ("zebra", "apple", "mango"):
            reading.keep_search(session, run_id, "duckduckgo", query, 1, Empty(), [], NOW)
        reading.keep_search(session, run_id, "mojeek", "apple", 1, Empty(), [], NOW)
        asked = [(row.query, row.engine) for row in reading.searches(session, run_id)]
    assert asked == [
        ("zebra", "duckduckgo"),
        ("apple", "duckduckgo"),
        ("mango", "duckduckgo"),
        ("apple", "mojeek"),
    ]


def test_a_sighting_is_stored_once(database: Database, run_id: str):
    seen = [Sighting("q", "a/A", census=False), Sighting("listing", "a/A", census=True)]
    with database.session() as session:
        research.keep_sightings(session, run_id, [*seen, seen[0]])
    with database.session() as session:
        research.keep_sightings(session, run_id, seen)
        assert sorted(research.sightings(session, run_id)) == sorted(seen)


def test_a_wave_is_replaced_by_what_became_of_it(database: Database, run_id: str):
    planned = Wave(number=1, queries=("a", "b"))
    done = planned.model_copy(update={"pages": 3, "stopped": "Nothing was left to ask."})
    with database.session() as session:
        research.keep_wave(session, run_id, Wave(number=2))
        research.keep_wave(session, run_id, planned)
    with database.session() as session:
        research.keep_wave(session, run_id, done)
        assert research.waves(session, run_id) == [done, Wave(number=2)]


def test_totals_count_the_accepted(database: Database, run_id: str):
    with database.session() as session:
        reading.keep_text(session, run_id, CARD)
        refused = a_candidate("a/B", standing=Standing.REJECTED, reason="outside 7–9B")
        research.keep_candidates(session, run_id, [a_candidate("a/A"), refused])
        research.keep_claims(session, run_id, [a_claim("a/A")])
        session.flush()
        assert research.totals(session, run_id) == Totals(viable=1, facts=0, claims=1)
        assert research.known_keys(session, run_id) == {"a/A", "a/B"}
