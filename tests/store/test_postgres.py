"""PostgreSQL goes away and comes back, and others write at the same time: nothing is lost or done twice."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url
from sqlalchemy.orm import Session

from store import events, leases, runs
from store.database import CommitUnheard, Database, StoreFault
from store.locks import Lock, hold
from store.reading import keep_text, page_text
from store.schema import PageRow
from tests.standins.patience import PATIENCE
from tests.standins.postgres import Postgres
from tests.standins.postgres_proxy import Break, between
from tests.standins.records import NOW
from tools.facts import content_hash
from tools.faults import Conflict


@pytest.fixture
def database_url(postgres_url: str) -> str:
    return postgres_url


def numbers(database: Database, run_id: str) -> list[int]:
    with database.reading() as session:
        return [event.seq for event in events.after(session, run_id, 0)]


async def test_a_connection_lost_before_the_commit_costs_nothing(
    postgres: Postgres, database_url: str, database: Database, run_id: str
):
    database.patience = PATIENCE
    tries: list[int] = []

    def work(session: Session) -> None:
        tries.append(1)
        events.append(session, run_id, "s", "k", {}, NOW)
        if len(tries) == 1:
            postgres.cut(database_url)
        events.append(session, run_id, "s", "next", {}, NOW)

    await database.run(work)
    assert len(tries) == 2
    assert numbers(database, run_id) == [1, 2]


async def test_what_others_stored_first_is_found_at_the_second_try(database: Database):
    text, together = "one page for two runs", threading.Barrier(2)
    tries: list[int] = []

    def work(session: Session) -> None:
        tries.append(1)
        known = page_text(session, content_hash(text))
        if len(tries) <= 2:
            together.wait(PATIENCE)
            assert known is None, "both look before either has stored it"
        if known is None:
            session.add(PageRow(content_hash=content_hash(text), text=text))

    await asyncio.gather(database.run(work), database.run(work))
    assert len(tries) == 3
    with database.reading() as session:
        assert page_text(session, content_hash(text)) == text


async def test_transactions_that_stand_in_each_others_way_both_end(database: Database):
    with database.session() as session:
        names = [runs.create(session, "text", {}, NOW) for _ in range(2)]
    together, tries = threading.Barrier(2), []

    def work(session: Session, first: str, second: str) -> None:
        tries.append(first)
        hold(session, first)
        if len(tries) <= 2:
            together.wait(PATIENCE)
        hold(session, second)
        events.append(session, first, "s", "k", {}, NOW)

    await asyncio.gather(database.run(work, *names), database.run(work, *reversed(names)))
    assert len(tries) >= 3, "PostgreSQL ended one of the two, which was run again"
    assert [numbers(database, name) for name in names] == [[1], [1]]


@pytest.mark.parametrize("what", Break)
async def test_a_commit_that_nobody_heard_of_is_told_apart(
    database_url: str, database: Database, run_id: str, what: Break
):
    with between(database_url) as proxy, Database(proxy.url, patience=PATIENCE) as distant:
        proxy.breaks = what
        with pytest.raises(CommitUnheard):
            await distant.run(events.append, run_id, "s", "k", {}, NOW)
        assert numbers(database, run_id) == ([1] if what is Break.AFTER else [])


async def test_a_lock_has_one_holder_and_goes_with_its_connection(
    postgres: Postgres, database_url: str, database: Database
):
    mine, theirs, another = (Lock(database, name) for name in ("run:a", "run:a", "run:b"))
    assert await mine.take()
    assert not await theirs.take()
    assert await another.take()
    assert (mine.is_held, theirs.is_held) == (True, False)
    postgres.cut(database_url)
    assert await theirs.take(), "a connection that is gone holds nothing"
    assert not await mine.hold_on(), "it was lost in between"
    await theirs.release()
    assert await mine.hold_on(), "and can be had again"
    for lock in (mine, theirs, another):
        await lock.release()


async def test_a_lock_that_was_given_back_is_free(database: Database):
    mine, theirs = Lock(database, "run:a"), Lock(database, "run:a")
    assert await mine.take()
    await mine.release()
    assert await theirs.take()
    await theirs.release()


async def test_who_holds_the_lock_need_not_wait_for_the_lease(database: Database, run_id: str):
    elsewhere = "another-machine:4711:1700000000.00"
    first = await database.run(leases.take, run_id, elsewhere, NOW)
    with pytest.raises(leases.AlreadyRunning):
        await database.run(leases.take, run_id, leases.this_process(), NOW)
    second = await database.run(leases.take, run_id, leases.this_process(), NOW, alone=True)
    assert second.fence == first.fence + 1
    with pytest.raises(leases.LostLease):
        await database.run(leases.check, first)


def test_somebody_who_comes_second_is_told(database: Database):
    with pytest.raises(Conflict, match="first"), database.session() as session:  # noqa: PT012
        keep_text(session, "", "a page")
        with database.session() as other:
            keep_text(other, "", "a page")


def test_a_database_that_is_not_there_is_named_without_its_password(tmp_path: Path):
    with pytest.raises(StoreFault, match="does not answer") as caught:
        Database(f"postgresql+psycopg://someone:secret@/bms?host={tmp_path}")
    assert "secret" not in str(caught.value)
    assert "BMS_DATABASE_URL" in caught.value.next_step


def test_a_user_who_may_make_no_tables_is_told_so(postgres: Postgres):
    url = make_url(postgres.make())
    name = f"guest_{url.database}"
    with psycopg.connect(url.set(drivername="postgresql").render_as_string(False), autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {name} LOGIN")
        owner.execute("REVOKE CREATE ON SCHEMA public FROM public")
    guest = url.set(username=name).render_as_string(hide_password=False)
    with pytest.raises(StoreFault, match="permission denied for schema public") as caught:
        Database(guest)
    assert "OWNER TO" in caught.value.next_step
