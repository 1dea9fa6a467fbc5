"""A query through several engines: fallbacks, waiting within a budget, and nothing asked twice."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.outcomes import Blocked, BlockReason, Empty, Failed, FailReason, Found, Outcome
from tools.search.base import SearchHit
from tools.search.breaker import BreakerEngine
from tools.search.chain import UNTOLD_WAIT_SECONDS, Answer, SearchChain

HIT = SearchHit(title="t", url="https://a.example/", snippet="s")
FOUND = Found((HIT,))
LIMITED = Blocked(BlockReason.RATE_LIMIT, "HTTP 429", 30.0)
UNTOLD = Blocked(BlockReason.CHALLENGE, "HTTP 202")
BROKEN = Failed(FailReason.BAD_REPLY, "nonsense")
GONE = Failed(FailReason.UNREACHABLE, "refused")
NONE = Empty("no results")

Said = Outcome[tuple[SearchHit, ...]]


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)
        self.now += seconds

    def monotonic(self) -> float:
        return self.now


class Scripted:
    """An engine that says what it was told to, then goes on saying the last."""

    def __init__(self, name: str, *outcomes: Said) -> None:
        self.name = name
        self.asked: list[str] = []
        self._outcomes = list(outcomes)

    async def search(self, query: str, *, page: int = 1) -> Said:
        self.asked.append(query)
        await asyncio.sleep(0)
        return self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]


@pytest.fixture
def time() -> Time:
    return Time()


def chain(time: Time, engines: Sequence[Scripted | BreakerEngine], budget: float = 100.0) -> SearchChain:
    return SearchChain(engines, wait_budget_seconds=budget, sleep=time.sleep, monotonic=time.monotonic)


@pytest.mark.parametrize("said", [FOUND, NONE])
async def test_the_first_that_answers_ends_the_query(time, said):
    first, second = Scripted("one", said), Scripted("two", FOUND)
    asked = await chain(time, [first, second]).ask("q")
    assert asked.answers == (Answer("one", "q", said),)
    assert asked.answered
    assert asked.hits == ((HIT,) if said is FOUND else ())
    assert second.asked == []


async def test_a_block_and_a_failure_lead_to_the_next_and_every_answer_is_told(time):
    kept: list[Answer] = []

    async def keep(answer: Answer) -> None:
        kept.append(answer)

    engines = [Scripted("one", LIMITED), Scripted("two", BROKEN), Scripted("three", FOUND)]
    asked = await chain(time, engines).ask("q", keep=keep)
    assert [answer.outcome for answer in asked.answers] == [LIMITED, BROKEN, FOUND]
    assert tuple(kept) == asked.answers
    assert asked.hits == (HIT,)
    assert time.slept == []


async def test_an_answer_is_kept_before_the_next_engine_is_asked(time):
    second = Scripted("two", FOUND)
    order: list[tuple[str, int]] = []

    async def keep(answer: Answer) -> None:
        order.append((answer.engine, len(second.asked)))

    await chain(time, [Scripted("one", LIMITED), second]).ask("q", keep=keep)
    assert order == [("one", 0), ("two", 1)]


async def test_when_all_block_the_shortest_wait_is_waited_for_and_asked_once_more(time):
    slow = Scripted("slow", Blocked(BlockReason.RATE_LIMIT, "", 80.0))
    quick = Scripted("quick", LIMITED, FOUND)
    searching = chain(time, [slow, quick])
    asked = await searching.ask("q")
    assert [answer.engine for answer in asked.answers] == ["slow", "quick", "quick"]
    assert asked.hits == (HIT,)
    assert time.slept == [30.0]
    assert searching.waited_seconds == 30.0


async def test_a_second_block_ends_the_query(time):
    only = Scripted("only", LIMITED)
    asked = await chain(time, [only]).ask("q")
    assert [answer.outcome for answer in asked.answers] == [LIMITED, LIMITED]
    assert not asked.answered
    assert asked.hits == ()


async def test_the_budget_is_the_runs(time):
    searching = chain(time, [Scripted("only", LIMITED)], budget=70.0)
    for query in ("a", "b", "c"):
        await searching.ask(query)
    assert time.slept == [30.0, 30.0]
    assert searching.waited_seconds == 60.0


async def test_a_block_that_names_no_wait_is_waited_for_all_the_same(time):
    await chain(time, [Scripted("only", UNTOLD)]).ask("q")
    assert time.slept == [UNTOLD_WAIT_SECONDS]


async def test_failures_are_not_waited_for(time):
    asked = await chain(time, [Scripted("one", BROKEN), Scripted("two", GONE)]).ask("q")
    assert [answer.outcome for answer in asked.answers] == [BROKEN, GONE]
    assert time.slept == []


async def test_without_engines_nobody_answers(time):
    asked = await chain(time, []).ask("q")
    assert not asked.answered
    assert asked.answers == ()


async def test_queries_at_the_same_time_share_a_wait(time):
    only = Scripted("only", LIMITED, LIMITED, LIMITED, FOUND)
    searching = chain(time, [only], budget=40.0)
    asked = await asyncio.gather(*(searching.ask(query) for query in "abc"))
    assert [one.hits for one in asked] == [(HIT,)] * 3
    assert time.slept == [30.0]


async def test_what_is_known_is_not_asked(time):
    first, second = Scripted("one", FOUND), Scripted("two", FOUND)

    async def known(engine: str, query: str) -> Said | None:
        return {("one", "q"): LIMITED, ("two", "q"): NONE}.get((engine, query))

    searching = chain(time, [first, second])
    asked = await searching.ask("q", known=known)
    assert asked.answers == (Answer("two", "q", NONE),)
    assert (await searching.ask("other", known=known)).answers[0].engine == "one"
    assert first.asked == ["other"]
    assert second.asked == []


OUTCOMES = st.sampled_from([FOUND, NONE, LIMITED, UNTOLD, BROKEN, GONE])
SCRIPTS = st.lists(st.lists(OUTCOMES, min_size=1, max_size=3), max_size=3)


@settings(max_examples=60)
@given(SCRIPTS, st.floats(min_value=0, max_value=200), st.integers(min_value=1, max_value=4))
async def test_any_script_stays_within_the_budget_and_stops_at_an_answer(scripts, budget, queries):
    time = Time()
    engines = [Scripted(str(number), *script) for number, script in enumerate(scripts)]
    searching = chain(time, engines, budget)
    for number in range(queries):
        asked = await searching.ask(str(number))
        assert [answer.settles for answer in asked.answers[:-1]] == [False] * max(0, len(asked.answers) - 1)
        assert asked.answered == any(answer.settles for answer in asked.answers)
        tried = [answer.engine for answer in asked.answers]
        assert all(tried.count(name) <= 2 for name in tried)
        assert tried[: len(engines)] == [engine.name for engine in engines][: len(tried)]
    assert sum(time.slept) == pytest.approx(searching.waited_seconds)
    assert searching.waited_seconds <= budget


# --- the breaker -------------------------------------------------------------------------------------------


async def test_the_breaker_keeps_to_a_retry_after_at_once(time):
    only = Scripted("only", LIMITED, FOUND)
    guarded = BreakerEngine(only, monotonic=time.monotonic)
    assert await guarded.search("a") == LIMITED
    refused = await guarded.search("b")
    assert isinstance(refused, Blocked)
    assert refused.retry_after_seconds == 30.0
    assert only.asked == ["a"]
    await time.sleep(30.0)
    assert await guarded.search("b") == FOUND


async def test_a_wait_that_is_told_is_kept_to_however_long(time):
    day = Blocked(BlockReason.RATE_LIMIT, "", 86_400.0)
    guarded = BreakerEngine(Scripted("only", day), monotonic=time.monotonic, longest_cooldown_seconds=900)
    assert await guarded.search("a") == day
    await time.sleep(86_399.0)
    assert not guarded.closed


async def test_the_block_that_opens_the_circuit_names_its_wait(time):
    guarded = BreakerEngine(
        Scripted("only", UNTOLD), threshold=2, cooldown_seconds=40, monotonic=time.monotonic
    )
    assert await guarded.search("a") == UNTOLD
    opened = await guarded.search("b")
    assert isinstance(opened, Blocked)
    assert opened.retry_after_seconds == 40.0
    assert opened.detail == UNTOLD.detail


async def test_an_engine_that_is_gone_is_left_alone_and_stays_a_failure(time):
    gone = Scripted("only", GONE)
    guarded = BreakerEngine(gone, threshold=2, monotonic=time.monotonic)
    said = [await guarded.search(query) for query in "abc"]
    assert [outcome.reason for outcome in said if isinstance(outcome, Failed)] == [FailReason.UNREACHABLE] * 3
    assert gone.asked == ["a", "b"]


async def test_a_reply_that_cannot_be_read_opens_nothing(time):
    broken = Scripted("only", BROKEN)
    guarded = BreakerEngine(broken, threshold=1, monotonic=time.monotonic)
    for query in "abc":
        assert await guarded.search(query) == BROKEN
    assert broken.asked == ["a", "b", "c"]


async def test_queries_at_the_same_time_learn_from_the_first(time):
    only = Scripted("only", LIMITED)
    guarded = BreakerEngine(only, monotonic=time.monotonic)
    await asyncio.gather(*(guarded.search(query) for query in "abcde"))
    assert only.asked == ["a"]


async def test_the_chain_waits_for_a_breaker_as_long_as_it_says(time):
    only = Scripted("only", UNTOLD, UNTOLD, FOUND)
    guarded = BreakerEngine(only, threshold=1, cooldown_seconds=20, monotonic=time.monotonic)
    asked = await chain(time, [guarded]).ask("a")
    assert [type(answer.outcome) for answer in asked.answers] == [Blocked, Blocked]
    asked = await chain(time, [guarded]).ask("b")
    assert time.slept == [20.0, 40.0], "the cooldown doubles"
    assert asked.hits == (HIT,)
