"""From pages to claims about candidates in the domain, by rules; no model is asked.

A sentence or table row counts when it names exactly one candidate, and a domain word or a fitting benchmark.
Which way it speaks is read from cue words; a sentence without any is no claim. Text that tries to instruct
its reader is kept as suspicious, and never counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from tools.candidates import Claim, ClaimKind, Stance
from tools.evidence_rules import evidence_rules
from tools.facts import Source, SourceKind, content_hash, quote_is_in
from tools.web.page import Page

MAX_TEXT = 400_000
MAX_QUOTE = 600
MAX_CLAIMS = 60
SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]?\s+(?=[A-Z0-9\"'(\[*_])")

INJECTION = re.compile(
    r"(?:ignore|disregard|forget|override)\s+(?:all\s+|any\s+|the\s+|your\s+|these\s+|those\s+)*"
    r"(?:previous|prior|above|earlier|other|system)?\s*(?:instructions?|prompts?|rules|guidelines|criteria)|"
    r"\b(?:rate|give|score|rank|award|mark)\s+(?:this|the|our|it|[\w./:-]{2,60})(?:\s+model)?\s+(?:as\s+|with\s+)?"
    r"(?:a\s+)?(?:five|5|10|ten|full|maximum|top|highest|perfect|first|number one|100)\b[\s/\w-]{0,20}"
    r"(?:stars?|marks?|score|points?|rating|out of|place|percent|%)|"
    r"\byou (?:are|must|should|will) (?:now |always )?(?:an? )?"
    r"(?:AI|assistant|language model|rate|recommend|choose|select)\b|"
    r"\b(?:as an AI|dear (?:AI|LLM|model|assistant|agent)|attention[:,]? (?:AI|LLM|agents?|assistants?))\b|"
    r"\bsystem\s*(?:prompt|message)\s*:|<\|?(?:im_start|system|assistant|user)\|?>|\[/?INST\]|"
    r"\bdo not (?:mention|tell|reveal|cite|show)\b.{0,60}\b(?:user|human|person|anyone)\b",
    re.IGNORECASE,
)
FIGURE = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d+)?\s?%|(?<![\w.])\d{1,4}(?:\.\d+)?(?![\w.])")
DATED = re.compile(
    r"\b(?:published|posted|updated|written|date|dated)\b[^\d\n]{0,20}(\d{4})-(\d{2})-(\d{2})\b",
    re.IGNORECASE,
)


class _Name(NamedTuple):
    key: str
    pattern: re.Pattern[str]


class _Span(NamedTuple):
    key: str
    start: int
    end: int


def claims_from_page(
    page: Page,
    text: str,
    *,
    candidate_names: Mapping[str, Sequence[str]],
    domain_words: Sequence[str],
    source_kind: SourceKind = SourceKind.THIRD_PARTY,
    benchmarks: Sequence[str] = (),
    about: str | None = None,
) -> list[Claim]:
    """Claims that ``text`` (the stored text of ``page``) makes about candidates; at most ``MAX_CLAIMS``.

    ``candidate_names`` maps a candidate's key to the names it goes by. ``benchmarks`` fit the domain and
    count without a domain word (EQ-Bench for therapy). ``about`` is the candidate whose own card the page is:
    there, a sentence that names no candidate speaks of it. ``source_kind`` MAKER makes the claims the
    maker's own.
    """
    names = _compiled(tuple((key, tuple(values)) for key, values in candidate_names.items()))
    topic = _topic(domain_words, benchmarks)
    bounded = text[:MAX_TEXT]
    hashed = content_hash(text)
    claims: list[Claim] = []
    for quote in _units(bounded):
        suspicious = is_suspicious(quote)
        if not suspicious and not topic.search(quote):
            continue
        named = {span.key for span in _spans(quote, names)} or ({about} if about else set())
        key = named.pop() if len(named) == 1 else None
        if key is None or not quote_is_in(quote, text):
            continue
        stance = Stance.FOR if suspicious else stance_of(quote)
        if stance is None:
            continue
        source = Source(
            url=page.url, kind=source_kind, retrieved_at=page.retrieved_at, content_hash=hashed, quote=quote
        )
        claims.append(
            Claim(
                candidate=key,
                stance=stance,
                kind=_kind(page, quote, source_kind, benchmarks),
                summary=_summary(key, stance, page, suspicious=suspicious),
                dated=_dated(bounded),
                suspicious=suspicious,
                source=source,
            )
        )
        if len(claims) >= MAX_CLAIMS:
            break
    return claims


def distinct(claims: Iterable[Claim]) -> list[Claim]:
    """Claims with copies left out: the same words about the same candidate count once, wherever they stand.

    Of copies the strongest kind of source is kept, then the earliest dated, then the first by address. A copy
    inside a longer quote is a copy too.
    """
    ranked = sorted(claims, key=lambda c: (c.source.kind, c.dated or date.max, c.source.url))
    kept: dict[str, list[tuple[str, Claim]]] = {}
    for claim in ranked:
        words = normalised(claim.source.quote or "")
        mine = kept.setdefault(claim.candidate, [])
        if not any(words == other or _copied(words, other) for other, _ in mine):
            mine.append((words, claim))
    return [claim for group in kept.values() for _, claim in group]


def _copied(one: str, other: str) -> bool:
    shorter, longer = sorted((one, other), key=len)
    return len(shorter) >= 60 and shorter in longer


def normalised(quote: str) -> str:
    """Letters and figures of a quote, in lower case, one space between words."""
    return " ".join(re.findall(r"[^\W_]+", quote.casefold()))


def is_suspicious(text: str) -> bool:
    """Whether a text tries to instruct whoever reads it."""
    return INJECTION.search(text) is not None


def stance_of(quote: str) -> Stance | None:
    """Which way a sentence speaks, by cue words; a negated cue speaks the other way; None without any cue."""
    for_it = against = 0
    rules = evidence_rules()
    for pattern, positive in ((rules.for_it, True), (rules.against, False)):
        for found in pattern.finditer(quote):
            negated = rules.negation.search(quote[max(0, found.start() - 40) : found.start()]) is not None
            if positive != negated:
                for_it += 1
            else:
                against += 1
    if for_it and against:
        return Stance.MIXED
    if for_it or against:
        return Stance.FOR if for_it else Stance.AGAINST
    return Stance.MIXED if _is_row(quote) and FIGURE.search(quote) else None


def _units(text: str) -> Iterator[str]:
    """Sentences and table rows, each as it stands in the text."""
    for line in text.splitlines():
        shown = line.strip()
        if not shown:
            continue
        parts = [shown] if _is_row(shown) else SENTENCE_END.split(shown[:20_000])
        for part in parts:
            unit = part.strip()
            if 12 <= len(unit) <= MAX_QUOTE:
                yield unit


def _is_row(line: str) -> bool:
    return line.count("|") >= 1


@lru_cache(maxsize=64)
def _compiled(names: tuple[tuple[str, tuple[str, ...]], ...]) -> tuple[_Name, ...]:
    found = []
    for key, values in names:
        forms = {key, key.rsplit("/", 1)[-1], *values}
        patterns = {_name_pattern(form) for form in forms if len(form.strip()) >= 3} - {""}
        if patterns:
            joined = "|".join(sorted(patterns, key=lambda pattern: (-len(pattern), pattern)))
            found.append(_Name(key, re.compile(rf"(?<![\w.-])(?:{joined})(?!\w|\.\d|[-_]\w)", re.IGNORECASE)))
    return tuple(found)


def _name_pattern(name: str) -> str:
    """A name with its separators loosened: ``Qwen3-8B`` also stands as ``Qwen3 8B`` and ``Qwen 3 8B``."""
    parts = re.findall(r"[A-Za-z]+|\d+(?:\.\d+)*|[^\W\d_]+", name[:120])
    return r"[\s_:/-]{0,2}".join(re.escape(part) for part in parts)


def _spans(quote: str, names: Sequence[_Name]) -> list[_Span]:
    """Candidates named in a quote; a name inside a longer one of another candidate does not count."""
    spans = [_Span(n.key, m.start(), m.end()) for n in names for m in n.pattern.finditer(quote)]
    return [
        span
        for span in spans
        if not any(
            other.key != span.key
            and other.start <= span.start
            and span.end <= other.end
            and other.end - other.start > span.end - span.start
            for other in spans
        )
    ]


def _topic(domain_words: Sequence[str], benchmarks: Sequence[str]) -> re.Pattern[str]:
    words = [rf"\b{re.escape(word.strip())}" for word in domain_words if word.strip()]
    words += [re.escape(name) for name in benchmarks]
    return re.compile("|".join(words) or r"(?!)", re.IGNORECASE)


def _kind(page: Page, quote: str, source_kind: SourceKind, benchmarks: Sequence[str]) -> ClaimKind:
    host = (urlsplit(page.url).hostname or "").lower()
    rules = evidence_rules()
    words = quote.casefold()
    measured = "benchmark" in words or any(name.casefold() in words for name in benchmarks)
    if source_kind is SourceKind.MAKER:
        return ClaimKind.MAKER
    if rules.is_study_host(host) or rules.study.search(quote):
        return ClaimKind.STUDY
    return ClaimKind.BENCHMARK if measured and FIGURE.search(quote) else ClaimKind.USER_REPORT


def _summary(key: str, stance: Stance, page: Page, *, suspicious: bool) -> str:
    host = urlsplit(page.url).hostname or "a page"
    if suspicious:
        return f"{host} tries to instruct its reader about {key}; not counted."[:400]
    way = {Stance.FOR: "for", Stance.AGAINST: "against", Stance.MIXED: "both for and against"}[stance]
    return f"{host} speaks {way} {key} in this domain."[:400]


def _dated(text: str) -> date | None:
    """The first full date near the top of the page."""
    found = DATED.search(text[:3000])
    if found is None:
        return None
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None
