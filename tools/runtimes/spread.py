"""Several inference hosts as one runtime: requests go to the least busy of those that run the same model."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Sequence
from time import monotonic
from typing import Any, NamedTuple

from tools.concurrency import Throttle
from tools.runtimes.base import (
    Artefact,
    ChatReply,
    ChatRequest,
    LoadedModel,
    PullProgress,
    Runtime,
    RuntimeFault,
    RuntimeFaultKind,
    RuntimeName,
    RuntimeStatus,
)
from tools.runtimes.hosts import HostSpec
from tools.runtimes.merged import merged
from tools.runtimes.on_host import TellsDigests, another_digest, prove_on, pull_on
from tools.runtimes.places import WATCH, Host, Place, Team, Tell, Watch, nobody
from tools.runtimes.sameness import difference, short

STRIKES = 2
"""Calls in a row that a host does not answer and another one does, after which it is left out."""
MOST_TIMEOUTS = 2
"""Hosts on which one call may run into its time limit: then the call is to blame."""
GRACE_SECONDS = 60.0
"""After one host has loaded the model, the others are waited for so long; they may join later."""
REST_SECONDS = 1.0

_OUT_AT_ONCE = {
    RuntimeFaultKind.UNREACHABLE,
    RuntimeFaultKind.NOT_FOUND,
    RuntimeFaultKind.REJECTED,
    RuntimeFaultKind.OUT_OF_MEMORY,
    RuntimeFaultKind.DISK_FULL,
    RuntimeFaultKind.DIGEST_MISMATCH,
}
"""What is wrong with a host whatever it is asked. Of anything else the request may be the cause."""


class HostFacts(NamedTuple):
    """What an answer's conditions say of the host that made it."""

    host: str
    runtime: str
    runtime_version: str | None
    model: str
    digest: str | None
    quantization: str | None
    allocated_context: int | None


