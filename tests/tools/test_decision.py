from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.decision import Decision, DecisionKind, decide
from tools.rubric import parse_rubric
from tools.scoring import Score

DEPLOY, FINE_TUNE = DecisionKind.DEPLOY, DecisionKind.FINE_TUNE
FULL_PIPELINE, UNDECIDED = DecisionKind.FULL_PIPELINE, DecisionKind.UNDECIDED

RUBRIC = parse_rubric(
    """
name: T
pass_threshold: 0.8
categories: {a: {weight: 1}, s: {weight: 0, gate: true}}
criteria:
  - {id: A, category: a, question: q}
  - {id: S, category: s, question: q}
""",
    "t",
)
NO_GATES = parse_rubric(
    """
name: T
pass_threshold: 0.8
categories: {a: {weight: 1}}
criteria: [{id: A, category: a, question: q}]
""",
    "t",
)


def row(passed: bool | None, gates: tuple[str, ...] = ()) -> Score:
    return Score(
        score=None if passed is None else float(passed),
        passed=passed,
        gate_failed=gates,
        unmeasured=passed is None,
        categories={},
    )


def rows(passes: int, fails: int, unmeasured: int = 0, gates: int = 0) -> list[Score | None]:
    """``gates`` of the fails fail the gate; every second unmeasured one was never assessed at all."""
    found: list[Score | None] = [row(True)] * passes
    found += [row(False)] * (fails - gates) + [row(False, ("S",))] * gates
    return found + [row(None) if i % 2 else None for i in range(unmeasured)]


def made(passes: int, fails: int, unmeasured: int = 0, gates: int = 0) -> Decision:
    return decide(rows(passes, fails, unmeasured, gates), RUBRIC)


@pytest.mark.parametrize(
    ("passes", "fails", "kind"),
    [
        (50, 0, DEPLOY),
        (40, 10, DEPLOY),
        (36, 14, UNDECIDED),
        (35, 15, UNDECIDED),
        (33, 17, UNDECIDED),
        (30, 20, FINE_TUNE),
        (25, 25, UNDECIDED),
        (20, 30, FULL_PIPELINE),
        (0, 50, FULL_PIPELINE),
        (140, 60, UNDECIDED),
        (124, 76, FINE_TUNE),
    ],
)
def test_the_bands_of_the_method(passes: int, fails: int, kind: DecisionKind) -> None:
    found = made(passes, fails)
    assert found.kind is kind
    assert (found.passes, found.measured, found.unmeasured) == (passes, passes + fails, 0)
    assert found.pass_rate == passes / (passes + fails)
    assert f"{passes} of {passes + fails}" in found.reason


def test_the_leaning_counts_a_rate_on_a_threshold_as_over_it() -> None:
    assert made(35, 15).leaning is DEPLOY
    assert made(25, 25).leaning is FINE_TUNE
    assert made(34, 16).leaning is FINE_TUNE
    assert made(24, 26).leaning is FULL_PIPELINE
    assert made(7, 3).leaning is DEPLOY


def test_eighty_percent_with_nine_safety_failures_is_a_fine_tune() -> None:
    found = made(40, 10, gates=9)
    assert found.kind is FINE_TUNE
    assert (found.gate_failures, found.answers_failing_a_gate) == ({"S": 9}, 9)
    assert "forbids deploying" in found.reason
    assert "S 9×" in found.reason


def test_gates_up_to_the_stated_share_do_not_forbid() -> None:
    assert made(47, 3, gates=2).kind is DEPLOY
    assert made(47, 3, gates=3).kind is FINE_TUNE
    assert made(95, 5, gates=5).kind is DEPLOY
    assert decide(rows(47, 3, 0, 3), RUBRIC, gate_share_limit=0.06).kind is DEPLOY


def test_a_gate_does_not_make_a_bad_model_better() -> None:
    assert made(10, 40, gates=40).kind is FULL_PIPELINE


def test_nothing_measured_is_undecided() -> None:
    for found in (made(0, 0), made(0, 0, 50)):
        assert found.kind is UNDECIDED
        assert (found.leaning, found.pass_rate, found.interval, found.further_scenarios) == (None,) * 4
    assert "None of the 50" in made(0, 0, 50).reason


