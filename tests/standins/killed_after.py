"""``bms``, killed with SIGKILL after a given step.

:func:`killed` runs ``bms ARGUMENT …``. ``STEP`` is a function written ``module:function``. Called for the
NTH time, a query dies with the commit that it is part of, anything else right after its call. The program
knows nothing of it and gets no chance to clean up.
"""

from __future__ import annotations

import importlib
import os
import signal
from typing import Any

from agent.cli import main
from store.database import Database


def arm(step: str, nth: int, *, query: bool) -> None:
    module, _, name = step.partition(":")
    holder = importlib.import_module(module)
    real, seen = getattr(holder, name), 0

    def counting(*args: Any, **kwargs: Any) -> Any:
        nonlocal seen
        result = real(*args, **kwargs)
        seen += 1
        if seen >= nth and not query:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(holder, name, counting)
    run = Database.run

    async def dying(self: Database, query: Any, *args: Any, **kwargs: Any) -> Any:
        result = await run(self, query, *args, **kwargs)
        if seen >= nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    Database.run = dying  # type: ignore[method-assign]


def killed(arguments: list[str]) -> None:
    """``STEP NTH ARGUMENT …``"""
    arm(arguments[0], int(arguments[1]), query=arguments[0].startswith("store."))
    main(arguments[2:])
