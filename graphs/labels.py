"""A person's labels: verdicts where a person is the judge, a yardstick where a model is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy.orm import Session

from graphs.state import Role
from graphs.trials import scenarios_of
from store import evaluation, runs
from tools.evaluation import AnswerOutcome, Assessment, CriterionVerdict, Label
from tools.judging import assessment_of, computed_verdicts, unanswered
from tools.labelling import is_finished
from tools.panel import combine
from tools.rubric import Rubric, parse_rubric


def by_people(session: Session, run_id: str, role: Role, rubric: Rubric) -> dict[str, Assessment]:
    """The assessments that people's labels make, by scenario; several people's by majority.

    Made anew whenever they are asked for: a label that is corrected, or given by one more person, counts at
    once. Labels without a verdict on every judged criterion are not finished, and make none.
    """
    finished: dict[str, list[Label]] = defaultdict(list)
    for label in evaluation.labels(session, run_id, role):
        if label.verdicts and is_finished(label, rubric):
            finished[label.scenario_id].append(label)
    given = evaluation.answers(session, run_id, role)
    found = {}
    for scenario in scenarios_of(session, run_id, role):
        answer = given.get(scenario.id)
        if answer is None:
            continue
        if answer.outcome is not AnswerOutcome.ANSWERED:
            found[scenario.id] = unanswered(answer)
        elif labels := finished.get(scenario.id):
            by_rule = computed_verdicts(rubric, scenario, answer.text)
            people = {label.by: _assessment(label, rubric, by_rule) for label in labels}
            alone = len(people) == 1
            found[scenario.id] = next(iter(people.values())) if alone else combine(people, rubric)
    return found


def without_verdict(session: Session, run_id: str, role: Role) -> int:
    """Answers that wait for a person's verdicts."""
    material = runs.material(session, run_id, "rubric")
    assert material is not None
    judged = by_people(session, run_id, role, parse_rubric(material.text, material.name))
    return len(evaluation.answers(session, run_id, role)) - len(judged)


def _assessment(label: Label, rubric: Rubric, by_rule: Sequence[CriterionVerdict]) -> Assessment:
    verdicts = {verdict.criterion: verdict for verdict in (*by_rule, *label.verdicts)}
    return assessment_of(rubric, label.scenario_id, verdicts.values())


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
