"""A circuit breaker: after blocks in a row, an engine is left in peace for a while.

An empty result is an answer, not a failure; it closes the circuit like any other answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

from tools.outcomes import Blocked, BlockReason, Empty, Failed, FailReason, Found, Outcome
from tools.search.base import SearchEngine, SearchHit

SILENT = frozenset({FailReason.TIMEOUT, FailReason.UNREACHABLE, FailReason.SERVER_ERROR})
"""Failures by which an engine may be gone: as useless to repeat as a block."""


class BreakerEngine:
    """A :class:`~tools.search.base.SearchEngine` that stops asking another one that blocks or is gone.

    A ``Retry-After`` is kept to at once. After ``threshold`` refusals in a row, queries are answered in the
    same way unasked for ``cooldown_seconds``; then one query is let through: an answer closes the circuit,
    another refusal doubles the cooldown, up to ``longest_cooldown_seconds``. Queries that come at the same
    time wait for each other, so that all of them learn from the first.
    """

    def __init__(
        self,
        engine: SearchEngine,
        *,
        threshold: int = 3,
        cooldown_seconds: float = 60.0,
        longest_cooldown_seconds: float = 900.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._threshold = threshold
        self._first_cooldown = cooldown_seconds
        self._longest = longest_cooldown_seconds
        self._monotonic = monotonic
        self._refusals = 0
        self._cooldown = cooldown_seconds
        self._open_until: float | None = None
        self._last: Blocked | Failed = Blocked(BlockReason.RATE_LIMIT)
        self._turn = asyncio.Lock()

    @property
    def name(self) -> str:
        return self._engine.name

    @property
    def closed(self) -> bool:
        """Whether a query would be asked now."""
        return self._open_until is None or self._monotonic() >= self._open_until

    async def search(self, query: str, *, page: int = 1) -> Outcome[tuple[SearchHit, ...]]:
        async with self._turn:
            if not self.closed:
                return self._unasked()
            return self._learned(await self._engine.search(query, page=page))

    def _unasked(self) -> Blocked | Failed:
        """What an open circuit answers."""
        detail = f"not asked: {self.name} is left in peace after what it said last"
        if isinstance(self._last, Failed):
            return Failed(self._last.reason, detail)
        return Blocked(self._last.reason, detail, (self._open_until or 0.0) - self._monotonic())

    def _learned(self, outcome: Outcome[tuple[SearchHit, ...]]) -> Outcome[tuple[SearchHit, ...]]:
        """The outcome, with the wait in a block that opens the circuit."""
        if isinstance(outcome, Found | Empty):
            self._refusals, self._cooldown, self._open_until = 0, self._first_cooldown, None
            return outcome
        if isinstance(outcome, Failed) and outcome.reason not in SILENT:
            return outcome
        self._refusals += 1
        self._last = outcome
        wait = (outcome.retry_after_seconds or 0.0) if isinstance(outcome, Blocked) else 0.0
        if self._refusals >= self._threshold:
            wait = max(wait, self._cooldown)
            self._cooldown = min(2 * self._cooldown, self._longest)
        if wait <= 0:
            return outcome
        self._open_until = self._monotonic() + wait
        return replace(outcome, retry_after_seconds=wait) if isinstance(outcome, Blocked) else outcome
