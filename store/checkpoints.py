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

TABLES = ("checkpoints", "checkpoint_blobs", "checkpoint_writes", "writes", "fences")
"""Of LangGraph, on one database or the other, and our gate before them."""


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
    import aiosqlite
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    from store.fencing import GATE, Fenced

    class SqliteSaver(Fenced, AsyncSqliteSaver):
        """LangGraph's, fenced."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._fences: dict[str, int] = {}

        async def close_gate(self) -> None:
            await self.conn.create_function("own_fence", 1, lambda thread: self._fences.get(thread, 0))
            for statement in GATE:
                await self.conn.execute(statement)
            await self.conn.commit()

        async def undo(self) -> None:
            async with self.lock:
                await self.conn.rollback()

        async def take_over(self, thread_id: str, fence: int) -> None:
            self._fences[thread_id] = fence
            try:
                async with self.lock:
                    await self.conn.execute(
                        "INSERT INTO fences VALUES (?, ?) ON CONFLICT (thread_id)"
                        " DO UPDATE SET fence = max(fence, excluded.fence)",
                        (thread_id, fence),
                    )
                    await self.conn.commit()
            except sqlite3.Error as error:
                raise StoreFault(
                    f"The checkpoints in {path} cannot be written: {error}.",
                    "End whoever else writes to them, or free some disk space; then `bms resume RUN`.",
                ) from error

    async with AsyncExitStack() as stack:
        try:
            _try(path)
            connection = await stack.enter_async_context(aiosqlite.connect(path))
            saver = SqliteSaver(connection)
            await saver.conn.execute("PRAGMA busy_timeout=10000")
            await saver.setup()
            await saver.close_gate()
        except (OSError, sqlite3.Error) as error:
            step = "Move the file away, or set BMS_HOME to a folder that you own."
            if "full" in str(error):
                step = "Free some disk space, then `bms resume RUN`: what was finished is kept."
            raise StoreFault(f"The checkpoints in {path} cannot be used: {error}.", step) from error
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
