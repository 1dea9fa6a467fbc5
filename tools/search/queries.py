"""Which queries research asks, in which order: the general ones first, then each family in the domain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from string import Formatter

from pydantic import BaseModel, ConfigDict, Field, field_validator

from tools.request import SizeRange

PLACES = frozenset({"size", "domain", "word", "family", "year", "month", "month_name"})
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


class QueryTemplates(BaseModel):
    """``tools/knowledge/queries.yaml``. Places are ``{size}``, ``{domain}``, ``{word}``, ``{family}``,
    ``{year}``, ``{month}`` (06) and ``{month_name}`` (June)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    general: tuple[str, ...] = Field(min_length=1)
    """Asked once each."""
    commercial: tuple[str, ...]
    """Asked once each when the licence must allow commercial use."""
    per_word: tuple[str, ...]
    """Asked for every domain word."""
    per_family: tuple[str, ...]
    """Asked for every family."""

    @field_validator("*")
    @classmethod
    def _known_places(cls, templates: tuple[str, ...]) -> tuple[str, ...]:
        for template in templates:
            unknown = {name for _, name, _, _ in Formatter().parse(template) if name is not None} - PLACES
            if unknown:
                raise ValueError(f"{template!r} has unknown places: {', '.join(sorted(unknown))}")
        return templates


@cache
def templates() -> QueryTemplates:
    """The templates that ship with the package. Raises pydantic's ValidationError when they are damaged."""
    import yaml

    text = files("tools.knowledge").joinpath("queries.yaml").read_text(encoding="utf-8")
    return QueryTemplates.model_validate(yaml.safe_load(text))


def plan_queries(
    *,
    domain: str,
    domain_words: Sequence[str],
    size: SizeRange,
    families: Sequence[str],
    today: date,
    commercial: bool,
    limit: int,
) -> tuple[str, ...]:
    """At most ``limit`` queries, none twice, always in the same order for the same arguments.

    General ones come first, then the licence when it matters, then family × domain one template at a time (so
    that a small limit still asks about every family), then the domain's other words.
    """
    seen: dict[str, str] = {}
    for query in _all(domain, domain_words, size, families, today, commercial=commercial):
        if len(seen) >= limit:
            break
        seen.setdefault(query.casefold(), query)
    return tuple(seen.values())


def _all(
    domain: str,
    words: Sequence[str],
    size: SizeRange,
    families: Sequence[str],
    today: date,
    *,
    commercial: bool,
) -> Iterator[str]:
    known = templates()
    base = {
        "domain": domain,
        "size": size_words(size),
        "year": str(today.year),
        "month": f"{today.month:02d}",
        "month_name": MONTHS[today.month - 1],
        "word": domain,
        "family": "",
    }
    for template in (*known.general, *(known.commercial if commercial else ())):
        yield _filled(template, base)
    for template in known.per_family:
        for family in families:
            yield _filled(template, {**base, "family": family})
    for template in known.per_word:
        for word in words:
            yield _filled(template, {**base, "word": word})


def size_words(size: SizeRange) -> str:
    """The size as people write it in a query: the middle of the range, rounded (7–9B is asked as ``8B``)."""
    middle = size.maximum if size.minimum == 0 else (size.minimum + size.maximum) / 2
    billions = middle / 1e9
    return f"{round(billions)}B" if billions >= 2 else f"{billions:.1f}".removesuffix(".0") + "B"


def _filled(template: str, values: dict[str, str]) -> str:
    return " ".join(template.format(**values).split())[:300]
