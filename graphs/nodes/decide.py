"""What the numbers say, and what a person makes of the answers."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from langgraph.runtime import Runtime as NodeRuntime
from langgraph.types import Command, interrupt
from sqlalchemy.orm import Session

from graphs.desk import Desk
from graphs.nodes.approve import newest_approval
from graphs.prompts import POLICY, Review, ReviewPrompt
from graphs.results import result_of
from graphs.state import Journey
from store import evaluation, events, research
from tools.failures import worth_reading

STAGE = "decide"


async def decide(state: Journey, runtime: NodeRuntime[Desk]) -> Journey:
    """Decide from the rows, and make the prompt of the review."""
    desk, role, judge = runtime.context, state.get("role", "primary"), state["judge"]
    assert judge is not None
    result = await desk.look(result_of, role, judge)
    decision = result.decision
    await desk.say(STAGE, "decision", role=role, **decision.model_dump(mode="json"))
    prompt = ReviewPrompt(
        run_id=desk.run_id,
        role=role,
        decision=decision.kind.value,
        sentence=decision.reason,
        pass_rate=decision.pass_rate,
        sample=tuple(line.scenario.id for line in worth_reading(result.lines, result.rubric.pass_threshold)),
        backup=await _backup(desk) if role == "primary" else None,
    )
    return {"decision": decision.kind.value, "prompt": prompt.model_dump(mode="json")}


async def _backup(desk: Desk) -> str | None:
    """The approved backup that has not been run yet; a replay has recordings of the primary alone."""
    if desk.services.replayed is not None:
        return None
    if "backup" in await desk.look(evaluation.roles):
        return None
    newest = newest_approval(await desk.look(research.approvals))
    return (newest.backup or None) if newest is not None else None


async def review(state: Journey) -> Journey:
    """Wait for the person's notes. No side effect."""
    reply = Review.model_validate(interrupt(state["prompt"], response_schema=Review))
    return {"review": reply.model_dump(mode="json")}


async def record_review(state: Journey, runtime: NodeRuntime[Desk]) -> Command[Literal["pull", "document"]]:
    """Store the notes; run the backup when the person asks for it."""
    desk, role = runtime.context, state.get("role", "primary")
    given = Review.model_validate(state["review"])
    await desk.write(_keep, role, given, desk.services.wall.now())
    prompt = ReviewPrompt.model_validate(state["prompt"])
    if given.run_backup and prompt.backup is not None:
        # The judge is looked at again: it may be of the backup's family.
        update = {"role": "backup", "prompt": None, "judge_insisted": desk.options.judge_insisted}
        return Command(goto="pull", update=update)
    return Command(goto="document", update={"prompt": None})


def _keep(session: Session, run_id: str, role: str, given: Review, now: datetime) -> None:
    """Store the review with its event, once."""
    if evaluation.keep_review(session, run_id, role, given.model_dump(mode="json"), given.by, given.at):
        data = {"role": role, "by": given.by, "run_backup": given.run_backup}
        events.append(session, run_id, "review", "review", data, now)


def policy_review(_prompt: ReviewPrompt) -> Review:
    """The policy reads nothing, says so, and runs no second model."""
    return Review(notes="", run_backup=False, by=POLICY)
