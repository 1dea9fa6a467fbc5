"""What a message asks for, by rules: pure, for any text, and in time that grows with its length only.

A sentence is taken for a command only where it begins with one, once politeness is taken off, and where
nothing in it negates it: "don't approve" and "not enough" approve nothing. What is not understood is said to
be so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from agent.conversation.german import in_english, looks_german
from agent.conversation.hearing_answers import (
    approves,
    edits,
    judges,
    only_asked,
    rejects,
    reviews,
    scenarios,
)
from agent.conversation.hearing_questions import about, compares, shows, why
from agent.conversation.hearing_talk import (
    MUSING,
    answers,
    held,
    notes,
    replays,
    run_commands,
    small_talk,
    starts,
    yes_no,
)
from agent.conversation.intents import Intent, Musing, Situation, Unknown
from agent.conversation.words import Plain, plainly

_Rule = Callable[[Plain, Situation], Intent | None]


def understand(text: str, situation: Situation) -> Intent:
    """What ``text`` asks for. Never raises; :class:`Unknown` for everything else."""
    said = plainly(in_english(text) or text)
    if not said.bare:
        return Musing() if MUSING.fullmatch(said.kept) else Unknown()
    for rule in _RULES:
        found = rule(said, situation)
        if found is not None:
            return found
    return Unknown(german=looks_german(text))


_RULES: Final[tuple[_Rule, ...]] = (
    yes_no,
    notes,
    small_talk,
    scenarios,
    run_commands,
    only_asked,
    rejects,
    reviews,
    replays,
    shows,
    judges,
    why,
    held,
    approves,
    edits,
    compares,
    starts,
    answers,
    about,
)
