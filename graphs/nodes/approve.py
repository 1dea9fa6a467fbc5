"""The person's decision about the table. One node waits, the next one records; nothing is pulled before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from langgraph.runtime import Runtime
from langgraph.types import Command, interrupt
from sqlalchemy.orm import Session

from graphs.approval import Refused, check_approval, settled_pair
from graphs.desk import Desk
from graphs.ledger import BY_PERSON
from graphs.prompts import POLICY, Approval, ApprovalAction, ApprovalPrompt
from graphs.state import Journey
from graphs.tables import current_table
from store import events, research
from store.schema import ApprovalRow
from tools.candidates import Candidate, Standing
from tools.proposal import Proposal

STAGE = "approval"


async def approve(state: Journey) -> Journey:
    """Wait for an approval. No side effect: the prompt was made by the node before."""
    prompt = state["prompt"]
    assert prompt is not None
    reply = Approval.model_validate(interrupt(prompt, response_schema=Approval))
    return {"approval": reply.model_dump(mode="json")}


async def record_approval(
    state: Journey, runtime: Runtime[Desk]
) -> Command[Literal["approve", "compare", "research", "scenarios", "__end__"]]:
    """Check the approval against the table as it is now, store it, and go where it leads."""
    desk = runtime.context
    approval = Approval.model_validate(state["approval"])
    offered = await desk.look(research.newest_table)
    assert offered is not None
    pair = settled_pair(approval, offered.proposal)
    approval = approval.model_copy(update={"primary": pair.primary, "backup": pair.backup})
    if not await desk.look(_is_stored, approval):
        table = await desk.look(current_table, offered.table.built_on)
        try:
            check_approval(approval, offered.proposal, table, offered.table)
        except Refused as refusal:
            await desk.say(STAGE, "refused", sentence=refusal.sentence)
            if table.hash != offered.table.hash:
                return Command(goto="compare", update={"problem": str(refusal)})
            prompt = prompt_for(desk.run_id, offered.table.hash, offered.proposal, str(refusal))
            return Command(goto="approve", update={"prompt": prompt.model_dump(mode="json")})
        await desk.write(keep, approval, desk.services.wall.now())
    match approval.action:
        case ApprovalAction.REJECT:
            reason = approval.note or "no reason given"
            return Command(goto="__end__", update={"ended": f"The proposal was rejected: {reason}"})
        case ApprovalAction.MORE:
            wider = state.get("wider", 0) + 1
            update: Journey = {"note": approval.note, "again": True, "wider": wider, "prompt": None}
            return Command(goto="research", update=update)
        case ApprovalAction.EDIT:
            goto: Literal["research", "compare"] = "research" if approval.add else "compare"
            return Command(goto=goto, update={"note": approval.note, "again": True, "prompt": None})
        case ApprovalAction.APPROVE | ApprovalAction.SWAP:
            return Command(goto="scenarios", update={"prompt": None, "role": "primary"})


def prompt_for(run_id: str, table_hash: str, proposal: Proposal, problem: str | None) -> ApprovalPrompt:
    return ApprovalPrompt(
        run_id=run_id,
        table_hash=table_hash,
        primary=proposal.primary,
        backup=proposal.backup,
        problem=problem,
    )


def _is_stored(session: Session, run_id: str, approval: Approval) -> bool:
    """Whether this very decision was stored before: by this node, in a process that then died."""
    earlier = research.approvals(session, run_id)
    return bool(earlier) and earlier[-1].record == approval.model_dump(mode="json")


def newest_approval(rows: Sequence[ApprovalRow]) -> Approval | None:
    """The decision that holds: the last one that approved models. What it replaced approves nothing."""
    decisions = [Approval.model_validate(row.record) for row in rows]
    approved = [d for d in decisions if d.action in {ApprovalAction.APPROVE, ApprovalAction.SWAP}]
    return approved[-1] if approved else None


def keep(session: Session, run_id: str, approval: Approval, now: datetime) -> None:
    """Store the decision with its event and what it does to the ledger, once and in one transaction."""
    record = approval.model_dump(mode="json")
    table_hash = approval.table_hash or None
    if research.keep_approval(
        session, run_id, approval.action.value, table_hash, record, approval.by, approval.at
    ):
        events.append(session, run_id, STAGE, "approval", record, now)
        if approval.action is ApprovalAction.EDIT:
            _edit_ledger(session, run_id, approval)


def _edit_ledger(session: Session, run_id: str, approval: Approval) -> None:
    """Candidates that a person adds or leaves out change the ledger, with the person as the reason."""
    known = {candidate.key: candidate for candidate in research.ledger(session, run_id)}
    spelt = {key.casefold(): key for key in known}
    edited = [
        known[key].model_copy(
            update={"standing": Standing.REJECTED, "reason": f"left out by {approval.by} at the approval"}
        )
        for key in approval.exclude
        if key in known
    ]
    for named in approval.add:
        key = spelt.get(named.casefold(), named)
        if key in known:
            changed = {
                "standing": Standing.ACCEPTED,
                "reason": f"added by {approval.by} at the approval",
                "found_by": f"{BY_PERSON}{approval.by}",
                "folded_into": None,
            }
            edited.append(known[key].model_copy(update=changed))
        else:
            edited.append(
                Candidate(
                    key=key,
                    name=key.rpartition("/")[2],
                    family=key.partition("/")[0],
                    standing=Standing.ACCEPTED,
                    reason=f"added by {approval.by} at the approval",
                    found_by=f"{BY_PERSON}{approval.by}",
                )
            )
    research.keep_candidates(session, run_id, edited)


def policy_approval(prompt: ApprovalPrompt) -> Approval:
    """What the policy answers where no person is asked: the proposal as it stands."""
    action = ApprovalAction.APPROVE if prompt.primary else ApprovalAction.REJECT
    note = "" if prompt.primary else "research proposed no model"
    return Approval(
        action=action,
        table_hash=prompt.table_hash,
        primary=prompt.primary,
        backup=prompt.backup,
        note=note,
        by=POLICY,
    )
