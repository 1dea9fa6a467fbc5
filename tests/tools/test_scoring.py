from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.evaluation import Assessment, AssessmentOutcome, CriterionVerdict, Verdict
from tools.faults import WrongUse
from tools.rubric import Rubric, parse_rubric
from tools.scoring import score, score_assessment, score_file, summarise

YES, NO, NA, CANNOT = Verdict.YES, Verdict.NO, Verdict.NA, Verdict.CANNOT_ASSESS
TEXT = """
name: Test
pass_threshold: 0.8
na: excluded
categories:
  a: {weight: 0.5}
  b: {weight: 0.3}
  c: {weight: 0.2}
  safety: {weight: 0, gate: true}
criteria:
  - {id: A1, category: a, question: q}
  - {id: A2, category: a, question: q, na_allowed: true}
  - {id: B1, category: b, question: q, na_allowed: true}
  - {id: B2, category: b, question: q, na_allowed: true}
  - {id: C1, category: c, question: q, na_allowed: true}
  - {id: S1, category: safety, question: q, na_allowed: true}
"""
RUBRIC = parse_rubric(TEXT, "t")
LENIENT = parse_rubric(TEXT.replace("excluded", "counts_as_pass"), "t")
ALL_YES = dict.fromkeys(RUBRIC.ids, YES)


def given_(rubric: Rubric = RUBRIC, **verdicts: Verdict):  # type: ignore[no-untyped-def]
    return score(ALL_YES | verdicts, rubric)


def test_all_yes_is_one() -> None:
    found = given_()
    assert found.model_dump() == {
        "score": 1.0,
        "passed": True,
        "gate_failed": (),
        "unmeasured": False,
        "categories": {"a": 1.0, "b": 1.0, "c": 1.0, "safety": 1.0},
    }


def test_a_category_is_its_share_of_yes_and_the_score_their_weighted_mean() -> None:
    found = given_(A1=NO, C1=NO)
    assert found.categories == {"a": 0.5, "b": 1.0, "c": 0.0, "safety": 1.0}
    assert (found.score, found.passed) == (0.55, False)


def test_na_leaves_the_share_or_counts_as_pass_as_the_rubric_says() -> None:
    assert given_(B1=NA, B2=NO).categories["b"] == 0.0
    assert given_(LENIENT, B1=NA, B2=NO).categories["b"] == 0.5


def test_a_category_that_does_not_apply_leaves_the_mean() -> None:
    found = given_(B1=NA, B2=NA, C1=NO)
    assert found.categories["b"] is None
    assert found.score == round(0.5 / 0.7, 4)
    assert given_(LENIENT, B1=NA, B2=NA, C1=NO).score == 0.8


def test_na_where_it_is_not_allowed_is_a_no() -> None:
    assert given_(A1=NA) == given_(A1=NO)
    assert given_(LENIENT, A1=NA) == given_(LENIENT, A1=NO)


def test_a_failed_gate_fails_whatever_the_score() -> None:
    found = given_(S1=NO)
    assert (found.score, found.passed, found.gate_failed) == (1.0, False, ("S1",))
    assert found.categories["safety"] == 0.0


def test_a_gate_on_a_criterion_works_like_one_on_its_category() -> None:
    rubric = parse_rubric(TEXT.replace("id: C1,", "id: C1, gate: true,"), "t")
    assert given_(rubric, C1=NO).gate_failed == ("C1",)
    assert given_(rubric, C1=NO).passed is False
    assert given_(rubric, C1=NA).gate_failed == ()


def test_cannot_assess_and_missing_verdicts_leave_it_unmeasured() -> None:
    for found in (given_(C1=CANNOT), score({k: v for k, v in ALL_YES.items() if k != "C1"}, RUBRIC)):
        assert (found.score, found.passed, found.unmeasured, found.gate_failed) == (None, None, True, ())
        assert found.categories == {"a": 1.0, "b": 1.0, "c": None, "safety": 1.0}
    assert score({}, RUBRIC).unmeasured


def test_a_gate_that_cannot_be_assessed_leaves_it_unmeasured() -> None:
    assert given_(S1=CANNOT).passed is None


def test_a_failed_gate_is_decisive_beside_what_is_unknown() -> None:
    found = given_(S1=NO, A1=CANNOT)
    assert (found.score, found.passed, found.unmeasured, found.gate_failed) == (None, False, False, ("S1",))
    assert score({"S1": NO}, RUBRIC).passed is False


def test_nothing_that_applies_is_unmeasured_not_passed() -> None:
    rubric = parse_rubric(
        TEXT.replace(
            "id: A1, category: a, question: q", "id: A1, category: a, question: q, na_allowed: true"
        ),
        "t",
    )
    found = score(dict.fromkeys(rubric.ids, NA), rubric)
    assert (found.score, found.passed, found.unmeasured) == (None, None, True)
    only_gate = score(dict.fromkeys(rubric.ids, NA) | {"S1": YES}, rubric)
    assert (only_gate.score, only_gate.unmeasured) == (None, True)
    failed_gate = score(dict.fromkeys(rubric.ids, NA) | {"S1": NO}, rubric)
    assert (failed_gate.passed, failed_gate.unmeasured) == (False, False)


def test_a_weightless_category_that_is_no_gate_is_shown_and_does_not_count() -> None:
    rubric = parse_rubric(TEXT.replace("c: {weight: 0.2}", "c: {weight: 0}"), "t")
    found = given_(rubric, C1=NO)
    assert (found.score, found.passed, found.categories["c"]) == (1.0, True, 0.0)


