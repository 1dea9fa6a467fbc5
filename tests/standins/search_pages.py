"""What search engines answer, as far as ddgs' parsers and a SearXNG client read it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from tests.standins.http_server import Answered, as_json

DUCKDUCKGO_CHALLENGE = (
    '<html><body><form id="challenge-form" action="//duckduckgo.com/anomaly.js?sv=html">'
    '<div class="anomaly-modal__title">Unfortunately, bots use DuckDuckGo too.</div></form></body></html>'
)
BRAVE_CHALLENGE = (
    "<html><head><title>PoW Captcha - Brave Search</title></head>"
    '<body><div class="pow-captcha">Confirm that you are a person.</div></body></html>'
)


class Entry(NamedTuple):
    """Something that can be found."""

    url: str
    title: str
    snippet: str


def as_html(text: str, status: int = 200, **headers: str) -> Answered:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answered(text.encode(), status, "text/html; charset=UTF-8", named)


def duckduckgo(query: str, shown: Sequence[Entry]) -> Answered:
    """html.duckduckgo.com. Without results it says so in a block of its own."""
    if not shown:
        return as_html(
            '<html><body><div class="serp__results"><div class="results"><div class="result results_links '
            'result--no-result"><div class="links_main links_deep result__body"><div class="no-results">'
            f"No results found for <b>{escape(query)}</b></div></div></div></div></div></body></html>"
        )
    block = (
        '<div class="result results_links results_links_deep web-result">'
        '<div class="links_main links_deep result__body">'
        '<h2 class="result__title"><a rel="nofollow" class="result__a" href="{url}">{title}</a></h2>'
        '<a class="result__snippet" href="{url}">{snippet}</a></div></div>'
    )
    return as_html(f"<html><body><div class='serp__results'>{_each(block, shown)}</div></body></html>")


def mojeek(query: str, shown: Sequence[Entry]) -> Answered:
    """www.mojeek.com/search."""
    if not shown:
        return as_html(f"<html><body><p>No pages found matching: <b>{escape(query)}</b></p></body></html>")
    block = '<li><h2><a class="title" href="{url}">{title}</a></h2><p class="s">{snippet}</p></li>'
    return as_html(f'<html><body><ul class="results-standard">{_each(block, shown)}</ul></body></html>')


def brave(query: str, shown: Sequence[Entry]) -> Answered:
    """search.brave.com/search."""
    if not shown:
        return as_html("<html><body><p>Not many great matches came back for your search.</p></body></html>")
    block = (
        '<div class="snippet" data-type="web"><a href="{url}"><div class="title">{title}</div></a>'
        '<div class="generic-snippet"><div class="content">{snippet}</div></div></div>'
    )
    return as_html(f'<html><body><div id="results">{_each(block, shown)}</div></body></html>')


def searxng(query: str, shown: Sequence[Entry], silent: Sequence[tuple[str, str]] = ()) -> Answered:
    """A SearXNG server's ``/search?format=json``; ``silent`` are engines that gave nothing, each with why."""
    results = [
        {
            "url": entry.url,
            "title": entry.title,
            "content": entry.snippet,
            "engine": "brave",
            "engines": ["brave"],
            "positions": [place],
            "score": 1 / place,
            "category": "general",
            "template": "default.html",
        }
        for place, entry in enumerate(shown, 1)
    ]
    rest: dict[str, list[str]] = {name: [] for name in ("answers", "corrections", "infoboxes", "suggestions")}
    return as_json(
        {
            "query": query,
            "number_of_results": 0,
            "results": results,
            **rest,
            "unresponsive_engines": [list(one) for one in silent],
        }
    )


def _each(block: str, shown: Sequence[Entry]) -> str:
    return "".join(block.format(**{k: escape(v) for k, v in entry._asdict().items()}) for entry in shown)
