"""One database behind one seam: synchronous queries, run off the event loop.

Queries are plain functions that take a :class:`~sqlalchemy.orm.Session`; commands call them directly, async
code through :meth:`Database.run`. SQLite gets one writer thread, which is also what its file can use.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError
from sqlalchemy.orm import Session

from store.migrate import ensure_schema
from tools.faults import Fault, WrongUse

WAL_TRIES = 1000
WAL_WAIT_SECONDS = 0.01
READERS = 4
"""Threads that look at rows; a report takes one for a second, and streams go on."""

P = ParamSpec("P")
R = TypeVar("R")


class StoreFault(Fault):
    """The database cannot be used."""


def sqlite_url(path: Path) -> str:
    """The address of a file; ``?`` and ``%`` in its name are escaped."""
    return URL.create("sqlite", database=str(path)).render_as_string(hide_password=False)


class Database:
    """An open database with its schema up to date. Close it; or use it as a context manager."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._engine = _engine(url)
        self._sqlite = self._engine.dialect.name == "sqlite"
        if self._sqlite and (name := self._engine.url.database):
            _make_parent(Path(name))
        self._reader = self._engine.execution_options(bms_reads=True)
        if self._sqlite:
            event.listen(self._engine, "connect", _sqlite_pragmas)
            event.listen(self._engine, "begin", _sqlite_begin)
        # One writer at a time is all that SQLite takes; whoever reads need not wait for it.
        self._writers = ThreadPoolExecutor(1 if self._sqlite else 8, thread_name_prefix="store-write")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-read")
        try:
            with _explained(url):
                ensure_schema(self._engine)
        except BaseException:
            self.close()
            raise

    @property
    def engine(self) -> Engine:
        return self._engine

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A transaction: committed at the end, rolled back on any error."""
        with _explained(self.url), Session(self._engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A look at the rows that takes no write lock."""
        with _explained(self.url), Session(self._reader, expire_on_commit=False) as session, session.begin():
            yield session

    async def run(self, query: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """``query(session, …)`` in a transaction of its own, off the event loop."""

        def work() -> R:
            with self.session() as session:
                return query(session, *args, **kwargs)

        return await self._finished(self._writers, work)

    async def look(self, query: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """As :meth:`run`, for queries that only read."""

        def work() -> R:
            with self.reading() as session:
                return query(session, *args, **kwargs)

        return await self._finished(self._readers, work)

    async def _finished(self, threads: ThreadPoolExecutor, work: Callable[[], R]) -> R:
        """The result of ``work`` in a thread. A cancellation waits for it: what was paid for is kept."""
        future = asyncio.get_running_loop().run_in_executor(threads, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await asyncio.wait({future})
            raise

    def close(self) -> None:
        self._writers.shutdown(wait=True)
        self._readers.shutdown(wait=True)
        self._engine.dispose()

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        return create_engine(parsed, pool_pre_ping=parsed.get_backend_name() != "sqlite")
    except ArgumentError as error:
        raise WrongUse(
            "BMS_DATABASE_URL is not the address of a database that SQLAlchemy knows.",
            "Write it as postgresql+psycopg://user@host/name, or leave it out for SQLite.",
        ) from error
    except ModuleNotFoundError as error:
        raise WrongUse(
            f"The database of BMS_DATABASE_URL needs the Python package {error.name}.",
            "Install it beside bms, or leave the setting out for SQLite.",
        ) from error


def _make_parent(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreFault(
            f"The data directory {path.parent} cannot be made: {error.strerror}.",
            "Set BMS_HOME to a folder that you can write to.",
        ) from error


@contextmanager
def _explained(url: str) -> Iterator[None]:
    """Turn what a database driver says into a sentence with a next step."""
    try:
        yield
    except OperationalError as error:
        words = str(error.orig)
        shown = make_url(url).render_as_string(hide_password=True)
        if "disk is full" in words or "No space left" in words:
            step = "Free some disk space, then `bms resume RUN`: what was finished is kept."
            raise StoreFault("The disk with the database is full.", step) from error
        if "readonly" in words or "unable to open" in words:
            raise StoreFault(
                f"The database {shown} cannot be written: {words}.", "Set BMS_HOME to a folder that you own."
            ) from error
        if "is locked" in words:
            raise StoreFault(
                f"Another process is writing to the database {shown} and does not finish.",
                "End it, or wait for it; then `bms resume RUN` goes on from where it was.",
            ) from error
        raise StoreFault(
            f"The database {shown} does not answer: {words.splitlines()[0]}.",
            "Is it running, and is BMS_DATABASE_URL right? `bms resume RUN` goes on from where it was.",
        ) from error
    except DatabaseError as error:
        if "not a database" in str(error.orig) or "malformed" in str(error.orig):
            shown = make_url(url).render_as_string(hide_password=True)
            raise StoreFault(
                f"{shown} is not a usable database.", "Move the file away, or set BMS_HOME to another folder."
            ) from error
        raise


def _sqlite_pragmas(connection: Any, _record: object) -> None:
    if not isinstance(connection, sqlite3.Connection):
        return
    connection.isolation_level = None  # SQLAlchemy's BEGIN below is the only one
    write_ahead(connection)
    for pragma in ("synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


def write_ahead(connection: sqlite3.Connection) -> None:
    """Switch a file to write-ahead logging, which it then stays at.

    Of connections that switch a new file at the same time, SQLite fails some at once as locked: its busy
    timeout does not hold for this, so the waiting is done here.
    """
    for _ in range(WAL_TRIES):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "is locked" not in str(error):
                raise
            time.sleep(WAL_WAIT_SECONDS)
        else:
            return
    connection.execute("PRAGMA journal_mode=WAL")


def _sqlite_begin(connection: Any) -> None:
    # A transaction that reads and then writes must not find out at the write that another one was faster.
    reads = connection.get_execution_options().get("bms_reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
