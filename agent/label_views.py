"""Labels of answers over the network: what is to be labelled next, seen blind, and what a person says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from sqlalchemy.orm import Session

from agent.answer_views import judged_result
from agent.calibration_view import compare
from agent.labelling import Work, work_of
from agent.views import ModelRole, _Record
from store import evaluation
from tools.clock import Clock
from tools.evaluation import Answer, AnswerOutcome, CriterionVerdict, Label, Scenario, Verdict
from tools.faults import Conflict, NotFound, WrongUse
from tools.labelling import by_criteria, passes, time_left, verdicts_of, words_allowed
from tools.rubric import Criterion

PAUSE_SECONDS = 300.0
"""A longer time between two labels is a pause, and no pace."""


class AskedCriterion(_Record):
    """A question of the rubric that a person can answer."""

    id: str
    category: str
    question: str
    words: tuple[Verdict, ...]
    """The verdicts that may be given."""


class Card(_Record):
    """An answer as it is put before a person: neither who gave it nor what the judge says of it."""

    scenario_id: str
    message: str
    answer: str
    given: dict[str, Verdict]
    """What this person has said of it so far, criterion by criterion."""
    note: str


class LabelNext(_Record):
    """The answer to label next, and how far the person has got."""

    run_id: str
    role: ModelRole
    by: str
    card: Card | None
    """None when all of the sample is labelled."""
    criteria: tuple[AskedCriterion, ...]
    """Empty where the answer is labelled as a whole."""
    done: int
    left: int
    total: int
    pace: str
    """How long the rest will take at the pace so far, in words; empty while that is unknown."""


class LabelList(_Record):
    """Everybody's labels of a role's answers, the oldest first."""

    items: tuple[Label, ...]
    people: dict[str, int]
    """Who has labelled how many."""


def label_list(session: Session, run_id: str, role: ModelRole) -> LabelList:
    found = evaluation.labels(session, _work(session, run_id, role).run_id, role)
    people: dict[str, int] = {}
    for label in found:
        people[label.by] = people.get(label.by, 0) + 1
    return LabelList(items=tuple(found), people=people)


def next_to_label(
    session: Session, run_id: str, role: ModelRole, by: str, count: int | None, *, criteria: bool = False
) -> LabelNext:
    """What ``by`` labels next, of a random sample of ``count`` answers.

    Criterion by criterion where people are the judge, or ``criteria`` says so.
    """
    work = _work(session, run_id, role)
    asked = _criteria(work) if criteria or work.judged_by_people else ()
    standing = work.left(by, criteria=bool(asked), count=count)
    mine = work.of(by)
    card = _card(work, standing.left[0], mine) if standing.left else None
    return LabelNext(
        run_id=work.run_id,
        role=role,
        by=by,
        card=card,
        criteria=asked,
        done=standing.done,
        left=len(standing.left),
        total=standing.total,
        pace=time_left(_seconds(list(mine.values())), len(standing.left)),
    )


def keep_label(
    session: Session,
    run_id: str,
    role: ModelRole,
    scenario_id: str,
    *,
    by: str,
    clock: Clock,
    passed: bool | None,
    verdicts: Mapping[str, Verdict],
    note: str,
) -> tuple[Label, bool]:
    """Store what a person says of an answer; the label, and whether it is their first of this answer.

    With verdicts the rubric makes pass or fail of them; :class:`~tools.faults.WrongUse` for a criterion or a
    word that the rubric does not have, and for a ``passed`` that says otherwise than the rubric.
    """
    work = _work(session, run_id, role)
    scenario, answer = _answer(work, scenario_id)
    if passed is not None and not verdicts and work.judged_by_people:
        raise WrongUse("People are the judge of this run: it takes verdicts, criterion by criterion.")
    given = _checked(work, scenario, answer, verdicts) if verdicts else ()
    if given and work.rubric is not None:
        by_rubric = passes(given, work.rubric)
        if passed is not None and passed != by_rubric:
            word = {True: "pass", False: "fail", None: "neither pass nor fail"}[by_rubric]
            raise WrongUse(
                f"These verdicts come to {word} by the rubric.", "Leave passed out, or change a verdict."
            )
        passed = by_rubric
    label = Label(scenario_id=scenario.id, by=by, passed=passed, verdicts=given, note=note, at=clock.now())
    anew = scenario.id not in work.of(by)
    evaluation.keep_label(session, work.run_id, role, label)
    return label, anew


def calibration(session: Session, run_id: str, role: ModelRole, by: str | None = None) -> dict[str, Any]:
    """The judge beside people's labels; ``by`` counts those of one person only."""
    work = _work(session, run_id, role)
    if work.judged_by_people:
        raise Conflict(
            f"People are the judge of run {work.run_id}: there is no other judge to hold against them."
        )
    labels = [one for one in work.labels if by is None or one.by == by]
    if not labels:
        raise NotFound(
            f"No answer of the {role} model of run {work.run_id} is labelled"
            + (f" by {by}." if by else " yet."),
            "Label 30 to 50 answers first.",
        )
    result = judged_result(session, work.run_id, role)
    return {"run": work.run_id, "role": role, **compare(result, labels).record}


