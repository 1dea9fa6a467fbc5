"""Scores and decision from the rows of a run. Computed whenever they are shown, stored nowhere."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy.orm import Session

from store import evaluation, runs
from tools.decision import Decision, decide
from tools.failures import Row
from tools.faults import WrongUse
from tools.judge import PreflightReport
from tools.rubric import Rubric, parse_rubric
from tools.scoring import score_assessment


class Result(NamedTuple):
    role: str
    judge: str
    rubric: Rubric
    lines: tuple[Row, ...]
    """Scenarios that were answered and judged, in their order."""
    planned: int
    """Scenarios of the run."""
    decision: Decision
    preflight: PreflightReport | None


def result_of(session: Session, run_id: str, role: str, judge: str) -> Result:
    """The result of one model of a run by one judge; :class:`WrongUse` while nothing is judged."""
    material = runs.material(session, run_id, "rubric")
    given = evaluation.answers(session, run_id, role)
    judged = evaluation.assessments(session, run_id, role, judge)
    if material is None or not judged:
        raise WrongUse(
            f"Run {run_id} has no judged answers of its {role} model yet.",
            f"`bms show {run_id}` tells where it is.",
        )
    rubric = parse_rubric(material.text, material.name)
    planned = evaluation.scenarios(session, run_id)
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
    stored = evaluation.stored_call(session, run_id, "preflight", judge)
    preflight = None if stored is None else PreflightReport.model_validate(stored)
    problem = None if preflight is None or preflight.passed else preflight.sentence
    scores = {line.scenario.id: line.score for line in lines}
    # What is not judged yet is unmeasured: a part of a run must not decide for the whole.
    decision = decide([scores.get(scenario.id) for scenario in planned], rubric, judge_problem=problem)
    return Result(role, judge, rubric, lines, len(planned), decision, preflight)
