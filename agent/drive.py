"""Driving a run from a terminal: services, events on the screen, questions to the person."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import NamedTuple

from rich.console import Console

from agent.settings import Settings
from agent.story import Story, story_at
from agent.terminal import Terminal
from graphs.options import Approver, RunOptions
from graphs.prompts import Prompt, Reply
from graphs.runner import Runner, Standing
from store import events, orders, runs
from store.checkpoints import open_checkpointer
from store.database import Database
from store.schema import RunStatus
from tools.faults import Fault, WrongUse
from tools.runtimes import RuntimeFault, RuntimeFaultKind

PATIENCE_SECONDS = 30.0
"""How long a drive waits for a database that is gone, as LangGraph's checkpoints do."""


class Cockpit(NamedTuple):
    """What a command needs to start and drive runs."""

    settings: Settings
    database: Database
    runner: Runner
    console: Console


@contextlib.asynccontextmanager
async def cockpit(
    settings: Settings, database: Database, console: Console, *, run_id: str | None = None
) -> AsyncIterator[Cockpit]:
    """A runner with live services; with those of its story when ``run_id`` is a replay.

    From here on the ``database`` is waited for while it is gone.
    """
    from agent.services import open_services

    database.patience = PATIENCE_SECONDS
    story = None if run_id is None else story_of(database, run_id)
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(_ending_at_sigterm())
        if story is not None and run_id is not None:
            from agent.replaying import replay

            await stack.enter_async_context(replay(settings, database, story, run_id))
        services = await stack.enter_async_context(open_services(settings, database, story=story))
        checkpointer = await stack.enter_async_context(open_checkpointer(settings.checkpoints_url))
        yield Cockpit(settings, database, Runner(services, checkpointer), console)


def has_person() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def story_of(database: Database, run_id: str) -> Story | None:
    """The story that a run replays."""
    with database.reading() as session:
        options = RunOptions.model_validate(runs.get(session, run_id).options)
    return None if options.story is None else story_at(options.story)


async def drive(
    seat: Cockpit,
    run_id: str,
    *,
    reply: Reply | None = None,
    further: int | None = None,
    until: Callable[[Prompt], bool] = lambda _prompt: False,
) -> Standing:
    """Carry a run on to its end, or to a question that nobody here can answer.

    ``until`` names prompts at which to stop even when somebody could be asked. A run that has ended goes on
    where it ended undecided; ``further`` says with how many scenarios. What a service has taken for the run
    and not carried out yet comes first; :class:`~tools.faults.Conflict` where there is another answer.
    """
    with seat.database.reading() as session:
        row = runs.get(session, run_id)
        options, seen = RunOptions.model_validate(row.options), events.last_seq(session, row.id)
        run_id, ended = row.id, RunStatus(row.status).ended
        order = orders.open_order(session, row.id)
    if order is not None and (reply is not None or further is not None):
        raise orders.already_answered(order)
    while True:
        left = await _left_elsewhere(seat, run_id, reply, further)
        if left is not None:
            return left
        screen = Terminal(seat.console, seat.database, run_id, after=seen)
        async with screen.following():
            try:
                if order is not None:
                    from agent.driven import first_step

                    standing, order, ended = await first_step(seat.runner, row, order), None, False
                elif ended:
                    standing, ended = await seat.runner.extend(run_id, further), False
                else:
                    standing = await seat.runner.drive(run_id, reply)
            except Fault as fault:
                raise await _with_a_way_on(fault, seat, run_id) from fault
        seen = screen.seen
        prompt = standing.prompt
        if prompt is None or until(prompt):
            return standing
        reply = await _answer(seat, run_id, prompt, options.approver)
        if reply is None:
            return standing


async def _left_elsewhere(
    seat: Cockpit, run_id: str, reply: Reply | None, further: int | None
) -> Standing | None:
    """Leave the run to the workers of its host, where that is another machine; None where it is not."""
    from agent.queue import leaving

    host = await seat.database.look(leaving.elsewhere, run_id, reply)
    if host is None:
        return None
    from agent.actions import Actions
    from agent.questions import who
    from agent.queue import jobs, tables
    from agent.queue.engine import QueueEngine

    actions, by = Actions(seat.settings, seat.database, QueueEngine(seat.database)), who()
    if reply is not None:
        await actions.reply(run_id, reply, by=by)
    elif await seat.database.look(orders.open_order, run_id) is None:
        await actions.resume(run_id, by=by, further=further)
    await seat.database.run(tables.make)
    await seat.database.run(jobs.fill)
    return Standing(RunStatus.QUEUED, None, await seat.database.look(leaving.sentence, run_id, host))


async def _with_a_way_on(fault: Fault, seat: Cockpit, run_id: str) -> Fault:
    """The failure as the person reads it: it names the run and how to go on, where that can help."""
    step = fault.next_step.replace(" RUN`", f" {run_id}`")
    row = await seat.database.look(runs.get, run_id)
    mended = RunStatus(row.status) is RunStatus.STOPPED and not isinstance(fault, WrongUse)
    # A model that is nowhere to be had is not there the next time either.
    lacking = any(
        isinstance(one, RuntimeFault) and one.kind is RuntimeFaultKind.NOT_FOUND
        for one in (fault, fault.__cause__)
    )
    if mended and "`bms " not in step and not (lacking and row.stage == "pull"):
        step = f"{step} `bms resume {run_id}` goes on; what was finished is kept.".lstrip()
    told = Fault(fault.sentence, step)
    told.exit_code = fault.exit_code
    return told


async def _answer(seat: Cockpit, run_id: str, prompt: Prompt, approver: Approver) -> Reply | None:
    from agent.questions import ask_person, show_offered

    if approver is Approver.POLICY:
        from graphs.policy import policy_reply

        show_offered(seat.console, seat.database, run_id, prompt)
        return policy_reply(prompt)
    if not has_person():
        return None
    with _ending_at_ctrl_c():
        return ask_person(seat.console, seat.database, run_id, prompt)


@contextlib.contextmanager
def _ending_at_sigterm() -> Iterator[None]:
    """A machine that shuts down ends a drive as Ctrl-C does: with a sentence, and its lease given back."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(*_: object) -> None:
        if not callable(signal.getsignal(signal.SIGINT)):
            raise KeyboardInterrupt  # begun in the background by a script: there Ctrl-C itself is ignored
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _ending_at_ctrl_c() -> Iterator[None]:
    """The first Ctrl-C ends a question: asyncio's handler only cancels what is awaited, and nothing is."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
