"""Domain fit in stars: a pure, versioned function of settled facts and claims (design, invariant 5).

stars = 2.5 + Σ points × weight, kept between 1 and 5 and rounded to halves. The parts:

- architecture focus: what the domain prefers (+1), accepts (0) or avoids (−1); weight 1
- evidence: studies, makers' claims and user reports, saturating; weight 1.25
- benchmarks: figures on benchmarks that fit the domain, saturating; weight 0.75
- recency: 2 × ½^(age ÷ half-life) − 1; weight 0.5

Without a known focus and without a claim that counts there are no stars: no evidence is not "average".
Hard needs (licence, context, memory, size) are no part of the stars: they exclude, see :mod:`tools.needs`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from tools.candidates import Candidate, Claim, ClaimKind, Stance
from tools.facts import Fact, Factor, Settled, Source, settle_all
from tools.knowledge.domains import Domain, Focus, Liking, parse_focus

RATING_VERSION: Final = "1"
"""Changes whenever the same view could get other stars than before."""

START: Final = 2.5
WEIGHTS: Final = {"architecture focus": 1.0, "evidence": 1.25, "benchmarks": 0.75, "recency": 0.5}
HALF_LIFE_DAYS: Final = 548
"""Eighteen months: after that a model counts as neither new nor old."""
SATURATION: Final = 1.5
"""Sum of strengths at which half of a part's points are given."""
STRENGTH: Final = {
    ClaimKind.STUDY: 1.0,
    ClaimKind.BENCHMARK: 0.8,
    ClaimKind.USER_REPORT: 0.4,
    ClaimKind.MAKER: 0.3,
}
"""A user has nothing to sell; a maker has."""
LIKED: Final = {Liking.PREFER: 1.0, Liking.ACCEPT: 0.0, Liking.AVOID: -1.0}


class RatingPart(BaseModel):
    """One reason for the stars."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """``architecture focus``, ``evidence``, ``benchmarks`` or ``recency``."""
    points: float = Field(ge=-1.0, le=1.0)
    """How much this speaks for (+1) or against (−1) the candidate; 0 when it says nothing."""
    weight: float = Field(ge=0.0)
    """Stars that a full point is worth."""
    why: str
    """One sentence for the person."""
    sources: tuple[Source, ...] = ()
    """Where it was read; empty when nothing was."""


class Rating(BaseModel):
    """Stars with their reasons."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stars: float | None = Field(default=None, ge=1.0, le=5.0)
    """1.0 to 5.0 in halves; None when there is no evidence, which is not the same as three stars."""
    parts: tuple[RatingPart, ...] = ()
    """Every reason, always in the same order."""
    version: str = RATING_VERSION
    """``RATING_VERSION`` of the code that computed it."""

    def __str__(self) -> str:
        """``⭐⭐⭐⭐ 4.0``, or ``no evidence``."""
        if self.stars is None:
            return "no evidence"
        whole = int(self.stars)
        return f"{'⭐' * whole}{'½' if self.stars > whole else ''} {self.stars:.1f}"


@dataclass(frozen=True, slots=True)
class CandidateView:
    """Everything known about one candidate, settled and without repetition."""

    candidate: Candidate
    settled: Mapping[Factor, Settled] = field(default_factory=dict)
    claims: tuple[Claim, ...] = ()
    """Distinct claims in a fixed order, suspicious ones included."""

    def fact(self, factor: Factor) -> Fact | None:
        """The fact displayed for ``factor``."""
        found = self.settled.get(factor)
        return found.fact if found else None

    def text(self, factor: Factor) -> str | None:
        found = self.fact(factor)
        return str(found.value) if found else None

    def number(self, factor: Factor) -> int | None:
        """The value of ``factor`` where it is a whole number."""
        found = self.fact(factor)
        if found is None or isinstance(found.value, bool) or not isinstance(found.value, int | float):
            return None
        return int(found.value) if math.isfinite(found.value) else None

    @property
    def counted(self) -> tuple[Claim, ...]:
        """Claims that may count: those that do not try to instruct their reader."""
        return tuple(claim for claim in self.claims if not claim.suspicious)


def view_of(candidate: Candidate, facts: Iterable[Fact], claims: Iterable[Claim]) -> CandidateView:
    """The view of ``candidate``; facts and claims of others are left out, order does not matter."""
    settled = settle_all([fact for fact in facts if fact.candidate == candidate.key])
    mine = distinct(claim for claim in claims if claim.candidate == candidate.key)
    return CandidateView(candidate, {factor: each for (_, factor), each in settled.items()}, mine)


