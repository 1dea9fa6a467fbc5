"""From scores to a decision: deploy, fine-tune, full pipeline, or not decided yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from tools.calibration import CorrectedRate
from tools.clusters import ClusteredInterval, clustered_wilson
from tools.rubric import Rubric
from tools.scoring import Score
from tools.statistics import (
    DEFAULT_CERTAINTY,
    DEFAULT_THRESHOLDS,
    BandProbabilities,
    Interval,
    band_probabilities,
    first_settled,
    wilson,
)

GATE_SHARE_LIMIT = 0.05
FEWEST_MEASURED = 30
"""Measured answers under which nothing is decided.

Without it 3 of 3 would deploy a model whose true rate is 65 % in 27 % of runs. By exact enumeration
(``benchmarks/gate.py``), at 30 and every larger size a model ten points inside another band is decided
wrongly in at most 7 % of runs, one five points inside in at most 11 %; with 3 to 10 answers in up to 31 and
33 %. It is also where no gate failure at all begins to mean something: a true share of 10 % shows none of 30
in 4 % of runs.
"""
SETTLED_TIMES = "six times in ten"
"""How often a number of further scenarios really settles it, in the simulation of ``benchmarks/gate.py``."""
NEARLY_NOTHING = 0.05
"""A pass rate up to this looks more like a broken set-up than like a weak model."""


class DecisionKind(StrEnum):
    """What the baseline says to do, as the method names it."""

    DEPLOY = "DEPLOY"
    FINE_TUNE = "FINE_TUNE"
    FULL_PIPELINE = "FULL_PIPELINE"
    UNDECIDED = "UNDECIDED"


class Decision(BaseModel):
    """A decision with the numbers that it was computed from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: DecisionKind
    leaning: DecisionKind | None
    """What the pass rate alone points to; None when nothing was measured."""
    passes: int
    measured: int
    unmeasured: int
    pass_rate: float | None
    """Passes / measured."""
    interval: Interval | None
    """Wilson, 95 %."""
    band_probabilities: BandProbabilities | None
    """Posterior probabilities that the true rate lies under, between and over the thresholds."""
    reason: str
    """One sentence or a few, for the person."""
    further_scenarios: int | None
    """How many more would settle it if the rates stay as they are, which they need not; with too few
    measured, how many are missing. 0 when it is settled, None when no number that can be recommended
    would."""
    gate_failures: dict[str, int]
    """Criterion to the number of answers in which it failed as a gate; only those that did."""
    answers_failing_a_gate: int
    clustered: ClusteredInterval | None = None
    """Of the pass rate, for a fresh draw of topics; shown, and decides nothing. None where topics were not
    given or cannot tell."""
    corrected: CorrectedRate | None = None
    """The pass rate corrected by a person's labels, where there are enough."""


class _Counts(BaseModel):
    """What a decision depends on; fractional when looking ahead."""

    model_config = ConfigDict(frozen=True)

    passes: float
    measured: float
    gate_failures: float
    unmeasured: int
    has_gates: bool

    def ahead(self, further: int) -> _Counts:
        """As it would be after ``further`` scenarios at the present rates, none of them unmeasured."""
        scale = (self.measured + further) / self.measured
        update = {name: getattr(self, name) * scale for name in ("passes", "measured", "gate_failures")}
        return self.model_copy(update=update)


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True)

    thresholds: tuple[float, float]
    certainty: float
    gate_share_limit: float

    def kind(self, passes: float, n: float, gate_failures: float) -> DecisionKind:
        """By the point estimates alone."""
        low, high = self.thresholds
        # Whole-number comparison: 35 of 50 is 70 %, whatever 0.7 is in binary.
        if passes < low * n - 1e-9:
            return DecisionKind.FULL_PIPELINE
        if passes < high * n - 1e-9 or gate_failures > self.gate_share_limit * n + 1e-9:
            return DecisionKind.FINE_TUNE
        return DecisionKind.DEPLOY

    def probability(self, kind: DecisionKind, counts: _Counts) -> float:
        """Posterior probability of the band that leads to ``kind``; a forbidden DEPLOY leads to FINE_TUNE."""
        bands = band_probabilities(counts.passes, counts.measured, self.thresholds)
        forbidden = counts.gate_failures > self.gate_share_limit * counts.measured + 1e-9
        if kind is DecisionKind.FULL_PIPELINE:
            return bands.below
        if kind is DecisionKind.DEPLOY:
            return bands.above
        return bands.between + bands.above if forbidden else bands.between

    def extremes(self, counts: _Counts) -> set[DecisionKind]:
        """What it could be, were the unmeasured answers any mixture of good, bad, and bad at a gate."""
        n, u = counts.measured + counts.unmeasured, counts.unmeasured

        def bad(k: int) -> DecisionKind:
            return self.kind(counts.passes + u - k, n, counts.gate_failures)

        def bad_at_a_gate(k: int) -> DecisionKind:
            return self.kind(counts.passes + u - k, n, counts.gate_failures + k)

        return _passed_through(bad, u) | (_passed_through(bad_at_a_gate, u) if counts.has_gates else set())

    def settled(self, counts: _Counts) -> bool:
        if counts.measured < FEWEST_MEASURED:
            return False
        kind = self.kind(counts.passes, counts.measured, counts.gate_failures)
        return self.extremes(counts) == {kind} and self.probability(kind, counts) >= self.certainty


