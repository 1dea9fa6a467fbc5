"""Starts, resumes and cancels runs; one process drives a run at a time."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import TypeAdapter
from sqlalchemy.orm import Session

from graphs.desk import Desk, Services
from graphs.extension import extend, open_extension
from graphs.options import RunOptions
from graphs.prompts import Labelled, LabelsPrompt, Prompt, Reply
from store import evaluation, events, leases, orders, runs
from store.database import CommitUnheard, Database, StoreAway, StoreFault
from store.fencing import Fenced
from store.locks import Lock
from store.schema import LeaseRow, RunRow, RunStatus
from tools.clock import SystemClock
from tools.evaluation import Scenario
from tools.faults import Conflict, Fault, WrongUse
from tools.phrases import counted
from tools.search.base import NotRecordedError

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.graph.state import CompiledStateGraph

HEARTBEAT_SECONDS = 2.0
"""How often a driver renews its lease and looks whether it was cancelled."""

LAST_PATIENCE_SECONDS = 3.0
"""How long whoever was interrupted still waits for a database that is gone, before each of the last words."""

STEPS = 200
"""LangGraph's recursion limit for one drive; a whole journey takes about sixteen."""

_prompt: TypeAdapter[Prompt] = TypeAdapter(Prompt)


class Standing(NamedTuple):
    """Where a run has got to when nobody drives it."""

    status: RunStatus
    prompt: Prompt | None
    """What it waits for."""
    detail: str


class _Pending(NamedTuple):
    """A question that is not answered yet."""

    id: str
    """LangGraph's name of the interrupt: asked again, even in the same words, it is another one."""
    prompt: Prompt


class Cancelled(Fault):
    """The run was cancelled while this process drove it."""


