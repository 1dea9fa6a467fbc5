"""One scenario with all that became of it, and how a verdict on it counts."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import NamedTuple, TypeVar

from tools.evaluation import Answer, Assessment, CriterionVerdict, Scenario, Verdict
from tools.rubric import Criterion, Rubric
from tools.scoring import Score

_Item = TypeVar("_Item")


class Row(NamedTuple):
    """One scenario with all that became of it."""

    scenario: Scenario
    answer: Answer
    assessment: Assessment
    score: Score


class Case(NamedTuple):
    """One criterion's verdict on one answer, as it counts."""

    position: int
    """Of the row among the rows that were given."""
    verdict: CriterionVerdict
    failed: bool


def not_met(verdict: Verdict, criterion: Criterion) -> bool | None:
    """True for NO, and for NA where it is not allowed; None where the verdict says neither yes nor no."""
    if verdict is Verdict.CANNOT_ASSESS:
        return None
    if verdict is Verdict.NA:
        return None if criterion.na_allowed else True
    return verdict is Verdict.NO


def one_of_each(items: Iterable[_Item], key: Callable[[_Item], Hashable]) -> list[_Item]:
    """The first item of each key, then all others, both in the order given."""
    first: dict[Hashable, _Item] = {}
    others = [item for item in items if first.setdefault(key(item), item) is not item]
    return [*first.values(), *others]


def cases_by_criterion(rows: Sequence[Row], rubric: Rubric) -> dict[str, list[Case]]:
    """Every verdict that says yes or no, by criterion in the rubric's order, in the order of the rows."""
    known = {criterion.id: criterion for criterion in rubric.criteria}
    found: dict[str, list[Case]] = {identifier: [] for identifier in known}
    for index, row in enumerate(rows):
        # As in scoring, the last verdict on a criterion is the one that counts.
        for identifier, verdict in {v.criterion: v for v in row.assessment.verdicts}.items():
            failed = not_met(verdict.verdict, known[identifier]) if identifier in known else None
            if failed is not None:
                found[identifier].append(Case(index, verdict, failed))
    return found
