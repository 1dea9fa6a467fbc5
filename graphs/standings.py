"""Public leaderboards that speak to the domain: figures of candidates, and names not looked up yet."""

from __future__ import annotations

from graphs.desk import Desk
from graphs.ledger import Terms
from graphs.names import look_up, names_of_all
from graphs.told import counting
from store import reading, research
from tools.leaderboards import claims_from_standings, leaderboards_for, read_leaderboard, unknown_names
from tools.outcomes import Found
from tools.web import Web

STAGE = "research"

NEW_NAMES = 40
"""Names on one leaderboard that are looked up."""


async def read_leaderboards(desk: Desk, web: Web, terms: Terms) -> None:
    """Read the domain's leaderboards: unknown models of the size enter the ledger, then all figures of
    candidates become claims."""
    for board in leaderboards_for(terms.domain, terms.request.languages):
        outcome = await read_leaderboard(web, board)
        columns = reading.outcome_columns(outcome)
        if not isinstance(outcome, Found):
            await desk.say(STAGE, "leaderboard", title=board.title, entries=0, claims=0, **columns._asdict())
            continue
        standings, size = outcome.value, terms.request.size
        unknown = unknown_names(standings, await names_of_all(desk), size=size)[:NEW_NAMES]
        await look_up(desk, web, [name.repo or name.name for name in unknown], terms, board.title, NEW_NAMES)
        claims = claims_from_standings(standings, await names_of_all(desk), size=size)
        entries = len(standings.entries)
        told = counting("claims", title=board.title, entries=entries, **columns._asdict())
        await desk.write_and_say(STAGE, "leaderboard", told, research.keep_claims, claims)
