"""The research station at the size of real work: ``python -m benchmarks.research [--small] [--json]``.

Servers, research and a bare client each run in a process of their own, so that their time and memory are told
apart. What each figure means is in ``README.md`` beside this file.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, NoReturn
from urllib.parse import quote

from benchmarks.bounds import Bound, bound_of
from benchmarks.crowd import FULL, SIZES, SMALL, Size
from tests.standins.http_server import Logged
from tests.standins.world import Addresses, RoutingBackend

ROOT = Path(__file__).parents[1]
TEXT = "evaluate 8B models for therapy coaching"
WAVES = 20
"""As many as the program allows: the other budgets decide."""
CANDIDATES = 150


class Crowd(NamedTuple):
    """The process of the servers."""

    process: subprocess.Popen[str]
    addresses: Addresses

    def report(self) -> dict[str, Any]:
        """What was asked since the last report."""
        assert self.process.stdin is not None
        self.process.stdin.write("report\n")
        self.process.stdin.flush()
        return dict(_line(self.process))


def measure(size: Size) -> dict[str, Any]:
    """All figures, by name."""
    with tempfile.TemporaryDirectory() as home, _crowd(size) as crowd:
        told = _child("research", size.name, json.dumps(crowd.addresses), home)
        seen = crowd.report()
        requests = [Logged(*one) for one in seen["requests"]]
        asked = {
            "queries": seen["queries"],
            "urls": [
                [r.host, quote(r.path) + (f"?{r.query}" if r.query else ""), r.wanted] for r in requests
            ],
        }
        (Path(home) / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
        floor = _child("floor", size.name, json.dumps(crowd.addresses), home)
        return {**_figures(told, requests, bound_of(requests, size)), **_peer(floor), **_violations(seen)}


def _figures(told: dict[str, Any], requests: list[Logged], bound: Bound) -> dict[str, Any]:
    slowest = sorted(bound.hosts, key=lambda host: -bound.hosts[host])[:3]
    return {
        **told,
        "requests": len(requests),
        "bound_seconds": bound.beside,
        "bound_in_turn_seconds": bound.in_turn,
        "bound_by": {host: bound.hosts[host] for host in slowest},
        "ratio": told["wall_seconds"] / bound.beside,
        "ratio_in_turn": told["wall_seconds"] / bound.in_turn,
    }


def _peer(floor: dict[str, Any]) -> dict[str, Any]:
    return {"floor_seconds": floor["wall_seconds"], "floor_failures": floor["failures"]}


def _violations(seen: dict[str, Any]) -> dict[str, Any]:
    return {"violations": sum(seen["violations"].values())}


@contextmanager
def _crowd(size: Size) -> Iterator[Crowd]:
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.crowd", size.name],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Crowd(process, Addresses(*_line(process)))
        assert process.stdin is not None
        process.stdin.close()


def _line(process: subprocess.Popen[str]) -> Any:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def _child(*words: str) -> dict[str, Any]:
    """What this file prints when it is started again as one of its parts."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.research", "--part", *words],
        cwd=ROOT,
        env={**os.environ, "BMS_HOME": words[-1]},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


async def research(size: Size, addresses: Addresses, home: Path) -> dict[str, Any]:
    """Drive a run up to the table, and measure it from inside its process."""
    from agent.intake import read_request
    from agent.services import no_room_needed
    from graphs.desk import Services
    from graphs.nodes.research import FIRST_SHARE
    from graphs.options import Budget, RunOptions
    from graphs.runner import Runner, create_run
    from store.checkpoints import open_checkpointer
    from store.database import Database, sqlite_url
    from tools.clock import SystemClock
    from tools.search.duckduckgo import DuckDuckGo
    from tools.web.client import HttpWeb

    rows, checkpoints = home / "bms.sqlite", home / "checkpoints.sqlite"
    web = HttpWeb(
        SystemClock(),
        network_backend=RoutingBackend(addresses),
        min_interval_seconds=size.interval_seconds,
        per_host=size.at_once,
    )
    search = DuckDuckGo(
        url=addresses.duckduckgo, min_interval_seconds=size.search_interval_seconds, jitter_seconds=0
    )
    queries = math.ceil(size.queries / FIRST_SHARE)  # so that the first wave asks as many as are meant
    budget = Budget(queries=queries, pages=size.pages, candidates=CANDIDATES, waves=WAVES)
    with Database(sqlite_url(rows)) as database:
        async with web, open_checkpointer(sqlite_url(checkpoints)) as checkpointer:
            services = Services(
                database=database,
                web=web,
                engines=(search,),
                choose_runtime=_unused,
                open_model=_unused,
                read_request=read_request,
                hub_endpoint="https://huggingface.co",
                registry_url="https://registry.ollama.ai",
                check_room=no_room_needed,
            )
            runner = Runner(services, checkpointer)
            run_id = create_run(database, TEXT, RunOptions(out_dir=str(home), budget=budget))
            began, busy = time.monotonic(), time.process_time()
            standing = await runner.drive(run_id)
            wall, busy = time.monotonic() - began, time.process_time() - busy
    told = _stored(rows)
    fetches = told["rows"].get("fetches", 0)
    return {
        "waits_for": standing.detail,
        "wall_seconds": wall,
        "cpu_seconds": busy,
        "cpu_ms_a_page": 1000 * busy / max(1, fetches),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
        **told,
        "checkpoint_file_bytes": _bytes(checkpoints),
        "largest_checkpoint_bytes": _largest_checkpoint(checkpoints),
    }


