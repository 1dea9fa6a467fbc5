"""``bms evaluate`` at the size of real work: ``python -m benchmarks.evaluation [--small] [--json]``.

The server, the command and a bare client each run in a process of their own; what each figure means is in
``README.md`` beside this file.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.fast_server import CANDIDATE, HOPELESS, JUDGE

# Nothing heavy is imported here: a process that is started begins with its parent's peak of memory.
ROOT = Path(__file__).parents[1]
AT_ONCE = 20
CALLS = 2
"""Of a scenario: one answer and one judgement."""
LATENCIES = (0.0, 0.2)
ONE = "one criterion"
RUBRICS = {ONE: "one.rubric.yaml", "therapy coaching": "therapy-coaching.rubric.yaml"}
ONE_CRITERION = """\
name: One question
pass_threshold: 1.0
na: excluded
categories:
  help: {weight: 1}
criteria:
  - {id: CQ1, category: help, question: "Does the answer take up what the person says?"}
planted:
  message: I have too much to do and nobody helps me.
  good: That sounds like a lot to carry at once. What would have to give first?
  bad: Not my problem.
"""
TOPICS = ("work", "sleep", "family", "grief", "anger", "money", "friends", "health")
OPENINGS = (
    "I keep thinking about",
    "I worry again about",
    "I argued again over",
    "I feel stuck with",
)
STYLES = ("terse", "detailed")


class Case(NamedTuple):
    """What is measured in one row."""

    scenarios: int
    latency_seconds: float
    rubric: str = ONE


SMALL = (Case(1, 0.0), Case(50, 0.0))
FULL = (
    Case(1, 0.0),
    *(Case(n, latency) for latency in LATENCIES for n in (50, 500, 5000)),
    *(Case(n, 0.0, "therapy coaching") for n in (50, 500)),
)


class Cost(NamedTuple):
    """Of a process and those it has started."""

    wall_seconds: float
    cpu_seconds: float
    peak_mb: float
    status: int
    said: str


def scenario_lines(count: int) -> Iterator[str]:
    """Scenarios as JSONL; to every fifth the judge says NO."""
    for n in range(count):
        topic = TOPICS[n % len(TOPICS)]
        end = f" and {HOPELESS}" if n % 5 == 0 else ""
        record = {
            "id": f"s{n:05}",
            "topic": topic,
            "subtopic": f"{topic} {n % 3}",
            "style": STYLES[n // len(TOPICS) % len(STYLES)],
            "message": f"{OPENINGS[n % len(OPENINGS)]} {topic} since day {n}{end}.",
        }
        yield json.dumps(record) + "\n"


def measure(case: Case) -> dict[str, Any]:
    """The figures of a row: ours, and the floor's."""
    with tempfile.TemporaryDirectory() as folder, _server(case, Path(folder)) as server:
        scenarios = Path(folder) / "scenarios.jsonl"
        scenarios.write_text("".join(scenario_lines(case.scenarios)), encoding="utf-8")
        ours = _ours(case, server, scenarios)
        floor = _floor(case, server, scenarios)
    return {**case._asdict(), "ideal_seconds": ideal_seconds(case), **ours, **floor}


def ideal_seconds(case: Case) -> float:
    """What the latency makes inevitable at so many requests at once."""
    return case.scenarios * CALLS * case.latency_seconds / AT_ONCE


def _ours(case: Case, server: Server, scenarios: Path) -> dict[str, Any]:
    home = scenarios.parent / "home"
    before = server.stats()
    words = {
        "--model": CANDIDATE,
        "--runtime": "openai",
        "--domain": "therapy coaching",
        "--scenarios": scenarios,
        "--rubric": server.rubric,
        "--judge": f"openai:{JUDGE}",
        "--concurrency": AT_ONCE,
        "--out": home / "out",
    }
    flags = [str(part) for pair in words.items() for part in pair]
    cost = _run([_bms(), "evaluate", *flags, "--yes"], home, OPENAI_BASE_URL=f"{server.url}/v1")
    asked = {name: count - before.get(name, 0) for name, count in server.stats().items()}
    assert cost.status == 0, cost.said
    calls = asked["candidate"] + asked["judge"]
    return {
        "wall_seconds": cost.wall_seconds,
        "cpu_seconds": cost.cpu_seconds,
        "peak_mb": cost.peak_mb,
        "database_bytes": sum(path.stat().st_size for path in home.glob("bms.sqlite*")),
        "requests": calls,
        "requests_beside": calls - CALLS * case.scenarios,
        "connections": asked["connections"],
        "passed": _passed(cost.said),
    }


def _passed(said: str) -> int:
    """How many passed, as the command says it."""
    found = re.search(r"(\d+) of \d+ measured answers pass", " ".join(said.split()))
    assert found is not None, said
    return int(found[1])


