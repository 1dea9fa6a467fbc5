"""procrastinate's own tables, made and kept up to date beside ours."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Any

from sqlalchemy import text
from sqlalchemy.orm import Session
from sqlalchemy.sql import func, select

from store.locks import lock_key
from tools.faults import WrongUse

if TYPE_CHECKING:
    from procrastinate.manager import JobManager

QUEUE = "queue"
"""Name of the lock under which tables and jobs are made, and jobs ended by others than their worker."""


def check_installed() -> None:
    """:class:`WrongUse` where the package of the queue is missing."""
    from importlib.util import find_spec

    if find_spec("procrastinate") is None:
        raise WrongUse(
            "Runs on PostgreSQL go through a queue, which needs the Python package procrastinate.",
            "`pip install 'base-model-selector[postgres]'`, or leave BMS_DATABASE_URL out for SQLite.",
        )


def alone(session: Session) -> None:
    """Wait until no other transaction does anything of this kind, and let none begin before this one ends."""
    session.execute(select(func.pg_advisory_xact_lock(lock_key(QUEUE))))


def made(session: Session) -> bool:
    return _found(session) is not None


def make(session: Session) -> None:
    """Make the tables, or bring them to the version that is installed; does nothing when they are.

    procrastinate keeps no version in the database. The name of its newest migration is kept as the comment
    of a table, and those with a later name are applied, in their order, as its manual has it.
    """
    check_installed()
    migrations = sorted(_migrations(), key=lambda migration: migration.name)
    newest = migrations[-1].name
    if _found(session) == newest:
        return
    alone(session)
    connection = driver_connection(session)
    known = _found(session)
    if known is None:
        schema = resources.files("procrastinate.sql").joinpath("schema.sql")
        connection.execute(schema.read_text("utf-8"))
    # Tables without a version were made by procrastinate's own command, by whoever keeps them up to date.
    for migration in migrations if known else ():
        if migration.name > known:
            connection.execute(migration.read_text("utf-8"))
    connection.execute(f"COMMENT ON TABLE procrastinate_jobs IS '{newest}'")


def _migrations() -> list[Any]:
    folder = resources.files("procrastinate.sql").joinpath("migrations")
    return [found for found in folder.iterdir() if found.name.endswith(".sql")]


def _found(session: Session) -> str | None:
    """Version of the tables, empty where they have none; None where there are no tables.

    Not by ``to_regclass``: what it has once not found it does not find in the same transaction, although
    somebody else has made it meanwhile.
    """
    query = text(
        "SELECT coalesce(obj_description(oid, 'pg_class'), '') FROM pg_class"
        " WHERE relname = 'procrastinate_jobs' AND relkind = 'r' AND pg_table_is_visible(oid)"
    )
    return session.scalars(query).one_or_none()


def driver_connection(session: Session) -> Any:
    """psycopg's connection under a session: what is done through it is part of the session's transaction."""
    return session.connection().connection.driver_connection


def manager() -> JobManager:
    """procrastinate's functions, to be given :func:`driver_connection`; it has no connection of its own."""
    from procrastinate.manager import JobManager
    from procrastinate.sync_psycopg_connector import SyncPsycopgConnector

    return JobManager(SyncPsycopgConnector())
