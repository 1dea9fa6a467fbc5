"""More of a run that has ended undecided: what could not be measured once more, and further scenarios."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from graphs.labels import by_people
from graphs.results import Result, result_of
from store import evaluation, events, runs
from store.schema import RunStatus
from tools.decision import DecisionKind
from tools.faults import WrongUse
from tools.panel import HUMAN, parse_panel
from tools.scenarios import MAX_COUNT

CRITERION = "criterion"
"""Purpose of the calls for one criterion, of which a dozen come before their answer's row does."""
EXTENSION = "extension"
"""Call that is no call: how often a run was opened again, and how many scenarios it shall have."""


class Extension(NamedTuple):
    """What is to be done."""

    serial: int
    """How often the run has been opened again, this time included."""

    target: int
    """Scenarios that there shall be."""
    further: int
    again: int
    """Unmeasured answers that get another chance."""
    order: int | None = None
    """What it was done for, where that was an order."""

    @property
    def sentence(self) -> str:
        parts = []
        if self.again:
            parts.append(f"asks {self.again} unmeasured answers again")
        if self.further:
            parts.append(f"runs {self.further} further scenarios")
        return f"It {' and '.join(parts)}."


def extend(
    session: Session,
    run_id: str,
    further: int | None,
    now: datetime,
    *,
    by_story: bool,
    order_id: int | None = None,
) -> bool:
    """Open a finished run again: ``further`` scenarios, or as many as would settle it when that is None.

    All of it in the one transaction of ``session``: a process that dies right after it is succeeded by one
    that finds what is to be done. False where the run has been opened for this order before: whoever carried
    it out did not live to say so.

    :class:`WrongUse` for a run that has decided already, or where nothing more can be had.
    """
    row, earlier = runs.get(session, run_id), open_extension(session, run_id)
    if order_id is not None and earlier is not None and earlier.order == order_id:
        return False
    if row.status != RunStatus.DONE:
        became = f": {row.detail.rstrip('.')}" if row.detail else ""
        raise WrongUse(
            f"Run {row.id} has ended ({row.status}){became}.",
            f"`bms show {row.id}` tells more; a new request starts a new run.",
        )
    judge = evaluation.judge_of(session, row.id, "primary") or ""
    result = result_of(session, row.id, "primary", judge)
    decision = result.decision
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
    planned = evaluation.scenarios(session, row.id)
    more = 0
    if own is None:
        more = min(further or decision.further_scenarios or 0, MAX_COUNT - len(planned))
    measured = {line.scenario.id for line in result.lines if not line.score.unmeasured}
    unmeasured = [scenario.id for scenario in planned if scenario.id not in measured]
    again = _forget(session, row.id, result, unmeasured)
    if not again and not more and own is not None:
        raise WrongUse(
            f"All scenarios of {own.name} were run, and no more can be made from a file of your own: "
            f"{decision.reason}",
            f"Add about {decision.further_scenarios} to it and start a new run."
            if decision.further_scenarios
            else f"`bms report {row.id}` says what can be done.",
        )
    if not again and not more:
        raise WrongUse(
            f"There is nothing more to run that would settle it: {decision.reason}",
            f"`bms report {row.id}` says what can be done.",
        )
    serial = 1 if earlier is None else earlier.serial + 1
    found = Extension(serial, len(planned) + more, more, again, order_id)
    evaluation.keep_call(session, row.id, EXTENSION, "", found._asdict(), now)
    runs.reopen(session, row.id, now)
    events.append(session, row.id, "scenarios", "extension", {"sentence": found.sentence}, now)
    return True


def open_extension(session: Session, run_id: str) -> Extension | None:
    """The newest extension of a run; whether the graph has taken it up, its state knows."""
    stored = evaluation.stored_call(session, run_id, EXTENSION, "")
    return None if stored is None else Extension(**stored)


def _forget(session: Session, run_id: str, result: Result, unmeasured: list[str]) -> int:
    """Forget what can be asked again of the unmeasured ones; how many of them that may help."""
    evaluation.forget_unmeasured(session, run_id, "primary", parse_panel(result.judge), unmeasured)
    evaluation.forget_calls(session, run_id, CRITERION)
    answered = evaluation.answered(session, run_id, "primary")
    if result.judge == HUMAN:
        judged = [set(by_people(session, run_id, "primary", result.rubric))]
    else:
        judges = parse_panel(result.judge)
        judged = [evaluation.assessed(session, run_id, "primary", one) for one in judges]
    return sum(one not in answered or any(one not in done for done in judged) for one in unmeasured)
