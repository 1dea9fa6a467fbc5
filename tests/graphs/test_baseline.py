"""The evaluation half of the journey: what it asks again, who judges, and what follows an open decision."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from graphs.nodes.answer import CUT_OFF
from graphs.prompts import (
    JudgePrompt,
    Labelled,
    LabelsPrompt,
    Review,
    ReviewPrompt,
    ScenariosAgreement,
    ScenariosPrompt,
)
from graphs.report_data import assemble
from graphs.results import Result, result_of
from graphs.state import Role
from store import evaluation, runs
from store.schema import RunStatus
from tests.graphs.evaluating import JUDGE, Evaluation, Script, evaluating
from tests.standins.stage import TODAY
from tools.clock import FixedClock
from tools.decision import DecisionKind
from tools.evaluation import AnswerOutcome, AssessmentOutcome, CriterionVerdict, Label, Verdict
from tools.faults import WrongUse
from tools.panel import HUMAN
from tools.runtimes import ChatReply
from tools.taxonomy import parse_taxonomy

BY = "a test"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@asynccontextmanager
async def a_stage(home: Path, script: Script | None = None) -> AsyncIterator[Evaluation]:
    async with evaluating(home, script) as stage:
        yield stage


def result(stage: Evaluation, run_id: str, role: Role = "primary", judge: str = JUDGE) -> Result:
    with stage.database.reading() as session:
        return result_of(session, run_id, role, judge)


def texts(n: int) -> list[str]:
    return [f"morning number {i}" for i in range(1, n + 1)]


async def test_questions_come_before_anything_is_pulled_or_asked(tmp_path: Path) -> None:
    async with a_stage(tmp_path) as stage:
        run_id = stage.start(texts(3), judge=None)
        standing = await stage.runner.drive(run_id)
        assert isinstance(standing.prompt, JudgePrompt)
        assert stage.script.answered == []


async def test_answers_carry_their_conditions_and_arrive_as_events(tmp_path: Path) -> None:
    async with a_stage(tmp_path) as stage:
        run_id = stage.start(texts(30), temperature=0.3, max_tokens=77, seed=5)
        standing = await stage.to_the_end(run_id)
        assert standing.status is RunStatus.DONE
        with stage.database.reading() as session:
            said = evaluation.conditions(session, run_id, "primary")
            answers = evaluation.answers(session, run_id, "primary")
        assert (said["temperature"], said["max_tokens"], said["seed"]) == (0.3, 77, 5)
        assert {"template", "quantization", "digest", "system_prompt", "allocated_context"} <= set(said)
        assert len(answers) == 30
        assert all(answer.max_tokens == 77 and answer.asked == 1 for answer in answers.values())
        assert sorted(stage.script.messages) == sorted(texts(30)), "each once"
        assert result(stage, run_id).decision.kind is DecisionKind.DEPLOY


@pytest.mark.parametrize("words", [60, 4000])
async def test_a_cut_answer_is_asked_for_once_more_with_a_larger_limit(tmp_path: Path, words: int) -> None:
    script = Script(answer=lambda _asked: "Good " + "word " * words)
    async with a_stage(tmp_path, script) as stage:
        stage.server.cuts_at_limit = True
        run_id = stage.start(texts(2), max_tokens=50)
        await stage.to_the_end(run_id)
        with stage.database.reading() as session:
            answers = evaluation.answers(session, run_id, "primary")
        asked = [a for a in script.answered if a["messages"][-1]["content"] in texts(2)]
        assert Counter(a["max_tokens"] for a in asked) == {50: 2, 200: 2}
        for answer in answers.values():
            assert (answer.asked, answer.max_tokens) == (2, 200)
            assert answer.outcome is (AnswerOutcome.ANSWERED if words == 60 else AnswerOutcome.TRUNCATED)


async def test_a_cut_answer_that_an_earlier_process_paid_for_is_not_asked_for_again(tmp_path: Path) -> None:
    script = Script(answer=lambda _asked: "Good " + "word " * 60)
    async with a_stage(tmp_path, script) as stage:
        stage.server.cuts_at_limit = True
        run_id = stage.start(texts(1), max_tokens=50)
        cut = ChatReply(text="Good word", finish_reason="length", seconds=1.0)
        with stage.database.session() as session:
            record = cut.model_dump(mode="json")
            evaluation.keep_call(session, run_id, CUT_OFF, "primary\0s1", record, NOW)
        await stage.to_the_end(run_id)
        limits = [
            asked["max_tokens"]
            for asked in script.answered
            if asked["messages"][-1]["content"] == texts(1)[0]
        ]
        assert limits == [200]


async def test_an_open_decision_is_settled_by_further_scenarios(tmp_path: Path) -> None:
    script = Script(answer=lambda asked: "Good" if len(asked["messages"][-1]["content"]) % 3 else "Bad")
    async with a_stage(tmp_path, script) as stage:
        run_id = stage.start(count=30)
        standing = await stage.to_the_end(run_id)
        assert standing.status is RunStatus.DONE
        before = result(stage, run_id)
        assert before.decision.kind is DecisionKind.UNDECIDED
        further = before.decision.further_scenarios
        assert further
        asked = len(script.messages)
        standing = await stage.runner.extend(run_id)
        assert isinstance(standing.prompt, ReviewPrompt)
        after = result(stage, run_id)
        assert after.planned == 30 + further
        assert len(script.messages) == asked + further, "the first thirty are not asked again"
        assert [line.scenario for line in after.lines[:30]] == [line.scenario for line in before.lines]
        assert len({line.scenario.message for line in after.lines}) == after.planned
        standing = await stage.runner.drive(run_id, Review(by=BY))
        assert standing.status is RunStatus.DONE


async def test_what_could_not_be_measured_is_asked_again(tmp_path: Path) -> None:
    script = Script()
    broken = {"on": True}
    script.verdict = lambda _judge, answer: (
        "perhaps" if broken["on"] and answer.endswith(("1", "2")) else "YES"
    )
    async with a_stage(tmp_path, script) as stage:
        script.verdict = lambda _judge, answer: (
            "NO"
            if answer in {"A spoon.", ""} or "pancake" in answer or "Note to" in answer
            else ("perhaps" if broken["on"] and answer.endswith(("1", "2")) else "YES")
        )
        run_id = stage.start(texts(22))
        await stage.to_the_end(run_id)
        before = result(stage, run_id)
        lost = [line for line in before.lines if line.assessment.outcome is AssessmentOutcome.JUDGE_ERROR]
        assert len(lost) == before.decision.unmeasured == 6
        broken["on"] = False
        judged = len(script.judged)
        if before.decision.kind is not DecisionKind.UNDECIDED:
            pytest.fail(before.decision.reason)
        await stage.runner.extend(run_id)
        assert result(stage, run_id).decision.unmeasured == 0
        assert len(script.judged) == judged + 6
        assert len(script.messages) == 22


async def test_a_run_that_has_decided_is_not_opened_again(tmp_path: Path) -> None:
    async with a_stage(tmp_path) as stage:
        run_id = stage.start(texts(30))
        await stage.to_the_end(run_id)
        with pytest.raises(WrongUse, match=r"has ended \(done\): DEPLOY"):
            await stage.runner.extend(run_id)
        with pytest.raises(WrongUse, match="your own"):
            await stage.runner.extend(run_id, 10)
        assert (await stage.runner.standing(run_id)).status is RunStatus.DONE


async def test_several_judges_vote_and_their_agreement_is_told(tmp_path: Path) -> None:
    script = Script()
    script.verdict = lambda judge, answer: (
        "NO"
        if not answer.startswith(("Good", "Tuesday")) or (judge == "strict" and answer.endswith("1"))
        else "YES"
    )
    async with a_stage(tmp_path, script) as stage:
        panel = "openai:umpire, openai:strict, openai:third"
        run_id = stage.start(texts(21), judge=panel)
        await stage.to_the_end(run_id)
        found = result(stage, run_id, judge=panel)
        assert found.decision.passes == 21, "one of three is outvoted"
        assert found.agreement is not None
        assert len(found.preflights) == 3
        with stage.database.reading() as session:
            assert evaluation.judge_of(session, run_id, "primary") == panel
            alone = result_of(session, run_id, "primary", "openai:strict")
        assert alone.decision.passes == 18
        order = [judge for judge, answer in script.judged if answer.startswith("Good morning")]
        assert order == ["umpire"] * 21 + ["strict"] * 21 + ["third"] * 21, "one judge after the other"


async def test_a_person_judges_and_no_model_is_asked_to(tmp_path: Path) -> None:
    async with a_stage(tmp_path) as stage:
        run_id = stage.start(texts(3), judge=HUMAN)
        waiting = await stage.runner.drive(run_id)
        assert isinstance(waiting.prompt, LabelsPrompt)
        assert waiting.prompt.missing == 3
        with stage.database.session() as session:
            for i, word in enumerate(("YES", "NO"), 1):
                verdicts = (CriterionVerdict(criterion="S1", verdict=Verdict(word), judge="human"),)
                label = Label(scenario_id=f"s{i}", by=BY, passed=word == "YES", verdicts=verdicts, at=NOW)
                evaluation.keep_label(session, run_id, "primary", label)
        waiting = await stage.runner.drive(run_id, Labelled(by=BY))
        assert isinstance(waiting.prompt, LabelsPrompt)
        assert waiting.prompt.missing == 1
        reviewed = await stage.runner.drive(run_id, Labelled(enough=True, by=BY))
        assert isinstance(reviewed.prompt, ReviewPrompt)
        found = result(stage, run_id, judge=HUMAN)
        assert (found.decision.passes, found.decision.measured, found.decision.unmeasured) == (1, 2, 1)
        assert stage.script.judged == []


async def test_labels_calibrate_the_judge_and_can_open_the_decision(tmp_path: Path) -> None:
    async with a_stage(tmp_path) as stage:
        run_id = stage.start(texts(40))
        await stage.to_the_end(run_id)
        assert result(stage, run_id).decision.kind is DecisionKind.DEPLOY
        with stage.database.session() as session:
            for i in range(1, 41):
                label = Label(scenario_id=f"s{i}", by=BY, passed=i % 3 == 0, at=NOW)
                evaluation.keep_label(session, run_id, "primary", label)
        found = result(stage, run_id)
        assert found.calibration is not None
        assert found.decision.kind is DecisionKind.UNDECIDED
        with stage.database.reading() as session:
            data = assemble(session, run_id, FixedClock(TODAY))
        assert data.models[0].calibration == found.calibration


async def test_failures_are_asked_again_under_a_better_prompt_beside_a_repetition(tmp_path: Path) -> None:
    def answer(asked: dict[str, Any]) -> str:
        said = [message["content"] for message in asked["messages"]]
        better = len(said) > 1 and "Does the answer make sense" not in said[0] and "sense" in said[0].lower()
        return f"{'Good' if better or int(said[-1].split()[-1]) % 2 else 'Bad'} {said[-1]}"

    script = Script(answer=lambda asked: "Hello." if "Hello" in str(asked["messages"]) else answer(asked))
    async with a_stage(tmp_path, script) as stage:
        run_id = stage.start(texts(20), try_prompt=True)
        standing = await stage.to_the_end(run_id)
        assert standing.status is RunStatus.DONE
        with stage.database.reading() as session:
            repeated = evaluation.answers(session, run_id, "repeated")
            reprompted = evaluation.answers(session, run_id, "reprompted")
            improved = runs.material(session, run_id, "improved_prompt")
            data = assemble(session, run_id, FixedClock(TODAY))
        assert set(repeated) == set(reprompted) == {f"s{i}" for i in range(2, 21, 2)}
        assert improved is not None
        retrial = data.models[0].retrial
        assert retrial is not None
        assert (retrial.repeated.passed, retrial.reprompted.passed) == (0, 10)
        first = result(stage, run_id)
        assert (first.decision.passes, first.planned) == (10, 20), "the decision is that of the first answers"


async def test_a_drafted_taxonomy_waits_for_a_word_and_can_be_replaced(tmp_path: Path) -> None:
    async with a_stage(tmp_path) as stage:
        run_id = stage.start(domain="beekeeping advice", count=12)
        waiting = await stage.runner.drive(run_id)
        assert isinstance(waiting.prompt, ScenariosPrompt)
        assert stage.script.answered == []
        draft = parse_taxonomy(waiting.prompt.taxonomy, "draft")
        assert draft.topics
        assert len(waiting.prompt.sample) == 8
        broken = ScenariosAgreement(agree=True, taxonomy="topics: []", by=BY)
        waiting = await stage.runner.drive(run_id, broken)
        assert isinstance(waiting.prompt, ScenariosPrompt)
        assert waiting.prompt.problem is not None
        edited = (
            "topics:\n- name: swarms\n  subtopics:\n"
            "  - {name: catching, examples: ['A swarm hangs in my plum tree, now what?', 'They left!']}\n"
            "  - {name: preventing, examples: ['How do I keep them from swarming?', 'Too late to split?']}\n"
        )
        standing = await stage.runner.drive(run_id, ScenariosAgreement(agree=True, taxonomy=edited, by=BY))
        assert isinstance(standing.prompt, ReviewPrompt)
        with stage.database.reading() as session:
            assert {s.topic for s in evaluation.scenarios(session, run_id)} == {"swarms"}
        assert len(stage.script.messages) == 12


async def test_a_refused_draft_ends_the_run_before_anything_is_pulled(tmp_path: Path) -> None:
    async with a_stage(tmp_path) as stage:
        run_id = stage.start(domain="beekeeping advice", count=12)
        await stage.runner.drive(run_id)
        standing = await stage.runner.drive(run_id, ScenariosAgreement(agree=False, by=BY))
        assert standing.status.ended
        assert "--taxonomy" in standing.detail
        assert stage.script.answered == []


async def test_a_fifth_is_held_out_counted_and_never_handed_on(tmp_path: Path) -> None:
    script = Script(answer=lambda _asked: "Bad")
    async with a_stage(tmp_path, script) as stage:
        run_id = stage.start(count=50)
        await stage.to_the_end(run_id)
        found = result(stage, run_id)
        held = {line.scenario.id for line in found.lines if line.scenario.held_out}
        assert len(held) == 10
        assert found.decision.measured == 50
        seeds = (tmp_path / "docs").rglob("failures.jsonl")
        seed = next(seeds).read_text("utf-8")
        assert not any(f'"{identifier}"' in seed for identifier in held)
        assert sum(1 for _ in seed.splitlines()) == 40


async def test_the_judge_can_be_asked_for_each_criterion_by_itself(tmp_path: Path) -> None:
    rubric = (
        "name: Two\npass_threshold: 0.5\ncategories: {sense: {weight: 1}}\ncriteria:\n"
        "- {id: S1, category: sense, question: 'Does it make sense?'}\n"
        "- {id: S2, category: sense, question: 'Is it kind?'}\n"
        "planted: {message: 'What is the day after Monday?', good: Tuesday., bad: A spoon.}\n"
    )
    async with a_stage(tmp_path) as stage:
        run_id = stage.start(
            texts(4), materials={"rubric": ("two.yaml", rubric)}, one_call_per_criterion=True
        )
        await stage.to_the_end(run_id)
        found = result(stage, run_id)
        assert all(len(line.assessment.verdicts) == 2 for line in found.lines)
        judged = [answer for _, answer in stage.script.judged if answer.startswith("Good morning")]
        assert Counter(judged) == {f"Good {text}": 2 for text in texts(4)}


async def test_two_processes_cannot_extend_the_same_run_at_once(tmp_path: Path) -> None:
    script = Script(answer=lambda asked: "Good" if len(asked["messages"][-1]["content"]) % 3 else "Bad")
    async with a_stage(tmp_path, script) as stage:
        run_id = stage.start(count=30)
        await stage.to_the_end(run_id)
        results = await asyncio.gather(
            stage.runner.extend(run_id), stage.runner.extend(run_id), return_exceptions=True
        )
        refused = [one for one in results if isinstance(one, BaseException)]
        assert len(refused) == 1
        assert "already running" in str(refused[0])
