"""Which queries research asks: first a plan from what was asked for, then what a wave left open."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import product
from typing import NamedTuple

from tools.knowledge.domains import phrase_in
from tools.knowledge.loader import intake_words, load_yaml
from tools.request import EvaluationRequest, SizeRange
from tools.search.query_words import LOOP_PLACES, GapKind, QueryTemplates, places

__all__ = ["Gap", "GapKind", "follow_up_queries", "plan_queries", "size_words", "wanted_capabilities"]

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
LONGEST = 300
"""Characters of a query."""
LONGEST_VALUE = 100
"""Characters of what fills a place."""


class Gap(NamedTuple):
    """Something that a follow-up query may fill."""

    name: str
    """The model, as people call it."""
    what: GapKind
    disputed: bool = False
    """Whether sources differ, rather than none saying anything."""


def templates() -> QueryTemplates:
    """The templates that ship with the package."""
    return load_yaml("queries", QueryTemplates)


def plan_queries(
    *,
    domain: str,
    domain_words: Sequence[str],
    size: SizeRange,
    families: Sequence[str],
    today: date,
    commercial: bool,
    limit: int,
    languages: Sequence[str] = (),
    capabilities: Sequence[str] = (),
) -> tuple[str, ...]:
    """At most ``limit`` queries, none twice, always in the same order for the same arguments.

    General ones come first, then the licence when it matters, then languages, capabilities, families and the
    domain's other words, one template at a time, so that a small limit still asks about every family.
    ``languages`` are ISO 639-1 codes, of which English is not asked about; ``capabilities`` are words, as
    :func:`wanted_capabilities` gives them.
    """
    known = templates()
    fixed = {**_day(today), "domain": domain, "size": size_words(size)}
    loops = {
        "word": domain_words,
        "family": families,
        "language": [_language(code) for code in languages if code != "en"],
        "capability": capabilities,
    }
    chosen = (*known.general, *(known.commercial if commercial else ()), *known.specific)
    queries = (query for template in chosen for query in _expanded(template, fixed, loops))
    return _distinct(queries, asked=(), limit=limit)


def follow_up_queries(
    gaps: Sequence[Gap], *, domain: str, today: date, asked: Iterable[str], limit: int
) -> tuple[str, ...]:
    """At most ``limit`` queries for ``gaps``, none of them, nor one like it, among those ``asked``.

    ``gaps`` come the most promising first, and the queries keep that order: the first query of every gap,
    then the second of every gap that has one.
    """
    known = templates()
    fixed = {**_day(today), "domain": domain}
    wanted = [
        (gap.name, (known.disputed.get(gap.what) if gap.disputed else None) or known.follow_up[gap.what])
        for gap in dict.fromkeys(gaps)
        if _plain(gap.name)
    ]
    turns = range(max((len(chosen) for _, chosen in wanted), default=0))
    queries = (
        _filled(chosen[turn], {**fixed, "name": name})
        for turn in turns
        for name, chosen in wanted
        if turn < len(chosen)
    )
    return _distinct(queries, asked=asked, limit=limit)


def wanted_capabilities(request: EvaluationRequest) -> tuple[str, ...]:
    """What ``request`` needs of a model besides size, domain and licence, in words for a query."""
    words = templates().capabilities
    found = []
    if request.needed_context >= words.long_context_from:
        found.append(words.long_context)
    if request.memory_budget_bytes is not None:
        found.append(words.memory.format(memory=f"{request.memory_budget_bytes / 1e9:.0f} GB"))
    if len(set(request.languages) - {"en"}) > 1:
        found.append(words.multilingual)
    found += [
        capability
        for capability, phrases in words.asked_by.items()
        if any(phrase_in(phrase, request.text) for phrase in phrases)
    ]
    return tuple(found)


def size_words(size: SizeRange) -> str:
    """The size as people write it in a query: the middle of the range, rounded (7–9B is asked as ``8B``)."""
    middle = size.maximum if size.minimum == 0 else (size.minimum + size.maximum) / 2
    billions = middle / 1e9
    return f"{round(billions)}B" if billions >= 2 else f"{billions:.1f}".removesuffix(".0") + "B"


def _day(today: date) -> dict[str, str]:
    month = {"month": f"{today.month:02d}", "month_name": MONTHS[today.month - 1]}
    return {"year": str(today.year), **month}


def _language(code: str) -> str:
    names = intake_words().languages.get(code)
    return names[0].title() if names else code


def _expanded(template: str, fixed: Mapping[str, str], loops: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """The template once for each combination of the lists that it has a place for."""
    names = [name for name in LOOP_PLACES if name in places(template)]
    for values in product(*(loops[name] for name in names)):
        yield _filled(template, {**fixed, **dict(zip(names, values, strict=True))})


def _filled(template: str, values: Mapping[str, str]) -> str:
    plain = {name: _plain(value) for name, value in values.items()}
    return " ".join(template.format(**plain).split())[:LONGEST].strip()


def _plain(value: str) -> str:
    """``value`` without what a search engine takes for an operator: names come from pages.

    Quotes, colons, brackets and bangs go, and a hyphen that excludes the word behind it.
    """
    words = re.sub(r"[^\w\s.+#&/'’-]", " ", value[:LONGEST_VALUE]).split()
    return " ".join(kept for word in words if (kept := word.lstrip("-+.'/").rstrip("-'/")))


def _distinct(queries: Iterable[str], *, asked: Iterable[str], limit: int) -> tuple[str, ...]:
    key = templates().key
    seen = {key(query) for query in asked}
    found: list[str] = []
    for query in queries:
        if len(found) >= limit:
            break
        if (own := key(query)) and own not in seen:
            seen.add(own)
            found.append(query)
    return tuple(found)
