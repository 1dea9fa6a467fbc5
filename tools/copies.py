"""A claim counts once however many sites copy it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import Final

from tools.candidates import Claim, FoundBy, Quality

SHINGLE: Final = 5
"""Words of a shingle."""
NEAR: Final = 0.8
"""Share of the shorter quote's shingles that two copies have in common."""
FEWEST: Final = 6
"""Shingles of a quote below which only the whole is compared, both ways."""
MOST: Final = 120
"""Claims remembered for a shingle; boilerplate that everybody uses costs no more."""

_QUALITY = {quality: place for place, quality in enumerate(Quality)}
_READER = {FoundBy.LEADERBOARD: 0, FoundBy.RULES: 1, FoundBy.BRAIN: 2}


def distinct(claims: Iterable[Claim]) -> list[Claim]:
    """Claims with copies left out; the addresses of the copies stand in ``copies`` of the one that is kept.

    Two claims about the same candidate are copies when their quotes have the same words, or share at least
    0.8 of the five-word shingles of the shorter one (a copy inside a longer quote is a copy too). A table row
    is its words together with its figures' benchmarks. Kept is the best source: what rules read before what a
    model read, then quality, kind of source, date, address. Suspicious claims are copies of suspicious ones
    only, so that a hostile page cannot hide an honest one. The order of arrival does not matter, and distinct
    claims stay as they are.
    """
    groups: dict[tuple[str, bool], _Group] = {}
    for claim in sorted(claims, key=_rank):
        groups.setdefault((claim.candidate, claim.suspicious), _Group()).add(claim)
    return [claim for group in groups.values() for claim in group.claims()]


def normalised(quote: str) -> str:
    """Letters and figures of a quote, in lower case, one space between words."""
    return " ".join(re.findall(r"[^\W_]+", quote.casefold()))


def shingles(words: str) -> frozenset[int]:
    """Hashes of the five-word runs of normalised ``words``; of the whole where they are fewer."""
    parts = words.split()
    runs = range(max(1, len(parts) - SHINGLE + 1))
    return frozenset(hash(tuple(parts[start : start + SHINGLE])) for start in runs)


def _rank(claim: Claim) -> tuple[object, ...]:
    return (
        _READER[claim.found_by],
        _QUALITY[claim.quality],
        claim.source.kind,
        claim.dated or date.max,
        claim.source.url,
        claim.source.quote or "",
        claim.stance.value,
        claim.kind.value,
        claim.summary,
    )


class _Group:
    """Distinct claims about one candidate."""

    def __init__(self) -> None:
        self._kept: list[Claim] = []
        self._shingles: list[frozenset[int]] = []
        self._copies: list[set[str]] = []
        self._by_words: dict[str, int] = {}
        self._by_shingle: dict[int, list[int]] = {}

    def add(self, claim: Claim) -> None:
        words = _words(claim)
        runs = shingles(words)
        place = self._by_words.get(words)
        if place is None:
            place = self._near(runs)
        if place is None:
            place = len(self._kept)
            self._kept.append(claim)
            self._shingles.append(runs)
            self._copies.append(set())
            for run in runs:
                places = self._by_shingle.setdefault(run, [])
                if len(places) < MOST:
                    places.append(place)
        self._by_words.setdefault(words, place)
        self._copies[place] |= {claim.source.url, *claim.copies}

    def _near(self, runs: frozenset[int]) -> int | None:
        shared = Counter(place for run in runs for place in self._by_shingle.get(run, ()))
        for place, count in sorted(shared.items()):
            sizes = (len(runs), len(self._shingles[place]))
            of = min(sizes) if min(sizes) >= FEWEST else max(sizes)
            if count >= NEAR * of:
                return place
        return None

    def claims(self) -> list[Claim]:
        return [
            claim.model_copy(update={"copies": tuple(sorted(urls - {claim.source.url}))})
            for claim, urls in zip(self._kept, self._copies, strict=True)
        ]


def _words(claim: Claim) -> str:
    quote = claim.source.quote
    if not quote:
        return normalised(f"{claim.source.url} {claim.source.record_field}")
    return normalised(f"{quote} {claim.summary}") if "|" in quote else normalised(quote)
