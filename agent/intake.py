"""From a person's words to a request, by rules that need no model; what is missing is asked back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from agent.intake_rules import find_domain, take_languages, take_licence, take_memory, take_turns
from agent.intake_sizes import parse_size, take_size
from agent.intake_text import Words
from tools.faults import WrongUse
from tools.knowledge import loader
from tools.reading import (
    BrainReading,
    Intake,
    Missing,
    NotNeeded,
    PartialRequest,
    Question,
    Ready,
    Unusable,
    complete,
    domain_named,
    merge_brain,
    with_domain,
)
from tools.request import LicenceNeed, SizeRange

__all__ = [
    "BrainReading",
    "Intake",
    "Missing",
    "NotNeeded",
    "PartialRequest",
    "Question",
    "Ready",
    "Unusable",
    "answer_question",
    "complaint_about",
    "merge_brain",
    "read_request",
]

LONGEST_BYTES: Final = 20_000
EXAMPLE: Final = "For example: evaluate 8B models for therapy coaching."
INSIST: Final = "To run all the same, say “evaluate anyway” or use --insist."
FIELDS: Final = ("size", "domain", "turns", "licence", "memory", "languages")
"""What ``given`` and answers may name, each in a person's words."""

_INSISTING = re.compile(
    r"\b(?:evaluate|run|do)\s+(?:it\s+|them\s+)?(?:anyway|regardless|all\s+the\s+same|nevertheless|nonetheless)\b"
    r"|\banyway\b|\ball\s+the\s+same\b|\bregardless\b|\bi\s+insist\b|\bnevertheless\b",
    re.IGNORECASE,
)
_PROMPT = r"prompt(?:ing|s)?(?:[\s-]+(?:engineering|tuning|design))?"
_FILLERS = r"(?:(?:want|need|plan|going|do|doing|use|using|to|with|for|be|write|some|better)\s+)*"
_ARTICLES = r"(?:(?:a|the|our|my|good|some|full|all)\s+)*"
_FIGURES = r"(?:numbers?|results?|figures?|scores?|metrics?)"


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_PROMPT_ONLY = _any(
    rf"(?<!not )\b(?:only|just|merely|purely)\s+{_FILLERS}{_PROMPT}\b",
    rf"\b{_PROMPT}\s+only\b",
    r"\b(?:won't|will\s+not|not\s+going\s+to|never)\s+fine-?\s?tune\b",
    r"\bdo(?:n't|\s+not)\s+(?:want|plan|intend)\s+to\s+fine-?\s?tune\b",
    r"\b(?:no|without(?:\s+any)?)\s+fine-?\s?tuning\b",
)
_HAS_BASELINE = _any(
    rf"\balready\s+(?:have|has|got|measured|ran|know)\s+{_ARTICLES}baselines?(?:\s+{_FIGURES})?\b",
    rf"\b(?:i|we)(?:'ve|\s+have)(?:\s+already)?(?:\s+got)?\s+{_ARTICLES}baseline\s+{_FIGURES}\b",
    rf"\bbaseline\s+{_FIGURES}\s+(?:already\s+)?(?:exist|are\s+there|are\s+known)\b",
)
_NEGATED = re.compile(
    r"(?:\b(?:not|no|never|without|haven't|hasn't|lack)|n't)(?:\s+\w+){0,3}\s*$", re.IGNORECASE
)
_CHANGED = re.compile(
    r"\b(?:new|other|another|different|changed?|changing|switch(?:ing|ed)?)\s+(?:our\s+|the\s+|to\s+(?:a|another)\s+)?"
    r"(?:base\s+models?|domain)\b|\bbase\s+model\s+(?:has\s+)?chang",
    re.IGNORECASE,
)


def read_request(text: str, *, given: Mapping[str, Any] | None = None, insist: bool = False) -> Intake:
    """Read ``text``; ``given`` are parts that flags or answers name, and win over the text.

    ``given`` has any of ``size``, ``domain``, ``turns``, ``licence``, ``memory``, ``languages`` in a person's
    words (``languages`` as a list too), and ``insist``. Never raises for any ``text``; an unknown name in
    ``given`` raises :class:`WrongUse`.
    """
    given = {name: value for name, value in (given or {}).items() if value is not None}
    insist = insist or bool(given.pop("insist", False))
    unusable = _unusable(text)
    if unusable is not None:
        return Unusable(unusable)
    words = Words(text)
    insisting = bool(words.take(_INSISTING)) or insist
    not_needed = _not_needed(words, text)
    if not_needed is not None and not insisting:
        return not_needed
    partial = _read(words, PartialRequest(text=text), known=frozenset(given))
    if not_needed is not None:
        partial = partial.noted("A baseline may not be needed; you asked for it all the same.")
    found = partial.model_dump(exclude={"text", "notes", "complaints"}, exclude_defaults=True)
    if not (found or given or insisting or not_needed or _intends(text)):
        return Unusable(f"No request for evaluating models was found in this text. {EXAMPLE}")
    return answer_question(partial, given)


def answer_question(partial: PartialRequest, answers: Mapping[str, Any]) -> Intake:
    """``partial`` with ``answers`` (field → words) put in; asks again for what could not be understood."""
    unknown = sorted(set(answers) - set(FIELDS))
    if unknown:
        raise WrongUse(f"{unknown[0]!r} is no part of a request.", f"Known are {', '.join(FIELDS)}.")
    for field, value in answers.items():
        partial = _answered(partial, field, value)
    return complete(partial)


def complaint_about(field: str, value: Any) -> str | None:
    """Why ``value`` cannot be used for ``field``, as a person gave it; None when it can."""
    return _answered(PartialRequest(text=""), field, value).complaints.get(field)


