"""Search engines: DuckDuckGo's HTML form at ``/html/``, ``/mojeek/search``, ``/brave/search``, and a SearXNG
server at ``/searxng``. They know the same entries; how each says that it blocks is its own.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs

from tests.standins import search_pages
from tests.standins.http_server import Answered, Asked, Manner, StandIn
from tests.standins.search_pages import BRAVE_CHALLENGE, Entry, as_html
from tests.standins.search_pages import DUCKDUCKGO_CHALLENGE as CHALLENGE

__all__ = ["CHALLENGE", "PAGE_SIZE", "Entry", "SearchServer"]

PAGE_SIZE = 10
LATER_PAGES = 15
"""Results on DuckDuckGo's second page and after."""


class SearchServer(StandIn):
    """Answers queries from ``entries`` by words in common, or as ``fixed`` says for a query.

    ``statuses`` are answered first, one a query of DuckDuckGo: 202 and 200 with ``CHALLENGE`` as it blocks.
    ``block_share`` of the queries are blocked, for good: which ones depends on ``seed``, the engine and the
    query's words alone, so that a run and its repetition meet the same blocks and another engine may answer.
    """

    def __init__(
        self,
        entries: Sequence[Entry] = (),
        *,
        fixed: Mapping[str, Sequence[Entry]] | None = None,
        statuses: Sequence[int] = (),
        challenge_at_200: bool = False,
        bodies: Sequence[str] = (),
        block_share: float = 0.0,
        seed: int = 0,
        manner: Manner | None = None,
    ) -> None:
        super().__init__(self._answer, manner=manner)
        self.queries: list[str] = []
        self.blocked: list[str] = []
        self._entries = [(entry, _words(f"{entry.title} {entry.snippet} {entry.url}")) for entry in entries]
        self._fixed = dict(fixed or {})
        self._statuses = list(statuses)
        self._bodies = list(bodies)
        self._challenge_at_200 = challenge_at_200
        self._block_share, self._seed = block_share, seed

    def _answer(self, asked: Asked) -> Answered:
        if asked.path == "/robots.txt":
            return Answered(b"User-agent: *\nAllow: /\n")
        engine = asked.path.strip("/").split("/")[0]
        if engine in {"mojeek", "brave", "searxng"}:
            return self._get(engine, asked)
        form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        if asked.method != "POST" or "q" not in form:
            return Answered(b"", 400)
        return self._duckduckgo(form["q"], int(form.get("s") or 0))

    def _duckduckgo(self, query: str, start: int) -> Answered:
        self.queries.append(query)
        if self._bodies:
            return as_html(self._bodies.pop(0))
        if self._statuses:
            status = self._statuses.pop(0)
            return as_html(CHALLENGE, status, **({"Retry_After": "30"} if status == 429 else {}))
        if self._challenge_at_200:
            return as_html(CHALLENGE)
        if self._blocks("duckduckgo", query):
            return as_html(CHALLENGE, 202)
        size = PAGE_SIZE if start == 0 else LATER_PAGES
        return search_pages.duckduckgo(query, self.found(query)[start : start + size])

    def _get(self, engine: str, asked: Asked) -> Answered:
        query = (asked.query.get("q") or [""])[0]
        if not query:
            return Answered(b"", 400)
        if engine == "searxng" and asked.query.get("format") != ["json"]:
            return as_html("<html><body>Forbidden</body></html>", 403)
        self.queries.append(query)
        start = _start(engine, asked)
        if self._blocks(engine, query):
            return _refusal(engine, query)
        shown = self.found(query)[start : start + PAGE_SIZE]
        answer = {"mojeek": search_pages.mojeek, "brave": search_pages.brave, "searxng": search_pages.searxng}
        return answer[engine](query, shown)

    def _blocks(self, engine: str, query: str) -> bool:
        digest = hashlib.sha256(f"{self._seed}/{engine}/{query.casefold()}".encode()).digest()
        blocked = int.from_bytes(digest[:8], "big") / 2**64 < self._block_share
        if blocked:
            self.blocked.append(query)
        return blocked

    def found(self, query: str) -> list[Entry]:
        """Everything that the query finds, best first."""
        if query in self._fixed:
            return list(self._fixed[query])
        wanted = _words(query)
        scored = [(len(wanted & words), entry) for entry, words in self._entries]
        ranked = sorted((pair for pair in scored if pair[0] >= 2), key=lambda pair: (-pair[0], pair[1].url))
        return [entry for _, entry in ranked]


def _start(engine: str, asked: Asked) -> int:
    """How many results the request skips; each engine counts in its own way."""
    told = {name: int(values[0]) for name, values in asked.query.items() if values[0].isdecimal()}
    if engine == "mojeek":
        return max(0, told.get("s", 1) - 1)
    page = told.get("offset", 0) if engine == "brave" else told.get("pageno", 1) - 1
    return max(0, page) * PAGE_SIZE


def _refusal(engine: str, query: str) -> Answered:
    if engine == "searxng":
        return search_pages.searxng(query, (), [("brave", "Suspended: too many requests")])
    if engine == "brave":
        return as_html(BRAVE_CHALLENGE, 429)
    return as_html("<html><body>Your address is sending automated queries.</body></html>", 403)


def _words(text: str) -> set[str]:
    common = {"the", "for", "and", "model", "models", "llm", "best", "open", "com", "https", "www", "of"}
    return {word for word in re.findall(r"\w[\w.]*\w|\w\w", text.lower()) if len(word) > 1} - common
