"""How many requests a server gets at once: found by trying, lowered when it complains.

Growing is by throughput, as servers on one machine queue what they cannot do at once: a larger number is
kept only where more gets done in the same time. Falling is multiplicative and rising again additive, after
Chiu and Jain, "Analysis of the increase and decrease algorithms for congestion avoidance" (1989).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic

WORTH_IT = 1.15
"""A larger number must bring this many times the throughput, or it is taken back."""
ROUNDS = 2
"""Completions for each request under way, after which throughput is compared."""
FEWEST_COMPLETIONS = 4
CALM_ROUNDS = 4
"""Rounds without a complaint after which one more is tried again."""


class Throttle:
    """Slots for requests under way; their number moves between 1 and ``most``.

    ``start`` equal to ``most`` begins at the bound that a person named. ``clock`` gives seconds.
    """

    def __init__(self, most: int, start: int | None = None, clock: Callable[[], float] = monotonic) -> None:
        if most < 1 or (start is not None and not 1 <= start <= most):
            raise ValueError("at least one request is under way, and not more than the most")
        self.most = most
        self.limit = most if start is None else start
        self._clock = clock
        self._growing = self.limit < most
        self._before = self.limit
        self._ceiling = most
        self._best = 0.0
        self._completions = 0
        self._calm = 0
        self._since: float | None = None
        self._under_way = 0
        self._deaf = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __aenter__(self) -> None:
        while self._under_way >= self.limit:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._wake()  # the turn was given and is not taken: it is the next one's
                raise
            finally:
                if turn in self._waiting:
                    self._waiting.remove(turn)
        self._under_way += 1
        if self._since is None:
            self._since = self._clock()

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._under_way -= 1
        self._deaf = max(0, self._deaf - 1)
        if kind is None:
            self._completed()
        self._wake()

    @property
    def under_way(self) -> int:
        return self._under_way

    @property
    def has_room(self) -> bool:
        """Whether entering now would not wait."""
        return self._under_way < self.limit

    def complain(self) -> None:
        """The server said that it has too much to do, or a request ran into its time limit.

        Of requests that were under way together, the first complaint counts: they tell of the same moment.
        """
        if self._deaf:
            return
        self._deaf = self._under_way
        self.limit = self._before = max(1, min(self.limit, self._under_way or self.limit) // 2)
        self._growing = False
        self._restart()
        self._calm = 0

    def _completed(self) -> None:
        self._completions += 1
        if self.limit == self._ceiling and not self._growing:
            return
        if self._completions < max(FEWEST_COMPLETIONS, ROUNDS * self.limit) or self._since is None:
            return
        elapsed = self._clock() - self._since
        throughput = self._completions / elapsed if elapsed > 0 else float("inf")
        if self._growing:
            self._compare(throughput)
        else:
            self._calm += 1
            if self._calm >= CALM_ROUNDS:
                self._calm = 0
                self.limit = min(self._ceiling, self.limit + 1)
        self._restart()

    def _compare(self, throughput: float) -> None:
        if throughput < self._best * WORTH_IT:
            self.limit = self._ceiling = self._before
            self._growing = False
        elif self.limit == self.most:
            self._growing = False
        else:
            self._best, self._before = throughput, self.limit
            self.limit = min(self.most, self.limit * 2)

    def _restart(self) -> None:
        self._completions, self._since = 0, self._clock()

    def _wake(self) -> None:
        free = self.limit - self._under_way
        while free > 0 and self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                free -= 1
