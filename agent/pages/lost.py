"""A run whose requests did not get through: what is said of it first, and the way to search again."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy.orm import Session

from agent.reach import reach
from agent.waiting import waiting
from graphs.prompts import ApprovalPrompt
from store import research, runs


class Lost(NamedTuple):
    """Not one request got through, or nearly none."""

    sentence: str
    advice: str
    table_hash: str
    """Of the table that waits for an approval, at which more research can be asked for; else empty."""


def lost(session: Session, run_id: str) -> Lost | None:
    """None where research got through."""
    run_id = runs.get(session, run_id).id
    found = reach(session, run_id)
    if not found.lost:
        return None
    asked = waiting(session, run_id)
    offered = research.newest_table(session, run_id)
    at_approval = asked is not None and isinstance(asked.prompt, ApprovalPrompt) and offered is not None
    return Lost(found.sentence, found.advice, offered.table.hash if at_approval and offered else "")
