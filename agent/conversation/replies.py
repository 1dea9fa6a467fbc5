"""What answers have in common: links into the views, stars in words, lists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from agent.conversation.records import Extras, Link, Offer, Said, Turn
from tools.escape import clean, shorten
from tools.facts import Fact, Source
from tools.rating import Rating
from tools.request import EvaluationRequest

YES_NO = ("yes", "no")
MOST_LINKS = 12
MOST_NAMES = 8
LONGEST_QUOTE = 300
_STARS = re.compile("⭐+½? (\\d\\.\\d)")
_ALONE = re.compile("⭐+½?")
_EXACT = re.compile(r" \((?:weights [^()]*|[\d,]{9,}(?: bytes)?)\)")


def answer(
    *paragraphs: str,
    links: Sequence[Link | None] = (),
    suggestions: Sequence[str] = (),
    offer: Offer | None = None,
) -> Said:
    """Paragraphs that are not empty, with links that are there, each once; one to a page of which other
    words are quoted is another one."""
    quoted = {link.href for link in links if link is not None and link.quote}
    once: dict[tuple[str, str], Link] = {}
    for link in links:
        if link is not None and (link.quote or link.href not in quoted):
            once.setdefault((link.href, link.quote), link)
    kept = tuple(once.values())[:MOST_LINKS]
    text = "\n\n".join(paragraph for paragraph in paragraphs if paragraph)
    return Said(text=worded(text), extras=Extras(links=kept, suggestions=tuple(suggestions), offer=offer))


def in_full(said: Said | Turn) -> str:
    """The text with the sentence of its offer, for where an offer has no place of its own."""
    offer = said.extras.offer
    return said.text if offer is None else f"{worded(offer.sentence)}\n\n{said.text}"


def short(text: str) -> str:
    """A cell without the exact figures, which the views have: ``9.24B (9,241,705,984)`` is 9.24B."""
    return _EXACT.sub("", text)


def first_of(lines: Sequence[str], most: int = MOST_NAMES) -> list[str]:
    """The first lines, and how many more there are."""
    rest = len(lines) - most
    return [*lines[:most], *([f"and {rest} more"] if rest > 0 else [])]


def items(lines: Iterable[str]) -> str:
    """A list, one line an item."""
    return "\n".join(f"- {' '.join(line.split())}" for line in lines)


def worded(text: str) -> str:
    """``text`` with stars in words: a font may have none."""
    return _ALONE.sub("stars", _STARS.sub(r"\1 stars", text))


def stars(rating: Rating) -> str:
    return "no stars: no evidence" if rating.stars is None else f"{rating.stars:.1f} of 5 stars"


def view(run_id: str, place: str = "", label: str = "") -> Link:
    """A page of ours about a run."""
    return Link(label=label or "the run", href=f"/runs/{run_id}{'/' + place if place else ''}")


def model_page(run_id: str, key: str, name: str) -> Link:
    return view(run_id, f"models/{key}", f"the evidence on {name}")


def source_link(source: Source, label: str = "") -> Link | None:
    """The source on the web, with its own words; None where it has no web address."""
    if not source.url.startswith(("http://", "https://")):
        return None
    quote = source.quote or (f"field {source.record_field}" if source.record_field else "")
    host = source.url.partition("://")[2].partition("/")[0]
    return Link(label=label or clean(host), href=source.url, quote=shorten(clean(quote), LONGEST_QUOTE))


def said_by(source: Source) -> str:
    """Where something stands, in a few words: the host, and the quote or field."""
    host = source.url.partition("://")[2].partition("/")[0] or source.url
    if source.quote:
        return f"{clean(host)}: “{shorten(clean(source.quote), LONGEST_QUOTE)}”"
    return f"{clean(host)}, field {clean(source.record_field or '')}"


def fact_line(fact: Fact) -> str:
    return f"{fact.factor.value.replace('_', ' ')} {clean(str(fact.value))} ({said_by(fact.source)})"


def names(those: Sequence[str], most: int = MOST_NAMES) -> str:
    """``a, b and c``; the rest is counted."""
    shown = list(those[:most])
    if len(those) > most:
        return f"{', '.join(shown)} and {len(those) - most} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}" if shown else "nobody"


def percent(share: float) -> str:
    return f"{share * 100:.0f}%"


def request_words(request: EvaluationRequest) -> str:
    return f"{request.domain}, {request.size}"


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
