"""The rules by which cards, pages and repository names are read: ``tools/knowledge/card_rules.yaml``."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from tools.knowledge.licence_terms import Pattern
from tools.knowledge.loader import load_yaml


class FocusRule(BaseModel):
    """A focus, and what says it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    focus: str
    pattern: Pattern


class LengthRule(BaseModel):
    """A length in configs or headers that is not the length that the model was trained for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    length: int = Field(gt=0)
    model_types: tuple[str, ...] = Field(min_length=1)
    """``model_type`` of the config or ``general.architecture`` of the header; an empty one is included so."""
    why: str = Field(min_length=20, max_length=200)


class CardRules(BaseModel):
    """All rules; within a list the first that fits is taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    focus_names: tuple[FocusRule, ...]
    """Looked for in the repository's name, as a part between ``-``, ``_``, ``.`` or the ends."""
    focus_phrases: tuple[FocusRule, ...]
    """Looked for in the card."""
    placeholder_lengths: tuple[LengthRule, ...] = ()
    """Context lengths that are none: the maker's documents decide."""
    head_room_lengths: tuple[LengthRule, ...] = ()
    """Context lengths that include room for the answer."""
    vendor_hosts: tuple[str, ...] = ()
    """Hosts of vendors who serve or package models, and of makers' own sites; subdomains included."""

    def placeholder(self, length: int, model_type: str) -> LengthRule | None:
        return _rule_for(self.placeholder_lengths, length, model_type)

    def head_room(self, length: int, model_type: str) -> LengthRule | None:
        return _rule_for(self.head_room_lengths, length, model_type)

    def is_vendor(self, host: str) -> bool:
        return any(host == known or host.endswith("." + known) for known in self.vendor_hosts)


def _rule_for(rules: tuple[LengthRule, ...], length: int, model_type: str) -> LengthRule | None:
    return next((rule for rule in rules if rule.length == length and model_type in rule.model_types), None)


def card_rules() -> CardRules:
    """The rules that ship with the package. Raises WrongUse that names the line when the file is damaged."""
    return load_yaml("card_rules", CardRules)
