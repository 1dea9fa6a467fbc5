"""The benchmarks run and say everything; how fast they are is nobody's test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.bounds import bound_of
from benchmarks.crowd import FULL, article
from tests.standins.http_server import Logged

FIGURES = {
    *("wall_seconds", "bound_seconds", "bound_in_turn_seconds", "ratio", "ratio_in_turn", "floor_seconds"),
    *("cpu_seconds", "cpu_ms_a_page", "peak_mb", "database_bytes", "requests"),
    *("largest_checkpoint_bytes", "checkpoint_file_bytes"),
}
ROOT = Path(__file__).parents[1]


def asked(host: str, count: int, path: str = "/", query: str = "") -> list[Logged]:
    return [Logged(host, path, query, 200, 0.0, 0.2)] * count


def test_the_small_research_benchmark_prints_every_figure() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.research", "--small", "--json"],
        cwd=ROOT,
        env={**os.environ, "HF_HUB_DISABLE_TELEMETRY": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert set(told) >= FIGURES | {"rows", "bound_by", "violations", "floor_failures"}
    assert all(told[name] > 0 for name in FIGURES)
    assert told["rows"]["candidates"] > 50
    assert told["rows"]["fetches"] > 50
    assert told["largest_checkpoint_bytes"] < 10_000
    assert told["waits_for"] == "waits for an approval of the table"


def test_a_bound_is_that_of_the_slowest_host_or_of_all_in_turn() -> None:
    requests = [
        *asked("huggingface.co", 50),
        *asked("127.0.0.1", 100, "/html/"),
        *asked("host-1.example", 10),
        *asked("host-2.example", 30),
    ]
    bound = bound_of(requests, FULL)
    assert bound.hosts == {
        "huggingface.co": 5.0,
        "search": 25.0,
        "host-1.example": 1.0,
        "host-2.example": 3.0,
    }
    assert (bound.beside, bound.in_turn) == (25.0, 33.0)


def test_pages_that_name_their_successor_are_a_chain() -> None:
    quick = FULL._replace(interval_seconds=0.0, at_once=1000)
    listing = [
        *asked("h", 1, "/api/models", "limit=9"),
        *(one for n in range(30) for one in asked("h", 1, "/api/models", f"limit=9&cursor={n}")),
    ]
    again = asked("h", 40, "/api/models", "limit=9&cursor=7")
    assert bound_of([*listing, *again, *asked("h", 50, "/a")], quick).beside == 31 * FULL.latency_seconds
    assert bound_of(asked("h", 50, "/a"), quick).beside == FULL.latency_seconds


def test_articles_are_of_the_size_asked_for_and_always_the_same() -> None:
    page = article(7, 150_000)
    assert page == article(7, 150_000) != article(8, 150_000)
    assert 140_000 < len(page) < 165_000
