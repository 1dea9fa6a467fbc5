"""Answers of a run with what became of them, failures among them, and two models beside each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy.orm import Session

from agent.views import ModelRole, Page, _Record
from graphs.results import Result, result_of
from graphs.trials import scenarios_of
from store import evaluation, runs
from tools.comparison import ModelComparison, compare_models
from tools.evaluation import Answer, AnswerOutcome, Assessment, CriterionVerdict, Label, Scenario, Verdict
from tools.failures import FailureAnalysis, analyse
from tools.faults import NotFound, WrongUse
from tools.rows import Row, not_met
from tools.rubric import Criterion, Rubric
from tools.scoring import Score

MOST_SHOWN = 400
"""Characters of a message or an answer in a list."""


class AnswerLine(_Record):
    """One answer in a list."""

    role: ModelRole
    scenario_id: str
    topic: str
    subtopic: str
    style: str
    edge_case: bool
    held_out: bool
    message: str
    """Beginning of what the user said."""
    answer: str
    """Beginning of the answer."""
    outcome: AnswerOutcome
    passed: bool | None
    """None when it is not measured, or not judged yet."""
    score: float | None
    not_met: tuple[str, ...]
    """Criteria that it does not meet."""
    verdicts: dict[str, Verdict]
    """By criterion; empty while it is not judged."""


class AnswerPage(Page):
    items: tuple[AnswerLine, ...]


class JudgedBy(_Record):
    """What one judge said of an answer."""

    judge: str
    assessment: Assessment


class AnswerView(_Record):
    """One answer with everything that is known of it."""

    run_id: str
    role: ModelRole
    candidate: str
    scenario: Scenario
    answer: Answer
    score: Score | None
    """None while it is not judged."""
    verdicts: tuple[CriterionVerdict, ...]
    """In the rubric's order; of several judges, what the majority says."""
    criteria: tuple[Criterion, ...]
    """Of the rubric: what was asked."""
    judge: str
    """As it was named; empty while nobody has judged."""
    by_judge: tuple[JudgedBy, ...]
    labels: tuple[Label, ...]
    """What people said of it."""
    previous: str | None
    """Scenario before this one."""
    next: str | None


class Wanted(NamedTuple):
    """Which answers are listed; None is no matter."""

    criterion: str | None = None
    verdict: Verdict | None = None
    """Of the criterion; without a criterion, of any."""
    failing: str | None = None
    """A criterion that the answer does not meet: NO, and NA where it is not allowed."""
    passed: bool | None = None
    topic: str | None = None
    style: str | None = None
    outcome: AnswerOutcome | None = None
    held_out: bool | None = None


class Compared(_Record):
    """Two models on the same scenarios."""

    comparison: ModelComparison
    judges: tuple[str, str]
    warning: str
    """Why the two are not quite alike; empty when they are."""


class _Judged(NamedTuple):
    """The answers of a role, judged or not."""

    rubric: Rubric | None
    result: Result | None
    rows: dict[str, Row]


def answer_page(
    session: Session, run_id: str, role: ModelRole, wanted: Wanted, limit: int, offset: int
) -> AnswerPage:
    """Answers of a role in the order of their scenarios; those of a run under way as far as there are any."""
    run_id = runs.get(session, run_id).id
    judged = _judged(session, run_id, role)
    if wanted.criterion is not None or wanted.failing is not None:
        _check_criterion(judged.rubric, wanted.criterion or wanted.failing or "")
    given = evaluation.answers(session, run_id, role)
    found = [
        _line(role, scenario, given[scenario.id], judged)
        for scenario in scenarios_of(session, run_id, role)
        if scenario.id in given
    ]
    kept = [line for line in found if _fits(line, wanted)]
    part = tuple(kept[offset : offset + limit])
    more = offset + len(part) < len(kept)
    return AnswerPage(total=len(kept), next=str(offset + len(part)) if more else None, items=part)


def answer_view(session: Session, run_id: str, role: ModelRole, scenario_id: str) -> AnswerView:
    """One answer; :class:`~tools.faults.NotFound` while there is none."""
    run_id = runs.get(session, run_id).id
    given = evaluation.answers(session, run_id, role)
    if scenario_id not in given:
        raise NotFound(f"The {role} model of run {run_id} has not answered {scenario_id!r}.")
    held = evaluation.held(session, run_id, role)
    judged = _judged(session, run_id, role)
    row, result = judged.rows.get(scenario_id), judged.result
    ids = [scenario.id for scenario in scenarios_of(session, run_id, role) if scenario.id in given]
    scenario = next(one for one in evaluation.scenarios(session, run_id) if one.id == scenario_id)
    place = ids.index(scenario_id) if scenario_id in ids else None
    by_judge = {} if result is None else result.by_judge
    return AnswerView(
        run_id=run_id,
        role=role,
        candidate=role if held is None else held.candidate,
        scenario=scenario,
        answer=given[scenario_id],
        score=None if row is None else row.score,
        verdicts=() if row is None else row.assessment.verdicts,
        criteria=() if judged.rubric is None else judged.rubric.criteria,
        judge="" if result is None else result.judge,
        by_judge=tuple(
            JudgedBy(judge=judge, assessment=assessments[scenario_id])
            for judge, assessments in by_judge.items()
            if scenario_id in assessments
        ),
        labels=tuple(
            one for one in evaluation.labels(session, run_id, role) if one.scenario_id == scenario_id
        ),
        previous=ids[place - 1] if place else None,
        next=ids[place + 1] if place is not None and place + 1 < len(ids) else None,
    )


