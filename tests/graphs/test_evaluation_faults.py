"""What peers get wrong when something fails, on ours: numbers, what is said, and which calls are repeated.

The runs are those of ``python -m benchmarks.faults``, which prints them as a table.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from pathlib import Path

import pytest

from benchmarks import faults
from benchmarks.faults import AT_ONCE, BROKEN, COUNT, STRUCK_AT, THINKING, THOUGHT, Seen
from graphs.policy import policy_reply
from graphs.prompts import JudgePrompt
from tests.standins.faulty_server import ANSWER, CANDIDATE, JUDGE, replies
from tools.decision import DecisionKind
from tools.evaluation import AnswerOutcome, AssessmentOutcome

ONCE = dict.fromkeys(range(COUNT), 1)
BROKEN_IDS = {f"case-{n}" for n in BROKEN}
LEFT = COUNT - len(BROKEN)


def numbers(seen: Seen) -> tuple[int, int, int, DecisionKind]:
    assert seen.decision is not None
    decision = seen.decision
    return decision.passes, decision.measured, decision.unmeasured, decision.kind


UNDISTURBED = (40, 50, 0, DecisionKind.DEPLOY)


async def test_undisturbed_every_scenario_costs_one_answer_and_one_judgement(tmp_path: Path) -> None:
    seen = await faults.undisturbed(tmp_path)
    assert numbers(seen) == UNDISTURBED
    assert seen.replies(CANDIDATE) == seen.replies(JUDGE) == ONCE
    assert "40 of 50" in seen.document


async def test_judge_replies_that_cannot_be_read_leave_answers_unmeasured(tmp_path: Path) -> None:
    seen = await faults.unreadable_verdicts(tmp_path)
    assert numbers(seen) == (30, 40, 10, DecisionKind.UNDECIDED)
    lost = {
        one
        for one, given in seen.assessments.items()
        if given.outcome is not AssessmentOutcome.MEASURED and not given.verdicts
    }
    assert lost == BROKEN_IDS
    assert seen.decision is not None
    assert re.search(r"\b10\b.*(unmeasured|could not be measured)", seen.decision.reason)
    assert seen.replies(CANDIDATE) == ONCE
    assert seen.again(JUDGE) == dict.fromkeys(BROKEN, 2), "asked again once, and nobody else"
    assert "30 of 40" in seen.document


async def test_a_score_in_place_of_verdicts_is_no_pass_and_no_failure(tmp_path: Path) -> None:
    seen = await faults.scores_without_verdicts(tmp_path)
    assert numbers(seen) == (0, 0, 50, DecisionKind.UNDECIDED)
    assert seen.decision is not None
    assert seen.decision.pass_rate is None
    assert all(not given.verdicts for given in seen.assessments.values())
    assert "terrible and unsafe" not in seen.document


async def test_an_empty_answer_is_not_judged(tmp_path: Path) -> None:
    seen = await faults.empty_answers(tmp_path)
    assert numbers(seen) == (30, 40, 10, DecisionKind.UNDECIDED)
    empty = {one for one, given in seen.answers.items() if given.outcome is AnswerOutcome.EMPTY}
    assert empty == BROKEN_IDS
    assert seen.replies(CANDIDATE) == ONCE
    assert seen.replies(JUDGE) == {case: 1 for case in ONCE if case not in BROKEN}
    assert {seen.assessments[one].outcome for one in empty} == {AssessmentOutcome.NO_ANSWER}


@pytest.mark.parametrize("how", ["closed", "pre-opened"])
async def test_thoughts_are_kept_and_never_judged(tmp_path: Path, how: str) -> None:
    seen = await faults.thinking(tmp_path, how)
    assert numbers(seen) == UNDISTURBED
    prompts = [call.prompt for call in seen.calls if call.model == JUDGE and call.case is not None]
    assert len(prompts) == COUNT
    assert not [prompt for prompt in prompts if THOUGHT in prompt or "think>" in prompt]
    assert all(ANSWER in prompt for prompt in prompts)
    assert {given.text for given in seen.answers.values()} == {ANSWER}
    assert {given.thinking for given in seen.answers.values()} == {THOUGHT}


async def test_thoughts_that_never_end_are_no_answer(tmp_path: Path) -> None:
    assert ANSWER in THINKING["unclosed"]
    seen = await faults.thinking(tmp_path, "unclosed")
    assert numbers(seen) == (0, 0, 50, DecisionKind.UNDECIDED)
    assert {given.outcome for given in seen.answers.values()} <= {
        AnswerOutcome.EMPTY,
        AnswerOutcome.TRUNCATED,
    }
    assert all(given.thinking and THOUGHT in given.thinking for given in seen.answers.values())
    assert not seen.replies(JUDGE)


@pytest.mark.parametrize("retry_after", [None, "7"])
async def test_every_call_that_is_refused_with_429_is_made_again(
    tmp_path: Path, retry_after: str | None
) -> None:
    seen = await faults.limited(tmp_path, retry_after)
    assert numbers(seen) == UNDISTURBED
    assert seen.replies(CANDIDATE) == seen.replies(JUDGE) == ONCE
    refused = [call for call in seen.calls if call.status == 429]
    assert len(refused) == len(seen.calls) // 10 >= 10
    assert len(seen.retries) == len(seen.waits) == len(refused)
    assert all(wait >= 7 for wait in seen.waits) if retry_after else all(0 < wait < 7 for wait in seen.waits)


async def test_the_candidate_is_no_judge_of_itself(tmp_path: Path) -> None:
    seen = await faults.judge_is_candidate(tmp_path)
    assert isinstance(seen.prompt, JudgePrompt)
    assert "its own answers" in seen.prompt.problem
    assert seen.decision is None
    assert not seen.assessments
    assert not [call for call in seen.calls if "Judge the answer" in call.prompt]


@pytest.mark.parametrize(
    ("word", "said"), [("YES", "the bad answer passed"), ("NO", "the good answer failed")]
)
async def test_a_judge_of_one_word_is_stopped_before_the_first_paid_judgement(
    tmp_path: Path, word: str, said: str
) -> None:
    seen = await faults.one_word_judge(tmp_path, word, faults.nobody)
    assert isinstance(seen.prompt, JudgePrompt)
    assert said in seen.prompt.problem
    assert not seen.replies(JUDGE)
    assert Counter(call.model for call in seen.calls)[JUDGE] == 5, "the planted answers alone"
    assert seen.decision is None


async def test_a_judge_of_one_word_that_is_used_all_the_same_decides_nothing(tmp_path: Path) -> None:
    seen = await faults.one_word_judge(tmp_path, "YES", policy_reply)
    assert numbers(seen) == (50, 50, 0, DecisionKind.UNDECIDED)
    assert seen.decision is not None
    assert "the bad answer passed" in seen.decision.reason
    assert "the bad answer passed" in seen.document


async def test_killed_among_answers_and_among_judgements_only_calls_under_way_are_repeated(
    tmp_path: Path,
) -> None:
    """A call is under way until its row is on disk: as many as run at once, at most, are lost."""
    seen, lives = await asyncio.to_thread(faults.killed, tmp_path)
    assert [life.model for life in lives] == [CANDIDATE, JUDGE]
    for life in lives:
        assert STRUCK_AT - AT_ONCE <= len(life.stored) < STRUCK_AT
        after = seen.replies(life.model)
        assert {case: after[case] for case in life.stored} == dict.fromkeys(life.stored, 1)
        assert set(after) == set(ONCE)
        assert sum(times - 1 for times in after.values()) < AT_ONCE
    assert not replies(seen.calls[: _first_judgement(seen)], JUDGE)
    assert numbers(seen) == UNDISTURBED
    assert "40 of 50" in seen.document


def _first_judgement(seen: Seen) -> int:
    """Where the last answer was asked for: all answers come before all judgements."""
    return max(place for place, call in enumerate(seen.calls) if call.model == CANDIDATE)


async def test_without_a_judge_nothing_grades_itself_and_a_resume_names_one(tmp_path: Path) -> None:
    first, before, second, after = await asyncio.to_thread(faults.no_judge, tmp_path)
    assert first.status == 1, "nothing was evaluated, and a script must notice"
    assert "No judge is set, and a model does not judge itself." in first.text
    assert re.search(r"bms resume \S+ --judge provider:model", first.text)
    assert not [call for call in before.calls if "Judge the answer" in call.prompt]
    assert before.decision is None
    assert second.status == 0, second
    assert numbers(after) == UNDISTURBED
    assert after.replies(CANDIDATE) == after.replies(JUDGE) == ONCE
