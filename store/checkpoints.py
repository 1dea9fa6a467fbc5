"""Where LangGraph keeps its checkpoints: a second SQLite file beside the rows."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from store.database import StoreFault, write_ahead

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver


@asynccontextmanager
async def open_checkpointer(path: Path) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    """A checkpointer on ``path`` with its tables made and write-ahead logging on."""
    os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")  # before langgraph is imported
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    async with AsyncExitStack() as stack:
        try:
            _try(path)
            saver = await stack.enter_async_context(AsyncSqliteSaver.from_conn_string(str(path)))
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


def forget(path: Path, run_id: str) -> None:
    """Delete the checkpoints of a run; blocking. LangGraph's own way would have it imported."""
    if not path.exists():
        return
    with closing(sqlite3.connect(path, timeout=10)) as connection, connection:
        for table in ("checkpoints", "writes"):
            connection.execute(f"DELETE FROM {table} WHERE thread_id = ?", (run_id,))  # noqa: S608
