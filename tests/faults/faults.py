"""The faults, really provoked: each function strikes a driver that waits in the middle of a station."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import create_engine, text

from tests.faults.matrix import Calm, Cell, Play, Strike
from tests.faults.small_world import SmallWorld
from tests.faults.theatre import Stop, Theatre, Watched
from tests.standins.command_line import PATIENCE, Said
from tests.standins.postgres import Postgres

LEASE_SECONDS = 0.4
"""Of a driver that is frozen; otherwise half a minute."""
FILES = ("bms.sqlite", "checkpoints.sqlite")
AT_THE_MODEL = ("pull", "answer", "check_judge", "judge")
"""Stations that need the runtime."""


def kill(_stage: Theatre, driver: Watched, stop: Stop) -> Said:
    """``kill -9``."""
    stop.process.kill()
    said = driver.end()
    assert said.status == -signal.SIGKILL, said
    return said


def terminate(_stage: Theatre, driver: Watched, stop: Stop) -> Said:
    """``SIGTERM``, as a machine sends it that shuts down."""
    os.kill(stop.process.pid, signal.SIGTERM)
    driver.go_on()
    said = driver.end()
    assert said.status == 130, said
    return said


def freeze(_stage: Theatre, driver: Watched, stop: Stop) -> None:
    """Frozen for twice its lease, as on a laptop that sleeps, and woken; nobody has taken over."""
    with frozen(stop):
        time.sleep(2 * LEASE_SECONDS)
    driver.go_on()


def taken_over(stage: Theatre, calm: Calm) -> dict[str, Cell]:
    """Frozen, and woken when another process is driving: at every station the driver is frozen, the next one
    takes over and comes to the next station, and the first is woken. It must write nothing more."""
    one = Play(stage, calm, dict(calm.middles))
    driver = stage.start(one.left, lease_seconds=LEASE_SECONDS)
    while (stop := driver.next()) is not None:
        del one.left[stop.station]
        with frozen(stop):
            time.sleep(1.5 * LEASE_SECONDS)
            other = stage.start(one.left, lease_seconds=LEASE_SECONDS)
            ahead = other.look()
            before = stage.rows()
        driver.go_on()
        said = driver.end()
        assert said.status == 1, said
        one.struck(stop, said)
        if stage.rows() != before:
            one.cells[stop.station] = Cell((*one.cells[stop.station].wrong, "it wrote over its successor"))
        driver = other
        if ahead is None:
            break
    return one.ended(driver.end())


def not_taken_over(stage: Theatre, driver: Watched, stop: Stop) -> None:
    """Frozen for twice its lease; another process is told that it is running all the same."""
    with frozen(stop):
        time.sleep(2 * LEASE_SECONDS)
        other = stage.start(lease_seconds=LEASE_SECONDS).end()
        assert other.status != 0, other
        assert "is already running" in other.sentence, other
    driver.go_on()


@contextlib.contextmanager
def frozen(stop: Stop) -> Iterator[None]:
    """``SIGSTOP``, and at the end ``SIGCONT``."""
    os.kill(stop.process.pid, signal.SIGSTOP)
    until = time.monotonic() + PATIENCE
    while Path(f"/proc/{stop.process.pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        assert time.monotonic() < until
        time.sleep(0.01)
    try:
        yield
    finally:
        os.kill(stop.process.pid, signal.SIGCONT)


def disk_full(stage: Theatre, driver: Watched, _stop: Stop) -> Said:
    """No file takes a byte more (``RLIMIT_FSIZE``).

    A reply that comes then cannot be stored, and is asked for again when there is room.
    """
    before = stage.finished.copy()
    driver.go_on(full=True)
    said = driver.end()
    stage.unstored += stage.finished - before
    return said


def server_disk_full(stage: Theatre, driver: Watched, _stop: Stop) -> Said:
    """PostgreSQL says that its disk is full (a trigger raises SQLSTATE 53100)."""
    before = stage.finished.copy()
    engine = create_engine(stage.url)
    tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$"
            )
        )
        for table in connection.scalars(text(tables)).all():
            made = f"CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON {table} EXECUTE FUNCTION full_disk()"
            connection.execute(text(made))
    driver.go_on()
    said = driver.end()
    with engine.begin() as connection:
        connection.execute(text("DROP FUNCTION full_disk CASCADE"))
    engine.dispose()
    stage.unstored += stage.finished - before
    return said


def locked(seconds: float) -> Strike:
    """The files of SQLite are held by another connection for so long."""

    def strike(stage: Theatre, driver: Watched, _stop: Stop) -> None:
        held = [
            sqlite3.connect(stage.home / name, timeout=10, check_same_thread=False, isolation_level=None)
            for name in FILES
        ]
        for connection in held:
            connection.execute("BEGIN EXCLUSIVE")

        def let_go() -> None:
            for connection in held:
                connection.execute("ROLLBACK")
                connection.close()

        timer = threading.Timer(seconds, let_go)
        timer.start()
        driver.go_on()
        timer.join()

    return strike


def gone(server: Postgres, seconds: float) -> Strike:
    """PostgreSQL is stopped at once, as by a power cut, and begun again after so long."""

    def strike(_stage: Theatre, driver: Watched, _stop: Stop) -> None:
        server.stop()
        driver.go_on()
        time.sleep(seconds)
        server.go_on()

    return strike


def durable(server: Postgres) -> str:
    """The address of a new database that keeps what was committed when its server is stopped: the test's own
    way to be quick is to tell of a commit before it is written."""
    url = server.make()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(f'ALTER DATABASE "{engine.url.database}" SET synchronous_commit = on'))
    engine.dispose()
    return url


def runtime_killed(stage: Theatre, driver: Watched, _stop: Stop) -> Said:
    """The Ollama dies in the middle of its next answer; when the run has stopped, it comes back."""
    stage.dies_at_next_chat = True
    driver.go_on()
    said = driver.end()
    stage.ollama.revive()
    stage.hush()
    return said


def network_cut(stage: Theatre, driver: Watched, stop: Stop) -> Said | None:
    """Every connection to the outside is reset until the station is done."""
    assert isinstance(stage.world, SmallWorld)
    stage.world.is_cut = True
    driver.go_on()
    done = stop if stop.left else driver.next()
    stage.world.is_cut = False
    if done is None:
        return driver.end()
    assert (done.station, done.left) == (stop.station, True)
    driver.go_on()
    return None


def jump(seconds: float) -> Strike:
    """The clock of the driver is set; it is set back and forth by the next stations."""

    def strike(_stage: Theatre, driver: Watched, _stop: Stop) -> None:
        driver.go_on(jump=seconds)

    return strike


def at_the_model(calm: Calm) -> dict[str, int]:
    return {station: calm.middles[station] for station in AT_THE_MODEL}
