"""How often the statistics of a baseline are right: ``python -m benchmarks.gate [--small] [--json]``.

Coverage of every interval by simulation (seeded), shares of the decision by exact enumeration where that is
possible. The intervals and the rule are the ones of ``tools``; nothing is computed twice here.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tools.calibration import FEWEST_OF_A_KIND, prediction_powered, rogan_gladen
from tools.clusters import clustered_wilson
from tools.decision import FEWEST_MEASURED, Decision, DecisionKind, decide
from tools.interrater import cohen_kappa
from tools.paired import paired_interval
from tools.rubric import parse_rubric
from tools.scoring import Score
from tools.statistics import (
    DEFAULT_CERTAINTY,
    DEFAULT_THRESHOLDS,
    Interval,
    band_probabilities,
    wilson,
)

SEED = 4
SIZES = (50, 200)
RATES = (0.45, 0.50, 0.55, 0.60, 0.65, 0.70, 0.75, 0.80, 0.85)
TOPICS = 8
KINDS = tuple(DecisionKind)
UNDECIDED = DecisionKind.UNDECIDED
Counts = NDArray[np.int64]
RUBRIC = parse_rubric(
    "name: T\npass_threshold: 0.8\ncategories: {a: {weight: 1}}\n"
    "criteria: [{id: A, category: a, question: q}]",
    "t",
)


class Runs(NamedTuple):
    """How many samples each table draws."""

    coverage: int
    clustered: int
    further: int
    judged: int


FULL = Runs(coverage=20_000, clustered=4_000, further=1_500, judged=6_000)
SMALL = Runs(coverage=1_000, clustered=250, further=120, judged=300)


class Coverage(NamedTuple):
    """Of one interval, 95 % meant."""

    interval: str
    truth: str
    n: int
    covered: float
    width: float
    given: float
    """Share of samples in which there is an interval at all."""


class Shares(NamedTuple):
    """Of decisions at one true rate."""

    rule: str
    rate: float
    n: int
    kinds: dict[str, float]
    wrong: float
    """Decided, and not what the true rate leads to."""


class Least(NamedTuple):
    """The rule without a minimum, at one number of answers and at the worst one from there on."""

    n: int
    ten_points: float
    """Largest share wrong, at true rates ten points from the nearest threshold."""
    five_points: float
    ten_points_from_here: float
    five_points_from_here: float


class Further(NamedTuple):
    """After as many further scenarios as the decision over 50 answers asked for."""

    rate: float
    asked: float
    """Share of runs that asked for a number."""
    median: float | None
    settled: float
    wrong: float
    """Share of the settled ones."""


class Judged(NamedTuple):
    """Decisions through a judge that errs: on its rate alone, and with 50 labels beside it."""

    rule: str
    rate: float
    sensitivity: float
    specificity: float
    n: int
    wrong: float
    undecided: float


def tally(rows: Counts, interval: Callable[..., Interval | None], truth: float) -> tuple[float, float, float]:
    """Covered, mean width and share given, over tables of counts; every different table is computed once."""
    tables, times = np.unique(rows, axis=0, return_counts=True)
    found = [interval(*(int(count) for count in table)) for table in tables]
    covered = width = given = 0.0
    for each, weight in zip(found, times.tolist(), strict=True):
        if each is not None:
            given += weight
            covered += weight * (each.low <= truth <= each.high)
            width += weight * (each.high - each.low)
    return covered / given, width / given, given / len(rows)


def coverages(rng: np.random.Generator, runs: Runs) -> Iterable[Coverage]:
    """Every interval at both sizes."""
    for n in SIZES:
        for rate in (0.5, 0.65, 0.8, 0.95):
            rows = rng.binomial(n, rate, size=(runs.coverage, 1))
            found = tally(rows, lambda passes, n=n: wilson(passes, n), rate)
            yield Coverage("Wilson", f"{rate:.0%}", n, *found)
        for spread in (0.0, 0.1, 0.2):
            yield from clustered_coverage(rng, runs, n, spread)
        for first, second, together in ((0.6, 0.7, 0.5), (0.7, 0.7, 0.6), (0.8, 0.9, 0.75)):
            cells = [together, first - together, second - together, 1 - first - second + together]
            rows = rng.multinomial(n, cells, size=runs.coverage)
            found = tally(rows, lambda a, b, c, d: paired_interval(a, b, c, a + b + c + d), second - first)
            yield Coverage("paired difference", f"{first:.0%} and {second:.0%}", n, *found)
        for rate, right, rejected in ((0.6, 0.95, 0.7), (0.7, 0.9, 0.8), (0.8, 0.95, 0.9)):
            yield from corrected_coverage(rng, runs, n, (rate, right, rejected))


def clustered_coverage(rng: np.random.Generator, runs: Runs, n: int, spread: float) -> Iterable[Coverage]:
    """Topics drawn by a Beta law with this intra-class correlation; then the first draw, kept as it is."""
    rate, sizes = 0.65, np.full(TOPICS, n // TOPICS) + (np.arange(TOPICS) < n % TOPICS)
    shape = (runs.clustered, TOPICS)
    strength = 1 / spread - 1 if spread else 0
    drawn = rng.beta(rate * strength, (1 - rate) * strength, size=shape) if spread else np.full(shape, rate)
    fixed = np.broadcast_to(drawn[0], shape)
    for what, rates in (("drawn", drawn), ("fixed", fixed)):
        truth = rate if what == "drawn" else float((fixed[0] * sizes).sum() / n)
        rows = rng.binomial(sizes, rates)
        said = f"{truth:.0%}, {TOPICS} topics {what}, correlation {spread}"
        yield Coverage("clustered Wilson", said, n, *tally(rows, lambda *p, s=sizes: of_topics(p, s), truth))
        found = tally(rows.sum(1, keepdims=True), lambda passes, n=n: wilson(passes, n), truth)
        yield Coverage("plain Wilson", said, n, *found)
        if not spread:
            return


def of_topics(passes: Sequence[int], sizes: Sequence[int]) -> Interval | None:
    groups = {str(i): (p, int(s)) for i, (p, s) in enumerate(zip(passes, sizes, strict=True))}
    found = clustered_wilson(groups)
    return None if found is None else Interval(found.low, found.high)


def corrected_coverage(
    rng: np.random.Generator, runs: Runs, n: int, judge: tuple[float, float, float]
) -> Iterable[Coverage]:
    """Both corrected rates and kappa, with 30 and 50 labels."""
    rate, right, rejected = judge
    cells = cells_of(*judge)
    kappa = kappa_of(cells)
    for labels in (30, 50):
        said = f"{rate:.0%}, judge {right}/{rejected}, {labels} labels"
        rows = labelled(rng, cells, n, labels, runs.coverage)
        yield Coverage("prediction-powered", said, n, *tally(rows, lambda *row, n=n: powered(row, n), rate))
        yield Coverage("Rogan–Gladen", said, n, *tally(rows, lambda *row, n=n: gladen(row, n), rate))
        if n == SIZES[0]:
            found = tally(rows[:, :4], agreement, kappa)
            yield Coverage("kappa", f"{kappa:.2f}, {labels} labels", labels, *found)


def cells_of(rate: float, right: float, rejected: float) -> list[float]:
    """Probabilities that both pass, only the judge, only the person, neither."""
    return [rate * right, (1 - rate) * (1 - rejected), rate * (1 - right), (1 - rate) * rejected]


def kappa_of(cells: Sequence[float]) -> float:
    a, b, c, d = cells
    chance = (a + b) * (a + c) + (c + d) * (b + d)
    return (a + d - chance) / (1 - chance)


def labelled(rng: np.random.Generator, cells: Sequence[float], n: int, labels: int, runs: int) -> Counts:
    """Rows of the four labelled counts and the judge's passes on all ``n``."""
    table = rng.multinomial(labels, cells, size=runs)
    rest = rng.binomial(n - labels, cells[0] + cells[1], size=runs)
    return np.column_stack([table, table[:, 0] + table[:, 1] + rest])


