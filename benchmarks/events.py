"""Readers of one run while its server is killed: ``python -m benchmarks.events``, with ``--small``,
``--postgres`` or ``--json``.

Real processes and sockets: the service as ``bms serve`` starts it, a writer that appends events to the rows
as a driven run does, and readers that connect again with ``Last-Event-ID`` as a browser does.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import Any, NamedTuple

import psutil

from store import events, runs
from store.database import Database, sqlite_url
from tests.standins.postgres import Postgres
from tests.standins.service import Served, serving
from tools.clock import SystemClock

RETRY_SECONDS = 0.2
SETTLE_SECONDS = 2.0
"""After a restart: how long latencies still say more of the restart than of the service."""
PATIENCE_SECONDS = 120.0
ROOT = Path(__file__).parents[1]


class Size(NamedTuple):
    readers: int
    events: int
    per_second: float
    kills: int
    idle_seconds: float
    """How long the server is looked at while nothing happens."""


FULL = Size(readers=50, events=2000, per_second=100, kills=2, idle_seconds=5)
SMALL = Size(readers=8, events=300, per_second=300, kills=1, idle_seconds=0.5)


@dataclass
class Reader:
    """One client: what it got, and how long each event took to come."""

    port: int
    run_id: str
    last: int = 0
    got: Counter[int] = field(default_factory=Counter)
    arrivals: list[tuple[float, float]] = field(default_factory=list)
    """When an event was appended, and when it came; seconds since the epoch."""
    connections: int = 0
    out_of_order: int = 0

    async def read(self, until: int) -> None:
        """Follow the run until event ``until``, through every loss of the connection."""
        while self.last < until:
            try:
                await self._connected(until)
            except (OSError, asyncio.IncompleteReadError):
                await asyncio.sleep(RETRY_SECONDS)

    async def _connected(self, until: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            head = f"GET /api/runs/{self.run_id}/events HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
            again = f"Last-Event-ID: {self.last}\r\n" if self.last else ""
            writer.write(f"{head}Accept: text/event-stream\r\n{again}\r\n".encode())
            answer = await reader.readuntil(b"\r\n\r\n")
            if b" 200 " not in answer.partition(b"\r\n")[0]:
                raise OSError(answer.decode("latin-1"))
            self.connections += 1
            async for event in parsed(reader):
                self._take(event)
                if self.last >= until:
                    return
        finally:
            writer.close()

    def _take(self, event: dict[str, str]) -> None:
        seq = int(event["id"])
        self.out_of_order += seq != self.last + 1
        self.last = seq
        self.got[seq] += 1
        sent = json.loads(event["data"])["data"].get("sent")
        if sent is not None:
            self.arrivals.append((sent, time.time()))


async def parsed(reader: asyncio.StreamReader) -> AsyncIterator[dict[str, str]]:
    """Events of a chunked response; only those that are whole, as the standard has it."""
    kept = b""
    while True:
        size = int(await reader.readuntil(b"\r\n"), 16)
        kept += (await reader.readexactly(size + 2))[:-2]
        if not size:
            raise OSError("the stream has ended")
        *whole, kept = kept.split(b"\n\n")
        for block in whole:
            lines = [line.partition(": ") for line in block.decode().splitlines()]
            event = {name: value for name, _, value in lines if name}
            if "id" in event:
                yield event


def write(url: str, run_id: str, count: int, per_second: float) -> None:
    """Append events, each in a transaction of its own, as fast as ``per_second``; the last one when standard
    input has ended."""
    clock = SystemClock()
    begun = time.monotonic()
    with Database(url) as database:
        for number in range(count):
            time.sleep(max(0.0, begun + number / per_second - time.monotonic()))
            if number == count - 1:
                sys.stdin.read()
            with database.session() as session:
                data = {"number": number, "sent": time.time(), "words": "x" * 200}
                events.append(session, run_id, "research", "measured", data, clock.now())


def measure(size: Size, *, postgres: bool = False) -> dict[str, Any]:
    """On SQLite, or on a PostgreSQL of its own."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        home = Path(folder) / "home"
        home.mkdir()
        url = sqlite_url(home / "bms.sqlite")
        if postgres:
            server = Postgres(Path(folder) / "postgres")
            stack.callback(server.close)
            url = server.make()
        with Database(url) as database, database.session() as session:
            run_id = runs.create(
                session, "a run whose events are read", {"out_dir": folder}, SystemClock().now()
            )
            first = events.append(session, run_id, "intake", "created", {}, SystemClock().now())
        with serving(home, BMS_DATABASE_URL=url) as served:
            return asyncio.run(_measured(size, served, url, run_id, first))


