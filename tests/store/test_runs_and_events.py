"""Runs by name and status, materials, and events that are numbered without a gap."""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from store import events, runs
from store.database import Database
from store.schema import EventRow, RunRow, RunStatus
from tests.standins.processes import together
from tests.standins.records import NOW, a_request
from tools.faults import WrongUse

pytestmark = pytest.mark.both_databases

SOON = NOW + timedelta(minutes=5)


def named(database: Database, *ids: str) -> None:
    with database.session() as session:
        for number, run_id in enumerate(ids):
            created = runs.create(session, run_id, {}, NOW + timedelta(seconds=number))
            session.flush()
            runs.get(session, created).id = run_id


def test_names_are_short_sortable_and_legible():
    names = {runs.new_run_id(NOW) for _ in range(500)}
    assert len(names) > 450, "two of them may be alike now and then, and create() draws again"
    assert all(re.fullmatch(r"20260301-[2-9a-hjkmnp-z]{5}", name) for name in names)
    assert not {"0", "1", "i", "l", "o"} & set("".join(name.partition("-")[2] for name in names))
    assert runs.new_run_id(NOW) < runs.new_run_id(NOW + timedelta(days=1))


def test_a_name_that_is_taken_is_drawn_again(database: Database, monkeypatch: pytest.MonkeyPatch):
    drawn = iter(["20260301-abcde", "20260301-abcde", "20260301-fghjk"])
    monkeypatch.setattr(runs, "new_run_id", lambda _now: next(drawn))
    made = []
    for _ in range(2):
        with database.session() as session:
            made.append(runs.create(session, "x", {}, NOW))
    assert made == ["20260301-abcde", "20260301-fghjk"]


def test_a_run_is_found_by_a_unique_beginning(database: Database):
    named(database, "20260301-abcde", "20260301-abxyz", "20260302-k7m2q")
    with database.reading() as session:
        assert runs.get(session, "20260302").id == "20260302-k7m2q"
        assert runs.get(session, "20260301-abc").id == "20260301-abcde"
        assert runs.get(session, "20260301-abxyz").text == "20260301-abxyz"


def test_a_name_that_is_the_beginning_of_another_means_itself(database: Database):
    named(database, "20260301-ab", "20260301-abxyz")
    with database.reading() as session:
        assert runs.get(session, "20260301-ab").id == "20260301-ab"


def test_a_beginning_of_several_names_says_so(database: Database):
    named(database, "20260301-abcde", "20260301-abxyz", "20260301-zzzzz")
    with database.reading() as session, pytest.raises(WrongUse) as caught:
        runs.get(session, "20260301-ab")
    assert "could be 20260301-abcde, 20260301-abxyz" in caught.value.sentence


@pytest.mark.parametrize("wanted", ["", "nobody", "%", "2026030_", "_", "20260301-abcde\n", "'; DROP TABLE"])
def test_what_is_no_name_finds_no_run(database: Database, wanted: str):
    named(database, "20260301-abcde")
    with database.reading() as session, pytest.raises(WrongUse, match="There is no run") as caught:
        runs.get(session, wanted)
    assert "bms runs" in caught.value.next_step


def test_the_newest_runs_come_first(database: Database):
    named(database, "a", "b", "c")
    with database.reading() as session:
        assert [row.id for row in runs.latest(session)] == ["c", "b", "a"]
        assert [row.id for row in runs.latest(session, limit=2)] == ["c", "b"]


@pytest.mark.parametrize("end", [status for status in RunStatus if status.ended])
@pytest.mark.parametrize("later", [RunStatus.RUNNING, RunStatus.DONE, RunStatus.CANCELLED])
def test_an_end_is_final(database: Database, run_id: str, end: RunStatus, later: RunStatus):
    with database.session() as session:
        runs.set_status(session, run_id, end, "the end", NOW)
        runs.set_status(session, run_id, later, "after the end", SOON, stage="pull")
    with database.reading() as session:
        row = runs.get(session, run_id)
    assert (row.status, row.detail, row.stage, row.updated_at) == (end, "the end", "intake", NOW)


def test_a_run_that_has_not_ended_goes_on(database: Database, run_id: str):
    with database.session() as session:
        runs.set_status(session, run_id, RunStatus.WAITING, "waits", SOON, stage="approval")
        runs.set_status(session, run_id, RunStatus.RUNNING, "", SOON)
    with database.reading() as session:
        row = runs.get(session, run_id)
    assert (row.status, row.detail, row.stage, row.updated_at) == (RunStatus.RUNNING, "", "approval", SOON)


