from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.statistics import (
    band_probabilities,
    beta_cdf,
    first_settled,
    normal_quantile,
    t_quantile,
    wilson,
)


@pytest.mark.parametrize(
    ("passes", "n", "low", "high"),
    [
        # Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17
        # (1998), table I, score method without continuity correction.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        # The sizes of a baseline.
        (35, 50, 0.5625, 0.8090),
    ],
)
def test_wilson_against_published_values(passes: int, n: int, low: float, high: float) -> None:
    interval = wilson(passes, n)
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


def test_wilson_at_the_ends() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(0, 10).low == 0.0
    assert wilson(10, 10).high == 1.0
    for passes, n, confidence in ((3, 2, 0.95), (-1, 2, 0.95), (1, 2, 1.0)):
        with pytest.raises(ValueError, match="lie"):
            wilson(passes, n, confidence)


@given(st.integers(0, 300), st.integers(1, 300))
def test_wilson_holds_the_rate_and_mirrors(passes: int, n: int) -> None:
    k = min(passes, n)
    interval, mirrored = wilson(k, n), wilson(n - k, n)
    assert 0 <= interval.low <= k / n <= interval.high <= 1
    assert math.isclose(interval.low, 1 - mirrored.high, abs_tol=1e-12)
    wider = wilson(k, n, 0.99)
    assert wider.low <= interval.low
    assert wider.high >= interval.high


def test_wilson_covers_as_often_as_it_says() -> None:
    # Exact coverage, summed over all outcomes: no simulation needed.
    for rate in (0.45, 0.55, 0.7, 0.85):
        for n in (50, 200):
            covered = math.fsum(
                math.comb(n, k) * rate**k * (1 - rate) ** (n - k)
                for k in range(n + 1)
                if wilson(k, n).low <= rate <= wilson(k, n).high
            )
            assert 0.93 <= covered <= 0.97


@given(st.integers(1, 60), st.integers(1, 60), st.floats(0.001, 0.999))
@settings(max_examples=200)
def test_beta_with_whole_parameters_is_a_binomial_sum(a: int, b: int, x: float) -> None:
    n = a + b - 1
    exact = math.fsum(math.comb(n, k) * x**k * (1 - x) ** (n - k) for k in range(a, n + 1))
    assert math.isclose(beta_cdf(x, a, b), exact, rel_tol=1e-9, abs_tol=1e-12)


def test_beta_in_closed_form_and_at_known_values() -> None:
    for x in (0.01, 0.3, 0.5, 0.9):
        # The arcsine law.
        assert math.isclose(beta_cdf(x, 0.5, 0.5), 2 / math.pi * math.asin(math.sqrt(x)), rel_tol=1e-12)
        assert math.isclose(beta_cdf(x, 1, 3.5), 1 - (1 - x) ** 3.5, rel_tol=1e-12)
        assert math.isclose(beta_cdf(x, 2.5, 1), x**2.5, rel_tol=1e-12)
    assert beta_cdf(0.5, 2, 3) == pytest.approx(0.6875, abs=1e-13)
    assert (beta_cdf(0, 2, 3), beta_cdf(1, 2, 3), beta_cdf(-1, 2, 3)) == (0.0, 1.0, 0.0)
    with pytest.raises(ValueError, match="positive"):
        beta_cdf(0.5, 0, 1)


@pytest.mark.parametrize(
    ("x", "a", "b", "value"),
    [
        # Computed with scipy 1.17.1, scipy.stats.beta.cdf.
        (0.7, 35.5, 15.5, 0.5082944595537157),
        (0.5, 35.5, 15.5, 0.002095387111960399),
        (0.5, 1.5, 2.5, 0.7122065907891939),
        (0.999, 4999.5, 1.5, 0.01852789687205689),
        (0.7, 3500.5, 1500.5, 0.5008208631710716),
    ],
)
def test_beta_against_a_library(x: float, a: float, b: float, value: float) -> None:
    assert beta_cdf(x, a, b) == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize(
    ("freedom", "t"),
    [
        # Computed with scipy 1.17.1, scipy.stats.t.ppf(0.975, freedom); to three decimals in every textbook.
        (1, 12.706204736174694),
        (4, 2.7764451051977934),
        (9, 2.262157162798205),
        (29, 2.045229642132703),
        (199, 1.9719565442517533),
        (4999, 1.9604386466615247),
    ],
)
def test_students_t_against_a_library(freedom: int, t: float) -> None:
    assert t_quantile(freedom) == pytest.approx(t, rel=1e-9)


