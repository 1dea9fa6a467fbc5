"""Workers on a PostgreSQL of this machine: ``python -m benchmarks.workers [--runs N] [--json]``.

First demo runs by the policy, from the sentence to the document, over one, two and four workers, each a host
of its own. Then a worker is killed (``kill -9``, with the process that it has begun) in the middle of the
answers of a live run against a stand-in, and another one takes over.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import signal
import statistics
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from agent.wishes import Wishes
from tests.standins.postgres import TEMPLATE, Postgres
from tests.standins.team import Team
from tests.standins.umpired import CANDIDATE, JUDGE, RUBRIC, Call, Umpired
from tools.evaluation import Scenario

STORY = "therapy-8b"
PATIENCE = 1200.0
ANSWER_SECONDS = 0.2
SCENARIOS = 40
AT_ONCE = 4
SETTLED_SECONDS = 8.0
"""After which a worker judges others to be gone."""
EXPECTED = (31, 49)
"""Passes and measured answers of the story."""


class Throughput(NamedTuple):
    workers: int
    runs: int
    wall_seconds: float
    cpu_seconds: float
    """Of the workers and everything that they have begun; not of PostgreSQL."""
    lost: int
    """Runs that have not come to the story's result."""
    doubled: int
    """Orders carried out, or answers and events stored, more than once."""
    load: float
    """Average of the machine's last minute, which has others' work in it."""

    @property
    def runs_a_minute(self) -> float:
        return 60 * self.runs / self.wall_seconds

    @property
    def cpu_a_run(self) -> float:
        return self.cpu_seconds / self.runs


class TakeOver(NamedTuple):
    seconds: float
    """From the kill to the first call of the one that has taken over."""
    noticed_seconds: float
    """From the kill until the order was in the queue again; the rest is the start of a process."""
    finished: int
    """Answers that were stored when it was killed."""
    finished_again: int
    """Of them, those that were asked for again."""
    under_way_again: int
    """Calls that were answered, or would have been, and whose answers went with the process."""


def throughput(server: Postgres, workers: int, count: int) -> Throughput:
    with tempfile.TemporaryDirectory() as folder, Team(Path(folder) / "home", server.make(TEMPLATE)) as team:
        hands = [team.hire(f"host{number}") for number in range(workers)]
        for hand in hands:
            team.until(lambda hand=hand: "bms worker on" in hand.said)
        used, begun = _children(), time.monotonic()
        names = [asyncio.run(team.order(Wishes(story=STORY, approver="policy"))) for _ in range(count)]
        ended = "SELECT count(*) FROM runs WHERE status = 'done'"
        team.until(lambda: team.rows(ended) == [(count,)], PATIENCE)
        wall = time.monotonic() - begun
        team.until(lambda: team.rows("SELECT count(*) FROM procrastinate_jobs") == [(0,)])
        for hand in hands:
            hand.end(signal.SIGTERM)
        lost = sum(not _as_recorded(team, name) for name in names)
        return Throughput(
            workers, count, wall, _children() - used, lost, _doubled(team, count), os.getloadavg()[0]
        )


def _as_recorded(team: Team, run_id: str) -> bool:
    results = team.state(run_id).results
    return [(one.decision.passes, one.decision.measured) for one in results] == [EXPECTED]


