"""Locks of PostgreSQL that hold as long as the process does: one driver for a run, one model for a host.

A session-level advisory lock (PostgreSQL manual, 13.3.5) is gone the moment its connection is: after
``kill -9`` the next process need not wait for a lease to run out, and a process that is frozen keeps it. On
SQLite there is none; there the lease of a run (:mod:`store.leases`) does the work.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import threading

from sqlalchemy import Connection, select, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.sql import func

from store.database import AWAY, Database, StoreAway
from store.schema import RunRow

NEWS = "bms_news"
"""Channel of ``NOTIFY`` on which the name of a run or conversation is told when more of it is there."""


def hold(session: Session, run_id: str, *, tell: bool = False) -> None:
    """Keep others from numbering anything of a run until this transaction ends, and ``tell`` listeners then.

    SQLite has one writer at a time anyway, and nobody who listens.
    """
    if session.get_bind().dialect.name != "postgresql":
        return
    column = func.pg_notify(NEWS, RunRow.id) if tell else RunRow.id
    session.execute(select(column).where(RunRow.id == run_id).with_for_update(key_share=True))


def tell(session: Session, name: str) -> None:
    """Wake those who follow the run or conversation ``name`` when this transaction is committed."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_notify(NEWS, name)))


def lock_key(name: str) -> int:
    """A signed 64-bit number for a name, as PostgreSQL wants it."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def is_taken(session: Session, name: str) -> bool:
    """Whether somebody holds the lock of that name; it is not touched. Nobody does on SQLite."""
    if session.get_bind().dialect.name != "postgresql":
        return False
    key = lock_key(name) % 2**64  # a 64-bit key stands in two halves (PostgreSQL manual, 54.12)
    query = text(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        " AND classid::bigint = :high AND objid::bigint = :low)"
    )
    return bool(session.scalar(query, {"high": key >> 32, "low": key % 2**32}))


class Lock:
    """One advisory lock on a connection of its own. ``name`` is ``run:…`` or ``host:…``."""

    def __init__(self, database: Database, name: str) -> None:
        self.name = name
        self._database = database
        self._connection: Connection | None = None
        self._working = threading.Lock()
        """Of the thread that has the connection in hand: a heartbeat's goes on when that is cancelled."""
        self._given_back = False

    @property
    def is_held(self) -> bool:
        """Whether nobody else can have it; never on SQLite."""
        return self._connection is not None

    async def take(self) -> bool:
        """Whether the lock is ours now; at once, and true on SQLite, which has none."""
        if self._database.dialect != "postgresql":
            return True
        self._given_back = False
        return await asyncio.to_thread(self._take)

    async def hold_on(self) -> bool:
        """Whether the lock is ours still, or again: it went with a connection that broke."""
        if self._database.dialect != "postgresql":
            return True
        return await asyncio.to_thread(self._hold_on)

    async def release(self) -> None:
        """Give the lock back, for good; nothing happens when it is not held."""
        self._given_back = True
        if self._database.dialect == "postgresql":
            await asyncio.to_thread(self._give_back)

    def _take(self) -> bool:
        with self._working:
            return not self._given_back and self._try()

    def _try(self) -> bool:
        connection = self._database.connect()
        try:
            taken = connection.scalar(select(func.pg_try_advisory_lock(lock_key(self.name))))
        except BaseException as error:
            connection.invalidate()
            connection.close()
            if isinstance(error, DBAPIError):
                raise StoreAway("The database went away while a lock was taken.", AWAY) from error
            raise
        if not taken:
            connection.close()
            return False
        self._connection = connection
        return True

    def _hold_on(self) -> bool:
        with self._working:
            if self._given_back:
                return False
            if self._connection is not None:
                try:
                    self._connection.scalar(select(1))
                except SQLAlchemyError:
                    self._drop()
                else:
                    return True
            return self._try()

    def _give_back(self) -> None:
        with self._working:
            self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        with contextlib.suppress(SQLAlchemyError):  # the connection may be what broke
            connection.scalar(select(func.pg_advisory_unlock(lock_key(self.name))))
        connection.invalidate()  # nobody gets a connection from the pool that may still hold something
        connection.close()
