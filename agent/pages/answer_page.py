"""One answer with everything that is known of it."""

from __future__ import annotations

from typing import Any, NamedTuple

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from pydantic import AwareDatetime
from sqlalchemy.orm import Session

from agent import views
from agent.pages.answer_filter import Filter, Outcome, Wanted, in_order, outcome
from agent.pages.answer_filter import verdicts as verdicts_of
from agent.pages.shell import run_view
from agent.service.place import Here
from agent.views import ModelRole
from graphs.results import Result
from store import evaluation, runs
from store.schema import AnswerRow
from tools.data_problems import why_unmeasured
from tools.evaluation import Answer, CriterionVerdict, Label, Scenario
from tools.faults import NotFound
from tools.judging import COMPUTED
from tools.panel import HUMAN
from tools.rows import Row
from tools.rubric import Criterion

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


class Word(NamedTuple):
    """What one judge says on one criterion."""

    judge: str
    verdict: str
    reason: str


class Ruling(NamedTuple):
    """The verdict on one criterion, and how it came about."""

    criterion: Criterion
    gate: bool
    outcome: Outcome
    """``failed`` where it is not met."""
    verdict: str
    words: tuple[Word, ...]
    """One for each judge."""


class Judged(NamedTuple):
    """What the judge made of an answer."""

    judge: str
    outcome: Outcome
    score: float | None
    threshold: float
    unmeasured: str
    """Why it could not be measured; empty where it could."""
    detail: str
    rulings: tuple[Ruling, ...]


class Seen(NamedTuple):
    """Everything that the view shows of one answer."""

    role: ModelRole
    candidate: str
    scenario: Scenario
    answer: Answer
    quoted: bool
    """Whether texts of it may be shown: not those of a held-out scenario."""
    conditions: dict[str, Any]
    at: AwareDatetime
    judged: Judged | None
    """None while nobody has judged it."""
    labels: tuple[Label, ...]
    place: int
    """Its number among those that the filter leaves; 0 when it is none of them."""
    among: int
    previous: str | None
    next: str | None


def seen(session: Session, run_id: str, role: ModelRole, scenario_id: str, wanted: Filter) -> Seen:
    """:class:`NotFound` when there is no such answer."""
    run = runs.get(session, run_id).id
    row = session.get(AnswerRow, (run, role, scenario_id))
    scenario = next((one for one in evaluation.scenarios(session, run) if one.id == scenario_id), None)
    if row is None or scenario is None:
        raise NotFound(
            f"Run {run} has no answer of its {role} model to scenario {scenario_id[:64]!r}.",
            f"/runs/{run}/failures lists those that there are.",
        )
    held = evaluation.held(session, run, role)
    result = next((one for one in views.results(session, run) if one.role == role), None)
    line = None if result is None else next((x for x in result.lines if x.scenario.id == scenario_id), None)
    ids = [] if result is None else [one.scenario.id for one in wanted.rows(result)]
    place = ids.index(scenario_id) + 1 if scenario_id in ids else 0
    return Seen(
        role=role,
        candidate=role if held is None else held.candidate,
        scenario=scenario,
        answer=Answer.model_validate(row.record),
        quoted=not scenario.held_out,
        conditions=row.conditions,
        at=row.at,
        judged=None if result is None or line is None else _judged(line, result),
        labels=tuple(one for one in evaluation.labels(session, run, role) if one.scenario_id == scenario_id),
        place=place,
        among=len(ids),
        previous=ids[place - 2] if place > 1 else None,
        next=ids[place] if 0 < place < len(ids) else None,
    )


def _judged(line: Row, result: Result) -> Judged:
    return Judged(
        judge="people" if result.judge == HUMAN else result.judge,
        outcome=outcome(line, result.rubric),
        score=line.score.score,
        threshold=result.rubric.pass_threshold,
        unmeasured=why_unmeasured(line) if line.score.unmeasured else "",
        detail=line.assessment.detail,
        rulings=_rulings(line, result),
    )


def _rulings(line: Row, result: Result) -> tuple[Ruling, ...]:
    rubric, name = result.rubric, line.scenario.id
    return tuple(
        Ruling(
            criterion=rubric.criterion(criterion),
            gate=criterion in rubric.gates,
            outcome=outcome(line, rubric, criterion),
            verdict=verdict.verdict.value,
            words=_words(criterion, verdict, name, result),
        )
        for criterion, verdict in in_order(verdicts_of(line), rubric)
    )


def _words(criterion: str, verdict: CriterionVerdict, scenario_id: str, result: Result) -> tuple[Word, ...]:
    """Each judge's own word where there are several; a rule's stands for all."""
    if verdict.judge == COMPUTED or len(result.by_judge) < 2:
        by = "a rule" if verdict.judge == COMPUTED else verdict.judge
        return (Word(by, verdict.verdict.value, verdict.reason),)
    return tuple(
        Word(judge, own.verdict.value, own.reason)
        for judge, assessments in result.by_judge.items()
        if scenario_id in assessments
        for own in assessments[scenario_id].verdicts
        if own.criterion == criterion
    )


@router.get("/runs/{run_id}/answers/{role}/{scenario_id}")
async def answer(
    request: Request, run_id: str, role: ModelRole, scenario_id: str, here: Here, wanted: Wanted
) -> HTMLResponse:
    """Message, answer, verdicts and reasons, labels, conditions; and the way to its neighbours."""
    found = await here.look(seen, run_id, role, scenario_id, wanted)
    return await run_view(request, here, run_id, "answer.html", "failures", found=found, wanted=wanted)
