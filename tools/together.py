"""Criteria that fail together: one weakness seen twice, or two."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from tools.concentrations import FALSE_DISCOVERY_RATE
from tools.rows import Case
from tools.significance import benjamini_hochberg, fisher_more

FEWEST_TOGETHER = 2
MOST_PAIRS = 20


class CoFailure(NamedTuple):
    """Two criteria over the answers on which both were assessed."""

    first: str
    second: str
    both: int
    """Answers that fail both."""
    first_only: int
    second_only: int
    neither: int
    phi: float
    """Correlation of the two failures, −1 to 1 (Pearson's phi)."""
    jaccard: float
    """Answers that fail both, of those that fail either."""
    p_value: float
    """Fisher's exact test, one-sided."""
    adjusted: float
    """p value adjusted for all pairs looked at (Benjamini–Hochberg)."""

    @property
    def clear(self) -> bool:
        return self.adjusted <= FALSE_DISCOVERY_RATE

    @property
    def sentence(self) -> str:
        either = self.both + self.first_only + self.second_only
        said = f"{self.first} and {self.second} fail together in {self.both} of the {either} answers"
        said += " that fail either of them"
        return f"{said}." if self.clear else f"{said}, which may be chance."


def co_failures(cases: Mapping[str, Sequence[Case]]) -> tuple[CoFailure, ...]:
    """Pairs of criteria that fail together more often than apart, the clearest first, 20 at most.

    Answers are the bits of a number, so that a hundred criteria over thousands of answers take milliseconds.
    """
    assessed = {name: _bits(case.position for case in found) for name, found in cases.items()}
    failed = {name: _bits(case.position for case in found if case.failed) for name, found in cases.items()}
    found = [
        _pair(a, b, failed[a], failed[b], assessed[a] & assessed[b])
        for a, b in combinations([name for name in cases if failed[name]], 2)
    ]
    adjusted = benjamini_hochberg([pair.p_value for pair in found])
    pairs = [pair._replace(adjusted=value) for pair, value in zip(found, adjusted, strict=True)]
    shown = [pair for pair in pairs if pair.both >= FEWEST_TOGETHER and pair.phi > 0]
    return tuple(sorted(shown, key=lambda pair: (pair.p_value, -pair.both))[:MOST_PAIRS])


def _pair(first: str, second: str, one: int, other: int, assessed: int) -> CoFailure:
    one, other, n = one & assessed, other & assessed, assessed.bit_count()
    both, firsts, seconds = (one & other).bit_count(), one.bit_count(), other.bit_count()
    spread = firsts * (n - firsts) * seconds * (n - seconds)
    either = firsts + seconds - both
    return CoFailure(
        first=first,
        second=second,
        both=both,
        first_only=firsts - both,
        second_only=seconds - both,
        neither=n - either,
        phi=(n * both - firsts * seconds) / math.sqrt(spread) if spread else 0.0,
        jaccard=both / either if either else 0.0,
        p_value=fisher_more(both, firsts, seconds, n),
        adjusted=1.0,
    )


def _bits(indices: Iterable[int]) -> int:
    """A number with these bits set."""
    positions = list(indices)
    found = bytearray(max(positions, default=0) // 8 + 1)
    for i in positions:
        found[i // 8] |= 1 << i % 8
    return int.from_bytes(found, "little")
