"""What people say of the answers, and what the judge is worth beside it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from agent import label_views
from agent.api.examples import LABEL
from agent.api.inputs import ONLY_TEXT, Person, Role, RunId
from agent.api.response_examples import CALIBRATION, LABELLED, LABELS, NEXT_LABEL, answered
from agent.api.shapes import plain, record_type
from agent.calibration_view import Disagreement
from agent.label_views import LabelList, LabelNext
from agent.service.place import Here, Signed, Who
from agent.service.problems import responses
from agent.views import ModelRole
from tools.calibration import Calibration
from tools.evaluation import Label, Verdict
from tools.labelling import MAX_NOTE_CHARACTERS
from tools.statistics import Interval

router = APIRouter(tags=["labels"], dependencies=[ONLY_TEXT])

Count = Annotated[
    int | None,
    Query(ge=1, le=5000, description="Answers in the sample; 50, or every one where people are the judge."),
]
By = Annotated[
    str | None,
    Query(min_length=1, max_length=120, description="Of this person only; everybody's without it."),
]
_CriterionName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,31}$")]

_REPLACED = answered("It replaces an earlier label of the same person.", LABELLED, model=Label)
_KEPT = answered("It is kept.", LABELLED, 201)


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class LabelGiven(_Record):
    """What a person, who saw neither the model's name nor the judge's verdicts, makes of one answer."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    role: ModelRole = "primary"
    scenario_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    passed: bool | None = None
    """Whether the answer is good enough as a whole; None when the person cannot tell. With verdicts the
    rubric decides it."""
    verdicts: Annotated[
        dict[_CriterionName, Verdict],
        Field(max_length=100, json_schema_extra={"additionalProperties": False}),
    ] = Field(default_factory=dict)
    """By criterion of the rubric; NA only where the criterion allows it."""
    note: Annotated[str, StringConstraints(max_length=MAX_NOTE_CHARACTERS)] = ""
    by: Person | None = None
    """Who labels; whoever asks where it is left out."""


class AgreementRecord(_Record):
    """How far two say the same, beyond what chance gives."""

    of: str
    """Whom, or which criterion."""
    value: float | None
    """1 for full agreement, 0 for what chance gives; None where it has no meaning."""
    interval: record_type(Interval) | None  # type: ignore[valid-type]
    """95 %."""
    n: int
    observed: float
    """Share that agrees, 0 to 1."""


class CalibrationView(_Record):
    """The judge beside people's labels."""

    run: str
    role: ModelRole
    judge: str
    people: tuple[str, ...]
    calibration: Calibration
    between_people: tuple[AgreementRecord, ...]
    criteria: tuple[AgreementRecord, ...]
    """The judge and people, criterion by criterion, where people went that far."""
    bearing: str
    """What it means for the decision."""
    disagreements: tuple[record_type(Disagreement), ...]  # type: ignore[valid-type]


@router.get(
    "/runs/{run_id}/labels",
    operation_id="list_labels",
    responses=answered("The labels.", LABELS) | responses(404, 422),
)
async def list_labels(run_id: RunId, here: Here, role: Role = "primary") -> LabelList:
    """Everybody's labels of a role's answers, and who has labelled how many."""
    return await here.look(label_views.label_list, run_id, role)


@router.post(
    "/runs/{run_id}/labels",
    operation_id="label_answer",
    status_code=201,
    responses=_REPLACED | _KEPT | responses(404, 422),
)
async def label_answer(
    run_id: RunId, given: Annotated[LabelGiven, LABEL], here: Here, signed: Signed, response: Response
) -> Label:
    """Store what a person says of one answer, as a whole or criterion by criterion.

    Each is kept at once; a later one of the same person on the same answer replaces it. Where people are the
    judge, these are the verdicts; else they tell what the judge is worth.
    """
    label, anew = await here.database.run(
        label_views.keep_label,
        run_id,
        given.role,
        given.scenario_id,
        by=signed(given.by),
        clock=here.clock,
        passed=given.passed,
        verdicts=given.verdicts,
        note=given.note,
    )
    if not anew:
        response.status_code = 200
    return label


@router.get(
    "/runs/{run_id}/labels/next",
    operation_id="next_label",
    responses=answered("The answer to label next.", NEXT_LABEL) | responses(404, 422),
)
async def next_label(
    run_id: RunId,
    here: Here,
    who: Who,
    role: Role = "primary",
    count: Count = None,
    by: By = None,
    criteria: Annotated[
        bool, Query(description="Ask for each criterion, also where a model is the judge.")
    ] = False,
) -> LabelNext:
    """The answer to label next, seen blind: the message and the answer, and the criteria where they are asked
    for; neither the model's name nor the judge's verdicts.

    From a random sample in random order, without what the person has labelled already.
    """
    return await here.look(label_views.next_to_label, run_id, role, by or who, count, criteria=criteria)


@router.get(
    "/runs/{run_id}/calibration",
    operation_id="get_calibration",
    response_model=CalibrationView,
    responses=answered("The judge beside people.", CALIBRATION) | responses(404, 409, 422),
)
async def get_calibration(run_id: RunId, here: Here, role: Role = "primary", by: By = None) -> Any:
    """The judge held against people's labels: agreement, the corrected pass rate, where they differ."""
    return plain(await here.look(label_views.calibration, run_id, role, by))
