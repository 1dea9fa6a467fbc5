"""The words by which evidence is read: ``tools/knowledge/evidence.yaml``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, cached_property
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, Field


class EvidenceRules(BaseModel):
    """Cue words and what makes a source a study. An ending ``*`` stands for any letters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cues_for: tuple[str, ...] = Field(min_length=1)
    """Words that speak for the model that a sentence names."""
    cues_against: tuple[str, ...] = Field(min_length=1)
    """Words that speak against it."""
    negations: tuple[str, ...] = Field(min_length=1)
    """Words that turn a cue that follows within a few words."""
    study_hosts: tuple[str, ...]
    """Hosts whose pages are studies, subdomains included."""
    study_words: tuple[str, ...] = Field(min_length=1)
    """Words that make a sentence a study's."""

    @cached_property
    def for_it(self) -> re.Pattern[str]:
        return _words(self.cues_for)

    @cached_property
    def against(self) -> re.Pattern[str]:
        return _words(self.cues_against)

    @cached_property
    def study(self) -> re.Pattern[str]:
        return _words(self.study_words)

    @cached_property
    def negation(self) -> re.Pattern[str]:
        """A negation at the end of what stands before a cue."""
        return re.compile(_words(self.negations).pattern + r"[\s\w]{0,25}$", re.IGNORECASE)

    def is_study_host(self, host: str) -> bool:
        return any(host == known or host.endswith("." + known) for known in self.study_hosts)


def _words(words: Sequence[str]) -> re.Pattern[str]:
    forms = [re.escape(word).replace(r"\*", r"\w*") for word in words]
    return re.compile(rf"\b(?:{'|'.join(forms)})\b", re.IGNORECASE)


@cache
def evidence_rules() -> EvidenceRules:
    """The rules that ship with the package. Raises pydantic's ValidationError when the file is damaged."""
    import yaml

    text = files("tools.knowledge").joinpath("evidence.yaml").read_text(encoding="utf-8")
    return EvidenceRules.model_validate(yaml.safe_load(text))
