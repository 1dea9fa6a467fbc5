"""SearXNG through the real page reader, over loopback HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.standins.http_server import Answered, Asked, StandIn, as_json
from tools.clock import SystemClock
from tools.outcomes import Blocked, BlockReason, Empty, Failed, FailReason, Found, Outcome
from tools.search.base import SearchHit
from tools.search.searxng import SearXNG
from tools.web import Page
from tools.web.client import HttpWeb

RESULT = {"url": "https://a.example/", "title": "Therapy models", "content": "of 8B", "engine": "brave"}


async def asked(answer: Answered | Callable[[Asked], Answered], *, page: int = 1) -> Any:
    with StandIn(answer if callable(answer) else lambda _: answer) as server:
        async with HttpWeb(SystemClock(), allow_hosts=frozenset({server.netloc})) as web:
            return await SearXNG(web, f"{server.address}/searx/").search("therapy & 8B", page=page)


def body(*results: object, silent: list[Any] | None = None) -> Answered:
    return as_json({"query": "q", "results": list(results), "unresponsive_engines": silent or []})


async def test_results():
    assert await asked(body(RESULT, {"url": "ftp://no.example", "title": "x"}, "noise")) == Found(
        (SearchHit(title="Therapy models", url="https://a.example/", snippet="of 8B"),)
    )


async def test_what_is_asked():
    seen: list[Asked] = []

    def respond(one: Asked) -> Answered:
        seen.append(one)
        return body(RESULT)

    await asked(respond, page=3)
    assert seen[0].path == "/searx/search"
    assert seen[0].query == {"q": ["therapy & 8B"], "format": ["json"], "pageno": ["3"]}


async def test_results_count_though_some_engines_are_silent():
    assert isinstance(await asked(body(RESULT, silent=[["brave", "Suspended: CAPTCHA"]])), Found)


async def test_nothing_with_every_engine_answering_is_empty():
    assert isinstance(await asked(body()), Empty)


@pytest.mark.parametrize(
    ("silent", "reason"),
    [
        ([["brave", "Suspended: too many requests"]], BlockReason.RATE_LIMIT),
        ([["google", "timeout"], ["duckduckgo", "CAPTCHA"]], BlockReason.CHALLENGE),
        ([["mojeek", "Suspended: access denied"]], BlockReason.FORBIDDEN),
        ([["qwant", "timeout"]], FailReason.TIMEOUT),
        ([["qwant", "unexpected crash"]], FailReason.BAD_REPLY),
        (["qwant"], FailReason.BAD_REPLY),
    ],
)
async def test_nothing_with_silent_engines_is_never_empty(silent, reason):
    outcome = await asked(body(silent=silent))
    assert isinstance(outcome, Blocked | Failed)
    assert outcome.reason is reason
    assert "these engines gave none" in outcome.detail


async def test_a_server_that_gives_no_json_says_what_to_set():
    outcome = await asked(Answered(b"Forbidden", 403))
    assert isinstance(outcome, Blocked)
    assert outcome.reason is BlockReason.FORBIDDEN
    assert "must list json under search.formats" in outcome.detail
    assert "HTTP 403" in outcome.detail


async def test_a_limit_names_its_wait():
    outcome = await asked(Answered(b"slow down", 429, headers={"Retry-After": "17"}))
    assert outcome == Blocked(BlockReason.RATE_LIMIT, "HTTP 429", 17.0)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answered(b"<html>", content_type="text/html"), FailReason.BAD_REPLY),
        (Answered(b"[" * 100_000, content_type="application/json"), FailReason.BAD_REPLY),
        (as_json([]), FailReason.BAD_REPLY),
        (as_json({"results": None}), FailReason.BAD_REPLY),
        (as_json({"results": [{"url": "javascript:alert(1)", "title": "x"}]}), FailReason.BAD_REPLY),
        (Answered(b"", 404), FailReason.BAD_REPLY),
        (Answered(b"", 200), FailReason.BAD_REPLY),
        (Answered(b"oops", 500), FailReason.SERVER_ERROR),
    ],
)
async def test_what_cannot_be_read_is_a_failure(answer, reason):
    outcome = await asked(answer)
    assert isinstance(outcome, Failed)
    assert outcome.reason is reason


async def test_a_private_server_that_nobody_allowed_is_not_asked():
    with StandIn(lambda _: body(RESULT)) as server:
        async with HttpWeb(SystemClock()) as web:
            outcome = await SearXNG(web, server.address).search("q")
        assert server.asked == []
    assert isinstance(outcome, Failed)
    assert outcome.reason is FailReason.REFUSED_ADDRESS


class Saying:
    """A web whose every page has the given JSON."""

    def __init__(self, value: Any) -> None:
        self._value = value

    async def get(self, url: str, **_: Any) -> Outcome[Page]:
        import json

        from tests.standins.records import NOW
        from tools.facts import content_hash

        text = json.dumps(self._value)
        digest = content_hash(text)
        return Found(
            Page(
                url=url,
                final_url=url,
                status=200,
                content_type="application/json",
                text=text,
                content_hash=digest,
                body_sha256=digest,
                body_bytes=len(text),
                retrieved_at=NOW,
            )
        )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.fixed_dictionaries({"results": JSON, "unresponsive_engines": JSON}) | JSON)
async def test_any_json_is_empty_only_with_an_empty_list_and_nobody_silent(value):
    outcome = await SearXNG(Saying(value), "https://searx.example").search("q")
    says_so = isinstance(value, dict) and value.get("results") == [] and not value.get("unresponsive_engines")
    assert isinstance(outcome, Empty) == says_so


async def test_halves_of_characters_do_not_get_into_rows():
    """An engine that cuts a text in the middle of an emoji leaves one."""
    cut = {"title": "Calm \ud83d", "url": "https://a.example/", "content": "8B"}
    found = await asked(body(cut, {**cut, "url": "https://\ud83d.example/"}))
    assert found == Found((SearchHit(title="Calm ?", url="https://a.example/", snippet="8B"),))
