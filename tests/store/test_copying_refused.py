"""A row that SQLite has taken and PostgreSQL does not ends a copy with a sentence, and nothing is stored."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from store import evaluation, runs
from store.copying import CopyFault, Side, copy
from store.database import Database, StoreFault, sqlite_url
from store.schema import WaveRow
from tests.standins.records import NOW

LONGEST_PATH = "".join(random.Random(7).choices("abcdefghijklmnopqrstuvwxyz0123456789/", k=4090))


def far_beyond(session: Session, run_id: str) -> None:
    session.add(WaveRow(run_id=run_id, wave=2**40, record={}))


def deep_down(session: Session, run_id: str) -> None:
    evaluation.keep_document(session, run_id, LONGEST_PATH, "0" * 64, NOW)


@pytest.mark.parametrize(("table", "fill"), [("waves", far_beyond), ("documents", deep_down)])
async def test_a_row_that_is_not_taken_is_named(postgres_url: str, tmp_path: Path, table: str, fill):
    home = sqlite_url(tmp_path / "bms.sqlite")
    with Database(home) as ours, Database(postgres_url) as theirs:
        with ours.session() as session:
            run_id = runs.create(session, "x", {}, NOW)
            session.flush()
            fill(session, run_id)
        source = Side(ours, sqlite_url(tmp_path / "checkpoints.sqlite"))
        with pytest.raises(CopyFault, match=f"A row of the table {table} is not taken"):
            await copy(source, Side(theirs, postgres_url), NOW, lambda *_: None)
        with theirs.reading() as session:
            assert runs.latest(session) == []


def test_a_path_that_no_index_holds_is_told_in_words(postgres_url: str) -> None:
    with Database(postgres_url) as database:
        with database.session() as session:
            run_id = runs.create(session, "x", {}, NOW)
        with pytest.raises(StoreFault, match="longer than the database"), database.session() as session:
            deep_down(session, run_id)
