"""DuckDuckGo's HTML search, as far as ddgs reads it: POST form, result blocks, 202 challenge, empty page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple
from urllib.parse import parse_qs

from tests.standins.http_server import Answered, Asked, StandIn

PAGE_SIZE = 10
CHALLENGE = (
    '<html><body><form id="challenge-form" action="//duckduckgo.com/anomaly.js?sv=html">'
    '<div class="anomaly-modal__title">Unfortunately, bots use DuckDuckGo too.</div></form></body></html>'
)
NOTHING = (
    '<html><body><div class="serp__results"><div class="results"><div class="result results_links '
    'result--no-result"><div class="links_main links_deep result__body"><div class="no-results">'
    "No results found for <b>%s</b></div></div></div></div></div></body></html>"
)
RESULT = (
    '<div class="result results_links results_links_deep web-result">'
    '<div class="links_main links_deep result__body">'
    '<h2 class="result__title"><a rel="nofollow" class="result__a" href="{url}">{title}</a></h2>'
    '<a class="result__snippet" href="{url}">{snippet}</a></div></div>'
)


class Entry(NamedTuple):
    """Something that can be found."""

    url: str
    title: str
    snippet: str


class SearchServer(StandIn):
    """Answers queries from ``entries`` by words in common, or as ``fixed`` says for a query.

    ``statuses`` are answered first, one a query: 202 and 200 with ``CHALLENGE`` as DuckDuckGo blocks.
    """

    def __init__(
        self,
        entries: Sequence[Entry] = (),
        *,
        fixed: Mapping[str, Sequence[Entry]] | None = None,
        statuses: Sequence[int] = (),
        challenge_at_200: bool = False,
        bodies: Sequence[str] = (),
    ) -> None:
        super().__init__(self._answer)
        self.queries: list[str] = []
        self._entries = [(entry, _words(f"{entry.title} {entry.snippet} {entry.url}")) for entry in entries]
        self._fixed = dict(fixed or {})
        self._statuses = list(statuses)
        self._bodies = list(bodies)
        self._challenge_at_200 = challenge_at_200

    def _answer(self, asked: Asked) -> Answered:
        form = {
            name: values[0] for name, values in parse_qs(asked.body.decode(), keep_blank_values=True).items()
        }
        if asked.method != "POST" or "q" not in form:
            return Answered(b"", 400)
        self.queries.append(form["q"])
        if self._bodies:
            return _html(self._bodies.pop(0))
        if self._statuses:
            status = self._statuses.pop(0)
            headers = {"Retry-After": "30"} if status == 429 else {}
            return Answered(CHALLENGE.encode(), status, "text/html; charset=UTF-8", headers)
        if self._challenge_at_200:
            return _html(CHALLENGE)
        found = self._found(form["q"])
        start = int(form.get("s") or 0)
        shown = found[start : start + PAGE_SIZE] if start == 0 else found[start : start + 15]
        if not shown:
            return _html(NOTHING % escape(form["q"]))
        blocks = [RESULT.format(**{k: escape(v) for k, v in entry._asdict().items()}) for entry in shown]
        return _html(f"<html><body><div class='serp__results'>{''.join(blocks)}</div></body></html>")

    def _found(self, query: str) -> list[Entry]:
        if query in self._fixed:
            return list(self._fixed[query])
        wanted = _words(query)
        scored = [(len(wanted & words), entry) for entry, words in self._entries]
        ranked = sorted((pair for pair in scored if pair[0] >= 2), key=lambda pair: (-pair[0], pair[1].url))
        return [entry for _, entry in ranked]


def _html(text: str) -> Answered:
    return Answered(text.encode(), 200, "text/html; charset=UTF-8")


def _words(text: str) -> set[str]:
    common = {"the", "for", "and", "model", "models", "llm", "best", "open", "com", "https", "www", "of"}
    return {word for word in re.findall(r"[a-z0-9.]+", text.lower()) if len(word) > 1} - common
