"""Groups, exact tests and what is called clear. Reference values: scipy 1.16 and the papers named."""

from __future__ import annotations

import random
from fractions import Fraction
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.standins.rows import NA, NO, RUBRIC, YES, row
from tools.concentrations import concentrations
from tools.crosses import crosses, group
from tools.failures import Row, analyse
from tools.rows import cases_by_criterion, one_of_each
from tools.significance import benjamini_hochberg, fisher_more, smallest_p
from tools.statistics import wilson
from tools.together import co_failures

# --- exact tests -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failed", "n", "all_failed", "total", "p"),
    [
        (3, 4, 4, 8, 17 / 70),  # Fisher's lady tasting tea, "The Design of Experiments" (1935)
        (10, 12, 12, 24, 0.001664474978514553),
        (9, 10, 11, 24, 0.0003701709516758649),
        (5, 6, 12, 50, 0.001952085181898847),
        (8, 8, 8, 40, 1.3003108978341175e-08),
        (244, 625, 688, 5000, 1.7739209926810533e-66),
        (30, 500, 400, 5000, 0.9697547630164489),
        (1, 3, 40, 50, 0.9938775510204082),
        (1, 2500, 2500, 5000, 1.0),
        (0, 5, 3, 9, 1.0),
    ],
)
def test_fisher_gives_the_published_values(
    failed: int, n: int, all_failed: int, total: int, p: float
) -> None:
    assert fisher_more(failed, n, all_failed, total) == pytest.approx(p, rel=1e-9)


@given(st.data())
def test_fisher_is_the_sum_of_the_hypergeometric_terms(data: st.DataObject) -> None:
    total = data.draw(st.integers(1, 40))
    n, all_failed = data.draw(st.integers(0, total)), data.draw(st.integers(0, total))
    failed = data.draw(st.integers(0, min(n, all_failed)))
    exact = sum(
        Fraction(comb(all_failed, k) * comb(total - all_failed, n - k), comb(total, n))
        for k in range(failed, min(n, all_failed) + 1)
    )
    assert fisher_more(failed, n, all_failed, total) == pytest.approx(float(exact), rel=1e-9, abs=1e-12)
    assert smallest_p(n, all_failed, total) <= fisher_more(failed, n, all_failed, total) + 1e-12


def test_fisher_refuses_impossible_counts() -> None:
    with pytest.raises(ValueError, match="lie within"):
        fisher_more(5, 4, 8, 10)


