"""Orders: what runs are to be driven for. One run has one open order at a time."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from store import events, runs
from store.locks import tell
from store.schema import OrderRow, RunStatus
from tools.faults import Conflict


class OrderKind(StrEnum):
    DRIVE = "drive"
    """Start the run, or go on with it."""
    REPLY = "reply"
    """Answer the question that it waits with; ``record`` is the reply."""
    EXTEND = "extend"
    """Carry an undecided run on; ``record`` may say with how many scenarios (``further``)."""


def submit(
    session: Session,
    run_id: str,
    kind: OrderKind,
    now: datetime,
    *,
    by: str,
    prompt_id: str | None = None,
    record: dict[str, Any] | None = None,
) -> int:
    """Store an order; its number. :class:`~tools.faults.Conflict` while another one of the run is open."""
    row = runs.get(session, run_id)
    standing = open_order(session, row.id)
    if standing is not None:
        raise already_answered(standing)
    order = OrderRow(
        run_id=row.id,
        kind=kind,
        prompt_id=prompt_id,
        record=record or {},
        by=by,
        at=now,
        done_at=None,
        problem="",
    )
    session.add(order)
    session.flush()
    events.append(session, row.id, row.stage, "order", {"order": order.id, "kind": kind.value, "by": by}, now)
    return order.id


def open_order(session: Session, run_id: str) -> OrderRow | None:
    """The order of the run that is not carried out yet."""
    query = select(OrderRow).where(OrderRow.run_id == run_id, OrderRow.done_at.is_(None))
    return session.scalar(query.order_by(OrderRow.id).limit(1))


def all_open(session: Session) -> list[OrderRow]:
    """Every order that is not carried out yet, the oldest first."""
    return list(session.scalars(select(OrderRow).where(OrderRow.done_at.is_(None)).order_by(OrderRow.id)))


def get(session: Session, order_id: int) -> OrderRow | None:
    return session.get(OrderRow, order_id)


def already_answered(order: OrderRow) -> Conflict:
    """What somebody is told who answers beside an open order."""
    return Conflict(
        f"Run {order.run_id} has been given an answer already, by {order.by}, which is not carried out yet.",
        f"`bms show {order.run_id}` follows it; `bms resume {order.run_id}` carries it out if nobody does.",
    )


def finish(session: Session, order_id: int, now: datetime, problem: str = "") -> None:
    """The order is carried out, or cannot be: ``problem`` says why."""
    done = update(OrderRow).where(OrderRow.id == order_id, OrderRow.done_at.is_(None))
    run_id = session.scalar(done.values(done_at=now, problem=problem).returning(OrderRow.run_id))
    if run_id is not None:
        tell(session, run_id)


def withdraw(session: Session, run_id: str, now: datetime) -> None:
    """Nobody is to carry out the open order of a run that was cancelled."""
    done = update(OrderRow).where(OrderRow.run_id == run_id, OrderRow.done_at.is_(None))
    session.execute(done.values(done_at=now, problem="cancelled by a person"))
    tell(session, run_id)


def last_problem(session: Session, run_id: str) -> str:
    """Why the newest order of a run could not be carried out; empty when it was, or still may be."""
    query = select(OrderRow.problem).where(OrderRow.run_id == run_id)
    return session.scalar(query.order_by(OrderRow.id.desc()).limit(1)) or ""


def status_of(session: Session, row: Any, now: datetime) -> RunStatus:
    """The status of a run as :func:`store.runs.status_now` has it, and ``queued`` while an order waits."""
    status = runs.status_now(session, row, now)
    if status is not RunStatus.RUNNING and open_order(session, row.id) is not None:
        return RunStatus.QUEUED
    return status
