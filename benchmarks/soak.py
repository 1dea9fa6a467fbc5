"""Many demo runs over a few workers that are killed at random: ``python -m benchmarks.soak [--runs 200]``.

Real ``bms worker``s on a PostgreSQL of this machine carry out demo runs by the policy. Every now and then,
by a seeded choice, a driver or a worker with its driver gets ``kill -9``; a worker that is gone is replaced,
and a run that was given up after three deaths is resumed as a person would. At the end every run has to have
come to the story's result, with each event once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import yaml

from agent.story import load_story
from agent.wishes import Wishes
from store.schema import RunStatus
from tests.standins.postgres import TEMPLATE, Postgres
from tests.standins.team import Hand, Team

STORY = "therapy-8b"
EXPECTED = (31, 49)
"""Passes and measured answers of the story."""
LOOK_SECONDS = 0.5
SETTLED_SECONDS = 8.0
"""Before the first kill: workers that have just begun take nobody for dead."""


class Soak(NamedTuple):
    """What many runs came to."""

    runs: int
    workers: int
    seed: int
    seconds: float
    killed_drivers: int
    killed_workers: int
    resumed: int
    """Runs that were given up after three deaths, and resumed."""
    right: int
    """Runs that have come to the story's result."""
    event_gaps: int
    """Runs whose events are not numbered from 1 without a gap."""
    ended_not_once: int
    """Runs that ended more or less than once."""
    kinds_wrong: int
    """Runs with more or fewer answers, assessments, decisions or approvals told than there are."""
    chats: int
    """Model calls that the runs need."""
    chats_again: int
    """Calls made again: each was under way at a kill."""
    database_mb_before: float
    database_mb_after: float
    worker_mb_begun: float
    """Resident memory of a worker when it had begun, on average."""
    worker_mb_ended: float
    """Of those still there at the end."""


class _Killer:
    """Ends a process every ``every`` seconds on average."""

    def __init__(self, team: Team, workers: int, seed: int, every: float) -> None:
        self._team, self._random, self._every = team, random.Random(seed), every
        self.hands = [self._hire(number) for number in range(workers)]
        self.drivers = self.workers = 0
        self._next = time.monotonic() + SETTLED_SECONDS + self._pause()

    def _hire(self, number: int) -> Hand:
        hand = self._team.hire(f"host{number}", "--research", "1")
        self._team.until(lambda: "bms worker on" in hand.said)
        return hand

    def _pause(self) -> float:
        return self._random.expovariate(1 / self._every)

    def look(self) -> None:
        """Kill somebody when it is time to."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + self._pause()
        number = self._random.randrange(len(self.hands))
        hand = self.hands[number]
        drivers = hand.drivers
        for driver in drivers:
            _kill(driver)
        self.drivers += len(drivers)
        if self._random.random() < 0.25:
            hand.end(signal.SIGKILL)
            self.workers += 1
            self.hands[number] = self._hire(number)


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return


def soak(server: Postgres, home: Path, runs: int, workers: int, seed: int, every: float) -> Soak:
    with Team(home, server.make(TEMPLATE)) as team:
        before, killer, resumed = _megabytes(team), _Killer(team, workers, seed, every), 0
        begun_with = _memory(killer.hands)
        begun = time.monotonic()
        names = [asyncio.run(team.order(Wishes(story=STORY, approver="policy"))) for _ in range(runs)]
        while (left := _not_ended(team)) > 0:
            killer.look()
            for name in _given_up(team):
                asyncio.run(_resume(team, name))
                resumed += 1
            time.sleep(LOOK_SECONDS)
            _show(runs - left, runs, killer)
        seconds = time.monotonic() - begun
        chats = _chats()
        again = sum(_again(home / "replays" / f"{name}.played", chats) for name in names)
        return Soak(
            runs=runs,
            workers=workers,
            seed=seed,
            seconds=seconds,
            killed_drivers=killer.drivers,
            killed_workers=killer.workers,
            resumed=resumed,
            right=sum(_as_recorded(team, name) for name in names),
            event_gaps=_count(team, "HAVING count(*) <> max(seq) OR min(seq) <> 1"),
            ended_not_once=_count(team, "HAVING count(*) FILTER (WHERE kind = 'ended') <> 1"),
            kinds_wrong=_count(
                team,
                "HAVING count(*) FILTER (WHERE kind = 'answer') <> 50"
                " OR count(*) FILTER (WHERE kind = 'assessment') <> 50"
                " OR count(*) FILTER (WHERE kind = 'decision') <> 1"
                " OR count(*) FILTER (WHERE kind = 'approval') <> 1",
            ),
            chats=len(chats) * runs,
            chats_again=again,
            database_mb_before=before,
            database_mb_after=_megabytes(team),
            worker_mb_begun=begun_with,
            worker_mb_ended=_memory(killer.hands),
        )


async def _resume(team: Team, name: str) -> None:
    from agent.queue import jobs

    await team.actions.resume(name, by="soak")
    await team.database.run(jobs.fill)


def _not_ended(team: Team) -> int:
    ended = ", ".join(f"'{status.value}'" for status in RunStatus if status.ended)
    return int(team.rows(f"SELECT count(*) FROM runs WHERE status NOT IN ({ended})")[0][0])  # noqa: S608


def _given_up(team: Team) -> list[str]:
    rows = team.rows(
        "SELECT id FROM runs WHERE status = 'stopped'"
        " AND NOT EXISTS (SELECT FROM orders WHERE run_id = runs.id AND done_at IS NULL)"
    )
    return [name for (name,) in rows]


def _as_recorded(team: Team, name: str) -> bool:
    results = team.state(name).results
    return [(one.decision.passes, one.decision.measured) for one in results] == [EXPECTED]


def _count(team: Team, having: str) -> int:
    query = f"SELECT count(*) FROM (SELECT run_id FROM events GROUP BY run_id {having}) AS found"  # noqa: S608
    return int(team.rows(query)[0][0])


def _chats() -> frozenset[int]:
    """Recordings of the story that are calls of a model; one without messages only unloads it."""
    recorded = yaml.load(load_story(STORY).http.read_text("utf-8"), Loader=yaml.CSafeLoader)["interactions"]
    requests = [one["request"] for one in recorded]
    return frozenset(
        place
        for place, asked in enumerate(requests)
        if asked["uri"].endswith("/api/chat") and json.loads(asked["body"])["messages"]
    )


def _again(journal: Path, chats: frozenset[int]) -> int:
    played = Counter(int(place) for place in journal.read_text().split())
    return sum(times - 1 for place, times in played.items() if place in chats)


def _megabytes(team: Team) -> float:
    return float(team.rows("SELECT pg_database_size(current_database())")[0][0]) / 1e6


def _memory(hands: Sequence[Hand]) -> float:
    return sum(psutil.Process(hand.process.pid).memory_info().rss for hand in hands) / len(hands) / 1e6


def _show(done: int, runs: int, killer: _Killer) -> None:
    print(f"\r{done} of {runs}; killed {killer.drivers} + {killer.workers}", end="", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", type=float, default=8.0, help="seconds between two kills, on average")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        server = Postgres(Path(name) / "pg")
        try:
            server.make_template()
            home = Path(name) / "home"
            found: dict[str, Any] = soak(
                server, home, given.runs, given.workers, given.seed, given.every
            )._asdict()
        finally:
            server.close()
    print()
    for what, value in found.items():
        shown = f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"
        print(f"| {what.replace('_', ' ')} | {shown} |")


if __name__ == "__main__":
    main()
