"""The stream of a chat completion: server-sent events, and what they add to a reply."""

from __future__ import annotations

import json
from typing import Any

from tools.runtimes.growing import GrowingReply, token_count
from tools.runtimes.wire import UnreadableReplyError

DONE = "[DONE]"


class ServerSentEvents:
    """The data of server-sent events (WHATWG HTML, section 9.2.6), from the lines of a stream."""

    def __init__(self) -> None:
        self._data: list[str] = []

    def hear(self, line: str) -> str | None:
        """The data of the event that ends with ``line``; None for all other lines."""
        if line.startswith("data:"):
            self._data.append(line[6:] if line.startswith("data: ") else line[5:])
        elif not line and self._data:
            data, self._data = "\n".join(self._data), []
            return data
        return None

    def rest(self) -> str | None:
        """Data that no empty line follows. An event that was cut off in its middle is none."""
        data, self._data = "\n".join(self._data), []
        return data if data and _is_whole(data) else None


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
    if "timings" in event:
        _add_timings(reply, event["timings"])
    if "usage" in event:
        _add_usage(reply, event["usage"])


def _add_usage(reply: GrowingReply, usage: Any) -> None:
    """OpenAI's ``usage``; ``prompt_tokens`` there includes the cached ones."""
    if not isinstance(usage, dict):
        return
    reply.prompt_tokens = token_count(usage.get("prompt_tokens"))
    reply.completion_tokens = token_count(usage.get("completion_tokens"))
    details = usage.get("prompt_tokens_details")
    if isinstance(details, dict) and "cached_tokens" in details:
        reply.cached_tokens = token_count(details["cached_tokens"])


def _add_timings(reply: GrowingReply, timings: Any) -> None:
    """llama.cpp's ``timings``, which come without being asked for; ``prompt_n`` are the evaluated tokens."""
    if not isinstance(timings, dict):
        return
    cached, evaluated = token_count(timings.get("cache_n")), token_count(timings.get("prompt_n"))
    if cached is not None and evaluated is not None:
        reply.prompt_tokens, reply.cached_tokens = cached + evaluated, cached
    reply.completion_tokens = token_count(timings.get("predicted_n"))
