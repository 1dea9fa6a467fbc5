from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.clusters import ClusteredInterval, clustered_wilson
from tools.statistics import wilson

GROUP = st.integers(0, 12).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
GROUPS = st.dictionaries(st.text(min_size=1, max_size=3), GROUP, min_size=2, max_size=9)


def found(*groups: tuple[int, int]) -> ClusteredInterval:
    interval = clustered_wilson({str(i): group for i, group in enumerate(groups)})
    assert interval is not None
    return interval


def test_the_formula_step_by_step() -> None:
    # Three topics, 3, 9 and 6 of 10: rate 0.6, residuals −3, 3, 0, so v = 3/2 · 18/900 = 0.03.
    interval = found((3, 10), (9, 10), (6, 10))
    assert interval.clusters == 3
    assert interval.design_effect == pytest.approx(0.03 / (0.6 * 0.4 / 30))
    # Student's t with 29 and 2 degrees of freedom, computed with scipy 1.17.1.
    effective = 0.6 * 0.4 / 0.03 * (2.045229642132703 / 4.302652729911275) ** 2
    assert interval.effective_n == pytest.approx(effective, rel=1e-9)
    assert (interval.low, interval.high) == pytest.approx(wilson(0.6 * effective, effective), rel=1e-9)


def test_the_design_effect_of_whole_clusters_is_their_size() -> None:
    # Each cluster passes or fails as one: n answers are worth as many as there are clusters, with (G − 1).
    interval = found(*[(5, 5)] * 6, *[(0, 5)] * 4)
    assert interval.design_effect == pytest.approx(5 * 10 / 9)


def test_one_cluster_says_nothing_about_clusters() -> None:
    assert clustered_wilson({}) is None
    assert clustered_wilson({"a": (3, 10)}) is None
    assert clustered_wilson({"a": (3, 10), "empty": (0, 0)}) is None


def test_two_clusters_are_nearly_no_information() -> None:
    interval = found((18, 25), (15, 25))
    assert interval.high - interval.low > wilson(33, 50).high - wilson(33, 50).low


@pytest.mark.parametrize("groups", [[(0, 10), (0, 8)], [(10, 10), (8, 8)]])
def test_all_or_none_is_the_plain_interval(groups: list[tuple[int, int]]) -> None:
    interval = found(*groups)
    passes = sum(passed for passed, _ in groups)
    assert interval == (*wilson(passes, 18), 2, 1.0, 18.0)


def test_equal_rates_are_the_plain_interval() -> None:
    interval = found((5, 10), (4, 8), (3, 6))
    assert (interval.design_effect, interval.effective_n) == (0.0, 24.0)
    assert (interval.low, interval.high) == wilson(12, 24)


def test_impossible_counts_are_refused() -> None:
    for group in ((3, 2), (-1, 2)):
        with pytest.raises(ValueError, match="passes"):
            clustered_wilson({"a": (1, 2), "b": group})


@given(GROUPS)
@settings(max_examples=150)
def test_bounds_and_never_narrower_than_plain(groups: dict[str, tuple[int, int]]) -> None:
    interval = clustered_wilson(groups)
    with_answers = [group for group in groups.values() if group[1]]
    assert (interval is None) is (len(with_answers) < 2)
    if interval is None:
        return
    passes, n = (sum(column) for column in zip(*with_answers, strict=True))
    plain = wilson(passes, n)
    assert 0 <= interval.low <= passes / n + 1e-12
    assert passes / n - 1e-12 <= interval.high <= 1
    assert 0 < interval.effective_n <= n + 1e-9
    assert interval.high - interval.low >= plain.high - plain.low - 1e-9


@given(GROUPS)
@settings(max_examples=100)
def test_fails_mirror_passes(groups: dict[str, tuple[int, int]]) -> None:
    interval = clustered_wilson(groups)
    mirrored = clustered_wilson({name: (n - passes, n) for name, (passes, n) in groups.items()})
    if interval is None or mirrored is None:
        assert interval is mirrored
        return
    assert math.isclose(interval.low, 1 - mirrored.high, abs_tol=1e-9)
    assert math.isclose(interval.effective_n, mirrored.effective_n, rel_tol=1e-9)


@given(st.integers(1, 9), st.integers(0, 8))
@settings(max_examples=60)
def test_more_difference_between_topics_is_a_wider_interval(apart: int, less: int) -> None:
    nearer = min(less, apart - 1)
    wide, narrow = (found((10 - gap, 20), (10 + gap, 20), (10, 20), (10, 20)) for gap in (apart, nearer))
    assert wide.design_effect > narrow.design_effect
    assert wide.high - wide.low >= narrow.high - narrow.low - 1e-12
