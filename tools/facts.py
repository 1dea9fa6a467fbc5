"""Facts about candidates: a value, and where it was read.

No fact without a source (design, invariant 1). Sources that differ are both kept, and a stated precedence
chooses the one displayed (invariant 2).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

Value = str | int | float | bool


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


ROUNDING = {Factor.PARAMETERS: 0.02}
"""Share by which two values of a factor may differ and still agree: ``8.2B`` is 8,190,735,360 rounded."""


class Settled(NamedTuple):
    """The value displayed for a factor, with everything that disagrees with it."""

    fact: Fact
    contradicting: tuple[Fact, ...]


def content_hash(text: str) -> str:
    """``sha256:`` and the hexadecimal digest of ``text`` in UTF-8."""
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def quote_is_in(quote: str, text: str) -> bool:
    """Whether ``quote`` stands in ``text``, white space folded; an empty quote stands nowhere."""
    folded = " ".join(quote.split())
    return bool(folded) and folded in " ".join(text.split())


def settle(facts: Iterable[Fact]) -> Settled | None:
    """Choose the fact displayed among facts on one factor of one candidate.

    Precedence is :class:`SourceKind`; within one kind the newest reading wins, then the URL's order, so that
    the choice never depends on the order of arrival. Facts with another value are returned beside it.
    """
    ranked = sorted(facts, key=lambda f: (f.source.kind, -f.source.retrieved_at.timestamp(), f.source.url))
    if not ranked:
        return None
    first = ranked[0]
    return Settled(first, tuple(fact for fact in ranked[1:] if not _agree(first, fact)))


def _agree(one: Fact, other: Fact) -> bool:
    slack = ROUNDING.get(one.factor)
    if slack is not None and isinstance(one.value, int | float) and isinstance(other.value, int | float):
        return abs(one.value - other.value) <= slack * max(abs(one.value), abs(other.value))
    return one.value == other.value


def settle_all(facts: Sequence[Fact]) -> dict[tuple[str, Factor], Settled]:
    """:func:`settle` for every candidate and factor that ``facts`` speak of."""
    groups: dict[tuple[str, Factor], list[Fact]] = {}
    for fact in facts:
        groups.setdefault((fact.candidate, fact.factor), []).append(fact)
    return {key: settled for key, group in groups.items() if (settled := settle(group)) is not None}
