"""Research in waves: a census and the planned queries first, then what the wave before left open.

It ends where asking on would hardly show anything new, or where the budget does; the wave's row says which.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal
from urllib.parse import urlsplit

from langgraph.runtime import Runtime
from langgraph.types import Command

from graphs.brain import read_by_brain
from graphs.desk import Desk
from graphs.enumerate import enumerate_hub
from graphs.fanout import Crew
from graphs.gaps import gaps
from graphs.ledger import Terms, repositories_in, take_named
from graphs.names import look_up, names_of, names_of_all
from graphs.options import Budget
from graphs.pages import Pages
from graphs.searching import ask_all, records
from graphs.standings import read_leaderboards
from graphs.state import Journey
from graphs.stored_web import StoredWeb
from graphs.study import Study, in_order
from graphs.tables import current_table, measured
from store import reading
from store import research as rows
from tools.candidates import Standing
from tools.coverage import ENOUGH, saturated
from tools.knowledge.loader import domains, families
from tools.search.queries import follow_up_queries, plan_queries, wanted_capabilities
from tools.waves import Totals, Wave
from tools.web import Web
from tools.web.robots import RobotsWeb
from tools.web.urls import canonical

STAGE = "research"

FIRST_SHARE = 0.6
"""Share of the queries that the first wave may ask; the others follow what it finds."""
LINKED, MENTIONED = "a search hit", "a name on a page"
"""How a candidate was found that no listing had shown."""
NEW_NAMES = 40
"""Names found on pages that a wave looks up."""


async def research(state: Journey, runtime: Runtime[Desk]) -> Command[Literal["research", "compare"]]:
    """One wave; every request, page, fact and claim is a row before the wave is over."""
    desk = runtime.context
    number = state.get("wave", 0) + 1
    request = await desk.request()
    terms = Terms(request, domains().named(request.domain_key, request.domain))
    budget = desk.options.budget
    for _ in range(state.get("wider", 0) if desk.services.replayed is None else 0):
        budget = budget.widened()
    again = state.get("again", False)
    web = StoredWeb(desk, "research", web=desk.web, ask_again=again)
    truncated: list[str] = []
    if number == 1 or again:
        truncated = await enumerate_hub(desk, web, terms)
        if desk.services.leaderboards:
            await read_leaderboards(desk, web, terms)
    earlier = [wave for wave in await desk.look(rows.waves) if wave.number < number]
    wave = Wave(number=number, note=state.get("note", ""), census=number == 1 or again)
    wave = await _planned(desk, terms, wave, earlier, budget, again=again)
    pages = await _carried_out(desk, web, terms, wave, earlier, budget)
    wave = wave.model_copy(
        update={"truncated": tuple(truncated), "pages": pages, "totals": await desk.look(rows.totals)}
    )
    wave = wave.model_copy(update={"stopped": await _why_stop(desk, terms, (*earlier, wave), budget)})
    await desk.write(rows.keep_wave, wave)
    await _report(desk, wave)
    update: Journey = {"wave": number, "again": False, "note": ""}
    return Command(goto="compare" if wave.stopped else "research", update=update)


async def _planned(
    desk: Desk, terms: Terms, wave: Wave, earlier: Sequence[Wave], budget: Budget, *, again: bool
) -> Wave:
    """The wave with its queries; as it was planned at first, when a process died in it. With ``again`` what
    nobody answered before is asked once more."""
    known = next((w for w in await desk.look(rows.waves) if w.number == wave.number), None)
    if known is not None:
        return known
    left = budget.queries - sum(len(w.queries) for w in earlier)
    queries = await _first_queries(desk, terms, budget) if not earlier else ()
    if earlier:
        queries = await _following(desk, terms, earlier, left)
    if again:
        unanswered = [
            record.query for record in records(await desk.look(reading.searches)) if not record.answered
        ]
        queries = (*unanswered, *queries)
    if wave.note and left > 0:
        today = desk.services.clock.today()
        queries = (f"{wave.note[:200]} {terms.domain.title} {today.year}", *queries)
    planned = tuple(dict.fromkeys(queries))[: max(0, left)]
    accepted = await desk.look(rows.ledger, Standing.ACCEPTED)
    wave = wave.model_copy(update={"queries": planned, "known": tuple(line.key for line in accepted)})
    await desk.write(rows.keep_wave, wave)
    return wave


async def _first_queries(desk: Desk, terms: Terms, budget: Budget) -> tuple[str, ...]:
    accepted = await desk.look(rows.ledger, Standing.ACCEPTED)
    present = sorted({candidate.family for candidate in accepted})
    named = [family.name for key in present if (family := families().get(key)) is not None]
    return plan_queries(
        domain=terms.domain.title,
        domain_words=terms.domain.search_words,
        size=terms.request.size,
        families=named,
        today=desk.services.clock.today(),
        commercial=terms.request.licence_need.value == "commercial",
        languages=terms.request.languages,
        capabilities=wanted_capabilities(terms.request),
        limit=max(1, round(budget.queries * FIRST_SHARE)) if budget.queries else 0,
    )


async def _following(desk: Desk, terms: Terms, earlier: Sequence[Wave], left: int) -> tuple[str, ...]:
    """What the waves so far left open."""
    today = desk.services.clock.today()
    table = await desk.look(current_table, today)
    accepted = await desk.look(rows.ledger, Standing.ACCEPTED)
    newcomers = {candidate.key for candidate in accepted if candidate.found_by in {LINKED, MENTIONED}}
    return follow_up_queries(
        gaps(table, newcomers),
        domain=terms.domain.title,
        today=today,
        asked=[query for wave in earlier for query in wave.queries],
        limit=max(0, left),
    )


async def _carried_out(
    desk: Desk, web: Web, terms: Terms, wave: Wave, earlier: Sequence[Wave], budget: Budget
) -> int:
    """Search, read and study at the same time: they ask different hosts. How many pages
    were asked for that no earlier wave had asked for."""
    hub = urlsplit(desk.services.hub_endpoint).netloc
    polite = RobotsWeb(web, exempt=frozenset({hub}), slow_down=desk.services.slow_down)
    limit = budget.pages - sum(w.pages for w in earlier)
    study = Study(desk, web, terms)
    known = [line for line in await desk.look(rows.ledger) if line.key in wave.known]
    names = {line.key: names_of(line) for line in known}
    asked = await desk.look(reading.searches)
    before = {canonical(hit["url"]) for row in asked if row.wave < wave.number for hit in row.hits}
    async with Pages(desk, polite, terms.domain, names, max(0, limit), before) as pages, Crew(1) as crew:
        crew.add(study.candidates(in_order(known, budget.candidates)))
        await ask_all(desk, wave.queries, wave.number, pages.take)
    linked = repositories_in(list(pages.hits))
    await take_named(desk, web, linked, terms, LINKED, NEW_NAMES)
    await look_up(desk, web, pages.mentions, terms, MENTIONED, NEW_NAMES)
    accepted = await desk.look(rows.ledger, Standing.ACCEPTED)
    async with Crew(2) as crew:  # the one waits for the Hub, the other reads what is here
        crew.add(study.candidates([line for line in accepted if line.key not in names]))
        crew.add(pages.again({line.key: names_of(line) for line in accepted}))
    await study.lineages()
    await pages.settle()
    await read_by_brain(desk, terms, await names_of_all(desk), pages.read)
    return pages.charged


async def _why_stop(desk: Desk, terms: Terms, waves: Sequence[Wave], budget: Budget) -> str:
    """Why research stops after the last of ``waves``; empty when it goes on."""
    coverage = await desk.look(measured)
    asked = sum(len(wave.queries) for wave in waves)
    found = coverage.sample_coverage
    share = "it could not be measured" if found is None else f"it is {found:.1%}"
    asked_now = records([row for row in await desk.look(reading.searches) if row.wave == waves[-1].number])
    if asked_now and not any(record.answered for record in asked_now):
        return "No query of the last wave was answered, so asking on would show nothing."
    if found is not None and saturated(coverage) and not _brought(waves):
        return (
            f"Sample coverage is {found:.1%} ({ENOUGH:.0%} is enough) and the last wave brought nothing new."
        )
    if len(waves) >= budget.waves:
        return f"The budget of {budget.waves} waves was used up before sample coverage was sure ({share})."
    if asked >= budget.queries:
        return f"The budget of {budget.queries} queries was used up ({share} of sample coverage)."
    if not await _following(desk, terms, waves, budget.queries - asked):
        return f"Nothing was left to ask; as for sample coverage, {share}."
    return ""


def _brought(waves: Sequence[Wave]) -> bool:
    """Whether the last wave found a candidate or a claim that the one before it had not."""
    last, before = waves[-1].totals, waves[-2].totals if len(waves) > 1 else Totals()
    return last.viable > before.viable or last.claims > before.claims


async def _report(desk: Desk, wave: Wave) -> None:
    counted = await desk.look(reading.counts)
    outcomes = Counter(counted.searches) + Counter(counted.fetches)
    seen = len(await desk.look(rows.known_keys))
    coverage = await desk.look(measured)
    await desk.say(
        STAGE,
        "wave",
        wave=wave.number,
        seen=seen,
        accepted=wave.totals.viable,
        rejected=seen - wave.totals.viable,
        facts=wave.totals.facts,
        claims=wave.totals.claims,
        blocked=outcomes["blocked"],
        failed=outcomes["failed"],
        coverage=coverage.sample_coverage,
        stopped=wave.stopped,
    )
