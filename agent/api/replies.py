"""Answers to what a run asks: the approval of its table, and every other question."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy.orm import Session

from agent import views
from agent.api.examples import APPROVAL, QUEUED, REPLY
from agent.api.inputs import ONLY_TEXT, Named, Person, RunId
from agent.api.response_examples import answered
from agent.service.place import Here, Place, Signed
from agent.service.problems import responses
from agent.views import RunState
from graphs.approval import NO_BACKUP, resolve_key
from graphs.prompts import (
    Approval,
    ApprovalAction,
    JudgeChoice,
    Labelled,
    Reply,
    RequestAnswer,
    Review,
    ScenariosAgreement,
)
from store import research, runs
from tools.table import ComparisonTable

router = APIRouter(tags=["answers to a run"], dependencies=[ONLY_TEXT])

TableHash = Annotated[
    str,
    StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$"),
    Field(
        description="`hash` of the table that the person saw. Another one is refused with what has changed."
    ),
]
_ACCEPTED = answered("The answer is stored, and the run goes on with it.", QUEUED, 202)


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class ApprovalGiven(_Record):
    """What a person decided about the table."""

    action: ApprovalAction
    """approve; swap: with primary and backup exchanged; edit: add or leave out candidates, then show the
    table again; more: another wave of research; reject."""
    table_hash: TableHash
    primary: Named | None = None
    """Key, name, or a part of it that only one row of the table has; the proposal where it is left out."""
    backup: Annotated[str, StringConstraints(max_length=300)] | None = None
    """As ``primary``; an empty text wants none."""
    add: Annotated[tuple[Named, ...], Field(max_length=50)] = ()
    """Hub repositories to consider as well (edit)."""
    exclude: Annotated[tuple[Named, ...], Field(max_length=200)] = ()
    """Candidates to leave out (edit)."""
    note: Annotated[str, StringConstraints(max_length=4000)] = ""
    """Reason, feedback, or what to look for."""
    by: Person | None = None
    """Who decided; whoever asks where it is left out."""


class RequestReply(_Record):
    """What the request leaves open, or that a run is wanted although none seems needed."""

    kind: Literal["request"]
    answers: Annotated[
        dict[
            Annotated[str, StringConstraints(max_length=100)],
            Annotated[str, StringConstraints(max_length=4000)],
        ],
        Field(max_length=20),
    ] = Field(default_factory=dict)
    """Name of a field → the person's words."""
    insist: bool | None = None


class ApprovalReply(ApprovalGiven):
    """As the body of the approval."""

    kind: Literal["approval"]


class ScenariosReply(_Record):
    """Whether the drafted scenarios are agreed to."""

    kind: Literal["scenarios"]
    agree: bool
    taxonomy: Annotated[str, StringConstraints(min_length=1, max_length=1_000_000)] | None = None
    """YAML to be used instead of the draft; the scenarios are made anew from it."""
    by: Person | None = None


class JudgeReply(_Record):
    """Who judges."""

    kind: Literal["judge"]
    judge: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    """``provider:model``, several with commas, or ``human``."""
    insist: bool = False
    """Use it in spite of the problem; every output says so."""
    by: Person | None = None


class LabelsReply(_Record):
    """A person has given the verdicts that the run waits for."""

    kind: Literal["labels"]
    enough: bool = False
    """Go on although some answers have none; they are unmeasured."""
    by: Person | None = None


class ReviewReply(_Record):
    """What a person makes of the result."""

    kind: Literal["review"]
    notes: Annotated[str, StringConstraints(max_length=20_000)] = ""
    """Qualitative notes for the document."""
    run_backup: bool = False
    further: Annotated[int, Field(ge=0, le=5000)] = 0
    """Run so many more scenarios, then decide anew."""
    try_prompt: bool = False
    """Ask the failures again under an improved system prompt."""
    by: Person | None = None


class ReplyGiven(_Record):
    """An answer to one asking of a question."""

    prompt_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9:_.-]{1,100}$")]
    """``waits_for.prompt_id`` of the run. An answer to an earlier asking is refused."""
    reply: Annotated[
        RequestReply | ApprovalReply | ScenariosReply | JudgeReply | LabelsReply | ReviewReply,
        Field(discriminator="kind"),
    ]


_REPLIES: dict[str, type[BaseModel]] = {
    "request": RequestAnswer,
    "scenarios": ScenariosAgreement,
    "judge": JudgeChoice,
    "labels": Labelled,
    "review": Review,
}


@router.post(
    "/runs/{run_id}/approval",
    operation_id="approve",
    status_code=202,
    responses=_ACCEPTED | responses(404, 409, 422),
)
async def approve(
    run_id: RunId, given: Annotated[ApprovalGiven, APPROVAL], here: Here, signed: Signed
) -> RunState:
    """Decide about the table: approve primary and backup, edit, ask for more research, or reject.

    Nothing is pulled before. 409 when the run does not wait for it, when somebody has answered already, and
    when the table is another one than the person saw; `errors` then says all that has changed.
    """
    approval = await here.look(approval_of, run_id, given, signed(given.by))
    return await _answer(here, run_id, approval, approval.by, None)


@router.post(
    "/runs/{run_id}/reply",
    operation_id="reply_to_run",
    status_code=202,
    responses=_ACCEPTED | responses(404, 409, 422),
)
async def reply_to_run(
    run_id: RunId, given: Annotated[ReplyGiven, REPLY], here: Here, signed: Signed
) -> RunState:
    """Answer whatever the run asks (`waits_for`): the `kind` of the reply is that of the question.

    409 when nothing of the kind is asked, when the question is another one by now, and when somebody has
    answered already.
    """
    said = given.reply
    by = signed(getattr(said, "by", None))
    reply: Any
    if isinstance(said, ApprovalReply):
        reply = await here.look(approval_of, run_id, said, by)
    else:
        fields = said.model_dump(exclude={"kind"})
        if "by" in fields:
            fields["by"] = by
        reply = _REPLIES[said.kind].model_validate(fields)
    return await _answer(here, run_id, reply, by, given.prompt_id)


async def _answer(here: Place, run_id: str, reply: Reply, by: str, prompt_id: str | None) -> RunState:
    run_id = await here.look(views.whole_id, run_id)
    await here.actions.reply(run_id, reply, by=by, prompt_id=prompt_id)
    return await here.look(views.run_state, run_id, here.clock)


def approval_of(session: Session, run_id: str, given: ApprovalGiven, by: str) -> Approval:
    """The approval with the keys of the models in the place of what they are called."""
    row = runs.get(session, run_id)
    offered = research.table_with_hash(session, row.id, given.table_hash)
    offered = offered or research.newest_table(session, row.id)
    table = None if offered is None else offered.table

    def key(words: str | None) -> str | None:
        return words if words is None or words == NO_BACKUP else _key(words, table)

    return Approval(
        action=given.action,
        table_hash=given.table_hash,
        primary=key(given.primary),
        backup=key(given.backup),
        add=given.add,
        exclude=tuple(_key(words, table) for words in given.exclude),
        note=given.note,
        by=by,
    )


def _key(words: str, table: ComparisonTable | None) -> str:
    return words if table is None else resolve_key(words, table)
