"""Counts recomputed from the rows of a model (design, invariant 10)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from tools.clusters import ClusteredInterval
from tools.data_problems import why_unmeasured
from tools.report.checks import check, clusters
from tools.report.data import ModelResult
from tools.rows import Row, not_met

NOT_YET = "not answered and judged yet"


class Reason(NamedTuple):
    """Why answers could not be measured, and how many."""

    reason: str
    answers: int


class Tally(NamedTuple):
    """What the rows of one model say."""

    planned: int
    measured: int
    passed: int
    unmeasured: int
    """Answered or tried, but without a measurement; scenarios without a row are in ``missing``."""
    missing: int
    reasons: tuple[Reason, ...]
    """Why ``unmeasured`` and ``missing`` were not measured, the most frequent first; sums to both."""
    not_met: Mapping[str, tuple[str, ...]]
    """Scenario → criteria that its answer does not meet, in the rubric's order."""
    clustered: ClusteredInterval | None
    """Of the pass rate, by topic; None with fewer than two topics."""

    @property
    def failed(self) -> int:
        return self.measured - self.passed

    @property
    def rate(self) -> float | None:
        return self.passed / self.measured if self.measured else None


def tally(result: ModelResult) -> Tally:
    """Counts from the rows alone; :class:`~tools.report.checks.Inconsistent` when what was handed over says
    otherwise."""
    rows = result.rows
    measured = [row for row in rows if not row.score.unmeasured]
    reasons = Counter(why_unmeasured(row) for row in rows if row.score.unmeasured)
    missing = max(0, result.planned - len(rows))
    if missing:
        reasons[NOT_YET] += missing
    check(result, missing)
    return Tally(
        planned=max(result.planned, len(rows)),
        measured=len(measured),
        passed=sum(row.score.passed is True for row in measured),
        unmeasured=len(rows) - len(measured),
        missing=missing,
        reasons=tuple(Reason(*pair) for pair in sorted(reasons.items(), key=lambda p: (-p[1], p[0]))),
        not_met={row.scenario.id: _not_met(row, result) for row in rows},
        clustered=clusters(measured),
    )


def _not_met(row: Row, result: ModelResult) -> tuple[str, ...]:
    given = {verdict.criterion: verdict.verdict for verdict in row.assessment.verdicts}
    return tuple(
        criterion.id
        for criterion in result.rubric.criteria
        if criterion.id in given and not_met(given[criterion.id], criterion)
    )
