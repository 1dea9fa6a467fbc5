"""Tools that carry a person's decision to a run. A client's model never decides."""

from __future__ import annotations

from typing import Annotated, Literal

from mcp.server.elicitation import AcceptedElicitation, ElicitationResult
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.resolve import Elicit, Resolve
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from agent.actions import check_against_table
from agent.mcp.desk import desk_of
from agent.mcp.faults import told
from agent.mcp.running import Answer, Run, Seconds, until_settled
from agent.mcp.words import line
from agent.waiting import expect
from agent.wishes import check_name
from graphs.approval import NO_BACKUP, Pair, resolve_key, settled_pair
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
from store import research
from tools.faults import Conflict, WrongUse
from tools.table import Column, ComparisonTable

Person = Annotated[
    str,
    Field(
        min_length=1,
        max_length=80,
        description="Name of the person who decided this. Never a model's or a client's.",
    ),
]
Hash = Annotated[
    str, Field(max_length=80, description="The `hash` of the table that the person saw, from `table`.")
]
Decided = Annotated[
    Literal["approve", "swap", "edit", "more", "reject"],
    Field(
        description=(
            "approve: evaluate the primary. swap: the proposal with primary and backup exchanged. edit: add "
            "or exclude candidates and show the table again. more: another wave of research with `note`. "
            "reject: end the run with the reason in `note`."
        )
    ),
]
Model = Annotated[
    str | None,
    Field(max_length=300, description="As `key` or name in the table; the proposal when left out."),
]
Backup = Annotated[
    str | None,
    Field(max_length=300, description="The same; none when it is empty, the proposal's when left out."),
]
Note = Annotated[str, Field(max_length=4000, description="Reason, feedback, or what to look for.")]
Models = Annotated[tuple[Annotated[str, Field(max_length=200)], ...], Field(max_length=50)]


class Confirmation(BaseModel):
    """What the person is asked by their own client."""

    confirmed: bool = Field(title="Yes, I decide so", description="Leave it unset to change nothing.")


class Unasked(BaseModel):
    """The client cannot ask; its own confirmation of the tool call has to do."""


class Wanted(BaseModel):
    """A decision with the models' full names, and what it means in words."""

    approval: Approval
    sentence: str


async def _ask_person(
    context: Context,
    run: str,
    approved_by: str,
    table_hash: str,
    action: Decided,
    primary: Model,
    backup: Backup,
    note: str,
    add: tuple[str, ...],
    exclude: tuple[str, ...],
) -> Unasked | Elicit[Confirmation]:
    """Have the client ask its person, where it can; before that, refuse what could not be done anyway."""
    wanted = await told(_wanted)(
        context, run, approved_by, table_hash, action, primary, backup, note, add, exclude
    )
    able = None if context.client_capabilities is None else context.client_capabilities.elicitation
    if able is None or (able.form is None and able.url is not None):
        return Unasked()
    return Elicit(wanted.sentence, Confirmation)


async def approve(
    context: Context,
    run: Run,
    *,
    approved_by: Person,
    table_hash: Hash,
    confirmation: Annotated[ElicitationResult[Confirmation], Resolve(_ask_person)],
    action: Decided = "approve",
    primary: Model = None,
    backup: Backup = None,
    note: Note = "",
    add: Annotated[Models, Field(description="For edit: Hub repositories, owner/name.")] = (),
    exclude: Annotated[Models, Field(description="For edit: candidates to leave out.")] = (),
    wait_seconds: Seconds = 0,
) -> Answer:
    """Carry a PERSON's decision about the comparison table to the run. A person decides, never you.

    Show the person the table and the proposal first, and call this only after they have said what they want;
    `approved_by` is their name. A client that can ask is asked to have the person confirm; otherwise the
    record says that the client vouches for it. After an approval gigabytes are pulled and the model is run
    on this machine. A table that has changed since, and a second decision, are refused.
    """
    desk = desk_of(context)
    asked = isinstance(confirmation, AcceptedElicitation) and isinstance(confirmation.data, Confirmation)
    if not isinstance(confirmation, AcceptedElicitation) or (asked and not confirmation.data.confirmed):
        raise ToolError(
            "The person did not confirm it, so nothing was done and the run still waits. Ask what they want."
        )
    wanted = await _wanted(context, run, approved_by, table_hash, action, primary, backup, note, add, exclude)
    how = "confirmed over MCP" if asked else "as an MCP client says"
    approval = wanted.approval.model_copy(update={"by": f"{line(approved_by, 80)}, {how}"})
    await desk.actions.reply(run, approval, by=approval.by)
    return await until_settled(context, desk, run, wait_seconds)


async def _wanted(
    context: Context,
    run: str,
    approved_by: str,
    table_hash: str,
    action: str,
    primary: str | None,
    backup: str | None,
    note: str,
    add: tuple[str, ...],
    exclude: tuple[str, ...],
) -> Wanted:
    """The decision as the table has it; refused when it could not be carried out now."""
    if not approved_by.strip():
        raise WrongUse("Nobody is named who decided this.", "A person decides; ask them.")

    def work(session: Session) -> Wanted:
        offered = research.newest_table(session, run_id := _known(session, run))
        if offered is None:
            raise Conflict(f"Run {run_id} has no table yet.", "`wait` for it.")
        table = offered.table
        approval = Approval(
            action=ApprovalAction(action),
            table_hash=_whole(table_hash),
            primary=None if not primary else resolve_key(primary, table),
            backup=NO_BACKUP if backup == "" else None if backup is None else resolve_key(backup, table),
            add=tuple(add),
            exclude=tuple(resolve_key(one, table) for one in exclude),
            note=note,
            by=approved_by,
        )
        expect(session, run_id, approval, None)
        check_against_table(session, run_id, approval)
        pair = settled_pair(approval, offered.proposal)
        return Wanted(
            approval=approval,
            sentence=_sentence(run_id, approval, pair, table, offered.proposal.coverage_warning),
        )

    return await desk_of(context).look(work)


