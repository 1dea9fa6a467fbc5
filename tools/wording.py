"""Messages in a person's words, from the material of a taxonomy; and the check of a model's wording."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, field_validator

from tools.faults import WrongUse
from tools.knowledge.loader import load_yaml
from tools.near_duplicates import words_of
from tools.patterns import check_pattern, found_in
from tools.taxonomy_reading import general_wording
from tools.taxonomy_records import Material, Subtopic, Taxonomy, Topic, Wording

TOO_ALIKE = 0.6
"""Resemblance from which a message is worded once more."""
ATTEMPTS = 12
MOST_COMPARED = 3_000
"""Comparisons of one message with others of its subtopic, all attempts together."""
_OPENER_CHANCE = 0.3
_CLOSER_CHANCE = 0.35


class Rejection(NamedTuple):
    """A model's wording that cannot be used, and why."""

    reason: str


class Worder:
    """Words one message after the other, so that the least used material comes first and nothing repeats."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self._domain = taxonomy.domain or taxonomy.name
        self._wording = taxonomy.wording
        self._topics = {topic.name: topic for topic in taxonomy.topics}
        self._used: Counter[str] = Counter()
        self._said: set[str] = set()
        self._groups: dict[tuple[str, str], _Group] = {}
        self._frames = taxonomy.wording.frames
        if not (self._frames.short and self._frames.situations and self._frames.asks):
            self._frames = general_wording().frames

    def word(self, topic: Topic, subtopic: Subtopic, style: str, rng: Random) -> str:
        """A message that was not said before; the least alike of several attempts when all are much alike."""
        group = self._groups.setdefault((topic.name, subtopic.name), _Group())
        attempts = max(2, min(ATTEMPTS, MOST_COMPARED // max(1, len(group))))
        best: tuple[float, str, list[str]] | None = None
        for attempt in range(attempts + 3 * ATTEMPTS):
            pieces = self._pieces(subtopic, style, rng, eager=attempt >= attempts)
            text = self._fill(_joined(pieces), topic, subtopic)
            if text.casefold() in self._said:
                continue
            alike = group.closest(text)
            if best is None or alike < best[0]:
                best = (alike, text, pieces)
            if alike < TOO_ALIKE or attempt + 1 >= attempts:
                break
        if best is None:
            raise WrongUse(
                f'The material of "{subtopic.name}" cannot word that many different messages.',
                "Ask for fewer scenarios, or add examples, situations, details and asks to the taxonomy.",
            )
        _, text, pieces = best
        self._used.update(pieces)
        self._said.add(text.casefold())
        group.add(text)
        return text

    def note(self, topic: str, subtopic: str, message: str) -> None:
        """A message that exists already, which nothing is to repeat; its material counts as used."""
        self._said.add(message.casefold())
        self._groups.setdefault((topic, subtopic), _Group()).add(message)
        owner = self._topics.get(topic)
        known = next((s for s in owner.subtopics if s.name == subtopic), None) if owner else None
        if owner is None or known is None:
            return
        said = message.casefold()
        for text in (*known.short, *known.examples, *known.templates):
            self._used[text] += self._fill(text, owner, known).casefold() == said
        for text in (*known.situations, *known.details, *known.asks):
            self._used[text] += self._fill(text, owner, known).casefold() in said

    def _pieces(self, subtopic: Subtopic, style: str, rng: Random, *, eager: bool) -> list[str]:
        """Parts of a message in order. ``eager`` adds more parts, once plain messages are used up."""
        fresh = [text for text in (*subtopic.examples, *subtopic.templates) if not self._used[text]]
        if fresh:
            return [rng.choice(fresh)]
        own = subtopic if subtopic.has_material else self._frames
        around = Wording() if subtopic.bare and not eager else self._wording
        pick = self._any if eager else self._least
        kind = style_kind(style)
        if kind == "terse" or not own.situations:
            return self._terse(subtopic, own, around, rng, eager=eager)
        pieces: list[str] = []
        if around.openers and (eager or rng.random() < _OPENER_CHANCE):
            pieces.append(pick(around.openers, rng))
        if kind == "detailed" and around.personas:
            pieces.append(pick(around.personas, rng))
        pieces.append(pick(own.situations, rng))
        wanted = rng.choice((2, 3)) if kind == "detailed" else 1
        for _ in range(min(len(own.details), wanted)):
            pieces.append(pick([text for text in own.details if text not in pieces], rng))
        if own.asks:
            pieces.append(pick(own.asks, rng))
        if around.closers and (eager or (kind == "detailed" and rng.random() < _CLOSER_CHANCE)):
            pieces.append(pick(around.closers, rng))
        return pieces

    def _terse(
        self, subtopic: Subtopic, own: Material, around: Wording, rng: Random, *, eager: bool
    ) -> list[str]:
        """A whole terse message while there is an unused one; then others with a few words added."""
        whole = [*own.short, *subtopic.examples, *subtopic.templates] or [*own.asks, *own.situations]
        pick = self._any if eager else self._least
        unused = [text for text in whole if not self._used[text]]
        if unused:
            return [rng.choice(unused)]
        pieces = [pick((*whole, *own.asks, *own.situations), rng)]
        if around.tails and not pieces[0].endswith("?"):
            pieces.append(pick(around.tails, rng))
        if eager and (own.asks or own.details):
            pieces.append(pick((*own.asks, *own.details), rng))
        if eager and around.openers and rng.random() < 0.5:
            pieces.insert(0, pick(around.openers, rng))
        return list(dict.fromkeys(pieces))

    def _any(self, texts: Sequence[str], rng: Random) -> str:
        return rng.choice(texts)

    def _least(self, texts: Sequence[str], rng: Random) -> str:
        fewest = min(self._used[text] for text in texts)
        # One more use than the fewest is allowed, so that combinations are not locked to one another.
        return rng.choice([text for text in texts if self._used[text] <= fewest + (rng.random() < 0.25)])

    def _fill(self, text: str, topic: Topic, subtopic: Subtopic) -> str:
        for key, value in (("topic", topic.name), ("subtopic", subtopic.name), ("domain", self._domain)):
            text = text.replace("{" + key + "}", value.replace("_", " "))
        return text


def style_kind(style: str) -> str:
    """What a style's name says of its length: terse, conversational or detailed."""
    return _said_kind(style) or "conversational"