class Runner:
    """Drives runs, made by :func:`create_run`, with one set of services and one checkpointer."""

    def __init__(self, services: Services, checkpointer: BaseCheckpointSaver[Any]) -> None:
        from graphs.journey import build_graph

        self._services = services
        self._leases: dict[str, leases.Lease] = {}
        """Of the runs that are driven now."""
        self._fenced = checkpointer if isinstance(checkpointer, Fenced) else None
        if self._fenced is not None:
            self._fenced.may_write = self._check_lease
        self.graph: CompiledStateGraph[Any, Any, Any, Any] = build_graph(checkpointer)

    async def standing(self, run_id: str) -> Standing:
        """Where the run is, and the prompt that it waits with."""
        row = await self._services.database.look(runs.get, run_id)
        status = RunStatus(row.status)
        pending = None if status.ended else await self._pending(row.id)
        return Standing(status, None if pending is None else pending.prompt, row.detail)

    async def drive(
        self,
        run_id: str,
        reply: Reply | None = None,
        *,
        prompt_id: str | None = None,
        order_id: int | None = None,
        to_be_continued: bool = False,
    ) -> Standing:
        """Carry the run on until it waits for a person or ends.

        ``reply`` answers the prompt that it waits with; with ``prompt_id`` that one and no other: a run that
        has had its answer to it goes on without. The order that this carries out is done when the run rests,
        unless it is ``to_be_continued``; one that is done already drives nothing. Raises
        :class:`~tools.faults.Conflict` while an order of somebody else is open, and
        :class:`~tools.faults.Fault` when the run stops on the way; what was finished is kept, and driving it
        again goes on from there.
        """
        row = await self._services.database.look(runs.get, run_id)
        if RunStatus(row.status).ended:
            if order_id is not None:  # whoever drove it to its end did not live to say so
                await self._services.database.run(orders.finish, order_id, self._services.wall.now())
                return await self.standing(row.id)
            became = f": {row.detail.rstrip('.')}" if row.detail else ""
            raise WrongUse(
                f"Run {row.id} has ended ({row.status}){became}.",
                f"`bms show {row.id}` tells more; a new request starts a new run.",
            )

        async def go_on(desk: Desk) -> Standing:
            return await _at_its_end(desk) or await self._drive(desk, reply, prompt_id)

        return await self._under_lease(row, go_on, order_id, to_be_continued=to_be_continued)

    async def extend(
        self,
        run_id: str,
        further: int | None = None,
        *,
        order_id: int | None = None,
        to_be_continued: bool = False,
    ) -> Standing:
        """Carry a run that ended undecided on: what could not be measured is asked again, and ``further``
        scenarios are run, or as many as would settle it."""
        row = await self._services.database.look(runs.get, run_id)

        async def go_on(desk: Desk) -> Standing:
            by_story = self._services.replayed is not None
            now = self._services.wall.now()
            opened = await desk.write(extend, further, now, by_story=by_story, order_id=order_id)
            return await self._drive(desk, None) if opened else await self.standing(desk.run_id)

        return await self._under_lease(row, go_on, order_id, to_be_continued=to_be_continued)

    async def _under_lease(
        self,
        row: RunRow,
        go: Callable[[Desk], Awaitable[Standing]],
        order_id: int | None,
        *,
        to_be_continued: bool,
    ) -> Standing:
        lock = Lock(self._services.database, f"run:{row.id}")
        if not await lock.take():
            raise await self._services.database.look(_driven, row.id)
        try:
            return await self._leased(row, go, order_id, lock, to_be_continued=to_be_continued)
        finally:
            await _finished(lock.release())

    async def _leased(
        self,
        row: RunRow,
        go: Callable[[Desk], Awaitable[Standing]],
        order_id: int | None,
        lock: Lock,
        *,
        to_be_continued: bool,
    ) -> Standing:
        database, wall = self._services.database, self._services.wall
        options = RunOptions.model_validate(row.options)
        lease = await database.run(leases.take, row.id, leases.this_process(), wall.now(), alone=lock.is_held)
        desk = Desk(row.id, options, self._services, lease, lock)
        self._leases[row.id] = lease
        done: int | None = None
        problem = ""
        try:
            if self._fenced is not None:
                await self._fenced.take_over(row.id, lease.fence)
            order = await database.look(orders.open_order, row.id)
            if order_id is not None and (order is None or order.id != order_id):
                return await self.standing(row.id)
            if order_id is None and order is not None:
                raise orders.already_answered(order)
            standing = await go(desk)
            done = None if to_be_continued and standing.prompt is not None else order_id
        except leases.LostLease:
            raise  # whoever has taken over carries the order out
        except StoreAway:
            raise  # it stays open, and is gone on with when the database is back
        except Fault as fault:
            done, problem = order_id, str(fault)
            raise
        else:
            return standing
        finally:
            del self._leases[row.id]
            # Both or none: whoever takes the lease next must not find the order still open.
            await _finished(database.run(_let_go, lease, done, problem, wall.now()))

    async def _check_lease(self, run_id: str) -> None:
        lease = self._leases.get(run_id)
        if lease is not None:
            await self._services.database.look(leases.check, lease)

    async def _pending(self, run_id: str) -> _Pending | None:
        state = await self.graph.aget_state(_config(run_id))
        waiting = [interrupt for task in state.tasks for interrupt in task.interrupts]
        return _Pending(waiting[0].id, _prompt.validate_python(waiting[0].value)) if waiting else None

    async def _drive(self, desk: Desk, reply: Reply | None, prompt_id: str | None = None) -> Standing:
        from langgraph.types import Command

        pending = await self._pending(desk.run_id)
        state = await self.graph.aget_state(_config(desk.run_id))
        if prompt_id is not None and (pending is None or pending.id != prompt_id):
            reply = None  # that question has had its answer
        if pending is not None and isinstance(pending.prompt, LabelsPrompt) and reply is None:
            reply = Labelled(by="whoever resumed it")  # the labels may be there by now; the station looks
        if pending is not None and reply is None:
            return await self._wait(desk, pending)
        if pending is None and reply is not None:
            place = ", ".join(state.next) or "its start"
            raise WrongUse(
                f"Run {desk.run_id} is not waiting for an answer; it is at {place}.",
                f"`bms resume {desk.run_id}` goes on.",
            )
        work: Any = None if state.values else {"run_id": desk.run_id}
        if reply is not None:
            work = Command(resume=reply.model_dump(mode="json"))
        extension = None if state.next else await desk.look(open_extension)
        if extension is not None and extension.serial != state.values.get("extension"):
            update = {"extension": extension.serial, "target": extension.target}
            work = Command(goto="scenarios", update={**update, "role": "primary", "answered": False})
        await self._goes_on(desk)
        try:
            async with self._heart(desk):
                await self._stream(desk, work)
        except Cancelled:
            raise
        except Fault as fault:
            await self._stopped(desk, str(fault))
            raise
        except sqlite3.Error as error:  # of the checkpoints: the rows explain theirs themselves
            await self._stopped(desk, f"the checkpoints cannot be written: {error}")
            raise StoreFault(
                f"The checkpoints of run {desk.run_id} cannot be written: {error}.",
                f"Free some disk space, then `bms resume {desk.run_id}`: what was finished is kept.",
            ) from error
        except (asyncio.CancelledError, KeyboardInterrupt):
            database = self._services.database
            database.patience = min(database.patience, LAST_PATIENCE_SECONDS)
            await _finished(self._stopped(desk, "interrupted"))
            raise
        except NotRecordedError as miss:
            await self._stopped(desk, f"the story has no recording of {miss.what}")
            raise
        except Exception as error:
            await self._stopped(desk, f"an unexpected {type(error).__name__}")
            raise
        return await self._arrived(desk)

    async def _stream(self, desk: Desk, work: Any) -> None:
        async for task in self.graph.astream(
            work, _config(desk.run_id), context=desk, stream_mode="tasks", durability="sync"
        ):
            if "input" in task:
                await desk.enter(task["name"], task["id"])

    async def _arrived(self, desk: Desk) -> Standing:
        pending = await self._pending(desk.run_id)
        if pending is not None:
            return await self._wait(desk, pending)
        values = (await self.graph.aget_state(_config(desk.run_id))).values
        ended = values.get("ended")
        if ended is None:
            status, detail = RunStatus.DONE, values.get("decision", "")
        else:
            rejected = values.get("approval", {}).get("action") == "reject"
            status, detail = (RunStatus.REJECTED if rejected else RunStatus.NOT_NEEDED), ended
        told = {"status": status.value, "sentence": detail}
        await self._rest(desk, status, detail, status.value, "ended", told)
        return Standing(status, None, detail)

    async def _wait(self, desk: Desk, pending: _Pending) -> Standing:
        """Whoever reads of the waiting finds the question beside it."""
        detail = _waits_for(pending.prompt)
        asked = {"prompt": pending.prompt.model_dump(mode="json"), "prompt_id": pending.id}
        await self._rest(desk, RunStatus.WAITING, detail, "waiting", "waiting", asked)
        return Standing(RunStatus.WAITING, pending.prompt, detail)

    async def _goes_on(self, desk: Desk) -> None:
        if not await desk.write(runs.set_status, RunStatus.RUNNING, "", self._services.wall.now()):
            raise cancelled(desk.run_id)

    async def _rest(
        self, desk: Desk, status: RunStatus, detail: str, stage: str, kind: str, told: dict[str, Any]
    ) -> None:
        now = self._services.wall.now()
        if not await desk.write(runs.set_and_tell, status, detail, stage, kind, told, now):
            raise cancelled(desk.run_id)

    async def _stopped(self, desk: Desk, sentence: str) -> None:
        # The database may be what failed, and the first failure is the one to tell. A run that was
        # interrupted because it was cancelled has been told of.
        with contextlib.suppress(Fault):
            await self._rest(desk, RunStatus.STOPPED, sentence, "stopped", "stopped", {"sentence": sentence})

    @contextlib.asynccontextmanager
    async def _heart(self, desk: Desk) -> AsyncIterator[None]:
        """Renew the lease while the body runs, and end it when the run is cancelled or taken over."""
        driver = asyncio.current_task()
        assert driver is not None
        reason: list[Fault] = []

        async def beat() -> None:
            healthy = time.monotonic()
            while not reason:
                await asyncio.sleep(HEARTBEAT_SECONDS)
                try:
                    await self._beat(desk)
                except CommitUnheard:
                    continue  # a renewal may be made twice
                except Fault as fault:
                    reason.append(fault)
                except Exception as error:  # noqa: BLE001 - without a heart no cancellation is heard of
                    if time.monotonic() - healthy >= leases.DURATION.total_seconds():
                        reason.append(_heartless(desk.run_id, error))
                else:
                    healthy = time.monotonic()
            driver.cancel()

        heart = asyncio.create_task(beat())
        try:
            yield
        except asyncio.CancelledError:
            if not reason:
                raise
            driver.uncancel()
            raise reason[0] from None
        finally:
            heart.cancel()

    async def _beat(self, desk: Desk) -> None:
        """Renew what is held; a Fault where it is held no more, or the run was cancelled."""
        await self._services.database.run(leases.renew, desk.lease, self._services.wall.now())
        if not await desk.lock.hold_on():
            raise leases.lost(desk.run_id)
        row = await self._services.database.look(runs.get, desk.run_id)
        if row.status == RunStatus.CANCELLED:
            raise cancelled(desk.run_id)


