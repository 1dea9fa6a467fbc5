"""A row that SQLite has taken and PostgreSQL does not ends a copy with a sentence, and nothing is stored."""

from __future__ import annotations

from pathlib import Path

import pytest

from store import events, runs
from store.copying import CopyFault, Side, copy
from store.database import Database, sqlite_url
from tests.standins.records import NOW


@pytest.mark.parametrize(("kind", "value"), [("k" * 40, 1.0), ("k", float("nan"))])
async def test_a_row_that_is_not_taken_is_named(postgres_url: str, tmp_path: Path, kind: str, value: float):
    home = sqlite_url(tmp_path / "bms.sqlite")
    with Database(home) as ours, Database(postgres_url) as theirs:
        with ours.session() as session:
            run_id = runs.create(session, "x", {}, NOW)
            session.flush()
            events.append(session, run_id, "s", kind, {"value": value}, NOW)
        source = Side(ours, sqlite_url(tmp_path / "checkpoints.sqlite"))
        with pytest.raises(CopyFault, match="A row of the table events is not taken"):
            await copy(source, Side(theirs, postgres_url), NOW, lambda *_: None)
        with theirs.reading() as session:
            assert runs.latest(session) == []
