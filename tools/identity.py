"""Which model is meant: one candidate under its many names.

``Qwen3 8B``, ``qwen3:8b``, ``Qwen/Qwen3-8B``, ``unsloth/Qwen3-8B-GGUF`` and "Qwen 3 (8 billion)" are one.
How a name is taken apart is told in :mod:`tools.model_names`; what a repository holds in
:mod:`tools.repo_kinds`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, field_validator

from tools.knowledge.loader import families
from tools.model_names import Signature, signature
from tools.repo_kinds import RepoKind, RepoRole, classify_repo

__all__ = [
    "FamilyPattern",
    "KnownNames",
    "RepoKind",
    "RepoRole",
    "Signature",
    "canonical_key",
    "classify_repo",
    "family_of",
    "same_family",
    "signature",
]


class FamilyPattern(BaseModel):
    """How a family is recognised in a repository's name or an Ollama tag."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    family: str
    """Key of the family."""
    patterns: tuple[str, ...]
    """Regular expressions, searched in the lower-case name without its owner."""

    @field_validator("patterns")
    @classmethod
    def _compile(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
        return patterns


class _Said(NamedTuple):
    """Words and size of a name: what must agree."""

    words: tuple[str, ...]
    size: str | None


class KnownNames:
    """An index of candidates by their names; made once, asked for every name that research comes across.

    ``known`` are keys (Hub repositories), or keys with further names of each (Ollama tags, titles).
    """

    def __init__(self, known: Collection[str] | Mapping[str, Sequence[str]]) -> None:
        names = known if isinstance(known, Mapping) else dict.fromkeys(known, ())
        self._keys = frozenset(names)
        self._spelt: dict[str, dict[str, None]] = {}
        self._said: dict[_Said, dict[str, None]] = {}
        self._undated: dict[_Said, dict[str, None]] = {}
        self._tagged: dict[_Said, dict[str, None]] = {}
        for key, others in names.items():
            for name in (key, *others):
                self._spelt.setdefault(name.casefold(), {})[key] = None
                if ":" in name:
                    self._tagged.setdefault(_Said(*signature(name)[:2]), {})[key] = None
                else:
                    self._take(key, signature(name))

    def _take(self, key: str, sign: Signature) -> None:
        if not sign.words:
            return
        self._said.setdefault(_Said(sign.words, sign.size), {})[key] = None
        told = sign.size or _nominal_sizes().get(key.casefold())
        self._undated.setdefault(_Said(sign.words, told), {})[key] = None
        self._undated.setdefault(_Said(sign.undated, told), {})[key] = None
        if sign.size is None:
            self._undated.setdefault(_Said(sign.undated, None), {})[key] = None

    def key(self, name: str) -> str | None:
        """The key that ``name`` means, or None when none or several could be meant.

        A name that says nothing of chat or instruct means the answering variant in prose and in Ollama's
        tags; in a repository's name it means the raw checkpoint. Prose and tags may leave out the date of a
        release and the active parameters, as long as no other model bears the shorter name. A tag's meaning
        is not that of its words in prose: ``mistral:7b`` is one version, "Mistral 7B" may be any of them.
        """
        if name in self._keys:
            return name
        spelt = list(self._spelt.get(name.strip().casefold(), ()))
        if len(spelt) == 1:
            return spelt[0]
        wanted = signature(name)
        if not wanted.words:
            return None
        said = _Said(wanted.words, wanted.size)
        like = list(self._tagged.get(said, ())) if ":" in name else []
        like = like or list(self._said.get(said, ()))
        if "/" in name:
            return _only([key for key in like if signature(key).chat == wanted.chat])
        if not like and wanted.undated == wanted.words and said not in _members():
            like = list(self._undated.get(said, ()))
        answering = [key for key in like if signature(key).chat]
        return _only(answering or like)


def _only(keys: Sequence[str]) -> str | None:
    return keys[0] if len(keys) == 1 else None


@cache
def _nominal_sizes() -> dict[str, str]:
    """Nominal sizes of known models whose names tell none: ``microsoft/phi-4`` → ``14b``."""
    members = (member for family in families().families for member in family.members)
    return {member.repo.casefold(): f"{member.size:g}b" for member in members}


@cache
def _members() -> frozenset[_Said]:
    """What the names of known models say: nothing else may be taken for one of them."""
    signs = (signature(member.repo) for family in families().families for member in family.members)
    return frozenset(_Said(sign.words, sign.size) for sign in signs)


def canonical_key(name: str, known: Collection[str] | Mapping[str, Sequence[str]]) -> str | None:
    """The key among ``known`` that ``name`` means; see :class:`KnownNames`, faster for many names."""
    return KnownNames(known).key(name)


def family_of(name: str, patterns: Sequence[FamilyPattern]) -> str | None:
    """Key of the family that a repository or tag belongs to; the longest match wins, then the earlier family.

    A distilled or fine-tuned model that names two families (``DeepSeek-R1-Distill-Llama-8B``) belongs to the
    one whose pattern matches more of its name.
    """
    bare = name.strip()[:200].rsplit("/", 1)[-1].lower()
    best: tuple[int, str] | None = None
    for entry in patterns:
        for pattern in entry.patterns:
            found = re.search(pattern, bare)
            if found and found.group() and (best is None or len(found.group()) > best[0]):
                best = (len(found.group()), entry.family)
    return best[1] if best else None


def same_family(one: str, other: str, patterns: Sequence[FamilyPattern] = ()) -> bool:
    """Whether two repositories or tags are of one family; by their first word where no pattern knows them."""
    first, second = family_of(one, patterns), family_of(other, patterns)
    if first is not None or second is not None:
        return first == second
    return _first_word(one) == _first_word(other) != ""


def _first_word(name: str) -> str:
    found = re.match(r"[a-z]+", name.strip().rsplit("/", 1)[-1].lower())
    return found.group() if found else ""
