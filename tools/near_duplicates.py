"""Messages that say almost the same: Jaccard index of their words and pairs of neighbouring words."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from tools.evaluation import Scenario

NEAR = 0.7
"""Resemblance from which two messages are near-duplicates."""


class NearDuplicate(NamedTuple):
    """Two scenarios whose messages share most of their words."""

    first: str
    second: str
    resemblance: float


def words_of(text: str) -> frozenset[str]:
    """Words and pairs of neighbouring words, case and punctuation folded."""
    words = re.findall(r"\w+", text.casefold())
    if not words:
        return frozenset({text.strip()})
    return frozenset(words) | {f"{a} {b}" for a, b in pairwise(words)}


def resemblance(first: frozenset[str], second: frozenset[str]) -> float:
    """Jaccard index of two word sets, 0 to 1."""
    union = len(first | second)
    return len(first & second) / union if union else 1.0


def near_duplicates(scenarios: Sequence[Scenario], threshold: float = NEAR) -> list[NearDuplicate]:
    """Pairs whose messages resemble each other by ``threshold`` or more, in the order of the scenarios.

    Prefix filtering (Chaudhuri, Ganti and Kaushik, 2006): sets so much alike share one of their rarest words.
    """
    index = NearIndex([words_of(scenario.message) for scenario in scenarios], threshold)
    return [
        NearDuplicate(scenarios[j].id, scenarios[i].id, value)
        for i in range(len(scenarios))
        for j, value in index.like(i)
    ]


class NearIndex:
    """Finds, for one word set after the other, those before it that resemble it. Sets are kept as bits."""

    def __init__(self, sets: Sequence[frozenset[str]], threshold: float) -> None:
        self._sets = sets
        self._threshold = threshold
        self._frequency = Counter(word for words in sets for word in words)
        ranked = sorted(self._frequency, key=lambda word: (self._frequency[word], word))
        self._rank = {word: rank for rank, word in enumerate(ranked)}
        self._bits: list[int] = []
        self._sized: dict[int, int] = {}
        """Size → the sets, as bits, that have it."""
        self._holding: dict[int, int] = {}
        """Rank of a word → the sets, as bits, that have it among their rarest."""

    def like(self, i: int) -> Iterator[tuple[int, float]]:
        """Places before ``i`` whose sets are alike, with the resemblance; call it for 0, 1, 2 and so on."""
        ranks = sorted(self._rank[word] for word in self._sets[i])
        own, size = _bits(ranks), len(ranks)
        rarest = ranks[: size - math.ceil(self._threshold * size) + 1]
        candidates = 0
        for rank in rarest:
            candidates |= self._holding.get(rank, 0)
            self._holding[rank] = self._holding.get(rank, 0) | 1 << i
        near_in_size = 0
        for other in range(math.ceil(self._threshold * size), int(size / self._threshold) + 1):
            near_in_size |= self._sized.get(other, 0)
        self._sized[size] = self._sized.get(size, 0) | 1 << i
        self._bits.append(own)
        return self._alike(own, size, candidates & near_in_size)

    def _alike(self, own: int, size: int, candidates: int) -> Iterator[tuple[int, float]]:
        for j in _places(candidates):
            shared = (own & self._bits[j]).bit_count()
            value = shared / (size + len(self._sets[j]) - shared)
            if value >= self._threshold:
                yield j, value


def _bits(places: Sequence[int]) -> int:
    """An integer with these bits set."""
    array = bytearray((places[-1] >> 3) + 1)
    for place in places:
        array[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(array, "little")


def _places(bits: int) -> Iterator[int]:
    """The bits that are set, from the lowest."""
    digits = bin(bits)[:1:-1]
    place = digits.find("1")
    while place >= 0:
        yield place
        place = digits.find("1", place + 1)
