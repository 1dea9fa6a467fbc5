"""Names of models taken apart: what distinguishes one model from another, without owner and packaging.

Two names are one model when owner, packaging and punctuation are all that differ. Words that change the
weights (Distill, a version, a date, a size) always count.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import NamedTuple

from tools.knowledge.loader import families
from tools.knowledge.naming import SEPARATOR, naming, whole_words

BILLION = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)[-\s]*(?:billion(?:[- ]parameters?)?|bn|b)\b")
PARTS = re.compile(
    r"\d+x\d+(?:\.\d+)?b(?![a-z])|(?<![a-z])[ea]\d+(?:\.\d+)?[bm](?![a-z])|\d+(?:\.\d+)*[a-z]?(?![a-z])|[a-z]+|\d+"
)
SIZE = re.compile(r"(?:\d+x|e)?\d+(?:\.\d+)?b|\d{2,}m")
ACTIVE = re.compile(r"a\d+(?:\.\d+)?[bm]")
YEAR = re.compile(r"20[2-9]\d")
MONTH = re.compile(r"0[1-9]|1[0-2]")
DATE = re.compile(r"2[3-9](?:0[1-9]|1[0-2])|(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])")
"""``2507`` is a year with its month, ``0528`` a month with its day; ``12-2024`` is told apart by its year."""
ANSWERING = frozenset({"instruct", "it", "chat"})
"""Makers' words for the same thing: the model that answers, rather than the raw one."""
NOISE = frozenset({"model", "llm", "the", "parameters", "parameter", "size"})
LONGEST = 200


class Signature(NamedTuple):
    """What distinguishes one model from another in its name."""

    words: tuple[str, ...]
    """Words and versions in alphabetical order, the size aside: ``("3.1", "llama")``."""
    size: str | None
    """``8b``, ``e4b``, ``8x7b``, ``360m``; None when the name tells none."""
    chat: bool
    """Whether the name says that it is the answering variant."""

    @property
    def undated(self) -> tuple[str, ...]:
        """The words as prose often has them: without the date of the release and the active parameters."""
        told = any(YEAR.fullmatch(word) for word in self.words)
        return tuple(
            word
            for word in self.words
            if not (DATE.fullmatch(word) or ACTIVE.fullmatch(word) or YEAR.fullmatch(word))
            and not (told and MONTH.fullmatch(word))
        )


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    known = naming()
    maker = "|".join(re.sub(" ", "[-_ ]", name) for name in known.makers)
    return (
        re.compile(rf"^(?:{maker})[-_ ]+(?=.*[a-z]{{2}})", re.IGNORECASE),
        whole_words(known.packaging),
        whole_words([*known.packaging, *known.dressing]),
    )


@cache
def _org_prefixes() -> frozenset[str]:
    return frozenset(org.casefold() for family in families().families for org in family.orgs)


def bare_name(name: str) -> str:
    """The name of the model alone: without owner, provider, packaging and the maker's repeated name.

    Copies write the owner into the name in two ways, ``Qwen_Qwen3-8B-GGUF`` and ``Qwen_-_Qwen3-8B-gguf``.
    """
    maker, _, wrapping = _patterns()
    bare = name.strip()[:LONGEST].rstrip("/").rsplit("/", 1)[-1].rsplit("_-_", 1)[-1]
    bare = re.sub(r"^(?:ollama|hf|huggingface|openai):", "", bare, flags=re.IGNORECASE)
    bare = re.sub(r"\.gguf$", "", bare, flags=re.IGNORECASE)
    owner, under, rest = bare.partition("_")
    if under and rest and owner.casefold() in _org_prefixes() and re.match(r"[a-zA-Z]", rest):
        bare = rest
    while (stripped := maker.sub("", bare)) != bare:
        bare = stripped
    without = re.sub(r"\s{2,}", " ", wrapping.sub(" ", bare))
    return re.sub(rf"(?:{SEPARATOR}*\s{SEPARATOR}*)+", " ", without).strip(" -_.:()[]") or bare


def packaging_of(name: str) -> str | None:
    """The word of a repository's name that says it is a repackaged copy, or None."""
    found = _patterns()[1].search(name.rsplit("/", 1)[-1])
    return found.group() if found else None


@lru_cache(maxsize=50_000)
def signature(name: str) -> Signature:
    """The distinguishing parts of a model's name, whatever its spelling, owner and packaging."""
    bare = re.sub(r"(?<![\d.])(\d)_(\d)(?![\d.b])", r"\1.\2", bare_name(name).lower()).replace("_", "-")
    bare = re.sub(r"(?<![a-z])v(?=\d)", " ", BILLION.sub(r" \1b ", bare))
    size: str | None = None
    words: list[str] = []
    for part in PARTS.findall(bare):
        if SIZE.fullmatch(part):
            size = size or _size(part)
        elif part not in NOISE:
            words.append(re.sub(r"^(\d+)\.0$", r"\1", part))
    kept = tuple(sorted(word for word in words if word not in ANSWERING))
    return Signature(kept, size, len(kept) < len(words))


def _size(part: str) -> str:
    found = re.fullmatch(r"((?:\d+x|e)?)(\d+(?:\.\d+)?)([bm])", part)
    return f"{found[1]}{float(found[2]):g}{found[3]}" if found else part
