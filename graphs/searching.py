"""Asking the web: every query through the engines, every answer a row, nothing asked twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from graphs.desk import Desk
from store import reading
from store.schema import SearchRow
from tools.outcomes import Empty, Found, Outcome
from tools.search import SearchHit
from tools.search.chain import Answer

STAGE = "research"

Hits = Sequence[SearchHit]
OnHits = Callable[[str, Hits], Awaitable[None]]


async def ask_all(desk: Desk, queries: Sequence[str], wave: int, on_hits: OnHits) -> None:
    """Ask ``queries`` one after another; ``on_hits`` gets each query that was answered, with its hits.

    One after another because engines pace one host; the pages behind the hits are read meanwhile.
    """
    for query in queries:
        answered = await ask(desk, query, wave)
        if answered is not None:
            await on_hits(query, answered)


async def ask(desk: Desk, query: str, wave: int) -> Hits | None:
    """The hits of one query: from a row of this run, of another one, or from the first engine that answers.
    None when none does."""

    async def known(engine: str, query: str) -> Outcome[tuple[SearchHit, ...]] | None:
        row = await desk.look(reading.stored_search, engine, query)
        if row is not None:
            return _outcome(row)
        return await _lent(desk, engine, query, wave)

    async def keep(answer: Answer) -> None:
        hits = answer.outcome.value if isinstance(answer.outcome, Found) else ()
        stored = [hit.model_dump(mode="json") for hit in hits]
        now = desk.services.wall.now()
        told = _told(query, answer.engine, len(hits), answer.outcome)
        kept = (answer.engine, query, wave, answer.outcome, stored, now)
        await desk.write_and_say(STAGE, "query", told, reading.keep_search, *kept)

    asked = await desk.search.ask(query, known=known, keep=keep)
    return asked.hits if asked.answered else None


async def _lent(desk: Desk, engine: str, query: str, wave: int) -> Outcome[tuple[SearchHit, ...]] | None:
    age = desk.services.max_age
    if age is None:
        return None
    row = await desk.look(reading.search_of_another_run, engine, query, desk.services.wall.now() - age)
    if row is None:
        return None
    outcome = _outcome(row)
    assert outcome is not None
    told = _told(query, engine, len(row.hits), outcome) | {"asked_at": f"{row.asked_at:%Y-%m-%dT%H:%M:%SZ}"}
    await desk.write_and_say(STAGE, "query", told, reading.lend_search, row, wave)
    return outcome


def _told(query: str, engine: str, hits: int, outcome: Outcome[tuple[SearchHit, ...]]) -> dict[str, object]:
    columns = reading.outcome_columns(outcome)
    return {"query": query, "engine": engine, "hits": hits, **columns._asdict()}


def _outcome(row: SearchRow) -> Outcome[tuple[SearchHit, ...]] | None:
    """What a row says; None where it was blocked or failed, which is worth another question."""
    if row.outcome == "found":
        return Found(tuple(SearchHit.model_validate(hit) for hit in row.hits))
    return Empty(row.detail) if row.outcome == "empty" else None


class QueryRecord(NamedTuple):
    """What became of a query, whichever engines were asked."""

    query: str
    answered: bool


def records(rows: Sequence[SearchRow]) -> list[QueryRecord]:
    """Queries in the order of asking, each once; answered when one of its engines answered it."""
    answered: dict[str, bool] = {}
    for row in rows:
        answered[row.query] = answered.get(row.query, False) or row.outcome in {"found", "empty"}
    return [QueryRecord(query, done) for query, done in answered.items()]
