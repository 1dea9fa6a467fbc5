"""Verdicts on every criterion of every answer, by models or by a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from langgraph.runtime import Runtime as NodeRuntime
from langgraph.types import Command, interrupt
from sqlalchemy.orm import Session

from graphs.clerk import Clerk
from graphs.desk import Desk, NamedModel
from graphs.extension import CRITERION
from graphs.fanout import each
from graphs.labels import without_verdict
from graphs.materials import rubric_of
from graphs.nodes.choose_judge import STAGE
from graphs.prompts import Labelled, LabelsPrompt
from graphs.remembered import Remembered
from graphs.retry import patiently
from graphs.state import Journey, Role
from graphs.throttles import throttle_for
from graphs.trials import model_role, scenarios_of
from store import evaluation, events
from tools.concurrency import Throttle
from tools.evaluation import Answer, Assessment, Scenario
from tools.judge import judge_answer
from tools.panel import HUMAN, parse_panel
from tools.rubric import Rubric
from tools.runtimes import ChatReply, ChatRequest


async def judge(state: Journey, runtime: NodeRuntime[Desk]) -> Command[Literal["await_labels", "decide"]]:
    """Judge every answer that has no assessment yet: one judge after the other, as each fills the memory."""
    desk, role = runtime.context, state.get("role", "primary")
    spec = state["judge"]
    assert spec is not None
    await desk.write(evaluation.set_judge, role, spec, desk.services.wall.now())
    await rubric_of(desk)  # kept with the run, whoever judges
    if spec != HUMAN:
        for one in parse_panel(spec):
            await _judge_all(desk, role, one)
        return Command(goto="decide")
    missing = await desk.look(without_verdict, role)
    if missing and not state.get("labelled"):
        prompt = LabelsPrompt(run_id=desk.run_id, role=model_role(role), missing=missing)
        return Command(goto="await_labels", update={"prompt": prompt.model_dump(mode="json")})
    return Command(goto="decide", update={"prompt": None, "labelled": False})


async def await_labels(state: Journey) -> Command[Literal["judge"]]:
    """Wait for a person's verdicts. No side effect."""
    reply = Labelled.model_validate(interrupt(state["prompt"], response_schema=Labelled))
    return Command(goto="judge", update={"labelled": reply.enough})


async def _judge_all(desk: Desk, role: Role, spec: str) -> None:
    given = await desk.look(evaluation.answers, role)
    done = await desk.look(evaluation.assessed, role, spec)
    wanted = await desk.look(scenarios_of, role)
    missing = [scenario for scenario in wanted if scenario.id in given and scenario.id not in done]
    await desk.say(STAGE, "progress", done=len(done), total=len(wanted), judge=spec)
    if not missing:
        return
    opened = await desk.services.open_model(spec)
    await _make_room(desk, role, opened)
    bench = _Bench(
        desk=desk,
        opened=opened,
        role=role,
        rubric=await rubric_of(desk),
        given=given,
        throttle=throttle_for(opened.runtime.name, desk.options.concurrency),
        done=len(done),
        total=len(wanted),
    )
    async with Clerk(desk, bench.keep_all) as clerk:
        bench.clerk = clerk
        await each(missing, bench.judge, at_once=bench.throttle)


async def _make_room(desk: Desk, role: Role, opened: NamedModel) -> None:
    """The candidate has answered; where the judge runs beside it, it gives its memory back."""
    held = await desk.look(evaluation.held, model_role(role))
    assert held is not None
    if held.artefact.runtime == opened.runtime.name and held.artefact.name != opened.model:
        engine = await desk.services.choose_runtime(held.artefact.runtime.value)
        await engine.unload(held.artefact.name)


@dataclass
class _Bench:
    """One judge at work on one role's answers."""

    desk: Desk
    opened: NamedModel
    role: Role
    rubric: Rubric
    given: dict[str, Answer]
    """Answers by scenario, until they are judged."""
    throttle: Throttle
    done: int
    total: int
    clerk: Clerk[Assessment] = field(init=False)

    async def judge(self, scenario: Scenario) -> None:
        assessment = await judge_answer(
            self._chat,
            self.rubric,
            scenario,
            self.given.pop(scenario.id),
            judge=self.opened.spec,
            per_criterion=self.desk.options.one_call_per_criterion,
        )
        await self.clerk.keep(assessment)

    async def _chat(self, request: ChatRequest) -> ChatReply:
        if self.desk.options.one_call_per_criterion:  # a dozen calls come before their row does
            return await Remembered(self.desk, self.opened, CRITERION, STAGE, self.throttle)(request)
        return await patiently(self.desk, STAGE, lambda: self.opened.chat(request), self.throttle)

    def keep_all(self, session: Session, run_id: str, given: Sequence[Assessment]) -> None:
        now = self.desk.services.wall.now()
        evaluation.keep_assessments(session, run_id, self.role, self.opened.spec, given, now)
        told = []
        for one in given:
            self.done += 1
            told.append(
                {
                    "scenario": one.scenario_id,
                    "outcome": one.outcome.value,
                    "no": [v.criterion for v in one.verdicts if v.verdict.value == "NO"],
                    "done": self.done,
                    "total": self.total,
                }
            )
        events.append_all(session, run_id, STAGE, "assessment", told, now)
