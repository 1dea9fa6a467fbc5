"""Domain fit in stars: a pure, versioned function of settled facts and claims (design, invariant 5).

stars = 2.5 + Σ points × weight, kept between 1 and the most that the evidence allows, rounded to halves.
Every summand is rounded to hundredths first, so that a person can add up what is shown. The parts:

- architecture focus: what the domain prefers (+1), accepts (0) or avoids (−1); weight 1
- evidence: studies, makers' claims and user reports, saturating; weight 1.25
- benchmarks: figures on benchmarks that fit the domain, saturating; weight 0.75
- recency: 2 × ½^(age ÷ half-life) − 1; weight 0.5

How much a claim weighs is said in :mod:`tools.weighing`. Without a counted claim about the domain there are
no stars, whatever the architecture: no evidence is not "average". Where nobody but the makers speaks for a
candidate, it gets no more than ``MOST_WITHOUT_OTHERS``. Hard needs (licence, context, memory, size,
languages) are no part of the stars: they exclude, see :mod:`tools.needs`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from tools.agreement import read_together
from tools.candidates import Candidate, Claim, ClaimKind, FoundBy, Stance
from tools.facts import Fact, Factor, Settled, Source
from tools.knowledge.domains import Domain, Focus, Liking, parse_focus
from tools.weighing import distinct, independent, weigh

RATING_VERSION: Final = "2"
"""Changes whenever the same view could get other stars than before."""

START: Final = 2.5
WEIGHTS: Final = {"architecture focus": 1.0, "evidence": 1.25, "benchmarks": 0.75, "recency": 0.5}
LEAST: Final = 1.0
MOST: Final = 5.0
MOST_WITHOUT_OTHERS: Final = 3.5
"""Most stars of a candidate for which no source but its makers speaks."""
HALF_LIFE_DAYS: Final = 548
"""Eighteen months: after that a model counts as neither new nor old."""
LIKED: Final = {Liking.PREFER: 1.0, Liking.ACCEPT: 0.0, Liking.AVOID: -1.0}


class RatingPart(BaseModel):
    """One reason for the stars."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """``architecture focus``, ``evidence``, ``benchmarks`` or ``recency``."""
    points: float = Field(ge=-1.0, le=1.0)
    """How much this speaks for (+1) or against (−1) the candidate, in hundredths; 0 when it says nothing."""
    weight: float = Field(ge=0.0)
    """Stars that a full point is worth."""
    why: str
    """One sentence for the person."""
    sources: tuple[Source, ...] = ()
    """Where it was read; empty when nothing was."""
    lines: tuple[str, ...] = ()
    """How the points came about, where that takes more than one step."""

    @property
    def adds(self) -> float:
        """Stars that the part adds, in hundredths."""
        return added(self.points, self.weight)


class Rating(BaseModel):
    """Stars with their reasons."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stars: float | None = Field(default=None, ge=1.0, le=5.0)
    """1.0 to 5.0 in halves; None when there is no evidence, which is not the same as three stars."""
    total: float | None = None
    """What was rounded to ``stars``, in hundredths; None with them."""
    most: float = MOST
    """The most stars that the evidence allows, whatever its sum."""
    counted: int = Field(default=0, ge=0)
    """Claims that counted."""
    parts: tuple[RatingPart, ...] = ()
    """Every reason, always in the same order."""
    arithmetic: tuple[str, ...] = ()
    """The sum, a line for each summand; empty without stars."""
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
    otherwise: Mapping[Factor, tuple[Fact, ...]] = field(default_factory=dict)
    """Facts that say the value displayed in other words or digits."""
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
        """Claims that may count: those that rules or a leaderboard read, and that instruct nobody.

        What a model of ours read is shown beside them: it can add a line to read, and no star.
        """
        return tuple(c for c in self.claims if not c.suspicious and c.found_by is not FoundBy.BRAIN)


def view_of(candidate: Candidate, facts: Iterable[Fact], claims: Iterable[Claim]) -> CandidateView:
    """The view of ``candidate``; facts and claims of others are left out, order does not matter."""
    read = read_together(fact for fact in facts if fact.candidate == candidate.key)
    return CandidateView(
        candidate,
        {factor: reading.settled for factor, reading in read.items()},
        {factor: reading.otherwise for factor, reading in read.items() if reading.otherwise},
        distinct(claim for claim in claims if claim.candidate == candidate.key),
    )


class Sum(NamedTuple):
    """Stars and what was rounded to them."""

    total: float
    stars: float


def rate(view: CandidateView, domain: Domain, *, today: date) -> Rating:
    """Stars of one candidate for ``domain`` as of ``today``. Pure: the same view gets the same rating."""
    figures = [claim for claim in view.counted if claim.kind is ClaimKind.BENCHMARK]
    fitting = [claim for claim in figures if _fitting(claim, domain)]
    spoken = [claim for claim in view.counted if claim.kind is not ClaimKind.BENCHMARK]
    counted = [*spoken, *fitting]
    backed = any(claim.stance is Stance.FOR and independent(claim) for claim in counted)
    parts = (
        _focus_part(view, domain),
        _evidence_part(spoken, today),
        _benchmark_part(fitting, len(figures) - len(fitting), domain, today),
        _recency_part(view, today),
    )
    if not counted:
        return Rating(stars=None, parts=parts)
    most = MOST if backed else MOST_WITHOUT_OTHERS
    summed = add_up(parts, most)
    return Rating(
        stars=summed.stars,
        total=summed.total,
        most=most,
        counted=len(counted),
        parts=parts,
        arithmetic=_arithmetic(parts, most, summed),
    )


