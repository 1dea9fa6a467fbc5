"""Where a run rests is told once, and only where it rests there; and it is let go of to the end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session

from agent import deaths
from graphs import runner as runner_module
from graphs.desk import Desk
from graphs.prompts import LabelsPrompt
from graphs.runner import Cancelled, Runner, Standing, _Pending, cancel_run
from store import events, leases, orders, runs
from store.database import Database, StoreAway
from store.orders import OrderKind
from store.schema import RunStatus
from tests.standins.records import NOW
from tools.clock import FixedClock

pytestmark = pytest.mark.both_databases
MakeDesk = Callable[..., Desk]


def runner_of(desk: Desk) -> Runner:
    runner = Runner.__new__(Runner)
    runner._services, runner._leases, runner._fenced = desk.services, {}, None
    return runner


def told(database: Database, run_id: str) -> list[str]:
    with database.reading() as session:
        return [event.kind for event in events.after(session, run_id, 0)]


def asks(number: int) -> _Pending:
    return _Pending(f"question {number}", LabelsPrompt(run_id="r", role="primary", missing=3))


async def test_a_question_is_told_once_however_often_it_is_waited_for(
    database: Database, desk_for: MakeDesk
) -> None:
    desk = desk_for()
    runner = runner_of(desk)
    for pending in (asks(1), asks(1), asks(2), asks(1)):
        await runner._wait(desk, pending)
    assert told(database, desk.run_id) == ["waiting"] * 3
    await runner._stopped(desk, "interrupted")
    await runner._wait(desk, asks(1))
    assert told(database, desk.run_id) == [*["waiting"] * 3, "stopped", "waiting"]


async def test_a_run_that_was_cancelled_ends_with_that(database: Database, desk_for: MakeDesk) -> None:
    desk = desk_for()
    runner = runner_of(desk)
    await database.run(cancel_run, desk.run_id, NOW)
    with pytest.raises(Cancelled):
        await runner._wait(desk, asks(1))
    with pytest.raises(Cancelled):
        await runner._rest(desk, RunStatus.DONE, "it is good", "done", "ended", {"status": "done"})
    with pytest.raises(Cancelled):
        await runner._goes_on(desk)
    await runner._stopped(desk, "interrupted")
    assert told(database, desk.run_id) == ["ended"]
    with database.reading() as session:
        assert runs.get(session, desk.run_id).status == RunStatus.CANCELLED


@pytest.mark.parametrize("status", [RunStatus.DONE, RunStatus.CANCELLED])
async def test_whoever_gets_the_lease_of_a_run_that_has_ended_meanwhile_says_how(
    database: Database, desk_for: MakeDesk, monkeypatch: pytest.MonkeyPatch, status: RunStatus
) -> None:
    desk = desk_for()
    await database.run(leases.release, desk.lease)
    take = leases.take

    def late(session: Session, *arguments: Any, **named: Any) -> leases.Lease:
        runs.set_status(session, desk.run_id, status, "so it ended", NOW)
        return take(session, *arguments, **named)

    monkeypatch.setattr(leases, "take", late)
    drive = runner_of(desk).drive(desk.run_id)
    if status is RunStatus.CANCELLED:
        with pytest.raises(Cancelled, match="was cancelled"):
            await drive
    else:
        assert await drive == Standing(status, None, "so it ended")
    assert told(database, desk.run_id) == []
    with database.reading() as session:
        assert runs.get(session, desk.run_id).status == status


async def test_processes_that_die_over_a_run_that_has_ended_do_not_stop_it(
    database: Database, run_id: str
) -> None:
    with database.session() as session:
        runs.set_status(session, run_id, RunStatus.DONE, "it is good", NOW)
        number = orders.submit(session, run_id, OrderKind.EXTEND, NOW, by="ada")
    for _ in range(deaths.TRIES):
        await database.run(deaths.note, number, "no memory", FixedClock(NOW))
    assert told(database, run_id) == ["order", *["died"] * deaths.TRIES]
    with database.reading() as session:
        assert runs.get(session, run_id).status == RunStatus.DONE
        assert "no memory" in orders.last_problem(session, run_id)


async def test_ctrl_c_twice_gives_the_lock_back_after_the_lease(
    database: Database, desk_for: MakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = desk_for()
    await database.run(leases.release, desk.lease)
    with database.session() as session:
        number = orders.submit(session, desk.run_id, OrderKind.DRIVE, NOW, by="ada")
    letting_go, go_on = threading.Event(), threading.Event()
    order_of_things: list[str] = []
    let_go, release = runner_module._let_go, runner_module.Lock.release

    def slow(session: Session, *arguments: Any) -> None:
        letting_go.set()
        go_on.wait(20)
        let_go(session, *arguments)
        order_of_things.append("lease")

    async def noted(lock: Any) -> None:
        order_of_things.append("lock")
        await release(lock)

    monkeypatch.setattr(runner_module, "_let_go", slow)
    monkeypatch.setattr(runner_module.Lock, "release", noted)

    async def carried_out(_desk: Desk) -> Standing:
        return Standing(RunStatus.DONE, None, "")

    row = await database.look(runs.get, desk.run_id)
    drive = asyncio.create_task(runner_of(desk)._under_lease(row, carried_out, number, to_be_continued=False))
    await asyncio.to_thread(letting_go.wait, 20)
    for _ in range(3):
        drive.cancel()
        await asyncio.sleep(0.02)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await drive
    assert order_of_things == ["lease", "lock"]
    with database.reading() as session:
        assert orders.open_order(session, desk.run_id) is None
        assert leases.holder_of(session, desk.run_id, NOW) is None


async def test_ctrl_c_is_told_also_where_the_last_words_fail() -> None:
    away, go_on = StoreAway("The database does not answer."), asyncio.Event()

    async def last_words() -> None:
        await go_on.wait()
        raise away

    ending = asyncio.create_task(runner_module._finished(last_words()))
    await asyncio.sleep(0)
    ending.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError) as told_last:
        await ending
    assert told_last.value.__cause__ is away
    with pytest.raises(StoreAway):
        await runner_module._finished(last_words())
