"""What every view of a run begins with, and the files that pages are made of."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from agent import views
from agent.pages.render import page
from agent.service.place import Place
from agent.views import RunState


async def run_view(
    request: Request, here: Place, run_id: str, template: str, tab: str, **context: Any
) -> HTMLResponse:
    """A view of a run: ``template`` extends ``run.html`` and has ``run`` and ``tab`` beside ``context``."""
    run: RunState = context.pop("run", None) or await here.look(views.run_state, run_id, here.clock)
    return page(request, template, run=run, tab=tab, thread_id=run.thread_id, **context)