def _unusable(text: str) -> str | None:
    if not text.strip():
        return f"The request is empty. {EXAMPLE}"
    if len(text.encode("utf-8", "surrogatepass")) > LONGEST_BYTES:
        return f"The request is longer than {LONGEST_BYTES:,} bytes; say in a few sentences what is wanted."
    if not re.search(r"[^\W\d_]{2,}|\d\s?[bB]\b", text):
        return f"There are no words in this request. {EXAMPLE}"
    return None


def _not_needed(words: Words, text: str) -> NotNeeded | None:
    baselines = [
        m for m in words.take(_HAS_BASELINE) if not _NEGATED.search(text[: max(0, text.find(m.group()))])
    ]
    prompts = words.take(_PROMPT_ONLY)
    if _CHANGED.search(text):
        return None
    if baselines:
        return NotNeeded(
            "You have baseline numbers already; another run would only repeat them. A baseline is needed "
            "when a fine-tuning project starts, when its base model changes, or for a new domain.",
            INSIST,
        )
    if prompts:
        return NotNeeded(
            "Without fine-tuning a baseline decides nothing: try your prompts on the model directly, and "
            "come back when fine-tuning is on the table.",
            INSIST,
        )
    return None


def _intends(text: str) -> bool:
    found = set(re.findall(r"[a-z]+(?:-[a-z]+)?", text.lower()))
    return bool(found & loader.intake_words().intent_words)


def _read(words: Words, partial: PartialRequest, known: frozenset[str]) -> PartialRequest:
    """Every rule in turn; the order matters, since a rule uses its words up. A size that is ``known`` is not
    explained: what the text says of it does not count."""
    turns = take_turns(words)
    if turns is not None:
        partial = partial.noted(turns.note, longest_conversation_turns=turns.value)
    memory = take_memory(words)
    if memory is not None:
        partial = partial.noted(memory.note, memory_budget_bytes=memory.value)
    size = take_size(words)
    complaints = {"size": size.complaint} if size.complaint else {}
    partial = partial.noted("" if "size" in known else size.note, size=size.size, complaints=complaints)
    licence = take_licence(words)
    if licence is not None:
        partial = partial.noted(licence[1], licence_need=licence[0])
    partial = partial.noted("", languages=take_languages(words))
    domain = find_domain(words, alone=partial.size is not None)
    if domain is not None:
        partial = with_domain(partial, domain.domain, domain.words).noted(domain.note)
    return partial


def _answered(partial: PartialRequest, field: str, value: Any) -> PartialRequest:
    complaints = {name: text for name, text in partial.complaints.items() if name != field}
    said = " ".join(str(value).split()) if not isinstance(value, list | tuple | SizeRange) else value
    try:
        changes, note = _ANSWERS[field](said)
        return partial.noted(note, complaints=complaints, **changes)
    except (_NotUnderstoodError, ValidationError) as error:
        complaint = str(error) if isinstance(error, _NotUnderstoodError) else f"“{said}” cannot be used."
        return partial.noted("", complaints={**complaints, field: complaint[:200]})


class _NotUnderstoodError(Exception):
    """An answer that says nothing about its field; the text is shown to the person."""


Changes = tuple[dict[str, Any], str]


def _size(value: Any) -> Changes:
    if isinstance(value, SizeRange):
        return {"size": value}, ""
    reading = parse_size(str(value))
    if reading.size is None:
        raise _NotUnderstoodError(reading.complaint)
    return {"size": reading.size}, reading.note


def _domain(value: Any) -> Changes:
    name = str(value)
    if len(name) > 120 or not re.search(r"[^\W\d_]{2,}", name):
        raise _NotUnderstoodError(f"“{name[:40]}” is not a domain in a few words.")
    read = with_domain(PartialRequest(text=name), domain_named(name), name)
    return {"domain": read.domain, "domain_key": read.domain_key}, " ".join(read.notes)


def _turns(value: Any) -> Changes:
    text = str(value)
    limit = take_turns(Words(f"{text} turns" if text.isdigit() else text))
    if limit is None:
        raise _NotUnderstoodError(f"“{text[:40]}” is no number of turns.")
    return {"longest_conversation_turns": limit.value}, limit.note


def _licence(value: Any) -> Changes:
    text = str(value)
    if text.lower() in {"any", "all", "whatever"}:
        return {"licence_need": LicenceNeed.ANY}, ""
    found = take_licence(Words(text))
    if found is None:
        raise _NotUnderstoodError(f"“{text[:40]}” is neither commercial nor any.")
    return {"licence_need": found[0]}, found[1]


def _memory(value: Any) -> Changes:
    text = str(value)
    limit = take_memory(Words(f"{text} GB" if re.fullmatch(r"\d+(?:\.\d+)?", text) else text))
    if limit is None:
        raise _NotUnderstoodError(f"“{text[:40]}” is no amount of memory.")
    return {"memory_budget_bytes": limit.value}, limit.note


def _language_list(value: Any) -> Changes:
    parts = value if isinstance(value, list | tuple) else re.split(r"\s*[,;/]\s*|\s+and\s+", str(value))
    known = loader.intake_words().languages
    codes: list[str] = []
    for part in map(str, parts):
        tokens = part.lower().split()
        named = tuple(tokens) if set(tokens) <= set(known) else take_languages(Words(f"in {part}"))
        if tokens and not named:
            raise _NotUnderstoodError(f"“{part[:40]}” is no language that is known here.")
        codes += named
    if not codes:
        raise _NotUnderstoodError("No language was named.")
    return {"languages": tuple(dict.fromkeys(codes))}, ""


_ANSWERS: Final = {
    "size": _size,
    "domain": _domain,
    "turns": _turns,
    "licence": _licence,
    "memory": _memory,
    "languages": _language_list,
}
