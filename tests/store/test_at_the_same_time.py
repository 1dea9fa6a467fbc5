"""What others do in the middle of a transaction: a cancellation stays, and whoever is frozen keeps nobody."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from graphs.runner import cancel_run
from store import database as database_module
from store import events, leases, runs
from store.database import Database, StoreFault
from store.locks import Lock, lock_key
from store.schema import RunStatus
from tests.standins.patience import PATIENCE, until
from tests.standins.records import NOW

STUCK = 1
SOME_TIME = 0.3


@pytest.fixture
def database_url(postgres_url: str) -> str:
    return postgres_url


def at_once(database: Database, query: Callable[[Session], object]) -> threading.Thread:
    """``query`` in a transaction of its own, beside the test."""

    def work() -> None:
        with database.session() as session:
            query(session)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def is_kept_waiting(database: Database) -> bool:
    """Whether a transaction of this database waits for another one."""
    query = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND wait_event_type = 'Lock'"
    )
    with database.reading() as session:
        return bool(session.scalar(query))


def set_status(database: Database, run_id: str, status: RunStatus) -> None:
    with database.session() as session:
        runs.set_status(session, run_id, status, "", NOW)


def status_of(database: Database, run_id: str) -> str:
    with database.reading() as session:
        return runs.get(session, run_id).status


@pytest.mark.parametrize("status", [RunStatus.WAITING, RunStatus.DONE])
def test_a_run_that_was_cancelled_stays_so_whatever_its_driver_had_read(
    database: Database, run_id: str, status: RunStatus
):
    set_status(database, run_id, RunStatus.RUNNING)
    with database.session() as driver:
        assert runs.get(driver, run_id).status == RunStatus.RUNNING
        with database.session() as person:
            cancel_run(person, run_id, NOW)
        runs.set_status(driver, run_id, status, "", NOW)
    assert status_of(database, run_id) == RunStatus.CANCELLED


def test_a_run_that_ends_meanwhile_is_not_cancelled(database: Database, run_id: str):
    set_status(database, run_id, RunStatus.RUNNING)
    said: list[str] = []

    def cancel(session: Session) -> None:
        try:
            cancel_run(session, run_id, NOW)
        except Exception as error:  # noqa: BLE001 - told below
            said.append(str(error))

    with database.session() as driver:
        runs.set_status(driver, run_id, RunStatus.DONE, "", NOW)
        driver.flush()
        person = at_once(database, cancel)
        until(lambda: is_kept_waiting(database))
    person.join()
    assert status_of(database, run_id) == RunStatus.DONE
    assert said == [f"Run {run_id} has already ended (done)."]


async def test_who_is_frozen_in_a_transaction_loses_it_and_does_it_again(
    database_url: str, run_id: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(database_module, "STUCK_SECONDS", STUCK)
    tries, begun, others_are_done = 0, asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def freezes(session: Session) -> None:
        nonlocal tries
        tries += 1
        events.append(session, run_id, "s", "first to come", {}, NOW)
        if tries == 1:
            loop.call_soon_threadsafe(begun.set)
            # As on a paused machine: the server hears nothing more.
            assert others_are_done.wait(PATIENCE), "it keeps the others"
        events.append(session, run_id, "s", "frozen", {}, NOW)

    with Database(database_url, patience=PATIENCE) as database:
        frozen = asyncio.create_task(database.run(freezes))
        await begun.wait()
        await database.run(events.append, run_id, "s", "others", {}, NOW)
        others_are_done.set()
        await frozen
        found = await database.look(events.after, run_id, 0)
    assert tries >= 2
    assert [event.kind for event in found] == ["others", "first to come", "frozen"]


async def test_a_commit_that_is_still_under_way_is_waited_for(
    database_url: str, database: Database, run_id: str
):
    with database.session() as session:
        lease = leases.take(session, run_id, leases.this_process(), NOW)
    with database.session() as committing:
        leases.mark(committing, lease, "mine")
        committing.flush()
        asked = asyncio.create_task(database.look(leases.marked, lease, "mine"))
        await asyncio.sleep(SOME_TIME)
        assert not asked.done()
    assert await asked


def stand_in_each_others_way(database: Database, mine: str, theirs: str) -> None:
    with database.session() as one, database.session() as two:
        one.execute(text("SET LOCAL deadlock_timeout = '10ms'"))  # who looks first is ended:
        two.execute(text("SET LOCAL deadlock_timeout = '1h'"))  # the other one never looks
        runs.locked(one, mine)
        runs.locked(two, theirs)
        helper = threading.Thread(target=runs.locked, args=(two, mine))
        helper.start()
        until(lambda: is_kept_waiting(database))
        try:
            runs.locked(one, theirs)
        finally:
            one.rollback()
            helper.join()


def test_a_deadlock_is_told_as_what_it_is(database: Database, run_id: str):
    with database.session() as session:
        other = runs.create(session, "x", {}, NOW)
    with pytest.raises(StoreFault, match="Somebody else was at the same rows"):
        stand_in_each_others_way(database, run_id, other)


async def test_a_heartbeat_under_way_does_not_take_a_lock_again_that_was_given_back(database: Database):
    lock = Lock(database, "run:x")
    assert await lock.take()
    await lock.release()
    assert not await lock.hold_on()
    assert not lock.is_held
    assert await Lock(database, "run:x").take()
    assert not await lock.take()


async def test_a_lock_is_taken_again_after_its_connection_broke(database: Database):
    lock = Lock(database, "run:x")
    assert await lock.take()
    query = text(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = :low"
    )
    with database.session() as session:
        session.execute(query, {"low": lock_key("run:x") % 2**32})
    assert await lock.hold_on()
    assert not await Lock(database, "run:x").take()
    await lock.release()


@pytest.mark.parametrize("behind", [timedelta(minutes=1), -timedelta(hours=1)])
async def test_a_driver_is_known_whatever_its_clock_says(database: Database, run_id: str, behind: timedelta):
    lock = Lock(database, f"run:{run_id}")
    assert await lock.take()
    await database.run(leases.take, run_id, "gpu1:77:5.00", NOW - behind, alone=True)
    assert await database.look(leases.holder_of, run_id, NOW) == "gpu1:77:5.00"
    await lock.release()
    assert await database.look(leases.holder_of, run_id, NOW) is None
