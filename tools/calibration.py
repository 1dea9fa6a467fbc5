"""What a judge's pass rate is worth, from a person's labels on some of the same answers.

The judge has judged all n measured answers; a person has labelled m of them, drawn at random, without seeing
what the judge said. So the labels are a subset of the answers whose rate is asked for: internal validation,
also called double sampling. Two corrections are computed.

**Prediction-powered** (Angelopoulos et al., "Prediction-powered inference", Science 382, 2023; tuned as in
Angelopoulos, Duchi and Zrnic, "PPI++", arXiv 2311.01453): the labelled rate plus λ times what the judge says
of all answers less what it says of the labelled ones. With a yes-or-no judge and the best λ that is, digit
for digit, the maximum likelihood estimate of double sampling (Tenenbein, JASA 65, 1970):

    p = q · P(person passes | judge passes) + (1 − q) · P(person passes | judge fails)

with q the judge's rate on all n. Its variance is p(1−p) · [(1−K)/m + K/n], with K the squared correlation of
judge and person. The labels are thus worth 1 / [(1−K)/m + K/n] answers, and Wilson's interval is taken on
that number: the normal interval of the papers held the true rate in 89 to 95 % of samples with 30 labels,
this one in 93 to 98 %. In K, half an answer is added to each of the four cells, so that a judge that agrees
on all 30 labels by luck does not count as perfect.

**Rogan–Gladen** (American Journal of Epidemiology 107, 1978): (q + specificity − 1) / (sensitivity +
specificity − 1), with the interval of Lang and Reiczigel (Preventive Veterinary Medicine 113, 2014), which
Lee et al. (arXiv 2511.21140) propose for judges. It is made for sensitivity and specificity measured
elsewhere, on samples independent of these answers. On a subset of them it ignores that the errors of q and of
both measures go together, so it is about twice as wide as need be and holds the true rate in 98 to 100 % of
samples, not 95.

Hence: labels drawn at random from these answers, so the prediction-powered rate is the right one, and a
report shows it first. The Rogan–Gladen rate stands beside it because it is what is known, and is the one to
use when judge and labels come from another run. Neither helps when the labelled answers were chosen because
they looked interesting.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import product
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from tools.interrater import Agreement, cohen_kappa
from tools.statistics import Interval, normal_quantile, wilson

ENOUGH_LABELS = 30
FEWEST_LABELS = 10
"""Under this no corrected rate is given."""
FEWEST_OF_A_KIND = 5
"""Answers that the person passes, and that the person fails, under which a judge's errors cannot be
estimated."""
_ADDED = 0.5


class CorrectedRate(NamedTuple):
    """A pass rate corrected for the judge's errors, with an interval, 95 %, that holds both uncertainties."""

    rate: float
    interval: Interval


class Share(NamedTuple):
    """A share among the labelled answers."""

    value: float
    interval: Interval
    """Wilson, 95 %."""
    n: int
    """Answers that it is a share of."""


class Calibration(BaseModel):
    """A judge beside a person on the same answers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    both_pass: int
    judge_only: int
    """The judge passes them, the person does not."""
    human_only: int
    """The person passes them, the judge does not."""
    both_fail: int
    labels: int
    """Labelled answers that the judge measured too; the four counts above sum to it."""
    judged: int
    """Answers that the judge measured."""
    raw_rate: float | None
    """Share of the judged answers that the judge passes; None without any."""
    raw_interval: Interval | None
    """Wilson, 95 %; knows nothing of the judge's errors."""
    sensitivity: Share | None
    """Of the answers that the person passes, those that the judge passes; None without any."""
    specificity: Share | None
    """Of the answers that the person fails, those that the judge fails; None without any."""
    kappa: Agreement
    """Cohen's, of judge and person."""
    prediction_powered: CorrectedRate | None
    """The right one when the labelled answers were drawn at random from the judged ones; show it first."""
    rogan_gladen: CorrectedRate | None
    sentence: str
    """What the labels say, for people."""
    warnings: tuple[str, ...]
    """Sentences on what limits these numbers, and on which of them are not given."""


class _Table(NamedTuple):
    both_pass: int
    judge_only: int
    human_only: int
    both_fail: int

    @property
    def total(self) -> int:
        return sum(self)

    @property
    def human_passes(self) -> int:
        return self.both_pass + self.human_only

    @property
    def human_fails(self) -> int:
        return self.judge_only + self.both_fail


def calibrate(judged: Mapping[str, bool], labels: Mapping[str, bool]) -> Calibration:
    """The calibration from scenario id → passed, by the judge on all measured answers and by a person on
    some.

    Labels on answers that the judge did not measure are left out, with a warning.
    """
    pairs = [(judged[name], passed) for name, passed in labels.items() if name in judged]
    table = _Table(*(pairs.count((j, h)) for j, h in product((True, False), repeat=2)))
    n, passes = len(judged), sum(judged.values())
    powered = prediction_powered(passes, n, table) if table.total >= FEWEST_LABELS else None
    why_not = _why_no_rogan_gladen(table)
    corrected = None
    if why_not is None:
        corrected = rogan_gladen(
            passes, n, (table.both_pass, table.human_passes), (table.both_fail, table.human_fails)
        )
        why_not = None if corrected else _NO_BETTER_THAN_CHANCE
    return Calibration(
        **table._asdict(),
        labels=table.total,
        judged=n,
        raw_rate=passes / n if n else None,
        raw_interval=wilson(passes, n) if n else None,
        sensitivity=_share(table.both_pass, table.human_passes),
        specificity=_share(table.both_fail, table.human_fails),
        kappa=cohen_kappa([("pass" if j else "fail", "pass" if h else "fail") for j, h in pairs]),
        prediction_powered=powered,
        rogan_gladen=corrected,
        sentence=_sentence(passes, n, table, powered),
        warnings=tuple(_warnings(table, len(labels) - table.total, why_not)),
    )