def test_students_t_at_other_levels_and_in_closed_form() -> None:
    assert t_quantile(3, 0.8) == pytest.approx(1.637744353696209, rel=1e-9)
    for confidence in (0.5, 0.9, 0.99):
        # One degree is Cauchy's law, two have a closed form, very many are the normal law.
        assert t_quantile(1, confidence) == pytest.approx(math.tan(math.pi / 2 * confidence), rel=1e-9)
        two = confidence * math.sqrt(2 / (1 - confidence**2))
        assert t_quantile(2, confidence) == pytest.approx(two, rel=1e-9)
        assert t_quantile(1e7, confidence) == pytest.approx(normal_quantile(confidence), rel=1e-6)
    with pytest.raises(ValueError, match="degrees"):
        t_quantile(0)


@given(st.integers(1, 400))
@settings(max_examples=60)
def test_students_t_falls_towards_the_normal(freedom: int) -> None:
    assert t_quantile(freedom) > t_quantile(freedom + 1) > normal_quantile()


@given(st.floats(0, 1), st.floats(0.5, 300))
def test_wilson_of_fractional_counts(rate: float, n: float) -> None:
    interval = wilson(rate * n, n)
    assert 0 <= interval.low <= rate + 1e-12
    assert rate - 1e-12 <= interval.high <= 1
    larger = wilson(rate * n * 2, n * 2)
    assert larger.high - larger.low < interval.high - interval.low


def test_beta_satisfies_its_recurrence_at_half_whole_parameters() -> None:
    # I_x(a, b) = I_x(a+1, b) + x^a (1-x)^b / (a B(a, b)), DLMF 8.17.20.
    for a, b, x in ((35.5, 15.5, 0.7), (0.5, 50.5, 0.02), (3500.5, 1500.5, 0.7), (4999.5, 1.5, 0.9995)):
        log_beta = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
        step = math.exp(a * math.log(x) + b * math.log1p(-x) - log_beta) / a
        assert math.isclose(beta_cdf(x, a, b), beta_cdf(x, a + 1, b) + step, rel_tol=1e-9, abs_tol=1e-12)


def test_the_jeffreys_interval_of_the_literature() -> None:
    # Equal-tailed Jeffreys limits for 7 of 20 are 0.173 and 0.567, each cutting 2.5 % (Brown, Cai, DasGupta).
    assert beta_cdf(0.173, 7.5, 13.5) == pytest.approx(0.025, abs=0.001)
    assert 1 - beta_cdf(0.567, 7.5, 13.5) == pytest.approx(0.025, abs=0.001)


def test_bands_against_integration() -> None:
    a, b, steps = 35.5, 15.5, 20_000
    log_beta = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)

    def density(x: float) -> float:
        return math.exp((a - 1) * math.log(x) + (b - 1) * math.log1p(-x) - log_beta)

    width = 0.2 / steps
    between = math.fsum(density(0.5 + (i + 0.5) * width) * width for i in range(steps))
    assert band_probabilities(35, 50).between == pytest.approx(between, abs=1e-8)


@given(st.integers(0, 400), st.integers(0, 400))
@settings(max_examples=150)
def test_bands_sum_to_one_and_rise_with_passes(passes: int, fails: int) -> None:
    n = passes + fails
    bands = band_probabilities(passes, n)
    assert math.isclose(math.fsum(bands), 1, abs_tol=1e-9)
    assert all(0 <= probability <= 1 for probability in bands)
    better = band_probabilities(passes + 1, n + 1)
    assert better.above >= bands.above - 1e-12
    assert better.below <= bands.below + 1e-12


def test_bands_agree_with_draws_from_the_posterior() -> None:
    rng, draws = Random(7), 20_000
    sample = [rng.betavariate(33.5, 17.5) for _ in range(draws)]
    bands = band_probabilities(33, 50)
    assert bands.below == pytest.approx(sum(x < 0.5 for x in sample) / draws, abs=0.01)
    assert bands.above == pytest.approx(sum(x >= 0.7 for x in sample) / draws, abs=0.01)


def test_impossible_counts_and_thresholds_are_refused() -> None:
    for arguments in ((3, 2), (-1, 2)):
        with pytest.raises(ValueError, match="passes"):
            band_probabilities(*arguments)
    with pytest.raises(ValueError, match="thresholds"):
        band_probabilities(1, 2, (0.7, 0.5))


@given(st.integers(0, 5000))
def test_the_first_settled_number_is_found(threshold: int) -> None:
    assert first_settled(lambda n: n >= threshold) == threshold


def test_a_number_beyond_the_most_is_none() -> None:
    assert first_settled(lambda n: n >= 5001) is None
