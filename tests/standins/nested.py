"""A forked service whose own children are forked too: what it starts as ``python -m agent.driven`` is.

A server has threads and an event loop, so it cannot be forked itself. A copy of the process from before they
began is, and asks nothing more than what to become. A real start stands in tests of the engine.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import runpy
import socket
import sys
import threading
from collections.abc import Sequence
from typing import Any

from tests.standins.zygote import Forked, Zygote, _Nest

MODULE = "agent.driven"


def fork_drivers() -> None:
    """From now on, drivers that this process starts are forks of it as it is now."""
    nest, start = _Hatchery(), asyncio.create_subprocess_exec

    async def started(program: str, *arguments: str, **options: Any) -> Any:
        if arguments[:2] != ("-m", MODULE) or options["stdin"] != asyncio.subprocess.DEVNULL:
            return await start(program, *arguments, **options)
        forked = nest.start(f"{__name__}:drive", *arguments[2:], cwd=os.getcwd(), env=options["env"])
        return _Child(forked)

    asyncio.create_subprocess_exec = started  # type: ignore[assignment]


def drive(arguments: Sequence[str]) -> None:
    """In a forked process: ``python -m agent.driven``."""
    sys.argv = [MODULE, *arguments]
    runpy.run_module(MODULE, run_name="__main__", alter_sys=True)


class _Hatchery(Zygote):
    """What this process is now, kept beside it to be forked; its children outlive this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket, theirs = socket.socketpair()
        if os.fork() == 0:
            self._socket.close()
            with contextlib.suppress(BaseException):
                _Patient(theirs).serve()
            os._exit(0)
        theirs.close()


class _Patient(_Nest):
    def _fork(self) -> bool:
        goes_on = super()._fork()
        if not goes_on:
            self._endings.clear()
        return goes_on


class _Child:
    """What is used of :class:`asyncio.subprocess.Process`."""

    stdin = None

    def __init__(self, forked: Forked) -> None:
        self._forked = forked
        self._said = asyncio.create_task(asyncio.to_thread(forked.communicate))
        self.pid = forked.pid
        self.stderr = self
        self.send_signal, self.kill, self.terminate = forked.send_signal, forked.kill, forked.terminate

    @property
    def returncode(self) -> int | None:
        return self._forked.returncode

    async def communicate(self) -> tuple[bytes, bytes]:
        out, err = await asyncio.shield(self._said)
        return out.encode(), err.encode()

    async def read(self) -> bytes:
        return (await self.communicate())[1]

    async def wait(self) -> int | None:
        await self.communicate()
        return self.returncode
