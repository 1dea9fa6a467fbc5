"""What the numbers say, and what a person makes of the answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from langgraph.runtime import Runtime as NodeRuntime
from langgraph.types import Command, interrupt
from sqlalchemy.orm import Session

from graphs.desk import Desk
from graphs.nodes.approve import newest_approval
from graphs.prompts import POLICY, Review, ReviewPrompt
from graphs.results import Result, result_of, sample_of
from graphs.state import Journey
from graphs.trials import IMPROVED_PROMPT, SETTLED_AT, is_retrial
from store import evaluation, events, research, runs
from tools.decision import DecisionKind
from tools.panel import HUMAN
from tools.retrial import retry_ids
from tools.scenarios import MAX_COUNT

STAGE = "decide"


async def decide(
    state: Journey, runtime: NodeRuntime[Desk]
) -> Command[Literal["review", "answer", "pull", "document"]]:
    """Decide from the rows, and make the prompt of the review. A retrial decides nothing."""
    desk, role, judge = runtime.context, state.get("role", "primary"), state["judge"]
    assert judge is not None
    if is_retrial(role):
        if role == "repeated":
            return Command(goto="answer", update={"role": "reprompted"})
        if Review.model_validate(state["review"]).run_backup and await _backup(desk) is not None:
            return _to_backup(desk)
        return Command(goto="document", update={"role": "primary"})
    result = await desk.look(result_of, role, judge)
    decision = result.decision
    if role == "backup":
        await desk.write(_settle, role, result.planned, desk.services.wall.now())
    await desk.say(STAGE, "decision", role=role, **decision.model_dump(mode="json"))
    prompt = ReviewPrompt(
        run_id=desk.run_id,
        role=role,
        decision=decision.kind.value,
        sentence=decision.reason,
        pass_rate=decision.pass_rate,
        sample=tuple(pick.row.scenario.id for pick in sample_of(result)),
        backup=await _backup(desk) if role == "primary" else None,
        further=await _further(desk, result),
        failures=await _failures(desk, result),
    )
    update: dict[str, Any] = {"prompt": prompt.model_dump(mode="json")}
    if role == "primary":
        update["decision"] = decision.kind.value
    return Command(goto="review", update=update)


def _settle(session: Session, run_id: str, role: str, planned: int, now: datetime) -> None:
    if evaluation.stored_call(session, run_id, SETTLED_AT, role) is None:
        evaluation.keep_call(session, run_id, SETTLED_AT, role, {"scenarios": planned}, now)


async def _backup(desk: Desk) -> str | None:
    """The approved backup that has not been run yet; a replay has recordings of the primary alone."""
    if desk.services.replayed is not None:
        return None
    if "backup" in await desk.look(evaluation.roles):
        return None
    newest = newest_approval(await desk.look(research.approvals))
    return (newest.backup or None) if newest is not None else None


async def _further(desk: Desk, result: Result) -> int | None:
    """Scenarios that would settle an open decision, where more can be made."""
    decision = result.decision
    if desk.services.replayed is not None or result.role != "primary":
        return None
    if decision.kind is not DecisionKind.UNDECIDED or not decision.further_scenarios:
        return None
    if await desk.look(runs.material, "scenarios") is not None:
        return None
    room = MAX_COUNT - result.planned
    return decision.further_scenarios if decision.further_scenarios <= room else None


async def _failures(desk: Desk, result: Result) -> int:
    """Failed answers that have not been asked again yet."""
    if desk.services.replayed is not None or result.role != "primary":
        return 0
    if result.judge == HUMAN or await desk.look(runs.material, IMPROVED_PROMPT) is not None:
        return 0  # a person is not asked to judge the same scenarios twice more
    return len(retry_ids(result.lines))


async def review(state: Journey) -> Journey:
    """Wait for the person's notes. No side effect."""
    reply = Review.model_validate(interrupt(state["prompt"], response_schema=Review))
    return {"review": reply.model_dump(mode="json")}


async def record_review(
    state: Journey, runtime: NodeRuntime[Desk]
) -> Command[Literal["pull", "scenarios", "try_prompt", "document"]]:
    """Store the notes; then the backup, further scenarios or an improved prompt, where the person asks."""
    desk, role = runtime.context, state.get("role", "primary")
    given = Review.model_validate(state["review"])
    await desk.write(_keep, role, given, desk.services.wall.now())
    prompt = ReviewPrompt.model_validate(state["prompt"])
    if given.further and prompt.further is not None:
        there = len(await desk.look(evaluation.scenarios))
        update = {"prompt": None, "target": min(MAX_COUNT, there + given.further), "answered": False}
        return Command(goto="scenarios", update=update)
    if (given.try_prompt or desk.options.try_prompt) and prompt.failures:
        return Command(goto="try_prompt", update={"prompt": None})
    if given.run_backup and prompt.backup is not None:
        return _to_backup(desk)
    return Command(goto="document", update={"prompt": None})


def _to_backup(desk: Desk) -> Command[Any]:
    """The judge is looked at again: it may be of the backup's family."""
    update = {"role": "backup", "prompt": None, "judge_insisted": desk.options.judge_insisted}
    return Command(goto="pull", update=update)


def _keep(session: Session, run_id: str, role: str, given: Review, now: datetime) -> None:
    """Store the review with its event, once."""
    if evaluation.keep_review(session, run_id, role, given.model_dump(mode="json"), given.by, given.at):
        data = {"role": role, "by": given.by, "run_backup": given.run_backup, "further": given.further}
        events.append(session, run_id, "review", "review", data, now)


def policy_review(_prompt: ReviewPrompt) -> Review:
    """The policy reads nothing, says so, and runs no second model."""
    return Review(notes="", run_backup=False, by=POLICY)
