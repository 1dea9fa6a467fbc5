from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.calibration import (
    FEWEST_LABELS,
    FEWEST_OF_A_KIND,
    Calibration,
    CorrectedRate,
    calibrate,
    prediction_powered,
    rogan_gladen,
)
from tools.statistics import wilson

COUNT = st.integers(0, 25)


def calibrated(
    both: int, judge_only: int, human_only: int, neither: int, *, passes: int, n: int
) -> Calibration:
    """Labels by their four counts, among ``n`` judged answers of which ``passes`` pass."""
    cells = [(True, True)] * both + [(True, False)] * judge_only
    cells += [(False, True)] * human_only + [(False, False)] * neither
    labels = {f"L{i}": human for i, (_, human) in enumerate(cells)}
    judged = {f"L{i}": judge for i, (judge, _) in enumerate(cells)}
    left = passes - both - judge_only
    judged |= {f"U{i}": i < left for i in range(n - len(cells))}
    assert sum(judged.values()) == passes
    return calibrate(judged, labels)


def test_a_lenient_judge_is_corrected_downwards() -> None:
    found = calibrated(23, 12, 0, 15, passes=70, n=100)
    assert (found.both_pass, found.judge_only, found.human_only, found.both_fail) == (23, 12, 0, 15)
    assert (found.labels, found.judged, found.raw_rate) == (50, 100, 0.7)
    assert found.raw_interval == wilson(70, 100)
    assert found.sensitivity == (1.0, wilson(23, 23), 23)
    assert found.specificity == (15 / 27, wilson(15, 27), 27)
    assert found.kappa.value == pytest.approx((0.76 - 0.484) / (1 - 0.484))
    assert found.prediction_powered is not None
    assert found.rogan_gladen is not None
    # q · PPV + (1 − q) · (1 − NPV) = 0.7 · 23/35, and (0.7 + 15/27 − 1) / (1 + 15/27 − 1).
    assert found.prediction_powered.rate == pytest.approx(0.46)
    assert found.rogan_gladen.rate == pytest.approx((0.7 + 15 / 27 - 1) / (15 / 27))
    assert found.warnings == ()
    assert "agree on 38 of 50" in found.sentence
    assert "the judge passes 12 that the person fails" in found.sentence
    assert "46%" in found.sentence
    assert "70%" in found.sentence


def test_it_is_tuned_prediction_powered_inference() -> None:
    # The estimator as PPI++ writes it: labelled mean + λ · (mean of the unlabelled − mean of the labelled),
    # with λ = covariance / ((1 + m/N) · variance), N unlabelled answers.
    a, b, c, d, passes, n = 20, 6, 3, 11, 70, 100
    m = a + b + c + d
    unlabelled = n - m
    judge, human = (a + b) / m, (a + c) / m
    covariance, variance = a / m - judge * human, judge * (1 - judge)
    tuned = covariance / ((1 + m / unlabelled) * variance)
    expected = human + tuned * ((passes - a - b) / unlabelled - judge)
    assert prediction_powered(passes, n, (a, b, c, d)).rate == pytest.approx(expected, abs=1e-12)


def test_everything_labelled_is_the_labelled_rate() -> None:
    found = prediction_powered(30, 50, (25, 5, 4, 16))
    assert found.rate == pytest.approx(29 / 50)
    assert tuple(found.interval) == pytest.approx(tuple(wilson(29, 50)))


def test_labels_on_a_perfect_judge_are_worth_more_than_labels_alone() -> None:
    found = prediction_powered(120, 200, (18, 0, 0, 12)).interval
    alone, all_of_them = wilson(18, 30), wilson(120, 200)
    assert alone.high - alone.low > found.high - found.low > all_of_them.high - all_of_them.low


def test_a_judge_that_passes_everything_tells_nothing() -> None:
    assert prediction_powered(50, 50, (18, 12, 0, 0)) == CorrectedRate(0.6, wilson(18, 30))


@pytest.mark.parametrize(
    ("passes", "n", "sensitivity", "specificity", "low", "high"),
    [
        # Computed with numpy by the function that Lee et al. published beside arXiv 2511.21140; the first one
        # is its own example call.
        (5000, 10000, (4500, 5000), (4500, 5000), 0.4857088025790391, 0.514291197420961),
        (35, 50, (27, 30), (16, 20), 0.4664538446332997, 0.9504660567698249),
        (120, 200, (38, 40), (7, 10), 0.09185982180873115, 0.6506285095217396),
    ],
)
def test_lang_and_reiczigels_interval(
    passes: int, n: int, sensitivity: tuple[int, int], specificity: tuple[int, int], low: float, high: float
) -> None:
    found = rogan_gladen(passes, n, sensitivity, specificity)
    assert found is not None
    assert (found.interval.low, found.interval.high) == pytest.approx((low, high), abs=1e-12)


def test_a_judge_without_error_leaves_the_rate() -> None:
    found = rogan_gladen(35, 50, (10**9, 10**9), (10**9, 10**9))
    assert found is not None
    assert found.rate == pytest.approx(0.7)
    # Agresti and Coull's interval, to which the method then comes down (Brown, Cai and DasGupta 2001).
    z2 = 1.959963984540054**2
    p = (35 + z2 / 2) / (50 + z2)
    half = math.sqrt(z2 * p * (1 - p) / (50 + z2))
    assert tuple(found.interval) == pytest.approx((p - half, p + half), abs=1e-6)


