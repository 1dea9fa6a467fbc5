"""Checkpoints are fenced like rows: who has lost a run writes none of it over its successor's.

LangGraph takes the newest checkpoint of a thread for its state, whoever wrote it. A process that slept
through its lease would put the run back to where it fell asleep.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any

MayWrite = Callable[[str], Awaitable[None]]
"""Raises when this process must not write checkpoints of that thread."""

LOST = "another process has taken this run over"

GATE = (
    "CREATE TABLE IF NOT EXISTS fences (thread_id TEXT PRIMARY KEY, fence INTEGER NOT NULL)",
    *(
        f"CREATE TEMP TRIGGER fenced_{table} BEFORE INSERT ON main.{table} WHEN EXISTS ("  # noqa: S608
        "SELECT 1 FROM main.fences WHERE thread_id = NEW.thread_id AND fence > own_fence(NEW.thread_id)"
        f") BEGIN SELECT RAISE(ABORT, '{LOST}'); END"
        for table in ("checkpoints", "writes")
    ),
)
"""In the file with the checkpoints: which fence a run has got to, looked at by the very statement that
writes, so that nobody falls asleep in between. ``own_fence`` is a function of this process's connection."""


class Fenced:
    """Put before a checkpointer's class: ``class Mine(Fenced, AsyncSqliteSaver)``."""

    may_write: MayWrite | None = None

    async def take_over(self, thread_id: str, fence: int) -> None:
        """Refuse what anybody with a lower fence has yet to write of the thread, where the database can."""

    async def aput(self, config: Any, checkpoint: Any, metadata: Any, new_versions: Any) -> Any:
        put = super().aput  # type: ignore[misc]
        return await self._fenced(config, lambda: put(config, checkpoint, metadata, new_versions))

    async def aput_writes(self, config: Any, writes: Any, task_id: str, task_path: str = "") -> None:
        put = super().aput_writes  # type: ignore[misc]
        await self._fenced(config, lambda: put(config, writes, task_id, task_path))

    async def _fenced(self, config: Any, put: Callable[[], Awaitable[Any]]) -> Any:
        await self._ask(config)
        try:
            return await put()
        except sqlite3.IntegrityError as error:
            if LOST in str(error):
                await self.undo()
                await self._ask(config)  # the rows have the sentence
            raise

    async def undo(self) -> None:
        """End the transaction that a refused statement has left open."""

    async def _ask(self, config: Any) -> None:
        if self.may_write is not None:
            await self.may_write(config["configurable"]["thread_id"])
