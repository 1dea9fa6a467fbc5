"""A wave of research: find candidates, then study them. Another wave only when a person asks for one."""

from __future__ import annotations

from collections import Counter
from typing import Literal

from langgraph.runtime import Runtime
from langgraph.types import Command

from graphs.desk import Desk
from graphs.find import enumerate_hub, search_web, take_linked
from graphs.state import Journey
from graphs.stored_web import StoredWeb
from graphs.study import Study, in_order
from store import research as rows
from tools.candidates import Standing
from tools.knowledge.loader import domains

STAGE = "research"


async def research(state: Journey, runtime: Runtime[Desk]) -> Command[Literal["compare"]]:
    """One wave; every request, page, fact and claim is a row before the wave is over."""
    desk = runtime.context
    wave = state.get("wave", 0) + 1
    request = await desk.request()
    domain = domains().named(request.domain_key, request.domain)
    web = StoredWeb(desk, "research", ask_again=state.get("again", False))
    await enumerate_hub(desk, web, request, domain)
    hits = await search_web(desk, request, domain, wave, state.get("note", ""))
    await take_linked(desk, web, hits, request, domain)
    study = Study(desk, web, request, domain)
    accepted = await desk.look(rows.ledger, Standing.ACCEPTED)
    await study.candidates(in_order(accepted, wave * desk.options.candidate_budget))
    await study.pages(hits[: desk.options.page_budget])
    await _report(desk, wave)
    return Command(goto="compare", update={"wave": wave, "again": False, "note": ""})


async def _report(desk: Desk, wave: int) -> None:
    ledger = await desk.look(rows.ledger)
    standings = Counter(candidate.standing for candidate in ledger)
    counts = await desk.look(rows.counts)
    outcomes = Counter(counts.searches) + Counter(counts.fetches)
    await desk.say(
        STAGE,
        "wave",
        wave=wave,
        seen=len(ledger),
        accepted=standings[Standing.ACCEPTED],
        rejected=standings[Standing.REJECTED],
        facts=len(await desk.look(rows.facts)),
        claims=len(await desk.look(rows.claims)),
        blocked=outcomes["blocked"],
        failed=outcomes["failed"],
    )
