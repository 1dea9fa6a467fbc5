"""What failed: criteria, where they fail, and the answers down to one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from agent import views
from agent.pages.answer_filter import Filter, Listed, Wanted, listed
from agent.pages.shared import of_run
from agent.pages.shell import run_view
from agent.service.place import Here
from agent.views import ModelRole, ResultView
from graphs.results import Result
from store import runs
from tools.failures import CriterionFailures, FailureAnalysis, analyse
from tools.rows import Row, cases_by_criterion
from tools.rubric import Criterion, Rubric

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

ANSWERS_OF_A_PAGE = 25
SHADES = 5


class Line(NamedTuple):
    """A criterion in the list."""

    criterion: Criterion
    gate: bool
    failures: CriterionFailures | None
    """None when no answer failed it."""


class Square(NamedTuple):
    """A cell of the grid."""

    failed: int
    assessed: int
    shade: int
    """0 (nothing fails) to 5 (everything does)."""

    @classmethod
    def of(cls, failed: int, assessed: int) -> Square:
        share = failed / assessed if assessed else 0.0
        return cls(failed, assessed, 0 if not failed else max(1, round(share * SHADES)))


class Grid(NamedTuple):
    """Topic by style: how often one criterion, or the answer as a whole, fails there."""

    styles: tuple[str, ...]
    topics: tuple[str, ...]
    """Those in which most fails first."""
    squares: Mapping[tuple[str, str], Square]
    """By topic and style; an empty word stands for all of them."""


class Explorer(NamedTuple):
    """Everything that the view shows of one model."""

    role: ModelRole
    headline: ResultView
    others: tuple[ResultView, ...]
    """Of every role."""
    analysis: FailureAnalysis
    lines: tuple[Line, ...]
    """Gates that failed, other criteria that did, then those that nobody failed."""
    chosen: Line | None
    grid: Grid
    topics: tuple[str, ...]
    styles: tuple[str, ...]
    reasons: tuple[str, ...]
    found: int
    """Answers that the filter leaves."""
    found_held_out: int
    held_out: int
    """Scenarios of the model that are held out."""
    answers: tuple[Listed, ...]
    """Of this page of the list."""
    pages: int


def explorer(
    session: Session, run_id: str, role: ModelRole | None, wanted: Filter, page: int
) -> Explorer | None:
    """None while nothing is judged."""
    run = runs.get(session, run_id).id
    results = {result.role: result for result in views.results(session, run)}
    result = results.get(role) if role is not None else next(iter(results.values()), None)
    if result is None:
        return None
    headlines = tuple(views.result_views(session, run))
    analysis = analyse(result.lines, result.rubric, result.by_judge)
    lines = _lines(analysis, result.rubric)
    rows = wanted.rows(result)
    pages = max(1, -(-len(rows) // ANSWERS_OF_A_PAGE))
    first = (min(page, pages) - 1) * ANSWERS_OF_A_PAGE
    own = next(one for one in headlines if one.role == result.role)
    return Explorer(
        role=own.role,
        headline=own,
        others=headlines,
        analysis=analysis,
        lines=lines,
        chosen=next((line for line in lines if line.criterion.id == wanted.criterion), None),
        grid=_grid(result, wanted.criterion),
        topics=tuple(sorted({row.scenario.topic for row in result.lines})),
        styles=tuple(sorted({row.scenario.style for row in result.lines})),
        reasons=tuple(problem.kind for problem in analysis.data_problems),
        found=len(rows),
        found_held_out=sum(row.scenario.held_out for row in rows),
        held_out=sum(row.scenario.held_out for row in result.lines),
        answers=tuple(listed(row, result.rubric) for row in rows[first : first + ANSWERS_OF_A_PAGE]),
        pages=pages,
    )


def _lines(analysis: FailureAnalysis, rubric: Rubric) -> tuple[Line, ...]:
    failing = {entry.criterion: entry for entry in analysis.criteria}
    found = [Line(one, one.id in rubric.gates, failing.get(one.id)) for one in rubric.criteria]
    return tuple(
        sorted(
            found,
            key=lambda line: (
                line.failures is None,
                not line.gate,
                -(line.failures.failed if line.failures else 0),
            ),
        )
    )


def _grid(result: Result, criterion: str) -> Grid:
    counts: dict[tuple[str, str], list[int]] = {}
    for row, failed in _cases(result, criterion):
        topic, style = row.scenario.topic, row.scenario.style
        for place in {(topic, style), (topic, ""), ("", style), ("", "")}:
            count = counts.setdefault(place, [0, 0])
            count[0] += failed
            count[1] += 1
    squares = {place: Square.of(*count) for place, count in counts.items()}
    topics = {row.scenario.topic for row in result.lines}

    def worst(topic: str) -> tuple[float, str]:
        square = squares.get((topic, ""))
        return (-square.failed / square.assessed if square else 0.0, topic)

    return Grid(
        styles=tuple(sorted({row.scenario.style for row in result.lines})),
        topics=tuple(sorted(topics, key=worst)),
        squares=squares,
    )


def _cases(result: Result, criterion: str) -> list[tuple[Row, bool]]:
    if criterion:
        cases = cases_by_criterion(result.lines, result.rubric).get(criterion, [])
        return [(result.lines[case.position], case.failed) for case in cases]
    return [(row, row.score.passed is False) for row in result.lines if not row.score.unmeasured]


@router.get("/runs/{run_id}/failures")
async def failures(
    request: Request,
    run_id: str,
    here: Here,
    wanted: Wanted,
    role: ModelRole | None = None,
    page: Annotated[int, Query(ge=1, le=10_000)] = 1,
) -> HTMLResponse:
    """Criteria, the grid of topics and styles, and the answers that a filter leaves."""
    found = await of_run(request, here, run_id, explorer, role, wanted, page, long=True)
    return await run_view(
        request, here, run_id, "failures.html", "failures", found=found, wanted=wanted, role=role, page=page
    )
