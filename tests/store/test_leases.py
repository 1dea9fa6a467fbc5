"""One process drives a run at a time, also when processes are killed, sleep, or arrive together."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from datetime import timedelta

import psutil
import pytest

from store import leases, runs
from store.database import Database
from store.leases import DURATION, AlreadyRunning, Lease, LostLease
from tests.standins.patience import PATIENCE
from tests.standins.processes import python
from tests.standins.records import NOW

pytestmark = pytest.mark.both_databases

ELSEWHERE = "another-machine:4711:1700000000.00"
SECOND = timedelta(seconds=1)

TAKES = """
import json, sys
from store import leases
from store.database import Database
from tests.standins.records import NOW
database = Database({url!r})
print("ready", flush=True)
sys.stdin.readline()
try:
    with database.session() as session:
        lease = leases.take(session, {run_id!r}, leases.this_process(), NOW)
    print(json.dumps(lease), flush=True)
except leases.AlreadyRunning:
    print("null", flush=True)
sys.stdin.readline()
"""


def take(database: Database, run_id: str, holder: str, now=NOW) -> Lease:
    with database.session() as session:
        return leases.take(session, run_id, holder, now)


def check(database: Database, lease: Lease) -> None:
    with database.session() as session:
        leases.check(session, lease)


def holder(database: Database, run_id: str, now=NOW) -> str | None:
    with database.reading() as session:
        return leases.holder_of(session, run_id, now)


def let_go(process: subprocess.Popen[str]) -> Lease:
    """Let the process take the lease; what it got."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    return Lease(*json.loads(process.stdout.readline()))


def test_a_lease_is_taken_renewed_and_released(database: Database, run_id: str):
    me = leases.this_process()
    lease = take(database, run_id, me)
    assert lease == Lease(run_id, me, 1)
    assert holder(database, run_id) == me
    with database.session() as session:
        leases.renew(session, lease, NOW + 20 * SECOND)
    assert holder(database, run_id, NOW + 20 * SECOND + DURATION - SECOND) == me
    with database.session() as session:
        leases.release(session, lease)
    assert holder(database, run_id) is None
    with pytest.raises(LostLease):
        check(database, lease)


def test_the_fence_rises_with_every_taking(database: Database, run_id: str):
    fences = []
    for _ in range(3):
        lease = take(database, run_id, leases.this_process())
        fences.append(lease.fence)
        with database.session() as session:
            leases.release(session, lease)
    assert fences == [1, 2, 3]


@pytest.mark.parametrize("first", [leases.this_process(), ELSEWHERE], ids=["this process", "another machine"])
def test_a_second_driver_is_refused_while_the_first_may_be_alive(database: Database, run_id: str, first: str):
    take(database, run_id, first)
    with pytest.raises(AlreadyRunning) as caught:
        take(database, run_id, "a second process", NOW + DURATION - SECOND)
    assert caught.value.sentence.startswith(f"Run {run_id} is already running (")
    assert f"bms cancel {run_id}" in caught.value.next_step
    assert holder(database, run_id) == first


def test_this_process_does_not_drive_a_run_twice(database: Database, run_id: str):
    take(database, run_id, leases.this_process())
    with pytest.raises(AlreadyRunning):
        take(database, run_id, leases.this_process())


def test_an_expired_lease_is_taken_over(database: Database, run_id: str):
    take(database, run_id, ELSEWHERE)
    assert holder(database, run_id, NOW + DURATION) is None
    assert take(database, run_id, leases.this_process(), NOW + DURATION).fence == 2


def test_a_sleeper_that_wakes_cannot_write(database: Database, run_id: str):
    asleep = take(database, run_id, ELSEWHERE)
    successor = take(database, run_id, leases.this_process(), NOW + DURATION)
    with pytest.raises(LostLease, match="taken over by another process"):
        check(database, asleep)
    with database.session() as session, pytest.raises(LostLease):
        leases.renew(session, asleep, NOW + DURATION)
    with database.session() as session:
        leases.release(session, asleep)
    check(database, successor)
    assert holder(database, run_id, NOW + DURATION) == successor.holder


def test_a_sleeper_is_noticed_even_when_it_took_over_from_itself(database: Database, run_id: str):
    first = take(database, run_id, leases.this_process())
    take(database, run_id, leases.this_process(), NOW + DURATION)
    with pytest.raises(LostLease):
        check(database, first)


def test_an_overdue_lease_that_nobody_took_still_holds(database: Database, run_id: str):
    lease = take(database, run_id, leases.this_process())
    with database.session() as session:
        leases.renew(session, lease, NOW + 10 * DURATION)
    check(database, lease)


def test_without_a_lease_nothing_is_held(database: Database, run_id: str):
    assert holder(database, run_id) is None
    with pytest.raises(LostLease):
        check(database, Lease(run_id, leases.this_process(), 1))


def test_a_killed_process_is_succeeded_at_once(database: Database, run_id: str):
    with python(TAKES.format(url=database.url, run_id=run_id)) as (process,):
        lost = let_go(process)
        assert holder(database, run_id) == lost.holder
        with pytest.raises(AlreadyRunning):
            take(database, run_id, leases.this_process())
        process.send_signal(signal.SIGKILL)
        # Nobody has waited for it yet: it is a zombie, as in a container whose first process waits for none.
        while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
            assert process.pid
        assert holder(database, run_id) is None
        process.wait(PATIENCE)
        assert holder(database, run_id) is None
        assert take(database, run_id, leases.this_process()).fence == lost.fence + 1


def test_of_processes_that_arrive_together_one_wins(database: Database, run_id: str):
    code = TAKES.format(url=database.url, run_id=run_id)
    with python(code, code) as processes:
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        said = [json.loads(process.stdout.readline()) for process in processes if process.stdout]
        won = [Lease(*lease) for lease in said if lease is not None]
        assert len(won) == 1
        assert won[0].fence == 1
        assert holder(database, run_id) == won[0].holder


def test_runs_are_driven_side_by_side(database: Database, run_id: str):
    take(database, run_id, leases.this_process())
    with database.session() as session:
        another = runs.create(session, "another", {}, NOW)
    assert take(database, another, ELSEWHERE) == Lease(another, ELSEWHERE, 1)


def of_this_process(*, seconds_later: float) -> str:
    host, pid, start = leases.this_process().rsplit(":", 2)
    return f"{host}:{pid}:{float(start) + seconds_later:.2f}"


@pytest.mark.parametrize("drift", [-1.0, 0.02, 1.0])
def test_a_clock_that_is_being_set_kills_nobody(database: Database, run_id: str, drift: float):
    """The start of a process is told from the time of boot, which moves when the clock is set."""
    take(database, run_id, of_this_process(seconds_later=drift))
    assert holder(database, run_id) is not None


@pytest.mark.parametrize("later", [-3600.0, 60.0])
def test_another_process_with_the_same_number_is_not_the_holder(
    database: Database, run_id: str, later: float
):
    take(database, run_id, of_this_process(seconds_later=later))
    assert holder(database, run_id) is None


@pytest.mark.parametrize(
    "strange", ["someone", f"{socket.gethostname()}:abc:1.00", f"{socket.gethostname()}:1", "a:b:c:d"]
)
def test_a_holder_that_cannot_be_read_counts_as_alive(database: Database, run_id: str, strange: str):
    take(database, run_id, strange)
    assert holder(database, run_id) == strange
    assert holder(database, run_id, NOW + DURATION) is None