def says_its_length(style: str) -> bool:
    """Whether the name of a style says how long a text is; the others are worded as conversational."""
    return _said_kind(style) is not None


def _said_kind(style: str) -> str | None:
    folded = style.casefold()
    by_kind = load_yaml("wording", _Signs).styles.model_dump()
    return next((kind for kind, words in by_kind.items() if any(word in folded for word in words)), None)


def _joined(pieces: Sequence[str]) -> str:
    """One text; after "Hey," the sentence goes on in lower case unless it begins with "I"."""
    text = ""
    for piece in pieces:
        follows = piece
        if text.endswith(",") and not re.match(r"I\b|[A-Z]{2}", piece):
            follows = piece[:1].lower() + piece[1:]
        elif text and text[-1] not in ".?!,…":
            text += "."
        text = f"{text} {follows}" if text else follows
    return text


class _Group:
    """What was said on one subtopic, as bit sets, so that thousands can be compared quickly."""

    def __init__(self) -> None:
        self._bit: dict[str, int] = {}
        self._said: list[int] = []

    def __len__(self) -> int:
        return len(self._said)

    def add(self, text: str) -> None:
        self._said.append(self._set(text))

    def closest(self, text: str) -> float:
        """Jaccard index with the message most like ``text``, 0 when there is none."""
        own = self._set(text)
        return max(((own & said).bit_count() / (own | said).bit_count() for said in self._said), default=0.0)

    def _set(self, text: str) -> int:
        bits = 0
        for word in words_of(text):
            bits |= 1 << self._bit.setdefault(word, len(self._bit))
        return bits


LONGEST_WORDS = {"terse": 45, "conversational": 160, "detailed": 320}
"""Words of a message by its style's kind, well above what is asked for."""
_OPENING = 800
"""Characters at the beginning of a text in which an assistant's reply shows itself."""


class _Styles(BaseModel):
    """Parts of a style's name that say how long a text is, in the order in which they are looked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    terse: tuple[str, ...]
    detailed: tuple[str, ...]
    conversational: tuple[str, ...]


class _Signs(BaseModel):
    """``tools/knowledge/wording.yaml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    styles: _Styles
    instruction: tuple[str, ...]
    assistant: tuple[str, ...]
    tokens: tuple[str, ...]

    @field_validator("instruction", "assistant", "tokens")
    @classmethod
    def _safe(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(check_pattern(pattern) for pattern in patterns)


def accept_wording(text: str, style: str = "detailed") -> str | Rejection:
    """``text`` as a message, trimmed of quotation marks; or why it is not one."""
    message = text.strip()
    if len(message) > 1 and message[0] in "\"“'„«" and message[-1] in "\"”'“»":
        message = message[1:-1].strip()
    if not re.search(r"\w|\?", message):
        return Rejection("the text is empty")
    most = LONGEST_WORDS[style_kind(style)]
    if len(message) > 4000 or len(message.split()) > most:
        return Rejection("the text is longer than such a message")
    signs = load_yaml("wording", _Signs)
    if any(found_in(pattern, message) for pattern in signs.tokens):
        return Rejection("it contains template tokens")
    if any(found_in(pattern, message) for pattern in signs.instruction):
        return Rejection("it repeats the instruction")
    if any(found_in(pattern, message[:_OPENING]) for pattern in signs.assistant):
        return Rejection("it answers instead of asking")
    return message
