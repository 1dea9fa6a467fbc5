"""How much claims weigh: by who speaks, how far the source answers for it, and how long ago it was said.

strength of a claim = kind × quality × age, rounded to hundredths, so that a person can add it up:

- kind: study 1, benchmark figure 0.8, user report 0.4, maker's claim 0.3. What a maker publishes of its own
  model, figures and studies included, has at most 0.4: nobody else has checked it.
- quality: reviewed 1, named 0.8, anonymous or unknown 0.5.
- age: what users and makers say halves in 730 days, down to a quarter; what was measured on fixed weights
  stays measured. What bears no date counts in full.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date
from typing import Final, NamedTuple

from tools.candidates import Claim, ClaimKind, Quality, Stance
from tools.facts import SourceKind

KIND: Final = {
    ClaimKind.STUDY: 1.0,
    ClaimKind.BENCHMARK: 0.8,
    ClaimKind.USER_REPORT: 0.4,
    ClaimKind.MAKER: 0.3,
}
"""A user has nothing to sell; a maker has."""
OWN_FIGURES: Final = 0.4
"""Most that a maker's own figure or study has for its kind."""
QUALITY: Final = {Quality.REVIEWED: 1.0, Quality.NAMED: 0.8, Quality.ANONYMOUS: 0.5, Quality.UNKNOWN: 0.5}
AGEING: Final = frozenset({ClaimKind.USER_REPORT, ClaimKind.MAKER})
AGE_HALF_LIFE_DAYS: Final = 730
LEAST_LEFT: Final = 0.25
SATURATION: Final = 1.0
"""Strength at which half of a part's points are given."""


class Balance(NamedTuple):
    """What claims amount to together."""

    points: float
    """−1 to 1 in hundredths."""
    lines: tuple[str, ...]
    """How the points came about, one line a claim and one for the sum; empty without claims."""


def independent(claim: Claim) -> bool:
    """Whether somebody else than the makers says it."""
    return claim.kind is not ClaimKind.MAKER and claim.source.kind > SourceKind.MAKER


def strength(claim: Claim, today: date) -> float:
    """What ``claim`` weighs as of ``today``: 0 to 1 in hundredths."""
    return round(_kind(claim) * QUALITY[claim.quality] * _age(claim, today), 2)


def weigh(claims: Iterable[Claim], today: date) -> Balance:
    """Points from what speaks for and against, saturating: balance ÷ (|balance| + ``SATURATION``).

    Per stance the strength is the smaller of two sums: over distinct quotes and over distinct pages, each
    taken at its strongest. So one page that says ten good things counts once, as do ten pages that copy one
    sentence, and another claim for a candidate can never lower its points.
    """
    claims = sorted(claims, key=lambda claim: (-strength(claim, today), _order(claim)))
    if not claims:
        return Balance(0.0, ())
    favour, against = (_sum(claims, stance, today) for stance in (Stance.FOR, Stance.AGAINST))
    balance = round(favour - against, 2)
    points = round(balance / (abs(balance) + SATURATION), 2)
    total = (
        f"for {favour:.2f}, against {against:.2f}, each saying and each page once: "
        f"{balance:+.2f} ÷ ({abs(balance):.2f} + {SATURATION:g}) = {points:+.2f}"
    )
    return Balance(points, (*(_line(claim, today) for claim in claims), total))


def distinct(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """Claims without repetition, the strongest first, then the address.

    The same words under the same address with the same stance are one claim, however often they were found;
    as a benchmark figure and as something else they are two, since they speak to two parts of a rating. A
    weaker reading of the same words is kept only where it is fresher, since it may outlast the other.
    """
    kept: dict[tuple[object, ...], list[Claim]] = {}
    for claim in sorted(claims, key=_order):
        figure = claim.kind is ClaimKind.BENCHMARK
        where = (claim.stance, claim.suspicious, figure, claim.source.url, saying(claim))
        said = kept.setdefault(where, [])
        if not said or _fresh(claim) > _fresh(said[-1]):
            said.append(claim)
    return tuple(sorted((claim for said in kept.values() for claim in said), key=_order))


def saying(claim: Claim) -> tuple[str, str]:
    """What makes two claims the same saying: the quote, case and spacing folded, or the field of a page."""
    if claim.source.quote:
        return ("quote", " ".join(claim.source.quote.casefold().split()))
    return (claim.source.url, claim.source.record_field or "")


def _kind(claim: Claim) -> float:
    found = KIND[claim.kind]
    return found if independent(claim) else min(found, OWN_FIGURES)


def _age(claim: Claim, today: date) -> float:
    if claim.dated is None or claim.kind not in AGEING:
        return 1.0
    days = max(0, (today - claim.dated).days)
    return float(max(LEAST_LEFT, 0.5 ** (days / AGE_HALF_LIFE_DAYS)))


def _fresh(claim: Claim) -> date:
    return date.max if claim.dated is None or claim.kind not in AGEING else claim.dated


def _sum(claims: Iterable[Claim], stance: Stance, today: date) -> float:
    by_words: dict[object, float] = {}
    by_page: dict[object, float] = {}
    for claim in claims:
        if claim.stance is stance:
            worth = strength(claim, today)
            by_words[saying(claim)] = max(worth, by_words.get(saying(claim), 0.0))
            by_page[claim.source.url] = max(worth, by_page.get(claim.source.url, 0.0))
    return round(min(math.fsum(by_words.values()), math.fsum(by_page.values())), 2)


def _line(claim: Claim, today: date) -> str:
    who = f"{claim.kind.value}, {claim.quality.value} source"
    if claim.kind is not ClaimKind.MAKER and not independent(claim):
        who += ", its makers'"
    said = f"said {claim.dated.isoformat()}" if claim.dated else "undated"
    copies = len(claim.copies)
    more = f", {copies} {'copy' if copies == 1 else 'copies'} not counted" if copies else ""
    return (
        f"{claim.stance.value}: {who}, {said}{more}: {_kind(claim):g} × {QUALITY[claim.quality]:g} × "
        f"{_age(claim, today):.2f} = {strength(claim, today):.2f}, {claim.source.url}"
    )


def _order(claim: Claim) -> tuple[object, ...]:
    return (
        -_kind(claim) * QUALITY[claim.quality],
        -_fresh(claim).toordinal(),
        claim.source.url,
        saying(claim),
        claim.stance.value,
        claim.model_dump_json(),
    )
