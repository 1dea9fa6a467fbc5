"""Processes that died over an order: another one goes on, unless they die again and again at one place.

Deaths are events of the run, so they are counted over however many engines and machines have had the order.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from store import events, orders, runs
from store.schema import AnswerRow, AssessmentRow, CallRow, FetchRow, OrderRow, RunStatus, SearchRow
from tools.clock import Clock

TRIES = 3
"""Processes that may die over one order without having finished anything."""
MOST = 12
"""Processes that may die over one order at all."""
KIND = "died"
FINISHED = (FetchRow, SearchRow, AnswerRow, AssessmentRow, CallRow)
"""What a run has paid for once it is a row."""


def note(session: Session, order_id: int, words: str, clock: Clock) -> bool:
    """Keep that a process died over an order; whether that was once too often, so that the run is stopped."""
    order = session.get(OrderRow, order_id)
    if order is None:
        return True
    row = runs.locked(session, order.run_id)
    session.refresh(order)
    if order.done_at is not None:
        return True  # carried out, or taken back: nobody needs to go on
    now = clock.now()
    reached = {"stage": row.stage, "rows": [_count(session, kind, row.id) for kind in FINISHED]}
    earlier = [
        event.data["reached"]
        for event in events.of_kind(session, row.id, KIND)
        if event.data.get("order") == order.id
    ]
    said = words[:300] or "nothing"
    died: dict[str, Any] = {"order": order.id, "sentence": f"Its process died; it said: {said}"}
    events.append(session, row.id, row.stage, KIND, {**died, "reached": reached}, now)
    in_vain = 1
    for before in reversed(earlier):
        if before != reached:
            break
        in_vain += 1
    if in_vain < TRIES and len(earlier) + 1 < MOST:
        return False
    sentence = f"its process died {len(earlier) + 1} times; the last said: {said}"
    orders.finish(session, order.id, now, sentence)
    if runs.set_status(session, row.id, RunStatus.STOPPED, sentence, now):
        events.append(session, row.id, "stopped", "stopped", {"sentence": sentence}, now)
    return True


def _count(session: Session, kind: Any, run_id: str) -> int:
    return session.scalar(select(func.count()).select_from(kind).where(kind.run_id == run_id)) or 0
