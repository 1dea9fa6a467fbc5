"""A reply put together from the pieces that a server streams."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from tools.runtimes.base import ChatReply
from tools.runtimes.thinking import join_thinking
from tools.runtimes.wire import UnreadableReplyError
from tools.secrecy import Secrets

MAX_REPLY_CHARACTERS = 4_000_000


@dataclass(slots=True)
class GrowingReply:
    """What has arrived so far of one reply, and when."""

    started: float = field(default_factory=time.perf_counter)
    finish_reason: str | None = None
    """Set by the server's last word: without it the reply is not complete."""
    first_token_seconds: float | None = None
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    completion_tokens: int | None = None
    _text: list[str] = field(default_factory=list)
    _thinking: list[str] = field(default_factory=list)
    _characters: int = 0

    @property
    def begun(self) -> bool:
        return self._characters > 0

    def hear(self, text: Any, thinking: Any) -> None:
        """Take in a piece of the answer, of the thoughts, or of both; what is no text is nothing."""
        self._grow(self._thinking, thinking)
        self._grow(self._text, text)

    def finished(self, left_out: tuple[str, ...], secrets: Secrets) -> ChatReply:
        """The reply, thinking separated; ``left_out`` are the wishes that it was made without. What it
        repeats of the ``secrets`` that the server was sent is taken out."""
        said, thought = (secrets.out_of(_whole(pieces)) for pieces in (self._text, self._thinking))
        split = join_thinking(said, thought)
        return ChatReply(
            text=split.text,
            thinking=split.thinking,
            finish_reason=self.finish_reason,
            prompt_tokens=self.prompt_tokens,
            cached_tokens=self.cached_tokens,
            completion_tokens=self.completion_tokens,
            seconds=time.perf_counter() - self.started,
            first_token_seconds=self.first_token_seconds,
            left_out=left_out,
        )

    def _grow(self, pieces: list[str], piece: Any) -> None:
        if not isinstance(piece, str) or not piece:
            return
        if self.first_token_seconds is None:
            self.first_token_seconds = time.perf_counter() - self.started
        self._characters += len(piece)
        if self._characters > MAX_REPLY_CHARACTERS:
            raise UnreadableReplyError(f"sent more than {MAX_REPLY_CHARACTERS:,} characters")
        pieces.append(piece)


def _whole(pieces: list[str]) -> str:
    """The pieces as one text. Servers escape the halves of an emoji in two pieces, and sometimes send one."""
    text = "".join(pieces)
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def token_count(value: Any) -> int | None:
    """``value`` when it is a number of tokens; None otherwise."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
