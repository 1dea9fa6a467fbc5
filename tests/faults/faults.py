"""The faults, really provoked: each function strikes a driver that waits in the middle of a station."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

from sqlalchemy import create_engine, text

from tests.faults.matrix import Calm, Cell, Play, Strike
from tests.faults.small_world import SmallWorld
from tests.faults.theatre import Stop, Theatre, Watched
from tests.standins.command_line import Said
from tests.standins.patience import PATIENCE, until
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


def freeze(stage: Theatre, driver: Watched, stop: Stop) -> None:
    """Frozen for twice its lease, as on a laptop that sleeps, and woken; nobody has taken over."""
    with frozen(stage, stop):
        time.sleep(2 * LEASE_SECONDS)
    driver.go_on()


def taken_over(stage: Theatre, calm: Calm) -> dict[str, Cell]:
    """Frozen, and woken when another process is driving: at every station the driver is frozen, the next one
    takes over and comes to the next station, and the first is woken. It must write nothing more."""
    one = Play(stage, calm, dict(calm.middles))
    driver = stage.start(one.left, lease_seconds=LEASE_SECONDS)
    while (stop := driver.next()) is not None:
        del one.left[stop.station]
        with frozen(stage, stop):
            time.sleep(1.5 * LEASE_SECONDS)
            other = stage.start(one.left, lease_seconds=LEASE_SECONDS)
            ahead = other.look()
        with frozen(stage, ahead) if ahead is not None else contextlib.nullcontext():  # only one can write
            before = stage.rows()
            driver.go_on()
            said = driver.end()
            after = stage.rows()
        assert said.status == 1, said
        one.struck(stop, said)
        if after != before:
            one.cells[stop.station] = Cell((*one.cells[stop.station].wrong, "it wrote over its successor"))
        driver = other
        if ahead is None:
            break
    return one.ended(driver.end())


def not_taken_over(stage: Theatre, driver: Watched, stop: Stop) -> None:
    """Frozen for twice its lease; another process is told that it is running all the same."""
    with frozen(stage, stop):
        time.sleep(2 * LEASE_SECONDS)
        other = stage.start(lease_seconds=LEASE_SECONDS).end()
        assert other.status != 0, other
        assert "is already running" in other.sentence, other
    driver.go_on()


@contextlib.contextmanager
def frozen(stage: Theatre, stop: Stop) -> Iterator[None]:
    """``SIGSTOP``, and at the end ``SIGCONT``.

    Asleep in the middle of what LangGraph stores of a step, the process would hold the file's lock, and
    nobody could take over: then it is frozen a little later.
    """

    def sleeps() -> bool:
        os.kill(stop.process.pid, signal.SIGSTOP)
        until(lambda: _state(stop.process.pid) == "T")
        if not any(_is_locked(path) for path in files_of(stage)):
            return True
        os.kill(stop.process.pid, signal.SIGCONT)
        return False

    until(sleeps, lambda: "it holds the database")
    try:
        yield
    finally:
        os.kill(stop.process.pid, signal.SIGCONT)


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def files_of(stage: Theatre) -> list[Path]:
    """The run's SQLite; none where it is on PostgreSQL."""
    return [path for name in FILES if (path := stage.home / name).exists()]


def _is_locked(path: Path) -> bool:
    with contextlib.closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        connection.execute("ROLLBACK")
    return False


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
            sqlite3.connect(path, timeout=PATIENCE, check_same_thread=False, isolation_level=None)
            for path in files_of(stage)
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


def in_turn(*strikes: Strike) -> Strike:
    """Another fault at each station; after the last comes the first again."""
    turn = cycle(strikes)

    def strike(stage: Theatre, driver: Watched, stop: Stop) -> Said | None:
        return next(turn)(stage, driver, stop)

    return strike


def jump(seconds: float) -> Strike:
    """The clock of the driver is set; it is set back and forth by the next stations."""

    def strike(_stage: Theatre, driver: Watched, _stop: Stop) -> None:
        driver.go_on(jump=seconds)

    return strike


def at_the_model(calm: Calm) -> dict[str, int]:
    return {station: calm.middles[station] for station in AT_THE_MODEL}
