"""Checkpoints are fenced like rows: who has lost a run writes none of it over its successor's.

LangGraph takes the newest checkpoint of a thread for its state, whoever wrote it. A process that slept
through its lease would put the run back to where it fell asleep.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

MayWrite = Callable[[str], Awaitable[None]]
"""Raises when this process must not write checkpoints of that thread."""


class Fenced:
    """Put before a checkpointer's class: ``class Mine(Fenced, AsyncSqliteSaver)``."""

    may_write: MayWrite | None = None

    async def aput(self, config: Any, checkpoint: Any, metadata: Any, new_versions: Any) -> Any:
        await self._ask(config)
        put = super().aput  # type: ignore[misc]
        return await put(config, checkpoint, metadata, new_versions)

    async def aput_writes(self, config: Any, writes: Any, task_id: str, task_path: str = "") -> None:
        await self._ask(config)
        put = super().aput_writes  # type: ignore[misc]
        await put(config, writes, task_id, task_path)

    async def _ask(self, config: Any) -> None:
        if self.may_write is not None:
            await self.may_write(config["configurable"]["thread_id"])
