"""What is said in a conversation."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, field_validator

from tools.escape import clean


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


class Settled(_Record):
    """What a person said to an offer."""

    yes: bool
    by: str
    at: datetime


class Extras(_Record):
    """What goes with a message beside its text."""

    links: tuple[Link, ...] = ()
    offer: Offer | None = None
    settled: Settled | None = None
    """What was said to the offer; None while it is open."""
    void: str = ""
    """Why the offer can no longer be confirmed; told from the rows when it is shown, never stored."""
    doing: Offer | None = None
    """Of a person's message, what it asked for and what was begun: whoever answers it later than planned,
    because the server died in between, carries out this and nothing else."""
    run_id: str | None = None
    """The run that the conversation is about from this message on."""
    left_at: int | None = None
    """Where the run before it stood then: its last event that belongs into this conversation. Set where the
    conversation turned to another run, 0 where there was none before."""
    left_run: str | None = None
    """The run before it."""
    suggestions: tuple[str, ...] = ()
    """What a person might say next, in words that are understood."""
    by_brain: bool = False
    """Worded by a language model; everything else is from rules and rows."""


class Said(_Record):
    """An answer before it is stored."""

    text: str
    """Plain text; blank lines part paragraphs, a line that begins with ``- `` is an item. Never markup."""
    extras: Extras = Extras()

    @field_validator("text")
    @classmethod
    def _without_controls(cls, text: str) -> str:
        """Some of it is a stranger's: nothing in it moves a cursor or turns the direction of reading."""
        return clean(text, lines=True)


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
    """Where a reader goes on who has read this: :class:`Cursor`. Empty in the answer to a message that was
    just sent, which says nothing of what was read before; the feed brings the same turn with its cursor."""
    author: Literal["person", "bms", "run"]
    """``run`` tells by itself: its table is ready, it has decided, it stopped."""
    text: str
    extras: Extras = Extras()
    at: datetime
