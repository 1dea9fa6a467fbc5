"""What scenarios are made of: topics, subtopics, styles, further dimensions, and material for the words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

KNOWLEDGE = Path(__file__).parent / "knowledge"

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
Weight = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]


class Material(BaseModel):
    """Sentences that messages are worded from. Any situation fits any details and asks beside it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    short: tuple[Text, ...] = ()
    """Whole terse messages."""
    situations: tuple[Text, ...] = ()
    """What happened, in a sentence or two."""
    details: tuple[Text, ...] = ()
    """What a person adds: feelings, background, what was tried."""
    asks: tuple[Text, ...] = ()
    """What the person wants."""


class Subtopic(Material):
    """One thing that people write about."""

    name: Name
    description: str = ""
    """What is meant, for people and for a model that words messages."""
    edge_case: bool = False
    """Rare and important: a crisis, a hostile person, next to no text."""
    weight: Weight = 1.0
    """Share within the topic, relative to the other subtopics."""
    styles: tuple[Name, ...] = ()
    """The styles it can be written in; empty for all."""
    examples: tuple[Text, ...] = ()
    """Whole messages in any style, used as they stand before any other wording."""
    bare: bool = False
    """Worded without the openers, personas, closers and tails that the whole taxonomy shares."""
    templates: tuple[Text, ...] = ()
    """Whole messages with ``{topic}``, ``{subtopic}`` and ``{domain}`` to be filled in."""

    @property
    def has_material(self) -> bool:
        """Whether it brings sentences of its own to begin with."""
        return bool(self.short or self.situations or self.examples or self.templates)

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value


class Topic(BaseModel):
    """A group of subtopics with its share of the scenarios."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    weight: Weight | None = None
    """Share of the scenarios; shares of all topics sum to 1 once the taxonomy is loaded."""
    edge_case: bool = False
    """All of its subtopics are edge cases."""
    description: str = ""
    subtopics: tuple[Subtopic, ...] = Field(min_length=1)


class Wording(BaseModel):
    """Sentences that fit every subtopic of the taxonomy."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    openers: tuple[Text, ...] = ()
    personas: tuple[Text, ...] = ()
    """Who is writing, in a sentence; used in detailed messages."""
    closers: tuple[Text, ...] = ()
    tails: tuple[Text, ...] = ()
    """A few words that may follow a terse message."""
    frames: Material = Material()
    """Material with ``{subtopic}`` and ``{topic}``, for subtopics that bring none of their own."""


class Taxonomy(BaseModel):
    """A loaded taxonomy; the weights of topics, styles and every further dimension sum to 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    domain: str = ""
    drafted: bool = False
    """Made for a domain without a taxonomy of its own; a person should read it before a run."""
    topics: tuple[Topic, ...]
    styles: dict[str, float]
    """Name to share."""
    dimensions: dict[str, dict[str, float]] = Field(default_factory=dict)
    """Further dimensions: name to (value to share)."""
    wording: Wording
    warnings: tuple[str, ...] = ()
    """What was put right on loading, in sentences for the person."""

    def topic(self, name: str) -> Topic | None:
        return next((topic for topic in self.topics if topic.name == name), None)


def shares(weights: Mapping[str, float]) -> dict[str, float]:
    """``weights`` scaled to sum to 1."""
    total = math.fsum(weights.values())
    return {name: weight / total for name, weight in weights.items()}
