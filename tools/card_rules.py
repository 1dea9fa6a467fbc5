"""The rules by which cards and repository names are read: ``tools/knowledge/card_rules.yaml``."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
    return pattern


Pattern = Annotated[str, AfterValidator(_compiles)]


class FocusRule(BaseModel):
    """A focus, and what says it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    focus: str
    pattern: Pattern


class LicenceRule(BaseModel):
    """A licence by the Hub's name, and how texts word it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    licence: str
    pattern: Pattern


class CardRules(BaseModel):
    """All rules; within a list the first that fits is taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    focus_names: tuple[FocusRule, ...]
    """Looked for in the repository's name, as a part between ``-``, ``_``, ``.`` or the ends."""
    focus_phrases: tuple[FocusRule, ...]
    """Looked for in the card."""
    licences: tuple[LicenceRule, ...]
    """Looked for in licence lines and licence texts."""


@cache
def card_rules() -> CardRules:
    """The rules that ship with the package. Raises pydantic's ValidationError when the file is damaged."""
    import yaml

    text = files("tools.knowledge").joinpath("card_rules.yaml").read_text(encoding="utf-8")
    return CardRules.model_validate(yaml.safe_load(text))