def _known(session: Session, run: str) -> str:
    from store import runs

    return runs.get(session, run).id


def _whole(table_hash: str) -> str:
    bare = table_hash.strip().lower().removeprefix("sha256:")
    return f"sha256:{bare}"


def _sentence(
    run_id: str, approval: Approval, pair: Pair, table: ComparisonTable, warning: str | None
) -> str:
    """What the person says yes to."""
    who = line(approval.by, 80)
    match approval.action:
        case ApprovalAction.APPROVE | ApprovalAction.SWAP:
            what = f"approve {_described(pair.primary, table)} as the primary"
            what += f", with {_described(pair.backup, table)} as the backup" if pair.backup else ", no backup"
            after = "It will be pulled and run on this machine."
        case ApprovalAction.EDIT:
            changes = [f"add {key}" for key in approval.add]
            changes += [f"leave out {key}" for key in approval.exclude]
            what, after = line(", ".join(changes), 600), "The table is then made anew."
        case ApprovalAction.MORE:
            what, after = "ask for more research", "The table is then made anew."
        case _:
            what, after = "reject the proposal", "The run ends with that."
    note = f" Note: {line(approval.note, 500)}" if approval.note else ""
    thin = f" Mind: {line(warning, 400)}" if warning and approval.action is ApprovalAction.APPROVE else ""
    return f"Run {run_id}: {who}, do you {what}? {after}{thin}{note}"


def _described(key: str | None, table: ComparisonTable) -> str:
    """A model with what a person wants to know before it is pulled."""
    row = table.row(str(key))
    told = [
        row.cell(column).text
        for column in (Column.PARAMS, Column.LICENCE, Column.MEMORY, Column.QUANTIZATION)
    ]
    return f"{row.key} ({line('; '.join(told), 500)})"


async def answer(
    context: Context,
    run: Run,
    *,
    kind: Annotated[
        Literal["request", "scenarios", "judge", "labels", "review"],
        Field(description="What the run asks: `waits_for.kind` of `status`. An approval goes to `approve`."),
    ],
    answered_by: Person,
    prompt_id: Annotated[
        str | None,
        Field(max_length=80, description="`waits_for.prompt_id`: refused when it has gone on since."),
    ] = None,
    fields: Annotated[
        dict[str, Annotated[str, Field(max_length=2000)]] | None,
        Field(max_length=20, description="request: name of the field to the person's words."),
    ] = None,
    insist: Annotated[
        bool,
        Field(description="request: run although it is not needed. judge: use it in spite of the problem."),
    ] = False,
    agree: Annotated[bool | None, Field(description="scenarios: whether the draft is taken.")] = None,
    taxonomy: Annotated[
        str | None, Field(max_length=1_000_000, description="scenarios: YAML in the place of the draft.")
    ] = None,
    judge: Annotated[
        str | None, Field(max_length=200, description="judge: provider:model, or human.")
    ] = None,
    notes: Annotated[
        str, Field(max_length=20_000, description="review: what the person read and thinks.")
    ] = "",
    run_backup: Annotated[bool, Field(description="review: evaluate the backup next.")] = False,
    further: Annotated[int, Field(ge=0, le=5000, description="review: so many more scenarios.")] = 0,
    try_prompt: Annotated[
        bool, Field(description="review: ask the failures again under an improved system prompt.")
    ] = False,
    wait_seconds: Seconds = 0,
) -> Answer:
    """Carry a person's answer to what a run asks, other than the approval of its table.

    Each kind has fields of its own, named first in their descriptions; the answer is the person's, so ask
    them. For labels it says that the verdicts given are enough.
    """
    given = {
        "request": bool(fields),
        "scenarios": agree is not None or taxonomy is not None,
        "judge": judge is not None,
        "review": bool(notes or run_backup or further or try_prompt),
    }
    strange = [name for name, was in given.items() if was and name != kind]
    if strange:
        raise WrongUse(f"Fields of {strange[0]} were given with kind {kind}.", "Give those of one kind.")
    by = f"{line(answered_by, 80)}, as an MCP client says"
    desk = desk_of(context)
    reply: Reply
    match kind:
        case "request":
            reply = RequestAnswer(answers=fields or {}, insist=insist or None)
        case "scenarios":
            reply = ScenariosAgreement(agree=agree is not False, taxonomy=taxonomy, by=by)
        case "judge":
            if judge is None:
                raise WrongUse("No judge is named.", "Give `judge` as provider:model.")
            for named in judge.split(","):
                check_name(named)
            reply = JudgeChoice(judge=judge, insist=insist, by=by)
        case "labels":
            reply = Labelled(enough=True, by=by)
        case _:
            reply = Review(notes=notes, run_backup=run_backup, further=further, try_prompt=try_prompt, by=by)
    await desk.actions.reply(run, reply, by=by, prompt_id=prompt_id)
    return await until_settled(context, desk, run, wait_seconds)
