"""Two models on the same scenarios: who passes more, and could it be chance?

The test is McNemar's exact conditional test with mid-p: Fagerland, Lydersen and Laake, "The McNemar test for
binary matched-pairs data: mid-p and asymptotic are better than exact conditional", BMC Medical Research
Methodology 13:91 (2013). Only pairs in which the models differ say anything; given their number m, those that
the second model wins are Binomial(m, 1/2) if neither is better. The exact test is too cautious at these
sizes; mid-p counts the observed outcome half and kept its level in all cases that the authors enumerated.

The interval of the difference is Newcombe's method 10: "Improved confidence intervals for the difference
between binomial proportions based on paired data", Statistics in Medicine 17 (1998), 2635–2650. Wilson's
limits of both rates are squared and added with their correlation, which is continuity-corrected; closed form,
within −1 to 1, and never of no width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from tools.statistics import CONFIDENCE, Interval, wilson


class PairedComparison(BaseModel):
    """What two models made of the same scenarios, both measured."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    n: int
    """Scenarios that both were measured on."""
    both: int
    """Both pass."""
    first_only: int
    second_only: int
    neither: int
    difference: float
    """Pass rate of the second − pass rate of the first, −1 to 1."""
    interval: Interval
    """Of the difference, 95 %, Newcombe's method 10."""
    p_value: float
    """McNemar, exact, two-sided, mid-p."""
    sentence: str
    """For people; calls the models the first and the second."""


def compare_paired(pairs: Sequence[tuple[bool, bool]]) -> PairedComparison | None:
    """The comparison from (first passed, second passed), one pair a scenario; None without any."""
    if not pairs:
        return None
    n = len(pairs)
    both = sum(first and second for first, second in pairs)
    first_only = sum(first and not second for first, second in pairs)
    second_only = sum(second and not first for first, second in pairs)
    difference = (second_only - first_only) / n
    interval = paired_interval(both, first_only, second_only, n)
    p_value = mcnemar_mid_p(first_only, second_only)
    return PairedComparison(
        n=n,
        both=both,
        first_only=first_only,
        second_only=second_only,
        neither=n - both - first_only - second_only,
        difference=difference,
        interval=interval,
        p_value=p_value,
        sentence=_sentence(n, first_only, second_only, interval, p_value),
    )


def mcnemar_mid_p(first_only: int, second_only: int) -> float:
    """Two-sided mid-p of the pairs that differ; 1 when none does."""
    m, fewer = first_only + second_only, min(first_only, second_only)
    if m == 0:
        return 1.0
    observed: int = math.comb(m, fewer)
    every: int = 1 << m
    if first_only == second_only:
        # As the authors have it: both tails would count the middle twice.
        return 1 - observed / (2 * every)
    return (2 * sum(math.comb(m, k) for k in range(fewer + 1)) - observed) / every


def paired_interval(both: int, first_only: int, second_only: int, n: int) -> Interval:
    """Newcombe's method 10 for rate of the second − rate of the first, 95 %; ``n`` at least 1."""
    first, second = both + first_only, both + second_only
    p1, p2 = first / n, second / n
    one, two = wilson(first, n), wilson(second, n)
    correlation = _correlation(both, first_only, second_only, n)

    def reach(a: float, b: float) -> float:
        return math.sqrt(max(0.0, a * a - 2 * correlation * a * b + b * b))

    low = p2 - p1 - reach(p2 - two.low, one.high - p1)
    high = p2 - p1 + reach(two.high - p2, p1 - one.low)
    return Interval(max(-1.0, low), min(1.0, high))


def _correlation(both: int, first_only: int, second_only: int, n: int) -> float:
    """Phi with Newcombe's continuity correction; 0 where a model passes all or none."""
    neither = n - both - first_only - second_only
    margins = (both + first_only) * (second_only + neither) * (both + second_only) * (first_only + neither)
    if margins == 0:
        return 0.0
    together = both * neither - first_only * second_only
    corrected = max(together - n / 2, 0.0) if together > 0 else together
    return corrected / math.sqrt(margins)


def _sentence(n: int, first_only: int, second_only: int, interval: Interval, p_value: float) -> str:
    if first_only == second_only:
        what = f"On {n} scenarios both models pass equally often"
    else:
        points = 100 * abs(second_only - first_only) / n
        more = "more" if second_only > first_only else "less"
        what = f"On {n} scenarios the second model passes {points:.0f} points {more} than the first"
    numbers = (
        f"95 % interval {100 * interval.low:+.0f} to {100 * interval.high:+.0f} points; only the second "
        f"passes {second_only}, only the first {first_only}; McNemar mid-p {_p(p_value)}"
    )
    # Two methods may differ by a hair at the border; only when both agree is it called more than chance.
    beyond = p_value < 1 - CONFIDENCE and not interval.low <= 0 <= interval.high
    verdict = "This is more than chance explains." if beyond else "Chance alone can explain this."
    return f"{what} ({numbers}). {verdict}"


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
