"""What a cell, the stars and a whole candidate rest on, with every quote in its place."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent import views
from agent.pages.columns import ORDER, Text, slug, text_of, title
from agent.pages.excerpts import FactGroup, Reader, SourceView
from agent.views import TableView
from store import research, runs
from store.schema import FetchRow, SearchRow
from tools.agreement import read_together
from tools.candidates import Candidate, Claim, FoundBy, Stance
from tools.facts import CONTEXTS, Fact, Factor
from tools.faults import NotFound
from tools.rating import LEAST, MOST, START, Rating
from tools.table import Column, TableRow
from tools.table_notes import CONTEXT_RULE, RULE

FACTORS: Final = {
    Column.PARAMS: (Factor.PARAMETERS,),
    Column.LICENCE: (Factor.LICENCE, Factor.BASE_MODEL),
    Column.CONTEXT: (Factor.CONTEXT_NATIVE, Factor.CONTEXT_EXTENDED),
    Column.MEMORY: (Factor.CACHE_BYTES,),
    Column.QUANTIZATION: (
        Factor.OLLAMA_TAG,
        Factor.OLLAMA_QUANTIZATION,
        Factor.OLLAMA_BYTES,
        Factor.OLLAMA_DIGEST,
        Factor.GGUF_REPO,
        Factor.GGUF_FILE,
        Factor.GGUF_BYTES,
        Factor.GGUF_SHA256,
    ),
    Column.RELEASE: (Factor.RELEASE_DATE, Factor.REPOSITORY_CREATED),
    Column.FOCUS: (Factor.ARCHITECTURE_FOCUS,),
    Column.COMMUNITY: (Factor.DOWNLOADS, Factor.LIKES, Factor.LAST_MODIFIED, Factor.OPEN_ISSUES),
    Column.NOTES: (Factor.GATED, Factor.LANGUAGES, Factor.SECURITY),
}
"""Which factors a column tells of; each factor in one column."""
SOUGHT: Final = {
    Column.PARAMS: "its parameter count, in the Hub's record of its weights and in its model card",
    Column.LICENCE: "its licence, in the Hub's record, the model card and files; what it was made from",
    Column.CONTEXT: "its native and extended context, in its card, configuration and GGUF header",
    Column.MEMORY: "the size of its weights and the dimensions of its cache",
    Column.QUANTIZATION: "a packaged copy: a GGUF file on the Hub, or a tag in Ollama's registry",
    Column.RELEASE: "its release date, in its card and on pages about it; else when the repository began",
    Column.FOCUS: "what it was trained to do, in its model card and the Hub's tags",
    Column.COMMUNITY: "downloads, likes, last change and open issues, in the Hub's record",
    Column.FIT: "studies, benchmark figures, reports of users and its makers' claims in this domain",
    Column.NOTES: "gates, languages and security scans, in the Hub's record and the model card",
}
"""What research looks for, by column; told where it found nothing."""
MOST_LOOKED: Final = 40


class Looked(NamedTuple):
    """An address or a query that research asked about a candidate."""

    what: str
    address: str | None
    outcome: str
    reason: str


class CellView(NamedTuple):
    """One cell with everything under it."""

    row: TableRow
    column: Column
    slug: str
    title: str
    text: str
    groups: tuple[FactGroup, ...]
    unknown: bool
    sought: str
    looked: tuple[Looked, ...]
    rule: str
    """Which of several values is displayed, where there are any."""

    @property
    def differing(self) -> int:
        return sum(len(group.differing) for group in self.groups)


class Step(NamedTuple):
    """A line of the sum of the stars, with the bar that it adds."""

    name: str
    sum: str
    """``+1.00 × 1.25``; empty where nothing is multiplied."""
    adds: str
    why: str
    lines: tuple[str, ...]
    kind: Literal["start", "more", "less", "none", "limit", "total"]
    low: float
    """Where its bar begins, in stars."""
    width: float


class ClaimView(NamedTuple):
    claim: Claim
    source: SourceView
    counted: bool
    why_not: str
    copies: tuple[str, ...]


class StarsView(NamedTuple):
    """How the stars of one candidate came about."""

    rating: Rating
    steps: tuple[Step, ...]
    favour: tuple[ClaimView, ...]
    against: tuple[ClaimView, ...]
    mixed: tuple[ClaimView, ...]

    @property
    def claims(self) -> int:
        return len(self.favour) + len(self.against) + len(self.mixed)


class Section(NamedTuple):
    """What is known of one column's factors."""

    column: Column
    slug: str
    title: str
    text: Text | None
    """As it stands in the table; None for a candidate that is not in it."""
    groups: tuple[FactGroup, ...]
    sought: str


