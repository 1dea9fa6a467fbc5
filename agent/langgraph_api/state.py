"""The state of a thread, now and after each turn: read from rows, never stored for this protocol."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent import views
from agent.conversation.records import Cursor, Turn
from agent.langgraph_api.interrupts import Offered, Question, Schema, task_of
from agent.langgraph_api.names import ASSISTANT, GRAPH
from agent.langgraph_api.talking import message_of, turns
from agent.langgraph_api.wire import ThreadStatus
from agent.waiting import Waiting, waiting
from store import events, orders, runs, threads
from store.schema import EventRow, RunStatus, ThreadRow
from tools.clock import Clock
from tools.faults import Conflict, NotFound, WrongUse

TOLD = ("created", "stage", "waiting", "approval", "decision", "document", "stopped", "ended", "order")
"""Events that change the state."""
SCHEMA = "interrupt_schema"
"""Tag of a thread that chooses the shape of its interrupts."""


class Moment(NamedTuple):
    """A thread at one point of its history."""

    thread_id: str
    cursor: Cursor
    before: Cursor | None
    step: int
    values: dict[str, Any]
    asked: Question | None
    at: datetime


class Told(NamedTuple):
    """What the run's events say up to a point."""

    stage: str | None = None
    status: str | None = None
    proposal: dict[str, Any] | None = None
    approval: dict[str, Any] | None = None
    decided: bool = False
    written: bool = False
    asked: Waiting | None = None


class _Line(NamedTuple):
    """What a thread's states are made of: they follow one another and never branch."""

    thread: ThreadRow
    said: list[Turn]
    told: Sequence[EventRow]
    cursors: list[Cursor]
    """One after every turn, and now."""


def now(session: Session, thread_id: str, clock: Clock) -> Moment:
    """The newest state."""
    line = _line(session, thread_id)
    return _moment(session, line, len(line.cursors) - 1, clock)


def at(session: Session, thread_id: str, checkpoint_id: str, clock: Clock) -> Moment:
    """The state after a turn; :class:`~tools.faults.NotFound` where there is none of that name."""
    line, cursor = _line(session, thread_id), parse(checkpoint_id)
    if cursor not in line.cursors:
        raise NotFound(f"The conversation {thread_id} has no state {checkpoint_id[:60]!r}.")
    return _moment(session, line, line.cursors.index(cursor), clock)


def until(session: Session, thread_id: str, end: Cursor, clock: Clock) -> Moment:
    """The last state that holds nothing after ``end``; the first where there is none."""
    line = _line(session, thread_id)
    within = [step for step, cursor in enumerate(line.cursors) if is_within(cursor, end)]
    return _moment(session, line, within[-1] if within else 0, clock)


def is_within(cursor: Cursor, end: Cursor) -> bool:
    return cursor.message <= end.message and cursor.event <= end.event


def history(
    session: Session, thread_id: str, clock: Clock, *, limit: int, before: str | None
) -> list[Moment]:
    """States, the newest first."""
    line = _line(session, thread_id)
    last = None if before is None else parse(before)
    steps = [step for step, cursor in enumerate(line.cursors) if last is None or cursor < last]
    return [_moment(session, line, step, clock) for step in steps[::-1][:limit]]


def parse(checkpoint_id: str) -> Cursor:
    """:class:`~tools.faults.NotFound` for what was never a name of ours."""
    cursor = Cursor.parse(checkpoint_id)
    if str(cursor) != checkpoint_id:
        raise NotFound(f"There is no state {checkpoint_id[:60]!r}.")
    return cursor


def _line(session: Session, thread_id: str) -> _Line:
    thread = threads.get(session, thread_id)
    said = turns(session, thread_id)
    told = [] if thread.run_id is None else _events(session, thread.run_id)
    last = 0 if thread.run_id is None else events.last_seq(session, thread.run_id)
    cursors = [Cursor.parse(turn.cursor) for turn in said]
    head = Cursor(max((cursor.message for cursor in cursors), default=0), last)
    if not cursors or cursors[-1] != head:
        cursors.append(head)
    return _Line(thread, said, told, cursors)


def _moment(session: Session, line: _Line, step: int, clock: Clock) -> Moment:
    thread, cursor = line.thread, line.cursors[step]
    newest = step == len(line.cursors) - 1
    known = tell([event for event in line.told if event.seq <= cursor.event])
    asked: Question | None = known.asked
    if newest:
        asked = next(iter(open_questions(session, thread)), None)
    return Moment(
        thread_id=thread.id,
        cursor=cursor,
        before=line.cursors[step - 1] if step else None,
        step=step,
        values=_values(session, thread, line.said[: step + 1], known, clock if newest else None),
        asked=asked,
        at=thread.updated_at if newest or step >= len(line.said) else line.said[step].at,
    )


def _events(session: Session, run_id: str) -> Sequence[EventRow]:
    query = select(EventRow).where(EventRow.run_id == run_id, EventRow.kind.in_(TOLD))
    return list(session.scalars(query.order_by(EventRow.seq)))


