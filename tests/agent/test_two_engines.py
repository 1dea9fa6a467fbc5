"""Two services on one data directory drive together as many runs as one would."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Self

import pytest

from agent import engine as engine_module
from agent.driver_process import BUSY, Ended
from agent.engine import LocalEngine
from agent.settings import Settings
from store import leases, orders, runs
from store.database import Database
from store.orders import OrderKind
from tests.standins.patience import PATIENCE
from tools.clock import SystemClock

RUNS = 5
AT_ONCE = 2


class Drivers:
    """Stands in for the processes: each takes the lease of its run, as they do, and carries the order out."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now, self.most, self.done = 0, 0, 0
        self.all_done = asyncio.Event()

    async def begin(self, order_id: int) -> Driver:
        return Driver(self, order_id)


class Driver:
    def __init__(self, drivers: Drivers, order_id: int) -> None:
        self._drivers, self._order_id = drivers, order_id

    async def end(self: Self) -> Ended:
        drivers, now = self._drivers, SystemClock().now()
        order = await drivers.database.look(orders.get, self._order_id)
        if order is None or order.done_at is not None:
            return Ended(0, "")
        me = f"elsewhere:{self._order_id}:{id(self)}.00"
        await asyncio.sleep(0.05)  # until Python has begun
        try:
            lease = await drivers.database.run(leases.take, order.run_id, me, now)
        except leases.AlreadyRunning:
            return Ended(BUSY, "")
        drivers.now += 1
        drivers.most = max(drivers.most, drivers.now)
        await asyncio.sleep(0.1)
        drivers.now -= 1
        await drivers.database.run(orders.finish, self._order_id, now)
        await drivers.database.run(leases.release, lease)
        drivers.done += 1
        if drivers.done == RUNS:
            drivers.all_done.set()
        return Ended(0, "")

    def interrupt(self) -> None:
        """Nothing is left at the end of the test."""

    kill = interrupt


async def test_they_keep_to_the_number_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "LOOK_SECONDS", 0.02)
    url = Settings(home=tmp_path).rows_url
    with Database(url) as mine, Database(url) as theirs:
        drivers = Drivers(mine)
        monkeypatch.setattr(engine_module, "DriverProcess", drivers)
        with mine.session() as session:
            for _ in range(RUNS):
                now = SystemClock().now()
                run_id = runs.create(session, "x", {}, now)
                session.flush()
                orders.submit(session, run_id, OrderKind.DRIVE, now, by="ada")
        engines = [LocalEngine(database, at_once=AT_ONCE) for database in (mine, theirs)]
        for engine in engines:
            await engine.start()
        async with asyncio.timeout(PATIENCE):
            await drivers.all_done.wait()
        for engine in engines:
            await engine.stop()
        assert await mine.look(orders.all_open) == []
    assert drivers.most == AT_ONCE
