"""LangGraph's checkpoints on PostgreSQL, which may go away and come back."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from psycopg import AsyncConnection, Error, InterfaceError, OperationalError
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from sqlalchemy import URL

from store.database import (
    AWAY,
    DISK_FULL,
    GONE,
    KEEPALIVES,
    ONLY_READ,
    PAUSE_SECONDS,
    STUCK_SECONDS,
    StoreAway,
    StoreFault,
    bounds,
)
from store.fencing import Fenced
from store.plain import plain

PATIENCE_SECONDS = 30.0
"""How long a drive waits for a database that is gone."""
MAKING_TABLES = 0x6C67
"""Name of the advisory lock under which LangGraph's tables are made."""
CONNECTIONS = 3
ALSO_IN_PIPELINES = 170000
"""Version of PostgreSQL that bounds a transaction whatever it does. A pipeline's is never idle, for it."""

R = TypeVar("R")

# Whoever has set up no logging would read of broken connections before the sentence that explains them.
logging.getLogger("psycopg").addHandler(logging.NullHandler())


def is_gone(error: Error) -> bool:
    """Whether the database could not be reached, or left in the middle."""
    if error.sqlstate is not None:
        return error.sqlstate in GONE
    return isinstance(error, OperationalError | InterfaceError)


class PatientSaver(Fenced, AsyncPostgresSaver):
    """LangGraph's, fenced. Every call is tried again while the database is gone.

    Twice is as good as once: checkpoints and writes are stored under names of their own, and stay as they are
    when they are there already.
    """

    async def aget_tuple(self, config: Any) -> Any:
        return await patiently(lambda: super(PatientSaver, self).aget_tuple(config), self.leave_standby)

    async def aput(self, config: Any, checkpoint: Any, metadata: Any, new_versions: Any) -> Any:
        put, plainly = super().aput, with_plain_text(checkpoint)
        return await patiently(lambda: put(config, plainly, metadata, new_versions), self.leave_standby)

    async def aput_writes(self, config: Any, writes: Any, task_id: str, task_path: str = "") -> None:
        put = super().aput_writes
        await patiently(lambda: put(config, writes, task_id, task_path), self.leave_standby)

    async def leave_standby(self) -> None:
        """Give up the connections to a server that cannot write."""
        assert isinstance(self.conn, AsyncConnectionPool)
        await self.conn.drain()


def with_plain_text(checkpoint: Any) -> Any:
    """A text that is a value by itself is stored as JSON, which takes no NUL."""
    values = checkpoint["channel_values"]
    plainly = {name: plain(value) if isinstance(value, str) else value for name, value in values.items()}
    return {**checkpoint, "channel_values": plainly}


async def patiently(
    work: Callable[[], Awaitable[R]], leave_standby: Callable[[], Awaitable[None]] | None = None
) -> R:
    """The result of ``work``; :class:`StoreFault` when the database stays away or takes no more."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return await work()
        except Error as error:
            if error.sqlstate == DISK_FULL:
                raise StoreFault(
                    "The disk with the database is full.",
                    "Free some disk space, then `bms resume RUN`: what was finished is kept.",
                ) from error
            if not is_gone(error):
                raise
            if time.monotonic() > until:
                raise _away(error) from error
            if error.sqlstate == ONLY_READ and leave_standby is not None:
                await leave_standby()
            await asyncio.sleep(PAUSE_SECONDS)


def _away(error: Exception) -> StoreAway:
    said = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    return StoreAway(f"The database with the checkpoints does not answer: {said}.", AWAY)


@asynccontextmanager
async def open_postgres_checkpointer(url: URL) -> AsyncIterator[PatientSaver]:
    """A checkpointer on the database at ``url``, with its tables made."""
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    options: dict[str, Any] = {
        "autocommit": True,
        "prepare_threshold": 0,
        "row_factory": dict_row,
        **KEEPALIVES,
    }
    pool: AsyncConnectionPool[AsyncConnection[DictRow]] = AsyncConnectionPool(
        plain,
        kwargs=options,
        min_size=1,
        max_size=CONNECTIONS,
        open=False,
        configure=_bounded,
        check=AsyncConnectionPool.check_connection,
        timeout=PATIENCE_SECONDS,
        reconnect_timeout=PATIENCE_SECONDS,
    )
    try:
        await pool.open(wait=True, timeout=PATIENCE_SECONDS)
    except PoolTimeout as error:
        await pool.close()
        raise _away(error) from error
    try:
        saver = PatientSaver(pool)
        await patiently(lambda: _make_tables(pool), saver.leave_standby)
        yield saver
    finally:
        await pool.close()


async def _bounded(connection: AsyncConnection[DictRow]) -> None:
    """PostgreSQL gives up a transaction whose process says nothing any more: others store the same text."""
    await connection.execute(bounds(), prepare=False)  # several in one
    await _bound_transactions(connection, STUCK_SECONDS)


async def _bound_transactions(connection: AsyncConnection[DictRow], seconds: int) -> None:
    if connection.info.server_version >= ALSO_IN_PIPELINES:
        await connection.execute(f"SET transaction_timeout = '{seconds}s'")


async def _make_tables(pool: AsyncConnectionPool[AsyncConnection[DictRow]]) -> None:
    """One process makes them. The others look again and again rather than wait in the database: an index that
    is made concurrently waits for everybody who does."""
    async with pool.connection() as connection:
        found = await connection.execute("SELECT to_regclass('checkpoint_migrations') AS made")
        row = await found.fetchone()
        if row and row["made"] is not None:
            found = await connection.execute("SELECT max(v) AS v FROM checkpoint_migrations")
            row = await found.fetchone()
            if row and row["v"] == len(PatientSaver.MIGRATIONS) - 1:
                return
        while True:
            taken = await connection.execute("SELECT pg_try_advisory_lock(%s) AS mine", (MAKING_TABLES,))
            row = await taken.fetchone()
            if row and row["mine"]:
                break
            await asyncio.sleep(PAUSE_SECONDS)
        await _bound_transactions(connection, 0)
        try:
            await PatientSaver(connection).setup()
        finally:
            await _bound_transactions(connection, STUCK_SECONDS)
            await connection.execute("SELECT pg_advisory_unlock(%s)", (MAKING_TABLES,))