def prediction_powered(passes: int, n: int, table: tuple[int, int, int, int]) -> CorrectedRate:
    """The rate from the judge's ``passes`` of ``n`` answers and the counts of the labelled ones among them.

    ``table`` holds both pass, only the judge passes, only the person passes, both fail; at least one label.
    Where the judge passes all labelled answers or none, it tells nothing about the others: the labelled rate
    alone, with λ = 0.
    """
    a, b, c, d = table
    labels = a + b + c + d
    if a + b == 0 or c + d == 0:
        return CorrectedRate((a + c) / labels, wilson(a + c, labels))
    judge_rate = passes / n
    rate = judge_rate * a / (a + b) + (1 - judge_rate) * c / (c + d)
    a_, b_, c_, d_ = (count + _ADDED for count in table)
    margins = (a_ + b_) * (c_ + d_) * (a_ + c_) * (b_ + d_)
    shared = (a_ * d_ - b_ * c_) ** 2 / margins
    worth = 1 / ((1 - shared) / labels + shared / n)
    # Rounding may carry a rate of 0 or 1 over the edge.
    rate = min(1.0, max(0.0, rate))
    return CorrectedRate(rate, wilson(rate * worth, worth))


def rogan_gladen(
    passes: int, n: int, sensitivity: tuple[int, int], specificity: tuple[int, int]
) -> CorrectedRate | None:
    """The Rogan–Gladen rate with the interval of Lang and Reiczigel, both clipped to 0 to 1.

    ``sensitivity`` and ``specificity`` are (right, of how many), from samples independent of the ``n``
    answers. None when they sum to 1 or less, before or after the method's own shrinking: such a judge is no
    better than chance, and there is nothing to correct with.
    """
    (right, positives), (rejected, negatives) = sensitivity, specificity
    gain = right / positives + rejected / negatives - 1
    z2 = normal_quantile() ** 2
    n_, m1, m0 = n + z2, positives + 2, negatives + 2
    p, q1, q0 = (passes + z2 / 2) / n_, (right + 1) / m1, (rejected + 1) / m0
    shrunk = q1 + q0 - 1
    if gain <= 0 or shrunk <= 0:
        return None
    rate = _clipped((passes / n + rejected / negatives - 1) / gain)
    centre = (p + q0 - 1) / shrunk
    of_pass, of_fail = q1 * (1 - q1) / m1, q0 * (1 - q0) / m0
    shift = 2 * z2 * (centre * of_pass - (1 - centre) * of_fail)
    variance = p * (1 - p) / n_ + centre**2 * of_pass + (1 - centre) ** 2 * of_fail
    half = math.sqrt(z2 * variance) / shrunk
    # The shift may leave a clipped rate outside; an interval that excludes its own rate helps nobody.
    low = min(rate, _clipped(centre + shift - half))
    high = max(rate, _clipped(centre + shift + half))
    return CorrectedRate(rate, Interval(low, high))


def _clipped(value: float) -> float:
    return min(1.0, max(0.0, value))


def _share(count: int, n: int) -> Share | None:
    return Share(count / n, wilson(count, n), n) if n else None


_NO_BETTER_THAN_CHANCE = (
    "Sensitivity and specificity sum to 1 or less: on these labels the judge is no better than chance. No "
    "Rogan–Gladen rate is given; take another judge or mend the rubric."
)


def _why_no_rogan_gladen(table: _Table) -> str | None:
    for count, what in ((table.human_passes, "pass"), (table.human_fails, "fail")):
        if count < FEWEST_OF_A_KIND:
            return (
                f"By the person only {count} of the labelled answers {what}, fewer than {FEWEST_OF_A_KIND}: "
                "how often the judge errs on such is not known. No Rogan–Gladen rate is given."
            )
    return None


def _warnings(table: _Table, unused: int, why_not: str | None) -> list[str]:
    found = []
    if table.total < FEWEST_LABELS:
        found.append(
            f"{table.total} labels are too few to correct a rate; {FEWEST_LABELS} are the least, "
            f"{ENOUGH_LABELS} to 50 are meant."
        )
    elif table.total < ENOUGH_LABELS:
        found.append(f"{table.total} labels are fewer than {ENOUGH_LABELS}: the intervals are wide.")
    if table.total and why_not is not None:
        found.append(why_not)
    if unused:
        found.append(f"{unused} labels are on answers that the judge did not measure, and are left out.")
    return found


def _sentence(passes: int, n: int, table: _Table, powered: CorrectedRate | None) -> str:
    if not n:
        return "The judge measured no answer, so there is nothing to calibrate."
    if not table.total:
        return f"No judged answer is labelled, so the judge's {passes / n:.0%} stand uncorrected."
    agree = table.both_pass + table.both_fail
    said = f"Judge and person agree on {agree} of {table.total} labelled answers"
    wrong = [
        f"the judge passes {table.judge_only} that the person fails" if table.judge_only else "",
        f"fails {table.human_only} that the person passes" if table.human_only else "",
    ]
    listed = " and ".join(part for part in wrong if part)
    if listed and not table.judge_only:
        listed = f"the judge {listed}"
    said += f"; {listed}." if listed else "."
    if powered is None:
        return said
    return (
        f"{said} Corrected for that, the pass rate is {powered.rate:.0%} (95 % interval "
        f"{powered.interval.low:.0%} to {powered.interval.high:.0%}); the judge alone says {passes / n:.0%}."
    )
