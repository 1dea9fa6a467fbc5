"""The comparison table of a run, with the sources under every cell."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from agent import views
from agent.pages.columns import VERDICTS, column_named
from agent.pages.evidence import CellView, StarsView, cell_view, row_of, scale, stars_view
from agent.pages.lost import lost
from agent.pages.render import page
from agent.pages.shell import run_view
from agent.pages.table_rows import TableWishes, chosen_columns, show
from agent.service.place import Here, Place
from agent.views import TableView
from store import research, runs
from tools.candidates import Candidate, Standing
from tools.escape import clean
from tools.faults import NotFound
from tools.phrases import counted
from tools.table import Column
from tools.table_notes import STARS, foot

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

COLUMNS = "bms_columns"
"""Cookie with the columns that were chosen last, dots between them."""
PER_PAGE = 50
"""Rejected candidates listed at once."""


class Opened(NamedTuple):
    """What is open over the table: the sources of a cell, or how stars came about."""

    cell: CellView
    stars: StarsView | None


class Rejected(NamedTuple):
    items: tuple[Candidate, ...]
    total: int
    after: int | None
    reason: str
    q: str


@router.get("/runs/{run_id}/table")
async def table(
    request: Request,
    here: Here,
    run_id: str,
    wishes: Annotated[TableWishes, Query()],
) -> HTMLResponse:
    """The whole table; also the deep link to one of its cells (``cell=KEY:Column``)."""
    run = await here.look(views.run_state, run_id, here.clock)
    offered = await here.look(_offered, run.id)
    asked = request.query_params
    vain = await here.look(lost, run.id)
    context: dict[str, Any] = {"offered": offered, "scale": scale, "lost": vain, "counted": counted}
    if offered is not None:
        await here.database.run(research.mark_shown, run.id, offered.hash, here.clock.now())
        columns = chosen_columns(wishes.columns, request.cookies.get(COLUMNS))
        context |= {
            "wishes": wishes,
            "shown": show(offered.table, offered.proposal, wishes, columns),
            "chosen": frozenset(columns),
            "opened": await _opened(here, offered, asked.get("cell", "")),
            "rejected": None if "rejected" not in asked else await _rejected(here, run.id, request),
            "foot": [clean(line) for line in foot(offered.table)],
            "about_stars": STARS.partition(" `bms")[0].removeprefix("⭐ "),
            "verdicts": VERDICTS,
        }
    reply = await run_view(request, here, run.id, "table.html", "table", run=run, **context)
    if offered is not None and wishes.columns is not None:
        chosen = ".".join(column.name.lower() for column in chosen_columns(wishes.columns, None))
        reply.set_cookie(COLUMNS, chosen, max_age=365 * 86400, path="/runs", samesite="lax")
    return reply


@router.get("/runs/{run_id}/table/cell")
async def cell(request: Request, here: Here, run_id: str, cell: str) -> HTMLResponse:
    """The sources of one cell, for the dialog."""
    offered = await here.look(views.table_view, run_id)
    opened = await _opened(here, offered, cell)
    if opened is None:
        raise NotFound(f"There is no cell {cell[:100]!r} in the table.", "It may have been built anew.")
    return page(request, "cell.html", run_id=offered.run_id, opened=opened, scale=scale, verdicts=VERDICTS)


@router.get("/runs/{run_id}/table/rejected")
async def rejected(request: Request, here: Here, run_id: str) -> HTMLResponse:
    """A part of the rejected candidates, for the list under the table."""
    row = await here.look(runs.get, run_id)
    found = await _rejected(here, row.id, request)
    return page(request, "rejected.html", run_id=row.id, rejected=found)


def _offered(session: Session, run_id: str) -> TableView | None:
    try:
        return views.table_view(session, run_id)
    except NotFound:
        return None


async def _opened(here: Place, offered: TableView, named: str) -> Opened | None:
    """``KEY:Column``; None where nothing of that name is in the table."""
    key, _, name = named.rpartition(":")
    column = column_named(name)
    if column is None or key not in {row.key for row in offered.table.rows}:
        return None

    def read(session: Session) -> Opened:
        opened = cell_view(session, offered, key, column)
        stars = stars_view(session, row_of(offered, key)) if column is Column.FIT else None
        return Opened(opened, stars)

    return await here.look(read)


async def _rejected(here: Place, run_id: str, request: Request) -> Rejected:
    asked = request.query_params
    reason, words = asked.get("reason", "")[:1000], asked.get("who", "")[:200]
    start = int(after) if (after := asked.get("after", "")).isascii() and after.isdigit() else 0

    def read(session: Session) -> Rejected:
        wanted = clean(words).casefold().split()
        found = [
            one
            for one in research.ledger(session, run_id, Standing.REJECTED)
            if (not reason or one.reason == reason)
            and all(word in f"{one.key} {one.name} {one.reason}".casefold() for word in wanted)
        ]
        part = tuple(found[start : start + PER_PAGE])
        more = start + len(part)
        return Rejected(part, len(found), more if more < len(found) else None, reason, words)

    return await here.look(read)
