"""Tables, migrations and the constant that saves the import of Alembic agree."""

from __future__ import annotations

import ast
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Engine, Integer, MetaData, create_engine, inspect, select, text

from store import migrate, runs
from store.database import Database, sqlite_url
from store.migrate import HEAD, SCRIPTS, SchemaFault, alembic_config, current_revision, ensure_schema
from store.schema import Base, RunRow, RunStatus
from tests.standins.postgres import Postgres
from tests.standins.processes import together
from tests.standins.records import NOW


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """An engine on a file that does not exist yet."""
    return create_engine(sqlite_url(tmp_path / "bare.sqlite"))


def differences(engine: Engine, metadata: MetaData) -> list[object]:
    with engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))


def test_the_migrations_make_the_tables_that_the_models_describe(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(migrate, "_made_anew", lambda _engine: False)
    ensure_schema(engine)
    assert differences(engine, Base.metadata) == []


def definitions(engine: Engine) -> dict[str, set[str]]:
    """What each table and index is made of, whatever the order of its columns and constraints."""
    with engine.connect() as connection:
        made = connection.execute(text("SELECT type, name, sql FROM sqlite_master")).all()
        versions = connection.execute(text("SELECT * FROM alembic_version")).all()
    parts = {
        f"{kind} {name}": re.split(r", (?![^()]*\))", " ".join((sql or "").split()).partition("(")[2][:-1])
        for kind, name, sql in made
    }
    stripped = {name: {part.strip() for part in those} for name, those in parts.items()}
    return {**stripped, "at": {str(row) for row in versions}}


def test_a_new_file_is_what_the_migrations_make_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fast, slow = (create_engine(sqlite_url(tmp_path / name)) for name in ("fast.sqlite", "slow.sqlite"))
    with monkeypatch.context() as patch:
        patch.setattr(migrate, "alembic_config", lambda: pytest.fail("Alembic was asked"))
        ensure_schema(fast)
    monkeypatch.setattr(migrate, "_made_anew", lambda _engine: False)
    ensure_schema(slow)
    made = definitions(fast)
    assert made == definitions(slow)
    assert {"role VARCHAR(10) NOT NULL", "conditions JSON NOT NULL"} <= made["table answers"]
    assert any("ON DELETE CASCADE" in part for part in made["table answers"])
    assert len(made) > 2 * len(Base.metadata.tables)


COLUMNS = """
    SELECT table_name, column_name, data_type, character_maximum_length, collation_name, column_default,
        is_nullable
    FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2
"""
COUNTERS = "SELECT sequencename, data_type::text FROM pg_sequences ORDER BY 1"


def test_migrations_make_the_same_of_postgresql_with_text_ordered_by_code_points(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
):
    def made(url: str) -> list[tuple[object, ...]]:
        with Database(url) as database, database.connect() as connection:
            return [tuple(row) for query in (COLUMNS, COUNTERS) for row in connection.execute(text(query))]

    fast, slow = postgres.make(), postgres.make()
    try:
        columns = made(fast)
        monkeypatch.setattr(migrate, "_made_anew", lambda _engine: False)
        assert made(slow) == columns
    finally:
        postgres.drop(fast)
        postgres.drop(slow)
    ours = [row for row in columns if row[0] != "alembic_version"]
    assert {row[4] for row in ours if len(row) > 2 and row[2] in {"text", "character varying"}} == {"C"}
    assert {row[1] for row in ours if len(row) == 2} == {"bigint"}


def test_a_file_with_tables_of_somebody_else_is_left_to_the_migrations(engine: Engine):
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE theirs (id INTEGER)"))
    ensure_schema(engine)
    assert current_revision(engine) == HEAD
    assert {"theirs", *Base.metadata.tables} <= set(inspect(engine).get_table_names())


def test_a_column_without_a_migration_would_be_noticed(engine: Engine):
    ensure_schema(engine)
    changed = MetaData(naming_convention=Base.metadata.naming_convention)
    for table in Base.metadata.tables.values():
        table.to_metadata(changed)
    changed.tables["runs"].append_column(Column("forgotten", Integer))
    assert [entry[0] for entry in differences(engine, changed)] == ["add_column"]  # type: ignore[index]


def test_the_constant_is_the_only_head():
    assert ScriptDirectory.from_config(alembic_config()).get_heads() == [HEAD]


def test_a_new_database_is_at_the_head_and_a_second_time_changes_nothing(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    assert current_revision(engine) is None
    ensure_schema(engine)
    assert current_revision(engine) == HEAD
    monkeypatch.setattr(migrate, "alembic_config", lambda: pytest.fail("Alembic was asked again"))
    ensure_schema(engine)
    assert current_revision(engine) == HEAD


def test_the_schema_goes_down_to_nothing_and_up_again(engine: Engine):
    ensure_schema(engine)
    with engine.begin() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert set(inspect(engine).get_table_names()) == {"alembic_version"}
    assert current_revision(engine) is None
    ensure_schema(engine)
    assert differences(engine, Base.metadata) == []


def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path):
    url = sqlite_url(tmp_path / "newer.sqlite")
    with Database(url) as database, database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaFault) as caught:
        Database(url)
    assert caught.value.sentence == (
        "The database is at revision 9999, which this version of bms does not know."
    )
    assert "Upgrade bms" in caught.value.next_step


def test_tables_of_another_program_are_left_alone(tmp_path: Path):
    engine = create_engine(sqlite_url(tmp_path / "theirs.sqlite"))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE runs (metres INTEGER)"))
    with pytest.raises(SchemaFault, match="tables that bms did not make"):
        ensure_schema(engine)
    assert inspect(engine).get_table_names() == ["runs"]


def test_migrations_do_not_change_when_the_models_do():
    for path in (SCRIPTS / "versions").glob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text())))
        imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        imported |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
        assert {name.split(".")[0] for name in imported} <= {"sqlalchemy", "alembic"}, path.name


def test_the_usual_start_imports_no_alembic(database: Database):
    code = f"""
import sys
from store.database import Database
print("ready")
input()
Database({database.url!r}).close()
print("alembic" in sys.modules)
"""
    assert together(code) == ["False"]


def test_processes_that_find_no_database_make_one_between_them(tmp_path: Path):
    url = sqlite_url(tmp_path / "new" / "bms.sqlite")
    code = f"""
from datetime import datetime, UTC
from store import runs
from store.database import Database
print("ready", flush=True)
input()
with Database({url!r}) as database, database.session() as session:
    print(runs.create(session, "x", {{}}, datetime.now(UTC)))
"""
    made = together(code, code)
    with Database(url) as database, database.reading() as session:
        assert {row.id for row in runs.latest(session)} == set(made)
        assert len(set(made)) == 2


def test_instants_come_back_in_utc_whatever_zone_they_were_given_in(database: Database, run_id: str):
    there = datetime(2026, 3, 1, 14, 30, 15, 123456, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    with database.session() as session:
        runs.set_stage(session, run_id, "research", there)
    with database.reading() as session:
        row = session.scalars(select(RunRow)).one()
    assert row.updated_at == there
    assert row.updated_at.tzinfo is UTC
    assert row.created_at == NOW


def test_the_end_is_the_end():
    ended = {status for status in RunStatus if status.ended}
    assert ended == {RunStatus.DONE, RunStatus.REJECTED, RunStatus.NOT_NEEDED, RunStatus.CANCELLED}