class ModelView(NamedTuple):
    """Everything about one candidate."""

    candidate: Candidate
    row: TableRow | None
    role: str
    sections: tuple[Section, ...]
    stars: StarsView | None
    claims: tuple[ClaimView, ...]
    """Of a candidate without stars of its own."""
    looked: tuple[Looked, ...]
    facts: int
    folded: tuple[Candidate, ...]
    """Candidates that this one stands for."""


def row_of(table: TableView, key: str) -> TableRow:
    found = next((row for row in table.table.rows if row.key == key), None)
    if found is None:
        raise NotFound(f"{key[:100]!r} is not in the table of run {table.run_id}.", "It may be rejected.")
    return found


def cell_view(session: Session, offered: TableView, key: str, column: Column) -> CellView:
    """The sources of one cell of the table as it was offered."""
    row = row_of(offered, key)
    cell, reader = row.cell(column), Reader(session)
    factors = {fact.factor for fact in cell.contradictions}
    return CellView(
        row=row,
        column=column,
        slug=slug(column),
        title=title(column),
        text=cell.text,
        groups=reader.groups(cell.facts, cell.contradictions, cell.otherwise),
        unknown=cell.unknown,
        sought=SOUGHT.get(column, ""),
        looked=looked_for(session, offered.run_id, key, row.name) if cell.unknown else (),
        rule="" if not factors else CONTEXT_RULE if factors <= CONTEXTS else RULE,
    )


def stars_view(session: Session, row: TableRow) -> StarsView:
    claims = claim_views(Reader(session), row.evidence, row.rating)

    def of(stance: Stance) -> tuple[ClaimView, ...]:
        return tuple(view for view in claims if view.claim.stance is stance)

    return StarsView(row.rating, steps(row.rating), of(Stance.FOR), of(Stance.AGAINST), of(Stance.MIXED))


def steps(rating: Rating) -> tuple[Step, ...]:
    """The sum as bars on a scale of 0 to 5 stars; without stars the parts alone."""
    found = [Step("start", "", f"{START:.2f}", "Every candidate begins here.", (), "start", 0.0, START)]
    at = START
    for part in rating.parts:
        low, high = sorted((at, at + part.adds))
        low, high = max(0.0, low), min(5.0, high)
        kind: Literal["more", "less", "none"] = (
            "more" if part.adds > 0 else "less" if part.adds < 0 else "none"
        )
        told = f"{part.points:+.2f} × {part.weight:.2f}"
        found.append(
            Step(part.name, told, f"{part.adds:+.2f}", part.why, part.lines, kind, low, max(0.0, high - low))
        )
        at = round(at + part.adds, 2)
    if rating.stars is None or rating.total is None:
        return tuple(found[1:])
    if at > rating.most:
        reason = (
            "Nobody gets more."
            if rating.most == MOST
            else "No source beside its makers speaks for it, so it gets no more than this."
        )
        found.append(_limit("at most", rating.most, reason, at))
    elif at < LEAST:
        found.append(_limit("at least", LEAST, "Nobody gets less.", at))
    rounded = f"{rating.total:.2f}, rounded to halves: {rating.stars:.1f}"
    found.append(Step("stars", "", f"{rating.stars:.1f}", rounded, (), "total", 0.0, rating.stars))
    return tuple(found)


def _limit(name: str, limit: float, why: str, at: float) -> Step:
    low, high = sorted((limit, min(5.0, max(0.0, at))))
    return Step(name, "", f"{limit:.2f}", f"The sum is {at:.2f}. {why}", (), "limit", low, high - low)


def claim_views(reader: Reader, claims: Iterable[Claim], rating: Rating | None) -> tuple[ClaimView, ...]:
    counted = {source for part in (rating.parts if rating else ()) for source in part.sources}
    found = []
    for claim in claims:
        why_not = _why_not(claim, rating is None or claim.source in counted)
        found.append(ClaimView(claim, reader.source(claim.source), not why_not, why_not, claim.copies))
    return tuple(found)


