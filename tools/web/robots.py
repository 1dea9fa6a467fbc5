"""What a site lets robots read: robots.txt, by RFC 9309."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from protego import Protego

from tools.outcomes import Blocked, BlockReason, Empty, Failed, FailReason, Found, Outcome
from tools.web.pace import Monotonic
from tools.web.page import DEFAULT_MAX_BYTES, Page, Web
from tools.web.urls import canonical

PRODUCT = "base-model-selector"
"""The product token that a site's rules may name; it begins our ``User-Agent`` too."""
ROBOTS_BYTES = 500 * 1024
"""As much of a robots.txt as is read, and as the standard asks for."""
MAX_CRAWL_DELAY_SECONDS = 10.0
UNREADABLE_SECONDS = 300.0
"""A robots.txt that could not be read is asked for again after so long."""
CLOSED = frozenset({FailReason.UNREACHABLE, FailReason.TIMEOUT, FailReason.SERVER_ERROR})
"""Failures that close a site for now. Any other reply is one that states no rules."""

SlowDown = Callable[[str, float], None]


class _Rules(NamedTuple):
    """What is known of one origin: its rules, or why nothing is read there; neither when all is allowed."""

    rules: Protego | None = None
    closed: Blocked | None = None
    until: float | None = None
    """When a closed origin is asked again, on the monotonic clock."""


class RobotsWeb:
    """A :class:`~tools.web.page.Web` that asks a site's robots.txt first and reads what it allows.

    Anything else is ``Blocked(ROBOTS)``. ``exempt`` names hosts (``host`` or ``host:port``) that are APIs,
    which are used by their terms and limits. ``slow_down`` is told a host and the seconds between two
    requests that it asks for (``Crawl-delay``, bounded). A page that was led to by redirects is judged by
    the rules of the site that it came from in the end.
    """

    def __init__(
        self,
        web: Web,
        *,
        exempt: frozenset[str] = frozenset(),
        slow_down: SlowDown | None = None,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._web = web
        self._exempt = frozenset(host.lower() for host in exempt)
        self._slow_down = slow_down
        self._monotonic = monotonic
        self._known: dict[str, _Rules] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def get(
        self,
        url: str,
        *,
        accept: str | None = None,
        headers: Mapping[str, str] | None = None,
        max_bytes: int = DEFAULT_MAX_BYTES,
    ) -> Outcome[Page]:
        refused = await self._refusal(url)
        if refused is not None:
            return refused
        outcome = await self._web.get(url, accept=accept, headers=headers, max_bytes=max_bytes)
        if isinstance(outcome, Found) and outcome.value.final_url != url:
            return await self._refusal(outcome.value.final_url) or outcome
        return outcome

    async def _refusal(self, url: str) -> Blocked | None:
        origin = _origin(url)
        if origin is None or self._is_exempt(origin):
            return None
        async with self._turns[origin]:  # whoever comes at the same time finds the rules
            known = self._known.get(origin)
            if known is None or (known.until is not None and self._monotonic() >= known.until):
                known = self._known[origin] = await self._ask(origin)
        if known.closed is not None:
            return known.closed
        # Hostile rules take half a second to go through.
        if known.rules is None or await asyncio.to_thread(known.rules.can_fetch, url, PRODUCT):
            return None
        return Blocked(BlockReason.ROBOTS, f"{origin}/robots.txt asks robots not to read this page")

    def _is_exempt(self, origin: str) -> bool:
        parts = urlsplit(origin)
        return parts.netloc in self._exempt or parts.hostname in self._exempt

    async def _ask(self, origin: str) -> _Rules:
        outcome = await self._get_robots(origin)
        match outcome:
            case Found(page):
                rules = await asyncio.to_thread(Protego.parse, page.text)
                self._pace(origin, rules)
                return _Rules(rules)
            case Blocked(BlockReason.RATE_LIMIT, detail, wait):
                closed = Blocked(BlockReason.RATE_LIMIT, f"{detail} for {origin}/robots.txt", wait)
                return self._closed(closed, UNREADABLE_SECONDS if wait is None else wait)
            case Failed(reason, detail) if reason in CLOSED:
                sentence = f"{origin}/robots.txt could not be read ({detail}); nothing is read there for now"
                return self._closed(Blocked(BlockReason.ROBOTS, sentence), UNREADABLE_SECONDS)
            case Blocked() | Failed() | Empty():
                return _Rules()

    async def _get_robots(self, origin: str) -> Outcome[Page]:
        url, accept = f"{origin}/robots.txt", "text/plain,*/*;q=0.5"
        outcome = await self._web.get(url, accept=accept, max_bytes=ROBOTS_BYTES)
        if isinstance(outcome, Failed) and outcome.reason is FailReason.TOO_LARGE:
            part = {"Range": f"bytes=0-{ROBOTS_BYTES - 1}"}
            return await self._web.get(url, accept=accept, headers=part, max_bytes=ROBOTS_BYTES)
        return outcome

    def _closed(self, outcome: Blocked, seconds: float) -> _Rules:
        return _Rules(closed=outcome, until=self._monotonic() + seconds)

    def _pace(self, origin: str, rules: Protego) -> None:
        delay = rules.crawl_delay(PRODUCT)
        if delay is not None and delay > 0 and self._slow_down is not None:
            self._slow_down(urlsplit(origin).netloc, min(delay, MAX_CRAWL_DELAY_SECONDS))


def _origin(url: str) -> str | None:
    """``https://host:port`` in its canonical form; None for what is no http address."""
    try:
        parts = urlsplit(canonical(url))
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in {"http", "https"} and parts.netloc else None
