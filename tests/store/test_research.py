"""What research keeps: no fact without a stored source, no block that reads as empty, tables as shown."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store import reading, research, runs
from store.database import Database
from store.schema import FetchRow, SearchRow
from tests.standins.records import (
    CARD,
    NOW,
    a_candidate,
    a_claim,
    a_fact,
    a_page,
    a_request,
    a_source,
)
from tools.candidates import Standing
from tools.facts import Factor, content_hash
from tools.outcomes import Blocked, BlockReason, Empty, Failed, FailReason, Found, Outcome
from tools.proposal import propose
from tools.table import ComparisonTable, build_table
from tools.web import Page

pytestmark = pytest.mark.both_databases

URL = "https://example.org/page"
LATER = NOW + timedelta(minutes=1)


def keep_fetch(database: Database, run_id: str, outcome: Outcome[Page], url: str = URL) -> None:
    with database.session() as session:
        reading.keep_fetch(session, run_id, url, outcome, NOW)


def stored_fetch(database: Database, run_id: str, url: str = URL) -> tuple[FetchRow, Page | None] | None:
    with database.reading() as session:
        return reading.stored_fetch(session, run_id, url)


def keep_card(database: Database, run_id: str) -> None:
    with database.session() as session:
        reading.keep_text(session, run_id, CARD)


# --- outcomes ----------------------------------------------------------------------------------------------


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
outcomes = st.one_of(
    st.builds(Found, words),
    st.builds(Empty, words),
    st.builds(Blocked, st.sampled_from(BlockReason), words, st.none() | st.floats(0, 86400)),
    st.builds(Failed, st.sampled_from(FailReason), words),
)


@given(outcomes)
def test_every_outcome_has_columns_that_tell_it_from_the_others(outcome: Outcome[str]):
    columns = reading.outcome_columns(outcome)
    assert columns.outcome == type(outcome).__name__.lower()
    assert len(columns.outcome) <= FetchRow.outcome.type.length  # type: ignore[attr-defined]
    assert len(columns.reason) <= SearchRow.reason.type.length  # type: ignore[attr-defined]
    match outcome:
        case Found():
            assert columns[1:] == ("", "")
        case Empty():
            assert columns[1:] == ("", outcome.detail)
        case Blocked():
            assert (BlockReason(columns.reason), columns.detail) == (outcome.reason, outcome.detail)
        case Failed():
            assert (FailReason(columns.reason), columns.detail) == (outcome.reason, outcome.detail)


def test_an_address_that_was_not_asked_for_is_not_known(database: Database, run_id: str):
    assert stored_fetch(database, run_id) is None


def test_a_found_page_comes_back_as_it_went(database: Database, run_id: str):
    page = a_page("Ünïcode ⭐ and\r\nline ends\n", url=URL)
    keep_fetch(database, run_id, Found(page))
    stored = stored_fetch(database, run_id)
    assert stored is not None
    row, kept = stored
    assert kept == page
    assert (row.outcome, row.reason, row.detail, row.fetched_at) == ("found", "", "", NOW)
    assert row.page is not None
    assert "text" not in row.page


@pytest.mark.parametrize(
    ("outcome", "columns"),
    [
        (Empty("HTTP 404"), ("empty", "", "HTTP 404")),
        (Blocked(BlockReason.RATE_LIMIT, "HTTP 429", 30.0), ("blocked", "rate limit", "HTTP 429")),
        (Failed(FailReason.TIMEOUT, "20 s"), ("failed", "timeout", "20 s")),
    ],
)
def test_other_outcomes_come_back_without_a_page(
    database: Database, run_id: str, outcome: Outcome[Page], columns: tuple[str, str, str]
):
    keep_fetch(database, run_id, outcome)
    stored = stored_fetch(database, run_id)
    assert stored is not None
    row, page = stored
    assert page is None
    assert (row.outcome, row.reason, row.detail) == columns


def test_a_second_try_replaces_the_first(database: Database, run_id: str):
    keep_fetch(database, run_id, Blocked(BlockReason.FORBIDDEN, "HTTP 403"))
    keep_fetch(database, run_id, Found(a_page(url=URL)))
    stored = stored_fetch(database, run_id)
    assert stored is not None
    assert (stored[0].outcome, stored[0].reason, stored[1]) == ("found", "", a_page(url=URL))


def test_the_same_text_is_stored_once_for_all_addresses_and_runs(database: Database, run_id: str):
    with database.session() as session:
        other = runs.create(session, "another run", {}, NOW)
    keep_fetch(database, run_id, Found(a_page(url=URL)))
    keep_fetch(database, run_id, Found(a_page(url=URL + "?again")), URL + "?again")
    keep_fetch(database, other, Found(a_page(url=URL)))
    with database.reading() as session:
        assert reading.page_text(session, content_hash(CARD)) == CARD
        assert reading.counts(session, run_id).pages == 1
        assert reading.counts(session, run_id).fetches == {"found": 2}
        assert reading.stored_fetch(session, other, URL + "?again") is None


def test_searches_and_their_outcomes_are_counted(database: Database, run_id: str):
    hits = [{"title": "T", "url": "https://example.org", "snippet": "s"}]
    asked: list[tuple[str, Outcome[object]]] = [
        ("one", Found(())),
        ("two", Blocked(BlockReason.CHALLENGE, "HTTP 202")),
        ("three", Empty("no results")),
        ("two", Blocked(BlockReason.RATE_LIMIT, "HTTP 429")),
    ]
    with database.session() as session:
        for query, outcome in asked:
            reading.keep_search(session, run_id, "duckduckgo", query, 1, outcome, hits, NOW)
        reading.keep_fetch(session, run_id, URL, Failed(FailReason.TIMEOUT), NOW)
    with database.reading() as session:
        counted = reading.counts(session, run_id)
        assert counted.searches == {"found": 1, "blocked": 1, "empty": 1}
        assert counted.fetches == {"failed": 1}
        assert counted.pages == 0
        row = reading.stored_search(session, run_id, "duckduckgo", "two")
        assert row is not None
        assert (row.reason, row.detail, row.hits, row.wave) == ("rate limit", "HTTP 429", hits, 1)
        assert reading.stored_search(session, run_id, "searxng", "two") is None


# --- ledger, facts, claims ---------------------------------------------------------------------------------


def test_the_ledger_holds_everybody_and_the_last_standing(database: Database, run_id: str):
    refused = {"standing": Standing.REJECTED, "reason": "outside 6–9B"}
    with database.session() as session:
        assert research.keep_candidates(session, run_id, [a_candidate("b/B"), a_candidate("a/A")]) == 2
        assert research.keep_candidates(session, run_id, [a_candidate("b/B", **refused)]) == 0
        assert research.keep_candidates(session, run_id, [a_candidate("c/C")] * 2) == 1
        research.keep_candidates(session, run_id, [a_candidate("d/D", **refused)])
        research.keep_candidates(
            session, run_id, [a_candidate("e/E", standing=Standing.REJECTED, reason="vision")]
        )
    with database.reading() as session:
        assert [c.key for c in research.ledger(session, run_id)] == ["a/A", "b/B", "c/C", "d/D", "e/E"]
        assert [c.key for c in research.ledger(session, run_id, Standing.ACCEPTED)] == ["a/A", "c/C"]
        assert research.rejected_by_reason(session, run_id) == [("outside 6–9B", 2), ("vision", 1)]


def test_a_fact_comes_back_as_it_went(database: Database, run_id: str):
    keep_card(database, run_id)
    kept = [
        a_fact(),
        a_fact(factor=Factor.LICENCE, value="apache-2.0", quote="Licence: apache-2.0"),
        a_fact("a/A", factor=Factor.GATED, value=False, quote=None, record_field="gated"),
    ]
    with database.session() as session:
        assert research.keep_facts(session, run_id, kept) == 3
    with database.reading() as session:
        assert research.facts(session, run_id) == kept
        assert research.facts(session, run_id, "a/A") == kept[2:]
        assert research.facts(session, run_id)[2].value is False


def test_no_fact_without_its_words_in_a_stored_text(database: Database, run_id: str):
    """Invariant 1."""
    with database.session() as session:
        assert research.keep_facts(session, run_id, [a_fact()]) == 0, "the text is not stored"
    keep_card(database, run_id)
    invented = [
        a_fact(quote="Number of Parameters: 9,000,000,000"),
        a_fact(quote="   "),
        a_fact(text="another text", quote="another text"),
        a_fact(text="another text", quote=None, record_field="safetensors.total"),
    ]
    with database.session() as session:
        assert research.keep_facts(session, run_id, invented) == 0
        assert research.keep_facts(session, run_id, [*invented, a_fact()]) == 1
    with database.reading() as session:
        assert research.facts(session, run_id) == [a_fact()]


def test_no_claim_without_its_words_in_a_stored_text(database: Database, run_id: str):
    """Invariant 1."""
    invented = a_claim(source=a_source(quote="Qwen3 8B is the best therapist."))
    with database.session() as session:
        assert research.keep_claims(session, run_id, [a_claim()]) == 0, "the text is not stored"
    keep_card(database, run_id)
    with database.session() as session:
        assert research.keep_claims(session, run_id, [invented, a_claim()]) == 1
    with database.reading() as session:
        assert research.claims(session, run_id) == [a_claim()]
        assert research.claims(session, run_id, "nobody/none") == []


def test_white_space_of_a_quote_does_not_matter(database: Database, run_id: str):
    keep_card(database, run_id)
    across_lines = a_fact(quote="dialogue model. Number of  Parameters: 8,190,735,360")
    with database.session() as session:
        assert research.keep_facts(session, run_id, [across_lines]) == 1


def test_the_same_reading_is_stored_once_and_another_value_beside_it(database: Database, run_id: str):
    keep_card(database, run_id)
    same = [a_fact(), a_fact(), a_fact(retrieved_at=LATER)]
    others = [
        a_fact(value=8_200_000_000),
        a_fact(url="https://example.org/mirror"),
        a_fact("a/A"),
        a_fact(factor=Factor.DOWNLOADS),
    ]
    with database.session() as session:
        assert research.keep_facts(session, run_id, same) == 1
        assert research.keep_facts(session, run_id, [*same, *others, *others]) == 4
    with database.reading() as session:
        assert len(research.facts(session, run_id)) == 5


def test_what_a_page_says_again_is_as_young_as_its_newest_reading(database: Database, run_id: str):
    keep_card(database, run_id)
    for retrieved_at in (NOW, LATER, NOW):
        with database.session() as session:
            research.keep_facts(session, run_id, [a_fact(retrieved_at=retrieved_at)])
    with database.reading() as session:
        assert [fact.source.retrieved_at for fact in research.facts(session, run_id)] == [LATER]


def test_values_of_other_types_are_other_values(database: Database, run_id: str):
    keep_card(database, run_id)
    values: list[str | int | float | bool] = [1, 1.0, True, "1"]
    with database.session() as session:
        assert research.keep_facts(session, run_id, [a_fact(value=value) for value in values]) == 4
    with database.reading() as session:
        kept = [fact.value for fact in research.facts(session, run_id)]
    assert [(type(value), value) for value in kept] == [(type(value), value) for value in values]


def test_the_same_claim_is_stored_once(database: Database, run_id: str):
    keep_card(database, run_id)
    with database.session() as session:
        assert research.keep_claims(session, run_id, [a_claim(), a_claim(summary="In other words.")]) == 1
        assert research.keep_claims(session, run_id, [a_claim(), a_claim("a/A")]) == 1


def test_runs_share_texts_but_not_facts(database: Database, run_id: str):
    keep_card(database, run_id)
    with database.session() as session:
        other = runs.create(session, "another run", {}, NOW)
        session.flush()
        assert research.keep_facts(session, run_id, [a_fact()]) == 1
        assert research.facts(session, other) == []
        assert research.keep_facts(session, other, [a_fact()]) == 1


@settings(max_examples=30, deadline=None)
@given(
    text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=80),
    quote=st.text(max_size=12),
    cut=st.tuples(st.integers(0, 80), st.integers(0, 80)),
)
def test_a_quote_is_kept_exactly_when_it_stands_in_the_text(text: str, quote: str, cut: tuple[int, int]):
    in_memory = "sqlite://"  # one thread uses it
    with Database(in_memory) as database, database.session() as session:
        run_id = runs.create(session, "x", {}, NOW)
        session.flush()
        reading.keep_text(session, run_id, text)
        reading.keep_text(session, run_id, text)
        for number, part in enumerate(filter(None, (quote, text[slice(*sorted(cut))]))):
            folded = " ".join(part.split())
            stands = bool(folded) and folded in " ".join(text.split())
            fact = a_fact(value=number, text=text, quote=part)
            assert research.keep_facts(session, run_id, [fact]) == int(stands)


# --- tables and approvals ----------------------------------------------------------------------------------


def table_of(*keys: str) -> ComparisonTable:
    return build_table(a_request(), [a_candidate(key) for key in keys], [], [], today=NOW.date())


def offer(database: Database, run_id: str, table: ComparisonTable, now=NOW) -> str:
    with database.session() as session:
        research.keep_table(session, run_id, table, propose(table), now)
    return table.hash


def test_there_is_no_table_at_first(database: Database, run_id: str):
    with database.reading() as session:
        assert research.newest_table(session, run_id) is None
        assert research.last_shown(session, run_id) is None
        assert research.table_with_hash(session, run_id, "sha256:0") is None


def test_a_table_comes_back_as_it_was_offered(database: Database, run_id: str):
    table = table_of("a/A", "b/B")
    offer(database, run_id, table)
    with database.reading() as session:
        offered = research.newest_table(session, run_id)
        assert offered is not None
        assert offered == research.table_with_hash(session, run_id, table.hash)
    assert offered.table == table
    assert offered.table.hash == table.hash
    assert offered.proposal == propose(table)
    assert offered.shown_at is None


def test_the_newest_table_is_the_one_offered_last_also_when_it_is_an_old_one(database: Database, run_id: str):
    first, second = table_of("a/A"), table_of("a/A", "b/B")
    for table in (first, second):
        offer(database, run_id, table)
        with database.reading() as session:
            newest = research.newest_table(session, run_id)
            assert newest is not None
            assert newest.table == table
    offer(database, run_id, first)
    with database.reading() as session:
        newest = research.newest_table(session, run_id)
        assert newest is not None
        assert newest.table == first


def test_the_table_shown_last_is_remembered(database: Database, run_id: str):
    first, second = (
        offer(database, run_id, table_of("a/A")),
        offer(database, run_id, table_of("a/A", "b/B")),
    )
    with database.session() as session:
        research.mark_shown(session, run_id, second, NOW)
        research.mark_shown(session, run_id, first, LATER)
    with database.reading() as session:
        shown = research.last_shown(session, run_id)
        assert shown is not None
        assert (shown.table.hash, shown.shown_at) == (first, LATER)
    with database.session() as session:
        research.mark_shown(session, run_id, second, LATER)
        shown = research.last_shown(session, run_id)
        assert shown is not None
        assert shown.table.hash == second, "of two seen in the same instant, the newer one"


def test_approvals_are_kept_in_order(database: Database, run_id: str):
    with database.session() as session:
        research.keep_approval(session, run_id, "more", "sha256:1", {"note": "smaller"}, "Ada", NOW)
        research.keep_approval(session, run_id, "reject", None, {}, "policy, no person", NOW)
    with database.session() as session:
        research.keep_approval(session, run_id, "approve", "sha256:2", {"primary": "a/A"}, "Ada", NOW)
        other = runs.create(session, "another run", {}, NOW)
    with database.reading() as session:
        kept = research.approvals(session, run_id)
        assert [(row.position, row.action, row.by) for row in kept] == [
            (1, "more", "Ada"),
            (2, "reject", "policy, no person"),
            (3, "approve", "Ada"),
        ]
        assert [row.table_hash for row in kept] == ["sha256:1", None, "sha256:2"]
        assert kept[2].record == {"primary": "a/A"}
        assert research.approvals(session, other) == []
