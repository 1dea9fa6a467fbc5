"""What is looked at again: labels that are corrected, and an open decision's unmeasured answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from graphs.prompts import Labelled, LabelsPrompt
from graphs.results import Result, result_of
from store import evaluation
from tests.graphs.evaluating import JUDGE, Evaluation, Script, evaluating
from tools.decision import DecisionKind
from tools.evaluation import CriterionVerdict, Label, Verdict
from tools.faults import WrongUse
from tools.panel import HUMAN

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
TWO_CRITERIA = {
    "rubric": (
        "two.yaml",
        "name: Two\npass_threshold: 0.5\ncategories: {sense: {weight: 1}}\ncriteria:\n"
        "- {id: S1, category: sense, question: 'Does it make sense?'}\n"
        "- {id: S2, category: sense, question: 'Is it kind?'}\n"
        "planted: {message: 'What is the day after Monday?', good: Tuesday., bad: A spoon.}\n",
    )
}


def texts(n: int) -> list[str]:
    return [f"morning number {i}" for i in range(1, n + 1)]


def result(stage: Evaluation, run_id: str, judge: str = JUDGE) -> Result:
    with stage.database.reading() as session:
        return result_of(session, run_id, "primary", judge)


def label(stage: Evaluation, run_id: str, scenario: str, words: dict[str, str], **given: Any) -> None:
    verdicts = tuple(
        CriterionVerdict(criterion=name, verdict=Verdict(word), judge=HUMAN) for name, word in words.items()
    )
    record = {"by": "ann", "passed": None, "at": NOON, **given}
    with stage.database.session() as session:
        made = Label(scenario_id=scenario, verdicts=verdicts, **record)
        evaluation.keep_label(session, run_id, "primary", made)


async def waiting_for_labels(stage: Evaluation, n: int, **options: Any) -> str:
    run_id = stage.start(texts(n), judge=HUMAN, **options)
    standing = await stage.runner.drive(run_id)
    assert isinstance(standing.prompt, LabelsPrompt)
    return run_id


async def test_a_label_that_is_half_given_is_none_yet(tmp_path: Path) -> None:
    async with evaluating(tmp_path) as stage:
        run_id = await waiting_for_labels(stage, 2, materials=TWO_CRITERIA)
        label(stage, run_id, "s1", {"S1": "YES"})
        standing = await stage.runner.drive(run_id, Labelled(by="ann"))
        assert isinstance(standing.prompt, LabelsPrompt)
        assert standing.prompt.missing == 2
        for scenario in ("s1", "s2"):
            label(stage, run_id, scenario, {"S1": "YES", "S2": "YES"}, passed=True)
        await stage.runner.drive(run_id, Labelled(by="ann"))
        assert result(stage, run_id, HUMAN).decision.measured == 2


async def test_a_corrected_label_counts(tmp_path: Path) -> None:
    async with evaluating(tmp_path) as stage:
        run_id = await waiting_for_labels(stage, 2)
        label(stage, run_id, "s1", {"S1": "YES"}, passed=True)
        await stage.runner.drive(run_id, Labelled(by="ann"))
        label(stage, run_id, "s1", {"S1": "NO"}, passed=False, at=NOON.replace(hour=13))
        label(stage, run_id, "s2", {"S1": "NO"}, passed=False)
        await stage.runner.drive(run_id, Labelled(by="ann"))
        assert result(stage, run_id, HUMAN).decision.passes == 0


@pytest.mark.parametrize(("words", "passes"), [("NO NO YES", 0), ("YES NO YES", 1)])
async def test_several_people_decide_by_majority(tmp_path: Path, words: str, passes: int) -> None:
    async with evaluating(tmp_path) as stage:
        run_id = await waiting_for_labels(stage, 1)
        for minute, word in enumerate(words.split()):
            when = NOON.replace(minute=minute)
            label(stage, run_id, "s1", {"S1": word}, by=f"person {minute}", passed=word == "YES", at=when)
        await stage.runner.drive(run_id, Labelled(by="ann"))
        assert result(stage, run_id, HUMAN).decision.passes == passes


class Unsteady(Script):
    """Judges of whom some cannot put their verdict on answers that end in 1 or 2, while ``broken``."""

    def __init__(self, unsteady: Callable[[str], bool] = lambda _judge: True) -> None:
        super().__init__()
        self.broken = True
        self.unsteady = unsteady
        self.verdict = self._verdict

    def _verdict(self, judge: str, answer: str) -> str:
        if not answer.startswith(("Good", "Tuesday")):
            return "NO"
        lost = self.broken and self.unsteady(judge) and answer.endswith(("1", "2"))
        return "perhaps" if lost else "YES"


@pytest.mark.parametrize("one_call_per_criterion", [False, True])
async def test_what_was_lost_is_asked_for_anew_and_not_replayed(
    tmp_path: Path, one_call_per_criterion: bool
) -> None:
    script = Unsteady()
    async with evaluating(tmp_path, script) as stage:
        options: dict[str, Any] = {"one_call_per_criterion": one_call_per_criterion}
        run_id = stage.start(texts(30), materials=TWO_CRITERIA, **options)
        await stage.to_the_end(run_id)
        assert result(stage, run_id).decision.kind is DecisionKind.UNDECIDED
        assert result(stage, run_id).decision.unmeasured == 6
        script.broken = False
        await stage.runner.extend(run_id)
        assert result(stage, run_id).decision.unmeasured == 0


async def test_the_judge_who_did_well_is_not_paid_again(tmp_path: Path) -> None:
    script = Unsteady(lambda judge: judge in {"one", "two"})
    panel = "openai:one, openai:two, openai:three"
    async with evaluating(tmp_path, script) as stage:
        run_id = stage.start(texts(30), judge=panel)
        await stage.to_the_end(run_id)
        assert result(stage, run_id, panel).decision.unmeasured == 6
        script.broken, before = False, len(script.judged)
        await stage.runner.extend(run_id)
        assert Counter(judge for judge, _ in script.judged[before:]) == {"one": 6, "two": 6}
        assert result(stage, run_id, panel).decision.unmeasured == 0


async def test_an_answer_that_the_others_measured_is_not_rolled_again(tmp_path: Path) -> None:
    script = Unsteady(lambda judge: judge == "one")
    panel = "openai:one, openai:two, openai:three"
    async with evaluating(tmp_path, script) as stage:
        run_id = stage.start(texts(9), judge=panel)
        await stage.to_the_end(run_id)
        found = result(stage, run_id, panel)
        assert (found.decision.kind, found.decision.unmeasured) == (DecisionKind.UNDECIDED, 0)
        with pytest.raises(WrongUse, match=r"All scenarios of own\.jsonl were run"):
            await stage.runner.extend(run_id)


class Killed(BaseException):
    """What no handler of the program expects."""


async def test_killed_right_after_a_run_was_opened_again_it_goes_on_with_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Unsteady()
    async with evaluating(tmp_path, script) as stage:
        run_id = stage.start(texts(31))
        await stage.to_the_end(run_id)
        script.broken = False
        with monkeypatch.context() as patch:

            async def dies(*_: Any) -> None:
                raise Killed

            patch.setattr(stage.runner, "_drive", dies)
            with pytest.raises(Killed):
                await stage.runner.extend(run_id)
        await stage.runner.drive(run_id)
        assert result(stage, run_id).decision.unmeasured == 0


async def test_equal_texts_may_be_judged_at_once(tmp_path: Path) -> None:
    script = Script(answer=lambda _asked: "Good day")
    async with evaluating(tmp_path, script) as stage:
        options: dict[str, Any] = {"one_call_per_criterion": True, "concurrency": 8}
        run_id = stage.start(["the same words"] * 12, materials=TWO_CRITERIA, **options)
        await stage.to_the_end(run_id)
        assert result(stage, run_id).decision.passes == 12