def powered(row: Sequence[int], n: int) -> Interval | None:
    a, b, c, d, passes = row
    return prediction_powered(passes, n, (a, b, c, d)).interval


def gladen(row: Sequence[int], n: int) -> Interval | None:
    a, b, c, d, passes = row
    if min(a + c, b + d) < FEWEST_OF_A_KIND:
        return None
    found = rogan_gladen(passes, n, (a, a + c), (d, b + d))
    return None if found is None else found.interval


def agreement(a: int, b: int, c: int, d: int) -> Interval | None:
    pairs = [("p", "p")] * a + [("p", "f")] * b + [("f", "p")] * c + [("f", "f")] * d
    return cohen_kappa(pairs).interval


def right_at(rate: float) -> DecisionKind:
    low, high = DEFAULT_THRESHOLDS
    if rate < low:
        return DecisionKind.FULL_PIPELINE
    return DecisionKind.FINE_TUNE if rate < high else DecisionKind.DEPLOY


@cache
def decided(passes: int, n: int) -> Decision:
    row: dict[str, Any] = {"score": None, "unmeasured": False, "categories": {}}
    good, bad = (Score.model_validate(row | {"passed": passed}) for passed in (True, False))
    return decide([good] * passes + [bad] * (n - passes), RUBRIC)


