"""The append-only record of what happened, numbered from 1 in each run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from store.locks import hold
from store.schema import EventRow


def append(session: Session, run_id: str, stage: str, kind: str, data: dict[str, Any], now: datetime) -> int:
    """Add an event; its number."""
    hold(session, run_id, tell=True)
    last = session.scalar(select(func.max(EventRow.seq)).where(EventRow.run_id == run_id)) or 0
    session.add(EventRow(run_id=run_id, seq=last + 1, at=now, stage=stage, kind=kind, data=data))
    return last + 1


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
    session.connection().execute(insert(EventRow), rows)


def after(session: Session, run_id: str, seq: int, limit: int = 500) -> list[EventRow]:
    """Events with a number above ``seq``, in order."""
    query = select(EventRow).where(EventRow.run_id == run_id, EventRow.seq > seq)
    return list(session.scalars(query.order_by(EventRow.seq).limit(limit)))


def of_kind(session: Session, run_id: str, kind: str) -> list[EventRow]:
    """Events of one kind, in order."""
    query = select(EventRow).where(EventRow.run_id == run_id, EventRow.kind == kind)
    return list(session.scalars(query.order_by(EventRow.seq)))


def last_seq(session: Session, run_id: str) -> int:
    return session.scalar(select(func.max(EventRow.seq)).where(EventRow.run_id == run_id)) or 0
