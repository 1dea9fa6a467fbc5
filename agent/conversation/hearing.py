"""What a message asks for, by rules: pure, for any text, and in time that grows with its length only.

A sentence is taken for a command only where it begins with one, once politeness is taken off, and where
nothing in it negates it: "don't approve" and "not enough" approve nothing. What is not understood is said to
be so.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from agent.conversation.german import in_english, looks_german
from agent.conversation.hearing_advice import advised
from agent.conversation.hearing_answers import (
    approves,
    edits,
    judges,
    only_asked,
    rather,
    rejects,
    reviews,
    scenarios,
)
from agent.conversation.hearing_questions import about, compares, named_alone, shows, why
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
from agent.conversation.hearing_wishes import (
    conditional,
    extremes,
    fits,
    going_on,
    looks,
    makers,
    other_runs,
    results,
    several,
    tops,
)
from agent.conversation.intents import (
    About,
    Approve,
    Cancel,
    Compare,
    Extreme,
    FitsMemory,
    Further,
    HowGood,
    Intent,
    LeaveOut,
    Licences,
    Look,
    Musing,
    Notes,
    NotesAndWish,
    Only,
    RunBackup,
    Show,
    Situation,
    StartOver,
    TryPrompt,
    Unknown,
    Why,
    WhyProposal,
)
from agent.conversation.spelling import mended
from agent.conversation.words import Plain, plainly

_Rule = Callable[[Plain, Situation], Intent | None]


def understand(text: str, situation: Situation) -> Intent:
    """What ``text`` asks for. Never raises; :class:`Unknown` for everything else."""
    said = plainly(in_english(text) or text)
    if not said.bare:
        return Musing() if MUSING.fullmatch(said.kept) else Unknown()
    found = _heard(said, situation)
    better = mended(said.whole) if found is None or isinstance(found, About) else None
    if better is not None:
        again = _heard(plainly(better), situation)
        if isinstance(again, _MENDED) or (isinstance(again, Approve) and situation.asks == "approval"):
            return again
    return found or Unknown(german=looks_german(text))


def _heard(said: Plain, situation: Situation) -> Intent | None:
    found = next((found for rule in _RULES if (found := rule(said, situation)) is not None), None)
    return _wish_within(found, situation) if isinstance(found, Notes) else found


_SEGMENT: Final = re.compile(r"(?:(?!\s(?:and|but|then)\s)[^,.;!?\n]|\.(?=\S))+", re.IGNORECASE)
_EVALUATING: Final = re.compile(r"(?:evaluate|assess|benchmark)\s+\S", re.IGNORECASE)


def _wish_within(found: Notes, situation: Situation) -> Intent:
    """``found``, or that something else is wished for in it; notes in quotation marks are only notes."""
    if (quoted := re.fullmatch(r'"([^"]+)"', found.text)) is not None:
        return Notes(quoted[1].strip())
    if situation.asks != "review":
        return found
    for part in _SEGMENT.finditer(found.text):
        said = plainly(part[0])
        heard = (rule(said, situation) for rule in (reviews, run_commands, going_on))
        if _EVALUATING.match(said.bare) or any(isinstance(one, _ORDERS) for one in heard):
            rest = found.text[: part.start()].rstrip(" ,;") + found.text[part.end() :]
            return NotesAndWish(rest.strip(), said.bare)
    return found


_ORDERS: Final = (RunBackup, TryPrompt, Further, Cancel, StartOver)


_MENDED: Final = (
    About,
    Cancel,
    Compare,
    Extreme,
    FitsMemory,
    HowGood,
    LeaveOut,
    Licences,
    Look,
    Only,
    Show,
    Why,
    WhyProposal,
)
"""Told, or offered and not done before a yes: only these are taken from a sentence with a slip in it."""


_RULES: Final[tuple[_Rule, ...]] = (
    yes_no,
    notes,
    advised,
    small_talk,
    scenarios,
    run_commands,
    going_on,
    other_runs,
    looks,
    only_asked,
    rejects,
    reviews,
    replays,
    tops,
    results,
    extremes,
    fits,
    makers,
    conditional,
    several,
    shows,
    judges,
    why,
    rather,
    held,
    approves,
    edits,
    compares,
    named_alone,
    starts,
    answers,
    about,
)
