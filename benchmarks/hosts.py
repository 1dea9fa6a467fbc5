"""Scenarios spread over inference hosts: ``python -m benchmarks.hosts``.

A run with the person's own scenarios on stand-ins for Ollama that need 200 ms for an answer, judged by a
stand-in without latency. Counted are the seconds between the first request for an answer and the last answer
that is committed, and who made how many. Everything is in one process.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import math
import tempfile
import time
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from store import evaluation, events
from tests.graphs.evaluating import evaluating
from tests.standins.ollama_server import OllamaServer, StandInModel
from tools.runtimes.hosts import parse_hosts
from tools.runtimes.ollama import OllamaRuntime
from tools.runtimes.spread import SpreadRuntime

SCENARIOS = 50
SECONDS = 0.2


class Case(NamedTuple):
    hosts: int
    at_once: int
    """Requests at a time on each host."""
    slow: float = 0.0
    """Seconds that the last host needs instead, where it is not 0."""
    killed_at: int = 0
    """Answer of the last host with which it is killed, where it is not 0."""


CASES = (
    *(Case(hosts, at_once) for at_once in (1, 4) for hosts in (1, 2, 4)),
    Case(4, 1, slow=1.0),
    Case(4, 1, killed_at=4),
)


def ideal_seconds(case: Case) -> float:
    """What no client can save: rounds × seconds; with a slow host, as if all were busy to the end."""
    if case.killed_at:
        rest = SCENARIOS - (case.killed_at - 1) - case.killed_at * (case.hosts - 1)
        return (case.killed_at + math.ceil(rest / (case.hosts - 1))) * SECONDS
    if case.slow:
        rate = (case.hosts - 1) / SECONDS + 1 / case.slow
        return SCENARIOS / (rate * case.at_once)
    return math.ceil(SCENARIOS / (case.hosts * case.at_once)) * SECONDS


def host(seconds: float, killed_at: int) -> OllamaServer:
    server = OllamaServer(local={"qwen3:8b": StandInModel()})
    numbers = itertools.count(1)

    def reply(body: dict[str, Any]) -> str:
        text = str(body["messages"][-1]["content"])
        if text.startswith("Question"):
            server.closing.wait(seconds)
            if next(numbers) == killed_at:
                server.kill()
        return f"Good {text}"

    server.reply = reply
    return server


async def measure(case: Case) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        servers = []
        for last in (number == case.hosts for number in range(1, case.hosts + 1)):
            seconds = case.slow if case.slow and last else SECONDS
            servers.append(stack.enter_context(host(seconds, case.killed_at if last else 0)))
        specs = parse_hosts(",".join(f"ollama:{server.url}" for server in servers))
        spread = SpreadRuntime([(spec, OllamaRuntime(spec.url)) for spec in specs])
        async with evaluating(Path(folder), candidate=spread) as stage:
            texts = [f"Question {number}" for number in range(SCENARIOS)]
            run_id = stage.start(texts, model="qwen3:8b", runtime="ollama", concurrency=case.at_once)
            busy = time.process_time()
            await stage.to_the_end(run_id)
            busy = time.process_time() - busy
            with stage.database.reading() as session:
                shares = {name: count for name, _, count in evaluation.hosts(session, run_id, "primary")}
                progress = events.of_kind(session, run_id, "progress")
                began = next(event.at for event in progress if event.stage == "answer")
                ended: datetime = events.of_kind(session, run_id, "answer")[-1].at
        await spread.aclose()
        calls = [body for one in servers for body in one.bodies("/api/chat")]
        wall = (ended - began).total_seconds()
        return {
            **case._asdict(),
            "ideal_seconds": round(ideal_seconds(case), 2),
            "wall_seconds": round(wall, 2),
            "ratio": round(wall / ideal_seconds(case), 2),
            "shares": [shares.get(spec.label, 0) for spec in specs],
            "calls": sum(str(body["messages"][-1]["content"]).startswith("Question") for body in calls),
            "cpu_seconds": round(busy, 2),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="figures alone")
    parser.add_argument("--small", action="store_true", help="two hosts only, to see that it works")
    asked = parser.parse_args()
    rows = [asyncio.run(measure(case)) for case in (CASES[4:5] if asked.small else CASES)]
    if asked.json:
        print(json.dumps({"scenarios": SCENARIOS, "seconds": SECONDS, "rows": rows}))
        return
    print("| hosts | at once on each | | floor s | seconds | ÷ floor | answers by host | calls |")
    print("|---:|---:|---|---:|---:|---:|---|---:|")
    for row in rows:
        what = f"the last needs {row['slow']:g} s" if row["slow"] else ""
        what = f"the last is killed at its answer {row['killed_at']}" if row["killed_at"] else what
        print(
            f"| {row['hosts']} | {row['at_once']} | {what} | {row['ideal_seconds']} | {row['wall_seconds']} "
            f"| {row['ratio']} | {' + '.join(map(str, row['shares']))} | {row['calls']} |"
        )


if __name__ == "__main__":
    main()
