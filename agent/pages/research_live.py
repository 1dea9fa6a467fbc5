"""What research has asked and found so far, from rows and events."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from agent.pages.curve import CoveragePoint, points
from agent.pages.lost import Lost, lost
from agent.pages.words import Line, line_of
from agent.views import Tally, event_record, tally
from graphs.searching import records
from store import events, reading, research, runs
from store.schema import EventRow, FetchRow, SearchRow
from tools.candidates import Standing
from tools.coverage import ENOUGH

QUERIES_SHOWN = 60
PAGES_SHOWN = 25
TROUBLES_SHOWN = 40
MEANING = {
    "blocked": "the other side refused to answer; whether it had something to show is unknown",
    "failed": "no usable answer arrived",
}


class WaveLine(NamedTuple):
    """One finished wave: what was known after it."""

    number: int
    note: str
    """What a person asked it to look for."""
    queries: int
    pages: int
    seen: int
    accepted: int
    rejected: int
    new: int
    """Candidates that it was the first to see."""
    coverage: float | None
    stopped: str


class QueryLine(NamedTuple):
    query: str
    engine: str
    wave: int
    outcome: str
    reason: str
    detail: str
    hits: int
    asked_at: datetime


class PageLine(NamedTuple):
    url: str
    outcome: str
    reason: str
    detail: str
    fetched_at: datetime


class Trouble(NamedTuple):
    """Requests that ended the same way."""

    outcome: str
    reason: str
    times: int
    meaning: str
    example: str


class ResearchLive(NamedTuple):
    tally: Tally
    waves: tuple[WaveLine, ...]
    rejected: tuple[tuple[str, int], ...]
    """Reasons for which candidates were rejected, the commonest first."""
    queries: tuple[QueryLine, ...]
    """The newest, newest first."""
    queries_total: int
    pages: tuple[PageLine, ...]
    pages_total: int
    troubles: tuple[Trouble, ...]
    blocked: int
    failed: int
    curve: tuple[CoveragePoint, ...]
    unanswered: int
    """Queries that no engine answered."""
    stopped: str
    """Why research stopped; empty while it goes on."""
    eligible: int | None
    """Candidates of the newest table that miss no hard need; None before there is one."""
    saturated: bool
    """Whether it stopped because hardly anything is left to be found."""
    lost: Lost | None


class Heartbeat(NamedTuple):
    """The newest event, so that a quiet run is told from a dead one."""

    seq: int
    at: datetime
    line: Line | None
    """The newest event that says something."""


def heartbeat(session: Session, run_id: str) -> Heartbeat | None:
    query = select(EventRow).where(EventRow.run_id == run_id).order_by(EventRow.seq.desc()).limit(20)
    newest = [event_record(row) for row in session.scalars(query)]
    if not newest:
        return None
    line = next((told for event in newest if (told := line_of(event)) is not None), None)
    return Heartbeat(newest[0].seq, newest[0].at, line)


def research_live(session: Session, run_id: str) -> ResearchLive:
    run_id = runs.get(session, run_id).id
    asked = reading.searches(session, run_id)
    counted = tally(session, run_id)
    found = records(asked)
    waves = _waves(session, run_id)
    accepted = {one.key for one in research.ledger(session, run_id, Standing.ACCEPTED)}
    sightings = [one for one in research.sightings(session, run_id) if one.candidate in accepted]
    offered = research.newest_table(session, run_id)
    newest = sorted(asked, key=lambda row: row.asked_at, reverse=True)[:QUERIES_SHOWN]
    return ResearchLive(
        tally=counted,
        waves=waves,
        rejected=_rejected(session, run_id),
        queries=tuple(map(_query_line, newest)),
        queries_total=len(asked),
        pages=_pages(session, run_id),
        pages_total=sum(counted.fetches.values()),
        troubles=_troubles(session, run_id),
        blocked=counted.searches.get("blocked", 0) + counted.fetches.get("blocked", 0),
        failed=counted.searches.get("failed", 0) + counted.fetches.get("failed", 0),
        curve=tuple(points(sightings, [one.query for one in found if one.answered])),
        unanswered=sum(not one.answered for one in found),
        stopped=waves[-1].stopped if waves else "",
        eligible=None if offered is None else len(offered.table.eligible),
        saturated=bool(waves) and (waves[-1].coverage or 0.0) >= ENOUGH,
        lost=lost(session, run_id),
    )


def _waves(session: Session, run_id: str) -> tuple[WaveLine, ...]:
    told = {event.data["wave"]: event.data for event in events.of_kind(session, run_id, "wave")}
    found, before = [], 0
    for wave in research.waves(session, run_id):
        data = told.get(wave.number)
        if data is None:  # planned, and not over
            continue
        found.append(
            WaveLine(
                number=wave.number,
                note=wave.note,
                queries=len(wave.queries),
                pages=wave.pages,
                seen=data["seen"],
                accepted=data["accepted"],
                rejected=data["rejected"],
                new=data["seen"] - before,
                coverage=data.get("coverage"),
                stopped=wave.stopped,
            )
        )
        before = data["seen"]
    return tuple(found)


def _rejected(session: Session, run_id: str) -> tuple[tuple[str, int], ...]:
    reasons = Counter(one.reason for one in research.ledger(session, run_id, Standing.REJECTED))
    return tuple(reasons.most_common(12))


def _query_line(row: SearchRow) -> QueryLine:
    return QueryLine(
        row.query, row.engine, row.wave, row.outcome, row.reason, row.detail, len(row.hits), row.asked_at
    )


def _pages(session: Session, run_id: str) -> tuple[PageLine, ...]:
    query = select(FetchRow).where(FetchRow.run_id == run_id).order_by(FetchRow.fetched_at.desc())
    return tuple(
        PageLine(row.url, row.outcome, row.reason, row.detail, row.fetched_at)
        for row in session.scalars(query.limit(PAGES_SHOWN))
    )


def _troubles(session: Session, run_id: str) -> tuple[Trouble, ...]:
    found = []
    for table, example in ((SearchRow, SearchRow.query), (FetchRow, FetchRow.url)):
        grouped = (
            select(table.outcome, table.reason, func.count(), func.min(example))
            .where(table.run_id == run_id, table.outcome.in_(tuple(MEANING)))
            .group_by(table.outcome, table.reason)
        )
        for outcome, reason, count, one in session.execute(grouped):
            found.append(Trouble(outcome, reason.replace("_", " "), count, MEANING[outcome], one))
    found.sort(key=lambda trouble: -trouble.times)
    return tuple(found[:TROUBLES_SHOWN])
