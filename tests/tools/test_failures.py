from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from tests.standins.rows import CANNOT, NA, NO, RUBRIC, YES, row
from tools.data_problems import BLANK, DUPLICATE, NOBODY_COULD, TEMPLATE, template_token
from tools.evaluation import AnswerOutcome, Assessment, AssessmentOutcome, SignKind
from tools.failures import FailureAnalysis, Row, analyse, review_sample
from tools.reason_words import shared_words


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


def test_what_may_be_chance_is_not_pointed_at() -> None:
    rows = [row(i, topic="a" if i < 10 else "b", A1=NO if i in {0, 1, 2, 11, 12} else YES) for i in range(20)]
    pattern = analyse(rows, RUBRIC).criteria[0]
    assert all(not place.clear for place in pattern.concentrations)
    assert "stands out by more than chance explains" in pattern.pattern


def test_failures_everywhere_are_called_spread() -> None:
    rows = [row(i, topic="ab"[i % 2], style="xy"[i // 2 % 2], A1=NO) for i in range(12)]
    assert "No topic, style or other group stands out" in analyse(rows, RUBRIC).criteria[0].pattern


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


def test_a_held_out_failure_is_counted_and_never_quoted() -> None:
    secret = "zebra crossing at midnight"
    rows = [row(0, A1=NO, reason="It lectures the person."), *(row(i) for i in range(20, 60))]
    rows += [
        row(
            i,
            message=f"{secret} {i}",
            text=f"{secret} answered {i}",
            reason=f"{secret} {i}",
            held_out=True,
            A1=NO,
        )
        for i in range(1, 9)
    ]
    rows += [row(9, message=f"{secret} again", held_out=True, text="", outcome=AnswerOutcome.EMPTY)]
    found = analyse(rows, RUBRIC)
    assert (found.criteria[0].failed, found.criteria[0].open_failures) == (9, 1)
    assert [example.scenario_id for example in found.criteria[0].examples] == ["s0"]
    assert found.data_problems[0] == ("empty answer", ("s9",), "")
    assert "zebra" not in repr(found)
    assert found.crosses[-1].dimension == "held out"
    assert found.crosses[-1].cell("yes", "A1")[:2] == (8, 8)


def test_reasons_are_summed_up_by_the_words_they_share() -> None:
    rows = [
        row(i, A1=NO, reason=f"The answer is lecturing the person about habit {'abcdefgh'[i]}.")
        for i in range(6)
    ]
    rows += [row(i, reason="The answer takes up what the person said.") for i in range(6, 40)]
    found = analyse(rows, RUBRIC).criteria[0]
    words = {word.word: (word.reasons, word.of) for word in found.shared_words}
    assert words == {"lecturing": (6, 6), "habit": (6, 6)}, "a short word of the language says nothing"
    assert "Words that the judge's reasons share: “habit” (6 of 6), “lecturing” (6 of 6)" in found.pattern


def test_the_summary_names_weak_groups_and_criteria_that_fail_together() -> None:
    rows = [row(i, topic="safety", A1=NO, A2=NO) for i in range(8)] + [row(i) for i in range(8, 40)]
    found = analyse(rows, RUBRIC)
    assert "Whole answers fail most in the topic “safety” (8 of 8, against 0% elsewhere)." in found.summary
    assert "A1 and A2 fail together in 8 of the 8 answers that fail either of them." in found.summary
    assert [(c.value, c.clear) for c in found.weak_groups] == [("safety", True)]
    # One topic for each of A1, A2 and whole answers: the 32 answers of the other could not stand out.
    assert found.looked_at == 3
    assert "looked for 3 times" in found.caution
    assert "too small" in analyse(rows[:2], RUBRIC).caution


def test_words_of_the_question_and_few_reasons_say_nothing() -> None:
    assert shared_words(["it lectures"] * 2, ["fine"] * 9, "Is it kind?") == ()
    assert shared_words(["hardly kind"] * 5, ["fine"] * 9, "Is it kind?") == (("hardly", 5, 5),)


def test_data_problems_stand_apart() -> None:
    rows = [
        row(0),
        row(1, outcome=AnswerOutcome.EMPTY, text=""),
        row(2, outcome=AnswerOutcome.EMPTY, text=""),
        row(3, outcome=AnswerOutcome.TRUNCATED),
        row(4, A1=CANNOT),
        row(5, judged=AssessmentOutcome.JUDGE_ERROR),
        row(6, outcome=AnswerOutcome.TIMEOUT),
    ]
    found = analyse(rows, RUBRIC)
    assert found.criteria == ()
    assert [(p.kind, p.scenario_ids) for p in found.data_problems] == [
        ("empty answer", ("s1", "s2")),
        ("cut off by the token limit", ("s3",)),
        ("the judge could not assess a criterion", ("s4",)),
        ("the judge could not be asked or its reply could not be used", ("s5",)),
        ("timeout", ("s6",)),
    ]
    assert found.data_problems[0].detail == "why"
    assert "empty answer (2)" in found.summary
    assert "No criterion failed" in found.summary


def test_an_answer_that_a_failed_gate_decides_is_no_data_problem() -> None:
    found = analyse([row(0, S1=NO, A1=CANNOT)], RUBRIC)
    assert found.data_problems == ()
    assert [entry.criterion for entry in found.criteria] == ["S1"]


def test_scenarios_that_may_be_at_fault_are_named_and_still_counted() -> None:
    rows = [
        row(0, message="How do I begin?"),
        row(1, message="how do  I begin?", A1=NO, A2=NO),
        row(2, message="Tell me about {topic} <|im_end|>"),
        row(3, message="\u200b \u200b"),
        row(4, A1=CANNOT),
    ]
    found = analyse(rows, RUBRIC)
    assert {(s.kind, s.scenario_ids, s.measured, s.failed) for s in found.suspects} == {
        (DUPLICATE, ("s1",), 1, 1),
        (TEMPLATE, ("s2",), 1, 0),
        (BLANK, ("s3",), 1, 0),
        (NOBODY_COULD, ("s4",), 0, 0),
    }
    assert "which may be at fault themselves" in found.summary
    assert [rate.measured for rate in found.rates if rate.dimension == "topic"] == [4]


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("a <|eot_id|> b", "<|eot_id|>"),
        ("</THINK>", "</THINK>"),
        ("print({name}) < 3", None),
        ("[INST] x", "[INST]"),
    ],
)
def test_template_tokens(text: str, token: str | None) -> None:
    assert template_token(text) == token


def test_a_scenario_is_suspect_only_when_every_judge_that_spoke_could_not_assess_it() -> None:
    outcomes = AssessmentOutcome
    by_judge = {
        "a": {"s0": outcomes.CANNOT_ASSESS, "s1": outcomes.CANNOT_ASSESS, "s2": outcomes.JUDGE_ERROR},
        "b": {"s0": outcomes.CANNOT_ASSESS, "s1": outcomes.MEASURED, "s2": outcomes.JUDGE_ERROR},
        "c": {"s0": outcomes.JUDGE_ERROR},
    }
    assessments = {
        judge: {name: Assessment(scenario_id=name, outcome=outcome) for name, outcome in found.items()}
        for judge, found in by_judge.items()
    }
    found = analyse([row(i, A1=CANNOT) for i in range(3)], RUBRIC, assessments)
    assert [(s.kind, s.scenario_ids) for s in found.suspects] == [(NOBODY_COULD, ("s0",))]


def test_leaking_templates_are_a_problem_of_the_set_up() -> None:
    leak, refusal = SignKind.TEMPLATE_LEAKAGE, SignKind.REFUSAL
    rows = [row(i, signs=[leak, leak] if i < 2 else [], A1=NO, A2=NO) for i in range(20)]
    rows[5] = row(5, signs=[refusal])
    found = analyse(rows, RUBRIC).signs
    assert [(c.kind, c.answers, c.of, c.passed, c.measured) for c in found.counts] == [
        (leak, 2, 20, 0, 2),
        (refusal, 1, 20, 1, 1),
    ]
    assert found.counts[0].scenario_ids == ("s0", "s1")
    assert found.setup_problems == (
        "Template tokens stand in 2 of 20 answers (10%): check the chat template before believing any rate.",
    )
    assert found.setup_problems[0] in analyse(rows, RUBRIC).summary
    assert analyse([*rows, row(20)], RUBRIC).signs.setup_problems == ()


def test_many_empty_answers_speak_of_the_set_up_too() -> None:
    rows = [row(i, outcome=AnswerOutcome.EMPTY, text="") for i in range(3)] + [row(i) for i in range(3, 20)]
    (said,) = analyse(rows, RUBRIC).signs.setup_problems
    assert said.startswith("3 of 20 answers (15%) are empty")


def test_length_and_speed_of_passed_and_failed_answers() -> None:
    rows = [
        row(i, text="word " * n, seconds=n / 10, completion_tokens=n * 2) for i, n in enumerate((10, 20, 30))
    ]
    rows += [row(3, text="word " * 100, A1=NO, A2=NO), row(4, outcome=AnswerOutcome.TRUNCATED, asked=2)]
    rows += [row(5, text="word " * 20, asked=2)]
    found = analyse(rows, RUBRIC).signs
    passed, failed = found.lengths
    assert (passed.outcome, passed.answers, passed.words) == ("passed", 4, (17.5, 20.0, 22.5))
    assert passed.seconds == (1.5, 2.0, 2.5)
    assert passed.tokens_a_second == (20.0, 20.0, 20.0)
    assert (failed.outcome, failed.words, failed.seconds) == ("failed", (100, 100, 100), None)
    assert found.asked == (2, 1, 1)


def test_nothing_is_nothing() -> None:
    assert analyse([], RUBRIC) == FailureAnalysis((), (), "There is nothing to analyse.")


def test_an_analysis_is_valid_where_records_hold_it() -> None:
    found = analyse(
        [row(i, topic="ab"[i % 2], signs=[SignKind.ECHO], A1=NO, S1=NO) for i in range(9)], RUBRIC
    )
    assert TypeAdapter(FailureAnalysis).validate_python(found) == found


verdicts = st.sampled_from([YES, YES, NO, NA, CANNOT])
made_rows = st.lists(
    st.builds(
        dict,
        topic=st.sampled_from("abc"),
        style=st.sampled_from("xy"),
        held_out=st.booleans(),
        A1=verdicts,
        A2=verdicts,
        S1=verdicts,
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(made_rows)
def test_counts_agree_with_each_other(made: list[dict[str, Any]]) -> None:
    rows = [row(i, **values) for i, values in enumerate(made)]
    found = analyse(rows, RUBRIC)
    failed = {entry.criterion: (entry.failed, entry.assessed) for entry in found.criteria}
    for cross in found.crosses:
        for i, name in enumerate(cross.criteria):
            cells = [line[i] for line in cross.cells]
            total = sum(cell.failed for cell in cells), sum(cell.assessed for cell in cells)
            assert total == failed.get(name, (0, total[1]))
    measured = [r for r in rows if not r.score.unmeasured]
    topics = [rate for rate in found.rates if rate.dimension == "topic"]
    assert sum(rate.measured for rate in topics) == len(measured)
    assert sum(rate.passed for rate in topics) == sum(r.score.passed is True for r in measured)
    assert sum(len(p.scenario_ids) for p in found.data_problems) == len(rows) - len(measured)
    held = {r.scenario.id for r in rows if r.scenario.held_out}
    assert not held & {example.scenario_id for entry in found.criteria for example in entry.examples}


# --- answers for a person to read --------------------------------------------------------------------------


def sample_rows() -> list[Row]:
    rng = random.Random(4)
    rows = [
        row(
            i,
            topic=f"t{i % 5}",
            style=("terse", "long")[i % 2],
            subtopic=f"u{i % 3}",
            text="word " * rng.randrange(5, 200),
            held_out=i % 5 == 4 and i > 40,
            edge_case=i in {7, 8},
            A1=NO if i % 11 == 0 else YES,
        )
        for i in range(60)
    ]
    rows[3] = row(3, topic="t3", subtopic="u0", S1=NO)
    rows[20] = row(20, topic="t0", signs=[SignKind.REFUSAL], text="I can't help with that.")
    return rows


def test_the_sample_shows_every_reason_every_topic_and_something_ordinary() -> None:
    rows = sample_rows()
    picks = review_sample(rows, RUBRIC, limit=12, disagreeing=["s30"])
    why = [pick.why for pick in picks]
    assert len(picks) == 12
    assert len({pick.row.scenario.id for pick in picks}) == 12
    assert why[0] == "fails the gate S1 with a score of 1.00; check the judge"
    assert why[1] == "the judges disagree on it"
    assert picks[1].row.scenario.id == "s30"
    assert "passes where another answer on “u0” fails the gate S1" in why
    assert "passes with a sign of trouble: refusal" in why
    assert "passes on an edge case" in why
    assert any(said.startswith("just passes with a score of 0.50") for said in why)
    assert any("longest" in said or "shortest" in said for said in why)
    assert why.count("a pass drawn at random") == 2
    assert {pick.row.scenario.topic for pick in picks} == {f"t{i}" for i in range(5)}
    assert {pick.row.scenario.style for pick in picks} == {"terse", "long"}


def test_the_sample_is_the_same_for_the_same_rows_in_any_order() -> None:
    rows = sample_rows()
    first = review_sample(rows, RUBRIC, seed=1)
    random.Random(9).shuffle(rows)
    assert review_sample(rows, RUBRIC, seed=1) == first
    assert review_sample(rows, RUBRIC, seed=2) != first


@settings(max_examples=50, deadline=None)
@given(made_rows, st.integers(0, 12))
def test_a_sample_never_shows_what_is_held_out_or_unmeasured(made: list[dict[str, Any]], limit: int) -> None:
    rows = [row(i, **values) for i, values in enumerate(made)]
    usable = {r.scenario.id for r in rows if not r.score.unmeasured and not r.scenario.held_out}
    shown = [pick.row.scenario.id for pick in review_sample(rows, RUBRIC, limit=limit)]
    assert len(shown) == len(set(shown)) <= limit
    assert set(shown) <= usable
