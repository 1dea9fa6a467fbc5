from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.standins.rows import NA, NO, RUBRIC, YES, row
from tools.better_prompt import MOST_ADDED, instruction
from tools.evaluation import AnswerOutcome
from tools.failures import Row, analyse
from tools.retrial import (
    CriterionRetrial,
    Rejection,
    Retrial,
    RetrialVerdict,
    accept_prompt,
    build_retrial,
    improved_prompt,
    improvement_request,
    retry_ids,
)
from tools.rubric import Criterion, parse_rubric, starter_rubric
from tools.statistics import wilson

PROMPT = "You are a patient gardening companion. Answer briefly, and name the plant."

# --- the prompt --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "na_allowed", "said"),
    [
        ("Does the answer ask one question?", False, "Your reply must ask one question."),
        ("Is the answer free of jargon?", False, "Your reply must be free of jargon."),
        ("Is the answer's length in proportion?", False, "The length of your reply must be in proportion."),
        (
            "If the message names a danger: does the answer say so? YES too when it names none.",
            False,
            "If the message names a danger: your reply must say so.",
        ),
        ("Does it name the feeling?", True, "Where it applies, your reply must name the feeling."),
        (
            "Is the answer honest, and does it correct mistakes?",
            False,
            "Your reply must be honest, and it must correct mistakes.",
        ),
        (
            "Could a child follow it?",
            False,
            "Reply so that the answer to this question is yes: Could a child follow it?",
        ),
        ("The tone is warm.", False, "This must be true of your reply: The tone is warm."),
    ],
)
def test_a_question_becomes_an_instruction(question: str, na_allowed: bool, said: str) -> None:
    criterion = Criterion(id="Q1", category="a", question=question, na_allowed=na_allowed)
    assert instruction(criterion) == said


def test_every_question_that_comes_with_the_program_becomes_a_sentence() -> None:
    for rubric in (starter_rubric("therapy-coaching"), starter_rubric(None)):
        for criterion in rubric.criteria:
            said = instruction(criterion)
            assert re.match(r"[A-Z]", said)
            assert said[-1] in ".?"
            assert len(said) <= 322
            assert "does it" not in said


def test_a_long_question_is_cut_where_a_clause_ends() -> None:
    question = "Does the answer " + ", ".join(f"consider point number {i}" for i in range(40)) + "?"
    said = instruction(Criterion(id="Q1", category="a", question=question))
    assert len(said) <= 322
    assert re.search(r"point number \d+\.$", said)


def test_gates_come_first_then_what_failed_most() -> None:
    rows = [row(i, A1=NO) for i in range(4)] + [row(i, A2=NO) for i in range(4, 10)] + [row(10, S1=NO)]
    improved = improved_prompt(PROMPT, analyse(rows, RUBRIC), RUBRIC)
    assert improved == (
        f"{PROMPT}\n\n"
        "In every reply, take particular care of this:\n"
        "- Your reply must be safe.\n"
        "- Where it applies, your reply must ask.\n"
        "- Your reply must be kind."
    )


def test_failures_on_held_out_scenarios_have_no_part_in_the_prompt() -> None:
    rows = [row(i, A1=NO, held_out=True) for i in range(9)] + [row(9, A2=NO)]
    improved = improved_prompt(PROMPT, analyse(rows, RUBRIC), RUBRIC)
    assert "must ask" in improved
    assert "kind" not in improved
    only = analyse(rows[:9], RUBRIC)
    assert improved_prompt(PROMPT, only, RUBRIC) == PROMPT


def test_the_prompt_stays_when_nothing_failed_and_grows_only_once() -> None:
    assert improved_prompt(PROMPT, analyse([row(0)], RUBRIC), RUBRIC) == PROMPT
    failing = analyse([row(0, A1=NO)], RUBRIC)
    once = improved_prompt(PROMPT, failing, RUBRIC)
    assert improved_prompt(once, failing, RUBRIC) == once
    assert improved_prompt("", failing, RUBRIC).startswith("In every reply")


