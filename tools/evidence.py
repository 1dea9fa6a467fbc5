"""From pages to claims about candidates in the domain, by rules; no model is asked.

A sentence counts when it speaks of a candidate and of the domain or a fitting benchmark. Whom it speaks of:

- the one candidate that it names; of several, those that the grammar tells apart (:mod:`tools.stances`);
- the one that the sentence before it names, when it refers back ("It …"): the quote holds both sentences;
- the one that its heading names, when it refers back and the section names no other model;
- the one whose own card the page is, when it names no model.

Tables of fitting benchmarks are read as tables (:mod:`tools.benchmark_tables`). Text that tries to instruct
its reader is kept as suspicious, with everything else that its page says, and never counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import chain, pairwise
from typing import NamedTuple

from tools.benchmark_tables import MAX_ROWS, RowReading, benchmark_in, read_table
from tools.candidates import Claim, ClaimKind, Quality, Stance
from tools.copies import distinct, normalised
from tools.evidence_rules import evidence_rules
from tools.facts import Source, SourceKind, content_hash
from tools.injection import Reach, is_suspicious, reach_of, without_hidden
from tools.named import Mention, NameIndex, all_models, index_of
from tools.passages import LONGEST, Section, fits, is_row, sections
from tools.provenance import host_of, kind_of, own_date, page_date, quality_of
from tools.stances import FIGURE, asserts, stance_of, stances
from tools.web.page import Page

__all__ = ["PageReader", "Unit", "claims_from_page", "distinct", "is_suspicious", "normalised", "stance_of"]

MAX_TEXT = 400_000
MAX_CLAIMS = 60
NEAR_START = 40
"""Characters within which a sentence names its subject."""
REPEATED = 5
"""Sentences of a page that praise one candidate in nearly the same words; as many are advertising."""
ALIKE = 0.6
"""Share of words that two such sentences have in common."""


def claims_from_page(
    page: Page,
    text: str,
    *,
    candidate_names: Mapping[str, Sequence[str]],
    domain_words: Sequence[str],
    source_kind: SourceKind = SourceKind.THIRD_PARTY,
    benchmarks: Sequence[str] = (),
    about: str | None = None,
    hidden: str = "",
) -> list[Claim]:
    """Claims that ``text`` (the stored text of ``page``) makes about candidates; at most ``MAX_CLAIMS``.

    ``candidate_names`` maps a candidate's key to the names it goes by. ``benchmarks`` fit the domain and
    count without a domain word (EQ-Bench for therapy). ``about`` is the candidate whose own card the page is:
    there, a sentence that names no model speaks of it. ``source_kind`` MAKER makes the claims the maker's
    own. ``hidden`` is text of the page that a reader does not see: when it instructs, or the visible text
    does, every claim of the page is suspicious. Each row or sentence gives one claim a candidate.
    """
    reader = PageReader(
        page,
        text,
        candidate_names=candidate_names,
        domain_words=domain_words,
        source_kind=source_kind,
        benchmarks=benchmarks,
        about=about,
        hidden=hidden,
    )
    return reader.claims()


class Unit(NamedTuple):
    """A sentence or row as it may be quoted."""

    quote: str
    """Verbatim, white space folded; two sentences where the second refers back to the first."""
    mentions: Sequence[Mention]
    """Models it names, candidates and others."""
    subject: str | None = None
    """The candidate that it speaks of without naming it by itself."""
    heading: str = ""
    """The heading that names the subject, where that does."""
    said: str = ""
    """The part that refers back; the stance is read from it."""

    @property
    def candidates(self) -> frozenset[str]:
        """The candidates that it may speak of."""
        named = frozenset().union(*(mention.keys for mention in self.mentions))
        return named or frozenset({self.subject} if self.subject else ())


class PageReader:
    """One page with everything that reading it needs; :func:`claims_from_page` says what the parts are."""

    def __init__(
        self,
        page: Page,
        text: str,
        *,
        candidate_names: Mapping[str, Sequence[str]],
        domain_words: Sequence[str],
        source_kind: SourceKind = SourceKind.THIRD_PARTY,
        benchmarks: Sequence[str] = (),
        about: str | None = None,
        hidden: str = "",
    ) -> None:
        self.page = page
        self._text = text[:MAX_TEXT]
        self._whole = text
        self._hidden = hidden
        self._index: NameIndex = index_of(candidate_names)
        self._topic = _topic(domain_words)
        lowered = self._text.lower()
        self._benchmarks = tuple(
            name for name in benchmarks if re.split(r"[\s-]", name.lower())[0] in lowered
        )
        self._source_kind = source_kind
        self._about = about
        self._may_speak = about is not None or self._index.may_name(lowered)
        self._reach: Reach | None = None
        if self._may_speak:
            concealed = reach_of(hidden) in (Reach.PAGE, Reach.SENTENCE) if hidden else False
            self._reach = Reach.PAGE if concealed else reach_of(self._text)
            self._hash = content_hash(text)
            self._date = page_date(page, self._text)
            self._shown = without_hidden(self._text)

    @property
    def instructs(self) -> bool:
        """Whether the page as a whole tries to instruct its reader."""
        return self._reach is Reach.PAGE

    @property
    def visible(self) -> str:
        """The text without what its reader does not see."""
        return self._shown if self._may_speak else ""

    def suspicious(self, quote: str) -> bool:
        """Whether a quote of this page is not to be counted."""
        return self.instructs or (self._reach is not None and is_suspicious(quote))

    def topical(self, unit: Unit) -> bool:
        """Whether a unit speaks of the domain, itself or in its heading, or of a fitting benchmark."""
        return self._speaks(unit.quote) or (bool(unit.heading) and self._speaks(unit.heading))

    def _speaks(self, text: str) -> bool:
        return (
            self._topic.search(text.lower()) is not None or benchmark_in(text, self._benchmarks) is not None
        )

    def stances(self, unit: Unit) -> dict[str, Stance]:
        """Candidate → stance as far as rules can read it."""
        if unit.subject is None:
            return stances(unit.quote, unit.mentions)
        said = unit.said or unit.quote
        stance = stance_of(said) if asserts(said) else None
        return {unit.subject: stance} if stance else {}

    def claims(self) -> list[Claim]:
        """What rules read, in the order of the text."""
        found: list[Claim] = []
        for section in self._sections():
            for claim in chain(self._prose_claims(section), self._table_claims(section)):
                found.append(claim)
                if len(found) >= MAX_CLAIMS:
                    return _without_flattery(found)
        return _without_flattery(found)

    def units(self) -> Iterator[Unit]:
        """Sentences and rows that may speak of a candidate, in the order of the text."""
        for section in self._sections():
            yield from self._units(section)

    def claim(self, unit: Unit, candidate: str, stance: Stance) -> Claim:
        """The claim that ``unit`` makes, with what code knows of its source."""
        suspicious = self.suspicious(unit.quote)
        benchmark = benchmark_in(unit.quote, self._benchmarks)
        kind = kind_of(
            self.page, unit.quote, self._source_kind, measured=bool(benchmark and FIGURE.search(unit.quote))
        )
        summary = self._summary(candidate, stance, suspicious=suspicious, heading=unit.heading)
        return self._claim(unit.quote, candidate, stance, kind, summary)

    def _claim(self, quote: str, candidate: str, stance: Stance, kind: ClaimKind, summary: str) -> Claim:
        return Claim(
            candidate=candidate,
            stance=stance,
            kind=kind,
            summary=summary[:400],
            dated=own_date(quote, self._today) or self._date,
            suspicious=self.suspicious(quote),
            quality=self._quality,
            source=Source(
                url=self.page.url,
                kind=self._source_kind,
                retrieved_at=self.page.retrieved_at,
                content_hash=self._hash,
                quote=quote,
            ),
        )

    @property
    def _today(self) -> date:
        return self.page.retrieved_at.date()

    @property
    def _quality(self) -> Quality:
        return quality_of(self.page, self._source_kind)

    def _summary(self, candidate: str, stance: Stance, *, suspicious: bool, heading: str) -> str:
        host = host_of(self.page) or "a page"
        if suspicious:
            return f"{host} tries to instruct its reader about {candidate}; not counted."
        way = {Stance.FOR: "for", Stance.AGAINST: "against", Stance.MIXED: "both for and against"}[stance]
        under = f" under “{heading}”" if heading else ""
        return f"{host} speaks {way} {candidate}{under} in this domain."

    def _sections(self) -> Iterator[Section]:
        return sections(self._shown) if self._may_speak else iter(())

    def _prose_claims(self, section: Section) -> Iterator[Claim]:
        for unit in self._units(section):
            if self._reach is not None and is_suspicious(unit.quote):
                if len(unit.candidates) == 1:
                    yield self.claim(unit, min(unit.candidates), Stance.FOR)
            elif self.topical(unit) and not evidence_rules().about_needs.search(unit.quote):
                for candidate, stance in self.stances(unit).items():
                    yield self.claim(unit, candidate, stance)

    def _table_claims(self, section: Section) -> Iterator[Claim]:
        for rows, caption in zip(section.tables, section.captions, strict=True):
            above = f"{section.heading} {caption}"
            readings = read_table(rows, above, index=self._index, benchmarks=self._benchmarks)
            read = {reading.row for reading in readings}
            for reading in readings:
                if fits(reading.row):
                    yield self._table_claim(reading)
            for row in rows[:MAX_ROWS]:
                if row not in read and fits(row):
                    yield from self._row_claims(row)

    def _table_claim(self, reading: RowReading) -> Claim:
        maker = self._source_kind is SourceKind.MAKER
        kind = ClaimKind.MAKER if maker else ClaimKind.BENCHMARK
        return self._claim(reading.row, reading.candidate, reading.stance, kind, f"{reading.summary}.")

    def _row_claims(self, row: str) -> Iterator[Claim]:
        """A row outside of tables that can be read: one model, the domain, and cues or a figure."""
        if not self._speaks(row) or not self._index.may_name(row.lower()):
            return
        unit = Unit(row, all_models(row, self._index))
        if len(unit.candidates) == 1:
            for candidate, stance in self.stances(unit).items():
                yield self.claim(unit, candidate, stance)

    def _units(self, section: Section) -> Iterator[Unit]:
        owner = self._owner(section)
        for paragraph in section.paragraphs:
            before: Unit | None = None
            for sentence, later in pairwise([*paragraph, ""]):
                useful = len(sentence) <= LONGEST and self._counts(sentence, later)
                unit = self._unit(sentence, owner, section.heading, before) if useful else None
                if unit is not None and fits(unit.quote):
                    yield unit
                before = unit

    def _counts(self, sentence: str, later: str) -> bool:
        """Whether a sentence can be of use, itself or for the one after it that refers back; cheap."""
        refers = evidence_rules().refers
        return (
            self._reach is not None
            or self._speaks(sentence)
            or refers.match(sentence) is not None
            or refers.match(later) is not None
        )

    def _unit(self, sentence: str, owner: str | None, heading: str, before: Unit | None) -> Unit | None:
        """A sentence as something that may speak of a candidate; None when it does not."""
        if self._index.may_name(sentence.lower()):
            mentions = all_models(sentence, self._index)
            if any(mention.keys for mention in mentions):
                return Unit(sentence, mentions)
        refers = evidence_rules().refers.match(sentence) is not None
        if (not refers and self._about is None) or self._others_in(sentence):
            return None
        if before is not None and refers:
            return self._after(before, sentence)
        if owner is not None and refers:
            return Unit(sentence, (), subject=owner, heading=heading)
        return Unit(sentence, (), subject=self._about) if self._about else None

    def _after(self, before: Unit, sentence: str) -> Unit | None:
        """A sentence that refers back to the one before it, quoted with it."""
        if before.subject is not None or len(before.mentions) != 1 or len(before.candidates) != 1:
            return None
        named = before.mentions[0]
        rest = before.quote[: named.start] + " " + before.quote[named.end :]
        quote = f"{before.quote} {sentence}"
        alone = self.topical(before) and self.stances(before)
        if named.start > NEAR_START or self._others_in(rest) or alone or len(quote) > LONGEST:
            return None
        return Unit(quote, before.mentions, subject=min(before.candidates), said=sentence)

    def _owner(self, section: Section) -> str | None:
        """The candidate that a section is about: the only model that its heading and its text name."""
        if not section.heading or not self._index.may_name(section.heading.lower()):
            return None
        named = all_models(section.heading, self._index)
        keys = frozenset().union(*(mention.keys for mention in named))
        if len(keys) != 1 or any(not mention.keys for mention in named):
            return None
        text = [sentence for paragraph in section.paragraphs for sentence in paragraph]
        text += [row for table in section.tables for row in table]
        alone = all(not self._others_in(sentence, besides=keys) for sentence in text)
        return min(keys) if alone else None

    def _others_in(self, sentence: str, besides: frozenset[str] = frozenset()) -> bool:
        """Whether a sentence names a model, or a family of models, other than ``besides``."""
        rest = sentence
        for mention in reversed(self._index.find(sentence)):
            if not mention.keys or mention.keys - besides:
                return True
            rest = rest[: mention.start] + " " + rest[mention.end :]
        return _FAMILY.search(rest.lower()) is not None and any(
            word in evidence_rules().family_words for word in re.findall(r"[a-z.]+", rest.lower())
        )


_FAMILY = re.compile(r"[a-z]{3}")


def _topic(domain_words: Sequence[str]) -> re.Pattern[str]:
    words = [re.escape(word.strip().lower()) for word in domain_words if word.strip()]
    return re.compile(rf"\b(?:{'|'.join(words) or '(?!)'})")


def _without_flattery(claims: list[Claim]) -> list[Claim]:
    """Praise of one candidate repeated in nearly the same words is advertising: all of it is suspicious."""
    praise: dict[str, list[frozenset[str]]] = {}
    for claim in claims:
        quote = claim.source.quote or ""
        if claim.stance is Stance.FOR and not is_row(quote):
            praise.setdefault(claim.candidate, []).append(frozenset(normalised(quote).split()))
    flattered = {
        candidate: most
        for candidate, said in praise.items()
        if (most := max(sum(_alike(one, other) for other in said) for one in said)) >= REPEATED
    }
    return [_flattering(claim, flattered.get(claim.candidate)) for claim in claims]


def _flattering(claim: Claim, times: int | None) -> Claim:
    if times is None or claim.suspicious:
        return claim
    summary = f"The page praises {claim.candidate} {times} times in nearly the same words; not counted."
    return claim.model_copy(update={"suspicious": True, "summary": summary[:400]})


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one & other) >= ALIKE * len(one | other)
