"""``python -m agent.driven ORDER`` as a child: begun, interrupted, and what it said at its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from typing import NamedTuple, Self

from tools.secrecy import hushed

INTERRUPTED = 130
"""Exit status of a driver that was told to stop."""
BUSY = 75
"""Exit status of a driver that found the run, or this host, in other hands (``EX_TEMPFAIL``)."""
GRACE_SECONDS = 20.0
"""How long a driver has for stopping tidily."""


class Ended(NamedTuple):
    status: int
    words: str
    """The last line that it complained with."""

    @property
    def tidily(self) -> bool:
        """Carried out, or left for later; anything else is a death."""
        # The last of them before Python had begun.
        return self.status in {0, BUSY, INTERRUPTED, -signal.SIGINT}

    @property
    def interrupted(self) -> bool:
        return self.status in {INTERRUPTED, -signal.SIGINT}


class DriverProcess:
    """The process that drives a run for one order."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def begin(cls, order_id: int, *arguments: str, leashed: bool = False) -> Self:
        """Start it; ``OSError`` when the machine has no room for another process.

        One that is ``leashed`` stops when this process is gone, however that came about: its standard input
        ends then.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "agent.driven",
            str(order_id),
            *arguments,
            *(("--leashed",) if leashed else ()),
            stdin=asyncio.subprocess.PIPE if leashed else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the parent, which tells its children
            env={name: value for name, value in os.environ.items() if name != "BMS_TOKEN"},
        )
        return cls(process)

    async def end(self) -> Ended:
        """Wait for it."""
        assert self._process.stderr is not None
        said = await self._process.stderr.read()  # not communicate(): that would let go of the leash
        status = await self._process.wait()
        lines = said.decode("utf-8", "replace").strip().splitlines()
        return Ended(status, hushed(lines[-1]) if lines else "")

    async def stop(self) -> Ended:
        """Interrupt it, and end it where it does not stop within :data:`GRACE_SECONDS`."""
        self.interrupt()
        try:
            return await asyncio.wait_for(self.end(), GRACE_SECONDS)
        except TimeoutError:
            self.kill()
            return await self.end()

    def interrupt(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
