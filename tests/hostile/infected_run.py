"""A finished run in whose rows every text of a stranger is hostile, each payload in turn."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import cycle
from typing import Any

from tests.hostile.cases_served import ADDRESSES
from tests.standins.replayed import Kept
from tools.table import ComparisonTable

_TEXTS = """
arithmetic by clause_quotes clauses concerns condition detail display engine excluded family hello licence
lineage lines message name note notes over quantization query quote reason record_field sentence snippet
source status strengths style subtopic summary template text title value why why_backup why_primary
"""
TEXTS = frozenset(_TEXTS.split())
"""Keys of stored JSON that hold what a page, a model, a judge or a person said."""
COLUMNS = {
    "fetches": ("detail", "reason"),
    "searches": ("detail",),
    "verdicts": ("reason",),
    "assessments": ("detail",),
}


class _Infecting:
    def __init__(self, payloads: Sequence[str], first: int) -> None:
        self._payloads = cycle([*payloads[first:], *payloads[:first]])
        self._addresses = cycle([address.text for address in ADDRESSES])
        self.places = 0

    def text(self, told: str) -> str:
        self.places += 1
        return f"{next(self._payloads)} {told[:40]}"[:200]

    def inside(self, value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: self.inside(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.inside(inner, key) for inner in value]
        if not isinstance(value, str):
            return value
        if key in {"url", "final_url", "source_url"} and self.places % 3 == 0:
            self.places += 1
            return next(self._addresses)
        return self.text(value) if key in TEXTS else value


def infect(run: Kept, payloads: Sequence[str], first: int = 0) -> int:
    """Write ``payloads`` into the rows of ``run``, beginning with that number; how many places were hit."""
    infecting = _Infecting(payloads, first)
    with closing(sqlite3.connect(run.home / "bms.sqlite")) as database, database:
        for table, column, row, text in list(_documents(database)):
            record = infecting.inside(json.loads(text))
            database.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (json.dumps(record), row))
        for table, columns in COLUMNS.items():
            for column in columns:
                for row, text in database.execute(f"SELECT rowid, {column} FROM {table}").fetchall():
                    update = f"UPDATE {table} SET {column} = ? WHERE rowid = ?"
                    database.execute(update, (infecting.text(text)[:60], row))
        database.execute("UPDATE pages SET text = ? || text", (" ".join(payloads),))
        database.execute("UPDATE runs SET text = ?, detail = ?", (payloads[first], payloads[-1 - first]))
        _rehash(database)
    return infecting.places


def _documents(database: sqlite3.Connection) -> Iterator[tuple[str, str, int, str]]:
    """Every column of JSON of every row but for how a run was asked to work."""
    tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        for _, column, kind, *_ in database.execute(f"PRAGMA table_info({table})").fetchall():
            if kind != "JSON" or column in {"options", "request"}:
                continue
            query = f'SELECT rowid, "{column}" FROM {table} WHERE "{column}" IS NOT NULL'
            for row, text in database.execute(query).fetchall():
                yield table, f'"{column}"', row, text


def _rehash(database: sqlite3.Connection) -> None:
    """Let the table be the one that was offered: its hash is of what it says."""
    ((text, before),) = database.execute('SELECT "table", hash FROM tables').fetchall()
    after = ComparisonTable.model_validate_json(text).hash
    for table, column in (("tables", "hash"), ("tables", "proposal"), ("approvals", "table_hash")):
        database.execute(f"UPDATE {table} SET {column} = replace({column}, ?, ?)", (before, after))
    database.execute("UPDATE approvals SET record = replace(record, ?, ?)", (before, after))
    database.execute("UPDATE events SET data = replace(data, ?, ?)", (before, after))
