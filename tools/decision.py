"""From scores to a decision: deploy, fine-tune, full pipeline, or not decided yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

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
    """How many more would settle it if the rates stay as they are; 0 when it is settled, None when no number
    that can be recommended would."""
    gate_failures: dict[str, int]
    """Criterion to the number of answers in which it failed as a gate; only those that did."""
    answers_failing_a_gate: int


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
        """What it could be, were the unmeasured answers all good, all bad, or all bad at a gate."""
        n, u = counts.measured + counts.unmeasured, counts.unmeasured
        at_gates = u if counts.has_gates else 0
        return {
            self.kind(counts.passes + u, n, counts.gate_failures),
            self.kind(counts.passes, n, counts.gate_failures),
            # The rest would pass: the worst for the gates that is the best for the pass rate.
            *(self.kind(counts.passes + u - k, n, counts.gate_failures + k) for k in range(1, at_gates + 1)),
        }

    def settled(self, counts: _Counts) -> bool:
        kind = self.kind(counts.passes, counts.measured, counts.gate_failures)
        return self.extremes(counts) == {kind} and self.probability(kind, counts) >= self.certainty


def decide(
    results: Sequence[Score | None],
    rubric: Rubric,
    *,
    thresholds: tuple[float, float] = DEFAULT_THRESHOLDS,
    certainty: float = DEFAULT_CERTAINTY,
    gate_share_limit: float = GATE_SHARE_LIMIT,
    judge_problem: str | None = None,
) -> Decision:
    """The decision from one score for each scenario; None stands for an answer that was never assessed.

    ``judge_problem`` is a sentence that says why the judge cannot be trusted, such as a failed preflight; the
    numbers are then reported, and decide nothing.

    The rule:

    1. Nothing measured, or a judge that cannot be trusted: UNDECIDED.
    2. The pass rate over the measured answers points to FULL_PIPELINE (under the lower threshold), FINE_TUNE
       (between) or DEPLOY (at the upper one or over it). Where more than ``gate_share_limit`` of the measured
       answers fail a gate, any gate, DEPLOY becomes FINE_TUNE.
    3. If the unmeasured answers could lead to another result of step 2, whatever mixture of passes, failures
       and gate failures they were: UNDECIDED.
    4. If the posterior probability (Jeffreys prior) of the true rate's lying where the pointed-to decision
       holds is under ``certainty``: UNDECIDED.
    5. Otherwise the decision is what step 2 points to.

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
    kind, leaning, further, reason = _judge(rule, counts, by_gate)
    if judge_problem is not None:
        kind, further = DecisionKind.UNDECIDED, None
        said = f"{_headline(counts)} These numbers decide nothing." if counts.measured else reason
        reason = f"{said} {judge_problem}"
    n = len(measured)
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
        return leaning, leaning, 0, " ".join(sentences)
    further = first_settled(lambda n: rule.settled(counts.ahead(n)))
    sentences.append(_why_open(rule, leaning, counts, further))
    return DecisionKind.UNDECIDED, leaning, further, " ".join(sentences)


def _headline(counts: _Counts) -> str:
    passes, n, u = int(counts.passes), int(counts.measured), counts.unmeasured
    interval = wilson(passes, n)
    apart = f" {u} more could not be measured and are counted apart." if u else ""
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
    others = rule.extremes(counts) - {leaning}
    if others:
        names = " or ".join(sorted(kind.value for kind in others))
        parts.append(
            f"{counts.unmeasured} unmeasured answers could turn {leaning.value} into {names}: measure them."
        )
    sure = rule.probability(leaning, counts)
    if sure < rule.certainty:
        asked = f"{rule.certainty:.0%}"
        parts.append(
            f"{leaning.value} is right with probability {sure:.0%}, less than the {asked} asked for."
        )
    if further is not None:
        parts.append(f"About {further} further scenarios would settle it if the rates stay as they are.")
    elif sure < rule.certainty:
        parts.append("The rate is so close to a threshold that no reasonable number of scenarios settles it.")
    return " ".join(parts)
