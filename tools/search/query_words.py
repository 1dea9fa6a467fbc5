"""Records of ``queries.yaml``: the templates of queries, and which words make no difference."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cached_property
from string import Formatter
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

PLAN_PLACES: Final = frozenset({"size", "domain", "year", "month", "month_name"})
LOOP_PLACES: Final = ("word", "family", "language", "capability")
FOLLOW_UP_PLACES: Final = frozenset({"name", "domain", "year", "month", "month_name"})


class GapKind(StrEnum):
    """What is not known yet of a model."""

    NEW = "new"
    """Everything: the last wave was the first to name it."""
    LICENCE = "licence"
    CONTEXT = "context"
    RELEASE = "release date"
    PARAMETERS = "parameters"
    LANGUAGES = "languages"
    ARTEFACT = "artefact"
    """A GGUF file or an Ollama tag."""
    EVIDENCE = "evidence"
    """What anybody says of it in the domain."""


class CapabilityWords(BaseModel):
    """How what a request needs is written in a query."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    long_context: str
    long_context_from: int = Field(gt=0)
    """Tokens of needed context from which it is asked about."""
    memory: str
    """``{memory}`` stands for the budget, such as ``8 GB``."""
    multilingual: str
    """Asked when people write in more than one language besides English."""
    asked_by: dict[str, tuple[str, ...]]
    """Words of a request by which a capability is recognised."""

    @field_validator("memory")
    @classmethod
    def _memory_place(cls, template: str) -> str:
        return _checked(template, frozenset({"memory"}))


class QueryTemplates(BaseModel):
    """``tools/knowledge/queries.yaml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    general: tuple[str, ...] = Field(min_length=1)
    """Asked first."""
    commercial: tuple[str, ...]
    """Asked next, when the licence must allow commercial use."""
    specific: tuple[str, ...]
    """Asked then, for every word, family, language and capability that they have a place for."""
    follow_up: dict[GapKind, tuple[str, ...]]
    """Asked for a gap; every kind has some."""
    disputed: dict[GapKind, tuple[str, ...]]
    """Asked in their stead where two sources differ."""
    capabilities: CapabilityWords
    stop_words: frozenset[str]
    """Words that make no other query of one, in lower case and in the singular."""
    same_words: dict[str, tuple[str, ...]]
    """Words that are read as another one."""

    @field_validator("general", "commercial", "specific")
    @classmethod
    def _plan_places(cls, templates: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_checked(template, PLAN_PLACES | set(LOOP_PLACES)) for template in templates)

    @field_validator("follow_up", "disputed")
    @classmethod
    def _follow_up_places(cls, by_kind: dict[GapKind, tuple[str, ...]]) -> dict[GapKind, tuple[str, ...]]:
        for template in (template for templates in by_kind.values() for template in templates):
            _checked(template, FOLLOW_UP_PLACES)
        return by_kind

    @field_validator("follow_up")
    @classmethod
    def _every_kind(cls, by_kind: dict[GapKind, tuple[str, ...]]) -> dict[GapKind, tuple[str, ...]]:
        missing = [kind.value for kind in GapKind if not by_kind.get(kind)]
        if missing:
            raise ValueError(f"no template for {', '.join(missing)}")
        return by_kind

    @cached_property
    def _same(self) -> tuple[re.Pattern[str], dict[str, str]]:
        spelled = {" ".join(_tokens(one)): word for word, all_of in self.same_words.items() for one in all_of}
        longest_first = sorted(spelled, key=len, reverse=True)
        return re.compile(rf"\b(?:{'|'.join(map(re.escape, longest_first)) or '(?!)'})\b"), spelled

    def key(self, query: str) -> tuple[str, ...]:
        """What two queries that would bring the same results have in common.

        The words that tell, in alphabetical order: any case, singular, stop words left out, a small number
        joined to the word before it (``Qwen 3`` is ``Qwen3``).
        """
        pattern, spelled = self._same
        text = pattern.sub(lambda found: spelled[found.group()], " ".join(_tokens(query)))
        return tuple(sorted(set(text.split()) - self.stop_words))


def places(template: str) -> set[str]:
    """Names of the places of ``template``."""
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def _checked(template: str, allowed: frozenset[str]) -> str:
    if unknown := places(template) - allowed:
        raise ValueError(f"{template!r} has unknown places: {', '.join(sorted(unknown))}")
    return template


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    for token in re.findall(r"[\w+#]+(?:\.\w+)*", text.casefold()):
        if tokens and re.fullmatch(r"\d{1,2}(?:\.\d+)?", token) and tokens[-1].isalpha():
            tokens[-1] += token
        else:
            tokens.append(_singular(token))
    return tokens


def _singular(token: str) -> str:
    plural = len(token) > 3 and token.endswith("s") and not token.endswith(("ss", "us", "is"))
    return token[:-1] if plural else token