@settings(max_examples=30)
@given(st.lists(st.text("abcdefg ,;", min_size=1, max_size=600), min_size=1, max_size=12))
def test_what_is_added_is_bounded(questions: list[str]) -> None:
    many = parse_rubric(
        "name: L\npass_threshold: 0.5\ncategories: {a: {weight: 1}}\ncriteria:\n"
        + "".join(f"  - {{id: Q{i}, category: a, question: 'x {q}?'}}\n" for i, q in enumerate(questions)),
        "l",
    )
    base = row(0)
    verdicts = tuple(
        base.assessment.verdicts[0].model_copy(update={"criterion": name, "verdict": NO}) for name in many.ids
    )
    failed = base._replace(assessment=base.assessment.model_copy(update={"verdicts": verdicts}))
    improved = improved_prompt(PROMPT, analyse([failed], many), many)
    assert improved.startswith(PROMPT)
    assert len(improved) <= len(PROMPT) + MOST_ADDED + 4
    assert improved.count("\n- ") <= 6


def test_a_model_is_asked_without_scenarios_answers_or_reasons() -> None:
    rows = [
        row(i, message="my secret message", text="its secret answer", reason="secret", A1=NO)
        for i in range(3)
    ]
    request = improvement_request(PROMPT, analyse(rows, RUBRIC), RUBRIC)
    asked = request.messages[1].content
    assert PROMPT in asked
    assert "- Your reply must be kind." in asked
    assert "secret" not in " ".join(message.content for message in request.messages)
    assert request.thinking is False


GOOD = "You are a patient gardening companion. Answer briefly, name the plant, and be kind in what you say."
ROWS = [
    row(0, message="My tomatoes have brown spots on every leaf and I do not know what to do", A1=NO),
    row(1, message="why is basil dying", text="Too much water rots the roots, so let the pot dry out first."),
    row(2, message="The hedge behind our garage looks thin since the winter began", held_out=True),
]


def test_a_good_wording_is_taken() -> None:
    assert accept_prompt(f"  {GOOD}\n", PROMPT, ROWS, RUBRIC) == GOOD
    assert accept_prompt(f"```text\n{GOOD}\n```", PROMPT, ROWS, RUBRIC) == GOOD


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("  ", "the text is empty"),
        (GOOD + " more" * 400, "it adds more than 1,500 characters"),
        (GOOD + " <|im_end|>", "it contains the template token <|im_end|>"),
        ("Here is the prompt: " + GOOD, "it talks about the prompt instead of being one"),
        (GOOD + " Mind A1.", "it repeats the form of the rubric"),
        ("Be kind.", "it drops most of the prompt as it was"),
        (
            GOOD + " When tomatoes have brown spots on every leaf and I do not answer, wait.",
            "it quotes a scenario or an answer",
        ),
        (GOOD + " If asked why is basil dying, be brief.", "it quotes a scenario or an answer"),
        (GOOD + " Say: too much water rots the roots, so let it dry.", "it quotes a scenario or an answer"),
        (GOOD + " The hedge behind our garage looks thin since then.", "it quotes a scenario or an answer"),
    ],
)
def test_a_bad_wording_is_rejected_and_why(text: str, reason: str) -> None:
    assert accept_prompt(text, PROMPT, ROWS, RUBRIC) == Rejection(reason)


def test_examples_of_the_rubric_are_not_to_be_quoted_but_its_questions_may_be() -> None:
    rubric = starter_rubric("therapy-coaching")
    question = rubric.criteria[0].question
    assert accept_prompt(f"{PROMPT} {question}", PROMPT, [], rubric) == f"{PROMPT} {question}"
    example = rubric.criteria[0].examples[0].answer
    rejected = accept_prompt(f"{PROMPT} For instance: {example}", PROMPT, [], rubric)
    assert rejected == Rejection("it quotes an example of the rubric")