def naive(passes: int, n: int) -> DecisionKind:
    """The observed rate against the thresholds, in whole numbers."""
    low, high = (round(threshold * 100) for threshold in DEFAULT_THRESHOLDS)
    if passes * 100 < low * n:
        return DecisionKind.FULL_PIPELINE
    return DecisionKind.FINE_TUNE if passes * 100 < high * n else DecisionKind.DEPLOY


def without_minimum(passes: int, n: int) -> DecisionKind:
    """The rule as it would be with no least number of answers."""
    bands = band_probabilities(passes, n)
    kind = naive(passes, n)
    sure = {
        DecisionKind.FULL_PIPELINE: bands.below,
        DecisionKind.FINE_TUNE: bands.between,
        DecisionKind.DEPLOY: bands.above,
    }
    return kind if sure[kind] >= DEFAULT_CERTAINTY else UNDECIDED


def chances(n: int, rate: float) -> list[float]:
    """Of 0 to n passes, exactly."""
    ways = [math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) for k in range(n + 1)]
    logs = [w + k * math.log(rate) + (n - k) * math.log1p(-rate) for k, w in enumerate(ways)]
    return [math.exp(log) for log in logs]


def shares(rule: str, kind: Callable[[int, int], DecisionKind], rate: float, n: int) -> Shares:
    found = dict.fromkeys(KINDS, 0.0)
    for passes, chance in enumerate(chances(n, rate)):
        found[kind(passes, n)] += chance
    wrong = sum(share for each, share in found.items() if each not in {UNDECIDED, right_at(rate)})
    return Shares(rule, rate, n, {each.value: share for each, share in found.items()}, wrong)


def decisions() -> list[Shares]:
    rules = (("ours", lambda passes, n: decided(passes, n).kind), ("naive", naive))
    return [shares(name, rule, rate, n) for n in SIZES for rate in RATES for name, rule in rules]


def least(most: int) -> list[Least]:
    """What a minimum is for: shares wrong without one, by the number of answers up to ``most``."""

    def worst(rates: Sequence[float], n: int) -> float:
        return max(shares("", without_minimum, rate, n).wrong for rate in rates)

    by_size = {n: (worst((0.4, 0.6, 0.8), n), worst((0.45, 0.55, 0.65, 0.75), n)) for n in range(3, most + 1)}
    shown = [n for n in (3, 5, 10, 20, FEWEST_MEASURED, 40, 50) if n <= most]
    return [
        Least(n, *by_size[n], *(max(by_size[m][i] for m in range(n, most + 1)) for i in (0, 1)))
        for n in shown
    ]


def further(rng: np.random.Generator, runs: Runs) -> list[Further]:
    """Whether the number of further scenarios that is asked for after 50 does settle it."""
    n, found = SIZES[0], []
    for rate in RATES:
        asked, settled, wrong = [], 0, 0
        for passes in rng.binomial(n, rate, size=runs.further).tolist():
            more = decided(passes, n).further_scenarios
            if more:
                asked.append(more)
                kind = decided(passes + int(rng.binomial(more, rate)), n + more).kind
                settled += kind is not UNDECIDED
                wrong += kind not in {UNDECIDED, right_at(rate)}
        median = float(np.median(asked)) if asked else None
        share = settled / len(asked) if asked else 0.0
        found.append(Further(rate, len(asked) / runs.further, median, share, wrong / max(1, settled)))
    return found


