"""Two models on the same scenarios: which passes more, where, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import AwareDatetime
from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from agent.answer_views import judged_result
from agent.pages.answer_filter import excerpt
from agent.pages.problem_page import steps_here
from agent.pages.render import page
from agent.service.place import Here
from agent.views import ModelRole
from graphs.results import Result
from store import evaluation, runs
from store.schema import AssessmentRow, LabelRow, RunRow
from tools.comparison import ModelComparison, compare_models
from tools.decision import Decision
from tools.faults import Fault, WrongUse

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

MOST_RUNS = 200


class Choice(NamedTuple):
    """A run that can be compared."""

    run_id: str
    text: str
    at: AwareDatetime
    models: tuple[str, ...]
    """Primary, then backup."""


class Side(NamedTuple):
    run_id: str
    role: ModelRole
    candidate: str
    judge: str
    decision: Decision
    result: Result


class Example(NamedTuple):
    """A scenario on which only one passes; held-out ones are never named here."""

    scenario_id: str
    topic: str
    message: str


class Compared(NamedTuple):
    first: Side
    second: Side
    found: ModelComparison
    only_first: tuple[Example, ...]
    only_second: tuple[Example, ...]
    questions: Mapping[str, str]
    """Of the criteria."""


class Opened(NamedTuple):
    """What the view shows."""

    choices: tuple[Choice, ...]
    compared: Compared | None
    problem: Fault | None
    """Why these two cannot be compared."""


def opened(session: Session, first: str, second: str, held_out_only: bool) -> Opened:
    compared, problem = None, None
    if first:
        try:
            compared = _compared(session, first, second, held_out_only)
        except Fault as fault:
            problem = fault
    return Opened(_choices(session), compared, problem)


def _choices(session: Session) -> tuple[Choice, ...]:
    """Runs with something judged, the newest first."""
    judged = exists().where(AssessmentRow.run_id == RunRow.id)
    labelled = exists().where(LabelRow.run_id == RunRow.id)
    query = select(RunRow).where(or_(judged, labelled)).order_by(RunRow.created_at.desc()).limit(MOST_RUNS)
    return tuple(
        Choice(row.id, row.text, row.created_at, tuple(_models(session, row.id)))
        for row in session.scalars(query)
    )


def _models(session: Session, run_id: str) -> list[str]:
    found = []
    for role in evaluation.roles(session, run_id):
        held = evaluation.held(session, run_id, role)
        if held is not None and evaluation.has_assessments(session, run_id, role):
            found.append(held.candidate)
    return found


def _side(session: Session, run_id: str, role: ModelRole) -> Side:
    row = runs.get(session, run_id)
    held = evaluation.held(session, row.id, role)
    if held is None or not evaluation.has_assessments(session, row.id, role):
        raise WrongUse(
            f"Run {row.id} has no judged answers of a {role} model.",
            "Choose a second run, or have the backup evaluated when the review asks.",
        )
    result = judged_result(session, row.id, role)
    return Side(row.id, role, held.candidate, result.judge, result.decision, result)


def _name(side: Side, other: Side) -> str:
    """The candidate; with its run where the candidate is the same."""
    same = side.candidate == other.candidate
    return f"{side.candidate} ({side.run_id})" if same else side.candidate


def _example(result: Result, scenario_id: str) -> Example:
    scenario = next(row.scenario for row in result.lines if row.scenario.id == scenario_id)
    return Example(scenario_id, scenario.topic, excerpt(scenario.message))


def _compared(session: Session, first: str, second: str, held_out_only: bool) -> Compared:
    one = _side(session, first, "primary")
    if second and runs.get(session, second).id == one.run_id:
        raise WrongUse(
            "The same run was chosen twice.",
            "Choose two different runs; or leave the second one to the backup of the first.",
        )
    other = _side(session, one.run_id, "backup") if not second else _side(session, second, "primary")
    if one.result.rubric != other.result.rubric:
        raise WrongUse(
            "The two were judged by different rubrics, so their passes are not the same thing.",
            "Evaluate one of them again with the rubric of the other.",
        )
    found = compare_models(
        one.result.lines,
        other.result.lines,
        one.result.rubric,
        names=(_name(one, other), _name(other, one)),
        held_out_only=held_out_only,
    )
    if found.paired is None:
        raise WrongUse(
            found.sentence,
            "Scenarios are paired by id and message: evaluate both with the same scenarios.",
        )
    return Compared(
        first=one,
        second=other,
        found=found,
        only_first=tuple(_example(one.result, name) for name in found.only_first),
        only_second=tuple(_example(one.result, name) for name in found.only_second),
        questions={criterion.id: criterion.question for criterion in one.result.rubric.criteria},
    )


@router.get("/compare")
async def compare(
    request: Request,
    here: Here,
    first: Annotated[str, Query(max_length=40)] = "",
    second: Annotated[str, Query(max_length=40)] = "",
    held_out: bool = False,
) -> HTMLResponse:
    """Two runs, or the primary and the backup of one."""
    found = await here.study(opened, first, second, held_out)
    return page(
        request,
        "compare.html",
        status=422 if found.problem else 200,
        found=found,
        first=first,
        second=second,
        steps_here=steps_here,
        held_out=held_out,
    )