def _why_not(claim: Claim, in_sum: bool) -> str:
    if claim.suspicious:
        return "The text tries to instruct its reader; it is kept as data and not counted."
    if claim.found_by is FoundBy.BRAIN:
        return "Read by the agent's own model: shown, and not counted."
    return "" if in_sum else "A figure on a benchmark that does not fit the domain is not counted."


def model_view(session: Session, run_id: str, key: str) -> ModelView:
    """Everything about one candidate, accepted or rejected. :class:`NotFound` when nobody has seen it."""
    evidence = views.evidence_view(session, run_id, key)
    run_id, key = runs.get(session, run_id).id, evidence.candidate.key
    offered = research.newest_table(session, run_id)
    row = None if offered is None else next((r for r in offered.table.rows if r.key == key), None)
    role = ""
    if offered is not None:
        proposed = {offered.proposal.backup: "backup", offered.proposal.primary: "primary"}
        role = proposed.get(key, "")
    reader = Reader(session)
    groups = _grouped(reader, evidence.facts)
    return ModelView(
        candidate=evidence.candidate,
        row=row,
        role=role,
        sections=tuple(_section(column, row, groups) for column in ORDER if column in FACTORS),
        stars=None if row is None else stars_view(session, row),
        claims=claim_views(reader, evidence.claims, None) if row is None else (),
        looked=looked_for(session, run_id, key, evidence.candidate.name),
        facts=len(evidence.facts),
        folded=tuple(one for one in research.ledger(session, run_id) if one.folded_into == key),
    )


def _section(column: Column, row: TableRow | None, groups: Sequence[FactGroup]) -> Section:
    return Section(
        column=column,
        slug=slug(column),
        title=title(column),
        text=None if row is None else text_of(row, column),
        groups=tuple(group for group in groups if group.factor in FACTORS[column]),
        sought=SOUGHT.get(column, ""),
    )


def _grouped(reader: Reader, facts: Sequence[Fact]) -> tuple[FactGroup, ...]:
    """Every fact stored of a candidate: the one displayed of each factor, and the others beside it."""
    shown: list[Fact] = []
    differing: list[Fact] = []
    otherwise: list[Fact] = []
    agreeing: list[Fact] = []
    for factor, reading in read_together(facts).items():
        told = [reading.settled.fact, *reading.settled.contradicting, *reading.otherwise]
        shown.append(reading.settled.fact)
        differing += reading.settled.contradicting
        otherwise += reading.otherwise
        agreeing += [fact for fact in facts if fact.factor is factor and fact not in told]
    order = {factor: at for at, factor in enumerate(f for factors in FACTORS.values() for f in factors)}
    shown.sort(key=lambda fact: order[fact.factor])
    return reader.groups(shown, differing, otherwise, agreeing)


def looked_for(session: Session, run_id: str, key: str, name: str) -> tuple[Looked, ...]:
    """Addresses and queries of the run that name the candidate, with what came of each."""
    fetched = session.scalars(
        select(FetchRow)
        .where(FetchRow.run_id == run_id, FetchRow.url.icontains(key, autoescape=True))
        .order_by(FetchRow.fetched_at, FetchRow.url)
        .limit(5 * MOST_LOOKED)
    )
    itself = re.compile(re.escape(key) + r"(?![\w.-]*\w)", re.IGNORECASE)
    found = [
        Looked(row.url, row.url, row.outcome, row.reason or row.detail)
        for row in fetched
        if itself.search(row.url)
    ]
    asked = session.scalars(
        select(SearchRow)
        .where(SearchRow.run_id == run_id, SearchRow.query.icontains(name, autoescape=True))
        .order_by(SearchRow.wave, SearchRow.position)
        .limit(MOST_LOOKED)
    )
    found += [Looked(row.query, None, row.outcome, row.reason or row.detail) for row in asked]
    return tuple(found[:MOST_LOOKED])


def scale(value: float) -> str:
    """Stars as a length on a drawing that is 100 wide."""
    return f"{math.floor(value * 2000 + 0.5) / 100:g}"
