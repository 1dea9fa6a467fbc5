"""How much of the field was seen: known values, limits, and what must never happen."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.coverage import ENOUGH, FEWEST_SHOWINGS, Coverage, Sighting, chao2, good_turing, measure, saturated


def shown(query: str, *candidates: str) -> list[Sighting]:
    return [Sighting(query, candidate, census=False) for candidate in candidates]


def listed(*candidates: str) -> list[Sighting]:
    return [Sighting("listing", candidate, census=True) for candidate in candidates]


def test_what_is_listed_is_known_however_seldom_a_query_shows_it():
    coverage = measure([*listed("a", "b"), *shown("q1", "a"), *shown("q2", "b")], ["q1", "q2"])
    assert (coverage.known, coverage.listed, coverage.showings) == (2, 2, 2)
    assert (coverage.once, coverage.sample_coverage, coverage.unseen) == (0, 1.0, 0.0)


def test_the_estimates_by_hand():
    # Ten showings; x, y and z are in no listing: x shown by two queries, y and z by one.
    sightings = [
        *listed("a", "b"),
        *shown("q1", "a", "b", "x", "y"),
        *shown("q2", "a", "b", "x", "z"),
        *shown("q3", "a", "b"),
    ]
    coverage = measure(sightings, ["q1", "q2", "q3"])
    assert (coverage.showings, coverage.once, coverage.twice) == (10, 2, 1)
    assert coverage.sample_coverage == pytest.approx(1 - 2 / 10)
    reach = 1.959964 * math.sqrt((2 * 0.8 + 2 * 1) / 100)
    assert coverage.low == pytest.approx(0.8 - reach)
    assert coverage.high == 1.0
    assert coverage.unseen == pytest.approx(2 / 3 * 2 * 1 / (2 * 2))
    assert [(p.query, p.known, p.new) for p in coverage.curve] == [(1, 4, 2), (2, 5, 1), (3, 5, 0)]


def test_nothing_shown_is_not_full_coverage():
    coverage = measure(listed("a"), ["q1"])
    assert (coverage.sample_coverage, coverage.low, coverage.share) == (None, None, None)
    assert not saturated(coverage)


def test_what_nobody_answered_is_not_covered():
    sightings = [*listed("a"), *shown("q1", "a"), *shown("q2", "a")]
    coverage = measure(sightings, ["q1", "q2"], unanswered=2)
    assert coverage.sample_coverage == 1.0
    assert coverage.share == pytest.approx(0.5)


def test_a_sighting_by_a_query_that_was_not_answered_does_not_count():
    assert measure(shown("lost", "a"), ["q1"]).known == 0


def test_few_showings_are_too_rough_to_stop_on():
    few = measure(
        [*listed("a"), *(s for n in range(FEWEST_SHOWINGS - 1) for s in shown(f"q{n}", "a"))],
        [f"q{n}" for n in range(FEWEST_SHOWINGS - 1)],
    )
    enough = measure(
        [*listed("a"), *(s for n in range(FEWEST_SHOWINGS) for s in shown(f"q{n}", "a"))],
        [f"q{n}" for n in range(FEWEST_SHOWINGS)],
    )
    assert few.sample_coverage == 1.0
    assert not saturated(few)
    assert saturated(enough)


def test_without_a_sample_there_is_no_estimate():
    assert good_turing(0, 0, 0) is None
    assert chao2(3, 1, 0) == 0.0


incidences = st.lists(
    st.tuples(st.integers(0, 8).map("q{}".format), st.integers(0, 12).map("m{}".format), st.booleans()),
    max_size=60,
).map(lambda rows: [Sighting("listing" if census else query, model, census) for query, model, census in rows])
QUERIES = [f"q{n}" for n in range(9)]


@settings(max_examples=150, deadline=None)
@given(incidences, st.randoms(use_true_random=False))
def test_order_and_repetition_never_matter(sightings: list[Sighting], rng: random.Random):
    again = [*sightings, *sightings[:5]]
    rng.shuffle(again)
    assert measure(again, QUERIES) == measure(sightings, QUERIES)


@settings(max_examples=150, deadline=None)
@given(incidences)
def test_the_figures_hang_together(sightings: list[Sighting]):
    coverage = measure(sightings, QUERIES)
    assert coverage.listed <= coverage.known
    assert coverage.once + coverage.twice <= coverage.known - coverage.listed
    assert coverage.curve[-1].known == coverage.known
    assert sum(point.new for point in coverage.curve) == coverage.known - coverage.listed
    if coverage.sample_coverage is not None:
        assert coverage.low is not None
        assert coverage.high is not None
        assert 0 <= coverage.low <= coverage.sample_coverage <= coverage.high <= 1
    assert Coverage.model_validate_json(coverage.model_dump_json()) == coverage


@settings(max_examples=100, deadline=None)
@given(incidences, st.integers(0, 12).map("m{}".format))
def test_listing_a_candidate_never_lowers_the_coverage(sightings: list[Sighting], model: str):
    before = measure(sightings, QUERIES)
    after = measure([*sightings, *listed(model)], QUERIES)
    if before.sample_coverage is not None:
        assert after.sample_coverage is not None
        assert after.sample_coverage >= before.sample_coverage


def test_good_turing_is_right_on_average_where_the_truth_is_known():
    """Draws from a known, uneven distribution: the mean error is small, the interval mostly holds."""
    rng = random.Random(5)
    weights = [1 / (rank + 1) for rank in range(60)]
    whole = sum(weights)
    errors, held = [], 0
    for _ in range(200):
        draws = [rng.choices(range(60), weights)[0] for _ in range(80)]
        counts = [draws.count(model) for model in range(60)]
        truth = sum(weights[model] for model in set(draws)) / whole
        interval = good_turing(counts.count(1), counts.count(2), 80)
        assert interval is not None
        errors.append(interval.estimate - truth)
        held += interval.low <= truth <= interval.high
    assert abs(sum(errors) / len(errors)) < 0.02
    assert held / 200 > 0.85
    assert ENOUGH < 1
