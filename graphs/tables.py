"""The comparison table from the rows of a run, as they are now."""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Session

from store import research, runs
from tools.table import ComparisonTable, CoverageNote, build_table


def current_table(session: Session, run_id: str, today: date) -> ComparisonTable:
    """Build the table; ``today`` is the day as of which recency is judged."""
    return build_table(
        runs.request_of(session, run_id),
        research.ledger(session, run_id),
        research.facts(session, run_id),
        research.claims(session, run_id),
        today=today,
        coverage=coverage_note(session, run_id),
    )


def coverage_note(session: Session, run_id: str) -> CoverageNote:
    """How many searches and fetches were asked, blocked and failed."""
    searches, fetches, _ = research.counts(session, run_id)
    blocked = searches.get("blocked", 0) + fetches.get("blocked", 0)
    failed = searches.get("failed", 0) + fetches.get("failed", 0)
    detail = ""
    if blocked or failed:
        detail = (
            f"{blocked} requests were blocked and {failed} failed; what they would have shown is unknown."
        )
    return CoverageNote(
        queries=sum(searches.values()) + sum(fetches.values()), blocked=blocked, failed=failed, detail=detail
    )
