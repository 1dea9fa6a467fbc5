"""One order, carried out by a process of its own: ``python -m agent.driven ORDER``.

A run is driven beside the server, not in it: a model that takes the memory, or a native crash, ends this
process and no page; a replay plays its cassette to itself alone; and a server that is restarted finds its
runs still going.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from sqlalchemy.orm import Session

from agent.driver_process import BUSY, GRACE_SECONDS, INTERRUPTED
from agent.queue.parts import Part, part_of, settle_down
from agent.settings import load_settings
from agent.waiting import last_question
from graphs.options import Approver, RunOptions
from graphs.prompts import POLICY, Reply
from store import leases, orders, runs
from store.database import Database, StoreAway
from store.locks import Lock
from store.orders import OrderKind
from store.schema import OrderRow, RunRow, RunStatus
from tools.clock import SystemClock
from tools.faults import Fault
from tools.secrecy import hush_tracebacks, hushed

if TYPE_CHECKING:
    from agent.drive import Cockpit
    from graphs.runner import Runner, Standing

LOOK_SECONDS = 2.0
"""How often it is looked whether the host is still this process's alone."""
PATIENCE_SECONDS = 30.0
"""How long a drive waits for a database that is gone."""

_reply: TypeAdapter[Reply] = TypeAdapter(Reply)


async def carry_out(database: Database, order: OrderRow, host: str | None = None) -> int:
    """Drive the run of an order until it waits for a person, ends, or cannot go on; the exit status.

    On a ``host`` that shares the work with others it is driven to the end of the part that the order is for,
    and evaluated only while nobody else evaluates there.
    """
    if host is None:
        return await _drive_order(database, order, None)
    part = await database.run(settle_down, order.id, host, SystemClock())
    if part is None:
        return BUSY
    if part is Part.RESEARCH:
        return await _drive_order(database, order, part)
    try:
        async with _alone_on(database, host) as alone:
            return await _drive_order(database, order, part) if alone else BUSY
    except HostTaken:
        return BUSY


async def _drive_order(database: Database, order: OrderRow, part: Part | None) -> int:
    from io import StringIO

    from rich.console import Console

    from agent.drive import cockpit

    settings = load_settings()
    quiet = Console(file=StringIO())
    problem = ""
    try:
        async with cockpit(settings, database, quiet, run_id=order.run_id) as seat:
            await _drive(seat, order, part)
    except (leases.AlreadyRunning, leases.LostLease):
        return BUSY  # whoever drives it now may not know of this order: it stays, and is tried again
    except StoreAway:
        return BUSY  # whoever looks when the database is back sees what became of it
    except Fault as fault:
        problem = hushed(str(fault))
    # Where the lease was not even taken: a run that has ended, a story without a recording.
    await database.run(orders.finish, order.id, SystemClock().now(), problem)
    return 0


class HostTaken(Fault):
    """Another process evaluates on this host by now: the lock went with a connection that broke."""


@contextlib.asynccontextmanager
async def _alone_on(database: Database, host: str) -> AsyncIterator[bool]:
    """Whether nobody else evaluates on the host; nobody can begin to while the body runs. The body is
    cancelled, and :class:`HostTaken` raised, where somebody has begun all the same."""
    lock = Lock(database, f"host:{host}")
    if not await lock.take():
        yield False
        return
    driver = asyncio.current_task()
    assert driver is not None
    taken = False

    async def keep() -> None:
        nonlocal taken
        while not taken:
            await asyncio.sleep(LOOK_SECONDS)
            with contextlib.suppress(Exception):  # while the database is gone nobody gets the lock
                taken = not await lock.hold_on()
        driver.cancel()

    keeper = asyncio.create_task(keep())
    try:
        yield True
    except asyncio.CancelledError:
        if not taken:
            raise
        driver.uncancel()
        raise HostTaken(f"Another run is evaluated on {host}.") from None
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
        await asyncio.shield(lock.release())


async def _drive(seat: Cockpit, order: OrderRow, part: Part | None) -> None:
    from graphs.policy import policy_reply

    row = await seat.database.look(runs.get, order.run_id)
    options = RunOptions.model_validate(row.options)
    by_policy = options.approver is Approver.POLICY
    standing = await first_step(seat.runner, row, order, to_be_continued=by_policy)
    while by_policy and standing.prompt is not None:
        reply = policy_reply(standing.prompt)
        if reply is None:
            break
        if part is not None and part_of(options, row.stage, reply) is not part:
            await seat.database.run(_hand_over, order, reply)
            break
        standing = await seat.runner.drive(row.id, reply, order_id=order.id, to_be_continued=True)


def _hand_over(session: Session, order: OrderRow, reply: Reply) -> None:
    """This order ends where the next one begins, which is for whoever does that part."""
    runs.locked(session, order.run_id)  # first, as everybody does who also writes to its orders
    mine = session.get(OrderRow, order.id, with_for_update=True)
    if mine is None or mine.done_at is not None:
        return  # cancelled meanwhile
    now, question = SystemClock().now(), last_question(session, order.run_id)
    orders.finish(session, order.id, now)
    orders.submit(
        session,
        order.run_id,
        OrderKind.REPLY,
        now,
        by=POLICY,
        prompt_id=None if question is None else question.prompt_id,
        record=reply.model_dump(mode="json"),
    )


async def first_step(
    runner: Runner, row: RunRow, order: OrderRow, *, to_be_continued: bool = False
) -> Standing:
    """Drive the run for what was ordered, until it waits or ends."""
    how: Any = {"order_id": order.id, "to_be_continued": to_be_continued}
    if order.kind == OrderKind.EXTEND and RunStatus(row.status).ended:
        return await runner.extend(row.id, order.record.get("further"), **how)
    if order.kind == OrderKind.REPLY:
        reply = _reply.validate_python(order.record)
        return await runner.drive(row.id, reply, prompt_id=order.prompt_id, **how)
    return await runner.drive(row.id, **how)


def main(order_id: int, host: str | None = None, *, leashed: bool = False) -> int:
    os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")
    gc.set_threshold(10_000, 50, 100)
    with contextlib.suppress(ValueError):
        # A service that a script has begun in the background was told to ignore Ctrl-C, and so was this.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    if leashed:
        threading.Thread(target=_stop_when_let_go, name="leash", daemon=True).start()
    with Database(load_settings().rows_url, patience=PATIENCE_SECONDS) as database:
        with database.reading() as session:
            order = orders.get(session, order_id)
        if order is None or order.done_at is not None:
            return 0
        try:
            return asyncio.run(carry_out(database, order, host))
        except KeyboardInterrupt:
            return INTERRUPTED  # the order stays open: the next engine goes on with it


def _stop_when_let_go() -> None:
    """Stop when the worker is gone, tidily if that does not take long: nobody would know of this process."""
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(GRACE_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def command(arguments: Sequence[str]) -> int:
    """``ORDER [--host NAME] [--leashed]``."""
    from argparse import ArgumentParser

    parser = ArgumentParser(prog="agent.driven")
    parser.add_argument("order", type=int)
    parser.add_argument("--host")
    parser.add_argument("--leashed", action="store_true")
    given = parser.parse_args(arguments)
    return main(given.order, given.host, leashed=given.leashed)


if __name__ == "__main__":
    hush_tracebacks()
    try:
        sys.exit(command(sys.argv[1:]))
    except StoreAway:
        sys.exit(BUSY)  # no fault of the order's
    except Fault as fault:
        sys.exit(hushed(str(fault)))
