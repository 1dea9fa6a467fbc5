"""Workers that are killed, frozen, told to stop, or whose run is cancelled, in the middle of the answers.

The candidate is a stand-in that keeps every call that it has answered: one that stands there twice was paid
for twice. One request is under way at a time, so only the one at which something happens can be lost.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from agent.wishes import Wishes
from store import events
from store.schema import RunStatus
from tests.standins.patience import PATIENCE
from tests.standins.postgres import Postgres
from tests.standins.team import Team
from tests.standins.umpired import CANDIDATE, JUDGE, RUBRIC, Call, Umpired
from tools.evaluation import Scenario

SCENARIOS = 8
HERE = 4
"""The candidate takes its time over this answer, for as long as the test needs."""


class Slow(Umpired):
    """A candidate that stops at one message until it is let go."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.reached, self.let_go = threading.Event(), threading.Event()
        self.say = self._wait

    def _wait(self, call: Call) -> str:
        if call.text.endswith(f" {HERE}") and not self.let_go.is_set():
            self.reached.set()
            self.let_go.wait(PATIENCE)
        return f"Good {call.text}"


@pytest.fixture
def candidate() -> Iterator[Slow]:
    with Slow() as server:
        yield server
        server.let_go.set()


@pytest.fixture
def team(tmp_path: Path, postgres_url: str, candidate: Slow) -> Iterator[Team]:
    with Team(tmp_path / "team", postgres_url, **candidate.env) as team:
        yield team


def wishes(host: str | None = None) -> Wishes:
    own = [
        Scenario(id=f"s{i}", topic="work", subtopic="hours", style="terse", message=f"morning number {i}")
        for i in range(1, SCENARIOS + 1)
    ]
    return Wishes(
        domain="therapy coaching",
        model=CANDIDATE,
        runtime="openai",
        judge=JUDGE,
        rubric=RUBRIC,
        scenarios=tuple(own),
        concurrency=1,
        host=host,
    )


def begin(team: Team, candidate: Slow, host: str | None = None) -> str:
    """A run that is in the middle of its answers; its name."""
    run_id = asyncio.run(team.order(wishes(host)))
    assert candidate.reached.wait(PATIENCE), "\n".join(hand.said for hand in team.hands)
    return run_id


def at_its_review(team: Team, run_id: str, candidate: Slow) -> None:
    """The run has come to where it would have come undisturbed, and nothing was paid for twice."""
    state = team.until(lambda: (found := team.state(run_id)).waits_for and found)
    assert (state.waits_for.prompt.kind, state.problem) == ("review", "")
    (result,) = state.results
    assert (result.decision.passes, result.decision.measured) == (SCENARIOS, SCENARIOS)
    twice = {call.text for call in candidate.again()}
    assert twice <= {f"morning number {HERE}"}
    with team.database.reading() as session:
        numbers = [event.seq for event in events.after(session, run_id, 0, 10_000)]
    assert numbers == list(range(1, len(numbers) + 1))
    team.until(lambda: team.rows("SELECT count(*) FROM procrastinate_jobs") == [(0,)])


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_another_worker_takes_over_from_one_that_was_killed(team: Team, candidate: Slow) -> None:
    first = team.hire("gpu1")
    run_id = begin(team, candidate, "gpu1")
    second = team.hire("gpu1")
    (driver,) = first.drivers
    first.end(signal.SIGKILL)
    team.until(lambda: gone(driver))  # it does not outlive its worker
    candidate.let_go.set()
    at_its_review(team, run_id, candidate)
    assert "its worker is gone" in second.said
    assert f"{run_id} waits for a review of the answers." in second.said
    assert first.drivers == []


@pytest.mark.slow
def test_a_worker_that_is_told_to_stop_leaves_its_run_to_the_next(team: Team, candidate: Slow) -> None:
    first = team.hire("gpu1")
    run_id = begin(team, candidate)
    assert team.state(run_id).status is RunStatus.RUNNING
    (driver,) = first.drivers
    assert first.end(signal.SIGTERM) == 0
    assert gone(driver)
    assert (team.state(run_id).status, team.is_driven(run_id)) == (RunStatus.QUEUED, False)
    assert "Stopping. 1 run under way" in first.said
    assert f"{run_id}: interrupted; its order stays open." in first.said
    candidate.let_go.set()
    other = team.hire("gpu2")  # the run belongs to gpu1 by now
    team.until(lambda: "bms worker on gpu2" in other.said)
    team.hire("gpu1", "--no-research")
    at_its_review(team, run_id, candidate)
    assert run_id not in other.said
    assert team.rows("SELECT count(*) FROM events WHERE kind = 'died'") == [(0,)]


@pytest.mark.slow
def test_a_cancelled_run_ends_at_once_wherever_it_is_driven(team: Team, candidate: Slow) -> None:
    worker = team.hire("gpu1")
    run_id = begin(team, candidate)
    (driver,) = worker.drivers
    asyncio.run(team.actions.cancel(run_id))
    team.until(lambda: gone(driver))
    team.until(lambda: f"{run_id}: cancelled" in worker.said)
    assert team.state(run_id).status is RunStatus.CANCELLED
    kinds = [
        kind for (kind,) in team.rows("SELECT kind FROM events WHERE run_id = :run ORDER BY seq", run=run_id)
    ]
    assert kinds[-1] == "ended"
    team.until(lambda: team.rows("SELECT count(*) FROM procrastinate_jobs") == [(0,)])
    candidate.let_go.set()
    following = asyncio.run(team.order(wishes()))  # the worker goes on with others
    assert team.until(lambda: team.state(following).waits_for)


@pytest.mark.slow
@pytest.mark.parametrize("with_driver", [False, True])
def test_a_frozen_worker_is_not_run_beside(
    team: Team, candidate: Slow, postgres: Postgres, with_driver: bool
) -> None:
    first = team.hire("gpu1")
    run_id = begin(team, candidate, "gpu1")
    (driver,) = first.drivers
    frozen = [psutil.Process(first.process.pid), *([driver] if with_driver else [])]
    for process in frozen:
        process.suspend()
    second = team.hire("gpu1")
    team.until(lambda: "bms worker on gpu1" in second.said)
    if not with_driver:
        candidate.let_go.set()  # the process goes on without its worker
        at = team.state(run_id).stage
        team.until(lambda: team.state(run_id).waits_for)
        assert at
    else:
        threading.Event().wait(62)  # twice the lease
        assert team.is_driven(run_id)
        candidate.let_go.set()
    for process in reversed(frozen):
        process.resume()
    at_its_review(team, run_id, candidate)
    assert not candidate.again()
    assert "evaluation begins" not in second.said
    assert team.until(lambda: first.process.poll() is None)
    following = asyncio.run(team.order(wishes("gpu1")))
    assert team.until(lambda: team.state(following).waits_for)
