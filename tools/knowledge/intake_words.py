"""Record of ``intake.yaml``: the words by which a request is read without any model."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class IntakeWords(BaseModel):
    """Word lists; the file says of each what it is for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    languages: dict[str, tuple[str, ...]]
    ambiguous_languages: frozenset[str]
    not_languages_before: tuple[str, ...]
    not_domains: frozenset[str]
    stop_words: frozenset[str]
    intent_words: frozenset[str]
    graphics_words: frozenset[str]
    computer_words: frozenset[str]
    not_memory_before: tuple[str, ...]
    commercial_subjects: tuple[str, ...]
