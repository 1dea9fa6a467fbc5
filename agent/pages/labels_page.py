"""Answers put before a person one at a time, blind, and what the judge is worth beside the labels.

The page names neither model nor judge, nor what was asked for, until the person wants to see the judge.
Labels are stored by the API; here is what the page shows: the order, one answer, and the judge's agreement.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from agent import views
from agent.answer_views import judged_result
from agent.calibration_view import Comparison
from agent.calibration_view import compare as beside_people
from agent.labelling import Work, work_of
from agent.pages.render import page
from agent.pages.shell import run_view
from agent.service.place import Here, Who
from agent.views import ModelRole, RunState
from graphs.prompts import LabelsPrompt
from store import evaluation, runs
from tools.clock import Clock
from tools.escape import clean
from tools.evaluation import Label, Verdict
from tools.faults import NotFound, WrongUse
from tools.labelling import MAX_NOTE_CHARACTERS, RECOMMENDED, verdicts_of, words_allowed
from tools.rubric import Criterion

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

By = Annotated[str, Query(max_length=120, pattern=r"^[^\x00]*$")]
Count = Annotated[int | None, Query(ge=1, le=5000)]


class Question(NamedTuple):
    """A criterion that a person is asked."""

    id: str
    question: str
    may_not_apply: bool


class Card(BaseModel):
    """An answer as it is put before a person, with what this person has said of it."""

    model_config = ConfigDict(frozen=True)

    scenario_id: str
    place: str
    """Topic and subtopic."""
    message: str
    answer: str
    labelled: bool
    passed: bool | None
    given: dict[str, Verdict]
    note: str


class Desk(NamedTuple):
    """Everything that the view begins with."""

    run: RunState
    role: ModelRole
    roles: tuple[ModelRole, ...]
    by: str
    own_name: bool
    """Whether the person has given another name than the service knows them by."""
    criteria: tuple[Question, ...]
    """Empty where the answer is labelled as a whole."""
    people_judge: bool
    waits: bool
    """Whether the run waits for these labels."""
    done: tuple[str, ...]
    """Scenarios that the person has labelled, the newest last."""
    left: tuple[str, ...]
    """In the order in which they are shown."""
    card: Card | None
    """The first of those left."""
    recommended: tuple[int, int]
    note_length: int
    query: str
    """Role, name and sample, for the addresses of this page's parts."""


class Settings(NamedTuple):
    """How a person labels."""

    role: ModelRole | None = None
    """The primary, or the one whose verdicts the run waits for, where it is left open."""
    by: str = ""
    criteria: bool = False
    sample: int | None = None


def desk(session: Session, run_id: str, wanted: Settings, who: str, clock: Clock) -> Desk | RunState:
    """The state of the run alone while there is nothing to label."""
    run = views.run_state(session, run_id, clock)
    prompt = None if run.waits_for is None else run.waits_for.prompt
    asked = prompt.role if isinstance(prompt, LabelsPrompt) else None
    role = wanted.role or asked or "primary"
    roles = tuple(
        one for one in evaluation.roles(session, run.id) if evaluation.answered(session, run.id, one)
    )
    if role not in roles:
        return run
    work = work_of(session, run.id, role)
    by = wanted.by or who
    criteria = (wanted.criteria or work.judged_by_people) and work.rubric is not None
    standing = work.left(by, criteria=criteria, count=wanted.sample)
    mine = work.of(by)
    seen = set(work.left("", criteria=False, count=len(work.answers)).left).difference(standing.left)
    return Desk(
        run=run,
        role=role,
        roles=roles,
        by=by,
        own_name=bool(wanted.by),
        criteria=_questions(work) if criteria else (),
        people_judge=work.judged_by_people,
        waits=asked == role,
        done=tuple(sorted(seen.intersection(mine), key=lambda name: mine[name].at)),
        left=standing.left,
        card=_card(work, standing.left[0], mine) if standing.left else None,
        recommended=RECOMMENDED,
        note_length=MAX_NOTE_CHARACTERS,
        query=_query(role, wanted, criteria=criteria),
    )


def _query(role: ModelRole, wanted: Settings, *, criteria: bool) -> str:
    named: dict[str, Any] = {"role": role, "by": wanted.by, "count": wanted.sample or ""}
    named["criteria"] = "true" if criteria else ""
    return urlencode({name: value for name, value in named.items() if value})


