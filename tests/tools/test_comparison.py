from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.standins.rows import CANNOT, NA, NO, RUBRIC, YES, row
from tools.comparison import LeftOutReason, ModelComparison, compare_models
from tools.evaluation import AnswerOutcome
from tools.failures import Row
from tools.faults import WrongUse
from tools.paired import compare_paired

NAMES = ("qwen3:8b", "granite:8b")


def rows(failing: set[int], n: int = 40, **values: Any) -> list[Row]:
    return [row(i, topic="ab"[i % 2], **values, **({"S1": NO} if i in failing else {})) for i in range(n)]


def test_the_same_scenarios_are_compared_in_pairs() -> None:
    found = compare_models(rows(set(range(12))), rows({0, 1}), RUBRIC, names=NAMES)
    assert found.paired == compare_paired([(i >= 12, i >= 2) for i in range(40)])
    assert found.only_second == tuple(f"s{i}" for i in range(2, 12))
    assert found.only_first == ()
    assert found.left_out == ()
    # P(rate > 1/2) for Beta(10.5, 0.5), by scipy.stats.beta.sf.
    assert found.second_better == pytest.approx(0.9998385, abs=1e-6)
    assert found.sentence.startswith(
        "On the same 40 scenarios qwen3:8b passes 70% and granite:8b 95%: 0 only the first, 10 only the "
        "second (difference +25 points, 95 % interval "
    )
    assert found.sentence.endswith("granite:8b is better, with probability over 99%.")


def test_a_small_lead_is_called_possible_chance() -> None:
    found = compare_models(rows({1, 2}), rows({1, 3, 4}), RUBRIC, names=NAMES)
    assert "qwen3:8b is ahead, which may be chance: it is the better one with probability" in found.sentence
    even = compare_models(rows({1}), rows({2}), RUBRIC, names=NAMES)
    assert even.sentence.endswith("Neither is ahead.")
    assert even.second_better == pytest.approx(0.5)


def test_scenarios_that_cannot_be_compared_are_left_out_and_why() -> None:
    lost = AnswerOutcome.TIMEOUT
    first = [row(0), row(1), row(2, message="a"), row(3, outcome=lost), row(4), row(5, outcome=lost)]
    second = [row(0), row(6), row(2, message="b"), row(3), row(4, A1=CANNOT), row(5, outcome=lost)]
    found = compare_models(first, second, RUBRIC, names=NAMES)
    assert {entry.reason: entry.scenario_ids for entry in found.left_out} == {
        LeftOutReason.ONLY_FIRST: ("s1",),
        LeftOutReason.MESSAGE_DIFFERS: ("s2",),
        LeftOutReason.UNMEASURED_FIRST: ("s3",),
        LeftOutReason.UNMEASURED_SECOND: ("s4",),
        LeftOutReason.UNMEASURED_BOTH: ("s5",),
        LeftOutReason.ONLY_SECOND: ("s6",),
    }
    assert found.paired is not None
    assert found.paired.n == 1
    assert found.sentence.endswith("6 scenarios could not be compared.")


def test_nothing_in_common() -> None:
    found = compare_models([row(0)], [row(1)], RUBRIC, names=NAMES)
    assert (found.paired, found.second_better, found.topics) == (None, None, ())
    assert found.sentence == (
        "qwen3:8b and granite:8b have no measured scenario in common that could be compared "
        "(1 scenario: only the first model has it; 1 scenario: only the second model has it)."
    )
    none_held_out = compare_models([row(0)], [row(0)], RUBRIC, names=NAMES, held_out_only=True)
    assert "no held-out scenario in common that could be compared (neither has held one out)" in (
        none_held_out.sentence
    )


def test_topics_and_criteria_with_adjusted_p_values() -> None:
    first = rows({i for i in range(40) if i % 2 == 0})
    second = [
        row(i, topic="ab"[i % 2], **({"A1": NO} if i == 1 else {"A2": NA} if i == 3 else {}))
        for i in range(40)
    ]
    found = compare_models(first, second, RUBRIC, names=NAMES)
    assert [(t.name, t.paired.difference, t.clear) for t in found.topics] == [
        ("a", 1.0, True),
        ("b", 0.0, False),
    ]
    assert found.topics[0].adjusted == pytest.approx(2 * found.topics[0].paired.p_value)
    criteria = {c.name: c for c in found.criteria}
    assert list(criteria) == ["A1", "A2", "S1"]
    assert (criteria["S1"].paired.second_only, criteria["S1"].clear) == (20, True)
    assert (criteria["A1"].paired.first_only, criteria["A1"].clear) == (1, False)
    assert criteria["A2"].paired.n == 39


def test_a_criterion_is_compared_where_both_were_assessed_on_it() -> None:
    found = compare_models([row(0, A2=NA)], [row(0)], RUBRIC, names=NAMES)
    assert [c.name for c in found.criteria] == ["A1", "S1"]


def test_held_out_scenarios_alone_even_where_the_second_run_lost_the_mark() -> None:
    first = [row(i, held_out=i < 8, **({"S1": NO} if i < 8 else {})) for i in range(40)]
    tuned = [row(i) for i in range(8)]
    found = compare_models(first, tuned, RUBRIC, names=NAMES, held_out_only=True)
    assert found.paired is not None
    assert (found.paired.n, found.paired.second_only) == (8, 8)
    assert found.left_out == ()
    assert found.only_second == ()


def test_a_scenario_twice_is_wrong_use() -> None:
    with pytest.raises(WrongUse, match="stands twice among the results of granite:8b"):
        compare_models([row(0)], [row(0), row(0)], RUBRIC, names=NAMES)


def test_it_survives_json() -> None:
    found = compare_models(rows({1, 2}), [*rows({3}), row(90)], RUBRIC, names=NAMES)
    assert ModelComparison.model_validate_json(found.model_dump_json()) == found


ends = st.sampled_from([YES, NO, None])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(ends, ends), min_size=1, max_size=20))
def test_exchanging_the_models_mirrors_the_comparison(made: list[tuple[str | None, str | None]]) -> None:
    first, second = (
        [
            row(i, topic="abc"[i % 3], outcome=AnswerOutcome.ERROR)
            if pair[k] is None
            else row(i, topic="abc"[i % 3], S1=NO if pair[k] == NO else YES)
            for i, pair in enumerate(made)
        ]
        for k in (0, 1)
    )
    one = compare_models(first, second, RUBRIC, names=NAMES)
    other = compare_models(second, first, RUBRIC, names=NAMES[::-1])
    assert (one.paired is None) == (other.paired is None)
    assert (one.only_first, one.only_second) == (other.only_second, other.only_first)
    measured = sum(None not in pair for pair in made)
    assert sum(t.paired.n for t in one.topics) == measured
    assert sum(len(entry.scenario_ids) for entry in one.left_out) == len(made) - measured
    if one.paired is not None and other.paired is not None:
        assert one.paired.difference == -other.paired.difference
        assert one.paired.p_value == pytest.approx(other.paired.p_value)
        assert one.second_better is not None
        assert other.second_better is not None
        assert one.second_better == pytest.approx(1 - other.second_better)
