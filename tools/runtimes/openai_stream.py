"""The stream of a chat completion: server-sent events, and what they add to a reply."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from tools.runtimes.growing import GrowingReply, token_count
from tools.runtimes.wire import UnreadableReplyError

DONE = "[DONE]"


async def sse_data(lines: AsyncIterator[str]) -> AsyncGenerator[str]:
    """The data of server-sent events (WHATWG HTML, section 9.2.6). An event that is cut off is left out."""
    data: list[str] = []
    async for line in lines:
        name, _, value = line.partition(":")
        if name == "data":
            data.append(value.removeprefix(" "))
        elif not line and data:
            yield "\n".join(data)
            data = []
    if data and _is_whole("\n".join(data)):
        yield "\n".join(data)


def _is_whole(data: str) -> bool:
    # Servers that forget the last empty line are heard; a connection cut in the middle of an event is not.
    if data == DONE:
        return True
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


def add_event(reply: GrowingReply, event: dict[str, Any]) -> None:
    """Take in one event; a whole reply (``message`` instead of ``delta``) is one event too."""
    choices = event.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        choice = choices[0]
        piece = choice.get("delta") or choice.get("message") or {}
        if not isinstance(piece, dict):
            raise UnreadableReplyError("sent a reply of another form than expected")
        text = piece.get("content") or piece.get("refusal")
        reply.hear(text, piece.get("reasoning_content") or piece.get("reasoning"))
        reason = choice.get("finish_reason")
        reply.finish_reason = reason if isinstance(reason, str) else reply.finish_reason
    usage = event.get("usage")
    if isinstance(usage, dict):
        reply.prompt_tokens = token_count(usage.get("prompt_tokens"))
        reply.completion_tokens = token_count(usage.get("completion_tokens"))
