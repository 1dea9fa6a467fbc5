"""A desk: one run, its lease and its rows, with services that a test replaces where it needs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from graphs.desk import Desk, Services
from graphs.options import RunOptions
from store import leases, runs
from store.database import Database
from store.locks import Lock
from tests.standins.records import NOW
from tools.clock import FixedClock


@pytest.fixture
def desk_for(database: Database) -> Callable[..., Desk]:
    """Makes a desk on a new run; services are given by name, and asking for any other fails the test."""

    def unused(*_: Any) -> Any:
        pytest.fail("this service was not expected to be used")

    def make(**services: Any) -> Desk:
        options = RunOptions(out_dir="/out")
        with database.session() as session:
            run_id = runs.create(session, "x", options.model_dump(mode="json"), NOW)
            session.flush()
            lease = leases.take(session, run_id, leases.this_process(), NOW)
        given: dict[str, Any] = {
            "database": database,
            "web": None,
            "engines": (),
            "choose_runtime": unused,
            "open_model": unused,
            "read_request": unused,
            "hub_endpoint": "http://127.0.0.1:1",
            "registry_url": "http://127.0.0.1:1",
            "check_room": unused,
            "clock": FixedClock(NOW),
            "wall": FixedClock(NOW),
            "sleep": unused,
        }
        return Desk(run_id, options, Services(**{**given, **services}), lease, Lock(database, run_id))

    return make
