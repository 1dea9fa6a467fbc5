"""Scores and decision from the rows of a run. Computed whenever they are shown, stored nowhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy.orm import Session

from graphs.labels import agreed, by_people
from graphs.options import RunOptions
from graphs.state import Role
from graphs.trials import scenarios_of
from store import evaluation, runs
from tools.calibration import Calibration, calibrate
from tools.decision import FEWEST_MEASURED, Decision, decide
from tools.evaluation import Assessment, Label, Verdict
from tools.failures import Pick, Row, review_sample
from tools.faults import WrongUse
from tools.judge import PreflightReport
from tools.panel import HUMAN, PanelAgreement, combine, panel_agreement, parse_panel
from tools.rubric import Rubric, parse_rubric
from tools.scoring import score_assessment


class Result(NamedTuple):
    role: Role
    judge: str
    """As it was named: one judge, several with commas between them, or ``human``."""
    rubric: Rubric
    lines: tuple[Row, ...]
    """Scenarios that were answered and judged, in their order."""
    planned: int
    """Scenarios of the role."""
    decision: Decision
    preflights: tuple[tuple[str, PreflightReport], ...]
    """Of each judge that was tried."""
    by_judge: dict[str, dict[str, Assessment]]
    """Each judge's own assessments by scenario."""
    agreement: PanelAgreement | None
    """Among several judges."""
    labels: tuple[Label, ...]
    """What people said of the answers, one for an answer."""
    calibration: Calibration | None
    """The judge beside people's labels, where there are some."""

    unfit: str | None
    """Why the judge cannot be trusted."""


def result_of(session: Session, run_id: str, role: Role, judge: str) -> Result:
    """The result of one model of a run by one judge; :class:`WrongUse` while nothing is judged."""
    material = runs.material(session, run_id, "rubric")
    given = evaluation.answers(session, run_id, role)
    judges = parse_panel(judge) if judge else ()
    rubric = None if material is None else parse_rubric(material.text, material.name)
    by_judge = {} if rubric is None else _by_judge(session, run_id, role, judges, rubric)
    if rubric is None or not any(by_judge.values()):
        raise WrongUse(
            f"Run {run_id} has no judged answers of its {role} model yet.",
            f"`bms show {run_id}` tells where it is.",
        )
    judged = _together(by_judge, rubric)
    planned = scenarios_of(session, run_id, role)
    lines = tuple(
        Row(
            scenario,
            given[scenario.id],
            judged[scenario.id],
            score_assessment(judged[scenario.id], rubric),
        )
        for scenario in planned
        if scenario.id in given and scenario.id in judged
    )
    preflights = tuple(
        (one, PreflightReport.model_validate(stored))
        for one in judges
        if (stored := evaluation.stored_call(session, run_id, "preflight", one)) is not None
    )
    labels = agreed(evaluation.labels(session, run_id, role))
    calibration = None if judge == HUMAN else _calibration(labels, lines)
    unfit = _unfit(preflights, by_judge)
    scores = {line.scenario.id: line.score for line in lines}
    # What is not judged yet is unmeasured: a part of a run must not decide for the whole.
    decision = decide(
        [scores.get(scenario.id) for scenario in planned],
        rubric,
        topics=[scenario.topic for scenario in planned],
        gate_share_limit=RunOptions.model_validate(runs.get(session, run_id).options).gate_share,
        judge_problem=unfit,
        corrected=None if calibration is None else calibration.prediction_powered,
    )
    return Result(
        role=role,
        judge=judge,
        rubric=rubric,
        lines=lines,
        planned=len(planned),
        decision=decision,
        preflights=preflights,
        unfit=unfit,
        by_judge=by_judge,
        labels=labels,
        agreement=panel_agreement(by_judge, rubric) if len(judges) > 1 else None,
        calibration=calibration,
    )


def _by_judge(
    session: Session, run_id: str, role: Role, judges: Sequence[str], rubric: Rubric
) -> dict[str, dict[str, Assessment]]:
    if tuple(judges) == (HUMAN,):
        return {HUMAN: by_people(session, run_id, role, rubric)}
    return {one: evaluation.assessments(session, run_id, role, one) for one in judges}


def _unfit(
    preflights: Sequence[tuple[str, PreflightReport]], by_judge: dict[str, dict[str, Assessment]]
) -> str | None:
    """Why the judges cannot be trusted: what their preflights said, or that one knows one word only."""
    said = [report.sentence for _, report in preflights if not report.passed]
    for judge, report in preflights:
        words = Counter(
            verdict.verdict
            for assessment in by_judge[judge].values()
            for verdict in assessment.verdicts
            if verdict.judge == judge
        )
        if set(words) == {Verdict.NO} and words.total() >= FEWEST_MEASURED and not report.saw_a_good_answer:
            said.append(
                f"{judge} said NO {words.total()} times and nothing else, and no good answer was planted to "
                "see whether it ever says YES: give the rubric a planted answer, or read some answers."
            )
    return " ".join(said) or None


def _together(by_judge: dict[str, dict[str, Assessment]], rubric: Rubric) -> dict[str, Assessment]:
    """One assessment a scenario; those of several judges by majority, once all of them have judged it."""
    if len(by_judge) == 1:
        return next(iter(by_judge.values()))
    common = set.intersection(*(set(assessments) for assessments in by_judge.values()))
    return {
        scenario: combine({one: assessments[scenario] for one, assessments in by_judge.items()}, rubric)
        for scenario in common
    }


def _calibration(given: Sequence[Label], lines: Sequence[Row]) -> Calibration | None:
    judged = {line.scenario.id: line.score.passed for line in lines if line.score.passed is not None}
    labels = {label.scenario_id: label.passed for label in given if label.passed is not None}
    return calibrate(judged, labels) if labels else None


def sample_of(result: Result) -> tuple[Pick, ...]:
    """The answers that a person reads at a review."""
    return review_sample(result.lines, result.rubric, disagreeing=disputed(result))


def disputed(result: Result) -> tuple[str, ...]:
    """Scenarios on which one of several judges would have decided otherwise than another."""
    if len(result.by_judge) < 2:
        return ()
    passed: dict[str, set[bool | None]] = {}
    for assessments in result.by_judge.values():
        for scenario, assessment in assessments.items():
            passed.setdefault(scenario, set()).add(score_assessment(assessment, result.rubric).passed)
    return tuple(scenario for scenario, said in passed.items() if {True, False} <= said)
