"""The append-only record of what happened, numbered from 1 in each run."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from store.schema import EventRow


def append(session: Session, run_id: str, stage: str, kind: str, data: dict[str, Any], now: datetime) -> int:
    """Add an event; its number."""
    last = session.scalar(select(func.max(EventRow.seq)).where(EventRow.run_id == run_id)) or 0
    session.add(EventRow(run_id=run_id, seq=last + 1, at=now, stage=stage, kind=kind, data=data))
    return last + 1


def after(session: Session, run_id: str, seq: int, limit: int = 500) -> list[EventRow]:
    """Events with a number above ``seq``, in order."""
    query = select(EventRow).where(EventRow.run_id == run_id, EventRow.seq > seq)
    return list(session.scalars(query.order_by(EventRow.seq).limit(limit)))


def last_seq(session: Session, run_id: str) -> int:
    return session.scalar(select(func.max(EventRow.seq)).where(EventRow.run_id == run_id)) or 0
