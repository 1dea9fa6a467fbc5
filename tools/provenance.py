"""What kind of evidence a claim is, how far its source answers for it, and when it was said."""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from tools.candidates import ClaimKind, Quality
from tools.dates import dates_in
from tools.evidence_rules import evidence_rules, forms, words_pattern
from tools.facts import SourceKind
from tools.web.page import Page

TOP: Final = 3_000
"""Characters of a page in which its own date is looked for."""
HEAD: Final = 60_000
"""Characters of HTML in which a machine-readable date is looked for."""
NEAR: Final = 24
"""Characters between a word such as "published" and the date."""
META = re.compile(
    r"(?:article:published_time|datePublished|date[_.-]?published|dc\.date(?:\.issued)?|citation_publication_date)"
    r"[\"'\s:=>]{1,12}(?:content[\"'\s=]{1,6})?\"?(\d{4})[-/](\d{2})[-/](\d{2})"
    r"|content\s*=\s*[\"'](\d{4})-(\d{2})-(\d{2})[^\"']{0,40}[\"'][^<>]{0,80}article:published_time",
    re.IGNORECASE,
)
ARXIV = re.compile(r"arxiv\.org/(?:abs|pdf|html)/(\d{2})(0[1-9]|1[0-2])\.\d{4,5}", re.IGNORECASE)
IN_PATH = re.compile(r"/(\d{4})[/-](0[1-9]|1[0-2])(?:[/-](0[1-9]|[12]\d|3[01]))?(?=[/-]|$)")
AGO = re.compile(r"\b(\d{1,3}|an?)\s+(minute|hour|day|week|month|year)s?\s+ago\b", re.IGNORECASE)
DAYS: Final = {"minute": 0, "hour": 0, "day": 1, "week": 7, "month": 30, "year": 365}
GERMAN = re.compile(r"\b(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})\b")


def kind_of(page: Page, quote: str, source_kind: SourceKind, *, measured: bool) -> ClaimKind:
    """What kind of evidence a quote is. ``measured``: it names a fitting benchmark with a figure.

    A page that nobody answers for cannot make itself a study by saying so: there, it is a user's report.
    """
    if source_kind is SourceKind.MAKER:
        return ClaimKind.MAKER
    if evidence_rules().is_study_host(host_of(page)):
        return ClaimKind.STUDY
    answered = quality_of(page, source_kind) in (Quality.REVIEWED, Quality.NAMED)
    if answered and evidence_rules().study.search(quote):
        return ClaimKind.STUDY
    return ClaimKind.BENCHMARK if measured else ClaimKind.USER_REPORT


def quality_of(page: Page, source_kind: SourceKind) -> Quality:
    """How far the host that answered speaks for what it says; a maker stands by its own card."""
    if source_kind in (SourceKind.MAKER, SourceKind.ARTEFACT):
        return Quality.NAMED
    return _quality(host_of(page), urlsplit(page.final_url).path)


def host_of(page: Page) -> str:
    """The host that answered: a redirect does not lend the first one's name."""
    return (urlsplit(page.final_url).hostname or "").lower().removeprefix("www.")


@lru_cache(maxsize=2048)
def _quality(host: str, path: str) -> Quality:
    table = evidence_rules().quality
    ranked = [(entry, Quality.REVIEWED) for entry in (*evidence_rules().study_hosts, *table.reviewed)]
    ranked += [(entry, Quality.NAMED) for entry in table.named]
    ranked += [(entry, Quality.ANONYMOUS) for entry in table.anonymous]
    fitting = [(len(entry), quality) for entry, quality in ranked if _fits(entry, host, path)]
    return max(fitting)[1] if fitting else Quality.UNKNOWN


def _fits(entry: str, host: str, path: str) -> bool:
    known, _, beginning = entry.partition("/")
    if known.endswith(".*"):
        return host.startswith(known[:-1])
    return (host == known or host.endswith("." + known)) and path.startswith("/" + beginning)


def page_date(page: Page, text: str) -> date | None:
    """When a page was published: its metadata, its words, its address; None where it does not tell.

    A date to come is none. "Three days ago" counts from when the page was fetched, on forums only.
    """
    today = page.retrieved_at.date()
    found = [_from_meta(page), _after_words(text[:TOP], evidence_rules().page_date_words), _from_url(page)]
    if _quality(host_of(page), "/") is Quality.ANONYMOUS:
        found.append(_ago(text[:TOP], today))
    return next((day for day in found if day is not None and day <= today), None)


def own_date(quote: str, latest: date) -> date | None:
    """The date that a sentence gives for what it says ("as of May 2026"), not after ``latest``."""
    day = _after_words(quote, evidence_rules().own_date_words)
    return day if day is not None and day <= latest else None


def _from_meta(page: Page) -> date | None:
    found = META.search(page.text[:HEAD])
    parts = [int(part) for part in found.groups() if part] if found else []
    return _day(*parts) if len(parts) == 3 else None


def _from_url(page: Page) -> date | None:
    arxiv = ARXIV.search(page.final_url)
    if arxiv:
        # The archive numbers its papers by the two last digits of the year.
        century = page.retrieved_at.year // 100 * 100
        return _day(century + int(arxiv[1]), int(arxiv[2]), 1)
    found = IN_PATH.search(urlsplit(page.final_url).path)
    return _day(int(found[1]), int(found[2]), int(found[3] or 1)) if found else None


def _ago(text: str, today: date) -> date | None:
    found = AGO.search(text)
    if found is None:
        return None
    count = int(found[1]) if found[1].isdigit() else 1
    return today - timedelta(days=count * DAYS[found[2].lower()])


def _after_words(text: str, words: tuple[str, ...]) -> date | None:
    """The first date right after one of ``words``; the first of a month where only that is told."""
    plain = _in_english(text)
    cues = [match.end() for match in _either(words).finditer(plain)]
    if not cues:
        return None
    for dated in dates_in(plain):
        if any(0 <= dated.start - end <= NEAR and "\n" not in plain[end : dated.start] for end in cues):
            year, month, *day = (int(part) for part in dated.value.split("-"))
            return _day(year, month, *(day or [1]))
    return None


def _in_english(text: str) -> str:
    """Dates as ``4 May 2026`` and ``2026-05-04`` where German writes them otherwise."""
    text = GERMAN.sub(lambda m: f"{m[3]}-{int(m[2]):02}-{int(m[1]):02}", text)
    months = evidence_rules().months
    return _german_months().sub(lambda m: f"{m[1] + ' ' if m[1] else ''}{months[m[2]]}", text)


@lru_cache(maxsize=8)
def _either(words: tuple[str, ...]) -> re.Pattern[str]:
    return words_pattern(words)


@lru_cache(maxsize=1)
def _german_months() -> re.Pattern[str]:
    return re.compile(rf"(?:(\d{{1,2}})\.\s*)?\b({forms(evidence_rules().months)})\b(?=\s+\d{{4}})")


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
