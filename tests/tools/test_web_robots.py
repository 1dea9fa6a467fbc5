"""What robots.txt allows, over real loopback HTTP."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from tests.standins.http_server import Answered, Asked, StandIn
from tools.clock import FixedClock
from tools.outcomes import Blocked, BlockReason, Empty, Failed, FailReason, Found
from tools.web.client import USER_AGENT, HttpWeb
from tools.web.patience import PatientWeb
from tools.web.robots import PRODUCT, ROBOTS_BYTES, UNREADABLE_SECONDS, RobotsWeb

CLOCK = FixedClock(datetime(2026, 6, 1, 12, 0, tzinfo=UTC))
CLOSED = Answered(b"User-agent: *\nDisallow: /private\n")


class Site(StandIn):
    """A site with a robots.txt, which a test may change; every other page says ``page``."""

    def __init__(self, robots: Answered, **pages: Answered) -> None:
        super().__init__(self._answer)
        self.robots, self._pages = robots, pages

    def _answer(self, asked: Asked) -> Answered:
        if asked.path == "/robots.txt":
            return self.robots
        return self._pages.get(asked.path.strip("/"), Answered(b"page"))

    @property
    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]


def web_for(*sites: Site, **more: object) -> HttpWeb:
    return HttpWeb(CLOCK, allow_hosts=frozenset(site.netloc for site in sites), **more)  # type: ignore[arg-type]


async def ask(site: Site, path: str, **more: object):
    async with web_for(site) as web:
        return await RobotsWeb(web, **more).get(site.address + path)  # type: ignore[arg-type]


async def test_a_page_that_robots_may_not_read_is_not_asked_for():
    with Site(CLOSED) as site:
        refused = await ask(site, "/private/x")
        assert site.paths == ["/robots.txt"]
        assert isinstance(await ask(site, "/open"), Found)
    assert isinstance(refused, Blocked)
    assert refused.reason is BlockReason.ROBOTS
    assert refused.detail.startswith("http://127.0.0.1:")


async def test_rules_for_us_by_name_go_before_those_for_all():
    rules = f"User-agent: {PRODUCT}\nDisallow: /ours\n\nUser-agent: *\nDisallow: /\n"
    with Site(Answered(rules.encode())) as site:
        assert isinstance(await ask(site, "/ours/x"), Blocked)
        assert isinstance(await ask(site, "/x"), Found)
    assert USER_AGENT.startswith(PRODUCT)


@pytest.mark.parametrize(
    ("robots", "allowed"),
    [
        (Answered(b"", 404), True),
        (Answered(b"", 401), True),
        (Answered(b"", 403), True),
        (Answered(b"", 418), True),
        (Answered(b"", 200), True),
        (Answered(b"\x89PNG", content_type="image/png"), True),
        (Answered(b"<html>no rules here</html>", content_type="text/html"), True),
        (Answered(b"", 302, headers={"Location": "/robots.txt"}), True),
        (Answered(b"", 302, headers={"Location": "/rules"}), False),
        (Answered(b"", 500), False),
        (Answered(b"", 503), False),
        (Answered(b"# " + b"x" * ROBOTS_BYTES), True),
        (Answered(CLOSED.body + b"# " + b"x" * ROBOTS_BYTES), False),
    ],
)
async def test_what_a_robots_txt_means(robots, allowed):
    with Site(robots, rules=CLOSED) as site:
        outcome = await ask(site, "/private/x")
    if allowed:
        assert isinstance(outcome, Found)
    else:
        assert isinstance(outcome, Blocked)
        assert outcome.reason is BlockReason.ROBOTS


async def test_a_site_that_limits_requests_is_not_asked_for_pages():
    with Site(Answered(b"", 429, headers={"Retry-After": "30"})) as site:
        outcome = await ask(site, "/x")
        assert site.paths == ["/robots.txt"]
    assert isinstance(outcome, Blocked)
    assert outcome.reason is BlockReason.RATE_LIMIT
    assert outcome.retry_after_seconds == 30


async def test_a_site_is_closed_for_a_while_only():
    now = 0.0
    with Site(Answered(b"", 500)) as site:
        async with web_for(site) as inner:
            web = RobotsWeb(inner, monotonic=lambda: now)
            assert isinstance(await web.get(f"{site.address}/x"), Blocked)
            site.robots = CLOSED
            assert isinstance(await web.get(f"{site.address}/x"), Blocked)
            now = UNREADABLE_SECONDS
            assert isinstance(await web.get(f"{site.address}/x"), Found)
        assert site.paths == ["/robots.txt", "/robots.txt", "/x"]


async def test_robots_txt_is_asked_for_once_however_many_ask_at_once():
    with Site(CLOSED) as site:
        async with web_for(site) as inner:
            web = RobotsWeb(inner)
            outcomes = await asyncio.gather(*(web.get(f"{site.address}/{n}") for n in range(12)))
        assert all(isinstance(outcome, Found) for outcome in outcomes)
        assert site.paths.count("/robots.txt") == 1


async def test_patience_below_helps_with_robots_txt_too():
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        site.robots = CLOSED

    with Site(Answered(b"", 429, headers={"Retry-After": "30"})) as site:
        async with web_for(site) as inner:
            web = RobotsWeb(PatientWeb(inner, sleep=sleep, draw=lambda: 0.0))
            assert isinstance(await web.get(f"{site.address}/x"), Found)
            refused = await web.get(f"{site.address}/private/x")
        assert site.paths == ["/robots.txt", "/robots.txt", "/x"]
    assert slept == [30]
    assert isinstance(refused, Blocked)


async def test_one_that_gives_up_does_not_take_the_others_along():
    with Site(CLOSED) as site:
        async with web_for(site) as inner:
            web = RobotsWeb(inner)
            first = asyncio.create_task(web.get(f"{site.address}/a"))
            second = asyncio.create_task(web.get(f"{site.address}/b"))
            await asyncio.sleep(0)
            first.cancel()
            assert isinstance(await second, Found)


async def test_apis_are_exempt():
    for named in ("127.0.0.1", "netloc"):
        with Site(Answered(b"User-agent: *\nDisallow: /\n")) as site:
            host = site.netloc if named == "netloc" else named
            assert isinstance(await ask(site, "/api", exempt=frozenset({host})), Found)
            assert site.paths == ["/api"]


async def test_where_redirects_end_is_judged_too():
    with Site(CLOSED) as site, Site(Answered(b"", 404)) as other:
        other._pages["away"] = Answered(b"", 302, headers={"Location": f"{site.address}/private/x"})
        other._pages["open"] = Answered(b"", 302, headers={"Location": f"{site.address}/open"})
        async with web_for(site, other) as inner:
            web = RobotsWeb(inner)
            refused = await web.get(f"{other.address}/away")
            assert isinstance(await web.get(f"{other.address}/open"), Found)
    assert isinstance(refused, Blocked)
    assert refused.reason is BlockReason.ROBOTS


@pytest.mark.parametrize(
    ("delay", "waits"), [("3", [3.0, 6.0]), ("600", [10.0, 20.0]), ("0", []), ("no", [])]
)
async def test_a_crawl_delay_spaces_requests_up_to_a_bound(delay, waits):
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    with Site(Answered(f"User-agent: *\nCrawl-delay: {delay}\n".encode())) as site:
        async with web_for(site, sleep=sleep, monotonic=lambda: 0.0) as inner:
            web = RobotsWeb(inner, slow_down=inner.slow_down)
            for number in range(3):
                await web.get(f"{site.address}/{number}")
    assert slept == waits


async def test_addresses_that_are_none_are_left_to_the_inner_web():
    async with HttpWeb(CLOCK) as inner:
        for url in ("ftp://a.example/", "http://[::1", "http://127.0.0.1/x"):
            outcome = await RobotsWeb(inner).get(url)
            assert isinstance(outcome, Failed)
            assert outcome.reason in {FailReason.UNSUPPORTED, FailReason.REFUSED_ADDRESS}


async def test_a_missing_page_is_still_missing():
    with Site(CLOSED, gone=Answered(b"", 410)) as site:
        assert isinstance(await ask(site, "/gone"), Empty)
