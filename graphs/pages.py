"""Reading what search hits point to: each page once, for facts, claims and names nobody has looked up yet."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from graphs.desk import Desk
from graphs.fanout import Crew
from graphs.findings import keep_findings
from graphs.ledger import repositories_in
from store import reading, research
from tools.candidates import Claim
from tools.card_facts import facts_from_page
from tools.coverage import Sighting
from tools.evidence import claims_from_page, is_suspicious
from tools.facts import Fact
from tools.knowledge.domains import Domain
from tools.mentions import names_in
from tools.named import index_of
from tools.outcomes import Blocked, BlockReason, Found
from tools.search import SearchHit
from tools.web import Page, Web
from tools.web.text import hidden_text, readable_text
from tools.web.urls import canonical

AT_ONCE = 16
"""Pages fetched at the same time; hosts have their own, smaller limits."""

Names = Mapping[str, Sequence[str]]
"""Candidates' keys with everything that a page may call them."""


class _Read(NamedTuple):
    """What one page gave."""

    text: str
    facts: list[Fact]
    claims: list[Claim]
    named: frozenset[str]
    """Candidates that it names."""
    mentions: frozenset[str]
    """Names of models, candidates' or not."""


class Pages:
    """The pages of one wave, read while the queries go on.

    ``names`` are the candidates known when it began, ``limit`` is how many pages may be asked for, ``before``
    are addresses that hits of earlier waves led to.
    """

    def __init__(
        self,
        desk: Desk,
        web: Web,
        domain: Domain,
        names: Names,
        limit: int,
        before: Collection[str] = frozenset(),
    ) -> None:
        self._desk, self._web, self._domain, self._names = desk, web, domain, names
        self._left, self._before = limit, before
        self.charged = 0
        """Pages asked for that no earlier wave has asked for."""
        self._queries: defaultdict[str, set[str]] = defaultdict(set)
        self._read: dict[str, None] = {}
        self._crew = Crew(AT_ONCE)
        self._mentions: Counter[str] = Counter()
        self.hits: dict[str, SearchHit] = {}
        self._shown: defaultdict[str, frozenset[str]] = defaultdict(frozenset)

    async def __aenter__(self) -> Pages:
        await self._crew.__aenter__()
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self._crew.__aexit__(*failure)

    @property
    def mentions(self) -> list[str]:
        """Names of models in hits and on pages, as they are written; those that most of them name first."""
        return sorted(self._mentions, key=lambda name: (-self._mentions[name], name))

    @property
    def read(self) -> tuple[str, ...]:
        """Addresses of the pages that had something to read."""
        return tuple(self._read)

    async def take(self, query: str, hits: Sequence[SearchHit]) -> None:
        """Note whom the hits of ``query`` name, and begin to read what they point to."""
        for hit in hits:
            url = canonical(hit.url)
            first = url not in self._queries
            self._queries[url].add(query)
            self._hear(url, hit, self._names)
            if first and not repositories_in([url]) and await self._affordable(url):
                self._crew.add(self._one(url))

    async def _affordable(self, url: str) -> bool:
        """Whether a page may be read; one that an earlier wave has asked for costs nothing again."""
        if url in self._before and await self._desk.look(reading.stored_fetch, url) is not None:
            return True
        if self._left <= 0:
            return False
        self._left -= 1
        self.charged += 1
        return True

    async def again(self, everybody: Names) -> None:
        """Read the same hits and pages for candidates that were not known at first; nothing is fetched.

        They are read with the names of ``everybody``: what a newcomer is called may mean another one too.
        """
        newcomers = {key: names for key, names in everybody.items() if key not in self._names}
        if not newcomers:
            return
        for url, hit in self.hits.items():
            self._hear(url, hit, everybody)
        for url in self._read:
            stored = await self._desk.look(reading.stored_fetch, url)
            if stored is None or stored.page is None:
                continue
            if await asyncio.to_thread(_names_any, stored.page, newcomers):
                await self._keep(url, await asyncio.to_thread(self._extract, stored.page, everybody))

    async def settle(self) -> None:
        """Store which query showed whom, in its hits or on the pages behind them."""
        seen = [
            Sighting(query, key, census=False)
            for url, keys in self._shown.items()
            for query in sorted(self._queries[url])
            for key in sorted(keys)
        ]
        await self._desk.write(research.keep_sightings, seen)

    def _hear(self, url: str, hit: SearchHit, names: Names) -> None:
        said = f"{hit.title}. {hit.snippet} {hit.url}"
        self.hits.setdefault(url, hit)
        self._shown[url] |= named_in(said, names)
        self._note(_mentioned(said))

    async def _one(self, url: str) -> None:
        outcome = await self._web.get(url)
        if isinstance(outcome, Found):
            self._read[url] = None
            await self._keep(url, await asyncio.to_thread(self._extract, outcome.value, self._names))
        elif isinstance(outcome, Blocked) and outcome.reason is BlockReason.ROBOTS:
            await self._disallowed(url, outcome)

    async def _disallowed(self, url: str, outcome: Blocked) -> None:
        """A row for what robots.txt forbids: nobody has asked for it, so nothing else stores that."""
        stored = await self._desk.look(reading.stored_fetch, url)
        if stored is None or stored.row.reason != outcome.reason:
            told = {"url": url, **reading.outcome_columns(outcome)._asdict()}
            now = self._desk.services.wall.now()
            await self._desk.write_and_say("research", "page", told, reading.keep_fetch, url, outcome, now)

    def _extract(self, page: Page, names: Names) -> _Read:
        text, hidden = readable_text(page), hidden_text(page)
        claims = claims_from_page(
            page,
            text,
            candidate_names=names,
            domain_words=self._domain.words,
            benchmarks=self._domain.benchmarks,
            hidden=hidden,
        )
        facts = [] if is_suspicious(hidden) else facts_from_page(page, names)
        return _Read(text, facts, claims, named_in(text, names), _mentioned(text))

    async def _keep(self, url: str, read: _Read) -> None:
        if read.facts or read.claims:
            await self._desk.write(keep_findings, [read.text], read.facts, read.claims)
        self._shown[url] |= read.named
        self._note(read.mentions)

    def _note(self, mentions: Iterable[str]) -> None:
        self._mentions.update(mentions)


def named_in(text: str, names: Names) -> frozenset[str]:
    """Candidates that ``text`` names without doubt."""
    found = (mention.keys for mention in index_of(names).find(text))
    return frozenset(key for keys in found if len(keys) == 1 for key in keys)


def _names_any(page: Page, names: Names) -> bool:
    return bool(named_in(readable_text(page), names))


def _mentioned(text: str) -> frozenset[str]:
    return frozenset(mention.text for mention in names_in(text))
