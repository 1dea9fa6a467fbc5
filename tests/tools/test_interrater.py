from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tools.interrater import cohen_kappa, kappa_standard_error, krippendorff_alpha

WORDS = st.sampled_from(["YES", "NO", "NA"])
PAIRS = st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=60)
UNITS = st.lists(st.lists(st.none() | WORDS, min_size=2, max_size=4), min_size=1, max_size=25)


def pairs_of(table: Sequence[Sequence[int]]) -> list[tuple[str, str]]:
    rows = list(enumerate(table))
    return [(str(i), str(j)) for i, row in rows for j, count in enumerate(row) for _ in range(count)]


@pytest.mark.parametrize(
    ("table", "kappa", "standard_error"),
    [
        # The tables' kappa and asymptotic standard error by statsmodels 0.15.0, cohens_kappa(...).std_kappa.
        ([[53, 5, 2], [11, 14, 5], [1, 6, 3]], 0.4285714285714285, 0.0759588315346638),
        ([[44, 5, 1], [7, 20, 3], [9, 5, 6]], 0.49152542372881347, 0.07212745929334068),
        ([[20, 5], [10, 15]], 0.3999999999999999, 0.12699606293110033),
        ([[25, 4], [3, 8]], 0.573170731707317, 0.1433726068570103),
    ],
)
def test_kappa_against_a_library(table: list[list[int]], kappa: float, standard_error: float) -> None:
    n = sum(map(sum, table))
    found = cohen_kappa(pairs_of(table))
    assert found.value == pytest.approx(kappa, abs=1e-12)
    assert found.n == n
    share = [[count / n for count in row] for row in table]
    assert kappa_standard_error(share, n) == pytest.approx(standard_error, abs=1e-12)
    assert found.interval is not None
    # At these sizes the interval for small samples is near the asymptotic one, and reaches further down.
    assert found.interval.low == pytest.approx(kappa - 1.96 * standard_error, abs=0.08)
    assert found.interval.high == pytest.approx(kappa + 1.96 * standard_error, abs=0.08)
    assert kappa - found.interval.low > found.interval.high - kappa


def test_everybody_says_yes_is_no_kappa() -> None:
    assert cohen_kappa([("YES", "YES")] * 30) == (None, None, 30, 1.0)
    assert cohen_kappa([]) == (None, None, 0, 0.0)


def test_one_rater_with_one_word_is_nothing_beyond_chance() -> None:
    found = cohen_kappa([("YES", "YES")] * 20 + [("YES", "NO")] * 10)
    assert (found.value, found.interval, found.n) == (0.0, None, 30)
    assert found.observed == pytest.approx(2 / 3)


def test_full_agreement_of_thirty_is_not_certainty() -> None:
    found = cohen_kappa([("YES", "YES")] * 20 + [("NO", "NO")] * 10)
    assert found.value == 1.0
    assert found.interval is not None
    assert found.interval.high == 1.0
    assert 0.4 < found.interval.low < 0.9


@given(PAIRS)
@settings(max_examples=150)
def test_kappa_is_bounded_symmetric_and_blind_to_names(pairs: list[tuple[str, str]]) -> None:
    found = cohen_kappa(pairs)
    swapped = cohen_kappa([(two, one) for one, two in pairs])
    renamed = cohen_kappa([(one[::-1] + "x", two[::-1] + "x") for one, two in pairs])
    for other in (swapped, renamed):
        assert (other.value is None) is (found.value is None)
        assert other.value == pytest.approx(found.value)
        assert (other.interval is None) is (found.interval is None)
    if found.value is not None:
        assert -1 <= found.value <= 1
        assert found.value <= found.observed + 1e-12
    if found.interval is not None:
        assert found.value is not None
        assert -1 <= found.interval.low <= found.value <= found.interval.high <= 1
        assert found.interval.low < found.interval.high


