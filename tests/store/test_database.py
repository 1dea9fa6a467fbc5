"""One database behind one seam: transactions, readers that lock nobody out, failures in sentences."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.orm import Session

from store import runs
from store.database import Database, StoreAway, StoreFault, _explained, sqlite_url, write_ahead
from store.schema import EventRow, RunStatus
from tests.standins.patience import PATIENCE
from tests.standins.records import NOW
from tools.faults import WrongUse


@pytest.fixture
def other(tmp_path: Path, database: Database) -> Iterator[sqlite3.Connection]:
    """Another process's connection to the same file; it waits for nobody."""
    connection = sqlite3.connect(tmp_path / "bms.sqlite", timeout=0, isolation_level=None)
    yield connection
    connection.close()


def texts(session: Session) -> list[str]:
    return [row.text for row in runs.latest(session)]


def failing(session: Session) -> None:
    runs.create(session, "lost", {}, NOW)
    session.flush()
    raise ZeroDivisionError


def pragma(database: Database, name: str) -> object:
    with database.reading() as session:
        return session.scalar(text(f"PRAGMA {name}"))


def test_sqlite_writes_ahead_and_checks_foreign_keys(database: Database):
    assert pragma(database, "journal_mode") == "wal"
    assert pragma(database, "foreign_keys") == 1
    assert pragma(database, "busy_timeout") == 10_000
    with pytest.raises(DatabaseError, match="FOREIGN KEY"), database.session() as session:
        session.add(EventRow(run_id="none", seq=1, at=NOW, stage="s", kind="k", data={}))


def test_a_new_file_is_switched_by_many_at_once(tmp_path: Path):
    """SQLite tells some of them at once that it is locked, whatever their timeout."""
    together = 8

    def switch_and_write(path: Path, barrier: threading.Barrier) -> None:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=PATIENCE)) as connection:
            barrier.wait(PATIENCE)
            write_ahead(connection)
            connection.execute("CREATE TABLE IF NOT EXISTS t (x)")

    with ThreadPoolExecutor(together) as pool:
        for number in range(50):
            barrier, path = threading.Barrier(together), tmp_path / f"{number}.sqlite"
            for done in [pool.submit(switch_and_write, path, barrier) for _ in range(together)]:
                done.result()
            with closing(sqlite3.connect(path)) as connection:
                assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_session_commits_all_or_nothing(database: Database):
    with database.session() as session:
        runs.create(session, "kept", {}, NOW)
    with pytest.raises(ZeroDivisionError), database.session() as session:
        failing(session)
    with database.reading() as session:
        assert texts(session) == ["kept"]


def test_rows_can_be_read_after_their_session(database: Database, run_id: str):
    with database.reading() as session:
        looked_at = runs.get(session, run_id)
    with database.session() as session:
        changed = runs.get(session, run_id)
        changed.detail = "changed"
    assert looked_at.status == RunStatus.STOPPED
    assert changed.detail == "changed"


def test_a_reader_locks_no_writer_out_and_sees_one_state(
    database: Database, run_id: str, other: sqlite3.Connection
):
    with database.reading() as session:
        before = texts(session)
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE runs SET text = 'rewritten'")
        other.execute("COMMIT")
        session.expire_all()
        assert texts(session) == before
    with database.reading() as session:
        assert texts(session) == ["rewritten"]


def test_a_writer_has_its_lock_from_its_first_look(database: Database, other: sqlite3.Connection):
    """Two that read and then write could otherwise both have read the same number."""
    with database.session() as session:
        texts(session)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
    other.execute("BEGIN IMMEDIATE")
    other.execute("ROLLBACK")


def test_a_writer_that_never_finishes_is_told(database: Database, other: sqlite3.Connection):
    event.listen(database.engine, "checkout", lambda raw, *_: raw.execute("PRAGMA busy_timeout=1"))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreFault, match="Another process is writing"), database.session() as session:
        texts(session)


def test_a_full_disk_is_named_and_loses_nothing(database: Database, run_id: str):
    def full(raw: sqlite3.Connection, *_: object) -> None:
        pages = raw.execute("PRAGMA page_count").fetchone()[0]
        raw.execute(f"PRAGMA max_page_count={pages}")

    event.listen(database.engine, "checkout", full)
    with pytest.raises(StoreFault) as caught, database.session() as session:
        runs.create(session, "x" * 1_000_000, {}, NOW)
    assert caught.value.sentence == "The disk with the database is full."
    assert "bms resume" in caught.value.next_step
    event.remove(database.engine, "checkout", full)
    event.listen(database.engine, "checkout", lambda raw, *_: raw.execute("PRAGMA max_page_count=1000000"))
    with database.session() as session:
        assert runs.get(session, run_id).text.startswith("evaluate")
        runs.create(session, "x" * 1_000_000, {}, NOW)


def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path: Path):
    path = tmp_path / "bms.sqlite"
    path.write_bytes(b"My notes on models.\n" * 500)
    with pytest.raises(StoreFault, match="is not a usable database") as caught:
        Database(sqlite_url(path))
    assert "Move the file away" in caught.value.next_step
    assert path.read_bytes() == b"My notes on models.\n" * 500


def test_a_damaged_database_is_told_from_an_absent_one(tmp_path: Path):
    path = tmp_path / "bms.sqlite"
    with Database(sqlite_url(path)):
        pass
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + b"\xff" * (len(whole) - 100))
    with pytest.raises(StoreFault, match="is not a usable database"):
        Database(sqlite_url(path))


