"""Facts about candidates: a value, and where it was read.

No fact without a source (design, invariant 1). Sources that differ are both kept, and a stated precedence
chooses the one displayed (invariant 2).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any, NamedTuple
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tools import same_value

Value = same_value.Value


class Factor(StrEnum):
    """What can be known about a candidate. Sizes are exact bytes; parameters and contexts are integers."""

    PARAMETERS = "parameters"
    LICENCE = "licence"
    CONTEXT_NATIVE = "context_native"
    CONTEXT_EXTENDED = "context_extended"
    RELEASE_DATE = "release_date"
    REPOSITORY_CREATED = "repository_created"
    ARCHITECTURE_FOCUS = "architecture_focus"
    BASE_MODEL = "base_model"
    GGUF_REPO = "gguf_repo"
    GGUF_FILE = "gguf_file"
    GGUF_BYTES = "gguf_bytes"
    GGUF_SHA256 = "gguf_sha256"
    OLLAMA_TAG = "ollama_tag"
    OLLAMA_BYTES = "ollama_bytes"
    OLLAMA_DIGEST = "ollama_digest"
    OLLAMA_QUANTIZATION = "ollama_quantization"
    DOWNLOADS = "downloads"
    LIKES = "likes"
    LAST_MODIFIED = "last_modified"
    GATED = "gated"
    LANGUAGES = "languages"
    """ISO 639-1 codes that the card names, in lower case, separated by ", "."""
    SECURITY = "security"
    """What the Hub's scanners say of the repository's files: ``safe``, or what they found."""
    OPEN_ISSUES = "open_issues"
    """Discussions on the Hub that are open; pull requests left out."""
    CACHE_BYTES = "cache_bytes"
    """Key-value cache of one token in 16 bits, from the model's own dimensions."""


class SourceKind(IntEnum):
    """Who says so. The smaller number wins when sources differ."""

    ARTEFACT = 1
    """The artefact's own metadata: safetensors count, GGUF header, registry manifest."""
    MAKER = 2
    """The maker's config file or model card, or the Hub's record of the maker's repository."""
    VENDOR = 3
    """Documentation of a vendor who serves or packages the model."""
    THIRD_PARTY = 4
    """Anybody else."""


class Source(BaseModel):
    """Where something was read, exactly enough to read it again and to notice that it has changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    kind: SourceKind
    retrieved_at: datetime
    content_hash: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")
    """SHA-256 of the stored text of the page or record."""
    quote: str | None = None
    """Verbatim words from the stored text."""
    record_field: str | None = None
    """Path of a field in a structured record, such as ``safetensors.total``."""

    @model_validator(mode="after")
    def _says_where(self) -> Source:
        if not self.quote and not self.record_field:
            raise ValueError("a source names a verbatim quote or a record field")
        return self


class Fact(BaseModel):
    """One value of one factor of one candidate, from one source."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    candidate: str
    """Key of the candidate: its Hub repository, such as ``Qwen/Qwen3-8B``."""
    factor: Factor
    value: Value
    source: Source
    note: str = Field(default="", max_length=300)
    """How the value was read, where a rule was needed: ``yarn: the original length is native``."""


AGREEMENT: dict[Factor, Callable[[Value, Value], bool]] = {
    Factor.PARAMETERS: same_value.same_count,
    Factor.CACHE_BYTES: same_value.same_count,
    Factor.CONTEXT_NATIVE: same_value.same_length,
    Factor.CONTEXT_EXTENDED: same_value.same_length,
    Factor.LICENCE: same_value.same_licence,
    Factor.RELEASE_DATE: same_value.same_day,
    Factor.REPOSITORY_CREATED: same_value.same_day,
    Factor.LANGUAGES: same_value.same_list,
    Factor.ARCHITECTURE_FOCUS: same_value.same_focus,
    Factor.BASE_MODEL: same_value.same_name,
}
"""How two values of a factor are compared; those of other factors are the same or they are not."""
MOMENTARY = frozenset({Factor.DOWNLOADS, Factor.LIKES, Factor.LAST_MODIFIED, Factor.OPEN_ISSUES})
"""Counts that change by themselves: an older reading is old, and contradicts nothing."""
SEVERAL = frozenset({Factor.BASE_MODEL})
"""Factors of which one record may rightly name several."""
DATES = frozenset({Factor.RELEASE_DATE, Factor.REPOSITORY_CREATED})
"""Factors of which the longer value tells more."""
CONTEXTS = frozenset({Factor.CONTEXT_NATIVE, Factor.CONTEXT_EXTENDED})


