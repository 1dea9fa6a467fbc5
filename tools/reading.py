"""What became of reading a request: ready, something missing, not needed, or unusable.

The rules that read words are :mod:`agent.intake`; the records are here because the graph asks back with them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tools.finite_json import read_json
from tools.knowledge import loader
from tools.knowledge.domains import Domain, phrase_in
from tools.needs import BYTES_PER_PARAMETER
from tools.request import NO_CEILING, EvaluationRequest, LicenceNeed, SizeRange

BILLION: Final = 10**9
SMALLEST: Final = 10**6
LARGEST: Final = 10**13
"""Parameters of models that anybody could mean; numbers outside are no sizes."""
CACHE_RESERVE_BYTES: Final = 10**9
"""Kept free for cache and buffers when a size is derived from memory."""
LONGEST_REPLY: Final = 20_000


@dataclass(frozen=True, slots=True)
class Question:
    """Something to ask the person back."""

    field: str
    """Name under which the answer is given: ``size`` or ``domain``."""
    sentence: str
    examples: tuple[str, ...] = ()


class PartialRequest(BaseModel):
    """What is known of a request so far; every field is what a person said, or None."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    size: SizeRange | None = None
    domain: str | None = Field(default=None, min_length=1, max_length=120)
    domain_key: str | None = None
    longest_conversation_turns: int | None = Field(default=None, gt=0)
    licence_need: LicenceNeed | None = None
    memory_budget_bytes: int | None = Field(default=None, gt=0)
    languages: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """What was assumed, in sentences; one for each assumption."""
    complaints: dict[str, str] = Field(default_factory=dict)
    """Field → why what was said of it cannot be used."""

    def noted(self, note: str, **values: Any) -> PartialRequest:
        """A copy with ``values`` and ``note``; raises ValidationError when a value does not fit."""
        data = {**{name: getattr(self, name) for name in type(self).model_fields}, **values}
        data["notes"] = tuple(dict.fromkeys((*self.notes, *([note] if note else []))))
        return PartialRequest.model_validate(data)


@dataclass(frozen=True, slots=True)
class Ready:
    """The request can be worked on."""

    request: EvaluationRequest


@dataclass(frozen=True, slots=True)
class Missing:
    """Something must be asked back; it is never guessed."""

    questions: tuple[Question, ...]
    partial: PartialRequest

    def with_brain(self, reply: str) -> Intake:
        """What is left when a model's reading has filled what the rules left open: :func:`merge_brain`."""
        return merge_brain(self.partial, reply)


@dataclass(frozen=True, slots=True)
class NotNeeded:
    """A baseline would tell the person nothing that they need."""

    reason: str
    how_to_insist: str


@dataclass(frozen=True, slots=True)
class Unusable:
    """The text is no request."""

    sentence: str


Intake = Ready | Missing | NotNeeded | Unusable


