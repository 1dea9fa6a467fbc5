from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.calibration import CorrectedRate
from tools.clusters import clustered_wilson
from tools.decision import FEWEST_MEASURED, Decision, DecisionKind, decide
from tools.rubric import parse_rubric
from tools.scoring import Score
from tools.statistics import Interval

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


@pytest.mark.parametrize(("passes", "n"), [(3, 3), (10, 10), (29, 29), (0, 3), (0, 29), (1, 1)])
def test_too_few_decide_nothing(passes: int, n: int) -> None:
    found = made(passes, n - passes)
    assert found.kind is UNDECIDED
    assert found.leaning is (DEPLOY if passes else FULL_PIPELINE)
    assert found.further_scenarios == FEWEST_MEASURED - n
    answers = "1 measured answer is" if n == 1 else f"{n} measured answers are"
    assert f"{answers} too few to decide anything; 30 are the least." in found.reason
    assert f"At least {30 - n} further scenarios are needed" in found.reason


def test_thirty_may_decide() -> None:
    for passes, kind in ((30, DEPLOY), (0, FULL_PIPELINE), (21, UNDECIDED)):
        assert made(passes, 30 - passes).kind is kind
    # Unmeasured answers do not count towards the least number.
    assert made(29, 0, 1).kind is UNDECIDED


def test_the_number_of_further_scenarios_is_worded_with_its_odds() -> None:
    reason = made(36, 14).reason
    assert "if the rates stay as they are" in reason
    assert "that many suffice about six times in ten" in reason


def topics_of(*groups: tuple[str, int, int]) -> tuple[list[Score | None], list[str]]:
    """Results and topics from (topic, passes, fails)."""
    scores: list[Score | None] = []
    topics: list[str] = []
    for topic, passes, fails in groups:
        scores += [row(True)] * passes + [row(False)] * fails
        topics += [topic] * (passes + fails)
    return scores, topics


def test_topics_are_shown_and_decide_nothing() -> None:
    scores, topics = topics_of(("a", 20, 0), ("b", 20, 0), ("c", 14, 6), ("d", 4, 16))
    plain, found = decide(scores, RUBRIC), decide(scores, RUBRIC, topics=topics)
    assert plain.clustered is None
    assert found.clustered == clustered_wilson({"a": (20, 20), "b": (20, 20), "c": (14, 20), "d": (4, 20)})
    assert (found.kind, found.further_scenarios) == (plain.kind, plain.further_scenarios)
    # 58 of 80: over a half for these topics, anything for others.
    assert plain.interval is not None
    assert plain.interval.low > 0.5
    assert "The interval lies over 50% for these 4 topics only" in found.reason
    assert "for these 4 topics" not in plain.reason


def test_topics_that_change_nothing_are_not_talked_about() -> None:
    scores, topics = topics_of(("a", 9, 1), ("b", 10, 0), ("c", 9, 1), ("d", 10, 0), ("e", 9, 1))
    found = decide(scores, RUBRIC, topics=topics)
    assert found.clustered is not None
    assert found.reason == decide(scores, RUBRIC).reason


def test_only_measured_answers_count_in_their_topics() -> None:
    scores = [*rows(20, 20), row(None), None]
    found = decide(scores, RUBRIC, topics=["a"] * 20 + ["b"] * 20 + ["b", "c"])
    assert found.clustered == clustered_wilson({"a": (20, 20), "b": (0, 20)})
    assert decide(rows(20, 20), RUBRIC, topics=["a"] * 40).clustered is None
    with pytest.raises(ValueError, match="one each"):
        decide(scores, RUBRIC, topics=["a"])


def corrected(rate: float, low: float, high: float) -> CorrectedRate:
    return CorrectedRate(rate, Interval(low, high))


def test_labels_that_lead_elsewhere_than_the_judge_leave_it_undecided() -> None:
    found = decide(rows(160, 40), RUBRIC, corrected=corrected(0.58, 0.51, 0.66))
    assert (found.kind, found.leaning, found.further_scenarios) == (UNDECIDED, DEPLOY, None)
    assert "160 of 200" in found.reason
    assert "the rate is 58% (95 % interval 51% to 66%), where the judge alone says 80%" in found.reason
    assert "points to FINE_TUNE, not to DEPLOY: more scenarios by this judge settle nothing" in found.reason
    assert found.corrected == corrected(0.58, 0.51, 0.66)


def test_labels_whose_interval_still_reaches_the_band_ask_for_more_labels() -> None:
    found = decide(rows(160, 40), RUBRIC, corrected=corrected(0.66, 0.58, 0.74))
    assert (found.kind, found.further_scenarios) == (UNDECIDED, None)
    assert "points to FINE_TUNE, not to DEPLOY: label more answers" in found.reason
    around = decide(rows(120, 80), RUBRIC, corrected=corrected(0.8, 0.4, 0.9))
    assert "label more answers" in around.reason, "the middle band lies inside of the interval"
    agreeing = decide(rows(160, 40), RUBRIC, corrected=corrected(0.78, 0.68, 0.86))
    assert agreeing.reason == decide(rows(160, 40), RUBRIC).reason
    assert agreeing.kind is DEPLOY


def test_a_forbidden_deploy_is_not_contradicted_by_a_rate_in_the_middle() -> None:
    found = decide(rows(160, 40, 0, 30), RUBRIC, corrected=corrected(0.6, 0.52, 0.68))
    assert found.kind is FINE_TUNE
    assert decide([None] * 3, RUBRIC, corrected=corrected(0.6, 0.52, 0.68)).kind is UNDECIDED


def test_a_decision_of_before_is_still_read() -> None:
    stored = made(40, 10).model_dump(mode="json", exclude={"clustered", "corrected"})
    assert Decision.model_validate(stored) == made(40, 10)
    whole = decide(rows(40, 10), RUBRIC, topics=["a", "b"] * 25, corrected=corrected(0.7, 0.6, 0.8))
    assert Decision.model_validate_json(whole.model_dump_json()) == whole


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 25), st.integers(0, 60))
@settings(max_examples=60, deadline=None)
def test_every_kind_that_the_unmeasured_could_lead_to_is_named(
    passes: int, fails: int, unmeasured: int, gates: int
) -> None:
    found = made(passes, fails, unmeasured, min(gates, fails))
    if not found.measured:
        return
    possible = {
        made(passes + good, fails + unmeasured - good, 0, min(gates, fails) + at_gate).leaning
        for good in range(unmeasured + 1)
        for at_gate in {0, unmeasured - good}
    }
    others = {kind for kind in possible if kind is not None and kind is not found.leaning}
    if found.kind is UNDECIDED and others:
        assert f"into {' or '.join(sorted(others))}: measure them" in found.reason
    else:
        assert not others


def test_what_many_unmeasured_could_lead_to_is_found_in_few_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The kinds that unmeasured answers could lead to are found by halving, not one after the other.
    from tools import decision

    calls = 0
    original = decision._Rule.kind

    def counted(self: decision._Rule, passes: float, n: float, gate_failures: float) -> DecisionKind:
        nonlocal calls
        calls += 1
        return original(self, passes, n, gate_failures)

    monkeypatch.setattr(decision._Rule, "kind", counted)
    assert made(1800, 200, 3000).kind is UNDECIDED
    assert calls < 2000


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