def _passed_through(kind: Callable[[int], DecisionKind], u: int) -> set[DecisionKind]:
    """All kinds from ``kind(0)`` to ``kind(u)``, where the kind only gets worse as the number grows."""
    first, last = kind(0), kind(u)
    if {first, last} != {DecisionKind.DEPLOY, DecisionKind.FULL_PIPELINE}:
        return {first, last}
    good, worse = 0, u
    while worse - good > 1:
        middle = (good + worse) // 2
        good, worse = (middle, worse) if kind(middle) is first else (good, middle)
    return {first, kind(worse), last}


def decide(
    results: Sequence[Score | None],
    rubric: Rubric,
    *,
    thresholds: tuple[float, float] = DEFAULT_THRESHOLDS,
    certainty: float = DEFAULT_CERTAINTY,
    gate_share_limit: float = GATE_SHARE_LIMIT,
    judge_problem: str | None = None,
    topics: Sequence[str] | None = None,
    corrected: CorrectedRate | None = None,
) -> Decision:
    """The decision from one score for each scenario; None stands for an answer that was never assessed.

    ``judge_problem`` is a sentence that says why the judge cannot be trusted, such as a failed preflight; the
    numbers are then reported, and decide nothing. ``topics`` stand beside the results, one each (ValueError
    otherwise). ``corrected`` is the pass rate that a person's labels lead to.

    The rule:

    1. Nothing measured, fewer than ``FEWEST_MEASURED``, or a judge that cannot be trusted: UNDECIDED.
    2. The pass rate over the measured answers points to FULL_PIPELINE (under the lower threshold), FINE_TUNE
       (between) or DEPLOY (at the upper one or over it). Where more than ``gate_share_limit`` of the measured
       answers fail a gate, any gate, DEPLOY becomes FINE_TUNE.
    3. If the unmeasured answers could lead to another result of step 2, whatever mixture of passes, failures
       and gate failures they were: UNDECIDED.
    4. If the posterior probability (Jeffreys prior) of the true rate's lying where the pointed-to decision
       holds is under ``certainty``: UNDECIDED.
    5. If the rate that people's labels correct (``corrected``) leads elsewhere in step 2: UNDECIDED, and no
       number of further scenarios settles it. Taking it back only where the whole interval leads elsewhere
       prevents few wrong decisions with 50 labels (``benchmarks/gate.py``).
    6. Otherwise the decision is what step 2 points to.

    The topic-clustered interval takes no part. It answers how the rate would vary over a fresh random draw of
    topics. But the topics of a baseline are no sample: they are strata that a person chose, with weights, and
    the question is asked of them. Scenarios vary within the strata only, so even the plain interval is a
    little too wide. Where the clustered one takes back what the plain one says about a threshold, a sentence
    says so: for topics other than these the rate is less sure.

    Everything is recomputed from ``results``; nothing is read from a stored headline.
    """
    scores = [score for score in results if score is not None]
    measured = [score for score in scores if not score.unmeasured]
    passes = sum(score.passed is True for score in measured)
    failing = [score.gate_failed for score in measured if score.gate_failed]
    by_gate = Counter(gate for gates in failing for gate in gates)
    counts = _Counts(
        passes=passes,
        measured=len(measured),
        gate_failures=len(failing),
        unmeasured=len(results) - len(measured),
        has_gates=bool(rubric.gates),
    )
    rule = _Rule(thresholds=thresholds, certainty=certainty, gate_share_limit=gate_share_limit)
    n = len(measured)
    clustered = _clustered(results, topics)
    kind, leaning, further, reason = _judge(rule, counts, by_gate)
    if clustered is not None and (sentence := _what_clusters_change(rule, wilson(passes, n), clustered)):
        reason = f"{reason} {sentence}"
    if corrected is not None and leaning is not None:
        taken_back = _what_labels_change(rule, counts, leaning, corrected)
        if taken_back is not None:
            kind, further, reason = DecisionKind.UNDECIDED, None, f"{_headline(counts)} {taken_back}"
    if judge_problem is not None:
        kind, further = DecisionKind.UNDECIDED, None
        said = f"{_headline(counts)} These numbers decide nothing." if counts.measured else reason
        reason = f"{said} {judge_problem}"
    return Decision(
        kind=kind,
        leaning=leaning,
        passes=passes,
        measured=n,
        unmeasured=counts.unmeasured,
        pass_rate=passes / n if n else None,
        interval=wilson(passes, n) if n else None,
        band_probabilities=band_probabilities(passes, n, thresholds) if n else None,
        reason=reason,
        further_scenarios=further,
        gate_failures={gate: by_gate[gate] for gate in rubric.ids if by_gate[gate]},
        answers_failing_a_gate=len(failing),
        clustered=clustered,
        corrected=corrected,
    )


