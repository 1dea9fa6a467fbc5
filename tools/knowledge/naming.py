"""Records of ``naming.yaml``: how models are named, and what words in a name say."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from pydantic import BaseModel, ConfigDict, Field, field_validator

from tools.knowledge.loader import load_yaml

SEPARATOR = r"[-_.:\s()\[\]]"


def _compiles(patterns: Iterable[str]) -> None:
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"{pattern!r} is no regular expression: {error}") from error


def whole_words(patterns: Iterable[str], *, inside: bool = False) -> re.Pattern[str]:
    """A search for any of ``patterns`` as a whole word of a name; ``inside``: not as its first word."""
    begin = f"(?<={SEPARATOR})" if inside else rf"(?:^|(?<={SEPARATOR}))"
    return re.compile(rf"{begin}(?:{'|'.join(patterns) or '(?!)'})(?=$|{SEPARATOR})", re.IGNORECASE)


class KindSigns(BaseModel):
    """What says that a repository is of a kind."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    names: tuple[str, ...]
    """Expressions for words of its name."""
    tags: tuple[str, ...]
    """Tags of its record."""
    pipelines: tuple[str, ...]
    """Its ``pipeline_tag``."""

    @field_validator("names")
    @classmethod
    def _expressions(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        _compiles(names)
        return names


class NotModels(BaseModel):
    """What prose says before a size, or between slashes, that names no model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    words: frozenset[str]
    devices: tuple[str, ...]
    """Expressions for graphics cards, processors and machines."""
    software: tuple[str, ...]
    """Expressions for programs."""
    datasets: tuple[str, ...]
    """Names of data sets and benchmarks."""
    closed: tuple[str, ...]
    """Expressions for models whose weights cannot be had."""
    owners: frozenset[str]
    """First parts of paths that are no owner on the Hub."""


class Naming(BaseModel):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    packaging: tuple[str, ...] = Field(min_length=1)
    """Expressions for words that say the weights were converted or compressed."""
    dressing: tuple[str, ...]
    """Expressions for words that say nothing of the weights."""
    makers: tuple[str, ...]
    """Makers' names before a model's own."""
    quantisers: frozenset[str]
    """Owners who repackage what others made."""
    testing_owners: frozenset[str]
    kinds: dict[str, KindSigns]
    """Signs by kind, the surest kind first."""
    stages: tuple[str, ...]
    """Expressions for steps of training that makers publish."""
    languages: dict[str, tuple[str, ...]]
    """Expressions for words that tell a tune for one language."""
    architectures: dict[str, tuple[str, ...]]
    """``model_type`` of a config → architectures of GGUF files that hold it."""
    licence_marks: dict[str, tuple[str, ...]]
    not_models: NotModels

    @field_validator("packaging", "dressing", "makers", "stages")
    @classmethod
    def _expressions(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        _compiles(patterns)
        return patterns

    @field_validator("quantisers", "testing_owners")
    @classmethod
    def _any_case(cls, owners: frozenset[str]) -> frozenset[str]:
        return frozenset(owner.casefold() for owner in owners)


@cache
def naming() -> Naming:
    """``naming.yaml``. Raises :class:`WrongUse` that names the line when it is damaged."""
    return load_yaml("naming", Naming)
