"""Carries out orders on this machine: a process for each run that is driven, a few at a time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol

from sqlalchemy.orm import Session

from agent import deaths
from agent.driver_process import GRACE_SECONDS, DriverProcess
from store import leases, orders
from store.database import Database
from store.schema import OrderRow
from tools.clock import Clock, SystemClock

if TYPE_CHECKING:
    from agent.settings import Settings

log = logging.getLogger(__name__)

AT_ONCE = 2
"""Runs driven at the same time, by all engines of one home: two models seldom fit into a machine's memory."""
LOOK_SECONDS = 2.0
"""How often the engine looks for orders that others have left."""
PAUSE_SECONDS = 0.5
"""Between a process that died and the next for the same order."""


class Engine(Protocol):
    """Whoever sees to it that stored orders are carried out."""

    async def start(self) -> None: ...

    def wake(self) -> None:
        """There is a new order."""

    async def stop(self) -> None: ...


def engine_for(settings: Settings, database: Database) -> Engine:
    """The engine that goes with a database: this machine's own processes, or the queue of PostgreSQL, which
    ``bms worker`` serves on any machine."""
    if database.dialect != "postgresql":
        return LocalEngine(database, at_once=settings.runs_at_once)
    from agent.queue.engine import QueueEngine

    return QueueEngine(database)


class _Orders(NamedTuple):
    """What is open; the oldest first."""

    driven: frozenset[int]
    """Somebody drives their runs: this engine, another one on the same rows, or the one before it."""
    free: list[OrderRow]


class LocalEngine:
    """Starts ``python -m agent.driven`` for open orders, the oldest first."""

    def __init__(self, database: Database, *, at_once: int = AT_ONCE, clock: Clock | None = None) -> None:
        self._database = database
        self._at_once = at_once
        self._clock = clock or SystemClock()
        self._awake = asyncio.Event()
        self._driven: dict[int, asyncio.Task[None]] = {}
        self._processes: dict[int, DriverProcess] = {}
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
            process.interrupt()
        if self._driven:
            _, late = await asyncio.wait(self._driven.values(), timeout=GRACE_SECONDS)
            for process in list(self._processes.values()):
                process.kill()
            if late:
                await asyncio.wait(late)

    async def _look_for_orders(self) -> None:
        while True:
            self._awake.clear()
            try:
                seen = await self._database.look(_orders, self._clock)
            except Exception as error:  # noqa: BLE001 - without this loop nothing is driven any more
                log.warning("orders could not be read: %s", error)  # they wait in the database
                seen = _Orders(frozenset(), [])
            for order in seen.free:
                driven = len(seen.driven | self._driven.keys())
                if order.id not in self._driven and driven < self._at_once:
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
            self._processes[order.id] = process = await DriverProcess.begin(order.id)
        except OSError as error:  # no memory or no place for another process
            words = str(error)
        else:
            ended = await process.end()
            if ended.tidily:
                return
            words = ended.words
            log.warning("the process of order %d ended with %s: %s", order.id, ended.status, words)
        if not await self._database.run(deaths.note, order.id, words, self._clock):
            await asyncio.sleep(PAUSE_SECONDS)


def _orders(session: Session, clock: Clock) -> _Orders:
    now = clock.now()
    all_open = orders.all_open(session)
    free = [order for order in all_open if leases.holder_of(session, order.run_id, now) is None]
    return _Orders(frozenset(order.id for order in all_open) - {order.id for order in free}, free)
