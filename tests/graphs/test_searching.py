"""Queries through the rows: asked once, lent by other runs, and never answered by a block."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from graphs.desk import Desk
from graphs.options import RunOptions
from graphs.searching import QueryRecord, ask, ask_all, records
from store import events, reading
from store.database import Database
from store.schema import RunRow, SearchRow
from tests.standins.records import NOW
from tools.clock import FixedClock
from tools.outcomes import Blocked, BlockReason, Empty, Failed, FailReason, Found, Outcome
from tools.search import SearchHit

HIT = SearchHit(title="A page", url="https://pages.example/one", snippet="About Qwen3-8B.")
Answers = Outcome[tuple[SearchHit, ...]]
DAY = timedelta(days=1)


class Engine:
    """Says what it is given, in turn, and the last one for ever."""

    def __init__(self, name: str, *answers: Answers) -> None:
        self.name = name
        self.asked: list[str] = []
        self._answers = list(answers)

    async def search(self, query: str, *, page: int = 1) -> Answers:
        self.asked.append(query)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def row(query: str, outcome: str, engine: str = "duckduckgo") -> SearchRow:
    return SearchRow(query=query, outcome=outcome, engine=engine)


def test_a_query_counts_once_and_is_answered_when_one_engine_answered_it():
    rows = [
        row("a", "blocked"),
        row("b", "empty"),
        row("a", "found", "searxng"),
        row("c", "failed"),
        row("c", "blocked", "searxng"),
        row("d", "found"),
    ]
    assert records(rows) == [
        QueryRecord("a", True),
        QueryRecord("b", True),
        QueryRecord("c", False),
        QueryRecord("d", True),
    ]
    assert records([]) == []


async def no_sleep(_seconds: float) -> None:
    """Waiting, in a test."""


async def test_an_answer_is_a_row_and_an_event_and_is_not_asked_for_again(desk_for: Callable[..., Desk]):
    engine = Engine("duckduckgo", Found((HIT,)))
    desk = desk_for(engines=(engine,))
    assert await ask(desk, "best model", 1) == (HIT,)
    assert await ask(desk, "best model", 2) == (HIT,)
    assert engine.asked == ["best model"]
    said = [event.data for event in await desk.look(events.after, 0) if event.kind == "query"]
    assert [(one["query"], one["engine"], one["hits"], one["outcome"]) for one in said] == [
        ("best model", "duckduckgo", 1, "found")
    ]


async def test_empty_is_an_answer_and_a_block_is_none(desk_for: Callable[..., Desk]):
    blocked = Blocked(BlockReason.CHALLENGE, "a challenge page")
    empty, silent = Engine("duckduckgo", Empty("no results")), Engine("duckduckgo", blocked)
    assert await ask(desk_for(engines=(empty,)), "q", 1) == ()
    desk = desk_for(engines=(silent,), sleep=no_sleep)
    assert await ask(desk, "q", 1) is None
    (stored,) = await desk.look(reading.searches)
    assert (stored.outcome, stored.reason) == ("blocked", blocked.reason)


async def test_a_blocked_engine_is_followed_by_the_next_one_and_both_are_stored(
    desk_for: Callable[..., Desk],
):
    first = Engine("duckduckgo", Blocked(BlockReason.RATE_LIMIT, "429"))
    second = Engine("searxng", Found((HIT,)))
    desk = desk_for(engines=(first, second))
    assert await ask(desk, "q", 1) == (HIT,)
    assert await ask(desk, "q", 1) == (HIT,)
    assert (first.asked, second.asked) == (["q"], ["q"])
    rows = await desk.look(reading.searches)
    assert {(one.engine, one.outcome) for one in rows} == {("duckduckgo", "blocked"), ("searxng", "found")}
    assert records(rows) == [QueryRecord("q", True)]


async def test_what_failed_before_is_asked_once_more(desk_for: Callable[..., Desk]):
    engine = Engine("duckduckgo", Failed(FailReason.TIMEOUT, "too slow"), Found((HIT,)))
    desk = desk_for(engines=(engine,))
    assert await ask(desk, "q", 1) is None
    assert await ask(desk, "q", 1) == (HIT,)
    (stored,) = await desk.look(reading.searches)
    assert stored.outcome == "found"


async def test_hits_are_handed_on_query_by_query_and_only_of_queries_that_were_answered(
    desk_for: Callable[..., Desk],
):
    engine = Engine("duckduckgo", Found((HIT,)), Failed(FailReason.TIMEOUT, "too slow"), Empty("no results"))
    handed: list[tuple[str, int]] = []

    async def take(query: str, hits: Sequence[SearchHit]) -> None:
        handed.append((query, len(hits)))

    await ask_all(desk_for(engines=(engine,)), ["one", "two", "three"], 1, take)
    assert handed == [("one", 1), ("three", 0)]


def _lending(desk_for: Callable[..., Desk], engine: Engine, days: float) -> tuple[Desk, Desk]:
    """A run that asks now, and another one that many days later which may be lent a week's answers."""
    later = FixedClock(NOW + days * DAY)
    first = desk_for(engines=(engine,), max_age=7 * DAY)
    return first, desk_for(engines=(engine,), max_age=7 * DAY, wall=later)


async def test_another_run_is_lent_an_answer_with_its_age(desk_for: Callable[..., Desk]):
    engine = Engine("duckduckgo", Found((HIT,)))
    first, second = _lending(desk_for, engine, days=6.9)
    assert await ask(first, "q", 1) == await ask(second, "q", 3) == (HIT,)
    assert engine.asked == ["q"]
    (lent,) = await second.look(reading.searches)
    assert (lent.asked_at.replace(tzinfo=NOW.tzinfo), lent.wave) == (NOW, 3)
    (said,) = [event.data for event in await second.look(events.after, 0) if event.kind == "query"]
    assert said["asked_at"] == f"{NOW:%Y-%m-%dT%H:%M:%SZ}"


async def test_a_stale_answer_is_not_lent_and_neither_is_a_block(desk_for: Callable[..., Desk]):
    engine = Engine("duckduckgo", Found((HIT,)))
    first, second = _lending(desk_for, engine, days=7.1)
    await ask(first, "q", 1)
    await ask(second, "q", 1)
    assert engine.asked == ["q", "q"]
    silent = Engine("duckduckgo", Failed(FailReason.TIMEOUT, "too slow"), Found((HIT,)))
    first, second = _lending(desk_for, silent, days=0)
    assert await ask(first, "other", 1) is None
    assert await ask(second, "other", 1) == (HIT,)


async def test_a_replayed_story_lends_nothing(desk_for: Callable[..., Desk], database: Database):
    engine = Engine("duckduckgo", Found((HIT,)))
    first, second = _lending(desk_for, engine, days=1)
    with database.session() as session:
        options = RunOptions(out_dir="/out", story="therapy-8b").model_dump(mode="json")
        session.get_one(RunRow, first.run_id).options = options
    await ask(first, "q", 1)
    await ask(second, "q", 1)
    assert engine.asked == ["q", "q"]


async def test_without_an_age_runs_lend_each_other_nothing(desk_for: Callable[..., Desk]):
    engine = Engine("duckduckgo", Found((HIT,)))
    first, second = desk_for(engines=(engine,)), desk_for(engines=(engine,))
    await ask(first, "q", 1)
    await ask(second, "q", 1)
    assert engine.asked == ["q", "q"]