def distinct(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """Claims without repetition, the strongest kind first, then the address.

    The same words under the same address with the same stance are one claim, however often they were found;
    as a benchmark figure and as something else they are two, since they speak to two parts of a rating.
    """
    kept: dict[tuple[object, ...], Claim] = {}
    for claim in sorted(claims, key=_order):
        figure = claim.kind is ClaimKind.BENCHMARK
        kept.setdefault((claim.stance, claim.suspicious, figure, claim.source.url, _words(claim)), claim)
    return tuple(kept.values())


def rate(view: CandidateView, domain: Domain, *, today: date) -> Rating:
    """Stars of one candidate for ``domain`` as of ``today``. Pure: the same view gets the same rating."""
    focus = _focus_part(view, domain)
    parts = (focus, _evidence_part(view), _benchmark_part(view, domain), _recency_part(view, today))
    known = bool(focus.sources) or any(_speaks(claim, domain) for claim in view.counted)
    if not known:
        return Rating(stars=None, parts=parts)
    total = START + sum(part.points * part.weight for part in parts)
    return Rating(stars=math.floor(min(5.0, max(1.0, total)) * 2 + 0.5) / 2, parts=parts)


def _speaks(claim: Claim, domain: Domain) -> bool:
    return claim.kind is not ClaimKind.BENCHMARK or _fitting(claim, domain) is not None


def _focus_part(view: CandidateView, domain: Domain) -> RatingPart:
    name, weight = "architecture focus", WEIGHTS["architecture focus"]
    fact = view.fact(Factor.ARCHITECTURE_FOCUS)
    focus = parse_focus(str(fact.value)) if fact else None
    if fact is None or focus is None:
        return RatingPart(name=name, points=0, weight=weight, why="No source says what it was trained to do.")
    preference = domain.preferences.get(focus)
    points = LIKED[preference.liking] if preference else 0.0
    why = preference.why if preference else f"{domain.title} states no preference for {focus.value} models."
    if focus is Focus.DOMAIN_FINE_TUNE and _other_domain(str(fact.value), domain):
        points, why = -1.0, f"It was fine-tuned for something else than {domain.title}."
    return RatingPart(name=name, points=points, weight=weight, why=why, sources=(fact.source,))


def _other_domain(value: str, domain: Domain) -> bool:
    """Whether a fine-tune names its subject (``domain fine-tune: medical``) and it is not this domain."""
    subject = value.partition(":")[2].strip()
    return bool(subject) and not domain.mentions(subject)


def _evidence_part(view: CandidateView) -> RatingPart:
    claims = [claim for claim in view.counted if claim.kind is not ClaimKind.BENCHMARK]
    if not claims:
        why = "No study, maker or user was found to speak about it in this domain."
        return RatingPart(name="evidence", points=0, weight=WEIGHTS["evidence"], why=why)
    counts = [
        f"{number} {stance.value}"
        for stance in Stance
        if (number := sum(claim.stance is stance for claim in claims))
    ]
    return RatingPart(
        name="evidence",
        points=_points(claims),
        weight=WEIGHTS["evidence"],
        why=f"Studies, makers and users in this domain: {', '.join(counts)}.",
        sources=tuple(claim.source for claim in claims),
    )


def _benchmark_part(view: CandidateView, domain: Domain) -> RatingPart:
    figures = [claim for claim in view.counted if claim.kind is ClaimKind.BENCHMARK]
    fitting = [claim for claim in figures if _fitting(claim, domain)]
    others = len(figures) - len(fitting)
    names = sorted({found for claim in fitting if (found := _fitting(claim, domain))})
    why = (
        f"Figures on {', '.join(names)}. {domain.benchmarks_why}".strip()
        if names
        else ("No figure on a benchmark that fits the domain was found.")
    )
    if others:
        why += f" {others} on other benchmarks {'does' if others == 1 else 'do'} not count."
    return RatingPart(
        name="benchmarks",
        points=_points(fitting),
        weight=WEIGHTS["benchmarks"],
        why=why,
        sources=tuple(claim.source for claim in fitting),
    )


def _fitting(claim: Claim, domain: Domain) -> str | None:
    """The fitting benchmark, or the word of the domain, that a benchmark figure names."""
    text = f"{claim.summary} {claim.source.quote or ''}"
    return domain.benchmark_in(text) or (domain.title if domain.mentions(text) else None)


def _recency_part(view: CandidateView, today: date) -> RatingPart:
    weight = WEIGHTS["recency"]
    released, created = view.fact(Factor.RELEASE_DATE), view.fact(Factor.REPOSITORY_CREATED)
    fact = released or created
    day = parse_day(str(fact.value)) if fact else None
    if fact is None or day is None:
        return RatingPart(name="recency", points=0, weight=weight, why="Its release date is unknown.")
    age = max(0, (today - day).days)
    what = "Released" if fact is released else "Repository created (release unknown)"
    return RatingPart(
        name="recency",
        points=2 * 0.5 ** (age / HALF_LIFE_DAYS) - 1,
        weight=weight,
        why=f"{what} {day.isoformat()}; newness counts half after {HALF_LIFE_DAYS} days.",
        sources=(fact.source,),
    )


def parse_day(value: str) -> date | None:
    """The day at the beginning of an ISO date or time; the first of a month when only that is known."""
    for text in (value[:10], f"{value[:7]}-01"):
        try:
            return date.fromisoformat(text)
        except ValueError:
            continue
    return None


def _points(claims: Iterable[Claim]) -> float:
    """Points in −1…1 from what speaks for and against, each stance saturating.

    Per stance the strength is the smaller of two sums: over distinct quotes and over distinct pages, each
    taken at its strongest. So one page that says ten good things counts once, as do ten pages that copy one
    sentence, and another claim for a candidate can never lower its points.
    """
    claims = list(claims)
    balance = _strength(claims, Stance.FOR) - _strength(claims, Stance.AGAINST)
    return balance / (abs(balance) + SATURATION)


def _strength(claims: Iterable[Claim], stance: Stance) -> float:
    by_words: dict[object, float] = {}
    by_page: dict[object, float] = {}
    for claim in claims:
        if claim.stance is stance:
            strength = STRENGTH[claim.kind]
            by_words[_words(claim)] = max(strength, by_words.get(_words(claim), 0.0))
            by_page[claim.source.url] = max(strength, by_page.get(claim.source.url, 0.0))
    return min(math.fsum(by_words.values()), math.fsum(by_page.values()))


def _words(claim: Claim) -> tuple[str, str]:
    """What makes two claims the same saying: the quote, case and spacing folded, or the field of a page."""
    if claim.source.quote:
        return ("quote", " ".join(claim.source.quote.casefold().split()))
    return (claim.source.url, claim.source.record_field or "")


def _order(claim: Claim) -> tuple[object, ...]:
    return (
        -STRENGTH[claim.kind],
        claim.source.url,
        _words(claim),
        claim.stance.value,
        claim.model_dump_json(),
    )
