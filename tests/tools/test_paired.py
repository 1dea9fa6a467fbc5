from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.paired import PairedComparison, compare_paired, mcnemar_mid_p, paired_interval

COUNT = st.integers(0, 40)


def compared(both: int, first_only: int, second_only: int, neither: int) -> PairedComparison:
    pairs = [(True, True)] * both + [(True, False)] * first_only
    comparison = compare_paired(pairs + [(False, True)] * second_only + [(False, False)] * neither)
    assert comparison is not None
    return comparison


def test_airway_responsiveness_of_fagerland_lydersen_and_laake() -> None:
    # Before and after stem cell transplantation in 21 children (Bentur et al. 2009): 1, 1, 7, 12. Mid-p 0.039
    # in Fagerland et al. 2013. Newcombe's interval of the same table, cross-checked against Fagerland et al.
    # 2014 in the documentation of the R package ratesci: −0.507 to −0.0256.
    found = compared(both=1, first_only=7, second_only=1, neither=12)
    assert found.p_value == pytest.approx(0.0390625, abs=1e-12)
    assert (round(found.interval.low, 3), round(found.interval.high, 4)) == (-0.507, -0.0256)
    assert found.difference == pytest.approx(-6 / 21)


def test_mid_p_against_the_exact_test_of_a_library() -> None:
    # Exact p by statsmodels 0.15.0: 0.0703125 for 1 and 7, 0.052478790283203125 for 6 and 16.
    for (few, many), exact in {(1, 7): 0.0703125, (6, 16): 0.052478790283203125}.items():
        observed = math.comb(few + many, few) / 2 ** (few + many)
        assert mcnemar_mid_p(few, many) == pytest.approx(exact - observed, abs=1e-15)


def test_mid_p_where_nothing_or_equally_much_differs() -> None:
    assert mcnemar_mid_p(0, 0) == 1.0
    assert mcnemar_mid_p(1, 1) == pytest.approx(0.75)
    assert mcnemar_mid_p(0, 5) == pytest.approx(1 / 32)


def test_identical_answers_still_have_an_interval() -> None:
    found = compared(30, 0, 0, 20)
    assert (found.difference, found.p_value) == (0.0, 1.0)
    assert found.interval.low < 0 < found.interval.high
    assert "equally often" in found.sentence
    assert "Chance alone" in found.sentence


def test_where_a_model_passes_everything_the_limits_are_squared_and_added() -> None:
    # No correlation can be computed: Newcombe's independent method, from Wilson's limits of 50/50 and 40/50.
    low, high = paired_interval(40, 0, 10, 50)
    assert low == pytest.approx(0.2 - math.hypot(1 - 0.92865, 0.88758 - 0.8), abs=1e-4)
    assert high == pytest.approx(0.2 + math.hypot(0, 0.8 - 0.66963), abs=1e-4)


def test_the_sentence_says_who_is_better_and_whether_it_is_chance() -> None:
    better = compared(25, 1, 14, 10).sentence
    assert "On 50 scenarios the second model passes 26 points more than the first" in better
    assert "only the second passes 14, only the first 1" in better
    assert better.endswith("This is more than chance explains.")
    assert compared(25, 6, 9, 10).sentence.endswith("Chance alone can explain this.")
    assert "6 points less" in compared(25, 9, 6, 10).sentence


def test_nothing_to_compare_and_the_round_trip() -> None:
    assert compare_paired([]) is None
    found = compared(3, 1, 2, 4)
    assert PairedComparison.model_validate_json(found.model_dump_json()) == found


@given(COUNT, COUNT, COUNT, COUNT)
@settings(max_examples=200)
def test_counts_bounds_and_mirror(both: int, first_only: int, second_only: int, neither: int) -> None:
    n = both + first_only + second_only + neither
    if n == 0:
        return
    found = compared(both, first_only, second_only, neither)
    assert found.n == found.both + found.first_only + found.second_only + found.neither
    assert -1 <= found.interval.low <= found.difference <= found.interval.high <= 1
    assert found.interval.low < found.interval.high
    assert 0 < found.p_value <= 1
    mirrored = compared(both, second_only, first_only, neither)
    assert mirrored.p_value == found.p_value
    assert mirrored.interval.low == pytest.approx(-found.interval.high, abs=1e-12)
    # Calling pass fail turns the difference round and nothing else.
    turned = compared(neither, second_only, first_only, both)
    assert tuple(turned.interval) == pytest.approx(tuple(mirrored.interval), abs=1e-12)


@given(st.integers(0, 60), st.integers(1, 60))
def test_a_clearer_win_is_less_likely_by_chance(first_only: int, more: int) -> None:
    assert mcnemar_mid_p(first_only, first_only + more) > mcnemar_mid_p(first_only, first_only + more + 1)
