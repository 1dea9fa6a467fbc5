"""What a person asks for, once it is understood."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, model_validator

TOKENS_PER_MESSAGE = 200
"""Rule of thumb of the method: a message in a conversation is about 200 tokens."""

FACTORY_CONTEXT = 4096
"""Tokens of context asked for when nobody said how long a conversation gets: room for one turn."""


class LicenceNeed(StrEnum):
    """What the licence must allow."""

    ANY = "any"
    COMMERCIAL = "commercial"


NO_CEILING = 10**12
"""Largest number of parameters considered when a person names only a smallest one, or none."""


class SizeRange(BaseModel):
    """Model size in parameters, both ends included."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    minimum: int = Field(ge=0)
    """Smallest number of parameters."""
    maximum: int = Field(gt=0)
    """Largest number of parameters."""

    @model_validator(mode="after")
    def _ordered(self) -> SizeRange:
        if self.minimum > self.maximum:
            raise ValueError("the smallest size is larger than the largest")
        return self

    def holds(self, parameters: int) -> bool:
        return self.minimum <= parameters <= self.maximum

    def __str__(self) -> str:
        if self.minimum == 0 and self.maximum >= NO_CEILING:
            return "any size"
        low, high = self.minimum / 1e9, self.maximum / 1e9
        return f"up to {high:g}B" if self.minimum == 0 else f"{low:g}–{high:g}B"


class EvaluationRequest(BaseModel):
    """A request as the rest of the journey sees it. Nothing in it was guessed silently."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    """The person's own words."""
    size: SizeRange
    """Which sizes to consider."""
    domain: str = Field(min_length=1, max_length=120)
    """The domain in words, as a person would name it: "therapy coaching"."""
    domain_key: str | None = None
    """Its key in ``tools/knowledge/domains.yaml``; None for a free domain."""
    longest_conversation_turns: int | None = Field(default=None, gt=0)
    """User-and-assistant turns of the longest conversation that the model must hold."""
    licence_need: LicenceNeed = LicenceNeed.ANY
    """What the licence must allow."""
    memory_budget_bytes: int | None = Field(default=None, gt=0)
    """Memory that the model may use, when a person named it."""
    languages: tuple[str, ...] = ("en",)
    """ISO 639-1 codes of the languages that people will write in."""
    notes: tuple[str, ...] = ()
    """What was assumed in reading the text, in sentences that the person sees."""

    @property
    def needed_context(self) -> int:
        """Tokens of context needed: turns × 2 messages × about 200 tokens, never under 4,096."""
        turns = self.longest_conversation_turns
        return FACTORY_CONTEXT if turns is None else max(FACTORY_CONTEXT, turns * 2 * TOKENS_PER_MESSAGE)
