"""A run in which hardly a request got through, and what is known of its candidates."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from agent.conversation.replies import counted
from agent.reach import Reach, reach
from tools.table import CoverageNote, TableRow

AGAIN = ("search again", "what was blocked?", "show the table")
CHECK = "Check the network with `bms doctor` at the terminal of this machine"
NOTHING = "nothing is known of"


def warning(found: Reach) -> str:
    """How many of how many got through and what to do; empty where research was answered."""
    if not found.lost:
        return ""
    first = CHECK if found.advice.startswith("Check") else found.advice
    return f"{found.sentence} {first}, then say “search again”."


def of_run(session: Session, run_id: str) -> str:
    return warning(reach(session, run_id))


def of_note(note: CoverageNote | None) -> str:
    """The same of what a table was made from, which later searches do not change."""
    if note is None:
        return ""
    reasons = tuple(
        (name, many) for name, many in (("failed", note.failed), ("blocked", note.blocked)) if many
    )
    return warning(Reach(note.queries, note.queries - note.blocked - note.failed, note.blocked, reasons))


def is_known(row: TableRow) -> bool:
    """Whether a source tells anything about a candidate, beyond what it is called."""
    return bool(row.evidence) or any(cell.facts for cell in row.cells)


def meets(rows: Sequence[TableRow]) -> str:
    """How many candidates meet every hard need; those of which nothing is known are not said to."""
    eligible = [row for row in rows if not row.excluded]
    known = [row for row in eligible if is_known(row)]
    if not eligible:
        return "none of them meets every hard need"
    if not known:
        return f"{NOTHING} any of them but the name"
    unknown = len(eligible) - len(known)
    rest = f", and {NOTHING} {counted(unknown, 'other')} but the name" if unknown else ""
    return f"{len(known)} of them meet every hard need{rest}"
