"""What research found: table, ledger, the evidence of one candidate, waves, and the sources' words."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.orm import Session

from agent import views
from agent.api.examples import HASH
from agent.api.forms import CSV, HTML, JSON, MARKDOWN, contents, document, form_of
from agent.api.inputs import ONLY_TEXT, Limit, Offset, RunId
from agent.api.paging import link_next, paged
from agent.api.response_examples import CANDIDATES, EVIDENCE, SOURCE, TABLE, TABLE_TEXTS, WAVES, answered
from agent.service.place import Here
from agent.service.problems import responses
from agent.views import CandidatePage, EvidenceView, SourceExcerpt, TableView, WaveList
from store import research
from tools.candidates import Standing
from tools.clock import Clock
from tools.table_export import to_csv, to_markdown
from tools.table_html import to_html
from tools.table_view import Sort, parse_columns, shown

router = APIRouter(tags=["research"], dependencies=[ONLY_TEXT])

TABLE_FORMS = {"json": JSON, "md": MARKDOWN, "csv": CSV, "html": HTML}
TableForm = Literal["json", "md", "csv", "html"]
Format = Annotated[
    TableForm | None, Query(alias="format", description="Instead of what `Accept` says; JSON without either.")
]

_TABLE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The table.", "content": {JSON: {"example": TABLE}, **contents(TABLE_TEXTS)}}
}


def table_seen(session: Session, run_id: str, clock: Clock) -> TableView:
    """The newest table, which a person sees now."""
    view = views.table_view(session, run_id)
    research.mark_shown(session, view.run_id, view.hash, clock.now())
    return view


@router.get(
    "/runs/{run_id}/table",
    operation_id="get_table",
    response_model=TableView,
    responses=_TABLE | responses(404, 406, 422),
)
async def get_table(
    run_id: RunId,
    request: Request,
    here: Here,
    form: Format = None,
    sort: Annotated[Sort, Query(description="Of md and csv: the order of the rows.")] = Sort.STARS,
    columns: Annotated[
        str, Query(max_length=400, description="Of md and csv: `params,licence,fit`; all without it.")
    ] = "",
    licence: Annotated[
        Literal["commercial"] | None, Query(description="Of md and csv: only what may be used commercially.")
    ] = None,
    family: Annotated[
        str | None, Query(max_length=100, description="Of md and csv: only this family or lineage.")
    ] = None,
) -> Any:
    """The comparison table as it was offered, with the proposal made from it.

    Every cell has its sources, and what other sources say. The table counts as shown to a person from now on.
    Its `hash` goes into the approval.
    """
    wanted = form_of(request, form, TABLE_FORMS)
    chosen = parse_columns(columns)
    view = await here.database.run(table_seen, run_id, here.clock)
    if wanted == "json":
        return view
    if wanted == "html":
        return document(to_html(view.table, view.proposal), HTML)
    part = shown(
        view.table,
        limit=None,
        sort=sort,
        columns=chosen,
        commercial=licence is not None,
        family=family or None,
    )
    if wanted == "csv":
        return document(to_csv(view.table, part), CSV)
    return document(to_markdown(view.table, None, part), MARKDOWN)


@router.get(
    "/runs/{run_id}/candidates",
    operation_id="list_candidates",
    responses=paged("The ledger.", CANDIDATES) | responses(404, 422),
)
async def list_candidates(
    run_id: RunId,
    request: Request,
    response: Response,
    here: Here,
    standing: Annotated[Standing | None, Query(description="Only those.")] = None,
    limit: Limit = 100,
    cursor: Offset = 0,
) -> CandidatePage:
    """Everybody that research came across, accepted or rejected, with the reason."""
    page = await here.look(views.candidate_page, run_id, standing, limit, cursor)
    link_next(request, response, page)
    return page


@router.get(
    "/runs/{run_id}/evidence",
    operation_id="get_evidence",
    responses=answered("What is known of it.", EVIDENCE) | responses(404, 422),
)
async def get_evidence(
    run_id: RunId,
    here: Here,
    model: Annotated[
        str,
        Query(
            min_length=1,
            max_length=300,
            description="Key of the candidate, its name, or a part of it that only one has.",
            examples=["Qwen/Qwen3-8B"],
        ),
    ],
) -> EvidenceView:
    """Everything that is known of one candidate: facts and claims with source and quote, and how its stars
    came about."""
    return await here.look(views.evidence_view, run_id, model)


@router.get(
    "/runs/{run_id}/waves",
    operation_id="list_waves",
    responses=answered("The waves.", WAVES) | responses(404, 422),
)
async def list_waves(run_id: RunId, here: Here) -> WaveList:
    """What each wave of research asked and brought, why it went on or stopped, and how complete it is."""
    return await here.look(views.wave_list, run_id)


@router.get(
    "/runs/{run_id}/source",
    operation_id="get_source",
    responses=answered("The text around the quote.", SOURCE) | responses(404, 422),
)
async def get_source(
    run_id: RunId,
    here: Here,
    content_hash: Annotated[
        str,
        Query(
            alias="hash",
            pattern=r"^sha256:[0-9a-f]{64}$",
            description="`source.content_hash` of a fact or claim of this run.",
            examples=[HASH],
        ),
    ],
    quote: Annotated[
        str, Query(max_length=4000, description="Its `source.quote`; without it, the beginning of the text.")
    ] = "",
) -> SourceExcerpt:
    """The stored text of a source around a quote, as it was read. Only of what this run cites."""
    return await here.look(views.source_excerpt, run_id, content_hash, quote)