def failures_of(session: Session, run_id: str, role: ModelRole) -> FailureAnalysis:
    """What the failed answers of a role have in common."""
    result = judged_result(session, run_id, role)
    return analyse(result.lines, result.rubric, result.by_judge)


def compared(
    session: Session,
    first: tuple[str, ModelRole],
    second: tuple[str, ModelRole],
    *,
    held_out: bool = False,
) -> Compared:
    """Two models scenario by scenario; :class:`~tools.faults.WrongUse` when their rubrics differ."""
    one, other = judged_result(session, *first), judged_result(session, *second)
    if one.rubric != other.rubric:
        raise WrongUse(
            "The two were judged by different rubrics, so their passes are not the same thing.",
            "Evaluate one of them again with the rubric of the other.",
        )
    found = compare_models(
        one.lines,
        other.lines,
        one.rubric,
        names=(_name(session, *first), _name(session, *second)),
        held_out_only=held_out,
    )
    differ = one.judge != other.judge
    warning = f"The judges differ: {one.judge} and {other.judge}." if differ else ""
    return Compared(comparison=found, judges=(one.judge, other.judge), warning=warning)


def judged_result(session: Session, run_id: str, role: ModelRole) -> Result:
    """The result of a role by the judge that judged it last; :class:`NotFound` while there is none."""
    row = runs.get(session, run_id)
    judge = evaluation.judge_of(session, row.id, role)
    if judge is None or not evaluation.has_assessments(session, row.id, role):
        raise NotFound(
            f"Run {row.id} has no judged answers of its {role} model yet.",
            f"`bms show {row.id}` tells where it is.",
        )
    return result_of(session, row.id, role, judge)


def _name(session: Session, run_id: str, role: ModelRole) -> str:
    row = runs.get(session, run_id)
    held = evaluation.held(session, row.id, role)
    return f"{role if held is None else held.candidate} ({row.id})"


def _judged(session: Session, run_id: str, role: ModelRole) -> _Judged:
    """As far as there are verdicts; a run under way has answers before it has any."""
    from tools.rubric import parse_rubric

    material = runs.material(session, run_id, "rubric")
    rubric = None if material is None else parse_rubric(material.text, material.name)
    judge = evaluation.judge_of(session, run_id, role)
    if rubric is None or judge is None or not evaluation.has_assessments(session, run_id, role):
        return _Judged(rubric, None, {})
    try:
        result = result_of(session, run_id, role, judge)
    except WrongUse:  # somebody has labelled, and nobody to the end
        return _Judged(rubric, None, {})
    return _Judged(rubric, result, {row.scenario.id: row for row in result.lines})


def _check_criterion(rubric: Rubric | None, name: str) -> None:
    if rubric is None or name not in rubric.ids:
        known = "no rubric yet" if rubric is None else ", ".join(rubric.ids)
        raise NotFound(f"The rubric has no criterion {name[:40]!r}.", f"There is {known}.")


def _line(role: ModelRole, scenario: Scenario, answer: Answer, judged: _Judged) -> AnswerLine:
    row = judged.rows.get(scenario.id)
    verdicts = () if row is None else row.assessment.verdicts
    return AnswerLine(
        role=role,
        scenario_id=scenario.id,
        topic=scenario.topic,
        subtopic=scenario.subtopic,
        style=scenario.style,
        edge_case=scenario.edge_case,
        held_out=scenario.held_out,
        message=_beginning(scenario.message),
        answer=_beginning(answer.text),
        outcome=answer.outcome,
        passed=None if row is None else row.score.passed,
        score=None if row is None else row.score.score,
        not_met=() if judged.rubric is None else tuple(_missed(verdicts, judged.rubric.criteria)),
        verdicts={verdict.criterion: verdict.verdict for verdict in verdicts},
    )


def _missed(verdicts: Sequence[CriterionVerdict], criteria: Sequence[Criterion]) -> Iterable[str]:
    by_id = {criterion.id: criterion for criterion in criteria}
    for verdict in verdicts:
        criterion = by_id.get(verdict.criterion)
        if criterion is not None and not_met(verdict.verdict, criterion):
            yield verdict.criterion


def _beginning(text: str) -> str:
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN].rstrip()} …"


def _fits(line: AnswerLine, wanted: Wanted) -> bool:
    if wanted.criterion is not None or wanted.verdict is not None:
        named = line.verdicts if wanted.criterion is None else _only(line.verdicts, wanted.criterion)
        if not named or (wanted.verdict is not None and wanted.verdict not in named.values()):
            return False
    if wanted.failing is not None and wanted.failing not in line.not_met:
        return False
    asked = (
        (wanted.passed, line.passed),
        (wanted.topic, line.topic),
        (wanted.style, line.style),
        (wanted.outcome, line.outcome),
        (wanted.held_out, line.held_out),
    )
    return all(asked_for is None or asked_for == given for asked_for, given in asked)


def _only(verdicts: dict[str, Verdict], criterion: str) -> dict[str, Verdict]:
    return {criterion: verdicts[criterion]} if criterion in verdicts else {}
