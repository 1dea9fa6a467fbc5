"""The stations of a run's journey: which are behind it, where it is, and which it has not come to."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, NamedTuple

from store.schema import RunStatus

STATIONS = (
    ("intake", "Request"),
    ("research", "Research"),
    ("compare", "Table"),
    ("approve", "Approval"),
    ("scenarios", "Scenarios"),
    ("pull", "Pull"),
    ("answer", "Answers"),
    ("judge", "Judging"),
    ("decide", "Decision"),
    ("review", "Review"),
    ("document", "Report"),
)
PART_OF = {
    "ask": "intake",
    "record_approval": "approve",
    "agree": "scenarios",
    "record_agreement": "scenarios",
    "name_judge": "judge",
    "choose_judge": "judge",
    "check_judge": "judge",
    "await_labels": "judge",
    "try_prompt": "answer",
    "record_review": "review",
    "done": "document",
}
"""Smaller steps of the graph → the station that a person sees."""
VIEWS = {
    "research": "research",
    "compare": "table",
    "approve": "approval",
    "pull": "evaluation",
    "answer": "evaluation",
    "judge": "evaluation",
    "document": "report",
}

Standing = Literal["done", "in vain", "now", "waiting", "stopped", "skipped", "not yet"]
FROM_THE_WEB = frozenset({"research", "compare"})
"""Stations whose work is in vain when no request gets through."""


class Station(NamedTuple):
    """One step of the stepper."""

    name: str
    label: str
    standing: Standing
    view: str | None
    """The view of the run that shows it."""


def stations(stage: str, status: RunStatus, seen: Collection[str], *, lost: bool = False) -> list[Station]:
    """The stations with where the run is among them. ``seen`` are the steps that it has begun;
    ``lost``, whether research got through to nobody.

    The judge is named before the model is pulled, so the graph's order is not quite the person's.
    """
    begun = {PART_OF.get(step, step) for step in seen}
    names = [name for name, _ in STATIONS]
    here = names.index(PART_OF.get(stage, stage)) if PART_OF.get(stage, stage) in names else 0
    if stage in {"name_judge", "choose_judge"} and "pull" not in begun:
        here = names.index("scenarios")
    return [
        Station(name, label, _kept(_standing(at, here, name in begun, status), name, lost), VIEWS.get(name))
        for at, (name, label) in enumerate(STATIONS)
    ]


def _kept(standing: Standing, name: str, lost: bool) -> Standing:
    return "in vain" if lost and standing == "done" and name in FROM_THE_WEB else standing


def _standing(at: int, here: int, begun: bool, status: RunStatus) -> Standing:
    if at > here:
        return "not yet"
    if at < here:
        return "done" if begun else "skipped"
    match status:
        case RunStatus.DONE | RunStatus.NOT_NEEDED:
            return "done"
        case RunStatus.WAITING:
            return "waiting"
        case RunStatus.STOPPED | RunStatus.CANCELLED | RunStatus.REJECTED:
            return "stopped"
        case _:
            return "now"
