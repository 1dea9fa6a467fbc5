"""What a run waits for, from its rows alone: nobody needs the checkpoint to ask the person."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, TypeAdapter
from sqlalchemy.orm import Session

from graphs.prompts import (
    Approval,
    ApprovalAction,
    ApprovalPrompt,
    JudgeChoice,
    JudgePrompt,
    Labelled,
    LabelsPrompt,
    Prompt,
    Reply,
    RequestAnswer,
    RequestPrompt,
    Review,
    ReviewPrompt,
    ScenariosAgreement,
    ScenariosPrompt,
)
from store import events, orders, runs
from store.schema import RunStatus
from tools.faults import Conflict

_prompt: TypeAdapter[Prompt] = TypeAdapter(Prompt)

ANSWERS: dict[type[Prompt], type[Reply]] = {
    RequestPrompt: RequestAnswer,
    ApprovalPrompt: Approval,
    ScenariosPrompt: ScenariosAgreement,
    JudgePrompt: JudgeChoice,
    LabelsPrompt: Labelled,
    ReviewPrompt: Review,
}
"""Which reply answers which prompt."""


REPLAY_CAUTION = "This run replays a recording, which may not hold what would be looked up anew; the replay would then stop there."  # noqa: E501


NOT_RECORDED = "no recording of"
"""In the detail of a replay that stopped where its story ends: it would stop there again."""


def leaves_recording(prompt: ApprovalPrompt, approval: Approval) -> bool:
    """Whether an approval may ask for what a replay of the run has no recording of: another primary."""
    if approval.action is ApprovalAction.SWAP:
        return True
    return approval.action is ApprovalAction.APPROVE and approval.primary not in {None, prompt.primary}


class Waiting(BaseModel):
    """A question that a run has put to a person and that nobody has answered yet."""

    model_config = ConfigDict(frozen=True)

    prompt_id: str
    """Names this asking of it: an answer to an earlier asking is refused."""
    prompt: Prompt


def waiting(session: Session, run_id: str) -> Waiting | None:
    """The question that the run waits with; None when it does not wait, or an answer is under way."""
    row = runs.get(session, run_id)
    if row.status != RunStatus.WAITING or orders.open_order(session, row.id) is not None:
        return None
    return last_question(session, row.id)


def last_question(session: Session, run_id: str) -> Waiting | None:
    """The newest question of a run, answered or not."""
    asked = events.newest_of_kind(session, run_id, "waiting")
    if asked is None or "prompt_id" not in asked.data:
        return None
    return Waiting(prompt_id=asked.data["prompt_id"], prompt=_prompt.validate_python(asked.data["prompt"]))


def expect(session: Session, run_id: str, reply: Reply, prompt_id: str | None) -> Waiting:
    """The question that ``reply`` answers; :class:`~tools.faults.Conflict` when nothing of it is asked."""
    row = runs.get(session, run_id)
    question = waiting(session, row.id)
    if question is None:
        order = orders.open_order(session, row.id)
        if order is not None:
            raise orders.already_answered(order)
        raise Conflict(
            f"Run {row.id} does not wait for an answer; it is {row.status}.",
            f"`bms show {row.id}` tells more.",
        )
    if ANSWERS[type(question.prompt)] is not type(reply):
        raise Conflict(f"Run {row.id} {row.detail}, which this does not answer.")
    if prompt_id is not None and prompt_id != question.prompt_id:
        raise Conflict(
            f"Run {row.id} has gone on since that question was asked.", "Look at what it asks now."
        )
    return question
