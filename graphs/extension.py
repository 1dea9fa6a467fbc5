"""More of a run that has ended undecided: what could not be measured once more, and further scenarios."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy.orm import Session

from graphs.results import result_of
from store import evaluation, runs
from store.schema import RunStatus
from tools.decision import DecisionKind
from tools.faults import WrongUse
from tools.scenarios import MAX_COUNT


class Extension(NamedTuple):
    """What is to be done."""

    target: int
    """Scenarios that there shall be."""
    further: int
    again: int
    """Unmeasured answers that get another chance."""

    @property
    def sentence(self) -> str:
        parts = []
        if self.again:
            parts.append(f"asks {self.again} unmeasured answers again")
        if self.further:
            parts.append(f"runs {self.further} further scenarios")
        return f"It {' and '.join(parts)}."


def extend(session: Session, run_id: str, further: int | None, *, by_story: bool) -> Extension:
    """Open a finished run again. ``further`` scenarios, or as many as would settle it when that is None.

    :class:`WrongUse` for a run that has decided already, or where nothing more can be had.
    """
    row = runs.get(session, run_id)
    if row.status != RunStatus.DONE:
        became = f": {row.detail.rstrip('.')}" if row.detail else ""
        raise WrongUse(
            f"Run {row.id} has ended ({row.status}){became}.",
            f"`bms show {row.id}` tells more; a new request starts a new run.",
        )
    judge = evaluation.judge_of(session, row.id, "primary") or ""
    decision = result_of(session, row.id, "primary", judge).decision
    if decision.kind is not DecisionKind.UNDECIDED and not further:
        raise WrongUse(
            f"Run {row.id} has ended (done): {decision.kind.value}.",
            f"`bms show {row.id}` tells more; --further N runs more scenarios all the same.",
        )
    if by_story:
        raise WrongUse("A replay holds no more than was recorded.", "A new run can go on.")
    own = runs.material(session, row.id, "scenarios")
    if own is not None and further:
        raise WrongUse(
            f"The scenarios of run {row.id} are your own ({own.name}); no more can be made from them.",
            "Start a new run with a longer file.",
        )
    planned = len(evaluation.scenarios(session, row.id))
    more = 0 if own is not None else min(further or decision.further_scenarios or 0, MAX_COUNT - planned)
    again = evaluation.forget_unmeasured(session, row.id, "primary")
    if not again and not more:
        raise WrongUse(f"There is nothing more to run: {decision.reason}", "`bms report` shows the document.")
    return Extension(planned + more, more, again)
