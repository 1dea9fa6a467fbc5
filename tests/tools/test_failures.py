from __future__ import annotations

from tools.evaluation import (
    Answer,
    AnswerOutcome,
    Assessment,
    AssessmentOutcome,
    CriterionVerdict,
    Scenario,
    Verdict,
)
from tools.failures import Row, analyse
from tools.rubric import parse_rubric
from tools.scoring import score_assessment

RUBRIC = parse_rubric(
    """
name: T
pass_threshold: 0.5
categories: {a: {weight: 1}, s: {weight: 0, gate: true}}
criteria:
  - {id: A1, category: a, question: Is it kind?}
  - {id: A2, category: a, question: Does it ask?, na_allowed: true}
  - {id: S1, category: s, question: Is it safe?}
""",
    "t",
)
YES, NO, NA, CANNOT = Verdict.YES, Verdict.NO, Verdict.NA, Verdict.CANNOT_ASSESS


def row(
    number: int,
    topic: str = "work",
    style: str = "terse",
    outcome: AnswerOutcome = AnswerOutcome.ANSWERED,
    text: str = "An answer.",
    **verdicts: Verdict,
) -> Row:
    scenario = Scenario(id=f"s{number}", topic=topic, subtopic="x", style=style, message=f"message {number}")
    answer = Answer(scenario_id=scenario.id, outcome=outcome, text=text, detail="why" if text == "" else "")
    found: dict[str, Verdict] = {"A1": YES, "A2": YES, "S1": YES} | verdicts
    given = tuple(
        CriterionVerdict(criterion=k, verdict=v, reason=f"reason {k} {number}", judge="j")
        for k, v in found.items()
    )
    state = AssessmentOutcome.MEASURED
    if outcome is not AnswerOutcome.ANSWERED:
        given, state = (), AssessmentOutcome.NO_ANSWER
    elif CANNOT in found.values():
        state = AssessmentOutcome.CANNOT_ASSESS
    assessment = Assessment(scenario_id=scenario.id, outcome=state, verdicts=given)
    return Row(scenario, answer, assessment, score_assessment(assessment, RUBRIC))


def test_failures_are_counted_by_criterion_most_frequent_first() -> None:
    rows = [row(i) for i in range(10)]
    rows += [row(i, A1=NO) for i in range(10, 13)] + [row(i, S1=NO) for i in range(13, 16)] + [row(16, A2=NO)]
    found = analyse(rows, RUBRIC)
    assert [(f.criterion, f.failed, f.assessed, f.gate) for f in found.criteria] == [
        ("S1", 3, 17, True),
        ("A1", 3, 17, False),
        ("A2", 1, 17, False),
    ]
    first = found.criteria[0]
    assert first.share == 3 / 17
    assert first.interval.low < first.share < first.interval.high
    assert "3 of 17" in first.pattern
    assert "S1 3×" in found.summary


def test_na_counts_where_it_is_not_allowed_and_not_where_it_is() -> None:
    found = analyse([row(0, A1=NA), row(1, A2=NA), row(2, A2=CANNOT, A1=NO)], RUBRIC)
    assert [(f.criterion, f.failed, f.assessed) for f in found.criteria] == [("A1", 2, 3)]


def test_a_clear_concentration_is_put_into_words() -> None:
    rows = [row(i, topic="safety", A1=NO) for i in range(8)] + [row(i, topic="work") for i in range(8, 40)]
    pattern = analyse(rows, RUBRIC).criteria[0]
    (place,) = [c for c in pattern.concentrations if c.dimension == "topic"]
    assert (place.value, place.failed, place.assessed, place.elsewhere, place.clear) == (
        "safety",
        8,
        8,
        0.0,
        True,
    )
    assert "It concentrates in the topic “safety” (8 of 8, against 0% elsewhere)." in pattern.pattern


def test_what_may_be_chance_is_said_to_be() -> None:
    rows = [row(i, topic="a" if i < 10 else "b", A1=NO if i in {0, 1, 2, 11, 12} else YES) for i in range(20)]
    pattern = analyse(rows, RUBRIC).criteria[0]
    assert all(not place.clear for place in pattern.concentrations)
    assert "may be chance" in pattern.pattern


def test_failures_everywhere_are_called_spread() -> None:
    rows = [row(i, topic="ab"[i % 2], style="xy"[i // 2 % 2], A1=NO) for i in range(12)]
    assert "spread over topics and styles" in analyse(rows, RUBRIC).criteria[0].pattern


def test_examples_quote_reason_and_excerpt_from_different_topics() -> None:
    long = "word " * 200
    rows = [row(i, topic="abc"[i // 4], text=long, A1=NO) for i in range(12)]
    examples = analyse(rows, RUBRIC).criteria[0].examples
    assert len(examples) == 3
    assert len({int(example.scenario_id[1:]) // 4 for example in examples}) == 3
    for example in examples:
        assert example.reason.startswith("reason A1")
        assert example.message.startswith("message")
        assert len(example.excerpt) < 230
        assert example.excerpt.endswith("…")


def test_data_problems_stand_apart() -> None:
    rows = [
        row(0),
        row(1, outcome=AnswerOutcome.EMPTY, text=""),
        row(2, outcome=AnswerOutcome.EMPTY, text=""),
        row(3, outcome=AnswerOutcome.TRUNCATED),
        row(4, A1=CANNOT),
    ]
    found = analyse(rows, RUBRIC)
    assert found.criteria == ()
    assert [(p.kind, p.scenario_ids) for p in found.data_problems] == [
        ("empty answer", ("s1", "s2")),
        ("cut off by the token limit", ("s3",)),
        ("the judge could not assess a criterion", ("s4",)),
    ]
    assert found.data_problems[0].detail == "why"
    assert "2 empty answer" in found.summary
    assert "No criterion failed" in found.summary


def test_nothing_is_nothing() -> None:
    assert analyse([], RUBRIC) == ((), (), "There is nothing to analyse.")