async def _at_its_end(desk: Desk) -> Standing | None:
    """How the run ended under the lease that was there before this one; :class:`Cancelled`."""
    row = await desk.look(runs.get)
    status = RunStatus(row.status)
    if status is RunStatus.CANCELLED:
        raise cancelled(desk.run_id)
    return Standing(status, None, row.detail) if status.ended else None


def cancelled(run_id: str) -> Cancelled:
    return Cancelled(f"Run {run_id} was cancelled.")


async def _finished(work: Coroutine[Any, Any, object]) -> None:
    """``work`` to its end, however often Ctrl-C is pressed meanwhile; that is told afterwards."""
    task = asyncio.ensure_future(work)
    interrupted: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            interrupted = error
    if interrupted is not None:
        raise interrupted from task.exception()
    task.result()


def _heartless(run_id: str, error: Exception) -> Fault:
    """What is told when the lease could not be looked after for as long as it holds."""
    fault = Fault(
        f"Run {run_id} could not be kept: {type(error).__name__}.", f"`bms resume {run_id}` goes on."
    )
    fault.__cause__ = error
    return fault


def _driven(session: Session, run_id: str) -> leases.AlreadyRunning:
    """What is told to whoever found the lock of a run taken."""
    row = session.get(LeaseRow, run_id)
    holder = row.holder if row is not None else ""
    return leases.already_running(run_id, holder or "another process:")


