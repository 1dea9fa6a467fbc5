"""Carries out orders on this machine: a process for each run that is driven, a few at a time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable
from typing import Protocol

from sqlalchemy.orm import Session

from store import events, leases, orders, runs
from store.database import Database
from store.schema import OrderRow, RunStatus
from tools.clock import Clock, SystemClock

INTERRUPTED = 130
"""Exit status of a driver that was told to stop."""

log = logging.getLogger(__name__)

AT_ONCE = 2
"""Runs driven at the same time; two models seldom fit into one machine's memory."""
LOOK_SECONDS = 2.0
"""How often the engine looks for orders that others have left."""
TRIES = 3
"""Processes that may die over one order before it is given up."""
PAUSE_SECONDS = 0.5
"""Between a process that died and the next for the same order."""
GRACE_SECONDS = 20.0
"""How long a driven run has for stopping tidily when the engine stops."""


class Engine(Protocol):
    """Whoever sees to it that stored orders are carried out."""

    async def start(self) -> None: ...

    def wake(self) -> None:
        """There is a new order."""

    async def stop(self) -> None: ...


class LocalEngine:
    """Starts ``python -m agent.driven`` for open orders, the oldest first."""

    def __init__(self, database: Database, *, at_once: int = AT_ONCE, clock: Clock | None = None) -> None:
        self._database = database
        self._at_once = at_once
        self._clock = clock or SystemClock()
        self._awake = asyncio.Event()
        self._driven: dict[int, asyncio.Task[None]] = {}
        self._processes: dict[int, asyncio.subprocess.Process] = {}
        self._deaths: dict[int, int] = {}
        self._loop: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._loop = asyncio.create_task(self._look_for_orders())

    def wake(self) -> None:
        self._awake.set()

    async def stop(self) -> None:
        """Interrupt what is driven; its orders stay open and are gone on with after the next start."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)
        for process in self._processes.values():
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)
        if self._driven:
            _, late = await asyncio.wait(self._driven.values(), timeout=GRACE_SECONDS)
            for process in list(self._processes.values()):
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            if late:
                await asyncio.wait(late)

    async def _look_for_orders(self) -> None:
        while True:
            self._awake.clear()
            try:
                free = await self._database.look(_free_orders, self._clock)
            except Exception as error:  # noqa: BLE001 - without this loop nothing is driven any more
                log.warning("orders could not be read: %s", error)  # they wait in the database
                free = []
            for order in free:
                if order.id not in self._driven and len(self._driven) < self._at_once:
                    task = asyncio.create_task(self._drive(order))
                    self._driven[order.id] = task
                    task.add_done_callback(self._let_go(order.id))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._awake.wait(), LOOK_SECONDS)

    def _let_go(self, order_id: int) -> Callable[[asyncio.Task[None]], None]:
        def ended(task: asyncio.Task[None]) -> None:
            self._driven.pop(order_id, None)
            self._processes.pop(order_id, None)
            self._awake.set()
            if not task.cancelled() and task.exception() is not None:
                log.error("order %d could not be carried out", order_id, exc_info=task.exception())

        return ended

    async def _drive(self, order: OrderRow) -> None:
        try:
            status, words = await self._process(order)
        except OSError as error:  # no memory or no place for another process
            status, words = -1, str(error)
        if status in {0, INTERRUPTED, -signal.SIGINT}:  # the last before Python had begun
            return
        self._deaths[order.id] = self._deaths.get(order.id, 0) + 1
        log.warning("the process of order %d ended with %s: %s", order.id, status, words)
        if self._deaths[order.id] >= TRIES:
            await self._database.run(_give_up, order, words, self._clock)
        else:
            await asyncio.sleep(PAUSE_SECONDS)

    async def _process(self, order: OrderRow) -> tuple[int | None, str]:
        """Exit status of a process for the order, and the last line that it complained with."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "agent.driven",
            str(order.id),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C at the server is for the server, which tells its children
            env={name: value for name, value in os.environ.items() if name != "BMS_TOKEN"},
        )
        self._processes[order.id] = process
        _, said = await process.communicate()
        lines = said.decode("utf-8", "replace").strip().splitlines()
        return process.returncode, lines[-1] if lines else ""


def _free_orders(session: Session, clock: Clock) -> list[OrderRow]:
    """Open orders of runs that nobody drives now."""
    now = clock.now()
    return [
        order for order in orders.all_open(session) if leases.holder_of(session, order.run_id, now) is None
    ]


def _give_up(session: Session, order: OrderRow, words: str, clock: Clock) -> None:
    """A run that takes its process down again and again is stopped, with what was said last."""
    now = clock.now()
    sentence = f"its process died {TRIES} times; the last said: {words[:300] or 'nothing'}"
    orders.finish(session, order.id, now, sentence)
    runs.set_status(session, order.run_id, RunStatus.STOPPED, sentence, now)
    events.append(session, order.run_id, "stopped", "stopped", {"sentence": sentence}, now)
