"""Asking again: after a host's own wait, or soon after a mishap; never for longer than a run can afford."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from tools.outcomes import Blocked, BlockReason, Failed, FailReason, Outcome
from tools.web.pace import Monotonic, Sleep
from tools.web.page import DEFAULT_MAX_BYTES, Page, Web

MAX_WAITS = 5
"""A host that limits requests is waited for so often in a row before it is given up for a while."""
MAX_MISHAPS = 2
"""A page is asked again so often after a time-out, a broken connection or a server's error."""
MISHAPS_IN_A_ROW = 6
"""After so many a host counts as down: each page is asked for once, until one of them is answered."""
DOWN_SECONDS = 30.0
"""How long a host that could not be reached is left alone."""
MISHAPS = frozenset({FailReason.TIMEOUT, FailReason.UNREACHABLE, FailReason.SERVER_ERROR})
FIRST_REFUSAL_SECONDS = 5.0
FIRST_MISHAP_SECONDS = 0.5
LONGEST_SECONDS = 120.0
"""Longest wait of our own choosing; a host's own may be longer."""


@dataclass(slots=True)
class _Host:
    """What is known of one host's patience with us."""

    places: asyncio.Semaphore
    refusals: int = 0
    """Waits in a row that did not help."""
    ends_at: float = float("-inf")
    """When its wait is over, on the monotonic clock."""
    wait: asyncio.Task[None] | None = None
    """The wait itself, of which every request to the host is part; None when it was not affordable."""
    mishaps: int = 0
    """Mishaps in a row, of whichever page; a host that is down is not asked everything twice more."""
    down_until: float = float("-inf")
    """Until when it counts as down and is not asked."""
    refused: Blocked | None = None
    """What it said when its wait could not be afforded, or did not help."""

    @property
    def is_waiting(self) -> bool:
        return self.wait is not None and not self.wait.done()


class PatientWeb:
    """A :class:`~tools.web.page.Web` that asks again where that may help.

    A host that limits requests is left alone for as long as it says (``Retry-After``, the Hub's
    ``RateLimit``), or for a time that doubles; every request to it waits along. Time-outs, broken
    connections and server errors are tried twice more. ``budget_seconds`` bounds the sum of all waits of
    this object; requests that wait for the same host share one wait, which counts once. When the budget
    does not reach, the outcome comes back with that in its detail, and the host is not asked before its
    time is over. ``per_host`` bounds the requests to a host that are on their way, and so those that may
    meet a limit before it is known. ``draw`` gives numbers from 0 to 1 for the jitter.
    """

    def __init__(
        self,
        web: Web,
        *,
        budget_seconds: float = 600.0,
        per_host: int = 4,
        sleep: Sleep = asyncio.sleep,
        monotonic: Monotonic = time.monotonic,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._web = web
        self._budget = budget_seconds
        self._left = budget_seconds
        self._per_host = per_host
        self._sleep = sleep
        self._monotonic = monotonic
        self._draw = draw
        self._hosts: dict[str, _Host] = {}

    @property
    def waited_seconds(self) -> float:
        """How much of the budget is used."""
        return self._budget - self._left

    async def get(
        self,
        url: str,
        *,
        accept: str | None = None,
        headers: Mapping[str, str] | None = None,
        max_bytes: int = DEFAULT_MAX_BYTES,
    ) -> Outcome[Page]:
        host = self._hosts.setdefault(_host_of(url), _Host(asyncio.Semaphore(self._per_host)))
        mishaps = 0
        while True:
            async with host.places:
                if self._monotonic() < host.down_until:
                    return Failed(FailReason.UNREACHABLE, "not asked: the host could not be reached before")
                closed = await self._turn(host)
                if closed is not None:
                    return closed
                outcome = await self._web.get(url, accept=accept, headers=headers, max_bytes=max_bytes)
                if isinstance(outcome, Blocked) and outcome.reason is BlockReason.RATE_LIMIT:
                    self._refused(host, outcome)
                    continue
            host.refusals = 0
            if not (isinstance(outcome, Failed) and outcome.reason in MISHAPS):
                host.mishaps = 0
                return outcome
            host.mishaps += 1
            if host.mishaps > MISHAPS_IN_A_ROW and outcome.reason is FailReason.UNREACHABLE:
                host.down_until = self._monotonic() + DOWN_SECONDS
            if mishaps == MAX_MISHAPS or host.mishaps > MISHAPS_IN_A_ROW:
                return outcome
            seconds = self._jittered(FIRST_MISHAP_SECONDS * 2**mishaps)
            mishaps += 1
            if not self._afford(seconds):
                return replace(outcome, detail=f"{outcome.detail}; not asked again: {self._spent}")
            await self._sleep(seconds)

    async def _turn(self, host: _Host) -> Blocked | None:
        """Wait along with ``host``; its refusal when its time is not over and nobody can wait for it."""
        while True:
            left = host.ends_at - self._monotonic()
            if host.refused is not None and left > 0:
                return replace(host.refused, retry_after_seconds=left)
            host.refused = None
            if host.wait is None or not host.is_waiting:
                return None
            await asyncio.shield(host.wait)

    def _refused(self, host: _Host, outcome: Blocked) -> None:
        """Begin or lengthen the wait of ``host``, or keep its refusal where that helps no more."""
        now = self._monotonic()
        if not host.is_waiting:
            host.refusals += 1
        own = min(FIRST_REFUSAL_SECONDS * 2 ** (host.refusals - 1), LONGEST_SECONDS)
        seconds = self._jittered(outcome.retry_after_seconds or own)
        if host.is_waiting and now + seconds <= host.ends_at + seconds / 2:
            return  # it was on its way when the wait began
        extra = seconds - max(0.0, host.ends_at - now) if host.is_waiting else seconds
        host.ends_at = now + seconds
        if host.refusals > MAX_WAITS:
            host.refused = replace(outcome, detail=f"{outcome.detail}, also after {MAX_WAITS} waits in a row")
        elif not self._afford(extra):
            detail = f"{outcome.detail}; asked to wait {seconds:.0f} s, but {self._spent}"
            host.refused = replace(outcome, detail=detail)
        else:
            host.wait = asyncio.create_task(self._wait(host.wait, extra))

    async def _wait(self, before: asyncio.Task[None] | None, seconds: float) -> None:
        if before is not None:
            await asyncio.shield(before)
        await self._sleep(seconds)

    def _afford(self, seconds: float) -> bool:
        if seconds > self._left:
            return False
        self._left -= seconds
        return True

    @property
    def _spent(self) -> str:
        return f"{self._left:.0f} s of the run's {self._budget:.0f} s for waiting are left"

    def _jittered(self, seconds: float) -> float:
        """Up to a quarter longer, never shorter: a host's own wait is kept to."""
        return seconds * (1 + self._draw() / 4)


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return ""
