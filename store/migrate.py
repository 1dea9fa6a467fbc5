"""Alembic, run by the program itself: a database is at the newest schema before anybody queries it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

from tools.faults import Fault

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0007"
"""The newest revision. Known here so that the usual start needs no import of Alembic; a test compares."""

SCRIPTS = Path(__file__).parent / "migrations"


MIGRATING = 0x626D73
"""Name of the advisory lock under which the schema is changed."""


class SchemaFault(Fault):
    """The database was made by a newer version of the program, or by another program."""


def current_revision(engine: Engine) -> str | None:
    """The revision that the database is at; None for an empty one."""
    if not inspect(engine).has_table("alembic_version"):
        return None
    with engine.connect() as connection:
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def alembic_config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    return config


def _made_anew(engine: Engine) -> bool:
    """Make the tables of an empty database as the models describe them, without Alembic: a test holds
    them against what the migrations make. False when there are some already."""
    from store.schema import Base

    with engine.begin() as connection:
        _alone(connection)
        if inspect(connection).has_table("runs") or inspect(connection).has_table("alembic_version"):
            return False
        Base.metadata.create_all(connection)
        connection.execute(
            text(
                "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
                "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
            )
        )
        connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})
    return True


def _alone(connection: Connection) -> None:
    """Of programs that start at the same time on PostgreSQL, one makes the tables; SQLite needs no help."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATING})


def ensure_schema(engine: Engine) -> None:
    """Bring the schema to :data:`HEAD`; does nothing when it is there already."""
    found = current_revision(engine)
    if found == HEAD or (found is None and _made_anew(engine)):
        return
    found = current_revision(engine)  # somebody else may just have made it
    if found is None and inspect(engine).has_table("runs"):
        raise SchemaFault(
            "The database holds tables that bms did not make.", "Name an empty one with BMS_DATABASE_URL."
        )
    from alembic import command
    from alembic.script import ScriptDirectory

    config = alembic_config()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise SchemaFault(
            f"The database is at revision {found}, which this version of bms does not know.",
            "Upgrade bms here, or name another database with BMS_DATABASE_URL or BMS_HOME.",
        )
    with engine.begin() as connection:
        _alone(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