def _questions(work: Work) -> tuple[Question, ...]:
    asked: tuple[Criterion, ...] = () if work.rubric is None else work.rubric.judged
    return tuple(Question(one.id, one.question, Verdict.NA in words_allowed(one)) for one in asked)


def _card(work: Work, scenario_id: str, mine: dict[str, Label]) -> Card:
    scenario, said = work.scenarios[scenario_id], mine.get(scenario_id)
    return Card(
        scenario_id=scenario_id,
        place=clean(", ".join(filter(None, (scenario.topic, scenario.subtopic)))),
        message=clean(scenario.message, lines=True),
        answer=clean(work.answers[scenario_id].text, lines=True),
        labelled=said is not None,
        passed=None if said is None else said.passed,
        given={} if said is None else verdicts_of(said),
        note="" if said is None else clean(said.note, lines=True),
    )


def card_of(session: Session, run_id: str, scenario_id: str, role: ModelRole, by: str) -> Card:
    """One answer of the sample; :class:`NotFound` when there is none to label."""
    work = _work(session, run_id, role)
    if scenario_id not in work.left(by="", criteria=False, count=len(work.answers)).left:
        raise NotFound(f"There is no answer to scenario {scenario_id[:64]!r} to label.")
    return _card(work, scenario_id, work.of(by))


def _work(session: Session, run_id: str, role: ModelRole) -> Work:
    try:
        return work_of(session, run_id, role)
    except NotFound:
        raise
    except WrongUse as fault:
        raise NotFound(fault.sentence, fault.next_step) from fault


class Beside(NamedTuple):
    """The judge beside people."""

    run_id: str
    role: ModelRole
    comparison: Comparison | None
    """None without a label, or a verdict, to compare."""
    labels: int
    cannot_tell: int
    """Answers that are labelled, and by nobody as pass or fail."""
    disagreements: bool
    """Whether the answers on which they differ are listed."""
    held_out: frozenset[str]
    recommended: tuple[int, int]


def beside(session: Session, run_id: str, role: ModelRole, *, disagreements: bool) -> Beside:
    run = runs.get(session, run_id).id
    work = _work(session, run, role)
    labels = [one for one in work.labels if one.passed is not None]
    decided = {one.scenario_id for one in labels}
    judged = evaluation.has_assessments(session, run, role) and not work.judged_by_people
    comparison = beside_people(judged_result(session, run, role), work.labels) if judged and labels else None
    return Beside(
        run_id=run,
        role=role,
        comparison=comparison,
        labels=len(decided),
        cannot_tell=len({one.scenario_id for one in work.labels} - decided),
        disagreements=disagreements,
        held_out=frozenset(name for name, one in work.scenarios.items() if one.held_out),
        recommended=RECOMMENDED,
    )


@router.get("/runs/{run_id}/labels")
async def labels(
    request: Request,
    run_id: str,
    here: Here,
    who: Who,
    role: ModelRole | None = None,
    by: By = "",
    criteria: bool = False,
    count: Count = None,
) -> HTMLResponse:
    """The first answer to label, how far the person has got, and what comes after."""
    wanted = Settings(role, by.strip(), criteria, count)
    found = await here.look(desk, run_id, wanted, who, here.clock)
    if isinstance(found, RunState):
        return await run_view(request, here, run_id, "labels_none.html", "labels", run=found, role=role)
    return page(request, "labels.html", desk=found, run=found.run, wanted=wanted)


@router.get("/runs/{run_id}/labels/cards/{scenario_id}", response_class=JSONResponse)
async def card(
    run_id: str, scenario_id: str, here: Here, who: Who, role: ModelRole = "primary", by: By = ""
) -> Card:
    """An answer to look at while the one before it is being labelled."""
    return await here.look(card_of, run_id, scenario_id, role, by.strip() or who)


@router.get("/runs/{run_id}/parts/agreement")
async def agreement(
    request: Request, run_id: str, here: Here, role: ModelRole = "primary", disagreements: bool = False
) -> HTMLResponse:
    """The judge beside the labels: for whoever asks."""
    found = await here.look(beside, run_id, role, disagreements=disagreements)
    return page(request, "agreement.html", found=found)
