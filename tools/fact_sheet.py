"""Facts on one candidate from one page, each with its field or its quote."""

from __future__ import annotations

from tools.facts import Fact, Factor, Source, SourceKind, Value, content_hash, quote_is_in
from tools.web.page import Page
from tools.web.text import is_html, readable_text

LONGEST_NOTE = 300
LARGEST = 2**63
"""A number from here on counts nothing that there is, and would break whatever reckons with it."""


class FactSheet:
    """Collects facts; each value of a factor once, and no quote that does not stand in the page."""

    def __init__(self, candidate: str, page: Page, kind: SourceKind, *, prefix: str = "") -> None:
        self.candidate = candidate
        self.text = readable_text(page)
        self.all: list[Fact] = []
        self._page = page
        self._kind = kind
        self._prefix = prefix
        self._hash = content_hash(self.text) if is_html(page) else page.content_hash

    def field(
        self, factor: Factor, value: Value, name: str, kind: SourceKind | None = None, *, note: str = ""
    ) -> None:
        """A fact from the record's field ``name``."""
        self._add(factor, value, kind, note, record_field=self._prefix + name)

    def quote(self, factor: Factor, value: Value, words: str, *, note: str = "") -> None:
        """A fact from ``words`` of the page; nothing when they do not stand in it."""
        if quote_is_in(words, self.text):
            self._add(factor, value, None, note, quote=words)

    def count(self, factor: Factor) -> int:
        return sum(fact.factor is factor for fact in self.all)

    def _add(
        self,
        factor: Factor,
        value: Value,
        kind: SourceKind | None,
        note: str,
        *,
        quote: str | None = None,
        record_field: str | None = None,
    ) -> None:
        if any(fact.factor is factor and fact.value == value for fact in self.all):
            return
        if isinstance(value, int | float) and not abs(value) < LARGEST:
            return
        source = Source(
            url=self._page.url,
            kind=kind or self._kind,
            retrieved_at=self._page.retrieved_at,
            content_hash=self._hash,
            quote=quote,
            record_field=record_field,
        )
        self.all.append(
            Fact(
                candidate=self.candidate,
                factor=factor,
                value=value,
                source=source,
                note=note if len(note) <= LONGEST_NOTE else note[: LONGEST_NOTE - 1] + "…",
            )
        )
