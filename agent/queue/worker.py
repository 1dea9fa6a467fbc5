"""A worker: takes orders from the queue and has each carried out by a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from procrastinate import App, JobContext
from procrastinate.jobs import Job
from procrastinate.retry import BaseRetryStrategy, RetryDecision
from procrastinate.worker import Worker
from sqlalchemy import func, select
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from agent import deaths
from agent.driver_process import BUSY, GRACE_SECONDS, INTERRUPTED, DriverProcess, Ended
from agent.queue import jobs, tables
from agent.queue.connector import PatientConnector
from agent.queue.leaving import AT_WORK
from agent.queue.parts import Part, queue_name, queue_of
from store import orders, runs
from store.database import Database
from store.locks import is_taken
from store.schema import RunStatus
from tools.clock import Clock, SystemClock
from tools.faults import Fault
from tools.phrases import counted

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
"""How often a worker with a free place looks for jobs that nobody tells it of: those that were given back."""
LOOK_SECONDS = 2.0
"""How often it is looked for orders without a job, and for workers that are gone."""
WAIT = timedelta(seconds=2)
"""For a run, or a host, that is in other hands."""
PAUSE = timedelta(seconds=0.5)
"""After a process that died."""
AT_ONCE = datetime(2000, 1, 1, tzinfo=UTC)
"""An instant that is past on every machine, whatever its clock says."""
KEEP_SECONDS = 3600.0
"""How long a worker that says nothing is kept on the list: one that wakes up is still on it."""
SETTLE_SECONDS = 5.0
"""For what is left to be written after the last process has stopped."""

Say = Callable[[str], None]


class Serves(NamedTuple):
    """What a worker takes."""

    host: str
    research: int
    """Runs at the same time; 0: none."""
    evaluate: bool

    @property
    def name(self) -> str:
        """Under which PostgreSQL, and whoever asks it, knows the worker."""
        return f"{AT_WORK}{self.host}" if self.evaluate else "bms worker"

    def queues(self, part: Part) -> list[str]:
        return [queue_name(part), *([queue_name(part, self.host)] if part is Part.EVALUATE else [])]

    def places(self, part: Part) -> int:
        return self.research if part is Part.RESEARCH else int(self.evaluate)


class GivenBack(Exception):
    """The job is for later, or for somebody else."""

    def __init__(self, at: datetime = AT_ONCE, queue: str | None = None) -> None:
        super().__init__("given back")
        self.at, self.queue = at, queue


class Again(BaseRetryStrategy):
    """Puts a job back that was given back; any other failure ends it, and its order gets another one."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, GivenBack):
            return RetryDecision(retry_at=exception.at, queue=exception.queue)
        return None


class Look(NamedTuple):
    """How an order stands when its job is taken."""

    open: bool
    queue: str
    taken: bool
    """Somebody drives the run, or evaluates on this host."""
    now: datetime
    """As the database has it: the machines' clocks may differ."""


