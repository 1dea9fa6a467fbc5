"""From an approval to a model that has answered "Hello, testing.": prove, make room, pull, verify, pin."""

from __future__ import annotations

import time
from typing import Literal

from langgraph.runtime import Runtime as NodeRuntime
from langgraph.types import Command

from graphs.desk import Desk
from graphs.hosts import telling
from graphs.models import NoArtefact, name_on_runtime
from graphs.nodes.approve import keep, newest_approval
from graphs.prompts import Approval, ApprovalAction
from graphs.retry import patiently
from graphs.state import Journey, Role
from graphs.trials import model_role
from store import evaluation, research
from tools.faults import Fault
from tools.request import EvaluationRequest
from tools.runtimes import Artefact, Runtime, RuntimeFault, RuntimeFaultKind

STAGE = "pull"

SECONDS_BETWEEN_PROGRESS = 0.25
"""A pull reports every 60 ms; a row for each would say no more."""


GONE = {RuntimeFaultKind.NOT_FOUND, RuntimeFaultKind.DIGEST_MISMATCH, RuntimeFaultKind.REJECTED}
"""Failures that trying again does not mend, and another model does."""


class NotToBeHad(Fault):
    """The approved model cannot be had here; another approval can change that."""


async def pull(
    state: Journey, runtime: NodeRuntime[Desk]
) -> Command[Literal["answer", "compare", "document"]]:
    """Pull the approved model of the role and see it answer.

    A primary that cannot be had goes back to the table with the reason; a backup that cannot be had leaves
    the primary's result as it is.
    """
    desk, role = runtime.context, model_role(state.get("role", "primary"))
    try:
        await make_ready(desk, role)
    except NotToBeHad as fault:
        if desk.options.model is not None:
            raise
        await desk.say(STAGE, "warning", sentence=str(fault))
        if role == "primary":
            return Command(goto="compare", update={"problem": str(fault)})
        return Command(goto="document", update={"role": "primary"})
    return Command(goto="answer")


async def make_ready(desk: Desk, role: Role) -> None:
    """Do what is still to be done until the role's model is loaded where this process runs."""
    request = await desk.request()
    candidate = await _approved(desk, role)
    known = await desk.look(evaluation.held, role)
    if known is not None and known.candidate != candidate:
        known = None  # another model has been approved since
    wanted = desk.options.runtime if known is None else known.artefact.runtime.value
    engine = await desk.services.choose_runtime(wanted, model=desk.options.model)
    async with telling(desk, STAGE, engine):
        artefact = known.artefact if known else await _prove(desk, engine, role, candidate, request)
        if known is None or known.pulled_at is None:
            if artefact.already_here:  # the digest is checked again when it is loaded
                told, now = {"name": artefact.name, "already_here": True}, desk.services.wall.now()
                await desk.write_and_say(STAGE, "pulled", told, evaluation.mark_pulled, role, now)
            else:
                await _transfer(desk, engine, role, artefact)
        if known is None or known.loaded is None:
            await _load(desk, engine, role, artefact, request)


async def _approved(desk: Desk, role: Role) -> str:
    """The candidate that a person (or the policy) approved for this role; nothing is pulled without it."""
    if desk.options.model is not None and not await desk.look(research.approvals):
        approval = Approval(
            action=ApprovalAction.APPROVE,
            table_hash="",
            primary=desk.options.model,
            note="named by the person who asked for it",
            by="the person who named it",
        )
        await desk.write(keep, approval, desk.services.wall.now())
    newest = newest_approval(await desk.look(research.approvals))
    if newest is not None and (candidate := newest.primary if role == "primary" else newest.backup):
        return candidate
    raise Fault(f"No {role} model was approved in this run.", f"`bms approve {desk.run_id}` approves one.")


async def _prove(
    desk: Desk, engine: Runtime, role: Role, candidate: str, request: EvaluationRequest
) -> Artefact:
    """Existence, size, quantization, licence and digest, and room for it, before a byte is pulled."""
    try:
        name = await name_on_runtime(desk, engine, candidate)
        await desk.say(STAGE, "proving", runtime=engine.name.value, name=name)
        artefact = await patiently(desk, STAGE, lambda: engine.prove(name, context=request.needed_context))
    except NoArtefact as fault:
        raise NotToBeHad(fault.sentence, fault.next_step) from fault
    except RuntimeFault as fault:
        if fault.kind not in GONE:
            raise
        raise NotToBeHad(fault.sentence, fault.next_step) from fault
    shortfalls = desk.services.check_room(artefact, request.memory_budget_bytes)
    told = artefact.model_dump(mode="json")
    if not shortfalls:
        await desk.write_and_say(STAGE, "artefact", told, evaluation.keep_artefact, role, candidate, artefact)
    else:
        await desk.say(STAGE, "artefact", **told)
        sentences = " ".join(shortfall.sentence for shortfall in shortfalls)
        raise NotToBeHad(
            f"There is no room for {name}: {sentences}", "Free some and try again, or take a smaller model."
        )
    return artefact


async def _transfer(desk: Desk, engine: Runtime, role: Role, artefact: Artefact) -> None:
    async def attempt() -> None:
        last = 0.0
        async for step in engine.pull(artefact):
            finished = step.completed_bytes is not None and step.completed_bytes == step.total_bytes
            if finished or step.total_bytes is None or time.monotonic() - last > SECONDS_BETWEEN_PROGRESS:
                last = time.monotonic()
                told = step._asdict()
                if step.host is None:
                    del told["host"]
                await desk.say(STAGE, "progress", **told)

    try:
        await patiently(desk, STAGE, attempt)
    except RuntimeFault as fault:
        if fault.kind not in GONE:
            raise
        # What was proved is not what can be pulled; the next approval proves anew.
        await desk.write(evaluation.drop_artefact, role)
        raise NotToBeHad(fault.sentence, fault.next_step) from fault
    told, now = {"name": artefact.name}, desk.services.wall.now()
    await desk.write_and_say(STAGE, "pulled", told, evaluation.mark_pulled, role, now)


async def _load(
    desk: Desk, engine: Runtime, role: Role, artefact: Artefact, request: EvaluationRequest
) -> None:
    loaded = await patiently(desk, STAGE, lambda: engine.load(artefact, context=request.needed_context))
    if not loaded.hello.strip():
        await desk.say(
            STAGE, "warning", sentence=f'{artefact.name} answered "Hello, testing." with nothing at all.'
        )
    if loaded.allocated_context is not None and loaded.allocated_context < request.needed_context:
        sentence = (
            f"The runtime allocated {loaded.allocated_context:,} tokens of context; "
            f"{request.needed_context:,} were wanted."
        )
        await desk.say(STAGE, "warning", sentence=sentence)
    told = {
        "hello": loaded.hello,
        "allocated_context": loaded.allocated_context,
        "digest": loaded.artefact.digest,
        "quantization": loaded.artefact.quantization,
    }
    await desk.write_and_say(STAGE, "loaded", told, evaluation.keep_loaded, role, loaded)