def _doubled(team: Team, count: int) -> int:
    """What is there more often than in ``count`` runs: two orders each, events by number without a gap."""
    ((placed,),) = team.rows("SELECT count(*) FROM orders")
    ((pulled,),) = team.rows("SELECT count(*) FROM events WHERE kind = 'pulled'")
    ((died,),) = team.rows("SELECT count(*) FROM events WHERE kind = 'died'")
    ((gaps,),) = team.rows(
        "SELECT count(*) FROM (SELECT run_id FROM events GROUP BY run_id HAVING count(*) <> max(seq)) AS g"
    )
    return abs(placed - 2 * count) + abs(pulled - count) + died + gaps


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Timed(Umpired):
    """A candidate that takes its time, and keeps when it was asked what."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.begun: list[tuple[float, str]] = []
        self.say = self._slowly

    def _slowly(self, call: Call) -> str:
        self.begun.append((time.monotonic(), call.text))
        time.sleep(ANSWER_SECONDS)
        return f"Good {call.text}"


def take_over(server: Postgres) -> TakeOver:
    own = tuple(
        Scenario(id=f"s{i}", topic="work", subtopic="hours", style="terse", message=f"morning number {i}")
        for i in range(SCENARIOS)
    )
    wishes = Wishes(
        domain="therapy coaching",
        model=CANDIDATE,
        runtime="openai",
        judge=JUDGE,
        rubric=RUBRIC,
        scenarios=own,
        concurrency=AT_ONCE,
        host="gpu1",
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        Timed() as candidate,
        Team(Path(folder) / "home", server.make(TEMPLATE), **candidate.env) as team,
    ):
        hands = [team.hire("gpu1") for _ in range(2)]
        for hand in hands:
            team.until(lambda hand=hand: "bms worker on" in hand.said)
        time.sleep(SETTLED_SECONDS)
        run_id = asyncio.run(team.order(wishes))
        stored = "SELECT count(*) FROM answers"
        team.until(lambda: team.rows(stored)[0][0] >= SCENARIOS // 4)
        first, second = sorted(hands, key=lambda hand: not hand.drivers)
        (driver,) = first.drivers
        driver.suspend()
        finished = {text for (text,) in team.rows("SELECT scenario_id FROM answers")}
        killed = time.monotonic()
        driver.kill()
        first.end(signal.SIGKILL)
        team.until(lambda: "its worker is gone" in second.said)
        noticed = time.monotonic() - killed
        team.until(lambda: team.state(run_id).waits_for, PATIENCE)
        after = [at for at, _ in candidate.begun if at > killed]
        counted = Counter(text for _, text in candidate.begun)
        names = {f"s{number}": f"morning number {number}" for number in range(SCENARIOS)}
        done = {names[name] for name in finished}
        again = {text for text, times in counted.items() if times > 1}
        return TakeOver(min(after) - killed, noticed, len(done), len(again & done), len(again - done))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=8, help="demo runs for each number of workers")
    parser.add_argument("--workers", default="1,2,4", help="numbers of workers")
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Postgres(Path(folder))
        server.make_template()
        try:
            passed = [throughput(server, int(n), given.runs) for n in given.workers.split(",") if n.strip()]
            taken = [take_over(server) for _ in range(given.kills)]
        finally:
            server.close()
    if given.json:
        figures = [{**one._asdict(), "cpu_a_run": one.cpu_a_run} for one in passed]
        print(json.dumps({"throughput": figures, "take_over": [one._asdict() for one in taken]}))
        return
    print(f"{os.cpu_count()} cores")
    for one in passed:
        print(_sentence(one))
    if taken:
        print(_of_kills(taken))


def _sentence(one: Throughput) -> str:
    return (
        f"{one.workers} workers: {one.runs} runs in {one.wall_seconds:.0f} s, "
        f"{one.runs_a_minute:.1f} a minute, {one.cpu_a_run:.1f} s of a processor each; "
        f"lost {one.lost}, doubled {one.doubled}; load {one.load:.1f}"
    )


def _of_kills(taken: list[TakeOver]) -> str:
    seconds = [one.seconds for one in taken]
    again, finished = sum(one.finished_again for one in taken), sum(one.finished for one in taken)
    return (
        f"kill -9: another has taken over after {statistics.median(seconds):.1f} s "
        f"({min(seconds):.1f} to {max(seconds):.1f}, {len(taken)} kills), of which "
        f"{statistics.median(one.noticed_seconds for one in taken):.1f} s until it was noticed; "
        f"asked again: {again} of {finished} "
        f"finished calls, {sum(one.under_way_again for one in taken)} that were under way"
    )


if __name__ == "__main__":
    main()
