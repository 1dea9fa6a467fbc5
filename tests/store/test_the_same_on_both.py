"""What SQLite takes PostgreSQL takes too, and both give the same back: numbers that are none, words of any
length; and a home that holds either can be copied."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from store import creations, evaluation, events, orders, research, runs
from store.copying import Side, copy
from store.database import Database, sqlite_url
from store.migrate import HEAD, alembic_config, current_revision, ensure_schema
from store.orders import OrderKind
from store.plain import as_json
from store.schema import CandidateRow, RunRow
from tests.standins.postgres import Postgres
from tests.standins.records import NOW
from tools.claim_reading import _offered
from tools.coverage import Sighting
from tools.finite_json import read_json
from tools.judge_reply import _objects
from tools.runtimes.wire import parse_object

NONE_OF_THEM = (math.nan, math.inf, -math.inf)
WORDS = '{"a": NaN, "b": [Infinity, -Infinity, 1e999, 1.5], "c": "NaN"}'
READ = {"a": None, "b": [None, None, None, 1.5], "c": "NaN"}
LONG = "é" * 700
"""Longer than any column says."""
FARTHEST = "/" + "/".join(f"{number:x}" * 40 for number in range(40))


NUMBERS = st.floats(allow_nan=True, allow_infinity=True)


@given(st.recursive(NUMBERS, lambda one: st.lists(one) | st.dictionaries(st.text(), one), max_leaves=6))
def test_what_is_stored_is_json(value: Any) -> None:
    def refused(word: str) -> None:
        raise AssertionError(word)

    def same(one: Any, other: Any) -> bool:
        if isinstance(one, float):
            return one == other if math.isfinite(one) else other is None
        if isinstance(one, dict):
            return all(map(same, one.values(), other.values()))
        return all(map(same, one, other))

    assert same(value, json.loads(as_json(value), parse_constant=refused))


@pytest.mark.both_databases
def test_a_number_that_is_none_is_stored_as_null(database: Database, run_id: str) -> None:
    with database.session() as session:
        events.append(session, run_id, "s", "k", {"x": list(NONE_OF_THEM), "y": 1.5, "z": (math.nan,)}, NOW)
    with database.reading() as session:
        assert events.after(session, run_id, 0)[0].data == {"x": [None] * 3, "y": 1.5, "z": [None]}


def test_replies_are_read_without_numbers_that_are_none() -> None:
    assert read_json(WORDS) == parse_object(WORDS) == READ
    assert list(_objects(f"so: {WORDS}", dict)) == [READ]
    assert _offered(json.dumps({"claims": []}).replace("[]", "NaN")) == "The reply has no list of claims."


def fill(database: Database, run_id: str) -> None:
    with database.session() as session:
        orders.submit(session, run_id, OrderKind.DRIVE, NOW, by=LONG, prompt_id=LONG)
        creations.keep(session, LONG, LONG, run_id, NOW)
        events.append(session, run_id, LONG, LONG, {}, NOW)
        evaluation.keep_document(session, run_id, FARTHEST, "0" * 64, NOW)
        research.keep_sightings(session, run_id, [Sighting(source=LONG, candidate=LONG, census=False)])
        session.add(CandidateRow(run_id=run_id, key=LONG, standing="seen", record={}))
        runs.set_stage(session, run_id, LONG, NOW)


def found(database: Database, run_id: str) -> list[Any]:
    with database.reading() as session:
        order = orders.open_order(session, run_id)
        assert order is not None
        (document,) = evaluation.documents(session, run_id)
        return [
            (order.by, order.prompt_id),
            [(one.stage, one.kind) for one in events.after(session, run_id, 1)],
            document.path,
            session.scalar(select(CandidateRow.key)),
            runs.get(session, run_id).stage,
            creations.run_of(session, LONG, LONG),
        ]


@pytest.mark.both_databases
def test_words_are_as_long_as_they_are(database: Database, run_id: str) -> None:
    fill(database, run_id)
    whole = [(LONG, LONG), [(LONG, LONG)], FARTHEST, LONG, LONG, run_id]
    assert found(database, run_id) == whole


async def test_a_home_with_any_of_it_is_copied(tmp_path: Path, database: Database, postgres_url: str) -> None:
    assert database.dialect == "sqlite"
    with database.session() as session:
        run_id = runs.create(session, "x", {}, NOW)
    fill(database, run_id)
    with database.session() as session:  # as older versions have written it
        session.execute(
            text("UPDATE events SET data = :data WHERE seq = 2"), {"data": '{"a": NaN, "b": Infinity}'}
        )
    source = Side(database, sqlite_url(tmp_path / "checkpoints.sqlite"))
    with Database(postgres_url) as target:
        await copy(source, Side(target, postgres_url), NOW, lambda *_: None)
        assert found(target, run_id) == found(database, run_id)
        with target.reading() as session:
            assert events.after(session, run_id, 1)[0].data == {"a": None, "b": None}


LONGEST = text(
    "SELECT max(character_maximum_length) FROM information_schema.columns"
    " WHERE table_schema = 'public' AND table_name <> 'alembic_version'"
)


def test_a_database_of_before_takes_long_words_from_now_on(postgres: Postgres) -> None:
    def to(revision: str) -> None:
        with database.engine.begin() as connection:
            config = alembic_config()
            config.attributes["connection"] = connection
            command.downgrade(config, revision)

    url = postgres.make()
    try:
        with Database(url) as database:
            to("0006")
            with database.session() as session:
                assert session.scalar(LONGEST) == 500
                run_id = runs.create(session, "x", {}, NOW)
            ensure_schema(database.engine)
            assert current_revision(database.engine) == HEAD
            fill(database, run_id)
            with database.session() as session:
                assert session.scalar(LONGEST) is None
                assert session.scalar(select(RunRow.id)) == run_id
    finally:
        postgres.drop(url)