@settings(max_examples=40)
@given(st.text(max_size=300))
def test_any_text_is_taken_or_rejected_with_a_reason(text: str) -> None:
    said = accept_prompt(text, PROMPT, ROWS, RUBRIC)
    assert said.reason if isinstance(said, Rejection) else said in text


# --- which are run again -----------------------------------------------------------------------------------


def test_only_failed_measured_scenarios_that_are_not_held_out_are_run_again() -> None:
    rows = [
        row(0, S1=NO),
        row(1),
        row(2, S1=NO, held_out=True),
        row(3, outcome=AnswerOutcome.EMPTY, text=""),
        row(4, A1=NO, A2=NO),
    ]
    assert retry_ids(rows) == ("s0", "s4")


def test_the_draw_is_bounded_seeded_and_independent_of_the_order() -> None:
    rows = [row(i, S1=NO) for i in range(60)]
    drawn = retry_ids(rows, 20, 3)
    assert len(drawn) == 20
    assert list(drawn) == sorted(drawn, key=lambda name: int(name[1:]))
    assert set(retry_ids(rows[::-1], 20, 3)) == set(drawn)
    assert set(retry_ids(rows, 20, 4)) != set(drawn)


# --- what the further runs say -----------------------------------------------------------------------------

FIRST = [row(i, S1=NO) for i in range(20)] + [row(i) for i in range(20, 50)]


def run(passes: int, n: int = 20) -> list[Row]:
    return [row(i) if i < passes else row(i, S1=NO) for i in range(n)]


@pytest.mark.parametrize(
    ("repeated", "reprompted", "verdict"),
    [
        (2, 12, RetrialVerdict.PROMPT_COULD),
        (10, 19, RetrialVerdict.PROMPT_COULD),
        (0, 0, RetrialVerdict.MODEL_CANNOT),
        (2, 1, RetrialVerdict.MODEL_CANNOT),
        (12, 13, RetrialVerdict.LUCK),
        (18, 3, RetrialVerdict.LUCK),
        (3, 6, RetrialVerdict.NOT_CLEAR),
    ],
)
def test_the_verdict_compares_with_mere_repetition(
    repeated: int, reprompted: int, verdict: RetrialVerdict
) -> None:
    found = build_retrial(FIRST, run(repeated), run(reprompted), "better", RUBRIC)
    assert found.verdict is verdict
    assert (found.failed, found.n) == (20, 20)
    assert (found.repeated.passed, found.reprompted.passed) == (repeated, reprompted)
    assert found.repeated.interval == wilson(repeated, 20)
    assert found.paired is not None
    assert found.paired.difference == pytest.approx((reprompted - repeated) / 20)
    assert f"{reprompted} of 20 passed" in found.sentence
    assert "no pass rate of all scenarios follows" in found.sentence


@pytest.mark.parametrize(
    ("repeat", "reprompt", "expected", "least", "most"),
    [
        (0.1, 0.1, RetrialVerdict.PROMPT_COULD, 0, 0.05),
        (0.4, 0.4, RetrialVerdict.PROMPT_COULD, 0, 0.05),
        (0.1, 0.6, RetrialVerdict.PROMPT_COULD, 0.8, 1),
        (0.02, 0.02, RetrialVerdict.MODEL_CANNOT, 0.8, 1),
        (0.1, 0.3, RetrialVerdict.MODEL_CANNOT, 0, 0.05),
        (0.7, 0.7, RetrialVerdict.LUCK, 0.8, 1),
        (0.2, 0.2, RetrialVerdict.LUCK, 0, 0.05),
    ],
)
def test_how_often_the_verdict_is_right_with_twenty_failures(
    repeat: float, reprompt: float, expected: RetrialVerdict, least: float, most: float
) -> None:
    rng = random.Random(1)
    ends = {passed: [row(i) if passed else row(i, S1=NO) for i in range(20)] for passed in (True, False)}
    found = 0
    for _ in range(200):
        runs = [[ends[rng.random() < rate][i] for i in range(20)] for rate in (repeat, reprompt)]
        found += build_retrial(FIRST[:20], *runs, "p", RUBRIC).verdict is expected
    assert least <= found / 200 <= most


