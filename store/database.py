"""One database behind one seam: synchronous queries, run off the event loop.

Queries are plain functions that take a :class:`~sqlalchemy.orm.Session`; commands call them directly, async
code through :meth:`Database.run`. SQLite gets one writer thread, which is also what its file can use.

PostgreSQL is another machine: it may be gone for a while, and others write at the same time. A query that
certainly came to nothing is run again: when the connection was lost before the commit began, when another
transaction was first with the same row (SQLSTATE 23505), or stood in the way (40001, 40P01), or when the
tables were brought to another version meanwhile (0A000).
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, IntegrityError, OperationalError
from sqlalchemy.orm import Session

from store.migrate import ensure_schema
from store.plain import as_json
from tools.faults import Conflict, Fault, WrongUse

WAL_TRIES = 1000
WAL_WAIT_SECONDS = 0.01
READERS = 4
"""Threads that look at rows; a report takes one for a second, and streams go on."""
WRITERS = 4
"""Threads that write where more than one can."""
KEEPALIVES = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
"""A machine that vanished without a word is noticed within half a minute (libpq, connection parameters)."""
TRIES = 8
"""How often a transaction is tried in whose way others stood."""
PAUSE_SECONDS = 0.25
"""Between two tries to reach a database that is gone."""
STEP_BACK_SECONDS = 0.02
"""The longest pause of a transaction that stood in the way of another: the two do not meet again at once."""
CONNECT_SECONDS = 5
"""How long one try to connect may take."""
STANDING_IN_THE_WAY = frozenset({"23505", "40001", "40P01"})
"""unique_violation, serialization_failure, deadlock_detected (PostgreSQL manual, appendix A)."""
CHANGED = "0A000"
"""feature_not_supported: here "cached plan must not change result type", of a statement that was prepared
before the tables were brought to another version. psycopg forgets it with the transaction."""
ONLY_READ = "25006"
"""read_only_sql_transaction: the other end is a standby, since there was a failover."""
GONE = frozenset({"57P01", "57P02", "57P03", "53300", "25P03", "25P04", ONLY_READ})
"""admin_shutdown, crash_shutdown, cannot_connect_now, too_many_connections,
idle_in_transaction_session_timeout, transaction_timeout; and a server that cannot write is not the one that
is looked for."""
STUCK_SECONDS = 60
"""A process that is frozen in the middle of a transaction, or cut off, loses it then; others wait for its
locks so long, and not for ever."""
KEPT_ALIVE = "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3"
"""For the server: a machine that vanished without a word keeps its locks for half a minute, not for hours. A
process that is frozen keeps them, as its machine still answers; on a local socket these say nothing."""
DISK_FULL = "53100"
TOO_LONG = "54000"
"""program_limit_exceeded: of what is found by an index, a page of it holds 2,700 bytes."""
NOT_ALLOWED = "42501"
"""insufficient_privilege."""
REFUSED = (
    "authentication failed",
    "does not exist",
    "no password supplied",
    "no pg_hba.conf entry",
    "not permitted to log in",
    "permission denied for database",
)
"""What PostgreSQL says to whoever it does not let in."""

AWAY = "Is it running, and is BMS_DATABASE_URL right? What was under way can go on when it answers."

P = ParamSpec("P")
R = TypeVar("R")


class StoreFault(Fault):
    """The database cannot be used."""


class StoreAway(StoreFault):
    """The database does not answer now; what is under way can go on when it does."""


class CommitUnheard(StoreAway):
    """The connection broke while a commit was under way: it may have happened or not."""


def sqlite_url(path: Path) -> str:
    """The address of a file; ``?`` and ``%`` in its name are escaped."""
    return URL.create("sqlite", database=str(path)).render_as_string(hide_password=False)


class Database:
    """An open database with its schema up to date. Close it; or use it as a context manager.

    ``patience`` is for how many seconds :meth:`run` and :meth:`look` wait for a database that is gone: a
    process that drives a run has more than one that answers a person. ``draw`` gives the share of the longest
    pause, 0 to 1, that a transaction steps back for.
    """

    def __init__(self, url: str, *, patience: float = 0.0, draw: Callable[[], float] = random.random) -> None:
        self.url = url
        self.patience = patience
        self._draw = draw
        self._engine = _engine(url)
        self.dialect = self._engine.dialect.name
        self._sqlite = self.dialect == "sqlite"
        if self._sqlite and (name := self._engine.url.database):
            _make_parent(Path(name))
        self._reader = self._engine.execution_options(bms_reads=True)
        if self._sqlite:
            event.listen(self._engine, "connect", _sqlite_pragmas)
            event.listen(self._engine, "begin", _sqlite_begin)
        elif self.dialect == "postgresql":
            event.listen(self._engine, "connect", _of_unicode, insert=True)  # SQLAlchemy asks it for text
            event.listen(self._engine, "connect", _bounded)
            event.listen(self._engine, "handle_error", _leave_standby)
        # One writer at a time is all that SQLite takes; whoever reads need not wait for it.
        self._writers = ThreadPoolExecutor(1 if self._sqlite else WRITERS, thread_name_prefix="store-write")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-read")
        try:
            self._patiently(lambda: ensure_schema(self._engine))
        except BaseException:
            self.close()
            raise

    @property
    def engine(self) -> Engine:
        return self._engine

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A transaction: committed at the end, rolled back on any error."""
        try:
            with (
                _explained(self.url),
                Session(self._engine, expire_on_commit=False) as session,
                session.begin(),
            ):
                yield session
        except IntegrityError as error:
            if _sqlstate(error) not in STANDING_IN_THE_WAY:
                raise
            again = "Look again, and repeat what is still to be done."
            raise Conflict("Somebody else was first.", again) from error

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A look at the rows that takes no write lock."""
        with _explained(self.url), Session(self._reader, expire_on_commit=False) as session, session.begin():
            yield session

    def connect(self) -> Connection:
        """A connection outside any transaction, for locks; whoever takes it closes it."""
        with _explained(self.url):
            return self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")

    async def run(self, query: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """``query(session, …)`` in a transaction of its own, off the event loop.

        It may be called more than once, so all that it changes is rows. :class:`CommitUnheard` when it is not
        known whether it was committed.
        """
        return await self._finished(
            self._writers,
            lambda: self._patiently(
                lambda: self._transaction(lambda session: query(session, *args, **kwargs))
            ),
        )

    async def look(self, query: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """As :meth:`run`, for queries that only read."""

        def work() -> R:
            with Session(self._reader, expire_on_commit=False) as session, session.begin():
                return query(session, *args, **kwargs)

        return await self._finished(self._readers, lambda: self._patiently(work))

    def _transaction(self, query: Callable[[Session], R]) -> R:
        committing = False
        try:
            with Session(self._engine, expire_on_commit=False) as session:
                result = query(session)
                session.flush()
                committing = True
                session.commit()
                return result
        except DBAPIError as error:
            if committing and not self._sqlite and _is_gone(error):
                raise CommitUnheard(
                    "The database went away while something was being stored.",
                    "`bms resume RUN` goes on from what is there.",
                ) from error
            raise

    def _patiently(self, work: Callable[[], R]) -> R:
        """``work()``, again while the database is gone or others stand in its way; not for ever."""
        until = time.monotonic() + self.patience
        tries = 0
        while True:
            tries += 1
            try:
                with _explained(self.url):
                    return work()
            except (StoreFault, IntegrityError) as error:
                cause = error if isinstance(error, IntegrityError) else error.__cause__
                if not isinstance(cause, DBAPIError) or isinstance(error, CommitUnheard) or self._sqlite:
                    raise
                if _is_gone(cause):
                    if time.monotonic() > until:
                        raise
                    time.sleep(PAUSE_SECONDS)
                elif _sqlstate(cause) not in {*STANDING_IN_THE_WAY, CHANGED} or tries >= TRIES:
                    raise
                else:
                    time.sleep(STEP_BACK_SECONDS * self._draw())

    async def _finished(self, threads: ThreadPoolExecutor, work: Callable[[], R]) -> R:
        """The result of ``work`` in a thread. A cancellation waits for it: what was paid for is kept."""
        future = asyncio.get_running_loop().run_in_executor(threads, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await asyncio.wait({future})
            future.exception()  # the cancellation is what is told
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
        parsed = _read(url)
        if parsed.get_backend_name() == "sqlite":
            return create_engine(parsed, json_serializer=as_json)
        if parsed.get_backend_name() != "postgresql":
            kind = parsed.get_backend_name()
            raise WrongUse(
                f"BMS_DATABASE_URL names a database of the kind {kind}, which bms does not use.",
                "Write it as postgresql+psycopg://user@host/name, or leave it out for SQLite.",
            )
        return create_engine(
            parsed,
            json_serializer=as_json,
            pool_pre_ping=True,
            pool_size=READERS,
            max_overflow=WRITERS + 2,
            connect_args={"connect_timeout": CONNECT_SECONDS, **KEEPALIVES},
        )
    except (ArgumentError, ValueError):
        raise WrongUse(
            "BMS_DATABASE_URL is not the address of a database that SQLAlchemy knows.",
            "Write it as postgresql+psycopg://user@host/name, or leave it out for SQLite. "
            "A password has %40 for @ and %3A for :.",
        ) from None
    except ModuleNotFoundError as error:
        raise WrongUse(
            f"The database of BMS_DATABASE_URL needs the Python package {error.name}.",
            "Write it as postgresql+psycopg://user@host/name after `pip install "
            "'base-model-selector[postgres]'`, or leave the setting out for SQLite.",
        ) from error


def _read(url: str) -> URL:
    """The parts of an address; ValueError where the rest of a password would be taken for the host."""
    parsed = make_url(url)
    if "@" in (parsed.host or ""):
        raise ValueError("an address with two @")
    return parsed


def _shown(url: str) -> str:
    """An address for people: no password, wherever it stands."""
    parsed = make_url(url)
    return parsed.set(query={}).render_as_string(hide_password=True)


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
        shown = _shown(url)
        if "disk is full" in words or "No space left" in words or _sqlstate(error) == DISK_FULL:
            step = "Free some disk space, then `bms resume RUN`: what was finished is kept."
            raise StoreFault("The disk with the database is full.", step) from error
        if _sqlstate(error) == TOO_LONG:
            raise StoreFault(
                f"A name or a path is longer than the database {shown} can hold.", "Take a shorter one."
            ) from error
        if "readonly" in words or "unable to open" in words:
            raise StoreFault(
                f"The database {shown} cannot be written: {words}.", "Set BMS_HOME to a folder that you own."
            ) from error
        if "disk I/O error" in words:  # a quota that is used up, or a disk that breaks
            raise StoreFault(
                f"The disk with the database {shown} takes nothing more.",
                "Free some disk space, or look after the disk; then `bms resume RUN`: what was finished is "
                "kept.",
            ) from error
        if "is locked" in words:
            raise StoreFault(
                f"Another process is writing to the database {shown} and does not finish.",
                "End it, or wait for it; then `bms resume RUN` goes on from where it was.",
            ) from error
        if _sqlstate(error) in STANDING_IN_THE_WAY:
            raise StoreFault(
                "Somebody else was at the same rows of the database, and was first.",
                "Nothing was changed here: do it again.",
            ) from error
        first = words.strip().splitlines()[0].rstrip(".")
        kind = StoreAway if _is_gone(error) and not url.startswith("sqlite") else StoreFault
        if any(word in first for word in REFUSED) and not url.startswith("sqlite"):
            raise kind(
                f"The database {shown} lets nobody in like that: {first.rpartition('FATAL:')[2].strip()}.",
                "Correct BMS_DATABASE_URL, or the password in PGPASSWORD or ~/.pgpass; user and database are "
                "made by whoever looks after PostgreSQL.",
            ) from error
        raise kind(f"The database {shown} does not answer: {first}.", AWAY) from error
    except DatabaseError as error:
        if (fault := _fault_of(error, _shown(url))) is not None:
            raise fault from error
        raise


def _fault_of(error: DatabaseError, shown: str) -> StoreFault | None:
    """What is told of an error that is no :class:`OperationalError`; None for one that nobody expects."""
    state = _sqlstate(error)
    if state == ONLY_READ:
        return StoreAway(f"The database {shown} can only be read: it is a standby, or set to be.", AWAY)
    if state == CHANGED:
        return StoreFault(
            "The tables of the database have just been brought to another version.",
            "Nothing was changed here: do it again.",
        )
    if state == NOT_ALLOWED:
        said = str(error.orig).strip().splitlines()[0]
        return StoreFault(
            f"The user of {shown} may not do in it what is needed: {said}.",
            "Make that user the owner, as in ALTER DATABASE bms OWNER TO bms.",
        )
    if _is_gone(error):
        return StoreAway(f"The database {shown} went away in the middle of something.", AWAY)
    if "not a database" in str(error.orig) or "malformed" in str(error.orig):
        return StoreFault(
            f"{shown} is not a usable database.", "Move the file away, or set BMS_HOME to another folder."
        )
    return None


def _sqlstate(error: DBAPIError) -> str | None:
    """PostgreSQL's five letters for what went wrong; None where there are none, as for a lost connection."""
    return getattr(error.orig, "sqlstate", None)


