"""Is a group that fails more often more than chance? Exact tests, and honesty about how many were made.

Fisher, "The logic of inductive inference", Journal of the Royal Statistical Society 98 (1935): the exact test
of a two-by-two table, whose count is hypergeometric when its margins are held fixed. Benjamini and Hochberg,
"Controlling the false discovery rate", Journal of the Royal Statistical Society B 57 (1995): the adjustment
for many tests. Gilbert, "A modified false discovery rate multiple-comparisons procedure for discrete data",
Applied Statistics 54 (2005), after Tarone (1990): a table whose margins leave it no chance of a small p value
is no test, and is not counted among those made.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

_NEGLIGIBLE = 1e-17


def fisher_more(failed: int, n: int, all_failed: int, total: int) -> float:
    """One-sided p value: the probability of ``failed`` or more failures among ``n`` of ``total`` answers.

    ``all_failed`` of the ``total`` failed; were the group like the rest, its failures would be drawn from
    them without replacement (hypergeometric).
    """
    if not (0 <= failed <= n <= total and failed <= all_failed <= total):
        raise ValueError("a group's counts lie within those of the whole")
    least, most = max(0, n - (total - all_failed)), min(n, all_failed)
    if failed <= least:
        return 1.0
    mode = (n + 1) * (all_failed + 1) / (total + 2)
    if failed < mode - 0.5:
        # The other tail is the shorter one, and its first term doesn't vanish in rounding.
        return 1.0 - fisher_more(n - failed + 1, n, total - all_failed, total)
    p, others = 0.0, total - all_failed
    term = math.exp(_log_choose(all_failed, failed) + _log_choose(others, n - failed) - _log_choose(total, n))
    for k in range(failed, most + 1):
        p += term
        if k > mode and term < p * _NEGLIGIBLE:
            break
        term *= (all_failed - k) * (n - k) / ((k + 1) * (others - n + k + 1))
    return min(1.0, p)


def smallest_p(n: int, all_failed: int, total: int) -> float:
    """The p value of :func:`fisher_more` were as many failures as possible in the group."""
    return fisher_more(min(n, all_failed), n, all_failed, total)


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted p values in the same order: the false discovery rate at which each would be called clear."""
    m = len(p_values)
    adjusted, least = [1.0] * m, 1.0
    for rank, i in zip(range(m, 0, -1), sorted(range(m), key=lambda i: -p_values[i]), strict=True):
        least = min(least, p_values[i] * (m / rank))
        adjusted[i] = least
    return adjusted


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
