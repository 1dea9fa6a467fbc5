"""The approval: primary and backup, an edit, more research, or a rejection; and what was decided before."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from agent import views
from agent.pages.choices import Choice, choice, machine
from agent.pages.columns import VERDICTS, starred
from agent.pages.lost import lost
from agent.pages.render import page
from agent.pages.shell import run_view
from agent.service.place import Here, Place
from agent.views import RunState, TableView
from agent.waiting import REPLAY_CAUTION
from graphs.prompts import ApprovalPrompt
from store import orders, research
from store.schema import OrderRow
from tools.faults import NotFound
from tools.phrases import counted

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

NOBODY = "-"
"""As the backup: none is wanted."""


@router.get("/runs/{run_id}/approval")
async def approval(request: Request, here: Here, run_id: str) -> HTMLResponse:
    """Decide about the table, or see what was decided; ``primary``, ``backup``, ``add`` fill in the form."""
    run = await here.look(views.run_state, run_id, here.clock)
    context = await _context(here, run, request.query_params)
    return await run_view(request, here, run.id, "approval.html", "approval", run=run, **context)


@router.get("/runs/{run_id}/approval/state")
async def state(request: Request, here: Here, run_id: str) -> HTMLResponse:
    """Where the approval is, for a page that follows the run."""
    run = await here.look(views.run_state, run_id, here.clock)
    return page(request, "approval_part.html", run=run, **await _context(here, run, {}))


@router.get("/runs/{run_id}/approval/choice")
async def chosen(request: Request, here: Here, run_id: str, model: str) -> HTMLResponse:
    """What a person wants to know of one model before choosing it."""
    offered = await here.look(views.table_view, run_id)
    about = await _choice(here, offered, model)
    if about is None:
        raise NotFound(f"{model[:100]!r} cannot be approved.", "It is not in the table, or excluded.")
    return page(request, "choice.html", run_id=offered.run_id, about=about, verdicts=VERDICTS)


async def _context(here: Place, run: RunState, asked: Mapping[str, str]) -> dict[str, Any]:
    offered, order = await here.look(_rows, run.id)
    prompt = None if run.waits_for is None else run.waits_for.prompt
    waits = isinstance(prompt, ApprovalPrompt) and offered is not None
    context: dict[str, Any] = {
        "offered": offered,
        "order": order,
        "waits": waits,
        "problem": prompt.problem if isinstance(prompt, ApprovalPrompt) else None,
        "names": {} if offered is None else {row.key: row.name for row in offered.table.rows},
        "verdicts": VERDICTS,
        "starred": starred,
        "counted": counted,
        "lost": await here.look(lost, run.id),
    }
    if not waits or offered is None:
        return context
    await here.database.run(research.mark_shown, run.id, offered.hash, here.clock.now())
    eligible = {row.key for row in offered.table.eligible}
    primary, backup = _wanted(asked, offered, eligible)
    return context | {
        "machine": await asyncio.to_thread(machine, here.settings.home),
        "primary": primary,
        "backup": backup,
        "about_primary": await _choice(here, offered, primary),
        "about_backup": await _choice(here, offered, backup),
        "add": asked.get("add", "")[:300],
        "nobody": NOBODY,
        "replay_caution": REPLAY_CAUTION,
    }


def _rows(session: Session, run_id: str) -> tuple[TableView | None, OrderRow | None]:
    try:
        offered = views.table_view(session, run_id)
    except NotFound:
        offered = None
    return offered, orders.open_order(session, run_id)


def _wanted(asked: Mapping[str, str], offered: TableView, eligible: set[str]) -> tuple[str, str]:
    """Keys of the two that are preselected; ``NOBODY`` or an empty text where there is none."""
    proposal = offered.proposal
    primary = asked.get("primary", "")
    primary = primary if primary in eligible else proposal.primary or ""
    backup = asked.get("backup", "")
    if backup not in {*eligible, NOBODY}:
        backup = proposal.backup or NOBODY
    if backup == primary:
        # Whoever was proposed first is the natural one to fall back on.
        others = [key for key in (proposal.primary, proposal.backup) if key and key != primary]
        backup = others[0] if others else NOBODY
    return primary, backup


async def _choice(here: Place, offered: TableView, key: str) -> Choice | None:
    row = next((row for row in offered.table.eligible if row.key == key), None)
    if row is None:
        return None
    there = await asyncio.to_thread(machine, here.settings.home)
    return choice(row, offered.table.request, there)