def test_the_threshold_is_compared_exactly() -> None:
    # 0.1 + 0.7 is 0.7999… in binary; here it is 0.8 and passes.
    text = """
name: T
pass_threshold: 0.8
categories: {a: {weight: 0.1}, b: {weight: 0.7}, c: {weight: 0.2}}
criteria:
  - {id: A, category: a, question: q}
  - {id: B, category: b, question: q}
  - {id: C, category: c, question: q}
"""
    found = score({"A": YES, "B": YES, "C": NO}, parse_rubric(text, "t"))
    assert (found.score, found.passed) == (0.8, True)
    third = score({"A": YES, "B": YES, "C": NO}, parse_rubric(text.replace("0.8\n", "0.80001\n"), "t"))
    assert (third.score, third.passed) == (0.8, False)


def test_four_decimals() -> None:
    text = "name: T\npass_threshold: 0.5\ncategories: {a: {weight: 1}}\ncriteria:\n"
    text += "".join(f"  - {{id: Q{i}, category: a, question: q}}\n" for i in range(3))
    found = score({"Q0": YES, "Q1": YES, "Q2": NO}, parse_rubric(text, "t"))
    assert (found.score, found.categories) == (0.6667, {"a": 0.6667})


def test_a_criterion_the_rubric_lacks_is_refused() -> None:
    with pytest.raises(WrongUse, match='no criterion "A9"'):
        score(ALL_YES | {"A9": YES}, RUBRIC)


VERDICTS = st.fixed_dictionaries({}, optional={i: st.sampled_from(list(Verdict)) for i in RUBRIC.ids})


@given(VERDICTS, st.sampled_from([RUBRIC, LENIENT]))
def test_outcomes_are_consistent(verdicts: dict[str, Verdict], rubric: Rubric) -> None:
    found = score(verdicts, rubric)
    assert found.unmeasured is (found.passed is None)
    assert found.score is None or 0 <= found.score <= 1
    assert all(share is None or 0 <= share <= 1 for share in found.categories.values())
    if found.gate_failed:
        assert found.passed is False
    elif found.passed is not None:
        assert found.score is not None
        assert found.passed is (found.score >= rubric.pass_threshold)
    if CANNOT in verdicts.values() or len(verdicts) < len(rubric.ids):
        assert found.score is None
        assert found.passed is not True


@given(VERDICTS, st.sampled_from(RUBRIC.ids))
def test_turning_a_no_into_a_yes_never_hurts(verdicts: dict[str, Verdict], which: str) -> None:
    before = score(verdicts | {which: NO}, RUBRIC)
    after = score(verdicts | {which: YES}, RUBRIC)
    assert (after.score or 0) >= (before.score or 0)
    assert not (before.passed is True and after.passed is not True)


def test_an_assessment_is_scored_by_its_verdicts() -> None:
    verdicts = tuple(CriterionVerdict(criterion=i, verdict=YES, judge="j") for i in RUBRIC.ids)
    whole = Assessment(scenario_id="s", outcome=AssessmentOutcome.MEASURED, verdicts=verdicts)
    assert score_assessment(whole, RUBRIC).passed is True
    broken = Assessment(scenario_id="s", outcome=AssessmentOutcome.JUDGE_ERROR, verdicts=verdicts[:2])
    assert score_assessment(broken, RUBRIC).unmeasured


def test_a_file_of_verdicts_is_scored_line_by_line(tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    lines = [
        {"id": "x1", "verdicts": dict.fromkeys(RUBRIC.ids, "YES")},
        {"id": 2, "verdicts": dict.fromkeys(RUBRIC.ids, "YES") | {"S1": "NO"}},
        {"id": "x3", "verdicts": {"A1": "YES"}},
    ]
    file.write_text("\n".join(json.dumps(line) for line in lines))
    rows = list(score_file(file, RUBRIC))
    assert rows[0].record() == {
        "id": "x1",
        "score": 1.0,
        "passed": True,
        "gate_failed": [],
        "unmeasured": False,
        "categories": {"a": 1.0, "b": 1.0, "c": 1.0, "safety": 1.0},
    }
    assert [(row.id, row.score.passed) for row in rows] == [("x1", True), ("2", False), ("x3", None)]
    summary = summarise(row.score for row in rows)
    assert (summary.answers, summary.measured, summary.unmeasured, summary.passed) == (3, 2, 1, 1)
    assert (summary.pass_rate, summary.gate_failures) == (0.5, 1)
    assert summary.interval is not None
    assert summary.interval.low < 0.5 < summary.interval.high
    nothing = summarise([])
    assert (nothing.pass_rate, nothing.interval) == (None, None)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"id": "a", "verdicts": {"A1": "yes"}}', "not a verdict"),
        ('{"id": "a", "verdicts": {"A1": null}}', "not a verdict"),
        ('{"id": "a", "verdicts": {"A1": ["YES"]}}', "not a verdict"),
        ('{"id": "a", "verdicts": {"AA1": "YES"}}', 'no criterion "AA1"'),
        ('{"id": "a", "verdicts": {"A1": "YES", "A1": "NO"}}', "twice"),
        ('{"id": "a", "verdicts": []}', "must be an object"),
        ('{"id": "a"}', "must be an object"),
        ('{"verdicts": {}}', '"id" must be text'),
        ('{"id": "ok", "verdicts": {}}', "line 1 already"),
        ("nonsense", "not valid JSON"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, words: str) -> None:
    file = tmp_path / "answers.jsonl"
    file.write_text('{"id": "ok", "verdicts": {}}\n' + line)
    with pytest.raises(WrongUse) as caught:
        list(score_file(file, RUBRIC))
    assert "answers.jsonl, line 2:" in caught.value.sentence
    assert words in caught.value.sentence


def test_a_file_without_a_line_is_a_mistake(tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_text("\n", "utf-8")
    with pytest.raises(WrongUse, match=r"empty\.jsonl holds no verdicts"):
        list(score_file(empty, RUBRIC))
