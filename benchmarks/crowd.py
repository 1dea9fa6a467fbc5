"""Public hosts at the size of the real ones, on loopback: ``python -m benchmarks.crowd SIZE`` serves them.

Prints its addresses as a line of JSON, and for every line on standard input what happened since the last one;
ends with its input.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from tests.standins.http_server import Answered, Asked, Manner, StandIn
from tests.standins.hub_server import HubServer
from tests.standins.registry_server import RegistryServer
from tests.standins.search_server import Entry, SearchServer
from tests.standins.stored_facts import models
from tests.standins.world import CDN, HUB_CDN, Addresses, registry_tags
from tests.standins.world_hub import hub_content, hub_discussions, hub_large
from tests.standins.world_noise import noise

FRESH, SEEN = 4, 6
"""Hits of a query that no other query found, and those that an earlier one had."""
FAR = 70_000_000_000
"""Parameters of the repositories that are outside of every range asked for."""
TALK = (
    "the model answers with a question and keeps to the subject of the session while the client speaks of "
    "work family sleep and worry and the coach listens without advice until asked for it in plain words"
)


class Size(NamedTuple):
    """How much there is, and how the hosts treat their clients."""

    name: str
    queries: int
    pages: int
    hosts: int
    page_bytes: int
    repositories: int
    in_range: int
    """Repositories, at most, whose parameter count is left as it is."""
    latency_seconds: float
    interval_seconds: float
    """Between two requests to a host."""
    search_interval_seconds: float
    at_once: int


FULL = Size("full", 100, 400, 40, 150_000, 16_000, 5_000, 0.2, 0.1, 0.25, 4)
SMALL = Size("small", 6, 16, 4, 20_000, 400, 150, 0.01, 0.002, 0.005, 4)
SIZES = {size.name: size for size in (FULL, SMALL)}


class CrowdPages(StandIn):
    """Articles by number, ``https://host-N.example/NUMBER``; the same number is always the same text."""

    def __init__(self, size: Size, manner: Manner) -> None:
        super().__init__(self._answer, manner=manner)
        self._size = size

    def _answer(self, asked: Asked) -> Answered:
        number = asked.path.strip("/")
        if asked.path == "/robots.txt":
            return Answered(b"User-agent: *\nAllow: /\n")
        if not number.isdecimal():
            return Answered(b"not found", 404)
        return Answered(article(int(number), self._size.page_bytes), content_type="text/html; charset=utf-8")


class CrowdSearch(SearchServer):
    """Every new query finds four pages that none had found, and six that one had; then nothing new."""

    def __init__(self, size: Size, manner: Manner) -> None:
        super().__init__(manner=manner)
        self._size = size
        self._answers: dict[str, list[Entry]] = {}

    def found(self, query: str) -> list[Entry]:
        known = self._answers.get(query)
        if known is None:
            first = len(self._answers) * FRESH
            fresh = range(first, min(first + FRESH, self._size.pages))
            drawn = random.Random(query)
            seen = [drawn.randrange(first) for _ in range(SEEN if first else 0)]
            known = self._answers[query] = [self._entry(n) for n in dict.fromkeys([*fresh, *seen])]
        return known

    def _entry(self, number: int) -> Entry:
        url = f"https://host-{number % self._size.hosts}.example/{number}"
        return Entry(url, f"Therapy coaching with 8B models, part {number}", "Open 8B models for therapy.")


def article(number: int, size: int) -> bytes:
    """HTML of about ``size`` bytes, of which a fifth is text, as on real pages: markup and scripts
    are the rest. Now and then a sentence is about a model."""
    drawn = random.Random(number)
    names = [model["hf_repo"].split("/")[1] for model in models()]
    menu = "".join(f'<li><a href="/{n}">Part {n}</a></li>' for n in range(60))
    script = f"<script>var data={json.dumps([drawn.random() for _ in range(size // 40)])};</script>"
    body, text = [], 0
    while text < size // 5:
        prose = _prose(drawn, names)
        look = " ".join(f"css-{drawn.randrange(10**6):06d}" for _ in range(24))
        body.append(f'<div class="{look}" data-track="{drawn.random()}"><p class="{look}">{prose}</p></div>')
        text += len(prose)
    page = (
        f"<!doctype html><html><head><title>Part {number}</title>{script}</head><body>"
        f"<nav><ul>{menu}</ul></nav><main><h1>Therapy coaching, part {number}</h1>{''.join(body)}</main>"
        "</body></html>"
    )
    return page.encode()


def _prose(drawn: random.Random, names: Sequence[str]) -> str:
    sentences = [" ".join(drawn.choices(TALK.split(), k=18)).capitalize() + "." for _ in range(5)]
    if drawn.random() < 0.05:
        view = drawn.choice(("was warm and helpful", "felt repetitive", "kept to the subject"))
        sentences.append(
            f"In therapy coaching {drawn.choice(names)} {view}, said reader {drawn.random():.6f}."
        )
    return " ".join(sentences)


class Crowd:
    """All servers of a size, started."""

    def __init__(self, size: Size) -> None:
        manner = Manner(size.latency_seconds, size.interval_seconds, at_once=size.at_once)
        records, files = hub_content()
        self._hub = HubServer(
            [*records, *_surroundings(size, {record["id"] for record in records})],
            files,
            large=hub_large(),
            discussions=hub_discussions(),
            cdn=HUB_CDN,
            manner=manner,
        )
        self._registry = RegistryServer(dict(registry_tags()), redirect_to=CDN, manner=manner)
        self._search = CrowdSearch(size, replace(manner, interval_seconds=size.search_interval_seconds))
        self._pages = CrowdPages(size, manner)
        self._servers: tuple[StandIn, ...] = (self._hub, self._registry, self._search, self._pages)
        self.addresses = Addresses(*(server.start().address for server in self._servers))

    def report(self) -> dict[str, Any]:
        """Requests and violations since the last report."""
        told = {
            "requests": [request for server in self._servers for request in server.log],
            "queries": list(self._search.queries),
            "violations": {h: n for server in self._servers for h, n in server.violations.items()},
        }
        self._search.queries.clear()
        for server in self._servers:
            server.log.clear()
            server.violations.clear()
        return told


def _surroundings(size: Size, known: set[str]) -> Iterator[dict[str, Any]]:
    """Noise up to the size of the Hub; beyond ``in_range`` the counts are out of every range."""
    for place, record in enumerate(noise(size.repositories - len(known), 0, known=known)):
        if place < size.in_range:
            yield record
        else:
            rest = {name: value for name, value in record.items() if name not in {"gguf", "safetensors"}}
            yield {**rest, "safetensors": {"total": FAR}}


def main() -> None:
    crowd = Crowd(SIZES[sys.argv[1]])
    print(json.dumps(crowd.addresses), flush=True)
    for _ in sys.stdin:
        print(json.dumps(crowd.report()), flush=True)


if __name__ == "__main__":
    main()
