"""procrastinate's connection to a database that may go away and come back."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from procrastinate import PsycopgConnector, sql
from procrastinate.connector import Notify
from procrastinate.exceptions import ConnectorException
from psycopg import Error, InterfaceError, OperationalError
from psycopg.errors import RaiseException
from sqlalchemy import URL

from store.database import GONE, KEEPALIVES, ONLY_READ, PAUSE_SECONDS

log = logging.getLogger(__name__)

CONNECTIONS = 3
NO_JOB: dict[str, Any] = {"id": None}
TELL_SECONDS = 60.0
"""How often it is told that the database is still waited for."""
DRAIN_SECONDS = 5.0
"""At the most so often all connections are made anew: a server may be set to be only read for hours."""

R = TypeVar("R")


class PatientConnector(PsycopgConnector):
    """A worker waits for its database as long as it takes: what it drives goes on meanwhile."""

    def __init__(self, url: URL, name: str) -> None:
        super().__init__(
            conninfo=url.set(drivername="postgresql").render_as_string(hide_password=False),
            kwargs={**KEEPALIVES, "application_name": name},
            min_size=1,
            max_size=CONNECTIONS,
        )
        self._told_at = self._drained_at = -math.inf

    async def listen_notify(self, on_notification: Notify, channels: Iterable[str]) -> None:
        named = list(channels)

        async def listen() -> None:
            await super(PatientConnector, self).listen_notify(on_notification, named)

        await self._patiently(listen)

    async def execute_query_async(self, query: Any, **arguments: Any) -> None:
        execute = super().execute_query_async
        try:
            await self._patiently(lambda: execute(query, **arguments))
        except ConnectorException as error:
            if not isinstance(error.__cause__, RaiseException):
                raise
            # "Job was not found": another worker has taken it over while this one was frozen.
            log.info("a job was not this worker's any more: %s", error.__cause__)

    async def execute_query_one_async(self, query: Any, **arguments: Any) -> dict[str, Any]:
        execute = super().execute_query_one_async
        if query != sql.queries["fetch_job"]:
            return await self._patiently(lambda: execute(query, **arguments))
        try:
            found: dict[str, Any] = await execute(query, **arguments)
        except ConnectorException as error:
            if not _is_gone(error.__cause__):
                raise
            await self._wait_after(error.__cause__)
            # Asked again here, a job that was given but not heard of would be forgotten for the next.
            return NO_JOB
        return found

    async def execute_query_all_async(self, query: Any, **arguments: Any) -> list[dict[str, Any]]:
        execute = super().execute_query_all_async
        return await self._patiently(lambda: execute(query, **arguments))

    async def _patiently(self, work: Callable[[], Awaitable[R]]) -> R:
        while True:
            try:
                return await work()
            except ConnectorException as error:
                if not _is_gone(error.__cause__):
                    raise
                await self._wait_after(error.__cause__)

    async def _wait_after(self, cause: BaseException | None) -> None:
        """Before the next try, with a word now and then. The connections to a server that cannot write are
        given up: a new one may lead to the one that can."""
        now = time.monotonic()
        if now - self._told_at >= TELL_SECONDS:
            self._told_at = now
            said = (str(cause).strip().splitlines() or [type(cause).__name__])[0]
            log.warning("nothing is taken until the database can be read and written: %s", said)
        if _only_reads(cause) and now - self._drained_at >= DRAIN_SECONDS:
            self._drained_at = now
            await self.pool.drain()
        await asyncio.sleep(PAUSE_SECONDS)


def _only_reads(cause: BaseException | None) -> bool:
    return isinstance(cause, Error) and cause.sqlstate == ONLY_READ


def _is_gone(cause: BaseException | None) -> bool:
    if not isinstance(cause, Error):
        return False
    if cause.sqlstate is not None:
        return cause.sqlstate in GONE
    return isinstance(cause, OperationalError | InterfaceError)
