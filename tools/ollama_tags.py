"""Which tag of Ollama's library a model may have, and whether a proved tag is this model.

The library has no search, its names follow habits rather than rules, and a tag may be pointed at other
weights (``deepseek-r1:8b`` was a Llama until May 2025 and has been a Qwen3 since). So tags are guessed by the
habits, each guess is proved at the registry, and a proof that speaks of another model is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tools.knowledge.loader import families
from tools.knowledge.naming import naming
from tools.model_names import ANSWERING, DATE, YEAR, bare_name, signature
from tools.registry import TagProof, parse_tag
from tools.sizes import said

TOLERANCE = 0.04
"""How far the registry's rounded count may be from the exact one: embeddings are counted or not."""
GUESSES = 12
USUAL = "q4_K_M"
"""Quantisation that the library adds to the tags of variants: ``qwen3:4b-instruct-2507-q4_K_M``."""
_COUNT = re.compile(r"(\d+(?:\.(\d+))?)\s*([KMBT])", re.IGNORECASE)
_UNIT = {"k": 10**3, "m": 10**6, "b": 10**9, "t": 10**12}
_SIZE = re.compile(r"(?:\d+x|e)?\d+(?:\.\d+)?b|\d{2,}m")
_ACTIVE = re.compile(r"a\d+(?:\.\d+)?[bm]")
_VERSION = re.compile(r"\d+(?:\.\d+)*")


class _Parts(NamedTuple):
    """A name as tags see it."""

    head: tuple[str, ...]
    """Words before the size."""
    size: str | None
    tail: tuple[str, ...]
    """Words after the size."""


def tag_guesses(name: str, family: str | None) -> tuple[str, ...]:
    """Plausible tags for a repository or a model's name, the likeliest first; each must be proved.

    ``family`` is the key of its family: a model that goes on to name another one was made from that, and is
    listed without it (``Hermes-3-Llama-3.1-8B`` → ``hermes3:8b``). No guess leaves out a word or a version
    that tells two models of one size apart: the proof could not tell them apart either.
    """
    parts = _parts(name)
    guesses = dict.fromkeys(_guesses(name, parts, family))
    return tuple(guess for guess in guesses if _plain_tag(guess))[:GUESSES]


def _plain_tag(guess: str) -> bool:
    """Whether the registry could have it: in small letters, without a namespace."""
    return (
        re.fullmatch(r"[a-z0-9][\w.-]*:[\w.-]+", guess, re.ASCII) is not None and parse_tag(guess) is not None
    )


def _parts(name: str) -> _Parts:
    words = [word for word in re.split(r"[-_\s:()]+", bare_name(name).lower()) if word]
    at = next((i for i, word in enumerate(words) if _SIZE.fullmatch(word)), None)
    kept = [word for word in words if not _ACTIVE.fullmatch(word)]
    if at is None:
        member = families().member(name)
        inner = re.search(r"[a-z](\d+(?:\.\d+)?[b])$", " ".join(words[:2]))
        size = inner[1] if inner else f"{member.size:g}b" if member else None
        return _Parts(tuple(kept), size, ())
    return _Parts(tuple(words[:at]), words[at], tuple(word for word in words[at + 1 :] if word in kept))


def _guesses(name: str, parts: _Parts, family: str | None) -> Iterator[str]:
    tail = tuple(word for word in parts.tail if word not in ANSWERING)
    plain = tuple(word for word in (*parts.head, *tail) if word not in ANSWERING)
    sizes = [parts.size] if parts.size else []
    for size in [*sizes, *([] if signature(name).size else ["latest"])]:
        yield from (f"{stem}:{size}" for stem in _stems(plain))
    if parts.size and parts.tail:
        for stem in _stems(parts.head):
            variant = f"{stem}:{parts.size}-{'-'.join(parts.tail)}"
            yield from (variant, f"{variant}-{USUAL}")
    for shorter in (_undated(plain), _before_other_family(plain, family)):
        for stem in _stems(shorter) if shorter and shorter != plain else ():
            guess = f"{stem}:{parts.size or 'latest'}"
            if _is_nobody_elses(guess, name):
                yield guess
    if "distill" in plain and parts.size:
        at = plain.index("distill")
        for stem in _stems(plain[:at]):
            yield f"{stem}:{parts.size}-{'-'.join(plain[at + 1 :])}-distill-{USUAL}"