class SpreadRuntime:
    """A runtime over several hosts; :meth:`watched` tells of those that come and go.

    It is Ollama where one of the hosts is, and an OpenAI-compatible server otherwise: that decides by which
    name a model is known. A reply counts only when it is whole and the host's digest is still the one that
    was proved; any other call is made again on another host.

    Of one run at a time: what a model must be the same as is what was proved last.
    """

    def __init__(
        self, hosts: Sequence[tuple[HostSpec, Runtime]], *, clock: Callable[[], float] = monotonic
    ) -> None:
        """``hosts`` in the order in which a tie is broken, closed by :meth:`aclose`. ``clock`` in seconds."""
        self._hosts = tuple(Host(spec, runtime, Throttle(1)) for spec, runtime in hosts)
        kinds = {host.spec.runtime for host in self._hosts}
        self._name = RuntimeName.OLLAMA if RuntimeName.OLLAMA in kinds else RuntimeName.OPENAI
        self._clock = clock
        self._teams: dict[str, Team] = {}
        self._forming = asyncio.Lock()
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return f"SpreadRuntime({[host.spec.label for host in self._hosts]!r})"

    @property
    def name(self) -> RuntimeName:
        return self._name

    @property
    def hosts(self) -> tuple[Host, ...]:
        return self._hosts

    def pace(self, make: Callable[[RuntimeName], Throttle]) -> Throttle:
        """Bound every host by a throttle of its kind; one over all of them is returned."""
        for host in self._hosts:
            host.throttle = make(host.spec.runtime)
        return Throttle(sum(host.throttle.most for host in self._hosts))

    @contextlib.asynccontextmanager
    async def watched(self, tell: Tell) -> AsyncIterator[None]:
        """Tell of hosts that the calls inside find to come or go."""
        watch = Watch(tell)
        before = WATCH.set(watch)
        try:
            yield
        finally:
            WATCH.reset(before)
            await _end(watch.tasks)

    def expect(self, loaded: LoadedModel, *, context: int) -> None:
        """What an earlier process has proved: every host is held against it before it is used."""
        team = self._teams.get(loaded.artefact.name)
        if team is None or team.proved is None or team.proved.artefact.digest != loaded.artefact.digest:
            team = self._form(loaded.artefact.name)
            team.proved, team.context = loaded, context

    def facts(self, model: str, label: str) -> HostFacts:
        """What is known of a host that has answered."""
        host = next(host for host in self._hosts if host.spec.label == label)
        team = self._teams[model]
        place = next(place for place in team.places if place.host is host)
        seen = place.loaded or team.proved
        assert seen is not None
        name, digest = host.spec.runtime, seen.artefact.digest
        return HostFacts(
            label,
            name.value,
            host.version,
            place.name,
            digest if name is RuntimeName.OLLAMA else None,
            seen.artefact.quantization,
            seen.allocated_context,
        )

    async def statuses(self) -> list[tuple[HostSpec, RuntimeStatus]]:
        found = await asyncio.gather(*(host.runtime.status() for host in self._hosts))
        return [(host.spec, status) for host, status in zip(self._hosts, found, strict=True)]

    async def status(self) -> RuntimeStatus:
        found = await self.statuses()
        there = [(spec, status) for spec, status in found if status.available]
        versions = list(dict.fromkeys(status.version for _, status in there if status.version))
        missing = " ".join(status.detail for _, status in found if not status.available)
        detail = f"{len(there)} of {len(found)} hosts answer: {', '.join(spec.label for spec, _ in there)}."
        if not there:
            detail = f"None of {len(found)} hosts answers."
        return RuntimeStatus(bool(there), ", ".join(versions) or None, f"{detail} {missing}".strip())

    async def prove(self, model: str, *, context: int) -> Artefact:
        """What most hosts have, or would pull; where they are equally many, what the first listed one has."""
        places = [place for place in self._form(model).places if place.host.spec.runtime is self._name]
        asked = await asyncio.gather(*(prove_on(place, context) for place in places))
        found = [one.artefact for one in asked if one.artefact is not None]
        if not found:
            raise nobody([one.fault for one in asked if one.fault is not None])
        digests = [artefact.digest for artefact in found]
        chosen = max(found, key=lambda artefact: digests.count(artefact.digest))
        for place, one in zip(places, asked, strict=True):
            if one.fault is not None and not one.lacks:
                await place.leave_out(one.fault, self._clock())
            elif one.artefact is not None and one.artefact.digest != chosen.digest and not one.lacks:
                await place.leave_out(
                    another_digest(place, one.artefact.digest, chosen.digest), self._clock()
                )
        here = not any(one.lacks for one in asked)
        return chosen.model_copy(update={"name": model, "already_here": here})

    async def pull(self, artefact: Artefact) -> AsyncIterator[PullProgress]:
        """Onto every Ollama host that has nothing of that name; ends normally when one has the artefact."""
        team = self._teams.get(artefact.name) or self._form(artefact.name)
        places = [place for place in team.places if place.host.spec.runtime is self._name]
        faults: list[RuntimeFault] = []

        async def onto(place: Place) -> AsyncGenerator[PullProgress]:
            try:
                async with contextlib.aclosing(pull_on(place, artefact)) as steps:
                    async for step in steps:
                        yield step._replace(host=place.label)
            except RuntimeFault as fault:
                faults.append(fault)
                await place.leave_out(fault, self._clock())

        async with contextlib.aclosing(merged([onto(place) for place in places])) as steps:
            async for step in steps:
                yield step
        if len(faults) == len(places):
            raise nobody(faults)

    async def load(self, artefact: Artefact, *, context: int) -> LoadedModel:
        """On every host; the first listed one with room for the context is what the others must be like."""
        team = self._teams.get(artefact.name) or self._form(artefact.name)
        for place in team.places:
            place.loaded = None
        work = {asyncio.create_task(self._load_on(place, artefact, context)): place for place in team.places}
        try:
            await _first_and_grace(work)
            loaded = {work[task]: task.result() for task in work if task.done() and not task.exception()}
            faults = [(work[task], task.exception()) for task in work if task.done() and task.exception()]
        finally:
            await _end(set(work))
        for place, fault in faults:
            if not isinstance(fault, RuntimeFault):
                assert fault is not None
                raise fault
            await place.leave_out(fault, self._clock())
        mine = [place for place in loaded if place.host.spec.runtime is self._name]
        if not mine:
            raise nobody([place.fault for place in team.places if place.fault is not None])
        proved = _reference([loaded[place] for place in mine], context)
        team.proved, team.context = proved, context
        for place, seen in loaded.items():
            await self._compare(team, place, seen)
        return proved

    async def chat(self, model: str, request: ChatRequest) -> ChatReply:
        team = await self._team(model, request.context)
        await self._somebody(team)
        tried: dict[Place, RuntimeFault] = {}
        try:
            while (place := await self._free(team, tried)) is not None:
                try:
                    reply = await self._ask(team, place, request)
                except RuntimeFault as fault:
                    if fault.kind is RuntimeFaultKind.REFUSED:
                        raise
                    tried[place] = fault
                    place.doubts += 1
                    await self._failed(place, fault)
                    if [one.kind for one in tried.values()].count(RuntimeFaultKind.TIMEOUT) == MOST_TIMEOUTS:
                        break
                else:
                    await self._answered(place, tried)
                    return reply
            raise _outcome(team, tried)
        finally:
            for place in tried:
                place.doubts -= 1
            self._wake()

    async def unload(self, model: str) -> None:
        """On every host that can be reached."""
        team = self._teams.get(model) or self._form(model)

        async def on(place: Place) -> None:
            with contextlib.suppress(RuntimeFault):
                await place.host.runtime.unload(place.name)

        await asyncio.gather(*(on(place) for place in team.places))

    async def aclose(self) -> None:
        await _end(self._tasks)
        for host in self._hosts:
            await host.runtime.aclose()

    # --- who takes part ------------------------------------------------------------------------------------

    def _form(self, model: str) -> Team:
        places = []
        for host in self._hosts:
            vouched = host.spec.vouched(model)
            places.append(Place(host, vouched or model, vouched is not None))
        self._teams[model] = Team(model, tuple(places))
        return self._teams[model]

    async def _team(self, model: str, context: int) -> Team:
        async with self._forming:
            team = self._teams.get(model)
            if team is None or team.proved is None:
                await self.load(await self.prove(model, context=context), context=context)
                team = self._teams[model]
        return team

    async def _load_on(self, place: Place, artefact: Artefact, context: int) -> LoadedModel:
        runtime = place.host.runtime
        if place.host.spec.runtime is not RuntimeName.OLLAMA:
            if artefact.runtime is not place.host.spec.runtime and not place.vouched:
                raise RuntimeFault(
                    RuntimeFaultKind.DIGEST_MISMATCH,
                    f"{place.label} tells no digest, and BMS_RUNTIMES does not say which of its models is "
                    f"{artefact.name}.",
                    f"Where one is, write openai:{place.host.spec.url}#{artefact.name}=ITS_NAME.",
                )
            artefact = await runtime.prove(place.name, context=context)
        elif isinstance(runtime, TellsDigests) and artefact.digest is not None:
            digest = await runtime.stored_digest(place.name)
            if digest is not None and digest != artefact.digest:
                raise another_digest(place, digest, artefact.digest)
        loaded = await runtime.load(artefact, context=context)
        place.host.version = (await runtime.status()).version
        return loaded

    async def _compare(self, team: Team, place: Place, seen: LoadedModel) -> None:
        """Take a place in, or leave it out."""
        assert team.proved is not None
        unlike = difference(team.proved, seen, vouched=place.vouched)
        if unlike is None:
            by = short(seen.artefact.digest) if seen.artefact.digest else "no digest told"
            by += ", the same by a person's word" if place.vouched else ""
            await place.take_in(seen, f"{place.label} takes part with {place.name} ({by}).")
        else:
            fault = RuntimeFault(
                RuntimeFaultKind.DIGEST_MISMATCH,
                f"{place.label} {unlike}.",
                "Only hosts with the same model answer in one run.",
            )
            await place.leave_out(fault, self._clock())

    async def _admit(self, team: Team, place: Place) -> None:
        assert team.proved is not None
        try:
            seen = await self._load_on(place, team.proved.artefact, team.context)
            await self._compare(team, place, seen)
        except RuntimeFault as fault:
            await place.leave_out(fault, self._clock())
        finally:
            place.admission = None
            self._wake()

    async def _somebody(self, team: Team) -> None:
        """Try the hosts whose turn it is; where none takes part all of them, until one does."""
        nobody_is_in, now = not team.inside, self._clock()
        for place in team.places:
            its_turn = nobody_is_in or place.fault is None or now >= place.probe_at
            if place.loaded is None and place.admission is None and its_turn:
                place.admission = self._spawn(self._admit(team, place))
        waited = set(team.admissions) if nobody_is_in else set()
        while waited and not team.inside:
            done, waited = await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if not task.cancelled() and (error := task.exception()) is not None:
                    raise error

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        watch = WATCH.get()
        tasks = self._tasks if watch is None else watch.tasks
        task = asyncio.create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        return task

    # --- one call ------------------------------------------------------------------------------------------

    async def _free(self, team: Team, tried: dict[Place, RuntimeFault]) -> Place | None:
        """The least busy place that has not failed this call; None when there is none left."""
        while True:
            left = [place for place in team.inside if place not in tried]
            if not left and (team.inside or not team.admissions):
                return None
            now = self._clock()
            awake = [place for place in left if place.host.rests_until <= now]
            # A host with a doubt on it gets nothing more until it is known whose fault it was.
            trusted = [place for place in awake if not place.doubts] or awake
            if free := [place for place in trusted if place.host.throttle.has_room]:
                return min(free, key=lambda place: place.load)
            if left and not awake:
                seconds = min(place.host.rests_until for place in left) - now
                sentence = f"{_labels(left)} said to be busy."
                raise RuntimeFault(RuntimeFaultKind.BUSY, sentence, "Try again.", retry_after_seconds=seconds)
            await self._changed.wait()

    async def _ask(self, team: Team, place: Place, request: ChatRequest) -> ChatReply:
        place.begun += 1
        try:
            async with place.host.throttle:
                reply = await place.host.runtime.chat(place.name, request)
                await self._check(team, place)
        finally:
            self._wake()
        return reply.model_copy(update={"host": place.label})

    async def _check(self, team: Team, place: Place) -> None:
        """Somebody may have pulled a newer model under the same name while this one answered.

        A host that cannot be asked has answered all the same: its next call finds out.
        """
        assert team.proved is not None
        proved = team.proved.artefact.digest
        if proved is None or not isinstance(place.host.runtime, TellsDigests):
            return
        try:
            digest = await place.host.runtime.stored_digest(place.name)
        except RuntimeFault:
            return
        if digest is not None and digest != proved:
            raise another_digest(place, digest, proved)

    async def _failed(self, place: Place, fault: RuntimeFault) -> None:
        if fault.kind in _OUT_AT_ONCE:
            await place.leave_out(fault, self._clock())
        elif fault.kind is RuntimeFaultKind.BUSY:
            place.host.throttle.complain()
            place.host.rests_until = self._clock() + (fault.retry_after_seconds or REST_SECONDS)
        else:
            place.failures += 1
            if fault.kind is RuntimeFaultKind.TIMEOUT:
                place.host.throttle.complain()

    async def _answered(self, place: Place, tried: dict[Place, RuntimeFault]) -> None:
        """What others failed and this one answered was not the request's fault."""
        place.failures = place.strikes = 0
        for other, fault in tried.items():
            if fault.kind not in _OUT_AT_ONCE and fault.kind is not RuntimeFaultKind.BUSY:
                other.strikes += 1
                if other.strikes >= STRIKES and other.loaded is not None:
                    await other.leave_out(fault, self._clock())

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _reference(loaded: Sequence[LoadedModel], context: int) -> LoadedModel:
    def room(one: LoadedModel) -> int:
        return context if one.allocated_context is None else min(one.allocated_context, context)

    return max(loaded, key=room)


def _outcome(team: Team, tried: dict[Place, RuntimeFault]) -> RuntimeFault:
    """The fault of a call that nobody answered: of a host that still takes part, where there is one."""
    still = [fault for place, fault in tried.items() if place.loaded is not None]
    if still:
        return still[-1]
    faults = [place.fault for place in team.places if place.fault is not None]
    return nobody(faults or list(tried.values()))


def _labels(places: Sequence[Place]) -> str:
    return " and ".join(place.label for place in places)


async def _first_and_grace(work: dict[asyncio.Task[LoadedModel], Place]) -> None:
    """Wait until one has succeeded or all have ended, then a while for the rest."""
    left = set(work)
    while left and all(task.exception() for task in set(work) - left):
        _, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
    if left:
        await asyncio.wait(left, timeout=GRACE_SECONDS)


async def _end(tasks: set[Any]) -> None:
    running = {task for task in tasks if not task.done()}
    for task in running:
        task.cancel()
    if running:
        await asyncio.wait(running)