def test_a_data_directory_under_a_file_cannot_be_made(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreFault, match="cannot be made") as caught:
        Database(sqlite_url(tmp_path / "file" / "bms" / "bms.sqlite"))
    assert "BMS_HOME" in caught.value.next_step


def test_a_directory_in_the_databases_place_cannot_be_opened(tmp_path: Path):
    with pytest.raises(StoreFault, match="cannot be written") as caught:
        Database(sqlite_url(tmp_path))
    assert "BMS_HOME" in caught.value.next_step


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_directory_is_named(tmp_path: Path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StoreFault, match="cannot be written"):
            Database(sqlite_url(tmp_path / "bms.sqlite"))
    finally:
        tmp_path.chmod(0o700)


def test_a_database_that_became_read_only_is_named(database: Database):
    event.listen(database.engine, "checkout", lambda raw, *_: raw.execute("PRAGMA query_only=1"))
    words = "cannot be written: attempt to write a readonly"
    with pytest.raises(StoreFault, match=words), database.session() as session:
        runs.create(session, "x", {}, NOW)


@pytest.mark.parametrize("name", ["a b", "what?", "50%", "a%20b", "a#b", "a:b@c", "Ünïcode", "a'b"])
def test_any_folder_can_hold_the_data(tmp_path: Path, name: str):
    path = tmp_path / name / "bms.sqlite"
    with Database(sqlite_url(path)):
        assert path.is_file()
    assert [entry.name for entry in tmp_path.iterdir() if entry.name != "home"] == [name]


@pytest.mark.parametrize("url", ["nonsense", "postgresql://user:p@ss@host/name", ""])
def test_an_address_that_is_none_is_wrong_use(url: str):
    with pytest.raises(WrongUse, match="BMS_DATABASE_URL is not the address"):
        Database(url)


def test_a_missing_driver_is_named():
    with pytest.raises(WrongUse, match="needs the Python package psycopg2"):
        Database("postgresql+psycopg2://user@host/name")


@pytest.mark.parametrize("kind", ["mysql", "foo", "http"])
def test_a_database_of_another_kind_is_wrong_use(kind: str):
    with pytest.raises(WrongUse, match=f"of the kind {kind}"):
        Database(f"{kind}://user@host/name")


@pytest.mark.parametrize("url", ["postgresql+psycopg://user@host/name", "sqlite:////file"])
def test_only_what_can_be_waited_for_is_away(url: str):
    with pytest.raises(StoreFault, match="does not answer: connection refused") as caught, _explained(url):
        raise OperationalError("SELECT 1", {}, Exception("connection refused"))
    assert isinstance(caught.value, StoreAway) == url.startswith("postgresql")


def test_whoever_is_not_let_in_is_told_what_postgresql_said():
    said = Exception(
        'connection to server at "h" failed: FATAL:  password authentication failed for user "u"'
    )
    refused = 'lets nobody in like that: password authentication failed for user "u"'
    with (
        pytest.raises(StoreFault, match=refused) as caught,
        _explained("postgresql+psycopg://u:hunter2@h/name"),
    ):
        raise OperationalError("SELECT 1", {}, said)
    assert "PGPASSWORD" in caught.value.next_step
    assert "hunter2" not in str(caught.value)


def test_no_password_is_shown_and_a_host_called_full_is_no_full_disk():
    orig = Exception('could not translate host name "full.example" to address: unknown')
    url = "postgresql://user:hunter2@full.example/name"
    with pytest.raises(StoreFault, match="does not answer") as caught, _explained(url):
        raise OperationalError("SELECT 1", {}, orig)
    assert "hunter2" not in str(caught.value)
    assert "user:***@full.example" in str(caught.value)


def test_what_failed_to_open_is_closed(tmp_path: Path):
    path = tmp_path / "bms.sqlite"
    path.write_bytes(b"nothing " * 500)
    threads = threading.active_count()
    for _ in range(3):
        with pytest.raises(StoreFault):
            Database(sqlite_url(path))
    assert threading.active_count() == threads


async def test_queries_run_off_the_event_loop(database: Database):
    """The query waits for something that only the event loop does."""
    loop, begun, released = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def slow(session: Session, word: str, *, twice: bool) -> tuple[str, str]:
        loop.call_soon_threadsafe(begun.set)
        assert released.wait(PATIENCE), "the event loop stood still"
        return word * (1 + twice), threading.current_thread().name

    task = asyncio.create_task(database.run(slow, "ja", twice=True))
    await begun.wait()
    released.set()
    word, thread = await task
    assert word == "jaja"
    assert thread.startswith("store")


async def test_run_commits_and_look_reads(database: Database):
    run_id = await database.run(runs.create, "text", {}, NOW)
    row = await database.look(runs.get, run_id)
    assert row.text == "text"
    with pytest.raises(WrongUse):
        await database.look(runs.get, "nobody")


async def test_run_rolls_back(database: Database):
    with pytest.raises(ZeroDivisionError):
        await database.run(failing)
    assert await database.look(texts) == []


async def test_look_takes_no_write_lock(database: Database, run_id: str, other: sqlite3.Connection):
    other.execute("BEGIN IMMEDIATE")
    other.execute("UPDATE runs SET text = 'not yet'")
    assert await database.look(texts) == ["evaluate 8B models for therapy coaching"]
    other.execute("ROLLBACK")
