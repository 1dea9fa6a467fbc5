"""Hostile pages, records and documents: read within their limits, or refused with a sentence."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.hostile.cases_pages import (
    DROWNING,
    ENCODINGS,
    LISTED,
    PRINTED,
    RULES,
    SCRIPT,
    STATED,
    TOLD,
    Drowning,
    Encoded,
    Listed,
    Printed,
    Rules,
    Stated,
    Told,
)
from tests.hostile.kinds import REFUSED
from tests.standins.http_server import Answered, Asked, StandIn
from tests.standins.patience import PATIENCE
from tools.clock import FixedClock
from tools.facts import content_hash
from tools.hub import list_models
from tools.outcomes import Blocked, Failed, Found
from tools.registry import prove_tag
from tools.web.body import UnreadableError
from tools.web.client import HttpWeb
from tools.web.page import LARGEST_INT, Page
from tools.web.pdf import PdfDesk
from tools.web.pdf_worker import PdfLimits
from tools.web.robots import RobotsWeb
from tools.web.text import MAX_HIDDEN, MAX_LINKS, hidden_text, links, readable_text

CLOCK = FixedClock(datetime(2026, 6, 1, 12, 0, tzinfo=UTC))


def named(case: Any) -> str:
    return str(case.name)


def page(text: str, content_type: str = "text/html") -> Page:
    return Page(
        url="https://a.example/",
        final_url="https://a.example/",
        status=200,
        content_type=content_type,
        text=text,
        content_hash=content_hash(text),
        body_sha256=content_hash(text),
        body_bytes=len(text),
        retrieved_at=CLOCK.now(),
    )


@pytest.mark.parametrize("case", ENCODINGS, ids=named)
async def test_no_encoding_makes_more_of_a_page_than_it_is(case: Encoded) -> None:
    with StandIn(lambda _: Answered(case.body, content_type=case.content_type)) as server:
        async with HttpWeb(CLOCK, allow_hosts=frozenset({server.netloc})) as web:
            outcome = await web.get(f"{server.address}/x")
    assert isinstance(outcome, Found)
    text = outcome.value.text
    assert case.reads in text
    assert "\x00" not in text
    assert text.encode("utf-8").decode() == text
    assert len(text) <= len(case.body) + 1
    assert SCRIPT not in text or SCRIPT.encode() in case.body
    assert "\x00" not in readable_text(outcome.value)


@pytest.mark.parametrize("case", DROWNING, ids=named)
def test_what_is_read_of_a_page_stays_within_its_limits(case: Drowning) -> None:
    given = page(case.text, case.content_type)
    text, found, hidden = readable_text(given), links(given), hidden_text(given)
    assert len(text) <= case.most
    assert len(found) <= MAX_LINKS
    assert all(link.url.startswith(("http://", "https://")) and len(link.url) <= 2048 for link in found)
    assert len(hidden) <= MAX_HIDDEN
    assert case.lacks not in text.replace(case.text, "")
    assert text.encode("utf-8").decode() == text


def _numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [number for part in value.values() for number in _numbers(part)]
    if isinstance(value, list):
        return [number for part in value for number in _numbers(part)]
    return [value] if isinstance(value, int | float) else []


@pytest.mark.parametrize("case", TOLD, ids=named)
def test_json_is_a_value_that_everything_after_it_can_hold_or_an_error(case: Told) -> None:
    given = page(case.text, "application/json")
    if case.got == REFUSED:
        with pytest.raises(ValueError, match=r"\S"):
            given.json_value()
        return
    value = given.json_value()
    assert value == case.value
    assert all(math.isfinite(number) and abs(number) <= LARGEST_INT for number in _numbers(value))
    assert json.dumps(value, allow_nan=False, ensure_ascii=False).encode("utf-8")


@pytest.mark.parametrize("case", RULES, ids=named)
async def test_rules_for_robots_cost_little_and_pause_little(case: Rules) -> None:
    pauses: list[float] = []

    def respond(asked: Asked) -> Answered:
        return Answered(case.text.encode() if asked.path == "/robots.txt" else b"a page")

    with StandIn(respond) as server:
        async with HttpWeb(CLOCK, allow_hosts=frozenset({server.netloc})) as inner:
            web = RobotsWeb(inner, slow_down=lambda _host, seconds: pauses.append(seconds))
            outcome = await web.get(f"{server.address}/x{'a' * 3_000}")
    assert isinstance(outcome, Found if case.allows else Blocked)
    assert pauses == ([] if case.pause is None else [case.pause])


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=pytest.mark.slow if case.name == "operators without end" else ())
        for case in PRINTED
    ],
    ids=named,
)
async def test_a_pdf_is_read_in_a_process_that_may_fail(case: Printed) -> None:
    desk = PdfDesk(PdfLimits(cpu_seconds=1, wall_seconds=PATIENCE, memory_bytes=230_000_000))
    if case.reason is None:
        assert (await desk.read(case.body)).text == "Hello there"
        return
    with pytest.raises(UnreadableError) as caught:
        await desk.read(case.body)
    assert caught.value.reason is case.reason
    assert str(caught.value)


@pytest.mark.parametrize("case", LISTED, ids=named)
async def test_a_listing_gives_records_that_can_be_used_and_ends(case: Listed) -> None:
    def respond(_: Asked) -> Answered:
        link = case.link.replace("{here}", server.address)
        headers = {"Link": link} if link else {}
        return Answered(case.rows.encode(), content_type="application/json", headers=headers)

    server = StandIn(respond)
    with server:
        async with HttpWeb(CLOCK, allow_hosts=frozenset({server.netloc})) as web:
            listing = await list_models(web, endpoint=server.address, max_pages=3)
        assert len(server.asked) == case.requests
    assert len(listing.records) == case.records
    for model in listing.models:
        assert (model.parameters or 0) / 1e9 <= LARGEST_INT
        assert (model.downloads or 0) <= LARGEST_INT
        assert len(model.tags) <= 500
        assert len(model.siblings) <= 5_000
    if not case.records:
        assert listing.skipped or any(outcome.detail for outcome in listing.outcomes)


@pytest.mark.parametrize("case", STATED, ids=named)
async def test_a_manifest_that_lies_proves_nothing(case: Stated) -> None:
    with StandIn(lambda _: Answered(case.manifest.encode(), content_type="application/json")) as server:
        async with HttpWeb(CLOCK, allow_hosts=frozenset({server.netloc})) as web:
            outcome = await prove_tag(web, "qwen3:8b", registry_url=server.address)
        assert len(server.asked) == 1
    assert isinstance(outcome, Failed)
    assert "cannot be read" in outcome.detail or "more than 500000 bytes" in outcome.detail
