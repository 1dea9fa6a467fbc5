"""What a search engine's reply means, for every engine of ddgs: empty only where the page says so."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tools.outcomes import Blocked, BlockReason, Empty, Failed, FailReason, Found
from tools.search.base import SearchHit
from tools.search.replies import EngineSigns, Reply, read_reply, refusal, signs

ENGINES = signs().names
HIT = SearchHit(title="t", url="https://a.example/", snippet="s")

CHALLENGES = {
    "duckduckgo": "<form id='challenge-form' action='//duckduckgo.com/anomaly.js?sv=html'>",
    "mojeek": "<html><body><altcha-widget challengeurl='/c'></altcha-widget></body></html>",
    "brave": "<html><head><title>PoW Captcha - Brave Search</title></head><body></body></html>",
    "startpage": '<script>window.___chunkMapping={"component---src-pages-captcha-js":["/c.js"]}</script>',
    "yahoo": "<p>Unable to process request at this time -- error 999.</p>",
}
NOTHING = {
    "duckduckgo": "<div class='result--no-result'><div class='no-results'>No results found for x</div></div>",
    "mojeek": "<p>No pages found matching: <strong>x</strong></p>",
    "brave": "<div id='noresults'>Not many great matches came back for your search</div>",
    "startpage": "<div class='mainline no-results'>Sorry</div>",
    "yahoo": "<p>We did not find results for: <b>x</b>.</p>",
}


def test_every_engine_of_ddgs_that_is_named_is_one():
    from ddgs import engines

    assert set(ENGINES) <= set(engines.ENGINES["text"])
    assert set(CHALLENGES) == set(NOTHING) == set(ENGINES)


@pytest.mark.parametrize("engine", ENGINES)
def test_challenge_pages_are_blocks_and_pages_without_results_are_empty(engine):
    challenged = read_reply(Reply(200, CHALLENGES[engine]), (), engine)
    assert isinstance(challenged, Blocked)
    assert challenged.reason is BlockReason.CHALLENGE
    assert isinstance(read_reply(Reply(200, NOTHING[engine]), (), engine), Empty)
    both = read_reply(Reply(200, NOTHING[engine] + CHALLENGES[engine]), (), engine)
    assert isinstance(both, Blocked), "a challenge is told first"
    assert read_reply(Reply(200, NOTHING[engine]), (HIT,), engine) == Found((HIT,))


def test_the_address_of_a_captcha_page_is_a_sign():
    moved = Reply(200, "<html><body></body></html>", url="https://www.startpage.com/sp/captcha-block?bc=NL")
    assert isinstance(read_reply(moved, (), "startpage"), Blocked)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (202, BlockReason.CHALLENGE),
        (401, BlockReason.FORBIDDEN),
        (403, BlockReason.FORBIDDEN),
        (418, BlockReason.RATE_LIMIT),
        (429, BlockReason.RATE_LIMIT),
        (999, BlockReason.RATE_LIMIT),
    ],
)
@pytest.mark.parametrize("engine", ENGINES)
def test_refusals_by_status(engine, status, reason):
    outcome = read_reply(Reply(status, NOTHING[engine], 12.0), (HIT,), engine)
    assert outcome == Blocked(reason, f"HTTP {status}", 12.0)


def test_a_limit_that_says_so_only_by_its_wait():
    assert refusal(503, 20.0) == Blocked(BlockReason.RATE_LIMIT, "HTTP 503", 20.0)
    assert refusal(503, None) == Failed(FailReason.SERVER_ERROR, "HTTP 503")
    assert refusal(404, None) == Failed(FailReason.BAD_REPLY, "HTTP 404")
    assert refusal(408, None) == Failed(FailReason.TIMEOUT, "HTTP 408")


@settings(max_examples=60)
@given(st.sampled_from(ENGINES), st.integers(min_value=100, max_value=999), st.text(max_size=200))
def test_no_random_page_is_an_empty_result(engine, status, text):
    page = f"<html><body><div>{text}</div></body></html>"
    outcome = read_reply(Reply(status, page), (), engine)
    says_so = signs().engine(engine).no_results_sign.search(page) is not None
    assert isinstance(outcome, Empty) == (status == 200 and says_so)
    assert not isinstance(outcome, Found)


@settings(max_examples=40)
@given(st.sampled_from(ENGINES), st.integers(min_value=100, max_value=999), st.text(max_size=60))
def test_a_page_that_says_there_is_nothing_is_empty_at_200_alone(engine, status, text):
    outcome = read_reply(Reply(status, f"{text}\n{NOTHING[engine]}"), (), engine)
    assert isinstance(outcome, Empty) == (status == 200)


@pytest.mark.parametrize(("pattern", "words"), [("(", "no regular expression"), ("x*", "empty page")])
def test_a_sign_that_cannot_be_meant_is_refused(pattern, words):
    with pytest.raises(ValidationError, match=words):
        EngineSigns(name="one", min_interval_seconds=1, jitter_seconds=1, no_results=(pattern,))
