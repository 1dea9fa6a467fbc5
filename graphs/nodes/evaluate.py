"""Scenarios, and one answer to each: a row the moment it arrives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from langgraph.runtime import Runtime as NodeRuntime
from sqlalchemy.orm import Session

from graphs.desk import Desk
from graphs.fanout import each
from graphs.materials import system_prompt, taxonomy_of
from graphs.models import ready_runtime
from graphs.retry import patiently
from graphs.state import Journey
from store import evaluation, events, runs
from tools.evaluation import Answer, Scenario
from tools.hygiene import classify_reply
from tools.knowledge.loader import domains
from tools.runtimes import ChatRequest, Message, Runtime, RuntimeFault, RuntimeFaultKind, RuntimeName
from tools.scenarios import coverage, generate

CONCURRENCY = {RuntimeName.OLLAMA: 1, RuntimeName.LLAMACPP: 1, RuntimeName.OPENAI: 4}
"""Requests under way at once; one machine's runtime answers one at a time anyway."""

OF_THE_ANSWER = {
    RuntimeFaultKind.TIMEOUT,
    RuntimeFaultKind.BAD_REPLY,
    RuntimeFaultKind.SERVER_ERROR,
    RuntimeFaultKind.REFUSED,
}
"""Failures that are recorded with the scenario; any other means that the runtime itself is not usable."""


async def scenarios(state: Journey, runtime: NodeRuntime[Desk]) -> Journey:
    """About 50 inputs that cover the taxonomy; the person's own were stored when the run began."""
    desk = runtime.context
    stored = await desk.look(evaluation.scenarios)
    if stored:
        own = await desk.look(runs.material, "scenarios")
        source = "an earlier process" if own is None else own.name
        await desk.say("scenarios", "scenarios", count=len(stored), source=source)
        return {}
    taxonomy = await taxonomy_of(desk)
    made = generate(taxonomy, desk.options.count, desk.options.seed)
    await desk.write(evaluation.keep_scenarios, made)
    cover = coverage(made, taxonomy)
    await desk.say(
        "scenarios", "scenarios", count=len(made), source=taxonomy.name, missing=len(cover.missing)
    )
    return {}


async def answer(state: Journey, runtime: NodeRuntime[Desk]) -> Journey:
    """Ask the model every scenario that has no answer yet."""
    desk, role = runtime.context, state.get("role", "primary")
    engine, model = await ready_runtime(desk, role)
    assert model.loaded is not None
    wanted = await desk.look(evaluation.scenarios)
    done = await desk.look(evaluation.answers, role)
    request = await desk.request()
    domain = domains().named(request.domain_key, request.domain)
    prompt = await system_prompt(desk, domain.system_prompt)
    template = ChatRequest(
        messages=(Message(role="user", content="-"),),
        context=request.needed_context,
        max_tokens=desk.options.max_tokens,
        temperature=desk.options.temperature,
        seed=desk.options.seed,
        thinking=False if domain.plain_reply else None,
    )
    conditions = {
        "runtime": engine.name.value,
        "runtime_version": (await engine.status()).version,
        "model": model.loaded.artefact.name,
        "digest": model.loaded.artefact.digest,
        "quantization": model.loaded.artefact.quantization,
        "allocated_context": model.loaded.allocated_context,
        "system_prompt": prompt,
        **template.model_dump(mode="json", exclude={"messages", "json_schema"}),
    }
    asker = _Asker(desk, engine, model.loaded.artefact.name, role, template, prompt, conditions)
    asker.count(len(done), len(wanted))
    await desk.say("answer", "progress", done=len(done), total=len(wanted))
    missing = [scenario for scenario in wanted if scenario.id not in done]
    await each(missing, asker.ask, at_once=CONCURRENCY[engine.name])
    return {}


@dataclass
class _Asker:
    """Asks one model; everything that is the same for every scenario."""

    desk: Desk
    engine: Runtime
    model: str
    role: str
    template: ChatRequest
    prompt: str
    conditions: dict[str, Any]
    done: int = 0
    total: int = 0

    def count(self, done: int, total: int) -> None:
        self.done, self.total = done, total

    async def ask(self, scenario: Scenario) -> None:
        system = (Message(role="system", content=self.prompt),) if self.prompt else ()
        messages = (*system, Message(role="user", content=scenario.message))
        request = self.template.model_copy(update={"messages": messages})
        try:
            reply = await patiently(self.desk, "answer", lambda: self.engine.chat(self.model, request))
            given = classify_reply(reply, None, scenario)
        except RuntimeFault as fault:
            if fault.kind not in OF_THE_ANSWER:
                raise
            given = classify_reply(None, fault, scenario)
        self.done += 1
        await self.desk.write(self._keep, given, self.done)

    def _keep(self, session: Session, run_id: str, given: Answer, done: int) -> None:
        now = self.desk.services.wall.now()
        evaluation.keep_answer(session, run_id, self.role, given, self.conditions, now)
        data = {
            "scenario": given.scenario_id,
            "outcome": given.outcome.value,
            "seconds": given.seconds,
            "done": done,
            "total": self.total,
        }
        events.append(session, run_id, "answer", "answer", data, now)
