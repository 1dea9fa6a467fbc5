"""ddgs' other engines over real loopback HTTP, parsed by ddgs' own code."""

from __future__ import annotations

import pytest

from tests.standins.http_server import Answered, Asked, StandIn
from tools.outcomes import Blocked, BlockReason, Empty, Failed, FailReason, Found
from tools.search.base import SearchHit
from tools.search.duckduckgo import DdgsEngine

RESULT = {
    "mojeek": "<ul class='results-standard'><li class='r1'><h2><a href='{url}'>{title}</a></h2>"
    "<p class='s'>{body}</p></li></ul>",
    "brave": "<div data-type='web'><a href='{url}'><div class='title'>{title}</div></a>"
    "<div class='snippet'><div class='content'>{body}</div></div></div>",
    "startpage": "<div class='result css-1'><a href='{url}'><h2>{title}</h2></a><p>{body}</p></div>",
    "yahoo": "<div class='relsrch'><div class='compTitle Title'><a href='{url}'><h3>{title}</h3></a></div>"
    "<div class='compText Text'>{body}</div></div>",
}
QUERY_FIELD = {"mojeek": "q", "brave": "q", "yahoo": "p"}
FRONT_PAGE = "<html><body><form id='search'><input name='sc' value='token-1'></form></body></html>"
OTHERS = sorted(RESULT)


async def no_wait(seconds: float) -> None:
    assert seconds > 0


def page(text: str, status: int = 200, **headers: str) -> Answered:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answered(f"<html><body>{text}</body></html>".encode(), status, "text/html; charset=utf-8", named)


def served(answer: Answered, front: Answered | None = None) -> StandIn:
    """An engine that answers every search with ``answer``."""

    def respond(asked: Asked) -> Answered:
        at_front = asked.path == "/" and asked.method == "GET"
        return (front or page(FRONT_PAGE)) if at_front else answer

    return StandIn(respond)


def engine(name: str, server: StandIn, **more: object) -> DdgsEngine:
    return DdgsEngine(name, url=f"{server.address}/search", sleep=no_wait, **more)  # type: ignore[arg-type]


def result_page(name: str) -> Answered:
    filled = RESULT[name].format(url="https://a.example/x", title="Therapy  models", body="Of 8B.")
    return page(filled + RESULT[name].format(url="/about", title="Own link", body=""))


@pytest.mark.parametrize("name", OTHERS)
async def test_results_are_found(name):
    with served(result_page(name)) as server:
        outcome = await engine(name, server).search("therapy & models", page=2)
        searched = server.asked[-1]
    hit = SearchHit(title="Therapy models", url="https://a.example/x", snippet="Of 8B.")
    assert outcome == Found((hit,))
    if name in QUERY_FIELD:
        assert searched.query[QUERY_FIELD[name]] == ["therapy & models"]
    else:
        assert b"query=therapy" in searched.body
        assert b"sc=token-1" in searched.body


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (202, BlockReason.CHALLENGE),
        (403, BlockReason.FORBIDDEN),
        (418, BlockReason.RATE_LIMIT),
        (429, BlockReason.RATE_LIMIT),
    ],
)
async def test_a_block_is_a_block(name, status, reason):
    with served(page("no", status, Retry_After="30")) as server:
        outcome = await engine(name, server).search("q")
    assert outcome == Blocked(reason, f"HTTP {status}", 30.0)


@pytest.mark.parametrize("name", OTHERS)
async def test_a_page_that_says_nothing_is_no_empty_result(name):
    with served(page("a new layout")) as server:
        outcome = await engine(name, server).search("q")
    assert isinstance(outcome, Failed)
    assert outcome.reason is FailReason.BAD_REPLY


async def test_nothing_and_a_challenge_are_told_apart():
    with served(page("<p>No pages found matching: x</p>")) as server:
        assert isinstance(await engine("mojeek", server).search("x"), Empty)
    with served(page("<altcha-widget></altcha-widget>")) as server:
        assert isinstance(await engine("mojeek", server).search("x"), Blocked)


async def test_a_refusal_of_the_page_before_the_search_is_a_block():
    with served(page("", 500), front=page("wait", 429, Retry_After="9")) as server:
        outcome = await engine("startpage", server).search("q")
    assert outcome == Blocked(BlockReason.RATE_LIMIT, "HTTP 429", 9.0)


async def test_a_redirect_to_the_captcha_page_is_a_block():
    def respond(asked: Asked) -> Answered:
        if asked.path == "/":
            return page(FRONT_PAGE)
        if asked.path == "/sp/captcha":
            return page("")
        return Answered(b"", 303, headers={"Location": "/sp/captcha"})

    with StandIn(respond) as server:
        outcome = await engine("startpage", server).search("q")
    assert isinstance(outcome, Blocked)
    assert outcome.reason is BlockReason.CHALLENGE


async def test_a_retry_after_may_be_a_date():
    with served(page("", 429, Retry_After="Fri, 31 Dec 9999 23:59:59 GMT")) as server:
        outcome = await engine("brave", server).search("q")
    assert isinstance(outcome, Blocked)
    assert outcome.retry_after_seconds == 86_400.0, "a longer wait is taken to mean a day"


async def test_each_engine_has_its_own_pace():
    waits: dict[str, list[float]] = {}
    with served(page("")) as server:
        for name in OTHERS:
            slept = waits.setdefault(name, [])

            async def sleep(seconds: float, slept: list[float] = slept) -> None:
                slept.append(seconds)

            paced = DdgsEngine(name, url=server.address, sleep=sleep, monotonic=lambda: 1.0, draw=lambda: 0.0)
            await paced.search("one")
            await paced.search("two")
    assert {name: len(slept) for name, slept in waits.items()} == dict.fromkeys(OTHERS, 1)
    assert waits["mojeek"] > waits["yahoo"]


def test_an_unknown_engine_is_no_engine():
    with pytest.raises(LookupError, match="altavista"):
        DdgsEngine("altavista")


async def test_an_engine_that_ddgs_no_longer_has_is_a_failure(monkeypatch: pytest.MonkeyPatch):
    from ddgs import engines

    monkeypatch.setattr(engines, "ENGINES", {"text": {}})
    outcome = await DdgsEngine("brave", sleep=no_wait).search("q")
    assert isinstance(outcome, Failed)
    assert outcome.reason is FailReason.UNSUPPORTED
