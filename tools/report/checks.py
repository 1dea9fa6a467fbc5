"""The refusal to show a number that differs from the rows (design, invariant 10)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NoReturn

from tools.calibration import calibrate
from tools.clusters import ClusteredInterval, clustered_wilson
from tools.decision import DecisionKind, decide
from tools.evaluation import AssessmentOutcome
from tools.failures import analyse
from tools.faults import Fault
from tools.paired import PairedComparison, compare_paired
from tools.report.data import ModelResult
from tools.rows import Row
from tools.scoring import Score, score_assessment

_NUMBERS = (
    "pass_rate",
    "interval",
    "band_probabilities",
    "clustered",
    "gate_failures",
    "answers_failing_a_gate",
)
"""Fields of a decision that the rows give."""


class Inconsistent(Fault):
    """A number that was handed over differs from the rows that it should come from."""


def check(result: ModelResult, missing: int) -> None:
    """:class:`Inconsistent` when what was handed over differs from rows; ``missing`` ones are not there."""
    _check_rows(result)
    _check_calibration(result)
    _check_decision(result, missing)
    _check_failures(result)
    _check_retrial(result)
    _check_panel(result)


def clusters(measured: Iterable[Row]) -> ClusteredInterval | None:
    """The interval of the pass rate clustered by topic, from measured rows."""
    n = Counter[str]()
    passed = Counter[str]()
    for row in measured:
        n[row.scenario.topic] += 1
        passed[row.scenario.topic] += row.score.passed is True
    return clustered_wilson({topic: (passed[topic], times) for topic, times in n.items()})


def check_paired(primary: ModelResult, backup: ModelResult, said: PairedComparison) -> None:
    """:class:`Inconsistent` when the comparison is not that of the rows of both models."""
    other = {row.scenario.id: row.score.passed for row in backup.rows}
    pairs = [
        (row.score.passed, second)
        for row in primary.rows
        if row.score.passed is not None and (second := other.get(row.scenario.id)) is not None
    ]
    if compare_paired(pairs) != said:
        _differ(primary, f"the comparison with the backup, on {said.n} scenarios, is not that of the rows")


def _check_rows(result: ModelResult) -> None:
    ids = [row.scenario.id for row in result.rows]
    twice = [name for name, times in Counter(ids).items() if times > 1]
    if twice:
        _differ(result, f"scenario {twice[0]} has {ids.count(twice[0])} rows")
    known: dict[tuple[object, ...], Score] = {}
    for row in result.rows:
        if not row.scenario.id == row.answer.scenario_id == row.assessment.scenario_id:
            _differ(
                result,
                f"the row of scenario {row.scenario.id} holds an answer to {row.answer.scenario_id} "
                f"and an assessment of {row.assessment.scenario_id}",
            )
        # Thousands of answers share a few hundred patterns of verdicts.
        pattern = tuple((given.criterion, given.verdict) for given in row.assessment.verdicts)
        again = known.get(pattern)
        if again is None:
            again = known[pattern] = score_assessment(row.assessment, result.rubric)
        if again != row.score:
            _differ(
                result,
                f"scenario {row.scenario.id} was scored {row.score.score} (passed: {row.score.passed}), "
                f"its verdicts give {again.score} (passed: {again.passed})",
            )


def _check_decision(result: ModelResult, missing: int) -> None:
    said = result.decision
    measured = sum(not row.score.unmeasured for row in result.rows)
    passed = sum(row.score.passed is True for row in result.rows)
    unmeasured = len(result.rows) - measured
    if (said.passes, said.measured) != (passed, measured):
        _differ(
            result,
            f"the decision counts {said.passes} passes of {said.measured} measured answers, "
            f"the rows give {passed} of {measured}",
        )
    if said.unmeasured not in {unmeasured, unmeasured + missing}:
        _differ(
            result,
            f"the decision counts {said.unmeasured} unmeasured answers, the rows give {unmeasured}",
        )
    open_ = said.unmeasured - unmeasured
    again = decide(
        [*(row.score for row in result.rows), *([None] * open_)],
        result.rubric,
        thresholds=result.thresholds,
        certainty=result.certainty,
        gate_share_limit=result.gate_share_limit,
        topics=[*(row.scenario.topic for row in result.rows), *([""] * open_)] if said.clustered else None,
        corrected=said.corrected,
    )
    # A decision may be more careful than the numbers alone, for a judge that cannot be trusted; never bolder.
    if said.kind is not again.kind and said.kind is not DecisionKind.UNDECIDED:
        _differ(result, f"the decision is {said.kind.value}, the rows give {again.kind.value}")
    for name in _NUMBERS:
        stated, counted = getattr(said, name), getattr(again, name)
        if stated != counted:
            what = name.replace("_", " ")
            _differ(result, f"the {what} of the decision is {stated}, the rows give {counted}")


def _check_failures(result: ModelResult) -> None:
    # Whether no judge at all could assess a scenario is known to whoever had each judge's own verdicts.
    # The summary counts those scenarios, too.
    said = result.failures
    again = analyse(result.rows, result.rubric)._replace(suspects=said.suspects, summary=said.summary)
    if again == said:
        return
    stated_by = {entry.criterion: (entry.failed, entry.assessed) for entry in said.criteria}
    rows = {entry.criterion: (entry.failed, entry.assessed) for entry in again.criteria}
    for name in result.rubric.ids:
        if stated_by.get(name) != rows.get(name):
            stated, counted = _of(stated_by.get(name)), _of(rows.get(name))
            _differ(
                result, f"the failure analysis counts {stated} failures of {name}, the rows give {counted}"
            )
    parts = [name for name in again._fields if getattr(again, name) != getattr(said, name)]
    _differ(result, f"the {parts[0].replace('_', ' ')} of the failure analysis are not those of the rows")


def _check_calibration(result: ModelResult) -> None:
    said, corrected = result.calibration, result.decision.corrected
    if said is None:
        if corrected is not None:
            _differ(result, "the decision has a corrected pass rate, and there is no calibration")
        return
    judged = {row.scenario.id: row.score.passed for row in result.rows if row.score.passed is not None}
    labels = {label.scenario_id: label.passed for label in result.labels if label.passed is not None}
    if calibrate(judged, labels) != said:
        _differ(
            result,
            f"the calibration, by {said.labels} labels on {said.judged} judged answers, is not that of the "
            f"{len(labels)} labels on {len(judged)}",
        )
    if corrected not in (None, said.prediction_powered, said.rogan_gladen):
        _differ(result, "the corrected pass rate of the decision is not that of the calibration")


def _check_retrial(result: ModelResult) -> None:
    """The further runs have no rows here; what they were drawn from has."""
    said = result.retrial
    failed = sum(row.score.passed is False and not row.scenario.held_out for row in result.rows)
    if said is not None and (said.failed != failed or said.n > failed):
        _differ(
            result, f"the retrial ran {said.n} of {said.failed} failed answers again, the rows have {failed}"
        )


def _check_panel(result: ModelResult) -> None:
    """What each judge said alone is not in the rows; how many answers there are is."""
    said = result.panel
    if said is None:
        return
    answered = sum(row.assessment.outcome is not AssessmentOutcome.NO_ANSWER for row in result.rows)
    if said.answers > answered:
        _differ(result, f"several judges judged {said.answers} answers, the rows have {answered}")
    unknown = [name for name in said.criteria if name not in result.rubric.ids]
    if unknown:
        _differ(result, f"the agreement of the judges has a criterion {unknown[0]}, the rubric has none")


def _of(counts: tuple[int, int] | None) -> str:
    return "no" if counts is None else f"{counts[0]} of {counts[1]}"


def _differ(result: ModelResult, what: str) -> NoReturn:
    raise Inconsistent(
        f"The results of the {result.role} model do not add up: {what}.",
        "Nothing was written; compute decision and failure analysis from these rows again.",
    )