def _is_gone(error: DBAPIError) -> bool:
    """Whether the database could not be reached, or left in the middle."""
    if error.connection_invalidated or _sqlstate(error) in GONE:
        return True
    return isinstance(error, OperationalError) and _sqlstate(error) is None


def _of_unicode(connection: Any, _record: object) -> None:
    """:class:`WrongUse` for a database that cannot hold every text, or gives it back as bytes."""
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise WrongUse(
            f"The database {connection.info.dbname} of BMS_DATABASE_URL has the encoding {encoding}, which "
            "does not hold every text.",
            "Make another one, and name it: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0;",
        )


def _leave_standby(context: ExceptionContext) -> None:
    """Connections to a server that cannot write are given up: a new one may lead to the one that can."""
    if getattr(context.original_exception, "sqlstate", None) == ONLY_READ:
        context.is_disconnect = True


def bounds() -> str:
    """What a connection to PostgreSQL begins with, so that nobody waits for it for ever."""
    return f"SET idle_in_transaction_session_timeout = '{STUCK_SECONDS}s'; {KEPT_ALIVE}"


def _bounded(connection: Any, _record: object) -> None:
    """PostgreSQL gives up a transaction whose process says nothing any more."""
    with connection.cursor() as cursor:
        cursor.execute(bounds())
    connection.commit()


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
