"""Numbers recomputed from rows, and the refusal to show any that differ (design, invariant 10)."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple, NoReturn

from tools.decision import DecisionKind, decide
from tools.evaluation import AnswerOutcome, AssessmentOutcome, Verdict
from tools.failures import Row, analyse
from tools.faults import Fault
from tools.report.data import ModelResult
from tools.report.figures import HeatMap
from tools.scoring import score_assessment

NOT_YET = "not answered and judged yet"
NOTHING_APPLIED = "no criterion applied"


class Inconsistent(Fault):
    """A number that was handed over differs from the rows that it should come from."""


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

    @property
    def failed(self) -> int:
        return self.measured - self.passed

    @property
    def rate(self) -> float | None:
        return self.passed / self.measured if self.measured else None


def tally(result: ModelResult) -> Tally:
    """Counts from the rows alone. :class:`Inconsistent` when scores, decision or failures say otherwise."""
    rows = result.rows
    _check_rows(result)
    measured = [row for row in rows if not row.score.unmeasured]
    reasons = Counter(_reason(row) for row in rows if row.score.unmeasured)
    missing = max(0, result.planned - len(rows))
    if missing:
        reasons[NOT_YET] += missing
    found = Tally(
        planned=max(result.planned, len(rows)),
        measured=len(measured),
        passed=sum(row.score.passed is True for row in measured),
        unmeasured=len(rows) - len(measured),
        missing=missing,
        reasons=tuple(Reason(*pair) for pair in sorted(reasons.items(), key=lambda p: (-p[1], p[0]))),
    )
    _check_decision(result, found)
    _check_failures(result)
    return found


def failures_map(result: ModelResult) -> HeatMap:
    """Failed criteria by topic, over measured answers; topics and criteria without a failure are left out."""
    measured = [row for row in result.rows if not row.score.unmeasured]
    totals = Counter(row.scenario.topic for row in measured)
    failed = Counter((row.scenario.topic, name) for row in measured for name in failed_criteria(row, result))
    topics = sorted(
        {topic for topic, _ in failed},
        key=lambda topic: (-sum(n for (t, _), n in failed.items() if t == topic) / totals[topic], topic),
    )
    criteria = tuple(name for name in result.rubric.ids if any(c == name for _, c in failed))
    return HeatMap(
        topics=tuple(topics),
        measured=tuple(totals[topic] for topic in topics),
        criteria=criteria,
        failed=tuple(tuple(failed[topic, name] for name in criteria) for topic in topics),
    )


def failed_criteria(row: Row, result: ModelResult) -> tuple[str, ...]:
    """Criteria that an answer does not meet, in the rubric's order; NA counts where it is not allowed."""
    verdicts = {verdict.criterion: verdict.verdict for verdict in row.assessment.verdicts}
    return tuple(
        criterion.id
        for criterion in result.rubric.criteria
        if verdicts.get(criterion.id) is Verdict.NO
        or (verdicts.get(criterion.id) is Verdict.NA and not criterion.na_allowed)
    )


def _reason(row: Row) -> str:
    if row.answer.outcome is not AnswerOutcome.ANSWERED:
        return row.answer.outcome.value
    if row.assessment.outcome is not AssessmentOutcome.MEASURED:
        return row.assessment.outcome.value
    return NOTHING_APPLIED


def _check_rows(result: ModelResult) -> None:
    ids = [row.scenario.id for row in result.rows]
    twice = [name for name, times in Counter(ids).items() if times > 1]
    if twice:
        _differ(result, f"scenario {twice[0]} has {ids.count(twice[0])} rows")
    for row in result.rows:
        if not row.scenario.id == row.answer.scenario_id == row.assessment.scenario_id:
            _differ(
                result,
                f"the row of scenario {row.scenario.id} holds an answer to {row.answer.scenario_id} "
                f"and an assessment of {row.assessment.scenario_id}",
            )
        again = score_assessment(row.assessment, result.rubric)
        if again != row.score:
            _differ(
                result,
                f"scenario {row.scenario.id} was scored {row.score.score} (passed: {row.score.passed}), "
                f"its verdicts give {again.score} (passed: {again.passed})",
            )


def _check_decision(result: ModelResult, found: Tally) -> None:
    said = result.decision
    if (said.passes, said.measured) != (found.passed, found.measured):
        _differ(
            result,
            f"the decision counts {said.passes} passes of {said.measured} measured answers, "
            f"the rows give {found.passed} of {found.measured}",
        )
    if said.unmeasured not in {found.unmeasured, found.unmeasured + found.missing}:
        _differ(
            result,
            f"the decision counts {said.unmeasured} unmeasured answers, the rows give {found.unmeasured}",
        )
    scores = [row.score for row in result.rows] + [None] * (said.unmeasured - found.unmeasured)
    again = decide(scores, result.rubric, thresholds=result.thresholds, certainty=result.certainty)
    # A decision may be more careful than the numbers alone, for a judge that cannot be trusted; never bolder.
    if said.kind is not again.kind and said.kind is not DecisionKind.UNDECIDED:
        _differ(result, f"the decision is {said.kind.value}, the rows give {again.kind.value}")
    for name in ("pass_rate", "interval", "band_probabilities", "gate_failures", "answers_failing_a_gate"):
        stated, counted = getattr(said, name), getattr(again, name)
        if stated != counted:
            what = name.replace("_", " ")
            _differ(result, f"the {what} of the decision is {stated}, the rows give {counted}")


def _check_failures(result: ModelResult) -> None:
    again = analyse(result.rows, result.rubric)
    said = {entry.criterion: (entry.failed, entry.assessed) for entry in result.failures.criteria}
    rows = {entry.criterion: (entry.failed, entry.assessed) for entry in again.criteria}
    for name in result.rubric.ids:
        if said.get(name) != rows.get(name):
            stated, counted = _of(said.get(name)), _of(rows.get(name))
            _differ(
                result, f"the failure analysis counts {stated} failures of {name}, the rows give {counted}"
            )
    problems = {problem.kind: len(problem.scenario_ids) for problem in result.failures.data_problems}
    if problems != {problem.kind: len(problem.scenario_ids) for problem in again.data_problems}:
        _differ(result, "the data problems of the failure analysis are not those of the rows")


def _of(counts: tuple[int, int] | None) -> str:
    return "no" if counts is None else f"{counts[0]} of {counts[1]}"


def _differ(result: ModelResult, what: str) -> NoReturn:
    raise Inconsistent(
        f"The results of the {result.role} model do not add up: {what}.",
        "Nothing was written; compute decision and failure analysis from these rows again.",
    )
