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
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from agent.engine import INTERRUPTED
from agent.settings import load_settings
from graphs.options import Approver, RunOptions
from graphs.prompts import Reply
from store import leases, orders, runs
from store.database import Database
from store.orders import OrderKind
from store.schema import OrderRow, RunRow, RunStatus
from tools.clock import SystemClock
from tools.faults import Fault

if TYPE_CHECKING:
    from agent.drive import Cockpit
    from graphs.runner import Runner, Standing

_reply: TypeAdapter[Reply] = TypeAdapter(Reply)


async def carry_out(database: Database, order: OrderRow) -> None:
    """Drive the run of an order until it waits for a person, ends, or cannot go on."""
    from io import StringIO

    from rich.console import Console

    from agent.drive import cockpit

    settings = load_settings()
    quiet = Console(file=StringIO())
    problem = ""
    try:
        async with cockpit(settings, database, quiet, run_id=order.run_id) as seat:
            await _drive(seat, order)
    except (leases.AlreadyRunning, leases.LostLease):
        return  # whoever drives it now may not know of this order: it stays, and is tried again
    except Fault as fault:
        problem = str(fault)
    # Where the lease was not even taken: a run that has ended, a story without a recording.
    await database.run(orders.finish, order.id, SystemClock().now(), problem)


async def _drive(seat: Cockpit, order: OrderRow) -> None:
    from graphs.policy import policy_reply

    row = await seat.database.look(runs.get, order.run_id)
    options = RunOptions.model_validate(row.options)
    by_policy = options.approver is Approver.POLICY
    standing = await first_step(seat.runner, row, order, to_be_continued=by_policy)
    while by_policy and standing.prompt is not None:
        reply = policy_reply(standing.prompt)
        if reply is None:
            break
        standing = await seat.runner.drive(row.id, reply, order_id=order.id, to_be_continued=True)


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


def main(order_id: int) -> int:
    os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")
    gc.set_threshold(10_000, 50, 100)
    with contextlib.suppress(ValueError):
        # A service that a script has begun in the background was told to ignore Ctrl-C, and so was this.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    with Database(load_settings().rows_url) as database:
        with database.reading() as session:
            order = orders.get(session, order_id)
        if order is None or order.done_at is not None:
            return 0
        try:
            asyncio.run(carry_out(database, order))
        except KeyboardInterrupt:
            return INTERRUPTED  # the order stays open: the next engine goes on with it
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(int(sys.argv[1])))
    except Fault as fault:
        sys.exit(str(fault))
