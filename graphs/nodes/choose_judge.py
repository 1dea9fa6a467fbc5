"""A judge that may be used: named before the work begins, and tried before it is paid."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple

from langgraph.runtime import Runtime as NodeRuntime
from langgraph.types import Command, interrupt
from sqlalchemy.orm import Session

from graphs.desk import Desk
from graphs.materials import rubric_of
from graphs.nodes.approve import newest_approval
from graphs.prompts import POLICY, JudgeChoice, JudgePrompt
from graphs.remembered import Remembered
from graphs.state import Journey
from graphs.throttles import throttle_for
from graphs.trials import model_role
from store import evaluation, research
from tools.faults import WrongUse
from tools.judge import PreflightReport, preflight, reachability_warning
from tools.kinship import judge_relation
from tools.panel import HUMAN, parse_panel
from tools.rubric import Rubric
from tools.runtimes import RuntimeFault, RuntimeFaultKind

STAGE = "judge"
PREFLIGHT = "preflight"
INSISTENCE = "judge insisted on"
HOW_TO_NAME = (
    "Name one as provider:model, for example ollama:gemma3:12b or openai:MODEL, several with commas between "
    "them, or human to judge yourself (BMS_JUDGE, --judge)."
)


class Doubts(NamedTuple):
    """What speaks against a judge, each in a sentence."""

    unusable: str | None = None
    """It cannot be asked at all; nobody can insist on that."""
    related: str | None = None
    unfit: str | None = None
    reports: tuple[tuple[str, PreflightReport], ...] = ()
    """What each judge's preflight said."""

    @property
    def sentence(self) -> str | None:
        said = [doubt for doubt in (self.unusable, self.related, self.unfit) if doubt is not None]
        return " ".join(said) or None


async def name_judge(state: Journey, runtime: NodeRuntime[Desk]) -> Command[Literal["choose_judge", "pull"]]:
    """Is a judge named, and is it somebody else than the candidate? Asked before hours of answers.

    It is not asked anything yet: on one machine it and the candidate would fight for the memory.
    """
    desk = runtime.context
    spec = state.get("judge") or desk.options.judge
    approved = newest_approval(await desk.look(research.approvals))
    names = [name for name in (desk.options.model, approved and approved.primary) if name]
    doubts = await _at_first_sight(desk, spec, names)
    prompt = _prompt(state, desk, spec, doubts)
    if prompt is not None:
        return Command(goto="choose_judge", update={"prompt": prompt.model_dump(mode="json")})
    return Command(goto="pull", update={"prompt": None})


async def check_judge(
    state: Journey, runtime: NodeRuntime[Desk]
) -> Command[Literal["choose_judge", "judge"]]:
    """The whole look at a judge, planted answers included, before the first judgement."""
    desk, role = runtime.context, model_role(state.get("role", "primary"))
    spec = state.get("judge") or desk.options.judge
    held = await desk.look(evaluation.held, role)
    assert held is not None
    doubts = await _at_first_sight(desk, spec, [held.candidate, held.artefact.name])
    if doubts.unusable is None and spec is not None:
        doubts = await _tried(desk, spec, doubts)
    prompt = _prompt(state, desk, spec, doubts)
    if prompt is not None:
        return Command(goto="choose_judge", update={"prompt": prompt.model_dump(mode="json")})
    assert spec is not None
    insisted = state.get("judge_insisted", desk.options.judge_insisted)
    by = state.get("judge_by") or "a person, on the command line"
    if doubts.sentence:
        await desk.say(STAGE, "warning", sentence=doubts.sentence)
        await desk.write(_keep_insistence, role, spec, by, doubts.reports, desk.services.wall.now())
    warning = None if spec == HUMAN else reachability_warning(await rubric_of(desk))
    if warning:
        await desk.say(STAGE, "warning", sentence=warning)
    return Command(goto="judge", update={"judge": spec, "judge_insisted": insisted, "prompt": None})


def _prompt(state: Journey, desk: Desk, spec: str | None, doubts: Doubts) -> JudgePrompt | None:
    insisted = state.get("judge_insisted", desk.options.judge_insisted)
    if not doubts.sentence or (insisted and doubts.unusable is None):
        return None
    return JudgePrompt(
        problem=doubts.sentence,
        judge=spec,
        usable=doubts.unusable is None,
        related=doubts.related is not None,
    )


