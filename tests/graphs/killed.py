"""``bms``, killed with SIGKILL right after a given event has been committed.

:func:`killed` runs ``bms ARGUMENT …`` and dies when the NTH
event of that stage and kind is in the database. Nothing in the program knows of it: the event is seen where
rows are written, and the process gets no chance to clean up.
"""

from __future__ import annotations

import os
import signal
from typing import Any

from agent.cli import main
from store import events
from store.database import Database


def arm(stage: str, kind: str, nth: int) -> None:
    """Make this process kill itself after the commit that holds the ``nth`` such event."""
    append, append_all, run = events.append, events.append_all, Database.run
    seen = 0

    def counting(session: Any, run_id: str, at: str, what: str, data: Any, now: Any) -> int:
        nonlocal seen
        seen += (at, what) == (stage, kind)
        return append(session, run_id, at, what, data, now)

    def counting_all(session: Any, run_id: str, at: str, what: str, data: Any, now: Any) -> None:
        nonlocal seen
        seen += len(data) if (at, what) == (stage, kind) else 0
        append_all(session, run_id, at, what, data, now)

    async def dying(self: Database, query: Any, *args: Any, **kwargs: Any) -> Any:
        result = await run(self, query, *args, **kwargs)
        if seen >= nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    events.append = counting  # type: ignore[assignment]
    events.append_all = counting_all
    Database.run = dying  # type: ignore[method-assign]


def killed(arguments: list[str]) -> None:
    """``STAGE KIND NTH ARGUMENT …``"""
    arm(arguments[0], arguments[1], int(arguments[2]))
    main(arguments[3:])