def _let_go(session: Session, lease: leases.Lease, order_id: int | None, problem: str, now: datetime) -> None:
    """Give the lease back, with the order that was carried out under it."""
    leases.release(session, lease)
    if order_id is not None:
        orders.finish(session, order_id, now, problem)


def cancel_run(session: Session, run_id: str, now: datetime) -> str:
    """End the run; whoever drives it stops within seconds. What happened, in a sentence."""
    row = runs.locked(session, run_id)
    if RunStatus(row.status).ended:
        if orders.open_order(session, row.id) is None:
            raise Conflict(f"Run {row.id} has already ended ({row.status}).")
        orders.withdraw(session, row.id, now)
        return "What it was to go on with had not begun."
    driver = leases.holder_of(session, row.id, now)
    sentence = "cancelled by a person"
    runs.set_status(session, row.id, RunStatus.CANCELLED, sentence, now)
    orders.withdraw(session, row.id, now)
    events.append(session, row.id, row.stage, "ended", {"status": "cancelled", "sentence": sentence}, now)
    return "It stops within a few seconds." if driver else "Nobody was driving it."


def create_run(
    database: Database,
    text: str,
    options: RunOptions,
    materials: Mapping[str, tuple[str, str]] = MappingProxyType({}),
    scenarios: Sequence[Scenario] = (),
) -> str:
    """Rows of a new run, which is not driven yet. Its id."""
    with database.session() as session:
        return create_in(session, text, options, materials, scenarios, SystemClock().now())


def create_in(
    session: Session,
    text: str,
    options: RunOptions,
    materials: Mapping[str, tuple[str, str]],
    scenarios: Sequence[Scenario],
    now: datetime,
) -> str:
    """Rows of a new run: its options, its materials by kind with their names and texts, the person's own
    scenarios. Its id."""
    run_id = runs.create(session, text, options.model_dump(mode="json"), now)
    session.flush()
    for kind, (name, content) in materials.items():
        runs.keep_material(session, run_id, kind, name, content, by_person=True)
    evaluation.keep_scenarios(session, run_id, scenarios)
    events.append(session, run_id, "intake", "created", {"text": text[:2000]}, now)
    return run_id


def _config(run_id: str) -> Any:
    return {"configurable": {"thread_id": run_id}, "recursion_limit": STEPS}


def _waits_for(prompt: Prompt) -> str:
    match prompt.kind:
        case "request":
            return "waits for an answer about the request"
        case "approval":
            return "waits for an approval of the table"
        case "scenarios":
            return "waits for a word on its drafted scenarios"
        case "judge":
            return "waits for a judge"
        case "labels":
            return f"waits for a person's verdicts on {counted(prompt.missing, 'answer')}"
        case "review":
            return "waits for a review of the answers"
