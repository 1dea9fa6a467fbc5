"""The protocol's runs: what a client asked of a thread, from the asking until the run waits or ends.

They are kept with the thread's tags, where they are as lasting as it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from agent.conversation.records import Cursor
from agent.langgraph_api.names import ASSISTANT
from agent.langgraph_api.wire import RunStatus
from store import events, threads
from store.locks import tell
from store.schema import ThreadRow
from tools.faults import NotFound, WrongUse

RUNS = "langgraph_runs"
"""Tag that holds them; clients do not see it among a thread's metadata."""
MOST = 200
"""Runs kept of a thread; the oldest go."""
AT_WORK = timedelta(seconds=30)
"""For how long a server says that it answers a message; it says so again while it does."""
LARGEST_METADATA = 20_000
"""Characters as JSON."""


class Kept(BaseModel):
    """One run of the protocol."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    kind: Literal["message", "reply", "further"]
    at: datetime
    by: str
    run_id: str | None
    """Our run that the thread was about at its start."""
    start: str
    """Cursor: everything after it belongs to this run."""
    end: str | None = None
    """Cursor of its last; None while it goes on."""
    status: RunStatus = "running"
    problem: str = ""
    at_work_until: datetime | None = None
    """Until then a server is known to be answering its message: any other one can see so."""
    metadata: dict[str, Any] = Field(default_factory=dict)
    strategy: str = "enqueue"

    def is_at_work(self, now: datetime) -> bool:
        return self.end is None and self.at_work_until is not None and now < self.at_work_until


def all_of(thread: ThreadRow) -> list[Kept]:
    """The newest first."""
    return [Kept.model_validate(one) for one in reversed(thread.tags.get(RUNS, []))]


def find(thread: ThreadRow, run_id: str) -> Kept:
    for one in all_of(thread):
        if one.id == run_id:
            return one
    raise NotFound(f"The conversation {thread.id} has no run {run_id[:60]!r}.")


def keep(session: Session, thread_id: str, kept: Kept) -> None:
    """Add it, or put it in the place of what is stored of it."""
    record = kept.model_dump(mode="json")

    def change(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        others = [one for one in runs if one["id"] != kept.id]
        place = next((i for i, one in enumerate(runs) if one["id"] == kept.id), len(runs))
        return [*others[:place], record, *others[place:]][-MOST:]

    _change(session, thread_id, change)


def still_at_work(session: Session, thread_id: str, run_id: str, now: datetime) -> None:
    """Its message is being answered, and will be for a while."""
    one = find(threads.locked(session, thread_id), run_id)
    keep(session, thread_id, one.model_copy(update={"at_work_until": now + AT_WORK}))


def drop(session: Session, thread_id: str, run_id: str) -> None:
    _change(session, thread_id, lambda runs: [one for one in runs if one["id"] != run_id])


def _change(
    session: Session, thread_id: str, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]
) -> None:
    row = threads.locked(session, thread_id)
    row.tags = {**row.tags, RUNS: change(list(row.tags.get(RUNS, [])))}
    tell(session, thread_id)


def tag(session: Session, thread_id: str, metadata: Mapping[str, Any], now: datetime) -> None:
    """Merge metadata into the thread's."""
    row = threads.locked(session, thread_id)
    row.tags = {**row.tags, **checked(metadata)}
    row.updated_at = now
    tell(session, thread_id)


def checked(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """A client's metadata without what is ours; :class:`~tools.faults.WrongUse` when it is too much."""
    plain = {key: value for key, value in metadata.items() if key != RUNS}
    if len(json.dumps(plain)) > LARGEST_METADATA:
        raise WrongUse(f"Metadata takes up to {LARGEST_METADATA} characters.")
    return plain


def position(session: Session, thread: ThreadRow) -> Cursor:
    """Where the thread is now."""
    said = threads.messages(session, thread.id)
    last = 0 if thread.run_id is None else events.last_seq(session, thread.run_id)
    return Cursor(said[-1].position if said else 0, last)


def record_of(thread_id: str, kept: Kept) -> dict[str, Any]:
    """``Run``."""
    return {
        "run_id": kept.id,
        "thread_id": thread_id,
        "assistant_id": ASSISTANT,
        "created_at": kept.at.isoformat(),
        "updated_at": kept.at.isoformat(),
        "status": kept.status,
        "metadata": {**kept.metadata, "bms_run_id": kept.run_id, "by": kept.by},
        "kwargs": {},
        "multitask_strategy": kept.strategy,
    }
