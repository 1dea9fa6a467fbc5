"""How much of the field research has seen, measured from what it came across and how often.

Listings are a census: what they hold is known whatever its popularity. Queries are samples: each shows some
viable candidates. From the candidates that queries show only once, and that no listing holds, two classical
estimators tell what is missing:

- Good–Turing sample coverage (Good 1953): the probability that the next candidate a query shows is known is
  about 1 − f1 ÷ n, with f1 those shown once and in no listing, n all showings. Its 95 % interval is Esty's
  (1983), variance (f1 × (1 − f1 ÷ n) + 2 × f2) ÷ n²; its lower end is never above 0.05^(1 ÷ n), since n
  showings without a stranger still leave that much open (the rule of three).
- Chao2 (Chao 1987, bias-corrected): at least (m − 1) ÷ m × q1 × (q1 − 1) ÷ (2 × (q2 + 1)) candidates of the
  kind that no listing holds are still unseen, with m queries and q1, q2 those shown by one and by two.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

ENOUGH: Final = 0.95
"""Sample coverage at which asking further queries is no longer worth it."""
NORMAL_95: Final = 1.959964
FEWEST_SHOWINGS: Final = 10
"""Below this many showings the estimate is too rough to stop on."""


class Sighting(NamedTuple):
    """A viable candidate in the answer of one listing or query."""

    source: str
    """The listing or the query."""
    candidate: str
    """Key of the candidate."""
    census: bool
    """Whether the source is a listing rather than a query."""


class CurvePoint(BaseModel):
    """Where research stood after one answered query."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    query: int = Field(ge=1)
    """Number of the query, from 1."""
    known: int = Field(ge=0)
    """Viable candidates known after it."""
    new: int = Field(ge=0)
    """How many of them nothing had shown before it."""


class Coverage(BaseModel):
    """What was seen, what is estimated to be missing, and why research stopped."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    known: int = Field(ge=0)
    """Viable candidates known."""
    listed: int = Field(ge=0)
    """How many of them a listing holds."""
    queries: int = Field(ge=0)
    """Queries answered, with results or properly empty."""
    unanswered: int = Field(ge=0)
    """Queries planned and asked that no engine answered."""
    showings: int = Field(ge=0)
    """How often queries showed a viable candidate, each once a query."""
    once: int = Field(ge=0)
    """Candidates that no listing holds and one query showed."""
    twice: int = Field(ge=0)
    """Candidates that no listing holds and two queries showed."""
    sample_coverage: float | None = Field(default=None, ge=0.0, le=1.0)
    """Good–Turing; None when no query showed any candidate."""
    low: float | None = Field(default=None, ge=0.0, le=1.0)
    high: float | None = Field(default=None, ge=0.0, le=1.0)
    """Esty's 95 % interval of ``sample_coverage``."""
    unseen: float = Field(default=0.0, ge=0.0)
    """Chao2: viable candidates that are at least still unseen."""
    curve: tuple[CurvePoint, ...] = ()
    truncated: tuple[str, ...] = ()
    """Listings that could not be read to their end."""
    stopped: str = ""
    """Why research stopped, in a sentence."""

    @property
    def answered_share(self) -> float | None:
        """Share of the planned queries that were answered; None when none was asked."""
        asked = self.queries + self.unanswered
        return self.queries / asked if asked else None

    @property
    def share(self) -> float | None:
        """``sample_coverage`` × ``answered_share``: what a question that nobody answered would have shown is
        not covered. None when it was not measured."""
        answered = self.answered_share
        return None if self.sample_coverage is None or answered is None else self.sample_coverage * answered


def measure(
    sightings: Iterable[Sighting],
    answered: Sequence[str],
    *,
    unanswered: int = 0,
    truncated: Sequence[str] = (),
    stopped: str = "",
) -> Coverage:
    """Coverage from ``sightings`` of viable candidates.

    ``answered`` are the queries that were answered, in the order in which they were asked; a sighting by a
    query that is not among them does not count. Pure; the order of ``sightings`` does not matter.
    """
    seen = set(sightings)
    listed = {sighting.candidate for sighting in seen if sighting.census}
    order = {query: number for number, query in enumerate(dict.fromkeys(answered), 1)}
    shown = {(s.source, s.candidate) for s in seen if not s.census and s.source in order}
    by_candidate = Counter(candidate for _, candidate in shown)
    outside = [count for candidate, count in by_candidate.items() if candidate not in listed]
    once, twice = outside.count(1), outside.count(2)
    interval = good_turing(once, twice, len(shown))
    return Coverage(
        known=len(listed | set(by_candidate)),
        listed=len(listed),
        queries=len(order),
        unanswered=unanswered,
        showings=len(shown),
        once=once,
        twice=twice,
        sample_coverage=interval.estimate if interval else None,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        unseen=chao2(once, twice, len(order)),
        curve=_curve(listed, shown, order),
        truncated=tuple(truncated),
        stopped=stopped,
    )


class Interval(NamedTuple):
    """An estimate with its 95 % interval, each in 0…1."""

    estimate: float
    low: float
    high: float


def good_turing(once: int, twice: int, showings: int) -> Interval | None:
    """Sample coverage 1 − f1 ÷ n with Esty's interval; None when nothing was shown."""
    if showings <= 0:
        return None
    estimate = 1 - once / showings
    variance = (once * (1 - once / showings) + 2 * twice) / showings**2
    reach = NORMAL_95 * math.sqrt(max(0.0, variance))
    unbroken = 0.05 ** (1 / showings)
    return Interval(estimate, max(0.0, min(estimate - reach, unbroken)), min(1.0, estimate + reach))


def chao2(once: int, twice: int, samples: int) -> float:
    """Bias-corrected Chao2 estimate of the number unseen, a lower bound; 0 when there was no sample."""
    if samples <= 0:
        return 0.0
    return max(0.0, (samples - 1) / samples * once * (once - 1) / (2 * (twice + 1)))


def _curve(
    listed: set[str], shown: Iterable[tuple[str, str]], order: dict[str, int]
) -> tuple[CurvePoint, ...]:
    by_query: dict[int, set[str]] = {}
    for query, candidate in shown:
        by_query.setdefault(order[query], set()).add(candidate)
    known = set(listed)
    points = []
    for number in range(1, len(order) + 1):
        fresh = by_query.get(number, set()) - known
        known |= fresh
        points.append(CurvePoint(query=number, known=len(known), new=len(fresh)))
    return tuple(points)


def saturated(coverage: Coverage) -> bool:
    """Whether further queries would hardly show anything new."""
    return (
        coverage.showings >= FEWEST_SHOWINGS
        and coverage.sample_coverage is not None
        and coverage.sample_coverage >= ENOUGH
    )
