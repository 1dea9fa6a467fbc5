"""What a model was made for, from its name, its card, its chat template and its tags."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from tools.card_rules import card_rules
from tools.knowledge.domains import Focus, parse_focus, phrase_in

MODE_LINE = re.compile(
    r"^\W{0,6}(?:(?:thinking|reasoning|operating) )?modes?\W{1,4}(?P<mode>.{2,120})$", re.IGNORECASE
)
TUNED = r"\b(?:fine[- ]?tun|trained on|tuned for)"


class SaidFocus(NamedTuple):
    """A focus with the place in the text that says it."""

    focus: str
    start: int
    end: int


def focus_of_name(repo: str) -> str | None:
    """What a repository's name says of its focus: code, mathematics, reasoning, base or chat."""
    name = repo.rsplit("/", 1)[-1].lower()
    for rule in card_rules().focus_names:
        if re.search(rf"(?:^|[-_.])(?:{rule.pattern})(?=$|[-_.\d])", name):
            return rule.focus
    return None


def focus_of_template(template: object) -> str | None:
    """``hybrid thinking`` where the chat template has a switch for it."""
    if not isinstance(template, str):
        return None
    return (
        Focus.HYBRID.value if re.search(r"enable_thinking|/no_think\b|reasoning_effort", template) else None
    )


def focus_of_tags(tags: Sequence[str]) -> str | None:
    """The Hub tags a repository ``conversational`` when its tokenizer has a chat template."""
    return Focus.CHAT.value if "conversational" in tags else None


def focus_said(text: str) -> SaidFocus | None:
    """The focus that a card states: in a line "Mode: …", else in the first phrase of the rules."""
    offset = 0
    for line in text.splitlines(keepends=True):
        found = MODE_LINE.match(line.strip())
        focus = parse_focus(found["mode"]) if found else None
        if focus is not None:
            return SaidFocus(focus.value, offset, offset + len(line.rstrip()))
        offset += len(line)
    for rule in card_rules().focus_phrases:
        phrase = re.search(rule.pattern, text, re.IGNORECASE)
        if phrase:
            return SaidFocus(rule.focus, phrase.start(), phrase.end())
    return None


def tuned_for(line: str, domain_words: Sequence[str]) -> str | None:
    """The words in which a line says that the model was tuned for the domain."""
    words = [re.escape(word) for word in domain_words if word.strip()]
    if not words:
        return None
    found = re.search(rf"^.*{TUNED}[^\n]*\b(?:{'|'.join(words)})[^\n]*$", line, re.IGNORECASE)
    return found.group() if found else None


def tagged_for(tags: Sequence[str], name: str, domain_words: Sequence[str]) -> bool:
    """Whether tags or the repository's name speak of the domain."""
    spoken = " ".join([*tags, name.rsplit("/", 1)[-1].replace("_", "-")])
    return any(phrase_in(word, spoken) for word in domain_words if word.strip())