def _clustered(results: Sequence[Score | None], topics: Sequence[str] | None) -> ClusteredInterval | None:
    if topics is None:
        return None
    if len(topics) != len(results):
        raise ValueError("topics stand beside the results, one each")
    groups: dict[str, tuple[int, int]] = {}
    for topic, score in zip(topics, results, strict=True):
        if score is not None and not score.unmeasured:
            passes, n = groups.get(topic, (0, 0))
            groups[topic] = (passes + (score.passed is True), n + 1)
    return clustered_wilson(groups)


def _what_clusters_change(rule: _Rule, plain: Interval, clustered: ClusteredInterval) -> str | None:
    taken_back = []
    for threshold in rule.thresholds:
        if not plain.low <= threshold <= plain.high and clustered.low <= threshold <= clustered.high:
            side = "over" if plain.low > threshold else "under"
            taken_back.append(f"{side} {threshold:.0%}")
    if not taken_back:
        return None
    return (
        f"The interval lies {' and '.join(taken_back)} for these {clustered.clusters} topics only: they "
        f"differ so much that for other topics it would be {clustered.low:.0%} to {clustered.high:.0%}."
    )


def _what_labels_change(
    rule: _Rule, counts: _Counts, leaning: DecisionKind, corrected: CorrectedRate
) -> str | None:
    """Why the corrected rate takes the decision back; None where it leads to the same one."""

    def kind(rate: float) -> DecisionKind:
        return rule.kind(rate * counts.measured, counts.measured, counts.gate_failures)

    if kind(corrected.rate) is leaning:
        return None
    low, high = corrected.interval
    # The middle band may lie wholly inside of the interval.
    reached = {kind(low), kind(high)} | {kind(rate) for rate in rule.thresholds if low <= rate <= high}
    advice = (
        "label more answers before acting on it"
        if leaning in reached
        else "more scenarios by this judge settle nothing, so mend the rubric or the judge"
    )
    return (
        f"But corrected by a person's labels the rate is {corrected.rate:.0%} (95 % interval {low:.0%} to "
        f"{high:.0%}), where the judge alone says {counts.passes / counts.measured:.0%}. That points to "
        f"{kind(corrected.rate).value}, not to {leaning.value}: {advice}."
    )


def _judge(
    rule: _Rule, counts: _Counts, by_gate: Counter[str]
) -> tuple[DecisionKind, DecisionKind | None, int | None, str]:
    u = counts.unmeasured
    if not counts.measured:
        answers = "There are no answers." if not u else f"None of the {u} answers could be measured."
        return DecisionKind.UNDECIDED, None, None, f"{answers} Nothing can be said about the model."
    leaning = rule.kind(counts.passes, counts.measured, counts.gate_failures)
    sentences = [_headline(counts)]
    forbidden = _forbidden(rule, counts, by_gate)
    if forbidden:
        sentences.append(forbidden)
    if rule.settled(counts):
        sentences.append(_meaning(rule, leaning, counts))
        if reach := _reach(rule, leaning, counts):
            sentences.append(reach)
        return leaning, leaning, 0, " ".join(sentences)
    missing = FEWEST_MEASURED - int(counts.measured)
    # The rate of so few is no ground for a look farther ahead.
    further = missing if missing > 0 else first_settled(lambda n: rule.settled(counts.ahead(n)))
    sentences.append(_why_open(rule, leaning, counts, further))
    return DecisionKind.UNDECIDED, leaning, further, " ".join(sentences)


