"""``bms db copy``: a home of SQLite goes on in PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from store import evaluation
from store.database import Database
from tests.agent.conftest import Bms
from tests.standins.replayed import Kept


def test_a_copied_run_is_approved_and_driven_to_its_end_on_postgresql(
    waiting: Kept, bms: Bms, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting.shortened()
    monkeypatch.setenv("BMS_HOME", str(waiting.home))
    monkeypatch.setenv("BMS_DATABASE_URL", postgres_url)
    said = bms("db", "copy")
    assert said.status == 0, said.err
    assert "Copied 1 run and 0 conversations" in said.out
    assert "Not copied: reports" in said.out
    (waiting.home / "bms.sqlite").rename(waiting.home / "old.sqlite")
    (waiting.home / "checkpoints.sqlite").unlink()
    approved = bms("approve", waiting.run_id, "--primary", "Qwen3 8B")
    assert approved.status == 0, approved.err
    bms("resume", waiting.run_id)
    shown = bms("show", waiting.run_id, "--json").json
    assert shown["status"] in {"waiting", "done"}, shown
    assert shown["stage"] in {"review", "document"}
    with Database(postgres_url) as database, database.reading() as session:
        assert len(evaluation.answers(session, waiting.run_id, "primary")) == 2
    assert not (waiting.home / "bms.sqlite").exists()
    assert not (waiting.home / "checkpoints.sqlite").exists()


def test_wrong_uses(finished: Kept, bms: Bms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BMS_HOME", str(finished.home))
    said = bms("db", "copy")
    assert (said.status, said.err) == (
        2,
        "Error: There is nothing to copy to. Set BMS_DATABASE_URL, or name an address with --to.\n",
    )
    assert "There is no bms.sqlite in" in bms("db", "copy", "--from", str(tmp_path), "--to", "/x").err
    same = bms("db", "copy", "--to", str(finished.home))
    assert (same.status, same.err) == (2, "Error: That is the same database. Name another one with --to.\n")
    once = bms("db", "copy", "--to", str(tmp_path / "new"), "--json")
    assert once.json["rows"]["runs"] == 1
    assert once.json["checkpoints"] > 5
    again = bms("db", "copy", "--to", str(tmp_path / "new"))
    assert again.status == 2
    assert "has 1 run already" in again.err
