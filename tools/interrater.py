"""How far two or more raters agree beyond chance: Cohen's kappa and Krippendorff's alpha, both nominal.

Kappa: Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20
(1960). Its interval starts from the asymptotic standard error of Fleiss, Cohen and Everitt, "Large sample
standard errors of kappa and weighted kappa", Psychological Bulletin 72 (1969), which at 30 to 50 ratings is
too short as it stands (normal limits held a true kappa of 0.92 in 53 % of samples of 30, one of 0.61 in 75 %)
and of no width when all agree. Two changes mend that: one rating is added, spread evenly over the cells of
the table (Perks' prior), and the limits are taken on Fisher's scale, artanh κ, where they cannot pass 1. In
the same simulations 91 to 96 % at 30 ratings and 93 to 96 % at 50, for true kappas of 0.5 to 0.92 and two to
four categories.

Alpha: Krippendorff, "Computing Krippendorff's alpha-reliability" (2011); any number of raters, ratings may be
missing. Its interval is a Bayesian bootstrap over the units (Rubin, Annals of Statistics 9, 1981), seeded.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from random import Random
from typing import NamedTuple

from tools.statistics import CONFIDENCE, Interval, normal_quantile

RESAMPLES = 1000
SEED = 20110125
ADDED = 1.0
"""Ratings added to the table for kappa's interval."""


class Agreement(NamedTuple):
    """A coefficient of agreement: 1 for full agreement, 0 for what chance gives."""

    value: float | None
    """None where it has no meaning: nothing to compare, or nobody used a second category."""
    interval: Interval | None
    """95 %; None where the value is None or the ratings cannot tell."""
    n: int
    """Pairs, or units with at least two ratings."""
    observed: float
    """Share of pairs of ratings that agree, 0 to 1; 0 when there are none."""


def cohen_kappa(pairs: Sequence[tuple[str, str]]) -> Agreement:
    """Kappa of two raters, one pair of ratings for each thing rated.

    Where both used one and the same category throughout, chance alone would agree fully: value None. Where
    one of them did, kappa is 0 whatever the other says, and there is no interval.
    """
    n = len(pairs)
    if n == 0:
        return Agreement(None, None, 0, 0.0)
    counts = Counter(pairs)
    observed = sum(count for (one, two), count in counts.items() if one == two) / n
    categories = sorted({rating for pair in counts for rating in pair})
    if len(categories) == 1:
        return Agreement(None, None, n, observed)
    table = [[counts[one, two] / n for two in categories] for one in categories]
    value = _kappa(table)
    if any(len({pair[rater] for pair in counts}) == 1 for rater in (0, 1)):
        return Agreement(value, None, n, observed)
    return Agreement(value, _kappa_interval(counts, categories, n, value), n, observed)


def kappa_standard_error(table: Sequence[Sequence[float]], n: float) -> float:
    """Of kappa, from shares that sum to 1 and the number of ratings, after Fleiss, Cohen and Everitt."""
    size = range(len(table))
    rows, columns = _margins(table)
    chance = sum(rows[i] * columns[i] for i in size)
    kappa = _kappa(table)
    on = sum(table[i][i] * (1 - (rows[i] + columns[i]) * (1 - kappa)) ** 2 for i in size)
    off = sum(table[i][j] * (columns[i] + rows[j]) ** 2 for i in size for j in size if i != j)
    variance = on + (1 - kappa) ** 2 * off - (kappa - chance * (1 - kappa)) ** 2
    return math.sqrt(max(0.0, variance) / n) / (1 - chance)


def krippendorff_alpha(units: Sequence[Sequence[str | None]]) -> Agreement:
    """Alpha, nominal; a unit holds the ratings of one thing, None for a missing one.

    Units with fewer than two ratings say nothing about agreement and are left out. Value None where nobody
    used a second category. No interval where every unit is unanimous: there is nothing to resample, and an
    interval of no width would claim certainty.
    """
    rated = [Counter(rating for rating in unit if rating is not None) for unit in units]
    patterns = Counter(frozenset(unit.items()) for unit in rated if unit.total() > 1)
    n = patterns.total()
    if n == 0:
        return Agreement(None, None, 0, 0.0)
    # In a stated order, for a set's own order differs from run to run and the draws would too.
    weights = {pattern: float(patterns[pattern]) for pattern in sorted(patterns, key=sorted)}
    value, observed = _alpha(weights)
    if value is None or observed == 1:
        return Agreement(value, None, n, observed)
    rng, found = Random(SEED), []
    for _ in range(RESAMPLES):
        again = _alpha({pattern: rng.gammavariate(count, 1) for pattern, count in weights.items()}, n)[0]
        if again is not None:
            found.append(again)
    found.sort()
    tail = round((1 - CONFIDENCE) / 2 * len(found))
    interval = Interval(min(found[tail], value), max(found[-1 - tail], value))
    return Agreement(value, interval, n, observed)


def _margins(table: Sequence[Sequence[float]]) -> tuple[list[float], list[float]]:
    return [math.fsum(row) for row in table], [math.fsum(column) for column in zip(*table, strict=True)]


def _kappa(table: Sequence[Sequence[float]]) -> float:
    rows, columns = _margins(table)
    chance = math.fsum(row * column for row, column in zip(rows, columns, strict=True))
    return (math.fsum(table[i][i] for i in range(len(table))) - chance) / (1 - chance)


def _kappa_interval(
    counts: Mapping[tuple[str, str], int], categories: Sequence[str], n: int, value: float
) -> Interval:
    each = ADDED / len(categories) ** 2
    table = [[(counts.get((one, two), 0) + each) / (n + ADDED) for two in categories] for one in categories]
    kappa = _kappa(table)
    half = normal_quantile() * kappa_standard_error(table, n) / (1 - kappa * kappa)
    low, high = math.tanh(math.atanh(kappa) - half), math.tanh(math.atanh(kappa) + half)
    # The added rating pulls a little; the value itself always lies inside.
    return Interval(min(low, value), max(high, value))


_Pattern = frozenset[tuple[str, int]]


def _alpha(weights: Mapping[_Pattern, float], units: float | None = None) -> tuple[float | None, float]:
    """Alpha and the observed agreement; weights are scaled to sum to ``units`` where that is given."""
    scale = 1.0 if units is None else units / math.fsum(weights.values())
    differing, ratings = 0.0, 0.0
    totals: defaultdict[str, float] = defaultdict(float)
    for pattern, weight in weights.items():
        size = sum(count for _, count in pattern)
        same = sum(count * (count - 1) for _, count in pattern)
        differing += weight * scale * (size * (size - 1) - same) / (size - 1)
        ratings += weight * scale * size
        for category, count in pattern:
            totals[category] += weight * scale * count
    by_chance = ratings * ratings - math.fsum(total * total for total in totals.values())
    observed = 1 - differing / ratings
    if len(totals) == 1:
        return None, observed
    return 1 - (ratings - 1) * differing / by_chance, observed
