"""The append-only record of what happened, numbered from 1 in each run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, insert, select
from sqlalchemy.orm import Session

from store.locks import hold
from store.schema import EventRow

MOST_OF_A_VISIT = 100_000
"""More events than any station tells."""

_LAST = select(func.max(EventRow.seq)).where(EventRow.run_id == bindparam("of_run"))
_INSERT = insert(EventRow)


def append(session: Session, run_id: str, stage: str, kind: str, data: dict[str, Any], now: datetime) -> int:
    """Add an event; its number."""
    hold(session, run_id, tell=True)
    seq = last_seq(session, run_id) + 1
    row = {"run_id": run_id, "seq": seq, "at": now, "stage": stage, "kind": kind, "data": data}
    session.connection().execute(_INSERT, row)
    return seq


def append_all(
    session: Session, run_id: str, stage: str, kind: str, data: Sequence[dict[str, Any]], now: datetime
) -> None:
    """Add events of one kind, in their order."""
    if not data:
        return
    hold(session, run_id, tell=True)
    last = last_seq(session, run_id)
    rows = [
        {"run_id": run_id, "seq": seq, "at": now, "stage": stage, "kind": kind, "data": record}
        for seq, record in enumerate(data, last + 1)
    ]
    session.connection().execute(_INSERT, rows)


def after(session: Session, run_id: str, seq: int, limit: int = 500) -> list[EventRow]:
    """Events with a number above ``seq``, in order."""
    query = select(EventRow).where(EventRow.run_id == run_id, EventRow.seq > seq)
    return list(session.scalars(query.order_by(EventRow.seq).limit(limit)))


def of_kind(session: Session, run_id: str, kind: str) -> list[EventRow]:
    """Events of one kind, in order."""
    query = select(EventRow).where(EventRow.run_id == run_id, EventRow.kind == kind)
    return list(session.scalars(query.order_by(EventRow.seq)))


def newest_of_kind(session: Session, run_id: str, kind: str) -> EventRow | None:
    query = select(EventRow).where(EventRow.run_id == run_id, EventRow.kind == kind)
    return session.scalar(query.order_by(EventRow.seq.desc()).limit(1))


def of_visit(session: Session, run_id: str, task: str) -> list[EventRow]:
    """What was told since a station was first gone through for ``task``; nothing when it was for another one
    last. A station that is gone through again tells so again (kind ``stage``)."""
    stages = select(EventRow).where(EventRow.run_id == run_id, EventRow.kind == "stage")
    begun = None
    for row in session.scalars(stages.order_by(EventRow.seq.desc())):
        if row.data.get("task") != task:
            break
        begun = row.seq
    return [] if begun is None else after(session, run_id, begun, MOST_OF_A_VISIT)


def last_seq(session: Session, run_id: str) -> int:
    session.flush()
    return session.connection().scalar(_LAST, {"of_run": run_id}) or 0