def test_no_better_than_chance_is_refused_with_a_sentence() -> None:
    assert rogan_gladen(30, 50, (10, 20), (10, 20)) is None
    assert rogan_gladen(30, 50, (1, 10), (1, 10)) is None
    found = calibrated(10, 10, 10, 10, passes=30, n=60)
    assert found.rogan_gladen is None
    assert any("no better than chance" in warning for warning in found.warnings)
    assert found.prediction_powered is not None


def test_too_few_of_a_kind_are_refused_with_a_sentence() -> None:
    found = calibrated(36, 2, 0, 2, passes=70, n=80)
    assert found.rogan_gladen is None
    assert found.warnings == (
        "By the person only 4 of the labelled answers fail, fewer than 5: how often the judge errs on such "
        "is not known. No Rogan–Gladen rate is given.",
    )
    assert found.prediction_powered is not None


def test_few_labels_are_called_few() -> None:
    some = calibrated(8, 1, 1, 8, passes=40, n=80)
    assert "18 labels are fewer than 30" in some.warnings[0]
    assert some.prediction_powered is not None
    few = calibrated(3, 1, 1, 2, passes=40, n=80)
    assert few.prediction_powered is None
    assert "7 labels are too few" in few.warnings[0]
    assert "Corrected" not in few.sentence


def test_nothing_judged_or_labelled() -> None:
    empty = calibrate({}, {"a": True})
    assert (empty.labels, empty.judged, empty.raw_rate, empty.raw_interval) == (0, 0, None, None)
    assert any("1 labels are on answers that the judge did not measure" in each for each in empty.warnings)
    bare = calibrate({"a": True, "b": False}, {})
    assert (bare.sensitivity, bare.specificity, bare.prediction_powered, bare.rogan_gladen) == (None,) * 4
    assert bare.kappa.value is None
    assert "uncorrected" in bare.sentence


def test_full_agreement_is_said_without_a_list_of_errors() -> None:
    found = calibrated(20, 0, 0, 12, passes=60, n=100)
    assert found.sentence.startswith("Judge and person agree on 32 of 32 labelled answers. Corrected")
    only_strict = calibrated(20, 0, 3, 12, passes=60, n=100)
    assert "; the judge fails 3 that the person passes." in only_strict.sentence


@given(COUNT, COUNT, COUNT, COUNT, st.integers(0, 60), st.integers(0, 60))
@settings(max_examples=150)
def test_bounds_mirror_and_round_trip(a: int, b: int, c: int, d: int, more: int, less: int) -> None:
    passes, n = a + b + more, a + b + c + d + more + less
    found = calibrated(a, b, c, d, passes=passes, n=n)
    assert Calibration.model_validate_json(found.model_dump_json()) == found
    assert (found.prediction_powered is not None) is (found.labels >= FEWEST_LABELS)
    if min(a + c, b + d) < FEWEST_OF_A_KIND:
        assert found.rogan_gladen is None
    mirrored = calibrated(d, c, b, a, passes=n - passes, n=n)
    for one, other in (
        (found.prediction_powered, mirrored.prediction_powered),
        (found.rogan_gladen, mirrored.rogan_gladen),
    ):
        assert (one is None) is (other is None)
        if one is not None and other is not None:
            assert 0 <= one.interval.low <= one.rate + 1e-12
            assert one.rate - 1e-12 <= one.interval.high <= 1
            assert one.rate == pytest.approx(1 - other.rate, abs=1e-9)
            assert one.interval.low == pytest.approx(1 - other.interval.high, abs=1e-9)


@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 20), st.integers(1, 20), st.integers(50, 99))
@settings(max_examples=100)
def test_more_passes_by_a_useful_judge_are_a_higher_rate(a: int, b: int, c: int, d: int, passes: int) -> None:
    # Useful: the person passes more of what the judge passes than of what it fails.
    if a * d <= b * c:
        return
    n, table = 200, (a, b, c, d)
    assert prediction_powered(passes + 1, n, table).rate > prediction_powered(passes, n, table).rate
    one, two = (rogan_gladen(k, n, (a, a + c), (d, b + d)) for k in (passes, passes + 1))
    if one is not None and two is not None:
        assert two.rate >= one.rate


@given(st.integers(10, 20), st.integers(0, 8), st.integers(0, 8), st.integers(10, 20))
def test_more_answers_are_never_a_wider_interval(a: int, b: int, c: int, d: int) -> None:
    few, many = (
        prediction_powered(times * (a + b), times * (a + b + c + d), (a, b, c, d)).interval
        for times in (1, 5)
    )
    assert many.high - many.low <= few.high - few.low + 1e-12


def test_the_labels_need_no_order() -> None:
    rng = Random(3)
    judged = {str(i): rng.random() < 0.7 for i in range(80)}
    labels = {str(i): rng.random() < 0.6 for i in rng.sample(range(80), 40)}
    shuffled = dict(rng.sample(list(labels.items()), 40))
    assert calibrate(judged, shuffled) == calibrate(judged, labels)
