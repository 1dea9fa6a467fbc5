"""Hosts, and what is known of a model on each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from tools.concurrency import Throttle
from tools.runtimes.base import LoadedModel, Runtime, RuntimeFault, RuntimeFaultKind
from tools.runtimes.hosts import HostSpec

FIRST_PROBE_SECONDS = 30.0
LAST_PROBE_SECONDS = 300.0
"""A host that was left out is tried again after the first, then after twice as long, up to the last."""


class HostNews(NamedTuple):
    """A host that takes part, or does so no more."""

    host: str
    state: Literal["in", "out", "back"]
    sentence: str


Tell = Callable[[HostNews], Awaitable[None]]


@dataclass
class Watch:
    """Who wants to be told of hosts, and the trying of hosts that goes on for them."""

    tell: Tell
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


WATCH: ContextVar[Watch | None] = ContextVar("watch", default=None)
"""Of the run that a call is made for."""


async def tell(news: HostNews) -> None:
    watch = WATCH.get()
    if watch is not None:
        await watch.tell(news)


@dataclass(eq=False)
class Host:
    """One endpoint, with the requests under way there."""

    spec: HostSpec
    runtime: Runtime
    throttle: Throttle
    rests_until: float = 0.0
    """It said that it is busy: nothing is sent before this time."""
    version: str | None = None


@dataclass(eq=False)
class Place:
    """One model on one host."""

    host: Host
    name: str
    """Of the model there."""
    vouched: bool
    """A person says that it is the same model."""
    loaded: LoadedModel | None = None
    """What was seen there when it was taken in; None while it takes no part."""
    fault: RuntimeFault | None = None
    """Why it was left out; None while nothing is known."""
    failures: int = 0
    """Calls in a row without an answer, whosever fault that was."""
    strikes: int = 0
    """Calls in a row without an answer that another host then gave."""
    doubts: int = 0
    """Calls that failed here and are under way elsewhere now, which will show whose fault it was."""
    begun: int = 0
    probe_at: float = 0.0
    probe_seconds: float = FIRST_PROBE_SECONDS
    admission: asyncio.Task[None] | None = None
    """Its being tried at this moment."""

    @property
    def label(self) -> str:
        return self.host.spec.label

    @property
    def load(self) -> tuple[int, float, int]:
        """The smaller, the sooner it gets the next request."""
        throttle = self.host.throttle
        return self.failures, throttle.under_way / throttle.limit, self.begun

    async def take_in(self, loaded: LoadedModel, sentence: str) -> None:
        news = HostNews(self.label, "in" if self.fault is None else "back", sentence)
        self.loaded, self.fault = loaded, None
        self.failures = self.strikes = 0
        self.probe_seconds = FIRST_PROBE_SECONDS
        await tell(news)

    async def leave_out(self, fault: RuntimeFault, now: float) -> None:
        known = self.loaded is None and self.fault is not None and self.fault.kind is fault.kind
        self.loaded, self.fault = None, fault
        self.probe_at = now + self.probe_seconds
        self.probe_seconds = min(2 * self.probe_seconds, LAST_PROBE_SECONDS)
        if not known:
            named = self.label in fault.sentence
            sentence = f"{fault.sentence} {'It' if named else self.label} is left out."
            await tell(HostNews(self.label, "out", sentence))


@dataclass(eq=False)
class Team:
    """The places of one model."""

    model: str
    places: tuple[Place, ...]
    context: int = 0
    """Tokens that were wanted."""
    proved: LoadedModel | None = None
    """What every place must be the same as; None before the first was loaded."""

    @property
    def inside(self) -> list[Place]:
        return [place for place in self.places if place.loaded is not None]

    @property
    def admissions(self) -> list[asyncio.Task[None]]:
        return [place.admission for place in self.places if place.admission is not None]


def nobody(faults: Sequence[RuntimeFault]) -> RuntimeFault:
    """The fault when no host is left: of a kind that may pass where any of theirs may."""
    if len(faults) == 1:
        return faults[0]
    kinds = {fault.kind for fault in faults}
    kind = RuntimeFaultKind.UNREACHABLE
    if len(kinds) == 1 or not any(one.retryable for one in kinds):
        kind = faults[0].kind
    sentences = " ".join(dict.fromkeys(fault.sentence for fault in faults))
    return RuntimeFault(
        kind,
        f"None of the {len(faults)} hosts can be used. {sentences}",
        faults[0].next_step or "`bms doctor` shows every host.",
    )
