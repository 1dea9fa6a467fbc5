"""Standard input and output, for a client that starts ``bms mcp`` itself."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from typing import Any

from agent.mcp.desk import own_desk
from agent.mcp.server import make_server
from agent.settings import Settings


async def serve(settings: Settings) -> None:
    """Serve one client until it closes our standard input, or a signal ends this process.

    In both cases runs that are driven are interrupted, and their orders stay open.
    """
    told: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(number, _note, told, number)
    async with own_desk(settings) as desk:
        serving = asyncio.create_task(make_server(desk).run_stdio_async())
        either: set[asyncio.Future[Any]] = {serving, told}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()
            return
    # A thread still reads standard input, which nothing but input can end, and the interpreter waits for it.
    sys.stderr.flush()
    os._exit(128 + told.result())


def _note(told: asyncio.Future[int], number: int) -> None:
    if not told.done():
        told.set_result(number)
