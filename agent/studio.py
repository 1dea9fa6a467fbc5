"""The journey as ``langgraph dev`` and Studio open it: every station, with the platform's own checkpoints.

The platform hands in neither desk nor services, so each station finds the desk of its run itself. Rows,
events and lease are those of every other run: what Studio drives is seen on the page, and answered here.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, get_type_hints

from langgraph.constants import END
from langgraph.errors import GraphInterrupt
from langgraph.runtime import Runtime
from langgraph.types import Command
from pydantic import ValidationError
from sqlalchemy.orm import Session
from typing_extensions import TypedDict

from agent.wishes import Wishes, check, options_of, out_dir_of, words_of
from graphs.desk import Desk
from graphs.journey import build_graph
from graphs.options import RunOptions
from graphs.runner import cancelled, create_in
from graphs.state import Journey
from store import creations, leases, runs
from store.database import Database
from store.locks import Lock
from store.schema import RunRow, RunStatus
from tools.clock import SystemClock
from tools.faults import Conflict, Fault, WrongUse

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph

    from agent.settings import Settings

HEARTBEAT_SECONDS = 5.0
WAITS = "waits for an answer in LangGraph Studio"


class Begin(TypedDict, total=False):
    """What a person types in Studio: one of the three."""

    text: str
    """A request: evaluate 8B models for therapy coaching."""
    story: str
    """A recorded story to be replayed: therapy-8b."""
    run_id: str
    """A run that there is already."""


class Opening(Begin, Journey, total=False):
    """State of the first station, which makes a run of what was typed."""


class Room:
    """The desk of one drive: opened at the first station that needs it, kept until the drive ends."""

    def __init__(self, stack: AsyncExitStack, thread_id: str) -> None:
        self._stack = stack
        self._thread_id = thread_id
        self._desk: Desk | None = None
        self._lost: Fault | None = None

    async def desk(self, state: Opening) -> Desk:
        """The desk; raises what stands against going on: the run has ended, or another process drives it."""
        if self._desk is None:
            self._desk = await self._opened(state)
        if self._lost is not None:
            raise self._lost
        return self._desk

    async def _opened(self, state: Opening) -> Desk:
        from agent.settings import load_settings

        settings = await asyncio.to_thread(load_settings)
        database = await asyncio.to_thread(Database, settings.rows_url)
        self._stack.push_async_callback(asyncio.to_thread, database.close)
        run_id = state.get("run_id") or await self._created(settings, database, state)
        row = await database.look(runs.get, run_id)
        if RunStatus(row.status).ended:
            raise _ended(row)
        services = await self._services(settings, database, row.id)
        clock = SystemClock()
        lock = Lock(database, f"run:{row.id}")
        self._stack.push_async_callback(lock.release)
        if not await lock.take():
            raise leases.already_running(row.id, "another process:")
        lease = await database.run(
            leases.take, row.id, leases.this_process(), clock.now(), alone=lock.is_held
        )
        self._stack.push_async_callback(database.run, leases.release, lease)
        desk = Desk(row.id, RunOptions.model_validate(row.options), services, lease, lock)
        heart = asyncio.create_task(self._beat(desk))
        self._stack.callback(heart.cancel)
        if not await desk.write(runs.set_status, RunStatus.RUNNING, "", clock.now()):
            raise _ended(await desk.look(runs.get))  # before the lease was ours
        return desk

    async def _services(self, settings: Settings, database: Database, run_id: str) -> Any:
        from agent.drive import story_of
        from agent.replaying import replay
        from agent.services import open_services

        story = await asyncio.to_thread(story_of, database, run_id)
        if story is not None:
            await self._stack.enter_async_context(replay(settings, database, story, run_id))
        return await self._stack.enter_async_context(open_services(settings, database, story=story))

    async def _created(self, settings: Settings, database: Database, state: Opening) -> str:
        """A new run of what was typed; a thread makes one, however often its first station is begun."""
        given = {key: state[key] for key in ("text", "story") if state.get(key)}
        try:
            wishes = Wishes.model_validate(given)
        except ValidationError as error:
            first = error.errors()[0]
            raise WrongUse(f"{'.'.join(map(str, first['loc']))}: {first['msg']}.") from error

        def work(session: Session) -> str:
            key, now = f"studio:{self._thread_id}", SystemClock().now()
            known = creations.run_of(session, key, wishes.fingerprint)
            if known is not None:
                return known
            check(wishes)
            options, text = options_of(wishes, settings), words_of(wishes) if wishes.text else ""
            if wishes.story is not None:
                from agent.story import load_story

                text = load_story(wishes.story).about.text
            run_id = create_in(session, text, options, wishes.materials, wishes.scenarios, now)
            own = options.model_copy(update={"out_dir": out_dir_of(run_id)})
            runs.set_options(session, run_id, own.model_dump(mode="json"), now)
            creations.keep(session, key, wishes.fingerprint, run_id, now)
            return run_id

        return await database.run(work)

    async def _beat(self, desk: Desk) -> None:
        """Keep the lease; what speaks against going on is told to the next station."""
        while self._lost is None:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            try:
                await desk.services.database.run(leases.renew, desk.lease, desk.services.wall.now())
                row = await desk.look(runs.get)
            except Fault as fault:
                self._lost = fault
            else:
                if row.status == RunStatus.CANCELLED:
                    self._lost = cancelled(desk.run_id)


def furnished(room: Room) -> Callable[[str, Any], Any]:
    """Stations that find their desk in the room, and tell the rows where the run is."""

    def furnish(name: str, station: Any) -> Any:
        takes_runtime = "runtime" in inspect.signature(station).parameters

        async def at_desk(state: Any, runtime: Runtime[Any]) -> Any:
            desk = await room.desk(state)
            now = desk.services.wall.now
            await desk.write_and_say(name, "stage", {}, runs.set_stage, name, now())
            inner = {**state, "run_id": desk.run_id}
            try:
                if takes_runtime:
                    found = await station(inner, dataclasses.replace(runtime, context=desk))
                else:
                    found = await station(inner)
            except GraphInterrupt as asked:
                await _wait(desk, asked)
                raise
            except Fault as fault:
                await _stop(desk, str(fault))
                raise
            except (asyncio.CancelledError, Exception) as error:
                await asyncio.shield(_stop(desk, f"an unexpected {type(error).__name__}"))
                raise
            await _arrive(desk, name, inner, found)
            return _with_run(found, desk.run_id) if name == "intake" else found

        hints = get_type_hints(station)
        at_desk.__name__ = name
        at_desk.__doc__ = station.__doc__
        at_desk.__annotations__ = {
            "state": Opening if name == "intake" else Journey,
            "runtime": Runtime[Any],
            "return": hints.get("return", Journey),
        }
        return at_desk

    return furnish


def _ended(row: RunRow) -> Conflict:
    return Conflict(f"Run {row.id} has ended ({row.status}).", "A new thread begins a new run.")


def _with_run(found: Any, run_id: str) -> Any:
    """The first station tells the others which run it is."""
    if isinstance(found, Command):
        return dataclasses.replace(found, update={**(found.update or {}), "run_id": run_id})
    return {**(found or {}), "run_id": run_id}


async def _wait(desk: Desk, asked: GraphInterrupt) -> None:
    """The question is in the platform's checkpoint: it is named in the rows, and not to be answered there."""
    (interrupt, *_) = asked.args[0]
    value = interrupt.value if isinstance(interrupt.value, dict) else {}
    told = {"prompt": value, "where": "LangGraph Studio"}
    now = desk.services.wall.now()
    if not await desk.write(runs.set_and_tell, RunStatus.WAITING, WAITS, "waiting", "waiting", told, now):
        raise cancelled(desk.run_id)


