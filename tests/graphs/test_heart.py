"""The heart of a drive: it beats on after what may be done again, and never stops without a word."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from sqlalchemy.exc import TimeoutError as PoolIsUsedUp

from graphs import runner as runner_module
from graphs.desk import Desk
from graphs.runner import Cancelled, Runner, cancel_run
from store import leases
from store.database import Database
from store.schema import LeaseRow
from tests.standins.patience import PATIENCE, soon
from tests.standins.postgres_proxy import Break, between
from tests.standins.records import NOW
from tools.faults import Fault


@pytest.fixture
def database_url(postgres_url: str) -> str:
    return postgres_url


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_module, "HEARTBEAT_SECONDS", 0.03)


def is_renewed(database: Database, run_id: str) -> bool:
    with database.reading() as session:
        return session.get_one(LeaseRow, run_id).expires_at > NOW


def runner_of(desk: Desk) -> Runner:
    runner = Runner.__new__(Runner)
    runner._services = desk.services
    return runner


@pytest.mark.parametrize("what", Break)
async def test_a_renewal_whose_end_was_not_heard_is_made_again(
    database_url: str, database: Database, desk_for: Callable[..., Desk], what: Break
) -> None:
    with between(database_url) as proxy, Database(proxy.url, patience=PATIENCE) as distant:
        desk = desk_for(database=distant)
        async with runner_of(desk)._heart(desk):
            proxy.breaks = what
            await soon(lambda: proxy.broken == 1)
            with database.session() as session:
                session.get_one(LeaseRow, desk.run_id).expires_at = NOW
            await soon(lambda: is_renewed(database, desk.run_id))


async def test_what_nobody_expects_does_not_stop_it(
    database: Database, desk_for: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = desk_for()
    beats = 0

    async def used_up() -> bool:
        nonlocal beats
        beats += 1
        if beats < 3:
            raise PoolIsUsedUp("QueuePool limit")
        return True

    monkeypatch.setattr(desk.lock, "hold_on", used_up)
    await database.run(cancel_run, desk.run_id, NOW)
    with pytest.raises(Cancelled):
        async with runner_of(desk)._heart(desk):
            await asyncio.sleep(PATIENCE)
    assert beats >= 3


async def test_a_drive_that_cannot_be_looked_after_ends(
    desk_for: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = desk_for()
    monkeypatch.setattr(leases, "DURATION", leases.DURATION / 1000)

    async def used_up() -> bool:
        raise PoolIsUsedUp("QueuePool limit")

    monkeypatch.setattr(desk.lock, "hold_on", used_up)
    with pytest.raises(Fault, match="could not be kept: TimeoutError"):
        async with runner_of(desk)._heart(desk):
            await asyncio.sleep(PATIENCE)
