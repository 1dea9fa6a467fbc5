"""PostgreSQL under a process that goes on: another version of its tables, a standby in its place, a
transaction in the way of another; and one that is made for another alphabet."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection
from sqlalchemy import make_url, text
from sqlalchemy.orm import Session

from store import database as database_module
from store import events, runs
from store.checkpoints import open_checkpointer
from store.database import Database, StoreAway, StoreFault
from store.locks import hold
from store.postgres import PatientSaver
from tests.standins.postgres import Postgres
from tests.standins.records import NOW
from tools.faults import WrongUse

PREPARED = 8
"""So many times psycopg has prepared a statement for."""


@pytest.fixture
def database_url(postgres_url: str) -> str:
    return postgres_url


def say(url: str, words: str) -> None:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    writes = "-c default_transaction_read_only=off"
    with psycopg.connect(plain, autocommit=True, options=writes) as connection:
        connection.execute(words)  # type: ignore[call-overload]


def only_read(url: str, value: str) -> None:
    """What a new connection gets from now on: a standby, or the server that can write."""
    say(url, f"ALTER DATABASE {make_url(url).database} SET default_transaction_read_only = {value}")


async def test_tables_of_another_version_are_met_at_the_second_try(
    database_url: str, database: Database, run_id: str
) -> None:
    for _ in range(PREPARED):
        await database.run(runs.get, run_id)
    say(database_url, "ALTER TABLE runs ALTER COLUMN detail TYPE varchar(100)")
    assert (await database.run(runs.get, run_id)).id == run_id
    for _ in range(PREPARED):
        with database.session() as session:
            runs.get(session, run_id)
    say(database_url, "ALTER TABLE runs ALTER COLUMN detail TYPE varchar(90)")
    with pytest.raises(StoreFault, match="another version"), database.session() as session:
        runs.get(session, run_id)


async def test_whoever_cannot_write_is_left_for_whoever_can(
    postgres: Postgres, database_url: str, run_id: str
) -> None:
    only_read(database_url, "on")
    tries = 0

    def work(session: Session) -> None:
        nonlocal tries
        tries += 1
        session.connection()
        if tries == 2:
            only_read(database_url, "off")
        events.append(session, run_id, "s", "k", {}, NOW)

    with Database(database_url) as database:
        with pytest.raises(StoreAway, match="can only be read"):
            await database.run(work)
        database.patience = 30.0
        await database.run(work)
        assert tries == 3, "the second had its connection before there was a server that can write"
        with database.reading() as session:
            assert len(events.after(session, run_id, 0)) == 1


async def test_checkpoints_leave_a_standby_too(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_checkpointer(database_url):
        pass  # the tables are there
    only_read(database_url, "on")
    async with open_checkpointer(database_url) as saver:
        assert isinstance(saver, PatientSaver)
        drained = 0
        leave = saver.leave_standby

        async def counted() -> None:
            nonlocal drained
            drained += 1
            only_read(database_url, "off")
            await leave()

        monkeypatch.setattr(saver, "leave_standby", counted)
        config: Any = {"configurable": {"thread_id": "r", "checkpoint_ns": "", "checkpoint_id": "c"}}
        await saver.aput_writes(config, [("channel", "value")], "task")
        assert drained == 1


async def test_checkpoints_of_a_process_that_is_frozen_keep_nobody(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.postgres.STUCK_SECONDS", 1)
    async with open_checkpointer(database_url) as saver:
        assert isinstance(saver, PatientSaver)
        async with saver.conn.connection() as connection:  # type: ignore[union-attr]
            assert isinstance(connection, AsyncConnection)
            found = await connection.execute("SHOW idle_in_transaction_session_timeout")
            assert await found.fetchone() == {"idle_in_transaction_session_timeout": "1min"}
            with pytest.raises(psycopg.OperationalError):  # noqa: PT012 - it is told where the pipeline ends
                async with connection.pipeline() as pipeline:
                    await connection.execute("SELECT 1")
                    connection.pgconn.send_flush_request()
                    connection.pgconn.flush()
                    time.sleep(2.0)  # noqa: ASYNC251 - as a paused machine would: the server hears nothing
                    await pipeline.sync()


async def test_a_transaction_steps_back_before_it_is_tried_again(
    database_url: str, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[float] = []

    def draw() -> float:
        drawn.append(0.5)
        return 0.5

    with Database(database_url, draw=draw) as database:
        with database.session() as session:
            other = runs.create(session, "x", {}, NOW)
        together, tries = threading.Barrier(2), []

        def work(session: Session, first: str, second: str) -> None:
            tries.append(first)
            hold(session, first)
            if len(tries) <= 2:
                together.wait(10)
            hold(session, second)

        waited: list[float] = []
        sleep = time.sleep
        monkeypatch.setattr(database_module.time, "sleep", lambda s: (waited.append(s), sleep(s)))
        await asyncio.gather(database.run(work, run_id, other), database.run(work, other, run_id))
    assert len(drawn) == len(waited) == len(tries) - 2 > 0
    assert set(waited) == {database_module.STEP_BACK_SECONDS / 2}


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_of_another_alphabet_is_refused_in_words(postgres: Postgres, encoding: str) -> None:
    url = postgres.make()
    name = make_url(url).database
    postgres.drop(url)
    say(postgres.url(), f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
    try:
        with pytest.raises(WrongUse, match=f"has the encoding {encoding}") as caught:
            Database(url)
        assert "ENCODING 'UTF8' TEMPLATE template0" in caught.value.next_step
    finally:
        postgres.drop(url)


def test_what_nobody_expects_is_not_hidden(database: Database) -> None:
    with pytest.raises(Exception, match="division by zero"), database.session() as session:
        session.execute(text("SELECT 1 / 0"))
