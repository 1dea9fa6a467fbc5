"""What is said in a conversation."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Link(_Record):
    """Where what was said can be looked at: a view of ours, or the source on the web."""

    label: str
    href: str
    """``/runs/…`` for a view, ``http(s)://…`` for a source."""
    quote: str = ""
    """The source's own words."""


class OfferKind:
    """Actions that a person confirms before they are done. The names are those of the commands."""

    START = "start"
    REPLY = "reply"
    RESUME = "resume"
    CANCEL = "cancel"


class Offer(_Record):
    """An action that waits for a person's yes; nothing has been done yet."""

    kind: Literal["start", "reply", "resume", "cancel"]
    sentence: str
    """What will be done, with the models' full names."""
    run_id: str | None = None
    prompt_id: str | None = None
    """The question that a reply answers; when the run has gone on since, the offer is void."""
    record: dict[str, Any] = Field(default_factory=dict)
    """Of a start the :class:`agent.wishes.Wishes`, of a reply the reply with its ``kind`` of prompt."""


class Extras(_Record):
    """What goes with a message beside its text."""

    links: tuple[Link, ...] = ()
    offer: Offer | None = None
    suggestions: tuple[str, ...] = ()
    """What a person might say next, in words that are understood."""
    by_brain: bool = False
    """Worded by a language model; everything else is from rules and rows."""


class Said(_Record):
    """An answer before it is stored."""

    text: str
    """Plain text; blank lines part paragraphs, a line that begins with ``- `` is an item. Never markup."""
    extras: Extras = Extras()


class Cursor(NamedTuple):
    """How far a reader has got: the conversation's last message, and the run's last event."""

    message: int = 0
    event: int = 0

    def __str__(self) -> str:
        return f"{self.message}.{self.event}"

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """From ``message.event``; the beginning for anything else."""
        first, _, second = text.strip().partition(".")
        plain = first.isascii() and second.isascii() and first.isdigit() and second.isdigit()
        return cls(int(first[:15]), int(second[:15])) if plain else cls()


class Turn(_Record):
    """One item of a conversation as it is shown: a message, or something that the run tells."""

    id: str
    cursor: str
    """Where a reader goes on who has read this: :class:`Cursor`."""
    author: Literal["person", "bms", "run"]
    """``run`` tells by itself: its table is ready, it has decided, it stopped."""
    text: str
    extras: Extras = Extras()
    at: datetime
