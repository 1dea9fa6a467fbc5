"""Whether research got through to anybody: a table made without a network looks like one made with it."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from store import runs
from store.schema import FetchRow, SearchRow
from tools.phrases import counted

NEARLY_NONE = 0.05
"""Share of the requests that got through, up to which what was found says nothing."""
FEWEST = 3
"""With fewer requests it is too early to tell."""
ANSWERED = frozenset({"found", "empty"})


class Reach(NamedTuple):
    """Searches and fetches of a run, as they ended in the end."""

    asked: int
    answered: int
    """Found something, or were told that there is nothing."""
    blocked: int
    """Refused by the other side."""
    reasons: tuple[tuple[str, int], ...]
    """Why the others were not answered, the commonest first."""

    @property
    def lost(self) -> bool:
        """Whether not one request got through, or nearly none."""
        return self.asked >= FEWEST and self.answered <= NEARLY_NONE * self.asked

    @property
    def sentence(self) -> str:
        """How many got through, and why the others did not."""
        asked = counted(self.asked, "request")
        none = f"Not one of {asked} got through"
        some = f"Only {self.answered} of {asked} got through"
        return f"{some if self.answered else none} ({self.why})."

    @property
    def why(self) -> str:
        return ", ".join(f"{count} {reason}" for reason, count in self.reasons[:3])

    @property
    def advice(self) -> str:
        """What comes before another search."""
        refused = 2 * self.blocked > self.asked - self.answered
        return "They were refused: wait a while" if refused else "Check the network (bms doctor)"


def reach(session: Session, run_id: str) -> Reach:
    run_id = runs.get(session, run_id).id
    asked = answered = blocked = 0
    reasons: dict[str, int] = {}
    for table in (SearchRow, FetchRow):
        grouped = (
            select(table.outcome, table.reason, func.count())
            .where(table.run_id == run_id)
            .group_by(table.outcome, table.reason)
        )
        for outcome, reason, count in session.execute(grouped):
            asked += count
            if outcome in ANSWERED:
                answered += count
                continue
            blocked += count if outcome == "blocked" else 0
            named = reason.replace("_", " ") or outcome
            reasons[named] = reasons.get(named, 0) + count
    ordered = sorted(reasons.items(), key=lambda one: -one[1])
    return Reach(asked, answered, blocked, tuple(ordered))
