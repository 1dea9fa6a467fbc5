"""``bms`` on the stand-ins, in a process that tells when it is in the middle of a station.

The process knows nothing of the fault that strikes it: at the chosen write of a station it tells whoever
watches where it is, and goes on when it is answered, if it is still there. The answer can set its clock, or
say that its disk has no room.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import functools
import json
import resource
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel

from tests.standins.world import Addresses

FAMILIES = frozenset({"qwen3", "llama3.1", "gemma3"})


class Part(BaseModel):
    """What a driver is told: where the world is, and where it is to stop."""

    watcher: str
    """Path of the Unix socket that it tells."""
    addresses: Addresses
    ollama: str
    stops: dict[str, int] = {}
    """By station, after which of its writes; 0 is when it is done and its checkpoint is not written."""
    survey: bool = False
    """Tell of the end of every station, too."""
    together: bool = False
    """Tell before anything begins, too: several that are let go at once begin at the same time."""
    in_background: bool = False
    """Whether Ctrl-C is ignored, as in what a script begins with ``&``."""
    lease_seconds: float | None = None
    """How long its lease lasts; it is renewed three times in that."""


SETTLES_SECONDS = 0.1


class Elsewhere:
    """A world in another process."""

    def __init__(self, addresses: Addresses) -> None:
        self.addresses = addresses
        self.routes = addresses.routes


class _Watched:
    """Where this process is, told to the watcher."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._told: set[tuple[str, bool]] = set()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(part.watcher)
        self._replies = self._socket.makefile("r", encoding="utf-8")
        self.station, self.writes = "", 0
        self.ahead = timedelta(0)
        """What the clock of this process is wrong by."""

    def entered(self, station: str) -> None:
        self.station, self.writes = station, 0

    def wrote(self) -> None:
        self.writes += 1
        if self.station and self._part.stops.get(self.station) == self.writes:
            self.tell(left=False)

    def left(self) -> None:
        if self._part.stops.get(self.station) == 0:
            self.tell(left=False)
        if self._part.survey:
            self.tell(left=True)
        self.station = ""

    def tell(self, *, left: bool) -> None:
        """Say where this is, once, and wait for an answer."""
        if (self.station, left) in self._told:
            return
        self._told.add((self.station, left))
        line = json.dumps({"station": self.station, "writes": self.writes, "left": left}) + "\n"
        self._socket.sendall(line.encode())
        answer = json.loads(self._replies.readline() or "{}")
        self.ahead += timedelta(seconds=answer.get("jump", 0))
        if answer.get("full"):
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))


def arm(part: Part) -> _Watched:
    """Put the stand-ins in place of the world, and the watcher's eyes at every station."""
    watched = _Watched(part)
    _know_few_families()
    _on_the_stand_ins(part)
    _watch_stations(watched)
    _own_clock(watched)
    if part.lease_seconds is not None:
        from graphs import runner
        from store import leases

        leases.DURATION = timedelta(seconds=part.lease_seconds)
        runner.HEARTBEAT_SECONDS = part.lease_seconds / 3
    return watched


def _know_few_families() -> None:
    """Research asks for each family that it knows; with :data:`FAMILIES` it takes a second."""
    import yaml

    from tools.knowledge import loader

    text = loader.knowledge_text

    def shorter(name: str) -> str:
        if name != "families.yaml":
            return text(name)
        known = yaml.load(text(name), Loader=yaml.CSafeLoader)["families"]
        return yaml.safe_dump({"families": [family for family in known if family["key"] in FAMILIES]})

    loader.knowledge_text = shorter
    loader._load.cache_clear()


def _on_the_stand_ins(part: Part) -> None:
    import agent.services
    from tests.standins.stage import staged

    @contextlib.asynccontextmanager
    async def services(_settings: Any, database: Any, **_: Any) -> AsyncIterator[Any]:
        world: Any = Elsewhere(part.addresses)
        async with staged(world, None, database, ollama_host=part.ollama) as opened:  # type: ignore[arg-type]
            yield opened

    agent.services.open_services = services


def _watch_stations(watched: _Watched) -> None:
    from graphs import journey
    from graphs.desk import Desk

    def seen(name: str, station: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        @functools.wraps(station)
        async def around(*args: Any, **kwargs: Any) -> Any:
            watched.entered(name)
            result = await station(*args, **kwargs)
            # LangGraph stores what it knows of the step meanwhile; asleep in the middle of that, the process
            # would hold the file's lock, and nobody could take over.
            await asyncio.sleep(SETTLES_SECONDS)
            watched.left()
            return result

        return around

    for name, station in journey.STATIONS.items():
        journey.STATIONS[name] = seen(name, station)
    write = Desk.write

    async def counted(self: Desk, *args: Any, **kwargs: Any) -> Any:
        result = await write(self, *args, **kwargs)
        watched.wrote()
        return result

    Desk.write = counted  # type: ignore[method-assign]


def _own_clock(watched: _Watched) -> None:
    from tools.clock import SystemClock

    now = SystemClock.now

    def ahead(self: SystemClock) -> datetime:
        return now(self) + watched.ahead

    SystemClock.now = ahead  # type: ignore[method-assign]


def main(arguments: list[str]) -> None:
    """``PART ARGUMENT …`` runs ``bms ARGUMENT …``."""
    from agent.cli import main as bms

    faulthandler.register(signal.SIGUSR1)
    part = Part.model_validate_json(arguments[0])
    if part.in_background:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    watched = arm(part)
    if part.together:
        watched.tell(left=False)
    bms(arguments[1:])