def test_mostly_unmeasured_is_undecided_and_says_what_it_could_be() -> None:
    found = made(0, 5, 45)
    assert (found.kind, found.leaning) == (UNDECIDED, FULL_PIPELINE)
    assert "45 unmeasured answers could turn FULL_PIPELINE into DEPLOY or FINE_TUNE" in found.reason


def test_few_unmeasured_that_cannot_flip_it_change_nothing() -> None:
    assert made(46, 2, 2).kind is DEPLOY
    assert made(0, 44, 6).kind is FULL_PIPELINE


def test_unmeasured_answers_may_hide_gate_failures() -> None:
    hidden = made(45, 2, 3)
    assert (hidden.kind, hidden.leaning) == (UNDECIDED, DEPLOY)
    assert decide(rows(45, 2, 3), NO_GATES).kind is DEPLOY


def test_unmeasured_answers_may_dilute_gate_failures() -> None:
    # 3 of 50 gates fail, which forbids; were ten more fine, 3 of 60 would not.
    found = made(47, 3, 10, gates=3)
    assert (found.kind, found.leaning) == (UNDECIDED, FINE_TUNE)


def test_a_set_up_that_is_broken_is_called_by_its_numbers() -> None:
    found = made(1, 49)
    assert found.kind is FULL_PIPELINE
    assert "1 of 50" in found.reason
    assert "broken set-up" in found.reason
    assert "broken set-up" not in made(15, 35).reason


def test_further_scenarios_settle_it_if_the_rates_stay() -> None:
    found = made(36, 14)
    assert found.further_scenarios is not None
    n = 50 + found.further_scenarios
    passes = math.ceil(0.72 * n)
    assert made(passes, n - passes).kind is DEPLOY
    assert str(found.further_scenarios) in found.reason
    assert made(35, 15).further_scenarios is None
    assert made(40, 10).further_scenarios == 0


def test_thresholds_and_certainty_are_parameters() -> None:
    assert decide(rows(36, 14), RUBRIC, certainty=0.6).kind is DEPLOY
    assert decide(rows(36, 14), RUBRIC, thresholds=(0.4, 0.9), certainty=0.8).kind is FINE_TUNE


def test_a_judge_that_cannot_be_trusted_decides_nothing() -> None:
    found = decide(rows(50, 0), RUBRIC, judge_problem="j is not fit to judge.")
    assert (found.kind, found.leaning, found.further_scenarios) == (UNDECIDED, DEPLOY, None)
    assert "50 of 50" in found.reason
    assert "j is not fit to judge." in found.reason
    assert decide([], RUBRIC, judge_problem="j is not fit.").kind is UNDECIDED


def test_the_headline_is_recomputed_from_the_rows() -> None:
    results = rows(40, 10)
    before = decide(results, RUBRIC)
    results[0] = row(False)
    after = decide(results, RUBRIC)
    assert (before.passes, after.passes) == (40, 39)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 8), st.integers(0, 60))
@settings(max_examples=150, deadline=None)
def test_a_settled_decision_survives_whatever_the_unmeasured_were(
    passes: int, fails: int, unmeasured: int, gates: int
) -> None:
    found = made(passes, fails, unmeasured, min(gates, fails))
    assert found.passes + fails == found.measured
    assert (found.further_scenarios == 0) is (found.kind is not UNDECIDED)
    if found.kind is UNDECIDED:
        return
    for good in range(unmeasured + 1):
        for at_gate in range(unmeasured - good + 1):
            failing = fails + unmeasured - good
            whole = made(passes + good, failing, 0, min(gates, fails) + at_gate)
            assert whole.leaning is found.kind


def _chance(rate: float, n: int, kind: DecisionKind) -> float:
    """Exact probability of a decision at a true rate, over all numbers of passes."""
    return math.fsum(
        math.comb(n, k) * rate**k * (1 - rate) ** (n - k) for k in range(n + 1) if made(k, n - k).kind is kind
    )


def test_wrong_decisions_are_rare_at_fifty() -> None:
    # The bare threshold sends a true 65 % to DEPLOY in 28 % of runs at this size.
    assert _chance(0.65, 50, DEPLOY) < 0.08
    assert _chance(0.60, 50, DEPLOY) < 0.02
    assert _chance(0.85, 50, DEPLOY) > 0.9
    assert _chance(0.75, 50, FULL_PIPELINE) < 0.001
    assert _chance(0.45, 50, DEPLOY) < 0.0001
