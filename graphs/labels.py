"""A person's labels: verdicts where a person is the judge, a yardstick where a model is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from graphs.state import Role
from graphs.trials import scenarios_of
from store import evaluation, runs
from tools.evaluation import (
    AnswerOutcome,
    Assessment,
    AssessmentOutcome,
    CriterionVerdict,
    Label,
    Verdict,
)
from tools.judging import computed_verdicts
from tools.panel import HUMAN
from tools.rubric import Rubric, parse_rubric


def judged_by_person(session: Session, run_id: str, role: Role, now: datetime) -> int:
    """Make assessments of the labels that hold a verdict on every criterion; how many answers lack them."""
    material = runs.material(session, run_id, "rubric")
    assert material is not None
    rubric = parse_rubric(material.text, material.name)
    given = evaluation.answers(session, run_id, role)
    done = evaluation.assessments(session, run_id, role, HUMAN)
    newest = {
        label.scenario_id: label for label in evaluation.labels(session, run_id, role) if label.verdicts
    }
    made, missing = [], 0
    for scenario in scenarios_of(session, run_id, role):
        if scenario.id in done or scenario.id not in given:
            continue
        answer = given[scenario.id]
        if answer.outcome is not AnswerOutcome.ANSWERED:
            detail = f"{answer.outcome.value}. {answer.detail}".strip()
            made.append(
                Assessment(scenario_id=scenario.id, outcome=AssessmentOutcome.NO_ANSWER, detail=detail)
            )
        elif (label := newest.get(scenario.id)) is not None:
            by_rule = computed_verdicts(rubric, scenario, answer.text)
            made.append(_assessment(label, rubric, by_rule))
        else:
            missing += 1
    if made:
        evaluation.keep_assessments(session, run_id, role, HUMAN, made, now)
    return missing


def _assessment(label: Label, rubric: Rubric, by_rule: tuple[CriterionVerdict, ...]) -> Assessment:
    by_id = {verdict.criterion: verdict for verdict in (*by_rule, *label.verdicts)}
    ordered = tuple(by_id[identifier] for identifier in rubric.ids if identifier in by_id)
    unclear = [c for c in rubric.ids if c not in by_id or by_id[c].verdict is Verdict.CANNOT_ASSESS]
    return Assessment(
        scenario_id=label.scenario_id,
        outcome=AssessmentOutcome.CANNOT_ASSESS if unclear else AssessmentOutcome.MEASURED,
        verdicts=ordered,
        detail=f"{label.by} could not assess {', '.join(unclear)}." if unclear else "",
    )


def agreed(labels: Sequence[Label]) -> tuple[Label, ...]:
    """One label for an answer: the newest of those that the majority of the people agrees with. Answers on
    which they are divided, and those of which nobody could tell, are left out."""
    given: dict[str, list[Label]] = defaultdict(list)
    for label in labels:
        if label.passed is not None:
            given[label.scenario_id].append(label)
    found = []
    for those in given.values():
        passes = sum(label.passed is True for label in those)
        if 2 * passes != len(those):
            majority = 2 * passes > len(those)
            found.append(max((one for one in those if one.passed is majority), key=lambda one: one.at))
    return tuple(found)


def passes_by_people(labels: Sequence[Label]) -> dict[str, bool]:
    """What people said of each answer, by majority."""
    return {label.scenario_id: label.passed is True for label in agreed(labels)}
