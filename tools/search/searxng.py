"""SearXNG, a metasearch server that a person runs or knows; asked through its JSON interface.

Source: https://docs.searxng.org/dev/search_api.html. ``unresponsive_engines`` are pairs of an engine's name
and why it gave nothing, such as ``["brave", "Suspended: too many requests"]``; with some of them silent and
no result, nobody can say that there is nothing.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from tools.outcomes import Blocked, BlockReason, Empty, Failed, FailReason, Found, Outcome
from tools.search.base import SearchHit, make_hit
from tools.web import Web

LONGEST_LIST = 50
"""Results and silent engines that are read."""
BLOCK_WORDS: tuple[tuple[str, BlockReason], ...] = (
    ("too many request", BlockReason.RATE_LIMIT),
    ("captcha", BlockReason.CHALLENGE),
    ("access denied", BlockReason.FORBIDDEN),
    ("suspended", BlockReason.RATE_LIMIT),
)
"""Words of SearXNG for an engine that blocks it; anything else, such as "timeout", is a failure."""


class SearXNG:
    """A :class:`~tools.search.base.SearchEngine` on the SearXNG server at ``url``."""

    name = "searxng"

    def __init__(self, web: Web, url: str) -> None:
        self._web = web
        self._url = url.rstrip("/")

    async def search(self, query: str, *, page: int = 1) -> Outcome[tuple[SearchHit, ...]]:
        asked = {"q": query, "format": "json", "pageno": str(page)}
        outcome = await self._web.get(f"{self._url}/search?{urlencode(asked)}", accept="application/json")
        match outcome:
            case Found(page_found):
                return _read(page_found.text)
            case Empty(detail):
                return Failed(FailReason.BAD_REPLY, f"there is no SearXNG search at {self._url} ({detail})")
            case Blocked(reason) if reason is BlockReason.FORBIDDEN:
                told = "the SearXNG server refuses JSON; its settings.yml must list json under search.formats"
                return replace(outcome, detail=f"{told} ({outcome.detail})")
            case _:
                return outcome


def _read(text: str) -> Outcome[tuple[SearchHit, ...]]:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return Failed(FailReason.BAD_REPLY, "the SearXNG server did not answer with JSON")
    results = body.get("results") if isinstance(body, dict) else None
    if not isinstance(results, list):
        return Failed(FailReason.BAD_REPLY, "the SearXNG server's JSON has no list of results")
    hits = tuple(hit for result in results[:LONGEST_LIST] if (hit := _hit(result)) is not None)
    if hits:
        return Found(hits)
    if results:
        return Failed(FailReason.BAD_REPLY, "none of the SearXNG server's results has a web address")
    silent = body.get("unresponsive_engines")
    return _silence(silent if isinstance(silent, list) else [silent]) if silent else Empty("no results")


def _hit(result: Any) -> SearchHit | None:
    if not isinstance(result, dict):
        return None
    return make_hit(result.get("title"), result.get("url"), result.get("content"))


def _silence(silent: list[Any]) -> Blocked | Failed:
    """Nothing was found, and some engines did not answer: a block when the words of one say so."""
    told = [": ".join(map(str, e[:2])) if isinstance(e, list) else str(e) for e in silent[:LONGEST_LIST]]
    detail = f"no results, and these engines gave none: {'; '.join(told)}"[:300]
    words = " ".join(told).lower()
    reason = next((reason for word, reason in BLOCK_WORDS if word in words), None)
    if reason is not None:
        return Blocked(reason, detail)
    timed_out = "timeout" in words or "timed out" in words
    return Failed(FailReason.TIMEOUT if timed_out else FailReason.BAD_REPLY, detail)
