"""Machines that share a PostgreSQL: real ``bms worker``s, which are killed and frozen as machines are."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import psutil
from sqlalchemy import text

from agent.actions import Actions
from agent.queue import jobs, tables
from agent.queue.engine import QueueEngine
from agent.settings import Settings
from agent.views import RunState, run_state
from agent.wishes import Wishes
from store import leases
from store.database import Database
from store.locks import is_taken
from tests.standins.command_line import ROOT, environment
from tests.standins.patience import PATIENCE
from tools.clock import SystemClock

CLOCK = SystemClock()


class Hand:
    """One ``bms worker``, and what it has said."""

    def __init__(self, home: Path, log: Path, env: Mapping[str, str], *arguments: str) -> None:
        self._log = log
        with log.open("w", encoding="utf-8") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "agent.cli", "worker", *arguments],
                cwd=ROOT,
                env=environment(home, **env, PYTHONUNBUFFERED="1"),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    @property
    def said(self) -> str:
        return self._log.read_text("utf-8")

    @property
    def drivers(self) -> list[psutil.Process]:
        """The processes that it has begun and that still run."""
        try:
            return psutil.Process(self.process.pid).children()
        except psutil.NoSuchProcess:
            return []

    def end(self, number: signal.Signals) -> int:
        """Its exit status after this signal."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


class Team:
    """A database and workers on it, with one data directory for all; killed with everything they drive."""

    def __init__(self, home: Path, url: str, **env: str) -> None:
        self.home = home
        self.home.mkdir(parents=True, exist_ok=True)
        self.env = {**env, "BMS_DATABASE_URL": url}
        self.database = Database(url)
        self.hands: list[Hand] = []
        with self.database.session() as session:
            tables.make(session)
        settings = Settings(home=home, database_url=url)
        self.actions = Actions(settings, self.database, QueueEngine(self.database))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        drivers = [driver for hand in self.hands for driver in hand.drivers]
        for hand in self.hands:
            hand.process.kill()
            hand.process.wait(PATIENCE)
        for driver in drivers:
            if driver.is_running():
                driver.kill()
        self.database.close()

    def hire(self, host: str, *arguments: str) -> Hand:
        """Start ``bms worker --host HOST``; it serves once it has said so."""
        log = self.home / f"worker-{len(self.hands)}.log"
        hand = Hand(self.home, log, self.env, "--host", host, *arguments)
        self.hands.append(hand)
        return hand

    async def order(self, wishes: Wishes) -> str:
        """Start a run as a server does; its name."""
        created = await self.actions.create(wishes, by="ada")
        await self.database.run(jobs.fill)
        return created.run_id

    def until(self, wanted: Callable[[], Any], patience: float = PATIENCE) -> Any:
        """What ``wanted`` gives once it is true."""
        last = time.monotonic() + patience
        while not (found := wanted()):
            told = "\n".join(hand.said for hand in self.hands)
            assert time.monotonic() < last, told
            time.sleep(0.05)
        return found

    def look(self, query: Callable[..., Any], *arguments: Any) -> Any:
        with self.database.reading() as session:
            return query(session, *arguments)

    def rows(self, query: str, **values: Any) -> list[Any]:
        return list(self.look(lambda session: session.execute(text(query), values).all()))

    def state(self, run_id: str) -> RunState:
        found: RunState = self.look(run_state, run_id, CLOCK)
        return found

    def is_driven(self, run_id: str) -> bool:
        return bool(self.look(is_taken, f"run:{run_id}"))

    def driver(self, run_id: str) -> psutil.Process | None:
        """The process that drives the run."""
        holder = self.look(leases.holder_of, run_id, CLOCK.now())
        try:
            return None if holder is None else psutil.Process(int(holder.split(":")[1]))
        except psutil.NoSuchProcess:
            return None