def _stems(words: Sequence[str]) -> tuple[str, ...]:
    """Names in the library: a version joins the word before it (``llama3.1``, ``phi4-mini``, ``olmo2``) or
    keeps its hyphen (``olmo-3``, ``ministral-3``)."""
    joined: list[str] = []
    for word in words:
        if joined and _VERSION.fullmatch(word) and joined[-1].isalpha():
            joined[-1] += word.removesuffix(".0")
        else:
            joined.append(re.sub(r"(?<=[a-z])(\d+)\.0$", r"\1", word))
    return tuple(dict.fromkeys(("-".join(joined), "-".join(words))))


def _undated(words: Sequence[str]) -> tuple[str, ...]:
    years = any(YEAR.fullmatch(word) for word in words)
    month = r"0[1-9]|1[0-2]" if years else r"(?!)"
    dates = (DATE, YEAR, re.compile(month))
    return tuple(word for word in words if not any(date.fullmatch(word) for date in dates))


def _before_other_family(words: Sequence[str], family: str | None) -> tuple[str, ...]:
    """The words up to where the name of another family begins, a date and "distill" before it left out."""
    for at in range(1, len(words)):
        other = families().by_beginning("-".join(words[at:]))
        if other is not None and family not in {other.key, other.lineage}:
            return _undated([word for word in words[:at] if word != "distill"])
    return ()


def _is_nobody_elses(tag: str, name: str) -> bool:
    """Whether no other known model has the tag, as far as the hints go; a shortened name may be another's."""
    member = families().member(tag)
    return member is None or signature(member.repo) == signature(name) or "distill" in name.lower()


def disagreement(
    proof: TagProof, *, parameters: int | None, model_type: str | None, licence: str | None
) -> str | None:
    """Why a proved tag is not the model that has these facts, in one sentence; None when nothing says so.

    ``parameters`` is the exact count, ``model_type`` that of the repository's ``config.json``, ``licence``
    the Hub's tag. The count and the architecture decide; the licence only where neither could be compared.
    """
    counted = _other_count(proof, parameters)
    built = _other_architecture(proof, model_type)
    if counted or built:
        return counted or built
    compared = (parameters is not None and proof.parameters) or (model_type and proof.architecture)
    return None if compared else _other_licence(proof, licence)


def _other_count(proof: TagProof, parameters: int | None) -> str | None:
    found = _COUNT.fullmatch((proof.parameters or "").strip())
    if found is None or parameters is None:
        return None
    unit = _UNIT[found[3].lower()]
    stated = float(found[1]) * unit
    rounding = unit * 0.5 / 10 ** len(found[2] or "")
    if abs(stated - parameters) <= max(TOLERANCE * parameters, rounding):
        return None
    return f"{proof.tag} has {proof.parameters} parameters, the model {said(parameters)}."


def _other_architecture(proof: TagProof, model_type: str | None) -> str | None:
    """Only architectures that the knowledge file lists are compared: an unknown one is no contradiction."""
    known = naming().architectures
    expected = known.get((model_type or "").lower())
    there = (proof.architecture or "").lower()
    listed = {architecture for held in known.values() for architecture in held}
    if expected is None or there not in listed or there in expected:
        return None
    return f"{proof.tag} is built as {there}, the model as {model_type}."


def _other_licence(proof: TagProof, licence: str | None) -> str | None:
    here, there = _licence_mark(licence), _licence_mark(proof.licence)
    if here is None or there is None or here == there:
        return None
    return f"{proof.tag} carries a licence of {there}, the model one of {here}."


def _licence_mark(text: str | None) -> str | None:
    for mark, patterns in naming().licence_marks.items():
        if text and any(re.search(pattern, text, re.IGNORECASE) for pattern in patterns):
            return mark
    return None