class BrainReading(BaseModel):
    """What a model may read out of a request; null for everything that the person did not say."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    minimum_billions: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    maximum_billions: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    domain: str | None = Field(default=None, max_length=120)


def complete(partial: PartialRequest) -> Intake:
    """The request when nothing is missing, else the questions. A size may follow from the memory named."""
    if partial.size is None and "size" not in partial.complaints and partial.memory_budget_bytes:
        partial = _size_from_memory(partial)
    questions = tuple(
        question
        for question in (_size_question(partial), _domain_question(partial))
        if getattr(partial, question.field) is None
    )
    if partial.size is None or partial.domain is None:
        return Missing(questions, partial)
    return Ready(
        EvaluationRequest(
            text=partial.text,
            size=partial.size,
            domain=partial.domain,
            domain_key=partial.domain_key,
            longest_conversation_turns=partial.longest_conversation_turns,
            licence_need=partial.licence_need or LicenceNeed.ANY,
            memory_budget_bytes=partial.memory_budget_bytes,
            languages=partial.languages or ("en",),
            notes=(*partial.notes, *_defaults(partial)),
        )
    )


def with_domain(partial: PartialRequest, domain: Domain, words: str) -> PartialRequest:
    """``partial`` for ``domain``, as read from ``words``."""
    if not domain.known:
        note = f"“{domain.title}” is not a domain of the knowledge files; neutral preferences are used."
        return partial.noted(note, domain=domain.title, domain_key=None)
    said = " ".join(words.lower().split())
    note = "" if said == domain.title.lower() else f"“{words}” was read as the domain {domain.title}."
    return partial.noted(note, domain=domain.title, domain_key=domain.key)


def domain_named(words: str) -> Domain:
    """The known domain whose longest alias or title stands in ``words``; else a free one."""
    known = loader.domains()
    hits = [
        (domain.weak, -len(alias), domain.key)
        for domain in known.domains
        for alias in (domain.title, domain.key, *domain.aliases)
        if phrase_in(alias, words)
    ]
    return known.named(min(hits)[2] if hits else None, words)


def merge_brain(partial: PartialRequest, reply: str | Mapping[str, Any]) -> Intake:
    """Fill what the rules left open from a model's reading, which is a :class:`BrainReading` as JSON.

    A number or a domain counts only when it stands in the person's own words; what does not fit, or cannot be
    read, is left out and asked back.
    """
    try:
        if isinstance(reply, str):
            reply = read_json(reply[:LONGEST_REPLY])
        reading = BrainReading.model_validate(reply)
    except (ValueError, ValidationError, RecursionError):
        return complete(partial)
    if partial.size is None:
        partial = _brain_size(partial, reading)
    if partial.domain is None and reading.domain and _stands_in(reading.domain, partial.text):
        domain = domain_named(reading.domain)
        partial = with_domain(partial, domain, reading.domain.strip())
    return complete(partial)


def _brain_size(partial: PartialRequest, reading: BrainReading) -> PartialRequest:
    numbers = [n for n in (reading.minimum_billions, reading.maximum_billions) if n]
    said = {float(n) for n in re.findall(r"\d+(?:\.\d+)?", partial.text)} | _number_words(partial.text)
    if not numbers or not set(numbers) <= said:
        return partial
    low = round((reading.minimum_billions or 0) * BILLION)
    high = round(reading.maximum_billions * BILLION) if reading.maximum_billions else NO_CEILING
    if not (low <= high and SMALLEST <= high <= LARGEST):
        return partial
    size = SizeRange(minimum=low, maximum=high)
    complaints = {key: text for key, text in partial.complaints.items() if key != "size"}
    return partial.noted(
        f"The agent's model read {size} out of your words.", size=size, complaints=complaints
    )


_NUMBERS = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)


def _number_words(text: str) -> set[float]:
    words = set(re.findall(r"[a-z]+", text.lower()))
    return {float(value) for value, word in enumerate(_NUMBERS) if word in words}


def _stands_in(domain: str, text: str) -> bool:
    """Whether the words of ``domain`` that carry meaning all stand in ``text``, as beginnings at least."""
    folded = text.casefold()
    words = re.findall(r"[^\W\d_]{4,}", domain.casefold())
    return bool(words) and all(word[: max(4, len(word) - 3)] in folded for word in words)


def _size_from_memory(partial: PartialRequest) -> PartialRequest:
    """Largest size whose Q4_K_M weights fit the budget with a gigabyte left for cache, in whole billions."""
    budget = partial.memory_budget_bytes or 0
    fitting = (budget - CACHE_RESERVE_BYTES) / BYTES_PER_PARAMETER
    largest = int(fitting // BILLION) * BILLION
    if largest < BILLION:
        complaint = f"{budget / 1e9:g} GB is too little to derive a size from."
        return partial.noted("", complaints={**partial.complaints, "size": complaint})
    size = SizeRange(minimum=0, maximum=largest)
    note = (
        f"No size was named: {size} follows from {budget / 1e9:g} GB, at {BYTES_PER_PARAMETER} bytes for a "
        "parameter (Q4_K_M) and 1 GB for cache."
    )
    return partial.noted(note, size=size)


def _size_question(partial: PartialRequest) -> Question:
    sentence = "Which model sizes should be considered?"
    complaint = partial.complaints.get("size")
    return Question("size", f"{complaint} {sentence}" if complaint else sentence, ("8B", "7-10B", "under 4B"))


def _domain_question(partial: PartialRequest) -> Question:
    sentence = "What should the model be good at?"
    complaint = partial.complaints.get("domain")
    examples = tuple(domain.title for domain in loader.domains().domains[:4])
    return Question("domain", f"{complaint} {sentence}" if complaint else sentence, examples)


def _defaults(partial: PartialRequest) -> list[str]:
    notes = []
    if not partial.languages:
        notes.append("No language was named: English was assumed.")
    if partial.longest_conversation_turns is None:
        notes.append("No longest conversation was named: 4,096 tokens of context are asked for.")
    if partial.licence_need is None:
        notes.append("Commercial use was not mentioned: any licence is accepted.")
    return notes
