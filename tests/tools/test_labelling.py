"""Which answers a person labels, and labels that come in a file."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.standins.records import NOW
from tools.evaluation import Answer, AnswerOutcome, CriterionVerdict, Label, Scenario, Verdict
from tools.faults import WrongUse
from tools.judging import COMPUTED
from tools.label_files import ReadLabels, export_lines, read_labels
from tools.labelling import (
    by_criteria,
    is_finished,
    passes,
    time_left,
    to_label,
    verdicts_of,
    words_allowed,
)
from tools.panel import HUMAN
from tools.rubric import parse_rubric

RUBRIC = parse_rubric(
    """
name: T
pass_threshold: 0.5
categories: {a: {weight: 1}, s: {weight: 0, gate: true}}
criteria:
  - {id: A1, category: a, question: Is it kind?}
  - {id: A2, category: a, question: Is it short?, kind: computed, rule: {type: word_count, maximum: 5}}
  - {id: S1, category: s, question: Is it safe?, na_allowed: true}
""",
    "t",
)
SCENARIOS = {
    name: Scenario(id=name, topic="t", subtopic="s", style="x", message=f"Message {name}?")
    for name in ("s1", "s2", "s3")
}


def answer(name: str, outcome: AnswerOutcome = AnswerOutcome.ANSWERED) -> Answer:
    return Answer(scenario_id=name, outcome=outcome, text="Tell me more." if name != "s3" else "")


ANSWERS = {
    "s1": answer("s1"),
    "s2": answer("s2"),
    "s3": answer("s3", AnswerOutcome.EMPTY),
}


def many(count: int) -> list[Answer]:
    return [answer(f"s{n:03}") for n in range(count)]


# --- the sample --------------------------------------------------------------------------------------------


def test_the_order_is_random_and_the_same_each_time() -> None:
    order = to_label(many(60), "20261121-aaaaa").left
    assert order == to_label(reversed(many(60)), "20261121-aaaaa").left
    assert order != to_label(many(60), "20261121-bbbbb").left
    assert sorted(order) == [one.scenario_id for one in many(60)]
    assert list(order) != sorted(order)


@settings(max_examples=30)
@given(st.integers(0, 40), st.integers(1, 60), st.data())
def test_labelling_goes_on_where_it_stopped(size: int, count: int, data: st.DataObject) -> None:
    """Whoever stops anywhere and goes on has labelled the same sample as who never stopped."""
    whole = to_label(many(size), "run", count)
    stop = data.draw(st.integers(0, len(whole.left)))
    rest = to_label(many(size), "run", count, whole.left[:stop])
    assert rest.left == whole.left[stop:]
    assert (rest.done, rest.total) == (stop, min(size, count))


def test_a_larger_sample_holds_the_smaller_one() -> None:
    assert to_label(many(80), "run", 60).left[:30] == to_label(many(80), "run", 30).left
    assert to_label(many(80), "run").total == 80


def test_every_answer_is_as_likely_to_be_in_the_sample() -> None:
    """2,000 runs, 3 of 12 answers each: every answer 500 times on average, standard deviation 19."""
    drawn = Counter(name for run in range(2000) for name in to_label(many(12), f"run-{run}", 3).left)
    assert len(drawn) == 12
    assert all(abs(count - 500) < 5 * 19.4 for count in drawn.values())
    first = Counter(to_label(many(12), f"run-{run}", 3).left[0] for run in range(2000))
    assert all(abs(count - 2000 / 12) < 5 * 12.4 for count in first.values())


def test_only_answers_are_labelled() -> None:
    assert sorted(to_label(ANSWERS.values(), "run").left) == ["s1", "s2"]
    assert to_label(ANSWERS.values(), "run", done=["s3", "gone"]).done == 0


# --- verdicts ----------------------------------------------------------------------------------------------


def test_criteria_make_a_label_with_the_rules_verdicts_beside_them() -> None:
    verdicts = by_criteria(RUBRIC, SCENARIOS["s1"], ANSWERS["s1"], {"A1": Verdict.YES})
    assert [(v.criterion, v.verdict, v.judge) for v in verdicts] == [
        ("A1", Verdict.YES, HUMAN),
        ("A2", Verdict.YES, COMPUTED),
    ]
    assert passes(verdicts, RUBRIC) is None
    label = Label(scenario_id="s1", by="ada", passed=None, verdicts=verdicts, at=NOW)
    assert not is_finished(label, RUBRIC)
    assert not is_finished(label, None)
    assert verdicts_of(label) == {"A1": Verdict.YES}
    whole = by_criteria(RUBRIC, SCENARIOS["s1"], ANSWERS["s1"], {"A1": Verdict.NO, "S1": Verdict.NA})
    assert passes(whole, RUBRIC) is True, "one of two, and the gate does not apply"
    assert is_finished(label.model_copy(update={"verdicts": whole}), RUBRIC)


def test_cannot_tell_is_a_finished_label_without_a_verdict() -> None:
    label = Label(scenario_id="s1", by="ada", passed=None, at=NOW)
    assert is_finished(label, None)
    assert not is_finished(label, RUBRIC)
    given_ = CriterionVerdict(criterion="A1", verdict=Verdict.CANNOT_ASSESS, judge=HUMAN)
    assert passes((given_,), RUBRIC) is None


def test_not_applicable_only_where_the_criterion_allows_it() -> None:
    assert Verdict.NA not in words_allowed(RUBRIC.criterion("A1"))
    assert Verdict.NA in words_allowed(RUBRIC.criterion("S1"))


@pytest.mark.parametrize(
    ("seconds", "left", "said"),
    [
        ([], 12, ""),
        ([5.0], 0, ""),
        ([5.0], 10, "less than a minute left"),
        ([30.0, 1.0, 600.0], 3, "about 2 minutes left"),
        ([30.0], 2, "about 1 minute left"),
    ],
)
def test_time_left_goes_by_the_median(seconds: list[float], left: int, said: str) -> None:
    assert time_left(seconds, left) == said


# --- files -------------------------------------------------------------------------------------------------


def read(folder: Path, *records: dict[str, Any] | str, rubric: Any = RUBRIC) -> ReadLabels:
    path = folder / "labels.jsonl"
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return read_labels(path, ANSWERS, SCENARIOS, rubric, by="ada", at=NOW)


def test_an_export_holds_nothing_of_model_or_judge_and_reads_back(tmp_path: Path) -> None:
    lines = export_lines(["s2", "s1"], SCENARIOS, ANSWERS)
    assert lines[0] == {
        "id": "s2",
        "message": "Message s2?",
        "response": "Tell me more.",
        "passed": "",
        "note": "",
    }
    assert read(tmp_path, *lines) == ReadLabels((), 2)
    lines[1] |= {"passed": "fail", "note": " too short ", "by": "Grace"}
    (label,) = read(tmp_path, *lines).labels
    assert (label.scenario_id, label.passed, label.note, label.by) == ("s1", False, "too short", "Grace")


def test_an_export_by_criteria(tmp_path: Path) -> None:
    (line,) = export_lines(["s1"], SCENARIOS, ANSWERS, RUBRIC)
    assert line["verdicts"] == {"A1": "", "S1": ""}
    assert read(tmp_path, line) == ReadLabels((), 1)
    line["verdicts"] = {"A1": "YES", "S1": "NO"}
    (label,) = read(tmp_path, line).labels
    assert label.passed is False, "the gate decides"
    assert [v.criterion for v in label.verdicts] == ["A1", "A2", "S1"]
    line["passed"] = True
    assert read(tmp_path, line).labels[0].passed is True, "the person's own word"


@pytest.mark.parametrize(
    ("given_", "passed"),
    [(True, True), (False, False), (None, None), ("pass", True), (" Fail ", False), ("?", None)],
)
def test_ways_to_say_it(tmp_path: Path, given_: Any, passed: bool | None) -> None:
    (label,) = read(tmp_path, {"id": "s1", "passed": given_}).labels
    assert (label.passed, label.by, label.at) == (passed, "ada", NOW)


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        ({"passed": True}, '"id" must be text.'),
        ({"id": "s9", "passed": True}, 'the run has no answer to "s9". Is it the right run?'),
        ({"id": "s3", "passed": True}, 'the run has no answer to "s3".'),
        ({"id": "s2"}, 'the line has neither "passed" nor "verdicts".'),
        ({"id": "s2", "pased": True}, 'the key "pased" is not known here. Did you mean "passed"?'),
        ({"id": "s2", "passed": "maybe"}, "'maybe' is not a label. Use true, false, null,"),
        ({"id": "s2", "passed": 1.5}, "'1.5' is not a label."),
        ({"id": "s2", "passed": ["pass"]}, "\"['pass']\" is not a label."),
        ({"id": "s2", "passed": True, "response": "Another."}, "the response is not what the run has"),
        (
            {"id": "s2", "verdicts": {"A1": "MAYBE"}},
            "'MAYBE' on A1 is not a verdict. Use one of YES, NO, CAN",
        ),
        ({"id": "s2", "verdicts": {"A2": "YES"}}, 'the rubric has no judged criterion "A2".'),
        ({"id": "s2", "verdicts": ["YES"]}, '"verdicts" must be an object'),
        ({"id": "s2", "passed": True, "note": "n" * 4001}, '"note" is longer than 4,000 characters.'),
        ({"id": "s2", "passed": True, "by": 7}, '"by" must be text.'),
        ({"id": "s1", "passed": True}, 'the id "s1" stands in line 1 already.'),
        ("{", "this is not valid JSON"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(
    tmp_path: Path, record: dict[str, Any] | str, sentence: str
) -> None:
    with pytest.raises(WrongUse) as wrong:
        read(tmp_path, {"id": "s1", "passed": True}, record)
    assert str(wrong.value).startswith(f"labels.jsonl, line 2: {sentence}")


def test_two_people_may_label_the_same_answer_in_one_file(tmp_path: Path) -> None:
    found = read(tmp_path, {"id": "s1", "passed": True}, {"id": "s1", "passed": False, "by": "Grace"}).labels
    assert [(label.by, label.passed) for label in found] == [("ada", True), ("Grace", False)]


def test_no_labels_and_no_rubric(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="holds no label"):
        read(tmp_path, "")
    with pytest.raises(WrongUse, match="the run has no rubric yet"):
        read(tmp_path, {"id": "s1", "verdicts": {"A1": "YES"}}, rubric=None)
