"""Conversations and their messages."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from store import events
from store.locks import tell
from store.schema import MessageRow, ThreadRow
from tools.faults import Conflict, NotFound

PERSON, BMS = "person", "bms"
"""Who a message is by."""


def create(
    session: Session,
    now: datetime,
    *,
    thread_id: str | None = None,
    run_id: str | None = None,
    tags: dict[str, Any] | None = None,
) -> ThreadRow:
    """A new conversation; :class:`~tools.faults.Conflict` when there is one of that name."""
    name = thread_id or str(uuid.uuid4())
    if session.get(ThreadRow, name) is not None:
        raise Conflict(f"There is a conversation {name} already.")
    row = ThreadRow(id=name, run_id=run_id, title="", tags=tags or {}, created_at=now, updated_at=now)
    session.add(row)
    session.flush()
    return row


def get(session: Session, thread_id: str) -> ThreadRow:
    row = session.get(ThreadRow, thread_id)
    if row is None:
        raise NotFound(f"There is no conversation {thread_id[:60]!r}.")
    return row


def locked(session: Session, thread_id: str) -> ThreadRow:
    """The conversation as it is now, which nobody else changes until this transaction ends."""
    row = session.get(ThreadRow, thread_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound(f"There is no conversation {thread_id[:60]!r}.")
    return row


def latest(session: Session, limit: int = 20, offset: int = 0) -> list[ThreadRow]:
    """The newest first."""
    query = select(ThreadRow).order_by(ThreadRow.created_at.desc(), ThreadRow.id)
    return list(session.scalars(query.limit(limit).offset(offset)))


def of_run(session: Session, run_id: str) -> ThreadRow | None:
    """The newest conversation about a run."""
    query = select(ThreadRow).where(ThreadRow.run_id == run_id)
    return session.scalar(query.order_by(ThreadRow.updated_at.desc()).limit(1))


def set_run(session: Session, thread_id: str, run_id: str, now: datetime) -> None:
    """The conversation is about this run from now on."""
    row = get(session, thread_id)
    row.run_id, row.updated_at = run_id, now
    tell(session, thread_id)


def delete(session: Session, thread_id: str) -> None:
    session.delete(get(session, thread_id))
    tell(session, thread_id)


def say(
    session: Session,
    thread_id: str,
    author: str,
    text: str,
    now: datetime,
    *,
    data: dict[str, Any] | None = None,
    message_id: str | None = None,
) -> MessageRow:
    """Add a message, or give the one back that was stored under this identifier before."""
    thread = locked(session, thread_id)
    if message_id is not None and (known := by_id(session, thread_id, message_id)) is not None:
        return known
    position = session.scalar(select(func.max(MessageRow.position)).where(MessageRow.thread_id == thread_id))
    row = MessageRow(
        thread_id=thread_id,
        position=(position or 0) + 1,
        id=message_id or str(uuid.uuid4()),
        author=author,
        text=text,
        data=data or {},
        after_event=0 if thread.run_id is None else events.last_seq(session, thread.run_id),
        at=now,
    )
    if not thread.title and author == PERSON:
        thread.title = text[:200]
    thread.updated_at = now
    session.add(row)
    session.flush()
    tell(session, thread_id)
    return row


def by_id(session: Session, thread_id: str, message_id: str) -> MessageRow | None:
    """The message that a client named so, in this conversation."""
    query = select(MessageRow).where(MessageRow.id == message_id, MessageRow.thread_id == thread_id)
    return session.scalar(query)


def messages(session: Session, thread_id: str, after: int = 0) -> list[MessageRow]:
    """Messages from a position on, in their order."""
    query = select(MessageRow).where(MessageRow.thread_id == thread_id, MessageRow.position > after)
    return list(session.scalars(query.order_by(MessageRow.position)))
