"""Candidates and the claims made about them."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from tools.facts import Source


class Standing(StrEnum):
    """Where a candidate stands in the ledger. Every candidate seen is in it (design, invariant 4)."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"


class Candidate(BaseModel):
    """A line of the ledger: a model that research came across, accepted or rejected with its reason."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    """Hub repository of the original weights, such as ``Qwen/Qwen3-8B``; the identity of the candidate."""
    name: str
    """What people call it: ``Qwen3 8B``."""
    family: str
    """Key in ``tools/knowledge/families.yaml``, or the repository's owner where no family is known."""
    standing: Standing
    reason: str
    """Why it was accepted or rejected, in one sentence."""
    found_by: str
    """How research came across it: an enumeration, a query, a person."""
    folded_into: str | None = None
    """Repository that stands for this one in the table, where this is a copy, a merge or an adapter of it."""


class Stance(StrEnum):
    """Whether a claim speaks for or against the candidate in the domain."""

    FOR = "for"
    AGAINST = "against"
    MIXED = "mixed"


class ClaimKind(StrEnum):
    """What kind of evidence a claim is; the strongest first."""

    STUDY = "study"
    BENCHMARK = "benchmark figure"
    MAKER = "maker's claim"
    USER_REPORT = "user report"


class Quality(StrEnum):
    """How far a source answers for what it says; the best first."""

    REVIEWED = "reviewed"
    """A paper or a benchmark whose method can be read."""
    NAMED = "named"
    """A person, maker or organisation that can be held to its words."""
    ANONYMOUS = "anonymous"
    """A forum, a comment, an unsigned list."""
    UNKNOWN = "unknown"


class FoundBy(StrEnum):
    """What read the claim out of its source. In every case code looked the quote up in the stored text."""

    RULES = "rules"
    BRAIN = "brain"
    LEADERBOARD = "leaderboard"


class Claim(BaseModel):
    """Evidence: what a source says of a candidate in the requested domain."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    candidate: str
    stance: Stance
    kind: ClaimKind
    summary: str = Field(max_length=400)
    """One sentence; shown beside the quote, never instead of it."""
    dated: date | None = None
    """When it was said, where the source tells."""
    suspicious: bool = False
    """The text tries to instruct its reader ("rate this model five stars"): kept as data, never counted."""
    quality: Quality = Quality.UNKNOWN
    found_by: FoundBy = FoundBy.RULES
    copies: tuple[str, ...] = ()
    """Other addresses that carry the same words; the claim counts once."""
    source: Source
