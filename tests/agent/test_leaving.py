"""A run goes on where its model is, whoever says so, and a host without a worker is told of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from agent.queue import jobs, leaving, tables
from agent.queue.parts import this_host
from agent.views import summary
from graphs.options import RunOptions
from graphs.prompts import Approval, ApprovalAction, Labelled, Reply
from store import orders, runs
from store.database import Database, sqlite_url
from store.orders import OrderKind
from store.schema import RunStatus
from tests.standins.records import NOW
from tools.clock import FixedClock


@pytest.fixture
def database_url(postgres_url: str) -> str:
    return postgres_url


@pytest.fixture
def worker_on(database_url: str) -> Iterator[list[psycopg.Connection[object]]]:
    yield (connected := [])
    for connection in connected:
        connection.close()


def connect(url: str, name: str) -> psycopg.Connection[object]:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, application_name=name)  # type: ignore[return-value]


def run_on(database: Database, host: str | None, stage: str, status: RunStatus) -> str:
    with database.session() as session:
        options = RunOptions(out_dir="reports/x", host=host).model_dump(mode="json")
        run_id = runs.create(session, "x", options, NOW)
        session.flush()
        runs.set_status(session, run_id, status, "waits for something", NOW, stage=stage)
    return run_id


APPROVED = Approval(action=ApprovalAction.APPROVE, table_hash="h", primary="a/B", by="Ann", at=NOW)


@pytest.mark.parametrize(
    ("host", "stage", "status", "reply", "left_to"),
    [
        ("gpu1", "answer", RunStatus.STOPPED, None, "gpu1"),
        ("gpu1", "approve", RunStatus.WAITING, APPROVED, "gpu1"),
        ("gpu1", "judge", RunStatus.WAITING, Labelled(by="Ann"), "gpu1"),
        ("gpu1", "approve", RunStatus.WAITING, None, None),
        ("gpu1", "research", RunStatus.STOPPED, None, None),
        (None, "answer", RunStatus.STOPPED, None, None),
        (this_host(), "answer", RunStatus.STOPPED, None, None),
    ],
)
def test_what_is_evaluated_elsewhere_is_left_there(
    database: Database,
    host: str | None,
    stage: str,
    status: RunStatus,
    reply: Reply | None,
    left_to: str | None,
) -> None:
    run_id = run_on(database, host, stage, status)
    with database.reading() as session:
        assert leaving.elsewhere(session, run_id, reply) == left_to


def test_a_host_is_at_work_while_its_worker_is_connected(
    database_url: str, database: Database, worker_on: list[psycopg.Connection[object]]
) -> None:
    run_id = run_on(database, "gpu1", "answer", RunStatus.STOPPED)
    with database.session() as session:
        tables.make(session)
        orders.submit(session, run_id, OrderKind.DRIVE, NOW, by="Ann")
        jobs.fill(session)
    worker_on.append(connect(database_url, "bms worker"))  # one that only researches
    clock = FixedClock(NOW + timedelta(minutes=1))
    with database.reading() as session:
        assert leaving.hosts_at_work(session) == frozenset()
        told = summary(session, runs.get(session, run_id), clock)
    assert (told.status, told.host) == (RunStatus.QUEUED, "gpu1")
    assert "no worker of gpu1 is at work" in told.detail
    assert f"bms resume {run_id} --host OTHER" in told.detail
    worker_on.append(connect(database_url, f"{leaving.AT_WORK}gpu1"))
    with database.reading() as session:
        assert leaving.hosts_at_work(session) == {"gpu1"}
        assert "at work" in summary(session, runs.get(session, run_id), clock).detail
        assert "no worker" not in summary(session, runs.get(session, run_id), clock).detail


def test_a_run_that_was_copied_to_sqlite_is_told_of_too(tmp_path: Path) -> None:
    with Database(sqlite_url(tmp_path / "bms.sqlite")) as database:
        run_id = run_on(database, "gpu1", "answer", RunStatus.STOPPED)
        with database.session() as session:
            orders.submit(session, run_id, OrderKind.DRIVE, NOW, by="Ann")
        with database.reading() as session:
            told = summary(session, runs.get(session, run_id), FixedClock(NOW))
            assert leaving.elsewhere(session, run_id, None) is None
    assert (told.status, told.detail) == (RunStatus.QUEUED, "waits for something")