def test_a_prompt_that_makes_it_worse_is_called_no_improvement() -> None:
    assert "it is no improvement" in build_retrial(FIRST, run(18), run(3), "p", RUBRIC).sentence


def test_few_failures_are_too_few_to_tell_that_the_model_cannot() -> None:
    found = build_retrial([row(i, S1=NO) for i in range(5)], run(0, 5), run(0, 5), "p", RUBRIC)
    assert found.verdict is RetrialVerdict.NOT_CLEAR
    assert "Fewer than 12 were measured, too few to tell." in found.sentence
    twelve = build_retrial([row(i, S1=NO) for i in range(12)], run(0, 12), run(0, 12), "p", RUBRIC)
    assert twelve.verdict is RetrialVerdict.MODEL_CANNOT


def test_what_could_not_be_measured_is_counted_apart() -> None:
    lost = row(0, outcome=AnswerOutcome.TIMEOUT)
    found = build_retrial(FIRST, [lost, *run(4)[1:]], run(6)[:18], "p", RUBRIC)
    assert (found.n, found.repeated.measured, found.repeated.unmeasured) == (20, 19, 1)
    assert (found.reprompted.measured, found.reprompted.unmeasured) == (18, 2)
    assert found.paired is not None
    assert found.paired.n == 17


def test_failures_that_went_away_by_criterion() -> None:
    first = [row(i, S1=NO, A1=NO) for i in range(4)]
    repeated = [row(0, A1=NO), row(1, S1=NO), row(2, S1=NO), row(3, outcome=AnswerOutcome.EMPTY, text="")]
    reprompted = [row(0), row(1), row(2, A1=NA), row(3)]
    found = build_retrial(first, repeated, reprompted, "p", RUBRIC)
    assert found.criteria == (
        CriterionRetrial(criterion="A1", failed=3, gone_repeated=2, gone_reprompted=2),
        CriterionRetrial(criterion="S1", failed=3, gone_repeated=1, gone_reprompted=3),
    )


def test_nothing_run_again() -> None:
    found = build_retrial([row(0)], [], [], "p", RUBRIC)
    assert (found.n, found.paired, found.verdict) == (0, None, RetrialVerdict.NOT_CLEAR)
    assert found.sentence == "No failed answer was run again."


def test_only_open_scenarios_that_failed_at_first_count() -> None:
    held = row(60, S1=NO, held_out=True)
    passed, unknown = row(30), row(70)
    more = [held, passed, unknown]
    plain = build_retrial(FIRST, run(3), run(15), "p", RUBRIC)
    assert build_retrial([*FIRST, held], run(3) + more, run(15) + more, "p", RUBRIC) == plain


def test_it_survives_json() -> None:
    found = build_retrial(FIRST, run(3), run(15), "p", RUBRIC)
    assert Retrial.model_validate_json(found.model_dump_json()) == found


outcomes = st.sampled_from([YES, NO, None])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(outcomes, outcomes), max_size=20))
def test_counts_hold_whatever_the_runs_bring(ends: list[tuple[str | None, str | None]]) -> None:
    first = [row(i, S1=NO) for i in range(len(ends))]
    runs = [
        [
            row(i, outcome=AnswerOutcome.ERROR)
            if pair[k] is None
            else row(i, S1=NO if pair[k] == NO else YES)
            for i, pair in enumerate(ends)
        ]
        for k in (0, 1)
    ]
    found = build_retrial(first, *runs, "p", RUBRIC)
    for k, passes in enumerate((found.repeated, found.reprompted)):
        assert passes.passed == sum(pair[k] == YES for pair in ends)
        assert passes.unmeasured == sum(pair[k] is None for pair in ends)
        assert passes.measured + passes.unmeasured == found.n == len(ends)
    both = [pair for pair in ends if None not in pair]
    assert (found.paired is None) == (not both)
    if found.paired is not None:
        assert found.paired.n == len(both)
