"""Calls to a runtime are tried again when their kind of failure may pass."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from graphs.desk import Desk
from tools.concurrency import Throttle
from tools.runtimes import RuntimeFault, RuntimeFaultKind

R = TypeVar("R")

DELAYS = (1.0, 4.0, 15.0)
"""Seconds before the second, third and fourth try, unless the server names a longer wait."""

LONGEST_WAIT = 120.0
"""Seconds; a server that wants a longer pause than this is treated as down."""


TOO_MUCH = {RuntimeFaultKind.BUSY, RuntimeFaultKind.TIMEOUT}
"""Failures that fewer requests at once may prevent."""


async def keep_trying(
    call: Callable[[], Awaitable[R]],
    wait: Callable[[str, float], Awaitable[None]],
    throttle: Throttle | None = None,
) -> R:
    """The result of ``call``, or the last :class:`RuntimeFault` when every try failed.

    ``wait`` is told why and for how many seconds; ``throttle`` hears of a server that has too much to do.
    """
    for delay in DELAYS:
        try:
            return await call()
        except RuntimeFault as fault:
            if throttle is not None and fault.kind in TOO_MUCH:
                throttle.complain()
            seconds = max(delay, fault.retry_after_seconds or 0.0)
            if not fault.kind.retryable or seconds > LONGEST_WAIT:
                raise
            await wait(fault.sentence, seconds)
    return await call()


async def patiently(
    desk: Desk, stage: str, call: Callable[[], Awaitable[R]], throttle: Throttle | None = None
) -> R:
    """:func:`keep_trying` in a run; every retry is an event."""

    async def wait(sentence: str, seconds: float) -> None:
        await desk.say(stage, "retry", sentence=sentence, wait_seconds=seconds)
        await desk.services.sleep(seconds)

    async def attempt() -> R:
        await desk.make_sure()
        return await call()

    return await keep_trying(attempt, wait, throttle)
