"""What a node works with: the services of this process, the rows of this run, and its lease on them."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, NamedTuple, ParamSpec, Protocol, TypeVar

from sqlalchemy.orm import Session

from graphs.options import RunOptions
from graphs.told import Told
from store import events, leases, runs
from store.database import CommitUnheard, Database
from store.locks import Lock
from store.schema import EventRow
from tools.clock import Clock, SystemClock
from tools.request import EvaluationRequest
from tools.runtimes import Artefact, ChatReply, ChatRequest, Runtime, RuntimeName, RuntimeStatus
from tools.runtimes.memory import Shortfall
from tools.search import SearchEngine
from tools.search.chain import SearchChain
from tools.web import Web
from tools.web.patience import PatientWeb

if TYPE_CHECKING:
    from tools.runtimes.host_status import HostStatus

WAIT_BUDGET_SECONDS = 300.0
"""Seconds that a drive waits, in all, for hosts that limit requests; and as many for engines that block."""

P = ParamSpec("P")
R = TypeVar("R")


class NamedModel(NamedTuple):
    """A model that can be asked: the judge, or the agent's own."""

    spec: str
    """``provider:model``."""
    runtime: Runtime
    model: str

    async def chat(self, request: ChatRequest) -> ChatReply:
        return await self.runtime.chat(self.model, request)


class ChooseRuntime(Protocol):
    """The candidate's runtime by preference (auto, ollama, llamacpp, openai); a model's name may decide."""

    async def __call__(self, preference: str, *, model: str | None = None) -> Runtime: ...


class Replayed(NamedTuple):
    """A recorded story that a run replays."""

    story: str
    provenance: str
    """Which hosts were recorded live, from a local server, or authored; one sentence."""


@dataclass(frozen=True)
class Services:
    """Everything outside a run that its nodes use. Made once per process and closed by whoever made it."""

    database: Database
    web: Web
    engines: tuple[SearchEngine, ...]
    """Search engines in the order in which they are tried."""
    choose_runtime: ChooseRuntime
    open_model: Callable[[str], Awaitable[NamedModel]]
    """A judge or brain by ``provider:model``."""
    read_request: Callable[..., Any]
    """The intake rules (they live above this package)."""
    hub_endpoint: str
    registry_url: str
    check_room: Callable[[Artefact, int | None], Sequence[Shortfall]]
    """What an artefact lacks in disk and memory; the second argument is a memory budget in bytes."""
    data_dir: Path = Path()
    """What an ``out_dir`` that is not absolute begins at."""
    max_age: timedelta | None = None
    """How old may be what another run has read and this one uses; None when runs lend each other nothing."""
    leaderboards: bool = True
    """Whether public leaderboards are read."""
    replayed: Replayed | None = None
    """The story that is replayed; None for a live run."""
    runtime_statuses: Callable[[], Awaitable[Mapping[RuntimeName, RuntimeStatus]]] | None = None
    """Every runtime and whether it can be used; for people, no node asks."""
    host_statuses: Callable[[], Awaitable[Sequence[HostStatus]]] | None = None
    """Every inference host of the list, and what it has; for people too."""
    clock: Clock = field(default_factory=SystemClock)
    """The run's own time; a replay's stands still."""
    wall: Clock = field(default_factory=SystemClock)
    """The machine's time, for leases, events and rows."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    slow_down: Callable[[str, float], None] | None = None
    """Spaces the requests to a host by so many seconds, as its robots.txt asks for."""


@dataclass
class _Held:
    """When this process last saw that the lease is its own."""

    at: datetime | None = None


@dataclass(frozen=True)
class Desk:
    """One run on one process's desk. Every write checks in its own transaction that the lease still holds."""

    run_id: str
    options: RunOptions
    services: Services
    lease: leases.Lease
    lock: Lock
    """Held for the whole of the drive, where the database has such a thing."""
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)
    _told: Told = field(default_factory=Told, repr=False)
    _held: _Held = field(default_factory=_Held, repr=False)

    async def look(
        self, query: Callable[Concatenate[Session, str, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """``query(session, run_id, …)`` for reading."""
        return await self.services.database.look(query, self.run_id, *args, **kwargs)

    async def write(
        self, query: Callable[Concatenate[Session, str, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """``query(session, run_id, …)`` in a transaction, refused when another process took over.

        Where the database went away in the middle of the commit, the mark on the lease tells what became of
        it. So there is one write of a run at a time; the next one would cover the mark.
        """
        database = self.services.database
        answers: list[R] = []

        async with self._writing:
            write = secrets.token_hex(16)

            def fenced(session: Session) -> R:
                leases.mark(session, self.lease, write)
                answers.append(query(session, self.run_id, *args, **kwargs))
                return answers[-1]

            now = self.services.wall.now()
            while True:
                try:
                    answer = await database.run(fenced)
                except CommitUnheard:
                    if not await database.look(leases.marked, self.lease, write):
                        continue
                    answer = answers[-1]
                self._held.at = now
                return answer

    async def make_sure(self) -> None:
        """Before a model is asked: :class:`~store.leases.LostLease` where this process was away for so long
        that another may have taken over, and has. It would be paid for what the other has asked for."""
        now, seen = self.services.wall.now(), self._held.at
        if seen is None or not timedelta(0) <= now - seen < leases.DURATION:
            await self.services.database.look(leases.check, self.lease)
            self._held.at = now

    async def write_and_say(
        self,
        stage: str,
        kind: str,
        data: Mapping[str, Any] | Callable[[R], Mapping[str, Any]],
        query: Callable[Concatenate[Session, str, P], R],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """``query`` and the event that tells of it in one transaction: neither is ever without the other.

        ``data`` may be made of what ``query`` gives back.
        """

        def both(session: Session, run_id: str) -> tuple[R, dict[str, Any]]:
            result = query(session, run_id, *args, **kwargs)
            told = dict(data(result) if callable(data) else data)
            if not self._told.knows(stage, kind, told):
                events.append(session, run_id, stage, kind, told, self.services.wall.now())
            return result, told

        result, told = await self.write(both)
        self._told.tell(stage, kind, told)
        return result

    async def say(self, stage: str, kind: str, /, **data: Any) -> None:
        """Append an event, unless this station has told the same before its process died."""
        if not self._told.tell(stage, kind, data):
            await self.write(events.append, stage, kind, data, self.services.wall.now())

    async def enter(self, station: str, task: str) -> None:
        """Tell that a station begins, or begins again; ``task`` names this visit to it."""
        now = self.services.wall.now()

        def begin(session: Session, run_id: str) -> list[EventRow]:
            before = events.of_visit(session, run_id, task)
            runs.set_stage(session, run_id, station, now)
            events.append(session, run_id, station, "stage", {"task": task}, now)
            return before

        before = await self.write(begin)
        self._told.before((event.stage, event.kind, event.data) for event in before)

    @cached_property
    def search(self) -> SearchChain:
        """The engines behind one another, with this drive's patience for those that block."""
        waits = WAIT_BUDGET_SECONDS if self.services.replayed is None else 0.0
        return SearchChain(self.services.engines, wait_budget_seconds=waits, sleep=self.services.sleep)

    @cached_property
    def web(self) -> Web:
        """The page reader with this drive's patience for hosts that limit requests."""
        waits = WAIT_BUDGET_SECONDS if self.services.replayed is None else 0.0
        return PatientWeb(self.services.web, budget_seconds=waits, sleep=self.services.sleep)

    async def request(self) -> EvaluationRequest:
        return await self.look(runs.request_of)
