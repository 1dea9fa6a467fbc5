"""The comparison table from the rows of a run, as they are now."""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Session

from graphs.options import RunOptions
from graphs.searching import records
from store import reading, research, runs
from tools.candidates import Standing
from tools.copies import distinct
from tools.coverage import Coverage, measure
from tools.table import ComparisonTable, CoverageNote, build_table


def current_table(session: Session, run_id: str, today: date) -> ComparisonTable:
    """Build the table; ``today`` is the day as of which recency is judged."""
    options = RunOptions.model_validate(runs.get(session, run_id).options)
    return build_table(
        runs.request_of(session, run_id),
        research.ledger(session, run_id),
        research.facts(session, run_id),
        distinct(research.claims(session, run_id)),
        today=today,
        coverage=coverage_note(session, run_id),
        machine_memory_bytes=options.machine_memory_bytes,
    )


def measured(session: Session, run_id: str) -> Coverage:
    """Coverage, computed from the rows as they are now."""
    accepted = {candidate.key for candidate in research.ledger(session, run_id, Standing.ACCEPTED)}
    asked = records(reading.searches(session, run_id))
    waves = research.waves(session, run_id)
    listings = [wave.truncated for wave in waves if wave.census or wave.number == 1]
    return measure(
        [sighting for sighting in research.sightings(session, run_id) if sighting.candidate in accepted],
        [record.query for record in asked if record.answered],
        unanswered=sum(not record.answered for record in asked),
        truncated=listings[-1] if listings else (),
        stopped=waves[-1].stopped if waves else "",
    )


def coverage_note(session: Session, run_id: str) -> CoverageNote:
    """How much of the field was seen, and how many searches and fetches were asked, blocked and failed."""
    searches, fetches, _ = reading.counts(session, run_id)
    blocked = searches.get("blocked", 0) + fetches.get("blocked", 0)
    failed = searches.get("failed", 0) + fetches.get("failed", 0)
    detail = ""
    if blocked or failed:
        detail = (
            f"{blocked} requests were blocked and {failed} failed; what they would have shown is unknown."
        )
    found = measured(session, run_id)
    return CoverageNote(
        share=found.share,
        queries=sum(searches.values()) + sum(fetches.values()),
        blocked=blocked,
        failed=failed,
        detail=detail,
        measured=found,
    )
