"""What was just written, for whoever waits for it: one listener for the whole server.

On PostgreSQL every transaction that writes something worth showing says so (``NOTIFY``, the channel
:data:`store.locks.NEWS`), whichever machine it is on. On SQLite one number of the file tells that somebody
wrote to it (``PRAGMA data_version``). Both only wake readers, who read rows by number: what was not heard is
found at the next look, so nothing is ever lost with a connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

from store.database import CONNECT_SECONDS, KEEPALIVES, Database
from store.locks import NEWS

log = logging.getLogger(__name__)

RARELY_SECONDS = 5.0
"""How long a reader waits between looks while it would be told of news: a lease that runs out makes none."""
FILE_SECONDS = 0.2
"""How often it is asked whether the SQLite file was written to: one number, for all readers together."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
"""Seconds between two tries to listen; each is twice as long as the one before."""


class Bell:
    """Rings for what it is about. Clear it, look at the rows, then wait: so nothing falls between."""

    def __init__(self, news: News, *names: str) -> None:
        self._news = news
        self._rung = asyncio.Event()
        self._names = frozenset(names)
        news._bells.add(self)

    def is_about(self, name: str) -> bool:
        return name in self._names

    def listen_for(self, *names: str) -> bool:
        """Be about these names; whether they are others than before, so that the rows are to be looked at
        again."""
        changed = self._names != frozenset(names)
        self._names = frozenset(names)
        return changed

    def ring(self) -> None:
        self._rung.set()

    def clear(self) -> None:
        self._rung.clear()

    async def wait(self, otherwise: float, rarely: float | None = None) -> None:
        """Until it rings, or for a while: ``otherwise`` seconds where nobody listens."""
        alone = RARELY_SECONDS if rarely is None else rarely
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._rung.wait(), alone if self._news.alive else otherwise)

    def take_down(self) -> None:
        self._news._bells.discard(self)


class News:
    """Rings the bells of this server. Before its start, and while the database is gone, nobody listens."""

    def __init__(self, database: Database) -> None:
        self.alive = False
        """Whether everything that is written rings."""
        self._database = database
        self._bells: set[Bell] = set()
        self._listener: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._listener = asyncio.create_task(self._listen_again_and_again())

    async def stop(self) -> None:
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)

    @contextlib.contextmanager
    def bell(self, *names: str) -> Iterator[Bell]:
        """A bell for what is written about these runs and conversations."""
        bell = Bell(self, *names)
        try:
            yield bell
        finally:
            bell.take_down()

    async def _listen_again_and_again(self) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                if self._database.dialect == "postgresql":
                    await self._listen()
                else:
                    await self._watch_file()
            except Exception as error:  # noqa: BLE001 - readers look by themselves until it listens again
                if self.alive:
                    pause = FIRST_PAUSE
                log.warning("nobody listens for news: %s", error)
            self._set_alive(alive=False)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _listen(self) -> None:
        from psycopg import AsyncConnection

        url = make_url(self._database.url).set(drivername="postgresql")
        options: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS, "application_name": "bms news"}
        options |= KEEPALIVES
        connection = await AsyncConnection.connect(
            url.render_as_string(hide_password=False), autocommit=True, **options
        )
        async with connection:
            await connection.execute(f"LISTEN {NEWS}".encode())
            self._set_alive(alive=True)
            async for notice in connection.notifies():
                self._ring(lambda bell, name=notice.payload: bell.is_about(name))  # type: ignore[misc]

    async def _watch_file(self) -> None:
        name = make_url(self._database.url).database
        if not name or name == ":memory:":
            raise OSError("a database in memory is seen by this process alone")

        def version() -> int:
            number: int = connection.execute("PRAGMA data_version").fetchone()[0]
            return number

        # One thread for all that is done with the connection: it must not be closed while another looks.
        loop, hands = asyncio.get_running_loop(), ThreadPoolExecutor(1, thread_name_prefix="news")
        try:
            connection = await loop.run_in_executor(hands, sqlite3.connect, Path(name))
            try:
                known = await loop.run_in_executor(hands, version)
                self._set_alive(alive=True)
                while True:
                    await asyncio.sleep(FILE_SECONDS)
                    found = await loop.run_in_executor(hands, version)
                    if found != known:
                        known = found
                        self._ring(lambda _bell: True)
            finally:
                hands.submit(connection.close)
        finally:
            hands.shutdown(wait=False)

    def _set_alive(self, *, alive: bool) -> None:
        """Whoever sleeps looks once more: what was written before is not told, or not any more."""
        if self.alive != alive:
            self.alive = alive
            self._ring(lambda _bell: True)

    def _ring(self, which: Callable[[Bell], bool]) -> None:
        for bell in self._bells:
            if which(bell):
                bell.ring()