def _checked(
    work: Work, scenario: Scenario, answer: Answer, verdicts: Mapping[str, Verdict]
) -> tuple[CriterionVerdict, ...]:
    """The person's verdicts with those of the rules; WrongUse for one that the rubric does not ask for."""
    rubric = work.rubric
    if rubric is None:
        raise WrongUse(f"Run {work.run_id} has no rubric yet, so there are no criteria.")
    asked = {criterion.id: criterion for criterion in rubric.judged}
    for name, word in verdicts.items():
        if name not in asked:
            known = ", ".join(asked)
            raise WrongUse(f"The rubric asks a person for no criterion {name[:40]!r}.", f"There is {known}.")
        if word not in words_allowed(asked[name]):
            raise WrongUse(f"{name} applies to every answer: NA is no verdict on it.", "Say YES or NO.")
    return by_criteria(rubric, scenario, answer, verdicts)


def _work(session: Session, run_id: str, role: ModelRole) -> Work:
    try:
        return work_of(session, run_id, role)
    except NotFound:
        raise
    except WrongUse as fault:
        raise NotFound(fault.sentence, fault.next_step) from fault


def _answer(work: Work, scenario_id: str) -> tuple[Scenario, Answer]:
    answer, scenario = work.answers.get(scenario_id), work.scenarios.get(scenario_id)
    if answer is None or scenario is None:
        raise NotFound(f"The {work.role} model of run {work.run_id} has not answered {scenario_id!r}.")
    if answer.outcome is not AnswerOutcome.ANSWERED:
        raise WrongUse(
            f"There is nothing to label: the answer to {scenario_id} is {answer.outcome.value}.",
            "Ask for the next one.",
        )
    return scenario, answer


def _criteria(work: Work) -> tuple[AskedCriterion, ...]:
    asked: Sequence[Criterion] = () if work.rubric is None else work.rubric.judged
    return tuple(
        AskedCriterion(id=one.id, category=one.category, question=one.question, words=words_allowed(one))
        for one in asked
    )


def _card(work: Work, scenario_id: str, mine: Mapping[str, Label]) -> Card:
    said = mine.get(scenario_id)
    return Card(
        scenario_id=scenario_id,
        message=work.scenarios[scenario_id].message,
        answer=work.answers[scenario_id].text,
        given={} if said is None else verdicts_of(said),
        note="" if said is None else said.note,
    )


def _seconds(labels: Sequence[Label]) -> list[float]:
    """The times between one label and the next."""
    moments = sorted(label.at for label in labels)
    gaps = ((after - before).total_seconds() for before, after in pairwise(moments))
    return [gap for gap in gaps if gap < PAUSE_SECONDS]