def _reach(rule: _Rule, kind: DecisionKind, counts: _Counts) -> str | None:
    """Where the interval goes beyond the decision, which rests on the probability all the same."""
    ends = wilson(counts.passes, counts.measured)
    n = counts.measured
    others = {rule.kind(end * n, n, counts.gate_failures) for end in ends} - {kind}
    if not others:
        return None
    names = " and ".join(sorted(other.value for other in others))
    return f"The interval reaches into {names}: {rule.certainty:.0%} certainty was asked for, not 95 %."


def _headline(counts: _Counts) -> str:
    passes, n, u = int(counts.passes), int(counts.measured), counts.unmeasured
    interval = wilson(passes, n)
    apart = f" {u} more could not be measured and {'is' if u == 1 else 'are'} counted apart." if u else ""
    return (
        f"{passes} of {n} measured answers pass, {passes / n:.0%} "
        f"(95 % interval {interval.low:.0%} to {interval.high:.0%}).{apart}"
    )


def _forbidden(rule: _Rule, counts: _Counts, by_gate: Counter[str]) -> str | None:
    failed, n = int(counts.gate_failures), int(counts.measured)
    if not failed > rule.gate_share_limit * n:
        return None
    which = ", ".join(f"{gate} {times}×" for gate, times in sorted(by_gate.items()))
    return (
        f"{failed} of them fail a gate ({which}), more than the {rule.gate_share_limit:.0%} allowed, "
        "which forbids deploying whatever the pass rate."
    )


def _meaning(rule: _Rule, kind: DecisionKind, counts: _Counts) -> str:
    low, high = rule.thresholds
    sure = f"{rule.probability(kind, counts):.0%}"
    if kind is DecisionKind.DEPLOY:
        return (
            f"The true rate is {high:.0%} or more with probability {sure}: deploy, after a person's review."
        )
    if kind is DecisionKind.FULL_PIPELINE:
        said = f"The true rate is under {low:.0%} with probability {sure}: the full pipeline is needed."
        if counts.passes <= NEARLY_NOTHING * counts.measured:
            said += (
                " So few passes look more like a broken set-up than a weak model: read some answers, and "
                "check template, system prompt and quantization, before planning weeks of work on it."
            )
        return said
    if counts.gate_failures > rule.gate_share_limit * counts.measured + 1e-9:
        # With deploying forbidden, everything from the lower threshold up leads to the same decision.
        return f"The true rate is {low:.0%} or more with probability {sure}: fine-tune, and aim at the gates."
    return f"The true rate is between {low:.0%} and {high:.0%} with probability {sure}: fine-tune."


def _why_open(rule: _Rule, leaning: DecisionKind, counts: _Counts, further: int | None) -> str:
    parts: list[str] = []
    n = int(counts.measured)
    if n < FEWEST_MEASURED:
        answers = "1 measured answer is" if n == 1 else f"{n} measured answers are"
        parts.append(f"{answers} too few to decide anything; {FEWEST_MEASURED} are the least.")
    others = rule.extremes(counts) - {leaning}
    if others:
        names = " or ".join(sorted(kind.value for kind in others))
        parts.append(
            f"{counts.unmeasured} unmeasured {'answer' if counts.unmeasured == 1 else 'answers'} could turn "
            f"{leaning.value} into {names}: measure them."
        )
    sure = rule.probability(leaning, counts)
    if sure < rule.certainty:
        asked = f"{rule.certainty:.0%}"
        parts.append(
            f"{leaning.value} is right with probability {sure:.0%}, less than the {asked} asked for."
        )
    if n < FEWEST_MEASURED:
        parts.append(f"At least {further} further scenarios are needed; then the numbers can be read again.")
    elif further is not None:
        parts.append(
            f"About {further} further scenarios would settle it if the rates stay as they are; as chance "
            f"moves them, that many suffice about {SETTLED_TIMES}."
        )
    elif sure < rule.certainty:
        parts.append("The rate is so close to a threshold that no reasonable number of scenarios settles it.")
    return " ".join(parts)
