"""The benchmarks run and say everything; how fast they are is nobody's test."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import hosts
from benchmarks.bounds import bound_of
from benchmarks.crowd import FULL, article
from benchmarks.evaluation import AT_ONCE, ONE, Case, ideal_seconds, slopes
from tests.standins.http_server import Logged
from tests.standins.patience import PATIENCE

FIGURES = {
    *("wall_seconds", "bound_seconds", "bound_in_turn_seconds", "ratio", "ratio_in_turn", "floor_seconds"),
    *("cpu_seconds", "cpu_ms_a_page", "peak_mb", "database_bytes", "requests"),
    *("largest_checkpoint_bytes", "checkpoint_file_bytes"),
}
OF_A_ROW = {
    *("scenarios", "rubric", "latency_seconds", "ideal_seconds", "wall_seconds", "cpu_seconds", "peak_mb"),
    *("database_bytes", "requests", "requests_beside", "connections", "passed"),
    *("floor_wall_seconds", "floor_cpu_seconds", "floor_peak_mb", "floor_database_bytes"),
}
ROOT = Path(__file__).parents[1]


def asked(host: str, count: int, path: str = "/", query: str = "") -> list[Logged]:
    return [Logged(host, path, query, 200, 0.0, 0.2)] * count


@pytest.mark.slow
def test_the_small_research_benchmark_prints_every_figure() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.research", "--small", "--json"],
        cwd=ROOT,
        env={**os.environ, "HF_HUB_DISABLE_TELEMETRY": "1"},
        capture_output=True,
        text=True,
        timeout=4 * PATIENCE,
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


@pytest.mark.slow
def test_the_small_evaluation_benchmark_asks_each_scenario_once_and_prints_every_figure() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.evaluation", "--small", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=4 * PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert 0 < told["help_cpu_seconds"] < told["start_up_cpu_seconds"]
    one, fifty = told["rows"]
    assert set(one) == set(fifty) == OF_A_ROW
    assert (one["scenarios"], fifty["scenarios"]) == (1, 50)
    assert one["requests_beside"] == fifty["requests_beside"] == 6, "a greeting and five planted answers"
    assert fifty["requests"] == 2 * 50 + 6
    assert fifty["passed"] == 40
    assert fifty["connections"] <= AT_ONCE + 3, "connections are used again"
    assert fifty["database_bytes"] > one["database_bytes"] > 0


def test_ideal_time_is_that_of_full_slots() -> None:
    assert ideal_seconds(Case(5000, 0.2)) == 100.0
    assert ideal_seconds(Case(50, 0.0)) == 0.0


def test_the_floor_of_several_hosts_is_rounds_of_answers() -> None:
    assert hosts.ideal_seconds(hosts.Case(4, 1)) == pytest.approx(13 * 0.2)
    assert hosts.ideal_seconds(hosts.Case(2, 4)) == pytest.approx(7 * 0.2)
    assert hosts.ideal_seconds(hosts.Case(4, 1, killed_at=4)) == pytest.approx((4 + 12) * 0.2)
    assert hosts.ideal_seconds(hosts.Case(2, 1, slow=0.2)) == pytest.approx(5.0)


@pytest.mark.slow
def test_the_small_benchmark_of_hosts_asks_every_scenario_once() -> None:
    (row,) = [asyncio.run(hosts.measure(case)) for case in hosts.CASES[4:5]]
    assert row["calls"] == sum(row["shares"]) == hosts.SCENARIOS
    assert all(row["shares"])


def test_a_slope_is_between_the_two_largest_runs_without_latency() -> None:
    cost = {"peak_mb": 0.0, "database_bytes": 0.0, "floor_cpu_seconds": 0.0}
    rows = [
        {**Case(n, latency, rubric)._asdict(), **cost, "cpu_seconds": busy}
        for n, latency, rubric, busy in (
            (5000, 0.0, ONE, 26.0),
            (500, 0.0, ONE, 3.5),
            (50, 0.0, ONE, 2.0),
            (5000, 0.2, ONE, 99.0),
            (9000, 0.0, "another", 1.0),
        )
    ]
    assert slopes(rows)["cpu_ms_a_scenario"] == 5.0


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