def test_benjamini_and_hochberg_s_own_example() -> None:
    """Table 1's family of 15 p values in their paper of 1995: four are rejected at 0.05."""
    given_p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459]
    given_p += [0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    adjusted = benjamini_hochberg(given_p)
    assert adjusted == pytest.approx(
        [
            *(0.0015, 0.003, 0.0095, 0.035625, 0.0603, 0.06385714285714286, 0.06385714285714286, 0.0645),
            *(0.0765, 0.486, 0.5811818181818181, 0.714875, 0.7532307692307693, 0.8132142857142857, 1.0),
        ]
    )
    assert sum(p <= 0.05 for p in adjusted) == 4
    assert benjamini_hochberg([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.randoms())
def test_adjusting_keeps_the_order_and_never_lowers(p_values: list[float], rng: random.Random) -> None:
    adjusted = benjamini_hochberg(p_values)
    assert all(a >= p and a <= 1 for a, p in zip(adjusted, p_values, strict=True))
    assert sorted(adjusted) == [a for _, a in sorted(zip(p_values, adjusted, strict=True))]
    order = list(range(len(p_values)))
    rng.shuffle(order)
    assert benjamini_hochberg([p_values[i] for i in order]) == [adjusted[i] for i in order]


# --- groups ------------------------------------------------------------------------------------------------


def test_a_cross_counts_each_criterion_in_each_value() -> None:
    rows = [row(0, topic="a", A1=NO), row(1, topic="a"), row(2, topic="b", A2=NA, A1=NA), row(3, topic="c")]
    found = {cross.dimension: cross for cross in analyse(rows, RUBRIC).crosses}
    assert list(found) == ["topic"]
    topic = found["topic"]
    assert topic.values == ("b", "a", "c")
    assert topic.criteria == ("A1", "A2", "S1")
    assert topic.cell("a", "A1") == (1, 2, wilson(1, 2))
    assert topic.cell("b", "A1")[:2] == (1, 1)
    assert topic.cell("b", "A2") == (0, 0, None)


def test_every_dimension_in_which_scenarios_differ_is_crossed() -> None:
    rows = [
        row(
            i,
            style="xy"[i % 2],
            edge_case=i == 1,
            held_out=i == 2,
            dimensions={"difficulty": "ab"[i % 2], "same": "z", "note": f"free text {i}"},
        )
        for i in range(120)
    ]
    assert [cross.dimension for cross in analyse(rows, RUBRIC).crosses] == [
        "topic",
        "style",
        "difficulty",
        "edge case",
        "held out",
    ]


def test_a_scenario_without_a_place_in_a_dimension_is_not_counted_there() -> None:
    rows = [row(0, dimensions={"level": "a"}), row(1, dimensions={"level": "b"}), row(2)]
    (level,) = [cross for cross in analyse(rows, RUBRIC).crosses if cross.dimension == "level"]
    assert [cells[0].assessed for cells in level.cells] == [1, 1]


def test_pass_rates_by_group_lowest_first() -> None:
    rows = [row(i, topic="ab"[i % 2], **({"S1": NO} if i % 4 == 1 else {})) for i in range(40)]
    rates = [rate for rate in analyse(rows, RUBRIC).rates if rate.dimension == "topic"]
    assert [(r.value, r.passed, r.measured, r.weaker) for r in rates] == [
        ("b", 10, 20, True),
        ("a", 20, 20, False),
    ]
    assert rates[0].interval == wilson(10, 20)


def test_one_of_each_then_the_others() -> None:
    assert one_of_each(["a1", "a2", "b1", "a3"], lambda text: text[0]) == ["a1", "b1", "a2", "a3"]


# --- what is clear -----------------------------------------------------------------------------------------


def test_two_dimensions_together_are_named_when_neither_alone_explains_it() -> None:
    rows = [
        row(i, topic="abcd"[i % 4], style="xy"[i // 4 % 2], A1=NO if i % 4 == 0 and i // 4 % 2 == 0 else YES)
        for i in range(160)
    ]
    found = analyse(rows, RUBRIC).criteria[0]
    pair = next(c for c in found.concentrations if c.dimension == "topic × style")
    assert (pair.value, pair.failed, pair.assessed, pair.elsewhere, pair.clear) == (
        "a × x",
        20,
        20,
        0.0,
        True,
    )
    # Against the rest of the topic (20 of 40 answers) and of the style (20 of 80): the larger p of the two.
    assert pair.p_value == pytest.approx(1 / comb(40, 20))
    assert "the topic “a” with the style “x” (20 of 20, against 0% elsewhere)" in found.pattern


def test_a_topic_that_fails_in_every_style_is_no_matter_of_the_two_together() -> None:
    rows = [
        row(i, topic="abcd"[i % 4], style="xy"[i // 4 % 2], A1=NO if i % 4 == 0 else YES) for i in range(160)
    ]
    dimensions = [c.dimension for c in analyse(rows, RUBRIC).criteria[0].concentrations]
    assert dimensions[0] == "topic"
    assert "topic × style" not in dimensions


def test_a_subtopic_is_compared_with_the_rest_of_its_topic() -> None:
    rows = [
        row(i, topic="ab"[i % 2], subtopic=f"u{i // 2 % 4}", A1=NO if i % 2 == 0 and i // 2 % 4 == 0 else YES)
        for i in range(80)
    ]
    (place,) = [
        c for c in analyse(rows, RUBRIC).criteria[0].concentrations if c.dimension == "subtopic × topic"
    ]
    assert place.value == "u0 × a"
    assert place.p_value == pytest.approx(1 / comb(40, 10))


def test_being_held_out_is_counted_and_not_taken_for_a_cause() -> None:
    rows = [row(i, held_out=i < 10, A1=NO if i < 10 else YES) for i in range(50)]
    found = analyse(rows, RUBRIC)
    assert found.criteria[0].concentrations == ()
    assert found.crosses[-1].cell("yes", "A1")[:2] == (10, 10)


def test_a_group_too_small_to_tell_is_not_counted_as_looked_at() -> None:
    rows = [row(i, topic="a" if i < 3 else "b", A1=NO if i in {0, 1, 20} else YES) for i in range(30)]
    counted = {
        name: group(rows).tally((case.position, case.failed) for case in cases)
        for name, cases in cases_by_criterion(rows, RUBRIC).items()
    }
    found = concentrations(group(rows), counted)
    # Topic a could have failed 3 of 3 (p = 0.0002); b at most 3 of 27 (p = 0.72). A2 and S1 never failed.
    assert found.looked_at == 1
    assert [(c.value, c.adjusted == c.p_value) for c in found.by_criterion["A1"]] == [("a", True)]


def test_many_comparisons_make_the_same_numbers_less_clear() -> None:
    few = [row(i, topic="ab"[i % 2], A1=NO if i in {0, 2, 4, 6, 8} else YES) for i in range(24)]
    alone = analyse(few, RUBRIC).criteria[0].concentrations[0]
    many = [
        row(
            i,
            topic="ab"[i % 2],
            A1=NO if i in {0, 2, 4, 6, 8} else YES,
            A2=NO if i % 3 == 0 else YES,
            dimensions={f"d{k}": "xy"[(i // (k + 2)) % 2] for k in range(8)},
        )
        for i in range(24)
    ]
    among = next(
        c
        for entry in analyse(many, RUBRIC).criteria
        if entry.criterion == "A1"
        for c in entry.concentrations
        if c.dimension == "topic"
    )
    assert alone.p_value == among.p_value == pytest.approx(comb(12, 5) / comb(24, 5))
    assert alone.clear
    assert not among.clear
    assert among.adjusted > alone.adjusted


def test_failures_by_chance_are_rarely_called_a_concentration() -> None:
    """Under the null hypothesis the false discovery rate is the share of analyses with any clear group."""
    rng = random.Random(7)
    clear = 0
    for _ in range(100):
        rows = [_random_row(i, rng) for i in range(60)]
        found = analyse(rows, RUBRIC)
        clear += any(c.clear for entry in found.criteria for c in entry.concentrations) or bool(
            found.weak_groups
        )
    # Binomial(100, 0.05) exceeds 10 with probability 1 %.
    assert clear <= 10


def _random_row(i: int, rng: random.Random) -> Row:
    drawn = {name: NO if rng.random() < 0.3 else YES for name in ("A1", "A2", "S1")}
    return row(
        i,
        topic=rng.choice("abcdef"),
        style=rng.choice("xyz"),
        dimensions={"level": rng.choice("12")},
        **drawn,
    )


# --- together ----------------------------------------------------------------------------------------------


def test_criteria_that_fail_together() -> None:
    rows = [row(i, A1=NO, A2=NO) for i in range(6)] + [row(6, A1=NO), row(7, A1=NO), row(8, A2=NO)]
    rows += [row(i) for i in range(9, 40)] + [row(40, A1=NO, A2=NA)]
    (pair,) = co_failures(cases_by_criterion(rows, RUBRIC))
    assert pair[:6] == ("A1", "A2", 6, 2, 1, 31)
    assert pair.phi == pytest.approx((6 * 31 - 2 * 1) / (8 * 32 * 7 * 33) ** 0.5)
    assert pair.jaccard == 6 / 9
    assert pair.p_value == pytest.approx(fisher_more(6, 8, 7, 40))
    assert pair.clear
    assert pair.sentence == "A1 and A2 fail together in 6 of the 9 answers that fail either of them."


def test_criteria_that_exclude_each_other_or_meet_once_are_not_together() -> None:
    apart = [row(i, A1=NO) for i in range(5)] + [row(i, A2=NO) for i in range(5, 10)]
    assert co_failures(cases_by_criterion(apart, RUBRIC)) == ()
    assert co_failures(cases_by_criterion([row(0, A1=NO, A2=NO), row(1)], RUBRIC)) == ()


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from([YES, NO, NA]), st.sampled_from([YES, NO, NA])), max_size=30))
def test_co_failures_count_as_a_plain_loop_does(made: list[tuple[str, str]]) -> None:
    rows = [row(i, A1=a, A2=b) for i, (a, b) in enumerate(made)]
    known = [(a != YES, b == NO) for a, b in made if b != NA]
    for pair in co_failures(cases_by_criterion(rows, RUBRIC)):
        assert (pair.first, pair.second) == ("A1", "A2")
        assert (pair.both, pair.first_only, pair.second_only, pair.neither) == tuple(
            known.count(both) for both in ((True, True), (True, False), (False, True), (False, False))
        )


def test_the_tables_are_made_from_counts_alone() -> None:
    rows = [row(i, topic="ab"[i % 2], A1=NO if i == 1 else YES) for i in range(4)]
    grouping = group(rows)
    count = grouping.tally((i, i == 1) for i in range(4))
    (table,) = crosses(grouping, {"A1": count})
    assert table.values == ("b", "a")
    assert [[cell.failed for cell in cells] for cells in table.cells] == [[1], [0]]