def test_the_request_comes_back_as_it_went(database: Database, run_id: str):
    request = a_request(languages=("en", "de"), notes=("The domain is free.",))
    with database.reading() as session, pytest.raises(WrongUse, match="not understood its request"):
        runs.request_of(session, run_id)
    with database.session() as session:
        runs.set_request(session, run_id, request, NOW)
        runs.set_options(session, run_id, {"seed": 7}, NOW)
    with database.reading() as session:
        assert runs.request_of(session, run_id) == request
        assert runs.get(session, run_id).options == {"seed": 7}


def test_the_first_material_of_a_kind_stays(database: Database, run_id: str):
    with database.session() as session:
        runs.keep_material(session, run_id, "rubric", "mine.yaml", "the first")
        runs.keep_material(session, run_id, "rubric", "mine.yaml", "edited meanwhile")
    with database.reading() as session:
        kept = runs.material(session, run_id, "rubric")
        assert kept is not None
        assert kept.text == "the first"
        assert runs.material(session, run_id, "taxonomy") is None


def test_events_are_numbered_from_one_in_each_run(database: Database, run_id: str):
    named(database, "another")
    with database.session() as session:
        numbers = [events.append(session, run_id, "intake", "note", {"n": n}, NOW) for n in range(3)]
        assert events.append(session, "another", "intake", "note", {}, NOW) == 1
    assert numbers == [1, 2, 3]
    with database.reading() as session:
        assert events.last_seq(session, run_id) == 3
        assert events.last_seq(session, "nobody") == 0


def test_events_are_read_from_the_last_number_seen(database: Database, run_id: str):
    with database.session() as session:
        for n in range(5):
            events.append(session, run_id, "research", "page", {"n": n, "word": "Ü ⭐"}, NOW)
    with database.reading() as session:
        assert [row.seq for row in events.after(session, run_id, 0)] == [1, 2, 3, 4, 5]
        assert [row.data["n"] for row in events.after(session, run_id, 3)] == [3, 4]
        assert [row.seq for row in events.after(session, run_id, 1, limit=2)] == [2, 3]
        assert events.after(session, run_id, 5) == []
        assert events.after(session, run_id, 0)[0].data["word"] == "Ü ⭐"


def test_an_event_that_was_rolled_back_leaves_no_gap(database: Database, run_id: str):
    def failing(session: Session) -> None:
        events.append(session, run_id, "intake", "lost", {}, NOW)
        session.flush()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), database.session() as session:
        failing(session)
    with database.session() as session:
        assert events.append(session, run_id, "intake", "kept", {}, NOW) == 1


def test_threads_number_events_without_a_gap(database: Database, run_id: str):
    def append(_: int) -> list[int]:
        numbers = []
        for _ in range(5):
            with database.session() as session:
                numbers.append(events.append(session, run_id, "s", "k", {}, NOW))
        return numbers

    with ThreadPoolExecutor(6) as pool:
        told = [number for numbers in pool.map(append, range(6)) for number in numbers]
    assert sorted(told) == list(range(1, 31))
    with database.reading() as session:
        assert [row.seq for row in events.after(session, run_id, 0)] == list(range(1, 31))


async def test_concurrent_coroutines_number_events_without_a_gap(database: Database, run_id: str):
    numbers = await asyncio.gather(
        *(database.run(events.append, run_id, "s", "k", {}, NOW) for _ in range(20))
    )
    assert sorted(numbers) == list(range(1, 21))


def test_processes_number_events_without_a_gap(database: Database, run_id: str):
    code = f"""
import sys
from store import events
from store.database import Database
from tests.standins.records import NOW
with Database({database.url!r}) as database:
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(15):
        with database.session() as session:
            print(events.append(session, {run_id!r}, "s", "k", {{}}, NOW))
"""
    told = [int(number) for said in together(code, code) for number in said.split()]
    assert sorted(told) == list(range(1, 31))


def test_a_deleted_run_takes_its_rows_along(database: Database, run_id: str):
    with database.session() as session:
        events.append(session, run_id, "s", "k", {}, NOW)
        runs.keep_material(session, run_id, "rubric", "r", "text")
    with database.session() as session:
        session.execute(delete(RunRow).where(RunRow.id == run_id))
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(EventRow)) == 0
        assert runs.material(session, run_id, "rubric") is None
