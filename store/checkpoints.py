"""Where LangGraph keeps its checkpoints: a second SQLite file beside the rows, or the same PostgreSQL."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import make_url

from store.database import StoreFault, write_ahead

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver

TABLES = ("checkpoints", "checkpoint_blobs", "checkpoint_writes", "writes")
"""Of LangGraph, on one database or the other."""


@asynccontextmanager
async def open_checkpointer(url: str) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    """A checkpointer on the database at ``url`` (as SQLAlchemy writes it), with its tables made."""
    os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")  # before langgraph is imported
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        from store.postgres import open_postgres_checkpointer

        async with open_postgres_checkpointer(parsed) as saver:
            yield saver
    else:
        async with _open_sqlite(Path(parsed.database or "")) as saver:
            yield saver


@asynccontextmanager
async def _open_sqlite(path: Path) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    from store.fencing import Fenced

    class SqliteSaver(Fenced, AsyncSqliteSaver):
        """LangGraph's, fenced."""

    async with AsyncExitStack() as stack:
        try:
            _try(path)
            saver = await stack.enter_async_context(SqliteSaver.from_conn_string(str(path)))
            await saver.conn.execute("PRAGMA busy_timeout=10000")
            await saver.setup()
        except (OSError, sqlite3.Error) as error:
            raise StoreFault(
                f"The checkpoints in {path} cannot be used: {error}.",
                "Move the file away, or set BMS_HOME to a folder that you own.",
            ) from error
        yield saver


def _try(path: Path) -> None:
    """Open the file once without aiosqlite, whose thread outlives the event loop when it cannot be opened."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        write_ahead(connection)


def forget(url: str, run_id: str) -> None:
    """Delete the checkpoints of a run; blocking. LangGraph's own way would have it imported."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").exists():
        return
    engine = create_engine(parsed)
    try:
        with engine.begin() as connection:
            there = set(inspect(connection).get_table_names())
            for table in (name for name in TABLES if name in there):
                connection.execute(text(f"DELETE FROM {table} WHERE thread_id = :run"), {"run": run_id})  # noqa: S608
    finally:
        engine.dispose()
