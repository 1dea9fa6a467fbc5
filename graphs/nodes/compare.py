"""The table and the proposal, stored as they are offered."""

from __future__ import annotations

from langgraph.runtime import Runtime

from graphs.desk import Desk
from graphs.nodes.approve import prompt_for
from graphs.state import Journey
from graphs.tables import current_table
from store import research
from tools.proposal import propose

STAGE = "compare"


async def compare(state: Journey, runtime: Runtime[Desk]) -> Journey:
    """Rate every candidate, build the table, propose a primary and a backup."""
    desk = runtime.context
    table = await desk.look(current_table, desk.services.clock.today())
    proposal = propose(table)
    told = {
        "hash": table.hash,
        "rows": len(table.rows),
        "eligible": len(table.eligible),
        "primary": proposal.primary,
        "backup": proposal.backup,
    }
    now = desk.services.wall.now()
    await desk.write_and_say(STAGE, "table", told, research.keep_table, table, proposal, now)
    prompt = prompt_for(desk.run_id, table.hash, proposal, state.get("problem"))
    return {"prompt": prompt.model_dump(mode="json"), "again": False, "problem": None}