async def _stop(desk: Desk, sentence: str) -> None:
    # The first failure is the one to tell; and a run that was cancelled has been told of.
    with contextlib.suppress(Fault):
        told = {"sentence": sentence}
        now = desk.services.wall.now()
        await desk.write(runs.set_and_tell, RunStatus.STOPPED, sentence, "stopped", "stopped", told, now)


async def _arrive(desk: Desk, name: str, state: Any, found: Any) -> None:
    """Write down that the run has ended, where it has."""
    update = (found.update if isinstance(found, Command) else found) or {}
    if isinstance(found, Command) and found.goto == END:
        rejected = state.get("approval", {}).get("action") == "reject"
        status = RunStatus.REJECTED if rejected else RunStatus.NOT_NEEDED
        sentence = str(update.get("ended") or "")
    elif name == "document":
        status, sentence = RunStatus.DONE, str(state.get("decision", ""))
    else:
        return
    told = {"status": status.value, "sentence": sentence}
    now = desk.services.wall.now()
    if not await desk.write(runs.set_and_tell, status, sentence, status.value, "ended", told, now):
        raise cancelled(desk.run_id)


def journey(room: Room) -> CompiledStateGraph[Any, Any, Any, Any]:
    return build_graph(furnish=furnished(room), begun_with=Begin)


@asynccontextmanager
async def graph(config: dict[str, Any]) -> AsyncIterator[CompiledStateGraph[Any, Any, Any, Any]]:
    """The graph for one request of the platform, which brings its checkpointer (see ``langgraph.json``)."""
    thread_id = str((config.get("configurable") or {}).get("thread_id", ""))
    async with AsyncExitStack() as stack:
        yield journey(Room(stack, thread_id))
