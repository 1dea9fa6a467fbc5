"""Where a quote stands in the stored text of its page, with what surrounds it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from sqlalchemy.orm import Session

from agent.excerpts import Excerpt, find
from store.reading import page_text
from tools.agreement import RULES
from tools.escape import clean
from tools.facts import CONTEXTS, Fact, Factor, Source
from tools.table_notes import PRECEDENCE

AROUND: Final = 300
"""Characters shown on each side of a quote."""
LONGEST: Final = 2000
"""Characters of a quote or of a field that are shown."""

FACTORS: Final = {
    Factor.GGUF_REPO: "GGUF repository",
    Factor.GGUF_FILE: "GGUF file",
    Factor.GGUF_BYTES: "GGUF size in bytes",
    Factor.GGUF_SHA256: "GGUF SHA-256",
    Factor.OLLAMA_TAG: "Ollama tag",
    Factor.OLLAMA_BYTES: "Ollama size in bytes",
    Factor.OLLAMA_DIGEST: "Ollama digest",
    Factor.OLLAMA_QUANTIZATION: "Ollama quantization",
    Factor.CONTEXT_NATIVE: "native context",
    Factor.CONTEXT_EXTENDED: "extended context",
    Factor.CACHE_BYTES: "cache in bytes a token",
    Factor.DOWNLOADS: "downloads in 30 days",
}


def factor_name(factor: Factor) -> str:
    return FACTORS.get(factor, factor.value.replace("_", " "))


class SourceView(NamedTuple):
    """A source as it is shown."""

    source: Source
    who: str
    """Who says so."""
    excerpt: Excerpt | None
    """The quote in its place; None for a record field, or when the stored page is not there any more."""
    quote: str
    field: str
    raw: str
    """What the record holds at that field; empty when it was not found there."""
    missing: bool
    """Whether the stored text is not there any more."""


class FactView(NamedTuple):
    fact: Fact
    name: str
    value: str
    source: SourceView
    why: str
    """Why another value than this one is displayed; empty for the one displayed."""


class FactGroup(NamedTuple):
    """All that is said of one factor."""

    factor: Factor
    name: str
    shown: tuple[FactView, ...]
    differing: tuple[FactView, ...]
    otherwise: tuple[FactView, ...]
    same_because: str
    """Why the values said differently are the same."""
    agreeing: tuple[FactView, ...] = ()
    """Other sources of the value displayed."""


def shown(quote: str, text: str) -> Excerpt | None:
    """``quote`` in ``text`` for the screen; None where it does not stand."""
    found = find(quote, text, AROUND)
    if found is None:
        return None
    return found._replace(
        before=_plain(found.before), found=_plain(found.found[:LONGEST]), after=_plain(found.after)
    )


def _plain(text: str) -> str:
    return re.sub(r"\n{3,}", "\n\n", clean(text, lines=True))


class Reader:
    """Reads sources with the stored texts that they cite, each text once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._texts: dict[str, str | None] = {}
        self._records: dict[str, Any] = {}

    def source(self, source: Source) -> SourceView:
        text = self._text(source.content_hash)
        quote = (source.quote or "")[:LONGEST]
        return SourceView(
            source=source,
            who=PRECEDENCE[int(source.kind)],
            excerpt=shown(source.quote, text) if source.quote and text is not None else None,
            quote=clean(quote, lines=True),
            field=clean(source.record_field or ""),
            raw=self._raw(source, text) if source.record_field and text is not None else "",
            missing=text is None,
        )

    def fact(self, fact: Fact, why: str = "") -> FactView:
        return FactView(fact, factor_name(fact.factor), said(fact), self.source(fact.source), why)

    def groups(
        self,
        shown: Iterable[Fact],
        differing: Iterable[Fact],
        otherwise: Iterable[Fact],
        agreeing: Iterable[Fact] = (),
    ) -> tuple[FactGroup, ...]:
        """Facts by factor, in the order in which the displayed ones stand."""
        shown, differing, otherwise, agreeing = map(tuple, (shown, differing, otherwise, agreeing))
        order = dict.fromkeys(fact.factor for fact in (*shown, *differing, *otherwise))
        return tuple(self._group(factor, shown, differing, otherwise, agreeing) for factor in order)

    def _group(self, factor: Factor, *kinds: tuple[Fact, ...]) -> FactGroup:
        shown, differing, otherwise, agreeing = (
            tuple(fact for fact in kind if fact.factor is factor) for kind in kinds
        )
        first = shown[0] if shown else None
        return FactGroup(
            factor=factor,
            name=factor_name(factor),
            shown=tuple(self.fact(fact) for fact in shown),
            differing=tuple(self.fact(fact, "" if first is None else why(first, fact)) for fact in differing),
            otherwise=tuple(self.fact(fact) for fact in otherwise),
            same_because=RULES.get(factor, ""),
            agreeing=tuple(self.fact(fact) for fact in agreeing),
        )

    def _text(self, digest: str) -> str | None:
        if digest not in self._texts:
            self._texts[digest] = page_text(self._session, digest)
        return self._texts[digest]

    def _raw(self, source: Source, text: str) -> str:
        if source.content_hash not in self._records:
            try:
                self._records[source.content_hash] = json.loads(text)
            except (ValueError, RecursionError):
                self._records[source.content_hash] = None
        found = at_field(self._records[source.content_hash], source.record_field or "")
        return "" if found is None else clean(json.dumps(found, ensure_ascii=False)[:LONGEST])


