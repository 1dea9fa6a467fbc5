"""A judge that may be used, and its verdict on every criterion of every answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

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
from graphs.state import Journey, Role
from store import evaluation, events
from tools.evaluation import Answer, Assessment, Scenario
from tools.faults import WrongUse
from tools.judge import PreflightReport, judge_answer, preflight, reachability_warning
from tools.knowledge.loader import families
from tools.rubric import Rubric
from tools.runtimes import ChatReply, ChatRequest, RuntimeFault, RuntimeFaultKind

STAGE = "judge"
PREFLIGHT = "preflight"
INSISTENCE = "judge insisted on"
FALSE_FAIL_RATE = 0.03
"""Share of verdicts that a decent judge gets wrong against a good answer; what a rubric must survive."""

HOW_TO_NAME = (
    "Name one as provider:model, for example ollama:gemma3:12b or openai:MODEL (BMS_JUDGE, --judge)."
)


class Doubts(NamedTuple):
    """What speaks against a judge, each in a sentence."""

    unusable: str | None = None
    """It cannot be asked at all; nobody can insist on that."""
    related: str | None = None
    unfit: str | None = None
    report: PreflightReport | None = None

    @property
    def sentence(self) -> str | None:
        said = [doubt for doubt in (self.unusable, self.related, self.unfit) if doubt is not None]
        return " ".join(said) or None


async def check_judge(
    state: Journey, runtime: NodeRuntime[Desk]
) -> Command[Literal["choose_judge", "judge"]]:
    """Is there a judge, is it somebody else than the candidate, and can it tell good from bad?"""
    desk, role = runtime.context, state.get("role", "primary")
    spec = state.get("judge") or desk.options.judge
    insisted = state.get("judge_insisted", desk.options.judge_insisted)
    doubts = await _doubts(desk, role, spec)
    if spec is None or doubts.unusable or (doubts.sentence and not insisted):
        prompt = JudgePrompt(
            problem=doubts.sentence or "No judge was named.",
            judge=spec,
            usable=doubts.unusable is None,
            related=doubts.related is not None,
        )
        return Command(goto="choose_judge", update={"prompt": prompt.model_dump(mode="json")})
    by = state.get("judge_by") or "a person, on the command line"
    if doubts.sentence:
        await desk.say(STAGE, "warning", sentence=doubts.sentence)
        await desk.write(_keep_insistence, role, spec, by, doubts.report, desk.services.wall.now())
    warning = reachability_warning(await rubric_of(desk), FALSE_FAIL_RATE)
    if warning:
        await desk.say(STAGE, "warning", sentence=warning)
    return Command(goto="judge", update={"judge": spec, "judge_insisted": insisted, "prompt": None})


def _keep_insistence(
    session: Session,
    run_id: str,
    role: str,
    spec: str,
    by: str,
    report: PreflightReport | None,
    now: datetime,
) -> None:
    """Who wanted this judge in spite of everything, and what its preflight said: both stay with it."""
    key = insistence_key(role, spec)
    if evaluation.stored_call(session, run_id, INSISTENCE, key) is None:
        evaluation.keep_call(session, run_id, INSISTENCE, key, {"by": by}, now)
    if report is not None and evaluation.stored_call(session, run_id, PREFLIGHT, spec) is None:
        evaluation.keep_call(session, run_id, PREFLIGHT, spec, report.model_dump(mode="json"), now)


def insistence_key(role: str, spec: str) -> str:
    return f"{role}\0{spec}"


async def choose_judge(state: Journey) -> Command[Literal["check_judge"]]:
    """Wait for a judge. No side effect."""
    choice = JudgeChoice.model_validate(interrupt(state["prompt"], response_schema=JudgeChoice))
    update = {"judge": choice.judge, "judge_insisted": choice.insist, "judge_by": choice.by}
    return Command(goto="check_judge", update=update)


def policy_judge(prompt: JudgePrompt) -> JudgeChoice | None:
    """The policy goes on with an unfit judge, whose numbers then decide nothing. Only a person insists on a
    judge of the candidate's family, and nobody on one that cannot be asked."""
    if prompt.judge is None or not prompt.usable or prompt.related:
        return None
    return JudgeChoice(judge=prompt.judge, insist=True, by=POLICY)


async def _doubts(desk: Desk, role: Role, spec: str | None) -> Doubts:
    if spec is None:
        return Doubts(unusable=f"No judge is set, and a model does not judge itself. {HOW_TO_NAME}")
    held = await desk.look(evaluation.held, role)
    assert held is not None
    related = judge_relation(spec, held.candidate, held.artefact.name)
    try:
        report = await _preflight(desk, spec, await rubric_of(desk))
    except WrongUse as wrong:
        return Doubts(unusable=f"{wrong} {HOW_TO_NAME}", related=related)
    except RuntimeFault as fault:
        if fault.kind not in {RuntimeFaultKind.NOT_FOUND, RuntimeFaultKind.REJECTED}:
            raise
        return Doubts(unusable=f"The judge {spec} cannot be asked: {fault}", related=related)
    unfit = None if report.passed else report.sentence
    return Doubts(related=related, unfit=unfit, report=report)


def judge_relation(spec: str, candidate: str, artefact: str) -> str | None:
    """Why this judge is not independent of the candidate; None when it is."""
    model = spec.partition(":")[2]
    if model in {candidate, artefact}:
        return f"{model} would judge its own answers."
    if any(families().related(spec, name) for name in (candidate, artefact)):
        return f"The judge {model} is of the same family as {candidate}; families prefer their own style."
    return None


async def _preflight(desk: Desk, spec: str, rubric: Rubric) -> PreflightReport:
    """Planted answers that the judge must tell apart; asked once for a judge in a run.

    A report that a fault of the judge's server has a part in is not kept: the judge was not at fault.
    """
    stored = await desk.look(evaluation.stored_call, PREFLIGHT, spec)
    if stored is not None:
        return PreflightReport.model_validate(stored)
    chat = Remembered(desk, await desk.services.open_model(spec), "preflight call")
    scenario = (await desk.look(evaluation.scenarios))[0]
    report = await preflight(chat, rubric, scenario, judge=spec)
    if chat.faults == 0:
        record = report.model_dump(mode="json")
        await desk.write(evaluation.keep_call, PREFLIGHT, spec, record, desk.services.wall.now())
    await desk.say(STAGE, "preflight", judge=spec, passed=report.passed, sentence=report.sentence)
    return report


@dataclass
class Remembered:
    """A judge's chat with every reply kept as a row: what was paid for once is not asked again."""

    desk: Desk
    judge: NamedModel
    purpose: str
    faults: int = 0
    """Calls that a fault of the server ended."""

    async def __call__(self, request: ChatRequest) -> ChatReply:
        key = f"{self.judge.spec}\0{request.model_dump_json()}"
        stored = await self.desk.look(evaluation.stored_call, self.purpose, key)
        if stored is not None:
            return ChatReply.model_validate(stored)
        try:
            reply = await patiently(self.desk, STAGE, lambda: self.judge.chat(request))
        except RuntimeFault:
            self.faults += 1
            raise
        record, now = reply.model_dump(mode="json"), self.desk.services.wall.now()
        await self.desk.write(evaluation.keep_call, self.purpose, key, record, now)
        return reply


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
