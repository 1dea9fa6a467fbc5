"""The engine of a server that shares a PostgreSQL with workers: it drives nothing itself."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from agent.queue import jobs, tables
from store.database import Database

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
"""How often it is looked for orders that have no job, whoever took them."""


class QueueEngine:
    """Makes a job for every open order; ``bms worker`` carries them out."""

    def __init__(self, database: Database) -> None:
        tables.check_installed()
        self._database = database
        self._awake = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._database.run(tables.make)
        self._loop = asyncio.create_task(self._look_for_orders())

    def wake(self) -> None:
        self._awake.set()

    async def stop(self) -> None:
        """Nothing is interrupted: whoever works goes on."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)

    async def _look_for_orders(self) -> None:
        while True:
            self._awake.clear()
            try:
                await self._database.run(jobs.fill)
            except Exception as error:  # noqa: BLE001 - without this loop nothing is driven any more
                log.warning("orders could not be put into the queue: %s", error)  # they wait in the database
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._awake.wait(), LOOK_SECONDS)
