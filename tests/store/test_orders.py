"""Orders, keys of creation and conversations: what a server has taken outlives it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from store import creations, events, leases, orders, runs, threads
from store.creations import KeyReused
from store.database import Database
from store.orders import OrderKind
from store.schema import CreationRow, MessageRow, OrderRow, RunRow, RunStatus, ThreadRow
from tests.standins.records import NOW
from tools.faults import Conflict, NotFound

pytestmark = pytest.mark.both_databases

SOON = NOW + timedelta(minutes=5)


@pytest.fixture
def run_id(database: Database) -> str:
    with database.session() as session:
        return runs.create(session, "evaluate 8B models", {}, NOW)


def status(database: Database, run_id: str) -> RunStatus:
    with database.reading() as session:
        return orders.status_of(session, runs.get(session, run_id), NOW)


class TestOrders:
    def test_an_order_is_open_until_it_is_done(self, database: Database, run_id: str):
        with database.session() as session:
            number = orders.submit(session, run_id, OrderKind.DRIVE, NOW, by="ada")
        assert status(database, run_id) is RunStatus.QUEUED
        with database.session() as session:
            assert [order.id for order in orders.all_open(session)] == [number]
            orders.finish(session, number, SOON, "the disk is full")
        with database.reading() as session:
            assert orders.all_open(session) == []
            assert orders.open_order(session, run_id) is None
            assert orders.last_problem(session, run_id) == "the disk is full"
        assert status(database, run_id) is RunStatus.STOPPED

    def test_a_run_takes_one_order_at_a_time(self, database: Database, run_id: str):
        with database.session() as session:
            orders.submit(session, run_id, OrderKind.DRIVE, NOW, by="ada")
        with pytest.raises(Conflict, match="by ada"), database.session() as session:
            orders.submit(session, run_id, OrderKind.REPLY, NOW, by="bob")
        with database.reading() as session:
            assert len(orders.all_open(session)) == 1

    def test_an_order_is_told_as_an_event_of_the_same_transaction(self, database: Database, run_id: str):
        with database.session() as session:
            number = orders.submit(session, run_id[:10], OrderKind.EXTEND, NOW, by="ada")
        with database.reading() as session:
            (told,) = events.of_kind(session, run_id, "order")
        assert told.data == {"order": number, "kind": "extend", "by": "ada"}

    def test_what_is_done_is_not_done_again(self, database: Database, run_id: str):
        with database.session() as session:
            number = orders.submit(session, run_id, OrderKind.DRIVE, NOW, by="ada")
            orders.finish(session, number, NOW)
            orders.finish(session, number, SOON, "too late")
            order = orders.get(session, number)
            assert order is not None
            session.refresh(order)
            assert (order.done_at, order.problem) == (NOW, "")

    def test_a_run_that_is_driven_is_running_whatever_is_ordered(self, database: Database, run_id: str):
        with database.session() as session:
            orders.submit(session, run_id, OrderKind.DRIVE, NOW, by="ada")
            runs.set_status(session, run_id, RunStatus.RUNNING, "", NOW)
            leases.take(session, run_id, leases.this_process(), NOW)
        assert status(database, run_id) is RunStatus.RUNNING

    def test_a_cancelled_run_needs_nothing_any_more(self, database: Database, run_id: str):
        from graphs.runner import cancel_run

        with database.session() as session:
            orders.submit(session, run_id, OrderKind.DRIVE, NOW, by="ada")
            assert cancel_run(session, run_id, SOON) == "Nobody was driving it."
        with database.reading() as session:
            assert orders.all_open(session) == []
            assert orders.last_problem(session, run_id) == "cancelled by a person"
        with pytest.raises(Conflict, match="already ended"), database.session() as session:
            cancel_run(session, run_id, SOON)


class TestCreations:
    def test_the_same_key_gives_the_same_run(self, database: Database, run_id: str):
        with database.session() as session:
            assert creations.run_of(session, "k", "f" * 64) is None
            creations.keep(session, "k", "f" * 64, run_id, NOW)
        with database.reading() as session:
            assert creations.run_of(session, "k", "f" * 64) == run_id

    def test_a_key_used_for_something_else_is_refused(self, database: Database, run_id: str):
        with database.session() as session:
            creations.keep(session, "k", "f" * 64, run_id, NOW)
        with pytest.raises(KeyReused), database.reading() as session:
            creations.run_of(session, "k", "0" * 64)

    def test_two_at_once_make_one(self, database: Database, run_id: str):
        with database.session() as session:
            creations.keep(session, "k", "f" * 64, run_id, NOW)
        with pytest.raises((IntegrityError, Conflict)), database.session() as session:
            creations.keep(session, "k", "f" * 64, run_id, NOW)


class TestThreads:
    def test_messages_are_numbered_and_titled(self, database: Database):
        with database.session() as session:
            thread = threads.create(session, NOW)
            for text in ("evaluate 8B models", "only Apache licences"):
                threads.say(session, thread.id, threads.PERSON, text, NOW)
        with database.reading() as session:
            assert [m.position for m in threads.messages(session, thread.id)] == [1, 2]
            assert [m.text for m in threads.messages(session, thread.id, after=1)] == ["only Apache licences"]
            assert threads.get(session, thread.id).title == "evaluate 8B models"

    def test_a_message_sent_twice_is_one(self, database: Database):
        with database.session() as session:
            thread = threads.create(session, NOW)
            first = threads.say(session, thread.id, threads.PERSON, "hello", NOW, message_id="m1")
            again = threads.say(session, thread.id, threads.PERSON, "hello again", SOON, message_id="m1")
            assert (again.position, again.text) == (first.position, "hello")

    def test_the_same_name_in_two_conversations_is_two_messages(self, database: Database):
        with database.session() as session:
            for _ in range(2):
                thread = threads.create(session, NOW)
                threads.say(session, thread.id, threads.PERSON, "hello", NOW, message_id="m1")
            assert session.scalar(select(func.count()).select_from(MessageRow)) == 2

    def test_a_message_knows_how_far_the_run_had_got(self, database: Database, run_id: str):
        with database.session() as session:
            thread = threads.create(session, NOW, run_id=run_id)
            before = threads.say(session, thread.id, threads.PERSON, "hello", NOW)
            events.append(session, run_id, "intake", "warning", {"sentence": "x"}, NOW)
            session.flush()
            after = threads.say(session, thread.id, threads.BMS, "hi", NOW)
            assert (before.after_event, after.after_event) == (0, 1)
            assert threads.of_run(session, run_id) is thread

    def test_there_is_one_of_a_name(self, database: Database):
        with database.session() as session:
            threads.create(session, NOW, thread_id="t1")
        with pytest.raises(Conflict), database.session() as session:
            threads.create(session, NOW, thread_id="t1")
        with pytest.raises(NotFound), database.reading() as session:
            threads.get(session, "t2")


def test_a_run_takes_its_orders_and_keys_along_and_leaves_the_conversation(database: Database, run_id: str):
    with database.session() as session:
        orders.submit(session, run_id, OrderKind.DRIVE, NOW, by="ada")
        creations.keep(session, "k", "f" * 64, run_id, NOW)
        thread = threads.create(session, NOW, run_id=run_id)
        threads.say(session, thread.id, threads.PERSON, "hello", NOW)
    with database.session() as session:
        session.delete(session.get_one(RunRow, run_id))
    with database.reading() as session:
        assert _count(session, OrderRow) == _count(session, CreationRow) == 0
        assert _count(session, MessageRow) == 1
        assert session.get_one(ThreadRow, thread.id).run_id is None


def _count(session: Session, table: type[OrderRow | CreationRow | MessageRow]) -> int:
    return session.scalar(select(func.count()).select_from(table)) or 0
