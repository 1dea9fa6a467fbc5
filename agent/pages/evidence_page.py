"""The page of one candidate: every fact and claim with its source, accepted or rejected."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from agent import views
from agent.pages.columns import VERDICTS
from agent.pages.evidence import model_view, scale
from agent.pages.shell import run_view
from agent.service.place import Here

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/runs/{run_id}/models/{key:path}")
async def model(request: Request, here: Here, run_id: str, key: str) -> HTMLResponse:
    """Everything about one candidate."""
    run = await here.look(views.run_state, run_id, here.clock)
    told = await here.look(model_view, run.id, key)
    return await run_view(
        request, here, run.id, "model.html", "table", run=run, told=told, scale=scale, verdicts=VERDICTS
    )