class QueueWorker:
    """Serves its queues until it is told to stop."""

    def __init__(self, database: Database, serves: Serves, say: Say, clock: Clock | None = None) -> None:
        self._database = database
        self._serves = serves
        self._say = say
        self._clock = clock or SystemClock()
        self._stopping = asyncio.Event()
        self._workers: dict[Part, Worker] = {}
        self._processes: dict[int, DriverProcess] = {}
        self._known: set[int] = set()
        """Jobs that this worker has in hand."""
        self._app = App(connector=PatientConnector(make_url(database.url), serves.name))
        self._app.task(name=jobs.TASK, pass_context=True, retry=Again())(self._carry_out)

    async def run(self) -> None:
        await self._database.run(tables.make)
        async with self._app.open_async():
            upkeep = asyncio.create_task(self._keep_up())
            serving = [asyncio.create_task(self._serve(part)) for part in Part if self._serves.places(part)]
            try:
                await self._stopping.wait()
                _, late = await asyncio.wait(serving, timeout=GRACE_SECONDS)
                for process in self._processes.values():
                    process.kill()
                if late:
                    await asyncio.wait(late, timeout=SETTLE_SECONDS)
            finally:
                upkeep.cancel()
                for task in serving:
                    task.cancel()
                await asyncio.wait([upkeep, *serving], timeout=SETTLE_SECONDS)

    def stop(self) -> None:
        """Take nothing more and interrupt what is driven; asked a second time, end at once."""
        if self._stopping.is_set():
            for process in self._processes.values():
                process.kill()
            os._exit(INTERRUPTED)
        self._say(
            f"Stopping. {counted(len(self._processes), 'run')} under way: interrupted, for another worker or "
            "the next start. Once more ends it at once."
            if self._processes
            else "Stopping."
        )
        self._stopping.set()
        for worker in self._workers.values():
            worker.stop()  # type: ignore[no-untyped-call]
        for process in self._processes.values():
            process.interrupt()

    async def _serve(self, part: Part) -> None:
        """procrastinate's worker on the queues of a part, begun anew where it ends by itself."""
        while not self._stopping.is_set():
            self._workers[part] = Worker(
                self._app,
                queues=self._serves.queues(part),
                name=part.value,
                concurrency=self._serves.places(part),
                fetch_job_polling_interval=POLL_SECONDS,
                delete_jobs="always",
                install_signal_handlers=False,
                update_heartbeat_interval=jobs.HEARTBEAT_SECONDS,
                stalled_worker_timeout=KEEP_SECONDS,
            )
            try:
                await self._workers[part].run()  # type: ignore[no-untyped-call]
            except Exception as error:  # noqa: BLE001 - a worker that takes nothing more would look alive
                log.warning("the queue could not be served: %r", error)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), POLL_SECONDS)

    async def _carry_out(self, context: JobContext, order: int, run: str) -> None:
        job = context.job
        assert job.id is not None
        self._known.add(job.id)
        try:
            await self._take(job, order, run)
        except Fault as fault:
            self._say(f"{run}: {fault}")
            raise GivenBack() from fault
        finally:
            self._known.discard(job.id)

    async def _take(self, job: Job, order_id: int, run_id: str) -> None:
        look = await self._database.look(_look, order_id, self._serves.host)
        if not look.open:
            return
        if look.queue != job.queue or self._stopping.is_set():
            raise GivenBack(queue=look.queue)
        if look.taken:
            raise GivenBack(look.now + WAIT)
        part = Part(job.queue.partition(":")[0])
        self._say(f"{run_id}: {part.words} begins, for order {order_id}.")
        ended = await self._drive(job, order_id, run_id)
        if ended.status == 0:
            self._say(await self._database.look(_what_became, run_id, self._clock))
            await self._database.run(jobs.fill)  # what it has handed over
        elif ended.status == BUSY:
            raise GivenBack(look.now + WAIT)
        elif ended.interrupted:
            self._say(f"{run_id}: interrupted; its order stays open.")
            raise GivenBack
        else:
            await self._bury(ended, order_id, run_id)

    async def _drive(self, job: Job, order_id: int, run_id: str) -> Ended:
        assert job.id is not None
        try:
            process = await DriverProcess.begin(order_id, "--host", self._serves.host, leashed=True)
        except OSError as error:  # no memory or no place for another process
            return Ended(-1, str(error))
        self._processes[job.id] = process
        if self._stopping.is_set():
            process.interrupt()
        try:
            return await process.end()
        except asyncio.CancelledError:
            ended = await asyncio.shield(process.stop())
            self._say(f"{run_id}: cancelled; its process has ended ({ended.status}).")
            raise
        finally:
            self._processes.pop(job.id, None)

    async def _bury(self, ended: Ended, order_id: int, run_id: str) -> None:
        words = ended.words or f"nothing, it ended with {ended.status}"
        given_up = await self._database.run(deaths.note, order_id, words, self._clock)
        self._say(f"{run_id}: its process died ({ended.status}): {words}")
        if not given_up:
            look = await self._database.look(_look, order_id, self._serves.host)
            raise GivenBack(look.now + PAUSE)
        self._say(await self._database.look(_what_became, run_id, self._clock))

    async def _keep_up(self) -> None:
        """Look after orders that have no job, workers that are gone, and jobs that got lost on their way.

        Others are not held to be gone before this process itself, and the database, have been there for as
        long as that takes: whoever has slept finds everybody else silent.
        """
        steady = last = time.monotonic()
        lost: set[int] = set()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = time.monotonic()
            if now - last > 2 * LOOK_SECONDS:
                steady = now
            try:
                await self._database.run(jobs.fill)
                if now - steady >= jobs.STALLED.total_seconds():
                    for one in await self._database.run(jobs.take_over, self._clock):
                        self._say(f"{one.run_id}: its worker is gone; {_next(one)}.")
                lost = await self._find_lost(lost)
            except Exception as error:  # noqa: BLE001 - without this loop what others leave stays where it is
                log.warning("the queue could not be looked after: %s", error)
                steady = time.monotonic()
            last = time.monotonic()
            if last - now > LOOK_SECONDS:
                steady = last

    async def _find_lost(self, before: set[int]) -> set[int]:
        mine = [worker.worker_id for worker in self._workers.values() if worker.worker_id is not None]
        lost = await self._database.look(jobs.unheard_of, mine, list(self._known))
        if twice := (lost & before) - self._known:
            await self._database.run(jobs.disown, list(twice))
        return lost


def _look(session: Session, order_id: int, host: str) -> Look:
    now = session.scalars(select(func.now())).one()
    order = orders.get(session, order_id)
    if order is None or order.done_at is not None:
        return Look(open=False, queue="", taken=False, now=now)
    queue = queue_of(session, order)
    taken = is_taken(session, f"run:{order.run_id}")
    busy = queue != Part.RESEARCH and is_taken(session, f"host:{host}")
    return Look(open=True, queue=queue, taken=taken or busy, now=now)


def _what_became(session: Session, run_id: str, clock: Clock) -> str:
    """Where the run has got to, in a sentence."""
    row = runs.get(session, run_id)
    detail = row.detail.rstrip(".")
    match orders.status_of(session, row, clock.now()):
        case RunStatus.WAITING:
            return f"{run_id} {detail}."
        case RunStatus.QUEUED:
            return f"{run_id}: this part is done; the next one is in the queue."
        case status:
            return f"{run_id} is {status.value}{f': {detail}' if detail else ''}."


def _next(one: jobs.Abandoned) -> str:
    return "it was the last try, so the run is stopped" if one.given_up else "its order is in the queue again"
