"""What one wave of research was for, what it brought, and why research went on or stopped."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Totals(BaseModel):
    """How much is known at one moment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    viable: int = Field(default=0, ge=0)
    """Candidates accepted."""
    facts: int = Field(default=0, ge=0)
    claims: int = Field(default=0, ge=0)
    """Claims that rules or a leaderboard read."""


class Wave(BaseModel):
    """One wave: its questions, what it read, and what was known after it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int = Field(ge=1)
    note: str = ""
    """What a person asked it to look for, in their words."""
    queries: tuple[str, ...] = ()
    """Queries planned for it, in order."""
    known: tuple[str, ...] = ()
    """Keys of the candidates that were accepted when it was planned: a wave that is carried on after its
    process died studies those, as it would have."""
    pages: int = Field(default=0, ge=0)
    """Pages asked for that no earlier wave had asked for."""
    totals: Totals = Totals()
    """What was known when it was over."""
    census: bool = False
    """Whether it read the listings."""
    truncated: tuple[str, ...] = ()
    """Listings that could not be read to their end, each with what stopped it."""
    stopped: str = ""
    """Why research stopped after it, in a sentence; empty when it went on."""
