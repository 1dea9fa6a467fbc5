"""What was said in a conversation, as LangChain's messages."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from agent.conversation.feed import feed
from agent.conversation.records import Cursor, Turn
from agent.conversation.replies import in_full

MOST = 10_000
"""Turns of a conversation that this protocol shows."""


def turns(session: Session, thread_id: str, after: Cursor | None = None) -> list[Turn]:
    """What was said, and what the run told by itself, in order."""
    return feed(session, thread_id, after or Cursor(), limit=MOST)


def message_of(turn: Turn) -> dict[str, Any]:
    """A turn as LangChain's clients show it. Everything beside the text is under ``additional_kwargs``."""
    extras = turn.extras.model_dump(mode="json", exclude_defaults=True)
    message: dict[str, Any] = {
        "type": "human" if turn.author == "person" else "ai",
        "id": turn.id,
        "content": in_full(turn),
        "name": "run" if turn.author == "run" else None,
        "additional_kwargs": extras,
        "response_metadata": {"at": turn.at.isoformat()},
    }
    if turn.author != "person":
        message |= {"tool_calls": [], "invalid_tool_calls": [], "usage_metadata": None}
    return message