def at_field(record: Any, path: str) -> Any:
    """What a record holds at ``safetensors.total``, or at ``[owner/name].tags`` of a list; None when nothing.

    Keys may have dots themselves (``llama.context_length``); of a list without a name every item is taken.
    """
    named = re.match(r"\[([^\]]{1,200})\]\.?", path)
    if named is not None:
        if not isinstance(record, list):
            return None
        ours = (one for one in record if isinstance(one, dict) and one.get("id") == named.group(1))
        return at_field(next(ours, None), path[named.end() :])
    if not path or record is None:
        return record
    if isinstance(record, list):
        found = [at_field(one, path) for one in record[:50]]
        return [one for one in found if one is not None] or None
    if not isinstance(record, dict):
        return None
    if path in record:
        return record[path]
    parts = path.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        head = ".".join(parts[:cut])
        if head in record:
            return at_field(record[head], ".".join(parts[cut:]))
    return None


def said(fact: Fact) -> str:
    """The value for a person: counts with commas."""
    value = fact.value
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return clean(str(value))[:LONGEST]


def why(shown: Fact, other: Fact) -> str:
    """By which rule ``shown`` is displayed and not ``other``; the rules of :func:`tools.facts.settle`."""
    one, two = shown.source, other.source
    if shown.factor in CONTEXTS and _in_words(shown) and not _in_words(other):
        return (
            "The maker's words on the trained length come first, since a config or header may hold head-room "
            "and scaling."
        )
    if one.kind != two.kind:
        better, worse = PRECEDENCE[min(one.kind, two.kind)], PRECEDENCE[max(one.kind, two.kind)]
        return f"{better[0].upper()}{better[1:]} comes before {worse}."
    own = [fact.candidate.casefold() in fact.source.url.casefold() for fact in (shown, other)]
    if own[0] and not own[1]:
        return "Among sources of one kind the candidate's own repository comes first."
    if one.retrieved_at > two.retrieved_at:
        return "Among equal sources the newest reading comes first."
    if other.note and not shown.note:
        return "A value that was read plainly comes before one that needed a rule."
    return "Both sources are equally good; a fixed order decides, so that the table is the same every time."


def _in_words(fact: Fact) -> bool:
    return int(fact.source.kind) == 2 and bool(fact.source.quote)