def _floor(case: Case, server: Server, scenarios: Path) -> dict[str, Any]:
    home = scenarios.parent / "floor"
    before = server.stats()
    database = home / "rows.sqlite"
    words = [sys.executable, "-m", "benchmarks.floor", server.url, scenarios, database, AT_ONCE]
    cost = _run(list(map(str, words)), home)
    asked = server.stats()
    assert cost.status == 0, cost.said
    assert sum(asked[name] - before[name] for name in ("candidate", "judge")) == CALLS * case.scenarios
    return {
        "floor_wall_seconds": cost.wall_seconds,
        "floor_cpu_seconds": cost.cpu_seconds,
        "floor_peak_mb": cost.peak_mb,
        "floor_database_bytes": sum(path.stat().st_size for path in home.glob("rows.sqlite*")),
    }


def _bms() -> str:
    """The installed command of this environment."""
    found = shutil.which("bms", path=str(Path(sys.executable).parent))
    assert found is not None, "the command bms is not installed beside this Python"
    return found


def _run(command: Sequence[str], home: Path, **more: str) -> Cost:
    """Run a command to its end, with nothing of the person's own settings."""
    home.mkdir()
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    env = {**kept, "HOME": str(home), "BMS_HOME": str(home), **more}
    with (home / "said.txt").open("w+b") as said:
        began = time.monotonic()
        process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        words = said.read().decode("utf-8", "replace")
    cpu, peak = used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6
    return Cost(wall, cpu, peak, process.returncode, words)


class Server(NamedTuple):
    """The stand-in, as it was started."""

    url: str
    rubric: Path

    def stats(self) -> Mapping[str, int]:
        """Requests by kind, and connections, since it was started; its own are left out."""
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"))
        try:
            connection.request("GET", "/stats")
            told = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        return {"candidate": 0, "judge": 0, **told}


@contextmanager
def _server(case: Case, folder: Path) -> Iterator[Server]:
    rubric = folder / RUBRICS[case.rubric]
    own = ROOT / "tools" / "knowledge" / rubric.name
    rubric.write_text(own.read_text("utf-8") if own.exists() else ONE_CRITERION, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.fast_server", str(case.latency_seconds), str(rubric)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Server(json.loads(process.stdout.readline()), rubric)
        process.stdin.close()


def help_cpu_seconds() -> float:
    """CPU time of ``bms --help``."""
    with tempfile.TemporaryDirectory() as folder:
        return _run([_bms(), "--help"], Path(folder) / "home").cpu_seconds


def slopes(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """What a further scenario costs, between the two largest numbers without latency."""
    without = (row for row in rows if row["rubric"] == ONE and not row["latency_seconds"])
    *_, first, last = sorted(without, key=lambda row: row["scenarios"])
    more = last["scenarios"] - first["scenarios"]
    per = {
        "cpu_ms_a_scenario": ("cpu_seconds", 1000.0),
        "floor_cpu_ms_a_scenario": ("floor_cpu_seconds", 1000.0),
        "peak_kb_a_scenario": ("peak_mb", 1000.0),
        "database_bytes_a_scenario": ("database_bytes", 1.0),
    }
    return {name: unit * (last[of] - first[of]) / more for name, (of, unit) in per.items()}


COLUMNS = {
    "N": "{scenarios:,}",
    "rubric": "{rubric}",
    "latency": "{latency_ms:.0f} ms",
    "ideal": "{ideal_seconds:.1f} s",
    "wall": "{wall_seconds:.1f} s",
    "floor": "{floor_wall_seconds:.1f} s",
    "wall ÷ ideal": "{ratio}",
    "CPU": "{cpu_seconds:.1f} s",
    "floor's": "{floor_cpu_seconds:.1f} s",
    "peak": "{peak_mb:.0f} MB",
    "floor’s": "{floor_peak_mb:.0f} MB",
    "database": "{database_kb:,.0f} kB",
    "requests": "2N + {requests_beside}",
    "connections": "{connections}",
}


def _table(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    yield "| " + " | ".join(COLUMNS) + " |"
    yield "|---" * len(COLUMNS) + "|"
    for row in rows:
        ideal = row["ideal_seconds"]
        ratio = f"{row['wall_seconds'] / ideal:.2f}" if ideal else "–"
        shown = {
            **row,
            "latency_ms": 1000 * row["latency_seconds"],
            "database_kb": row["database_bytes"] / 1000,
            "ratio": ratio,
        }
        yield "| " + " | ".join(form.format_map(shown) for form in COLUMNS.values()) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evaluation", description=__doc__)
    parser.add_argument("--small", action="store_true", help="1 and 50 scenarios without latency")
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    given = parser.parse_args()
    start_up = help_cpu_seconds()
    rows = []
    for case in SMALL if given.small else FULL:
        rows.append(measure(case))
        print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    figures = {"help_cpu_seconds": start_up, "start_up_cpu_seconds": rows[0]["cpu_seconds"], **slopes(rows)}
    if given.json:
        print(json.dumps({**figures, "rows": rows}, indent=1))
        return
    print("\n".join(_table(rows)) + "\n")
    print("\n".join(f"{name:26} {value:,.2f}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