def _unused(*_: object, **__: object) -> NoReturn:
    raise AssertionError("research asks no model")


def _stored(path: Path) -> dict[str, Any]:
    with closing(sqlite3.connect(path)) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        count = 'SELECT count(*) FROM "{}"'
        rows = {name: connection.execute(count.format(name)).fetchone()[0] for name in names}
    return {"rows": {name: count for name, count in rows.items() if count}, "database_bytes": _bytes(path)}


def _bytes(path: Path) -> int:
    return sum(
        file.stat().st_size for file in path.parent.glob(f"{path.name}*") if file.suffix != ".sqlite-shm"
    )


def _largest_checkpoint(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        largest = connection.execute("SELECT max(length(checkpoint) + length(metadata)) FROM checkpoints")
        return int(largest.fetchone()[0] or 0)


async def floor(size: Size, addresses: Addresses, home: Path) -> dict[str, Any]:
    """Fetch every address that research asked for, all hosts beside one another, and read nothing."""
    import httpx

    asked = json.loads((home / "asked.json").read_text(encoding="utf-8"))
    gates: defaultdict[str, _Gate] = defaultdict(lambda: _Gate(size.interval_seconds, size.at_once))
    gates["search"] = _Gate(size.search_interval_seconds, size.at_once)
    failures = 0
    async with httpx.AsyncClient(
        limits=httpx.Limits(max_connections=200), timeout=60, trust_env=False
    ) as client:

        async def fetch(gate: _Gate, method: str, url: str, **more: Any) -> None:
            nonlocal failures
            async with gate.slots:
                await gate.turn()
                response = await client.request(method, url, **more)
                failures += response.status_code == 429

        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for query in asked["queries"]:
                form = {"q": query, "b": "", "l": "us-en"}
                group.create_task(fetch(gates["search"], "POST", addresses.duckduckgo, data=form))
            for host, path, wanted in asked["urls"]:
                if path != "/html/":
                    port = addresses.routes(host).port if host != "127.0.0.1" else None
                    url = f"http://127.0.0.1:{port}{path}" if port else f"{addresses.search}{path}"
                    told = {"Host": host, **({"Range": wanted} if wanted else {})}
                    group.create_task(fetch(gates[host], "GET", url, headers=told))
        return {"wall_seconds": time.monotonic() - began, "failures": failures}


class _Gate:
    """A host's limits, as a polite client keeps to them."""

    def __init__(self, interval_seconds: float, at_once: int) -> None:
        self.slots = asyncio.Semaphore(at_once)
        self._interval = interval_seconds
        self._next = 0.0

    async def turn(self) -> None:
        now = time.monotonic()
        start = max(now, self._next)
        self._next = start + self._interval
        await asyncio.sleep(start - now)


def _shown(figures: dict[str, Any]) -> Iterator[str]:
    for name, value in figures.items():
        if isinstance(value, dict):
            inner = ", ".join(
                f"{k} {v:,.1f}" if isinstance(v, float) else f"{k} {v:,}" for k, v in value.items()
            )
            yield f"{name:26} {inner}"
        else:
            yield f"{name:26} {f'{value:,.2f}' if isinstance(value, float) else value}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.research", description=__doc__)
    parser.add_argument("--small", action="store_true", help="a size that takes seconds")
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    parser.add_argument("--part", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        part, size, addresses, home = given.part
        work = {"research": research, "floor": floor}[part]
        print(json.dumps(asyncio.run(work(SIZES[size], Addresses(*json.loads(addresses)), Path(home)))))
        return
    size = SMALL if given.small else FULL
    figures = {"size": size.name, **measure(size)}
    print(json.dumps(figures, indent=1) if given.json else "\n".join(_shown(figures)))


if __name__ == "__main__":
    main()