def through_a_judge(rng: np.random.Generator, runs: Runs) -> list[Judged]:
    """What labels change.

    Beside the judge's rate alone and the rule of ``tools.decision`` (undecided where the corrected rate leads
    elsewhere), a laxer one that is not in use: undecided where its whole interval does.
    """
    found = []
    for rate, right, rejected in ((0.6, 0.95, 0.7), (0.65, 0.9, 0.6), (0.75, 0.8, 0.9), (0.75, 0.95, 0.9)):
        for n in SIZES:
            rows = labelled(rng, cells_of(rate, right, rejected), n, 50, runs.judged)
            tables, times = np.unique(rows, axis=0, return_counts=True)
            rules = {name: dict.fromkeys(KINDS, 0) for name in ("judge alone", "with labels", "laxer")}
            for (a, b, c, d, passes), weight in zip(tables.tolist(), times.tolist(), strict=True):
                raw = decided(passes, n)
                corrected = prediction_powered(passes, n, (a, b, c, d))
                rules["judge alone"][raw.kind] += weight
                rules["with labels"][labels_decide(raw, corrected.rate)] += weight
                rules["laxer"][where_none_agrees(raw, corrected.interval)] += weight
            for name, kinds in rules.items():
                wrong = sum(times for kind, times in kinds.items() if kind not in {UNDECIDED, right_at(rate)})
                shares_of = (wrong / runs.judged, kinds[UNDECIDED] / runs.judged)
                found.append(Judged(name, rate, right, rejected, n, *shares_of))
    return found


def labels_decide(raw: Decision, rate: float) -> DecisionKind:
    """Step 5 of the rule, without writing its sentences for every table."""
    return raw.kind if right_at(rate) is raw.leaning else UNDECIDED


def where_none_agrees(raw: Decision, interval: Interval) -> DecisionKind:
    """Undecided where no rate within the interval leads to what the judge alone leans to."""
    inside = [rate for rate in DEFAULT_THRESHOLDS if interval.low <= rate <= interval.high]
    return raw.kind if raw.leaning in {right_at(rate) for rate in (*interval, *inside)} else UNDECIDED


def figures(small: bool) -> dict[str, Any]:
    runs = SMALL if small else FULL
    rng = np.random.default_rng(SEED)
    return {
        "coverage": [row._asdict() for row in coverages(rng, runs)],
        "decisions": [row._asdict() for row in decisions()],
        "least": [row._asdict() for row in least(60 if small else 200)],
        "further": [row._asdict() for row in further(rng, runs)],
        "judged": [row._asdict() for row in through_a_judge(rng, runs)],
    }


def markdown(title: str, rows: Sequence[dict[str, Any]]) -> str:
    flat = [{k: v for key, value in row.items() for k, v in cells(key, value)} for row in rows]
    head = list(flat[0])
    lines = [f"## {title}", "", f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row.values())} |" for row in flat), ""])


def cells(key: str, value: Any) -> Iterable[tuple[str, str]]:
    if isinstance(value, dict):
        return [pair for name, inner in value.items() for pair in cells(name, inner)]
    name = key.replace("_", " ")
    return [(name, f"{value:.3f}" if isinstance(value, float) else "–" if value is None else str(value))]


TITLES = {
    "coverage": "Coverage of the 95 % intervals",
    "decisions": "The decision by true rate, exact (perfect judge, nothing unmeasured)",
    "least": "Why a least number of answers: shares wrong without one, exact",
    "further": "After as many further scenarios as were asked for at 50",
    "judged": "Through a judge that errs: its rate alone, and with 50 labels beside it",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="few samples, to see that it works")
    parser.add_argument("--json", action="store_true", help="figures alone")
    options = parser.parse_args()
    found = figures(options.small)
    if options.json:
        print(json.dumps(found, ensure_ascii=False))
        return
    for name, rows in found.items():
        print(markdown(TITLES[name], rows))


if __name__ == "__main__":
    main()