def tell(told: Sequence[EventRow]) -> Told:
    known = Told()
    for event in told:
        match event.kind:
            case "created":
                known = known._replace(status="queued")
            case "stage":
                known = known._replace(stage=event.stage, status="running", asked=None)
            case "order":
                known = known._replace(status="queued", asked=None)
            case "waiting":
                asked = Waiting.model_validate(event.data) if "prompt_id" in event.data else None
                known = known._replace(status="waiting", asked=asked)
                if asked is not None and asked.prompt.kind == "approval":
                    known = known._replace(proposal=event.data["prompt"])
            case "approval":
                known = known._replace(approval=event.data)
            case "decision":
                known = known._replace(decided=True)
            case "document":
                known = known._replace(written=True)
            case "stopped":
                known = known._replace(status="stopped")
            case "ended":
                known = known._replace(status=event.data.get("status"))
    return known


def open_questions(session: Session, thread: ThreadRow) -> list[Question]:
    """What a person is asked: what the conversation offered last, then what the run waits with."""
    said = turns(session, thread.id)
    messages = [turn for turn in said if turn.author != "run"]
    extras = messages[-1].extras if messages else None
    found: list[Question] = []
    if extras is not None and extras.offer is not None and extras.settled is None and not extras.void:
        found.append(Offered(thread.id, messages[-1].id, extras.offer))
    question = None if thread.run_id is None else waiting(session, thread.run_id)
    return found if question is None else [*found, question]


def _values(
    session: Session, thread: ThreadRow, said: Sequence[Turn], known: Told, clock: Clock | None
) -> dict[str, Any]:
    """``clock`` is given for the newest state, whose status is that of the run as it is now."""
    run_id = thread.run_id if clock is not None or known.status is not None else None
    status = known.status
    if clock is not None and run_id is not None:
        status = orders.status_of(session, runs.get(session, run_id), clock.now()).value
    proposal = known.proposal
    return {
        "messages": [message_of(turn) for turn in said],
        "run_id": run_id,
        "stage": known.stage,
        "status": status,
        "proposal": proposal and {"primary": proposal["primary"], "backup": proposal["backup"]},
        "table_hash": proposal and proposal["table_hash"],
        "approval": known.approval,
        "decision": _decision(session, run_id) if run_id is not None and known.decided else None,
        "report": f"/api/runs/{run_id}/report" if run_id is not None and known.written else None,
    }


def _decision(session: Session, run_id: str) -> dict[str, Any] | None:
    """Recomputed from the rows, like every headline."""
    results = {view.role: view for view in views.result_views(session, run_id)}
    primary = results.get("primary")
    return None if primary is None else primary.decision.model_dump(mode="json")


def status_of(session: Session, thread: ThreadRow, clock: Clock) -> ThreadStatus:
    if any(isinstance(one, Offered) for one in open_questions(session, thread)):
        return "interrupted"
    if thread.run_id is None:
        return "idle"
    match orders.status_of(session, runs.get(session, thread.run_id), clock.now()):
        case RunStatus.RUNNING | RunStatus.QUEUED:
            return "busy"
        case RunStatus.WAITING:
            return "interrupted"
        case RunStatus.STOPPED:
            return "error"
    return "idle"


def schema_of(thread: ThreadRow) -> Schema:
    named = thread.tags.get(SCHEMA)
    return Schema(named) if named in set(Schema) else Schema.BOTH


def checkpoint(thread_id: str, cursor: Cursor) -> dict[str, Any]:
    return {
        "thread_id": thread_id,
        "checkpoint_ns": "",
        "checkpoint_id": str(cursor),
        "checkpoint_map": {},
    }


def thread_state(moment: Moment, schema: Schema) -> dict[str, Any]:
    """``ThreadState``."""
    tasks = [] if moment.asked is None else [task_of(moment.asked, schema)]
    return {
        "values": moment.values,
        "next": [task["name"] for task in tasks],
        "tasks": tasks,
        "interrupts": [interrupt for task in tasks for interrupt in task["interrupts"]],
        "checkpoint": checkpoint(moment.thread_id, moment.cursor),
        "parent_checkpoint": None if moment.before is None else checkpoint(moment.thread_id, moment.before),
        "metadata": {
            "source": "input" if moment.before is None else "loop",
            "step": moment.step,
            "parents": {},
            "thread_id": moment.thread_id,
            "graph_id": GRAPH,
            "assistant_id": ASSISTANT,
        },
        "created_at": moment.at.isoformat(),
    }


def check_basis(session: Session, thread_id: str, given: str | None) -> None:
    """Nothing is said to an earlier state: conversations have one line, and a question that was answered
    since is not answered again."""
    if given is None:
        return
    try:
        basis = parse(given)
    except NotFound as unknown:
        raise WrongUse(unknown.sentence) from unknown
    thread = threads.get(session, thread_id)
    said = [
        row for row in threads.messages(session, thread_id, basis.message) if row.author == threads.PERSON
    ]
    question = None if thread.run_id is None else waiting(session, thread.run_id)
    asked_at = 0 if question is None else _asked_at(session, thread.run_id, question)
    if said or asked_at > basis.event:
        raise Conflict(
            "The conversation has gone on since that state, and does not branch.",
            "Go on from its newest state.",
        )


def _asked_at(session: Session, run_id: str | None, question: Waiting) -> int:
    assert run_id is not None
    return next(
        event.seq
        for event in reversed(events.of_kind(session, run_id, "waiting"))
        if event.data.get("prompt_id") == question.prompt_id
    )
