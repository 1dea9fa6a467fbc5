"""A judge that may be used, and its verdict on every criterion of every answer."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

from langgraph.runtime import Runtime as NodeRuntime
from langgraph.types import Command, interrupt
from sqlalchemy.orm import Session

from graphs.desk import Desk, NamedModel
from graphs.fanout import each
from graphs.materials import rubric_of
from graphs.models import ready_runtime
from graphs.nodes.evaluate import CONCURRENCY
from graphs.prompts import POLICY, JudgeChoice, JudgePrompt
from graphs.retry import patiently
from graphs.state import Journey
from store import evaluation, events
from tools.evaluation import Answer, Assessment, Scenario
from tools.judge import PreflightReport, judge_answer, preflight
from tools.knowledge.loader import families
from tools.rubric import Rubric
from tools.runtimes import ChatReply, ChatRequest

STAGE = "judge"

HOW_TO_NAME = (
    "Name one as provider:model, for example ollama:gemma3:12b or openai:MODEL (BMS_JUDGE, --judge)."
)


async def check_judge(
    state: Journey, runtime: NodeRuntime[Desk]
) -> Command[Literal["choose_judge", "judge"]]:
    """Is there a judge, is it somebody else than the candidate, and can it tell good from bad?"""
    desk = runtime.context
    spec = state.get("judge") or desk.options.judge
    insisted = state.get("judge_insisted", desk.options.judge_insisted)
    problem = await _problem(desk, state, spec)
    if spec is None or (problem is not None and not insisted):
        prompt = JudgePrompt(problem=problem or "No judge was named.", judge=spec)
        return Command(goto="choose_judge", update={"prompt": prompt.model_dump(mode="json")})
    if problem is not None:
        await desk.say(STAGE, "warning", sentence=problem)
    return Command(goto="judge", update={"judge": spec, "judge_insisted": insisted, "prompt": None})


async def choose_judge(state: Journey) -> Command[Literal["check_judge"]]:
    """Wait for a judge. No side effect."""
    choice = JudgeChoice.model_validate(interrupt(state["prompt"], response_schema=JudgeChoice))
    return Command(goto="check_judge", update={"judge": choice.judge, "judge_insisted": choice.insist})


def policy_judge(prompt: JudgePrompt) -> JudgeChoice | None:
    """The policy goes on with the judge it has, and every output says what was wrong; None without any."""
    return None if prompt.judge is None else JudgeChoice(judge=prompt.judge, insist=True, by=POLICY)


async def _problem(desk: Desk, state: Journey, spec: str | None) -> str | None:
    """What speaks against this judge, in a sentence."""
    if spec is None:
        return f"No judge is set, and a model does not judge itself. {HOW_TO_NAME}"
    role = state.get("role", "primary")
    held = await desk.look(evaluation.held, role)
    assert held is not None
    relation = judge_relation(spec, held.candidate, held.artefact.name)
    if relation is not None:
        return relation
    report = await _preflight(desk, spec, await rubric_of(desk))
    return None if report.passed else report.sentence


def judge_relation(spec: str, candidate: str, artefact: str) -> str | None:
    """Why this judge is not independent of the candidate; None when it is."""
    model = spec.partition(":")[2]
    if model in {candidate, artefact}:
        return f"{model} would judge its own answers."
    if any(families().related(spec, name) for name in (candidate, artefact)):
        return f"The judge {model} is of the same family as {candidate}; families prefer their own style."
    return None


async def _preflight(desk: Desk, spec: str, rubric: Rubric) -> PreflightReport:
    """Planted answers that the judge must tell apart; asked once for a judge in a run."""
    stored = await desk.look(evaluation.stored_call, "preflight", spec)
    if stored is None:
        judge = await desk.services.open_model(spec)
        scenario = (await desk.look(evaluation.scenarios))[0]
        report = await preflight(_remembered(desk, judge, "preflight call"), rubric, scenario, judge=spec)
        stored = report.model_dump(mode="json")
        await desk.write(evaluation.keep_call, "preflight", spec, stored, desk.services.wall.now())
        await desk.say(STAGE, "preflight", judge=spec, passed=report.passed, sentence=report.sentence)
    return PreflightReport.model_validate(stored)


def _remembered(desk: Desk, judge: NamedModel, purpose: str) -> Any:
    """The judge's chat with every reply kept as a row, so that a killed preflight goes on where it was."""

    async def chat(request: ChatRequest) -> ChatReply:
        key = hashlib.sha256(f"{judge.spec}\0{request.model_dump_json()}".encode()).hexdigest()
        stored = await desk.look(evaluation.stored_call, purpose, key)
        if stored is None:
            reply = await patiently(desk, STAGE, lambda: judge.chat(request))
            stored = reply.model_dump(mode="json")
            await desk.write(evaluation.keep_call, purpose, key, stored, desk.services.wall.now())
        return ChatReply.model_validate(stored)

    return chat


async def judge(state: Journey, runtime: NodeRuntime[Desk]) -> Journey:
    """Judge every answer that has no assessment by this judge yet."""
    desk, role = runtime.context, state.get("role", "primary")
    spec = state["judge"]
    assert spec is not None
    rubric = await rubric_of(desk)
    given = await desk.look(evaluation.answers, role)
    done = await desk.look(evaluation.assessments, role, spec)
    wanted = await desk.look(evaluation.scenarios)
    missing = [scenario for scenario in wanted if scenario.id in given and scenario.id not in done]
    await desk.say(STAGE, "progress", done=len(done), total=len(wanted))
    if not missing:
        return {}
    engine, held = await ready_runtime(desk, role)
    opened = await desk.services.open_model(spec)
    if opened.runtime.name == engine.name and opened.model != held.artefact.name:
        await engine.unload(held.artefact.name)
    bench = _Bench(desk, opened, spec, role, rubric, given, len(done), len(wanted))
    await each(missing, bench.judge, at_once=CONCURRENCY[opened.runtime.name])
    return {}


@dataclass
class _Bench:
    """One judge at work on one role's answers."""

    desk: Desk
    opened: NamedModel
    spec: str
    role: str
    rubric: Rubric
    given: dict[str, Answer]
    done: int
    total: int

    async def judge(self, scenario: Scenario) -> None:
        async def chat(request: ChatRequest) -> ChatReply:
            return await patiently(self.desk, STAGE, lambda: self.opened.chat(request))

        assessment = await judge_answer(chat, self.rubric, scenario, self.given[scenario.id], judge=self.spec)
        self.done += 1
        await self.desk.write(self._keep, assessment, self.done)

    def _keep(self, session: Session, run_id: str, assessment: Assessment, done: int) -> None:
        now = self.desk.services.wall.now()
        evaluation.keep_assessment(session, run_id, self.role, self.spec, assessment, now)
        data = {
            "scenario": assessment.scenario_id,
            "outcome": assessment.outcome.value,
            "no": [v.criterion for v in assessment.verdicts if v.verdict.value == "NO"],
            "done": done,
            "total": self.total,
        }
        events.append(session, run_id, STAGE, "assessment", data, now)