def added(points: float, weight: float) -> float:
    """Stars that ``points`` add at ``weight``: hundredths from hundredths, halves away from 0."""
    exact = round(points * 100) * round(weight * 100)
    return math.copysign((abs(exact) + 50) // 100 / 100, exact)


def add_up(parts: Sequence[RatingPart], most: float, weights: Mapping[str, float] | None = None) -> Sum:
    """The sum of ``parts`` within its limits; ``weights`` by name of a part replace those stated in it."""
    replaced = weights or {}
    adds = [added(part.points, replaced.get(part.name, part.weight)) for part in parts]
    total = round(min(most, max(LEAST, START + math.fsum(adds))), 2)
    return Sum(total, math.floor(total * 2 + 0.5) / 2)


def _arithmetic(parts: Sequence[RatingPart], most: float, summed: Sum) -> tuple[str, ...]:
    raw = round(START + math.fsum(part.adds for part in parts), 2)
    lines = [f"start {START:.2f}"]
    lines += [f"{part.name} {part.points:+.2f} × {part.weight:.2f} = {part.adds:+.2f}" for part in parts]
    lines.append(f"sum {raw:.2f}")
    if raw > most:
        reason = "" if most == MOST else " without a source beside its makers that speaks for it"
        lines.append(f"at most {most:.2f}{reason}")
    if raw < LEAST:
        lines.append(f"at least {LEAST:.2f}")
    return (*lines, f"rounded to halves {summed.total:.2f} → {summed.stars:.1f}")


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


def _evidence_part(claims: Sequence[Claim], today: date) -> RatingPart:
    balance = weigh(claims, today)
    if claims:
        counts = [(sum(claim.stance is stance for claim in claims), stance.value) for stance in Stance]
        told = ", ".join(f"{number} {stance}" for number, stance in counts if number)
        why = f"Studies, makers and users in this domain: {told}."
    else:
        why = "No study, maker or user was found to speak about it in this domain."
    return RatingPart(
        name="evidence",
        points=balance.points,
        weight=WEIGHTS["evidence"],
        why=why,
        sources=tuple(claim.source for claim in claims),
        lines=balance.lines,
    )


def _benchmark_part(fitting: Sequence[Claim], others: int, domain: Domain, today: date) -> RatingPart:
    balance = weigh(fitting, today)
    names = sorted({found for claim in fitting if (found := _fitting(claim, domain))})
    why = (
        f"Figures on {', '.join(names)}. {domain.benchmarks_why}".strip()
        if names
        else "No figure on a benchmark that fits the domain was found."
    )
    if others:
        why += f" {others} on other benchmarks {'does' if others == 1 else 'do'} not count."
    return RatingPart(
        name="benchmarks",
        points=balance.points,
        weight=WEIGHTS["benchmarks"],
        why=why,
        sources=tuple(claim.source for claim in fitting),
        lines=balance.lines,
    )


def _fitting(claim: Claim, domain: Domain) -> str | None:
    """The fitting benchmark that a figure names, or what else makes it fit.

    Leaderboards are read for the domains and languages that ``leaderboards.yaml`` says they measure.
    """
    text = f"{claim.summary} {claim.source.quote or ''}"
    named = domain.benchmark_in(text) or (domain.title if domain.mentions(text) else None)
    return named or ("a leaderboard" if claim.found_by is FoundBy.LEADERBOARD else None)


def _recency_part(view: CandidateView, today: date) -> RatingPart:
    weight = WEIGHTS["recency"]
    released, created = view.fact(Factor.RELEASE_DATE), view.fact(Factor.REPOSITORY_CREATED)
    fact = released or created
    day = parse_day(str(fact.value)) if fact else None
    if fact is None or day is None:
        return RatingPart(name="recency", points=0, weight=weight, why="Its release date is unknown.")
    age = max(0, (today - day).days)
    points = round(2 * 0.5 ** (age / HALF_LIFE_DAYS) - 1, 2)
    what = "Released" if fact is released else "Repository created (release unknown)"
    return RatingPart(
        name="recency",
        points=points,
        weight=weight,
        why=f"{what} {day.isoformat()}; newness counts half after {HALF_LIFE_DAYS} days.",
        sources=(fact.source,),
        lines=(f"{age} days old: 2 × ½^({age} ÷ {HALF_LIFE_DAYS}) − 1 = {points:+.2f}",),
    )


def parse_day(value: str) -> date | None:
    """The day at the beginning of an ISO date or time; the first of a month when only that is known."""
    for text in (value[:10], f"{value[:7]}-01"):
        try:
            return date.fromisoformat(text)
        except ValueError:
            continue
    return None
