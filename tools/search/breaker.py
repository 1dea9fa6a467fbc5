"""A circuit breaker: after blocks in a row, an engine is left in peace for a while.

An empty result is an answer, not a failure; it closes the circuit like any other answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from tools.outcomes import Blocked, BlockReason, Empty, Found, Outcome
from tools.search.base import SearchEngine, SearchHit


class BreakerEngine:
    """A :class:`~tools.search.base.SearchEngine` that stops asking another one that blocks.

    After ``threshold`` consecutive blocks, queries are answered ``Blocked`` unasked for ``cooldown_seconds``
    (or the longest ``Retry-After`` that was told, up to ``longest_cooldown_seconds``). Then one query is let
    through: an answer closes the circuit, another block doubles the cooldown.
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
        self._blocks = 0
        self._cooldown = cooldown_seconds
        self._open_until: float | None = None
        self._reason = BlockReason.RATE_LIMIT

    @property
    def name(self) -> str:
        return self._engine.name

    @property
    def closed(self) -> bool:
        """Whether a query would be asked now."""
        return self._open_until is None or self._monotonic() >= self._open_until

    async def search(self, query: str, *, page: int = 1) -> Outcome[tuple[SearchHit, ...]]:
        if not self.closed and self._open_until is not None:
            wait = self._open_until - self._monotonic()
            detail = f"not asked: {self.name} blocked {self._blocks} queries in a row"
            return Blocked(self._reason, detail, wait)
        outcome = await self._engine.search(query, page=page)
        self._learn(outcome)
        return outcome

    def _learn(self, outcome: Outcome[tuple[SearchHit, ...]]) -> None:
        if isinstance(outcome, Found | Empty):
            self._blocks, self._cooldown, self._open_until = 0, self._first_cooldown, None
        elif isinstance(outcome, Blocked):
            self._blocks += 1
            self._reason = outcome.reason
            if self._blocks >= self._threshold:
                wait = min(max(self._cooldown, outcome.retry_after_seconds or 0.0), self._longest)
                self._open_until = self._monotonic() + wait
                self._cooldown = min(2 * self._cooldown, self._longest)
