"""An open database, and a run in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from store import runs
from store.database import Database, sqlite_url
from tests.standins.records import NOW


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A new SQLite database in a file."""
    with Database(sqlite_url(tmp_path / "bms.sqlite")) as opened:
        yield opened


@pytest.fixture
def run_id(database: Database) -> str:
    """A run that has not started."""
    with database.session() as session:
        return runs.create(session, "evaluate 8B models for therapy coaching", {"out_dir": "/out"}, NOW)
