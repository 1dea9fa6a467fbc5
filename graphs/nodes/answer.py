"""One answer to each scenario: a row the moment it arrives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from langgraph.runtime import Runtime as NodeRuntime
from sqlalchemy.orm import Session

from graphs.clerk import Clerk
from graphs.desk import Desk
from graphs.fanout import each
from graphs.hosts import telling
from graphs.models import ready_runtime
from graphs.retry import patiently
from graphs.state import Journey, Role
from graphs.throttles import throttle_of
from graphs.trials import model_role, scenarios_of, trial_of
from store import evaluation, events
from tools.concurrency import Throttle
from tools.evaluation import Answer, AnswerOutcome, Scenario
from tools.facts import content_hash
from tools.hygiene import classify_reply
from tools.knowledge.loader import domains
from tools.runtimes import (
    ChatReply,
    ChatRequest,
    LoadedModel,
    Message,
    Runtime,
    RuntimeFault,
    RuntimeFaultKind,
)
from tools.runtimes.spread import SpreadRuntime

STAGE = "answer"
CUT_OFF = "answer cut off"
"""Purpose of the calls whose answer was cut off and asked for again."""
LARGER = 4
"""So many times the token limit is given to an answer that was cut off."""

OF_THE_ANSWER = {
    RuntimeFaultKind.TIMEOUT,
    RuntimeFaultKind.BAD_REPLY,
    RuntimeFaultKind.SERVER_ERROR,
    RuntimeFaultKind.REFUSED,
}
"""Failures that are recorded with the scenario; any other means that the runtime itself is not usable."""


async def answer(state: Journey, runtime: NodeRuntime[Desk]) -> Journey:
    """Ask the model every scenario that has no answer yet."""
    desk, role = runtime.context, state.get("role", "primary")
    wanted = await desk.look(scenarios_of, role)
    done = await desk.look(evaluation.answered, role)
    await desk.say(STAGE, "progress", done=len(done), total=len(wanted))
    missing = [scenario for scenario in wanted if scenario.id not in done]
    if missing:
        asker = await _asker(desk, role, len(done), len(wanted))
        async with telling(desk, STAGE, asker.engine), Clerk(desk, asker.keep_all) as clerk:
            asker.clerk = clerk
            await each(missing, asker.ask, at_once=asker.throttle)
    return {"answered": True}


async def _asker(desk: Desk, role: Role, done: int, total: int) -> _Asker:
    engine, model = await ready_runtime(desk, model_role(role))
    assert model.loaded is not None
    request, trial = await desk.request(), await trial_of(desk, role)
    template = ChatRequest(
        messages=(Message(role="user", content="-"),),
        context=request.needed_context,
        max_tokens=desk.options.max_tokens,
        temperature=desk.options.temperature,
        seed=trial.seed,
        thinking=False if domains().named(request.domain_key, request.domain).plain_reply else None,
    )
    return _Asker(
        desk=desk,
        engine=engine,
        loaded=model.loaded,
        role=role,
        template=template,
        prompt=trial.prompt,
        version=(await engine.status()).version,
        cut_off=await desk.look(evaluation.stored_calls, CUT_OFF),
        throttle=throttle_of(engine, desk.options.concurrency),
        done=done,
        total=total,
    )


@dataclass
class _Asker:
    """Asks one model; everything that is the same for every scenario."""

    desk: Desk
    engine: Runtime
    loaded: LoadedModel
    role: Role
    template: ChatRequest
    prompt: str
    version: str | None
    cut_off: dict[str, dict[str, Any]]
    """First replies that were cut off, by the hash of role and scenario: an earlier process paid for them."""
    throttle: Throttle
    done: int
    total: int
    warned: set[str] = field(default_factory=set)
    hosts: dict[str, str | None] = field(default_factory=dict)
    """Which of several hosts answered a scenario."""
    clerk: Clerk[Answer] = field(init=False)

    async def ask(self, scenario: Scenario) -> None:
        system = (Message(role="system", content=self.prompt),) if self.prompt else ()
        messages = (*system, Message(role="user", content=scenario.message))
        request = self.template.model_copy(update={"messages": messages})
        key = f"{self.role}\0{scenario.id}"
        stored = self.cut_off.get(evaluation.call_key(key))
        if stored is None:
            given = await self._answer(scenario, request)
        else:
            given = self._heard(ChatReply.model_validate(stored), scenario)
        if given.outcome is AnswerOutcome.TRUNCATED and (limit := self._larger(given)):
            if stored is None:
                await self._keep_cut_off(key, given)
            again = await self._answer(scenario, request.model_copy(update={"max_tokens": limit}))
            given = again.model_copy(update={"asked": 2, "max_tokens": limit})
        await self.clerk.keep(given)

    async def _answer(self, scenario: Scenario, request: ChatRequest) -> Answer:
        try:
            reply = await patiently(
                self.desk, STAGE, lambda: self.engine.chat(self.loaded.artefact.name, request), self.throttle
            )
            given = self._heard(reply, scenario)
            await self._warn(reply.left_out)
        except RuntimeFault as fault:
            if fault.kind not in OF_THE_ANSWER:
                raise
            given = classify_reply(None, fault, scenario)
            self.hosts[scenario.id] = None
        return given.model_copy(update={"max_tokens": request.max_tokens})

    def _heard(self, reply: ChatReply, scenario: Scenario) -> Answer:
        self.hosts[scenario.id] = reply.host
        return classify_reply(reply, None, scenario)

    async def _warn(self, left_out: tuple[str, ...]) -> None:
        """Say once what the server does not do as it was asked."""
        new = set(left_out) - self.warned
        self.warned |= new
        if new:
            sentence = f"The server does not take {', '.join(sorted(new))}; the answers are made without."
            await self.desk.say(STAGE, "warning", sentence=sentence)

    def _larger(self, cut: Answer) -> int | None:
        """A limit that may hold the whole answer; None when the context has no room for a larger one."""
        context = self.loaded.allocated_context or self.template.context
        room = context - (cut.prompt_tokens or 0)
        limit = min(self.template.max_tokens * LARGER, room)
        return limit if limit > self.template.max_tokens else None

    async def _keep_cut_off(self, key: str, cut: Answer) -> None:
        reply = ChatReply(
            text=cut.text,
            thinking=cut.thinking,
            finish_reason=cut.finish_reason,
            prompt_tokens=cut.prompt_tokens,
            completion_tokens=cut.completion_tokens,
            seconds=cut.seconds or 0.0,
            left_out=cut.left_out,
            host=self.hosts[cut.scenario_id],
            first_token_seconds=cut.first_token_seconds,
        )
        now = self.desk.services.wall.now()
        await self.desk.write(evaluation.keep_call, CUT_OFF, key, reply.model_dump(mode="json"), now)

    def keep_all(self, session: Session, run_id: str, given: Sequence[Answer]) -> None:
        now = self.desk.services.wall.now()
        by_host: dict[str | None, list[Answer]] = {}
        for one in given:
            by_host.setdefault(self.hosts.get(one.scenario_id), []).append(one)
        for host, theirs in by_host.items():
            evaluation.keep_answers(session, run_id, self.role, theirs, self._conditions(host), now)
        told = []
        for one in given:
            self.done += 1
            told.append(
                {
                    "scenario": one.scenario_id,
                    "outcome": one.outcome.value,
                    "seconds": one.seconds,
                    "done": self.done,
                    "total": self.total,
                }
            )
        events.append_all(session, run_id, STAGE, "answer", told, now)

    def _conditions(self, host: str | None) -> dict[str, Any]:
        """Under what the answers were made; the template's text is with the loaded model."""
        artefact, template = self.loaded.artefact, self.loaded.template
        there: dict[str, Any] = {}
        if isinstance(self.engine, SpreadRuntime) and host is not None:
            there = self.engine.facts(artefact.name, host)._asdict()
        return {
            "runtime": self.engine.name.value,
            "runtime_version": self.version,
            "model": artefact.name,
            "digest": artefact.digest,
            "quantization": artefact.quantization,
            "template": None if template is None else content_hash(template),
            "allocated_context": self.loaded.allocated_context,
            "system_prompt": self.prompt,
            **self.template.model_dump(mode="json", exclude={"messages", "json_schema"}),
            **there,
        }
