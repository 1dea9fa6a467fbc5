"""What came of it: the headline, answers with their verdicts, failures, two models beside each other."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict

from agent import answer_views, views
from agent.answer_views import AnswerPage, AnswerView, Compared, Wanted
from agent.api.inputs import ONLY_TEXT, Limit, Offset, Role, RunId, RunName, ScenarioId
from agent.api.paging import link_next, paged
from agent.api.response_examples import ANSWER, ANSWERS, COMPARED, FAILURES, RESULTS, answered
from agent.api.shapes import plain, record_type
from agent.service.place import Here
from agent.service.problems import responses
from agent.views import ModelRole, Progress, ResultView
from tools.evaluation import AnswerOutcome, Verdict
from tools.failures import FailureAnalysis

router = APIRouter(tags=["results"], dependencies=[ONLY_TEXT])

CriterionName = Annotated[str | None, Query(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,31}$", examples=["CQ3"])]
Words = Annotated[str | None, Query(max_length=300)]


class ResultList(BaseModel):
    """The headline of each model that was judged, and how far each has got."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    items: tuple[ResultView, ...]
    """Primary, then backup; recomputed from rows."""
    progress: tuple[Progress, ...]


class FailureView(BaseModel):
    """What the failed answers of a model have in common."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    run: str
    role: ModelRole
    analysis: record_type(FailureAnalysis)  # type: ignore[valid-type]
    """By criterion, crossed with topic, style and further dimensions; only answers that are not held out are
    quoted."""
    caution: str
    """How far concentrations can be trusted."""


@router.get(
    "/runs/{run_id}/results",
    operation_id="get_results",
    responses=answered("The results.", RESULTS) | responses(404, 422),
)
async def get_results(run_id: RunId, here: Here) -> ResultList:
    """The pass rate with its uncertainty and the decision, for each model that was judged."""
    whole = await here.look(views.whole_id, run_id)
    items = await here.look(views.result_views, whole)
    return ResultList(items=tuple(items), progress=tuple(await here.look(views.progress, whole)))


@router.get(
    "/runs/{run_id}/answers",
    operation_id="list_answers",
    responses=paged("Answers.", ANSWERS) | responses(404, 422),
)
async def list_answers(  # noqa: PLR0917 – FastAPI gives each by its name
    run_id: RunId,
    request: Request,
    response: Response,
    here: Here,
    role: Role = "primary",
    criterion: CriterionName = None,
    verdict: Annotated[
        Verdict | None, Query(description="Of the criterion; without one, of any criterion.")
    ] = None,
    failing: Annotated[
        str | None,
        Query(
            pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,31}$",
            description="A criterion that the answer does not meet.",
        ),
    ] = None,
    passed: Annotated[bool | None, Query(description="Only answers that passed, or that failed.")] = None,
    topic: Words = None,
    style: Words = None,
    outcome: Annotated[AnswerOutcome | None, Query(description="How asking ended.")] = None,
    held_out: Annotated[
        bool | None, Query(description="Only held-out scenarios, or only the others.")
    ] = None,
    limit: Limit = 50,
    cursor: Offset = 0,
) -> AnswerPage:
    """Answers of a model in the order of the scenarios, as far as there are any, with verdicts where there
    are some."""
    wanted = Wanted(criterion, verdict, failing, passed, topic, style, outcome, held_out)
    page = await here.look(answer_views.answer_page, run_id, role, wanted, limit, cursor)
    link_next(request, response, page)
    return page


@router.get(
    "/runs/{run_id}/answers/{role}/{scenario_id}",
    operation_id="get_answer",
    responses=answered("The answer.", ANSWER) | responses(404, 422),
)
async def get_answer(run_id: RunId, role: ModelRole, scenario_id: ScenarioId, here: Here) -> AnswerView:
    """One answer with its scenario, every verdict and its reason, who judged, and what people said."""
    return await here.look(answer_views.answer_view, run_id, role, scenario_id)


@router.get(
    "/runs/{run_id}/failures",
    operation_id="get_failures",
    response_model=FailureView,
    responses=answered("What they have in common.", FAILURES) | responses(404, 422),
)
async def get_failures(run_id: RunId, here: Here, role: Role = "primary") -> Any:
    """What the failed answers have in common: by criterion, crossed with topic, style and the rest."""
    whole = await here.look(views.whole_id, run_id)
    found = await here.study(answer_views.failures_of, whole, role)
    return {"run": whole, "role": role, "analysis": plain(found), "caution": found.caution}


@router.get(
    "/compare",
    operation_id="compare_runs",
    responses=answered("The comparison.", COMPARED) | responses(404, 422),
)
async def compare_runs(
    here: Here,
    first: Annotated[RunName, Query(description="A run.")],
    second: Annotated[
        RunName | None, Query(description="Another run; left out, the backup of the first.")
    ] = None,
    first_role: Annotated[ModelRole, Query()] = "primary",
    second_role: Annotated[
        ModelRole | None, Query(description="Primary of another run, backup of the same one where left out.")
    ] = None,
    held_out: Annotated[
        bool, Query(description="Only the scenarios that were kept for judging a fine-tune.")
    ] = False,
) -> Compared:
    """Two models scenario by scenario: two runs, or the primary and the backup of one.

    Scenarios are paired by identifier and message; where nothing can be paired, `comparison.sentence` says
    why.
    """
    role: ModelRole = second_role or ("backup" if second is None else "primary")
    return await here.look(
        answer_views.compared, (first, first_role), (second or first, role), held_out=held_out
    )