async def _measured(size: Size, served: Served, url: str, run_id: str, first: int) -> dict[str, Any]:
    alone = await _load(served, size.idle_seconds)
    until = first + size.events
    readers = [Reader(served.port, run_id) for _ in range(size.readers)]
    reading = [asyncio.create_task(reader.read(until)) for reader in readers]
    await _until(lambda: all(reader.last == first for reader in readers))
    idle = await _load(served, size.idle_seconds)
    writing = _writer(url, run_id, size)
    down: list[tuple[float, float]] = []
    flowing: list[Load] = []
    try:
        for kill in range(1, size.kills + 1):
            at = first + size.events * kill // (size.kills + 1)
            flowing.append(await _load_until(served, lambda at=at: readers[0].last >= at))  # type: ignore[misc]
            begun = time.time()
            await asyncio.to_thread(served.kill)
            await asyncio.to_thread(served.restart)
            down.append((begun, time.time() + SETTLE_SECONDS))
        _end(writing)
        flowing.append(await _load_until(served, lambda: all(task.done() for task in reading)))
        await asyncio.wait_for(asyncio.gather(*reading), PATIENCE_SECONDS)
    finally:
        for task in reading:
            task.cancel()
        _end(writing)
        await asyncio.to_thread(writing.wait, PATIENCE_SECONDS)
    return _figures(size, readers, first, down) | {
        "idle_without_readers": alone._asdict(),
        "idle_with_readers": idle._asdict(),
        "under_way_with_readers": max(flowing, key=lambda load: load.rss_mb)._asdict(),
    }


def _writer(url: str, run_id: str, size: Size) -> subprocess.Popen[bytes]:
    words = ["--write", url, run_id, str(size.events), str(size.per_second)]
    command = [sys.executable, "-m", "benchmarks.events", *words]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE)


def _end(writing: subprocess.Popen[bytes]) -> None:
    """Let it write the last event: nobody has read them all before the last kill."""
    assert writing.stdin is not None
    writing.stdin.close()


class Load(NamedTuple):
    """What the server takes."""

    rss_mb: float
    cpu_percent: float
    """Of one core."""


async def _load(served: Served, seconds: float) -> Load:
    until = time.monotonic() + seconds
    return await _load_until(served, lambda: time.monotonic() >= until)


async def _load_until(served: Served, over: Any) -> Load:
    process = psutil.Process(served.process.pid)
    begun, before = time.monotonic(), process.cpu_times()
    most = process.memory_info().rss
    while not over():
        await asyncio.sleep(0.05)
        most = max(most, process.memory_info().rss)
        assert time.monotonic() - begun < PATIENCE_SECONDS, "events do not come"
    after, seconds = process.cpu_times(), time.monotonic() - begun
    used = after.user + after.system - before.user - before.system
    return Load(round(most / 1e6, 1), round(100 * used / max(seconds, 0.01), 1))


async def _until(true: Any) -> None:
    begun = time.monotonic()
    while not true():
        assert time.monotonic() - begun < PATIENCE_SECONDS, "readers do not connect"
        await asyncio.sleep(0.02)


def _figures(
    size: Size, readers: Sequence[Reader], first: int, down: Sequence[tuple[float, float]]
) -> dict[str, Any]:
    wanted = range(first, first + size.events + 1)
    live = [
        came - sent
        for reader in readers
        for sent, came in reader.arrivals
        if not any(begun - 1 <= sent <= ended for begun, ended in down)
    ]
    cuts = quantiles(live, n=100) if len(live) > 1 else [0.0] * 99
    return {
        "readers": size.readers,
        "events": size.events,
        "per_second": size.per_second,
        "kills": len(down),
        "down_seconds": [round(ended - begun - SETTLE_SECONDS, 2) for begun, ended in down],
        "connections": sum(reader.connections for reader in readers),
        "received": sum(reader.got.total() for reader in readers),
        "lost": sum(seq not in reader.got for reader in readers for seq in wanted),
        "doubled": sum(count - 1 for reader in readers for count in reader.got.values()),
        "out_of_order": sum(reader.out_of_order for reader in readers),
        "latency_ms": {
            "p50": round(1000 * cuts[49], 1),
            "p95": round(1000 * cuts[94], 1),
            "max": round(1000 * max(live, default=0.0), 1),
            "of": len(live),
        },
    }


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="a few readers, one kill, in seconds")
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL instead of SQLite")
    parser.add_argument("--json", action="store_true", help="figures alone")
    parser.add_argument("--write", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.write:
        url, run_id, count, per_second = given.write
        write(url, run_id, int(count), float(per_second))
        return
    found = measure(SMALL if given.small else FULL, postgres=given.postgres)
    if given.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:24} {value}")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main(sys.argv[1:])
