"""DuckDuckGo and its fallbacks, asked through ddgs so that its browser impersonation and parsing are used.

ddgs turns every status but 200 into "no results" (a block and an empty result look the same), so its HTTP
client is listened to, and what the replies say is decided by :func:`~tools.search.replies.read_reply`.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tools.outcomes import Blocked, Failed, FailReason, Outcome
from tools.search.base import NotRecordedError, SearchHit, in_brief, is_miss, make_hit
from tools.search.pace import EnginePace
from tools.search.replies import Reply, read_reply, signs
from tools.web.pace import Monotonic, Sleep

REDIRECT_LINK = re.compile(r"^(?:https?:)?//duckduckgo\.com/l/\?", re.IGNORECASE)


class DdgsEngine:
    """A :class:`~tools.search.base.SearchEngine` on one of ddgs' text engines that ``search_engines.yaml``
    knows: duckduckgo, mojeek, brave, startpage, yahoo.

    ``url`` replaces the engine's address. Intervals that are not given are the file's; see
    :class:`~tools.search.pace.EnginePace`.
    """

    def __init__(
        self,
        name: str,
        *,
        url: str | None = None,
        region: str = "us-en",
        timeout_seconds: float = 10.0,
        min_interval_seconds: float | None = None,
        jitter_seconds: float | None = None,
        sleep: Sleep = asyncio.sleep,
        monotonic: Monotonic = time.monotonic,
        draw: Callable[[], float] = random.random,
    ) -> None:
        own = signs().engine(name)
        self.name = name
        self._url = url
        self._region = region
        self._timeout = timeout_seconds
        self._pace = EnginePace(
            min_interval_seconds=own.min_interval_seconds
            if min_interval_seconds is None
            else min_interval_seconds,
            jitter_seconds=own.jitter_seconds if jitter_seconds is None else jitter_seconds,
            sleep=sleep,
            monotonic=monotonic,
            draw=draw,
        )

    async def search(self, query: str, *, page: int = 1) -> Outcome[tuple[SearchHit, ...]]:
        """Results of ``query``. Raises :class:`NotRecordedError` when a replay does not hold the query."""
        async with self._pace.turn():
            return await asyncio.to_thread(self._ask, query, page)

    def _ask(self, query: str, page: int) -> Outcome[tuple[SearchHit, ...]]:
        from ddgs.engines import ENGINES
        from ddgs.exceptions import DDGSException, TimeoutException
        from lxml.etree import LxmlError

        kind = ENGINES["text"].get(self.name)
        if kind is None:
            return Failed(FailReason.UNSUPPORTED, f"the installed ddgs does not offer {self.name}")
        engine: Any = kind(timeout=max(1, round(self._timeout)))
        line = _Line(engine.http_client, self._url)
        engine.http_client = line
        if self._url is not None:
            engine.search_url = self._url
        results: Any = ()
        problem: Failed | None = None
        try:
            results = engine.search(query=query, region=self._region, page=page)
        except TimeoutException as error:
            problem = Failed(FailReason.TIMEOUT, in_brief(error))
        except DDGSException as error:
            self._raise_miss(error, query, page)
            problem = Failed(FailReason.UNREACHABLE, in_brief(error))
        except Exception as error:
            # lxml cannot parse an empty or broken document; a recording's miss may also arrive unwrapped.
            self._raise_miss(error, query, page)
            if not isinstance(error, ValueError | SyntaxError | TypeError | LookupError | LxmlError):
                raise
            problem = Failed(FailReason.BAD_REPLY, in_brief(error))
        hits = tuple(hit for result in results or () if (hit := _hit(result)) is not None)
        outcome = read_reply(line.deciding, hits, self.name)
        return outcome if problem is None or isinstance(outcome, Blocked) else problem

    def _raise_miss(self, error: Exception, query: str, page: int) -> None:
        if is_miss(error):
            raise NotRecordedError(f"the query {query!r}, page {page}", in_brief(error)) from error


class DuckDuckGo(DdgsEngine):
    """DuckDuckGo's page for browsers without scripts, html.duckduckgo.com."""

    def __init__(self, **given: Any) -> None:
        super().__init__("duckduckgo", **given)


class _Line:
    """ddgs' HTTP client, listened to. With ``url`` everything is asked of that host."""

    def __init__(self, http: Any, url: str | None) -> None:
        self.client = http.client  # engines set their cookies on it
        self._http = http
        self._lead = urlsplit(url) if url is not None else None
        self._replies: list[Reply] = []

    def request(self, method: str, address: str, **given: Any) -> Any:
        if self._lead is not None:
            address = urlsplit(address)._replace(scheme=self._lead.scheme, netloc=self._lead.netloc).geturl()
        answer = self._http.request(method, address, **given)
        told = getattr(answer, "_resp", None)
        url = str(getattr(told, "url", ""))
        self._replies.append(Reply(answer.status_code, answer.text, _wait(told), url))
        return answer

    @property
    def deciding(self) -> Reply | None:
        """The first refusal, as Startpage's of its front page; else the last reply."""
        refused = (reply for reply in self._replies if reply.status != 200)
        return next(refused, self._replies[-1] if self._replies else None)


def _wait(told: Any) -> float | None:
    from tools.clock import SystemClock
    from tools.web.replies import retry_after

    headers = {str(k).lower(): str(v) for k, v in dict(getattr(told, "headers", None) or {}).items()}
    return retry_after(headers, SystemClock().now())


def _hit(result: Any) -> SearchHit | None:
    return make_hit(result.title, _target(str(result.href)), result.body)


def _target(href: str) -> str:
    """The address behind DuckDuckGo's own redirect link."""
    if not REDIRECT_LINK.match(href):
        return href
    return parse_qs(urlsplit(href).query).get("uddg", [""])[0]
