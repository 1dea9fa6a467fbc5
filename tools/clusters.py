"""The interval of a pass rate whose answers come in clusters, such as topics.

Answers on one topic resemble each other, so 50 of them on 8 topics say less about other topics than 50
unrelated ones. Korn and Graubard, "Confidence intervals for proportions with small expected number of
positive counts estimated from survey data", Survey Methodology 24 (1998): take the sample size that the
answers are worth, and use an interval for simple samples on it; they took Clopper and Pearson's, here it is
Wilson's, as everywhere in a baseline. With G clusters of n_g answers and x_g passes, n = Σ n_g and p = Σ x_g
/ n:

- variance of the ratio p, linearised (Cochran, "Sampling techniques", 3rd ed., 1977, on proportions in
  cluster sampling): v = G/(G−1) · Σ (x_g − p·n_g)² / n²;
- effective n: p(1−p) / v, times (t_{n−1} / t_{G−1})², the squared ratio of the 97.5 % points of Student's t,
  for v is estimated from G numbers only;
- it is never more than n: with few clusters, a v that happens to be small is no ground for claiming more than
  independent answers would (so the National Center for Health Statistics, Vital and Health Statistics 2(175),
  2017).

Limits: with one cluster nothing is known about how clusters differ, and there is no interval. With no pass or
no fail at all, p(1−p) and v are both 0 and say nothing about clustering: the effective n is n, the interval
Wilson's own. When every cluster has the same rate, v is 0 and the effective n is n too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tools.statistics import t_quantile, wilson

FEWEST_CLUSTERS = 2


class ClusteredInterval(NamedTuple):
    """An interval, 95 %, as it would be for a fresh draw of clusters."""

    low: float
    high: float
    clusters: int
    """Groups with at least one answer."""
    design_effect: float
    """Variance of the rate over what independent answers would give, before any limit; 1 where unknown."""
    effective_n: float
    """Independent answers that these are worth, after the t adjustment; at most their number."""


def clustered_wilson(groups: Mapping[str, tuple[int, int]]) -> ClusteredInterval | None:
    """The interval from passes and answers by group; None with fewer than two groups that have answers.

    ValueError where passes do not lie between 0 and the number of answers.
    """
    if any(not 0 <= passes <= n for passes, n in groups.values()):
        raise ValueError("passes lie between 0 and n in every group")
    counted = [(passes, n) for passes, n in groups.values() if n]
    clusters = len(counted)
    if clusters < FEWEST_CLUSTERS:
        return None
    n = sum(size for _, size in counted)
    rate = sum(passes for passes, _ in counted) / n
    spread = rate * (1 - rate)
    if not spread:
        return ClusteredInterval(*wilson(rate * n, n), clusters, 1.0, float(n))
    residuals = sum((passes - rate * size) ** 2 for passes, size in counted)
    design_effect = clusters / (clusters - 1) * residuals / n / spread
    adjustment = (t_quantile(n - 1) / t_quantile(clusters - 1)) ** 2
    # The smaller of n and n · adjustment / design_effect, without dividing by a design effect of 0.
    effective = n * adjustment / max(design_effect, adjustment)
    return ClusteredInterval(*wilson(rate * effective, effective), clusters, design_effect, effective)
