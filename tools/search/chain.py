"""One query through several engines: the first that answers, and what every one before it said.

Waiting for engines that block is worth something, but not everything: a run has a budget of seconds for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from tools.outcomes import Blocked, Empty, Found, Outcome
from tools.search.base import SearchEngine, SearchHit
from tools.web.pace import Monotonic, Sleep

WAIT_BUDGET_SECONDS = 300.0
"""Seconds that a run waits, in all, for search engines that block."""
UNTOLD_WAIT_SECONDS = 60.0
"""Wait after a block that names none; ddgs' users report blocks from half a minute to some minutes."""


class Answer(NamedTuple):
    """What one engine said to one query."""

    engine: str
    query: str
    outcome: Outcome[tuple[SearchHit, ...]]

    @property
    def settles(self) -> bool:
        """Whether nobody else need be asked: results, or a proper "there are none"."""
        return isinstance(self.outcome, Found | Empty)


class Asked(NamedTuple):
    """What became of a query."""

    query: str
    answers: tuple[Answer, ...]
    """Every answer in the order in which it came; an engine that was waited for stands twice."""

    @property
    def answered(self) -> bool:
        """Whether an engine answered, with results or properly empty."""
        return bool(self.answers) and self.answers[-1].settles

    @property
    def hits(self) -> tuple[SearchHit, ...]:
        """Results; none when there are none, or when nobody answered."""
        outcome = self.answers[-1].outcome if self.answers else None
        return outcome.value if isinstance(outcome, Found) else ()


Known = Callable[[str, str], Awaitable[Outcome[tuple[SearchHit, ...]] | None]]
"""What is stored of ``(engine, query)``; None when nothing is."""
Keep = Callable[[Answer], Awaitable[None]]
"""Stores an answer; called as soon as it is there, so that a killed run repeats none."""


class SearchChain:
    """Asks ``engines`` in their order until one answers. One chain for a run: the budget is its own, while
    the engines and their circuit breakers are the process's.

    When nobody answers and somebody blocks, the chain waits for the engine that can be asked soonest, if the
    wait fits in what is left of ``wait_budget_seconds``, and asks it once more. Queries that are asked at the
    same time share a wait, and it is counted once.
    """

    def __init__(
        self,
        engines: Sequence[SearchEngine],
        *,
        wait_budget_seconds: float = WAIT_BUDGET_SECONDS,
        sleep: Sleep = asyncio.sleep,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._engines = tuple(engines)
        self._left = wait_budget_seconds
        self._budget = wait_budget_seconds
        self._sleep = sleep
        self._monotonic = monotonic
        self._resumes: dict[str, float] = {}
        self._waiting = asyncio.Lock()

    @property
    def waited_seconds(self) -> float:
        """How much of the budget is spent."""
        return self._budget - self._left

    async def ask(self, query: str, *, known: Known | None = None, keep: Keep | None = None) -> Asked:
        """The answers to ``query``. An answer that ``known`` has settles it without asking anybody."""
        if known is not None:
            for engine in self._engines:
                stored = await known(engine.name, query)
                if stored is not None and (answer := Answer(engine.name, query, stored)).settles:
                    return Asked(query, (answer,))
        answers: list[Answer] = []
        if await self._round(self._engines, query, answers, keep):
            return Asked(query, tuple(answers))
        blocked = {answer.engine for answer in answers if isinstance(answer.outcome, Blocked)}
        waited_for = await self._wait_for(blocked)
        again = [engine for engine in self._engines if engine.name in waited_for]
        await self._round(again, query, answers, keep)
        return Asked(query, tuple(answers))

    async def _round(
        self, engines: Sequence[SearchEngine], query: str, answers: list[Answer], keep: Keep | None
    ) -> bool:
        for engine in engines:
            answer = Answer(engine.name, query, await engine.search(query))
            answers.append(answer)
            self._learn(answer)
            if keep is not None:
                await keep(answer)
            if answer.settles:
                return True
        return False

    def _learn(self, answer: Answer) -> None:
        if isinstance(answer.outcome, Blocked):
            told = answer.outcome.retry_after_seconds
            wait = UNTOLD_WAIT_SECONDS if told is None else told
            self._resumes[answer.engine] = self._monotonic() + wait
        else:
            self._resumes.pop(answer.engine, None)

    async def _wait_for(self, names: set[str]) -> set[str]:
        """Engines of ``names`` that can be asked after the shortest wait; none when it exceeds the budget."""
        async with self._waiting:
            now = self._monotonic()
            waits = {name: max(0.0, self._resumes.get(name, now) - now) for name in names}
            shortest = min(waits.values(), default=None)
            if shortest is None or shortest > self._left:
                return set()
            if shortest > 0:
                self._left -= shortest
                await self._sleep(shortest)
            return {name for name, wait in waits.items() if wait <= shortest}
