"""DuckDuckGo, asked through ddgs so that its browser impersonation and its parsing are used.

ddgs turns every status but 200 into "no results" (a block and an empty result look the same), so its engine
is subclassed here to keep the status, and what the reply says is decided by :func:`read_reply`.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from tools.outcomes import Blocked, BlockReason, Empty, Failed, FailReason, Found, Outcome
from tools.search.base import NotRecordedError, SearchHit

Sleep = Callable[[float], Awaitable[None]]

CHALLENGE = re.compile(
    r"anomaly[-_]modal|anomaly\.js|challenge-form|bots use duckduckgo too|id=[\"']captcha", re.IGNORECASE
)
NO_RESULTS = re.compile(
    r"class=[\"'][^\"']*\bno-results?\b|result--no-result|No results found for|"
    r"No more results|not many results contain",
    re.IGNORECASE,
)
BLOCK_STATUSES = {
    202: BlockReason.CHALLENGE,
    403: BlockReason.FORBIDDEN,
    418: BlockReason.RATE_LIMIT,
    429: BlockReason.RATE_LIMIT,
}
REDIRECT_LINK = re.compile(r"^(?:https?:)?//duckduckgo\.com/l/\?", re.IGNORECASE)
MISS_NAMES = ("CannotOverwriteExistingCassette", "NotRecordedError", "UnhandledHTTPRequestError")


class Reply(NamedTuple):
    """What the engine's address answered: status, text, and ``Retry-After`` in seconds where it is told."""

    status: int
    text: str
    retry_after_seconds: float | None = None


class DuckDuckGo:
    """A :class:`~tools.search.base.SearchEngine` on html.duckduckgo.com.

    ``url`` replaces that address. Queries are asked one at a time, at least ``min_interval_seconds`` apart
    plus a random part of up to ``jitter_seconds``: in the threads of its users, bursts are what gets blocked.
    """

    name = "duckduckgo"

    def __init__(
        self,
        *,
        url: str | None = None,
        region: str = "us-en",
        timeout_seconds: float = 10.0,
        min_interval_seconds: float = 1.5,
        jitter_seconds: float = 1.0,
        sleep: Sleep = asyncio.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._url = url
        self._region = region
        self._timeout = timeout_seconds
        self._interval = min_interval_seconds
        self._jitter = jitter_seconds
        self._sleep = sleep
        self._monotonic = monotonic
        self._draw = draw
        self._next_start: float | None = None
        self._turn = asyncio.Lock()

    async def search(self, query: str, *, page: int = 1) -> Outcome[tuple[SearchHit, ...]]:
        """Results of ``query``. Raises :class:`NotRecordedError` when a replay does not hold the query."""
        async with self._turn:
            await self._wait_for_turn()
            return await asyncio.to_thread(self._ask, query, page)

    async def _wait_for_turn(self) -> None:
        now = self._monotonic()
        if self._next_start is not None and self._next_start > now:
            await self._sleep(self._next_start - now)
            now = max(self._monotonic(), self._next_start)
        self._next_start = now + self._interval + self._jitter * self._draw()

    def _ask(self, query: str, page: int) -> Outcome[tuple[SearchHit, ...]]:
        from ddgs.exceptions import DDGSException, TimeoutException
        from lxml.etree import LxmlError

        engine = _engine(self._url, self._timeout)
        try:
            results = engine.search(query=query, region=self._region, page=page)
        except TimeoutException as error:
            return Failed(FailReason.TIMEOUT, _detail(error))
        except DDGSException as error:
            if _is_miss(error):
                raise NotRecordedError(f"the query {query!r}, page {page}", _detail(error)) from error
            return Failed(FailReason.UNREACHABLE, _detail(error))
        except Exception as error:
            # lxml cannot parse an empty or broken document; a recording's miss may also arrive unwrapped.
            if _is_miss(error):
                raise NotRecordedError(f"the query {query!r}, page {page}", _detail(error)) from error
            if not isinstance(error, ValueError | SyntaxError | TypeError | LxmlError):
                raise
            return Failed(FailReason.BAD_REPLY, _detail(error))
        hits = tuple(hit for result in results or () if (hit := _hit(result)) is not None)
        return read_reply(engine.reply, hits)


def read_reply(reply: Reply | None, hits: tuple[SearchHit, ...]) -> Outcome[tuple[SearchHit, ...]]:
    """The outcome of a reply and the hits parsed from it. A page that says neither hits nor "no results" is a
    failure to read, not an empty result."""
    if reply is None:
        return Failed(FailReason.BAD_REPLY, "no reply was seen")
    detail = f"HTTP {reply.status}"
    if reply.status in BLOCK_STATUSES:
        return Blocked(BLOCK_STATUSES[reply.status], detail, reply.retry_after_seconds)
    if reply.status >= 500:
        return Failed(FailReason.SERVER_ERROR, detail)
    if reply.status != 200:
        return Failed(FailReason.BAD_REPLY, detail)
    if hits:
        return Found(hits)
    if CHALLENGE.search(reply.text):
        return Blocked(BlockReason.CHALLENGE, "the page asks for a proof that a person is searching")
    if NO_RESULTS.search(reply.text):
        return Empty("the engine says that there are no results")
    return Failed(FailReason.BAD_REPLY, "the page has neither results nor a word that there are none")


def _engine(url: str | None, timeout_seconds: float) -> Any:
    from ddgs.engines.duckduckgo import Duckduckgo

    class StatusKeeping(Duckduckgo):
        """ddgs' engine, keeping the reply that it would turn into None."""

        reply: Reply | None = None

        def request(self, *args: Any, **kwargs: Any) -> str | None:
            answer = self.http_client.request(*args, **kwargs)
            self.reply = Reply(answer.status_code, answer.text, _wait(answer))
            return answer.text if answer.status_code == 200 else None

    engine = StatusKeeping(timeout=max(1, round(timeout_seconds)))
    if url is not None:
        engine.search_url = url
    return engine


def _wait(answer: Any) -> float | None:
    headers = getattr(getattr(answer, "_resp", None), "headers", None) or {}
    value = {str(k).lower(): v for k, v in dict(headers).items()}.get("retry-after", "")
    return float(value) if re.fullmatch(r"[0-9]{1,6}", str(value)) else None


def _hit(result: Any) -> SearchHit | None:
    url = _target(str(result.href))
    if not url.lower().startswith(("http://", "https://")) or len(url) > 2048:
        return None
    return SearchHit(title=str(result.title)[:300], url=url, snippet=str(result.body)[:2000])


def _target(href: str) -> str:
    """The address behind DuckDuckGo's own redirect link."""
    from urllib.parse import parse_qs, urlsplit

    if not REDIRECT_LINK.match(href):
        return href
    return parse_qs(urlsplit(href).query).get("uddg", [""])[0]


def _is_miss(error: BaseException | None) -> bool:
    """Whether a recording's miss is the error, its cause, or the words that ddgs kept of it."""
    seen = 0
    while error is not None and seen < 10:
        if any(name in type(error).__name__ or name in str(error) for name in MISS_NAMES):
            return True
        error, seen = error.__cause__ or error.__context__, seen + 1
    return False


def _detail(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]