class Settled(NamedTuple):
    """The value displayed for a factor, with everything that disagrees with it."""

    fact: Fact
    contradicting: tuple[Fact, ...]


def content_hash(text: str) -> str:
    """``sha256:`` and the hexadecimal digest of ``text`` in UTF-8."""
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def quote_is_in(quote: str, text: str) -> bool:
    """Whether ``quote`` stands in ``text``, white space folded; an empty quote stands nowhere."""
    if not quote.strip():
        return False
    return quote in text or " ".join(quote.split()) in " ".join(text.split())


def settle(facts: Iterable[Fact]) -> Settled | None:
    """Choose the fact displayed among facts on one factor of one candidate; the others are returned beside it
    where they disagree.

    Precedence is :class:`SourceKind`; within one kind the candidate's own repository, then the newest
    reading, then a value that was read plainly before one that needed a rule. The order of arrival never
    matters. What an address said before its text changed is no second opinion, and is left out. Three
    factors have a precedence of their own:

    - licence: the field that the Hub reads comes before any line of a card;
    - context: a header or a config holds the length that a runtime may allocate, head-room, scaling and
      placeholders included, so the maker's words on the trained length come first;
    - architecture focus: what a model was trained for (code, mathematics, a domain) before its manner.
    """
    ranked = sorted(_current(facts), key=_rank)
    if not ranked:
        return None
    first = ranked[0]
    return Settled(first, tuple(fact for fact in ranked[1:] if not _agree(first, fact)))


def _current(facts: Iterable[Fact]) -> list[Fact]:
    """Facts but for those of a text that its address has since replaced."""
    facts = list(facts)
    newest: dict[str, Source] = {}
    for source in (fact.source for fact in facts):
        known = newest.setdefault(source.url, source)
        if source.retrieved_at > known.retrieved_at:
            newest[source.url] = source
    return [
        fact
        for fact in facts
        if fact.source.retrieved_at == (last := newest[fact.source.url]).retrieved_at
        or fact.source.content_hash == last.content_hash
    ]


def _rank(fact: Fact) -> tuple[Any, ...]:
    source, value = fact.source, fact.value
    return (
        _comes_later(fact),
        source.kind,
        fact.factor not in MOMENTARY and fact.candidate.casefold() not in unquote(source.url).casefold(),
        fact.factor is Factor.LICENCE and source.record_field is None,
        -source.retrieved_at.timestamp(),
        bool(fact.note),
        value if isinstance(value, int | float) else len(value) * (-1 if fact.factor in DATES else 1),
        str(value),
        source.url,
        source.record_field or "",
        source.quote or "",
        fact.note,
        source.content_hash,
    )


def _comes_later(fact: Fact) -> bool:
    if fact.factor in CONTEXTS:
        return fact.source.kind is not SourceKind.MAKER or not fact.source.quote
    return fact.factor is Factor.ARCHITECTURE_FOCUS and fact.value not in same_value.TOPICS


def _agree(one: Fact, other: Fact) -> bool:
    if one.factor in MOMENTARY or (one.factor in SEVERAL and one.source.url == other.source.url):
        return True
    same = AGREEMENT.get(one.factor)
    return one.value == other.value or (same is not None and same(one.value, other.value))


def settle_all(facts: Sequence[Fact]) -> dict[tuple[str, Factor], Settled]:
    """:func:`settle` for every candidate and factor that ``facts`` speak of."""
    groups: dict[tuple[str, Factor], list[Fact]] = {}
    for fact in facts:
        groups.setdefault((fact.candidate, fact.factor), []).append(fact)
    return {key: settled for key, group in groups.items() if (settled := settle(group)) is not None}
