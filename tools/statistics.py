"""Intervals and posterior probabilities of a pass rate, without a numerical library.

Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927): the score
interval. Brown, Cai and DasGupta, "Interval estimation for a binomial proportion", Statistical Science 16
(2001): why it, and the Jeffreys prior Beta(1/2, 1/2), at the sizes of a baseline.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from statistics import NormalDist
from typing import NamedTuple

DEFAULT_THRESHOLDS = (0.5, 0.7)
DEFAULT_CERTAINTY = 0.8
CONFIDENCE = 0.95
MOST_FURTHER_SCENARIOS = 5000
_TINY = 1e-300
_PRECISION = 1e-15
_MOST_TERMS = 10_000


class Interval(NamedTuple):
    """Both ends of an interval; of a rate 0 to 1, of a difference −1 to 1."""

    low: float
    high: float


class BandProbabilities(NamedTuple):
    """Posterior probability that the true pass rate lies in each band; the three sum to 1."""

    below: float
    """Under the lower threshold."""
    between: float
    above: float
    """At the upper threshold or over it."""


def wilson(passes: float, n: float, confidence: float = CONFIDENCE) -> Interval:
    """Wilson's score interval for ``passes`` of ``n``; the whole of 0 to 1 when ``n`` is 0.

    Both may be fractional: an effective sample size and the passes that it stands for.
    """
    if not 0 <= passes <= n:
        raise ValueError("passes lie between 0 and n")
    if not 0 < confidence < 1:
        raise ValueError("a confidence lies between 0 and 1")
    if n == 0:
        return Interval(0.0, 1.0)
    z2 = normal_quantile(confidence) ** 2
    centre = (passes + z2 / 2) / (n + z2)
    half = math.sqrt(z2 * (passes * (n - passes) / n + z2 / 4)) / (n + z2)
    # At the ends the formula gives exactly 0 and 1; rounding must not say otherwise.
    low = 0.0 if passes == 0 else max(0.0, centre - half)
    high = 1.0 if passes == n else min(1.0, centre + half)
    return Interval(low, high)


def normal_quantile(confidence: float = CONFIDENCE) -> float:
    """The z between −z and z of which a standard normal variable lies with this probability."""
    return NormalDist().inv_cdf((1 + confidence) / 2)


@lru_cache(maxsize=512)
def t_quantile(freedom: float, confidence: float = CONFIDENCE) -> float:
    """The t between −t and t of which Student's variable lies with this probability.

    ``freedom`` degrees, over 0. P(|T| > t) = I_x(freedom/2, 1/2) with x = freedom / (freedom + t²), solved
    for t by bisection.
    """
    if freedom <= 0:
        raise ValueError("degrees of freedom are positive")
    low, high = 0.0, 1.0
    while _beyond(high, freedom) > 1 - confidence:
        low, high = high, high * 2
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if _beyond(middle, freedom) > 1 - confidence else (low, middle)
    return (low + high) / 2


def _beyond(t: float, freedom: float) -> float:
    return beta_cdf(freedom / (freedom + t * t), freedom / 2, 0.5)


def beta_cdf(x: float, a: float, b: float) -> float:
    """Regularised incomplete beta function I_x(a, b): P(X ≤ x) for X ~ Beta(a, b); a, b > 0.

    Continued fraction (DLMF 8.17.22) by Lentz's method as modified by Thompson and Barnett (1986), on the
    side of the mean where it converges fast.
    """
    if a <= 0 or b <= 0:
        raise ValueError("the parameters of a Beta distribution are positive")
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    if x > (a + 1) / (a + b + 2):
        return 1.0 - beta_cdf(1 - x, b, a)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return min(1.0, max(0.0, math.exp(log_front) * _fraction(x, a, b) / a))


def _fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, 1 / _away_from_zero(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _MOST_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _away_from_zero(1 + term * d)
            c = _away_from_zero(1 + term / c)
            value *= c * d
        if abs(c * d - 1) < _PRECISION:
            return value
    raise ArithmeticError("the continued fraction of the incomplete beta function did not converge")


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def band_probabilities(
    passes: float, n: float, thresholds: tuple[float, float] = DEFAULT_THRESHOLDS
) -> BandProbabilities:
    """P(rate < low), P(low ≤ rate < high), P(rate ≥ high) under the Jeffreys posterior.

    The posterior is Beta(passes + 1/2, n − passes + 1/2). Counts may be fractional, for looking ahead.
    """
    low, high = thresholds
    if not 0 < low < high < 1:
        raise ValueError("thresholds lie between 0 and 1, the lower one first")
    if not 0 <= passes <= n:
        raise ValueError("passes lie between 0 and n")
    a, b = passes + 0.5, n - passes + 0.5
    below, up_to_high = beta_cdf(low, a, b), beta_cdf(high, a, b)
    return BandProbabilities(below, max(0.0, up_to_high - below), beta_cdf(1 - high, b, a))


def first_settled(settled: Callable[[int], bool], most: int = MOST_FURTHER_SCENARIOS) -> int | None:
    """The smallest number from 0 to ``most`` for which ``settled`` holds, found by doubling and halving.

    Certainty grows with the number of scenarios; where it dips on the way, the number found may not be the
    smallest, and ``settled`` holds for it all the same.
    """
    if settled(0):
        return 0
    low, high = 0, 1
    while not settled(high):
        if high >= most:
            return None
        low, high = high, min(most, high * 2)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if settled(middle) else (middle, high)
    return high