def _keep_insistence(
    session: Session,
    run_id: str,
    role: str,
    spec: str,
    by: str,
    reports: tuple[tuple[str, PreflightReport], ...],
    now: datetime,
) -> None:
    """Who wanted this judge in spite of everything, and what its preflight said: both stay with it."""
    key = insistence_key(role, spec)
    if evaluation.stored_call(session, run_id, INSISTENCE, key) is None:
        evaluation.keep_call(session, run_id, INSISTENCE, key, {"by": by}, now)
    for judge, report in reports:
        if evaluation.stored_call(session, run_id, PREFLIGHT, judge) is None:
            evaluation.keep_call(session, run_id, PREFLIGHT, judge, report.model_dump(mode="json"), now)


def insistence_key(role: str, spec: str) -> str:
    return f"{role}\0{spec}"


async def choose_judge(state: Journey) -> Command[Literal["name_judge", "check_judge"]]:
    """Wait for a judge. No side effect."""
    choice = JudgeChoice.model_validate(interrupt(state["prompt"], response_schema=JudgeChoice))
    update = {"judge": choice.judge, "judge_insisted": choice.insist, "judge_by": choice.by}
    return Command(goto="check_judge" if state.get("answered") else "name_judge", update=update)


def policy_judge(prompt: JudgePrompt) -> JudgeChoice | None:
    """The policy goes on with an unfit judge, whose numbers then decide nothing. Only a person insists on a
    judge of the candidate's family, and nobody on one that cannot be asked."""
    if prompt.judge is None or not prompt.usable or prompt.related:
        return None
    return JudgeChoice(judge=prompt.judge, insist=True, by=POLICY)


async def _at_first_sight(desk: Desk, spec: str | None, names: list[str]) -> Doubts:
    """What can be said of a judge without asking it anything."""
    if spec is None:
        return Doubts(unusable=f"No judge is set, and a model does not judge itself. {HOW_TO_NAME}")
    if spec == HUMAN:
        return Doubts()
    try:
        judges = parse_panel(spec)
        for judge in judges:
            await desk.services.open_model(judge)
    except WrongUse as wrong:
        return Doubts(unusable=f"{wrong} {HOW_TO_NAME}")
    return Doubts(related=judge_relation(spec, *names))


async def _tried(desk: Desk, spec: str, doubts: Doubts) -> Doubts:
    if spec == HUMAN:
        return doubts
    rubric = await rubric_of(desk)
    reports = []
    for judge in parse_panel(spec):
        try:
            reports.append((judge, await _preflight(desk, judge, rubric)))
        except RuntimeFault as fault:
            if fault.kind not in {RuntimeFaultKind.NOT_FOUND, RuntimeFaultKind.REJECTED}:
                raise
            return doubts._replace(unusable=f"The judge {judge} cannot be asked: {fault}")
    unfit = " ".join(report.sentence for _, report in reports if not report.passed) or None
    return doubts._replace(unfit=unfit, reports=tuple(reports))


async def _preflight(desk: Desk, judge: str, rubric: Rubric) -> PreflightReport:
    """Planted answers that the judge must tell apart; asked once for a judge in a run.

    A report that a fault of the judge's server has a part in is not kept: the judge was not at fault.
    """
    stored = await desk.look(evaluation.stored_call, PREFLIGHT, judge)
    if stored is not None:
        return PreflightReport.model_validate(stored)
    opened = await desk.services.open_model(judge)
    at_once = throttle_for(opened.runtime.name, desk.options.concurrency).limit
    chat = Remembered(desk, opened, "preflight call", STAGE)
    scenario = (await desk.look(evaluation.scenarios))[0]
    report = await preflight(chat, rubric, scenario, judge=judge, at_once=at_once)
    if chat.faults >= len(report.results):  # not one reply: it cannot be asked in this way
        raise RuntimeFault(
            RuntimeFaultKind.REJECTED,
            report.results[0].assessment.detail,
            "Take a judge with more context or a shorter rubric, or ask by criterion (--per-criterion).",
        )
    await desk.say(STAGE, "preflight", judge=judge, passed=report.passed, sentence=report.sentence)
    for warning in report.warnings:
        await desk.say(STAGE, "warning", sentence=warning)
    if chat.faults == 0:  # last: who finds this row tells nothing of it any more
        record = report.model_dump(mode="json")
        await desk.write(evaluation.keep_call, PREFLIGHT, judge, record, desk.services.wall.now())
    return report