@given(PAIRS)
@settings(max_examples=60)
def test_the_same_ratings_twice_over_are_surer(pairs: list[tuple[str, str]]) -> None:
    once, twice = cohen_kappa(pairs).interval, cohen_kappa(pairs * 4).interval
    assume(once is not None and twice is not None)
    assert once is not None
    assert twice is not None
    assert twice.high - twice.low < once.high - once.low + 1e-9


def krippendorff_2011() -> dict[str, tuple[list[list[str | None]], float]]:
    """Worked examples A, B and C of Krippendorff, "Computing Krippendorff's alpha-reliability" (2011)."""
    observers = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
    missing = [[None if word == "." else word for word in unit] for unit in zip(*observers, strict=True)]
    return {
        "A, two observers, binary": ([list(u) for u in zip("0100000010", "1110010000", strict=True)], 0.095),
        "B, two observers, nominal": (
            [list(u) for u in zip("aabbdcccedda", "babbbccceddd", strict=True)],
            0.692,
        ),
        "C, four observers, missing": (missing, 0.743),
    }


@pytest.mark.parametrize("name", list(krippendorff_2011()))
def test_krippendorffs_own_examples(name: str) -> None:
    units, alpha = krippendorff_2011()[name]
    found = krippendorff_alpha(units)
    assert found.value == pytest.approx(alpha, abs=0.0005)
    assert found.interval is not None
    assert found.interval.low < alpha < found.interval.high


def test_units_with_one_rating_are_left_out() -> None:
    units, _ = krippendorff_2011()["C, four observers, missing"]
    # Of twelve units the last but none has two ratings only once: unit 12 was rated by one observer.
    assert krippendorff_alpha(units).n == 11
    assert krippendorff_alpha([*units, ["1", None], [None, None], []]) == krippendorff_alpha(units)


def test_alpha_without_variation_or_units() -> None:
    assert krippendorff_alpha([["YES", "YES", None]] * 30) == (None, None, 30, 1.0)
    assert krippendorff_alpha([["YES", None]]) == (None, None, 0, 0.0)
    unanimous = krippendorff_alpha([["YES", "YES"]] * 20 + [["NO", "NO"]] * 10)
    assert unanimous == (1.0, None, 30, 1.0)


def test_alpha_of_two_raters_is_scotts_pi_corrected_for_size() -> None:
    # Scott's pi of the pooled margins; alpha = 1 − (1 − pi)(1 − 1/N), N ratings (Krippendorff, 2004).
    pairs = pairs_of([[25, 4], [3, 8]])
    pooled = (29 + 28) / 80
    expected = pooled**2 + (1 - pooled) ** 2
    pi = (33 / 40 - expected) / (1 - expected)
    assert krippendorff_alpha(pairs).value == pytest.approx(1 - (1 - pi) * (1 - 1 / 80), abs=1e-12)


@given(UNITS)
@settings(max_examples=40, deadline=None)
def test_alpha_is_bounded_and_the_same_every_time(units: list[list[str | None]]) -> None:
    found = krippendorff_alpha(units)
    assert krippendorff_alpha([list(reversed(unit)) for unit in reversed(units)]).value == pytest.approx(
        found.value
    )
    assert krippendorff_alpha(units) == found
    assert 0 <= found.observed <= 1
    if found.value is not None:
        assert -1 <= found.value <= 1
    if found.interval is not None:
        assert found.value is not None
        assert found.interval.low <= found.value <= found.interval.high <= 1


def test_the_bootstrap_does_not_grow_with_the_units() -> None:
    units: list[list[str | None]] = [["YES", "YES", "NO"], ["NO", "NO", None], ["YES", "YES", "YES"]]
    few, many = krippendorff_alpha(units * 10), krippendorff_alpha(units * 1000)
    assert few.interval is not None
    assert many.interval is not None
    assert many.n == 3000
    assert many.interval.high - many.interval.low < (few.interval.high - few.interval.low) / 5
