"""Workers: which order is for whom, jobs that follow the orders, and what they do on a real PostgreSQL."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from procrastinate.exceptions import ConnectorException
from psycopg.errors import ReadOnlySqlTransaction
from sqlalchemy import make_url, text
from sqlalchemy.orm import Session

from agent import driven
from agent.actions import Actions
from agent.deaths import MOST, TRIES, note
from agent.driver_process import BUSY, INTERRUPTED, Ended
from agent.engine import LocalEngine, engine_for
from agent.queue import connector as connector_module
from agent.queue import jobs, steering, tables
from agent.queue import worker as worker_module
from agent.queue.connector import PatientConnector
from agent.queue.engine import QueueEngine
from agent.queue.parts import HOST, LONGEST_HOST, Part, check_host, part_of, queue_of, settle_down, this_host
from agent.queue.worker import QueueWorker, Serves
from agent.settings import Settings, load_settings
from agent.views import run_state
from agent.wishes import Wishes
from graphs.options import RunOptions
from graphs.prompts import (
    Approval,
    ApprovalAction,
    ApprovalPrompt,
    JudgeChoice,
    Labelled,
    Reply,
    RequestAnswer,
    Review,
)
from store import evaluation, events, orders, runs
from store.database import Database
from store.locks import Lock
from store.orders import OrderKind
from store.schema import RunStatus
from tests.agent.conftest import Bms
from tests.standins.patience import PATIENCE
from tests.standins.postgres import Postgres
from tests.standins.records import NOW
from tools.clock import SystemClock
from tools.faults import WrongUse
from tools.runtimes import Artefact, RuntimeName

CLOCK = SystemClock()
VAGUE = Wishes(text="evaluate models")
"""It waits at once, for a size and a domain."""
NONSENSE = RequestAnswer(answers={"size": "banana"})
"""It is asked again."""
CHANNEL = "procrastinate_queue_v1#"


@pytest.fixture
def database(postgres_url: str) -> Iterator[Database]:
    with Database(postgres_url) as opened:
        with opened.session() as session:
            tables.make(session)
        yield opened


def approval(action: ApprovalAction) -> Approval:
    return Approval(action=action, table_hash="sha256:0", by="ada")


def new_run(
    session: Session, *, stage: str = "intake", status: RunStatus = RunStatus.STOPPED, **options: Any
) -> str:
    run_id = runs.create(session, "evaluate models", {"out_dir": "/out", **options}, NOW)
    session.flush()
    runs.set_status(session, run_id, status, "", NOW, stage=stage)
    return run_id


def ordered(session: Session, reply: Reply | None = None, **how: Any) -> tuple[str, int]:
    """A run and its open order."""
    run_id = new_run(session, **how)
    kind = OrderKind.DRIVE if reply is None else OrderKind.REPLY
    record = {} if reply is None else reply.model_dump(mode="json")
    return run_id, orders.submit(session, run_id, kind, NOW, by="ada", record=record)


def queued(session: Session) -> list[tuple[str, str, int]]:
    rows = session.execute(text("SELECT queue_name, status::text, args FROM procrastinate_jobs ORDER BY id"))
    return [(queue, status, arguments["order"]) for queue, status, arguments in rows]


def taken(session: Session, *, silent_for: timedelta) -> int:
    """Have the only job taken by a worker that was last heard of so long ago; its number."""
    worker = session.scalars(text("SELECT worker_id FROM procrastinate_register_worker_v1()")).one()
    session.execute(
        text("UPDATE procrastinate_workers SET last_heartbeat = now() - :ago WHERE id = :id"),
        {"ago": silent_for, "id": worker},
    )
    job = text("UPDATE procrastinate_jobs SET status = 'doing', worker_id = :id WHERE status = 'todo'")
    session.execute(job, {"id": worker})
    return int(worker)


# Whose it is


@pytest.mark.parametrize(
    ("options", "stage", "reply", "part"),
    [
        ({}, "intake", None, Part.RESEARCH),
        ({}, "research", None, Part.RESEARCH),
        ({}, "approve", None, Part.RESEARCH),
        ({}, "record_approval", None, Part.EVALUATE),
        ({}, "answer", None, Part.EVALUATE),
        ({"model": "qwen3:8b"}, "intake", None, Part.EVALUATE),
        ({"model": "qwen3:8b"}, "ask", NONSENSE, Part.EVALUATE),
        ({}, "ask", NONSENSE, Part.RESEARCH),
        ({}, "approve", approval(ApprovalAction.APPROVE), Part.EVALUATE),
        ({}, "approve", approval(ApprovalAction.SWAP), Part.EVALUATE),
        ({}, "approve", approval(ApprovalAction.MORE), Part.RESEARCH),
        ({}, "approve", approval(ApprovalAction.EDIT), Part.RESEARCH),
        ({}, "approve", approval(ApprovalAction.REJECT), Part.RESEARCH),
        ({}, "choose_judge", JudgeChoice(judge="ollama:gemma3:12b", by="ada"), Part.EVALUATE),
        ({}, "await_labels", Labelled(by="ada"), Part.EVALUATE),
        ({}, "review", Review(by="ada"), Part.EVALUATE),
    ],
)
def test_research_ends_with_the_question_of_the_approval(
    options: dict[str, Any], stage: str, reply: Reply | None, part: Part
):
    assert part_of(RunOptions(out_dir="/out", **options), stage, reply) is part


def test_every_station_belongs_to_a_part():
    from agent.queue.parts import RESEARCH_STAGES
    from graphs.journey import STATIONS

    assert set(STATIONS) > RESEARCH_STAGES


@given(st.text(max_size=60))
def test_a_host_is_refused_or_fits_into_the_name_of_a_channel(name: str):
    try:
        host = check_host(name)
    except WrongUse:
        return
    assert len(f"{CHANNEL}evaluate:{host}".encode()) <= 63


@given(st.text(max_size=80))
def test_any_name_of_a_machine_makes_a_host(name: str):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("socket.gethostname", lambda: name)
        assert HOST.fullmatch(this_host())
        assert check_host(this_host()) == this_host()


def test_two_long_names_of_machines_stay_two(monkeypatch: pytest.MonkeyPatch):
    found = set()
    for number in (1, 2):
        name = f"node-of-a-cluster-in-a-far-away-data-centre-{number}"
        monkeypatch.setattr("socket.gethostname", lambda name=name: name)
        found.add(this_host())
    assert len(found) == 2
    assert max(map(len, found)) <= LONGEST_HOST


def test_the_host_of_a_run_names_its_queue(database: Database):
    with database.session() as session:
        for how, queue in (
            ({"stage": "answer"}, "evaluate"),
            ({"stage": "answer", "host": "gpu1"}, "evaluate:gpu1"),
            ({"stage": "research", "host": "gpu1"}, "research"),
        ):
            run_id, _ = ordered(session, **how)
            order = orders.open_order(session, run_id)
            assert order is not None
            assert queue_of(session, order) == queue


def test_a_run_without_a_host_gets_that_of_the_first_that_takes_it(database: Database):
    with database.session() as session:
        run_id, order_id = ordered(session, stage="answer")
        _, early = ordered(session, stage="research")
    with database.session() as session:
        assert settle_down(session, early, "gpu1", CLOCK) is Part.RESEARCH
        assert settle_down(session, order_id, "gpu1", CLOCK) is Part.EVALUATE
    with database.session() as session:
        assert settle_down(session, order_id, "gpu2", CLOCK) is None
        assert settle_down(session, order_id, "gpu1", CLOCK) is Part.EVALUATE
        assert runs.get(session, run_id).options["host"] == "gpu1"


# Jobs follow orders


def test_each_open_order_gets_one_job_however_many_look(database: Database):
    with database.session() as session:
        _, first = ordered(session)
        _, second = ordered(session, approval(ApprovalAction.APPROVE), stage="approve", host="gpu1")
        _, done = ordered(session)
        orders.finish(session, done, NOW)

    def look(_: int) -> int:
        with database.session() as session:
            return jobs.fill(session)

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(look, range(8))) == 2
    with database.session() as session:
        assert queued(session) == [("research", "todo", first), ("evaluate:gpu1", "todo", second)]


def test_a_job_of_a_silent_worker_is_done_again_and_one_that_is_still_driven_is_not(database: Database):
    with database.session() as session:
        run_id, order_id = ordered(session)
        jobs.fill(session)
        taken(session, silent_for=timedelta(seconds=1))
    with database.session() as session:
        assert jobs.take_over(session, CLOCK) == []
        session.execute(text("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '8 s'"))
    lock = Lock(database, f"run:{run_id}")
    assert asyncio.run(lock.take())
    with database.session() as session:
        assert jobs.take_over(session, CLOCK) == []
        assert queued(session) == [("research", "doing", order_id)]
    asyncio.run(lock.release())
    with database.session() as session:
        assert jobs.take_over(session, CLOCK) == [jobs.Abandoned(run_id, given_up=False)]
        assert queued(session) == [("research", "todo", order_id)]
    with database.session() as session:
        assert jobs.take_over(session, CLOCK) == []


def test_a_job_whose_order_is_done_goes_with_its_worker(database: Database):
    with database.session() as session:
        _, order_id = ordered(session)
        jobs.fill(session)
        taken(session, silent_for=timedelta(seconds=8))
        orders.finish(session, order_id, NOW)
    with database.session() as session:
        assert jobs.take_over(session, CLOCK) == []
        assert queued(session) == []


def test_a_run_that_takes_its_workers_down_is_stopped_unless_it_gets_on(database: Database):
    with database.session() as session:
        run_id, order_id = ordered(session)
    for death in range(MOST):
        with database.session() as session:
            if death < TRIES + 2:  # something was finished each time
                runs.set_stage(session, run_id, f"station {death}", NOW)
            given_up = note(session, order_id, "Killed", CLOCK)
        assert given_up == (death == 2 * TRIES)
        if given_up:
            break
    with database.session() as session:
        row = runs.get(session, run_id)
        assert row.status == RunStatus.STOPPED
        assert row.detail == f"its process died {2 * TRIES + 1} times; the last said: Killed"
        assert orders.open_order(session, run_id) is None
        assert [event.kind for event in events.after(session, run_id, 0)][-2:] == ["died", "stopped"]
        assert note(session, order_id, "Killed", CLOCK)


def test_a_cancelled_run_is_taken_out_of_the_queue_and_its_worker_told(database: Database):
    with database.session() as session:
        waiting, _ = ordered(session)
        jobs.fill(session)
    with database.session() as session:
        assert steering.cancel(session, waiting, NOW) == "Nobody was driving it."
        assert queued(session) == []
    with database.session() as session:
        driven_run, order_id = ordered(session)
        jobs.fill(session)
        taken(session, silent_for=timedelta())
    with database.session() as session:
        steering.cancel(session, driven_run, NOW)
    with database.session() as session:
        assert queued(session) == [("research", "doing", order_id)]
        assert session.scalars(text("SELECT abort_requested FROM procrastinate_jobs")).all() == [True]
        assert runs.get(session, driven_run).status == RunStatus.CANCELLED


def test_a_run_can_be_cancelled_where_nobody_has_made_the_queue(postgres_url: str):
    with Database(postgres_url) as database, database.session() as session:
        run_id, _ = ordered(session)
        steering.cancel(session, run_id, NOW)
        assert runs.get(session, run_id).status == RunStatus.CANCELLED


def test_a_moved_run_is_pulled_again_where_it_goes_on(database: Database):
    artefact = Artefact(
        runtime=RuntimeName.OLLAMA,
        name="qwen3:8b",
        digest="1",
        size_bytes=1,
        quantization="Q4",
        already_here=True,
    )
    with database.session() as session:
        run_id, order_id = ordered(session, stage="answer", host="gpu1")
        evaluation.keep_artefact(session, run_id, "primary", "Qwen/Qwen3-8B", artefact)
        session.flush()
        evaluation.mark_pulled(session, run_id, "primary", NOW)
        jobs.fill(session)
    with database.session() as session:
        steering.order_at(session, run_id, "gpu2", NOW, by="ada")
        jobs.fill(session)
    with database.session() as session:
        assert queued(session) == [("evaluate:gpu2", "todo", order_id)]
        held = evaluation.held(session, run_id, "primary")
        assert held is not None
        assert (held.pulled_at, held.artefact) == (None, artefact.model_copy(update={"already_here": False}))


def test_a_run_that_is_driven_or_has_ended_is_not_moved(database: Database):
    with database.session() as session:
        busy = new_run(session, stage="answer", host="gpu1")
        over = new_run(session, status=RunStatus.DONE)
    lock = Lock(database, f"run:{busy}")
    assert asyncio.run(lock.take())
    with database.session() as session:
        for run_id, words in ((busy, "already running"), (over, "has ended")):
            with pytest.raises(Exception, match=words):
                steering.order_at(session, run_id, "gpu2", NOW, by="ada")
    asyncio.run(lock.release())


def test_the_tables_of_the_queue_are_made_once_and_brought_up_to_date(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with Database(postgres_url) as database:

        def make(_: int) -> None:
            asyncio.run(database.run(tables.make))

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(make, range(4)))
        known = tables._migrations()
        later = tmp_path / "99.00.00_01_later.sql"
        later.write_text("CREATE TABLE of_a_later_version (n int); SELECT '100%'")
        monkeypatch.setattr(tables, "_migrations", lambda: [*known, later])
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(make, range(4)))
        with database.reading() as session:
            assert session.scalar(text("SELECT count(*) FROM of_a_later_version")) == 0


# The engine, and a worker


class Stage:
    """A shared database; workers and engines on it."""

    def __init__(self, database: Database, home: Path) -> None:
        self.database = database
        self.settings = Settings(home=home, database_url=database.url)
        self.said: list[str] = []

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Actions]:
        engine = engine_for(self.settings, self.database)
        assert isinstance(engine, QueueEngine)
        await engine.start()
        try:
            yield Actions(self.settings, self.database, engine)
        finally:
            await engine.stop()

    @asynccontextmanager
    async def working(self, host: str = "gpu1", **serves: Any) -> AsyncIterator[QueueWorker]:
        what = Serves(**{"host": host, "research": 1, "evaluate": True, **serves})
        hand = QueueWorker(self.database, what, self.said.append)
        task = asyncio.create_task(hand.run())
        try:
            yield hand
        finally:
            hand.stop()
            async with asyncio.timeout(PATIENCE):
                await task

    async def until(self, wanted: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not wanted():  # noqa: ASYNC110 - rows ring no bell
                await asyncio.sleep(0.05)

    def look(self, query: Callable[..., Any], *arguments: Any) -> Any:
        with self.database.reading() as session:
            return query(session, *arguments)

    async def asked(self, run_id: str, after: str = "") -> str:
        """The question that the run waits with, once there is one other than ``after``; its number."""
        found: list[str] = []

        def waits() -> bool:
            state = self.look(run_state, run_id, CLOCK)
            assert not state.problem, state.problem
            found[:] = [state.waits_for.prompt_id] if state.waits_for is not None else []
            return found not in ([], [after])

        await self.until(waits)
        return found[0]


class InThisProcess:
    """In the place of a process for each order, which would take seconds to import what it needs."""

    def __init__(self, task: asyncio.Task[int]) -> None:
        self._task = task

    @classmethod
    async def begin(cls, order_id: int, *arguments: str, leashed: bool) -> InThisProcess:
        assert leashed
        _, host = arguments
        return cls(asyncio.create_task(cls._carry_out(order_id, host)))

    @staticmethod
    async def _carry_out(order_id: int, host: str) -> int:
        with Database(load_settings().rows_url) as database:
            order = await database.look(orders.get, order_id)
            assert order is not None
            try:
                return await driven.carry_out(database, order, host)
            except asyncio.CancelledError:
                return INTERRUPTED

    async def end(self) -> Ended:
        return Ended(await asyncio.shield(self._task), "")

    async def stop(self) -> Ended:
        self.interrupt()
        return await self.end()

    def interrupt(self) -> None:
        self._task.cancel()

    kill = interrupt


@pytest.fixture
def stage(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setenv("BMS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BMS_DATABASE_URL", database.url)
    monkeypatch.setattr(worker_module, "DriverProcess", InThisProcess)
    monkeypatch.setattr(worker_module, "POLL_SECONDS", 0.1)
    monkeypatch.setattr(worker_module, "LOOK_SECONDS", 0.2)
    return Stage(database, tmp_path / "home")


async def test_a_worker_says_now_and_then_what_it_waits_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """A database that is set to be only read, as some are when their disk is full, is no failover."""
    seconds, drained = 0.0, []

    async def sleep(pause: float) -> None:
        nonlocal seconds
        seconds += pause

    async def drain() -> None:
        drained.append(seconds)

    async def work() -> str:
        if seconds < 150:
            raise ConnectorException from ReadOnlySqlTransaction("cannot execute UPDATE")
        return "done"

    connector = PatientConnector(make_url("postgresql+psycopg://nobody@127.0.0.1:9/none"), "w")
    monkeypatch.setattr(connector_module, "asyncio", SimpleNamespace(sleep=sleep))
    monkeypatch.setattr(connector_module, "time", SimpleNamespace(monotonic=lambda: seconds))
    monkeypatch.setattr(PatientConnector, "pool", SimpleNamespace(drain=drain))
    assert await connector._patiently(work) == "done"
    assert drained == [5.0 * number for number in range(30)]
    assert [record.args for record in caplog.records] == [("cannot execute UPDATE",)] * 3


def test_sqlite_needs_no_queue(tmp_path: Path):
    settings = Settings(home=tmp_path)
    with Database(settings.rows_url) as database:
        assert isinstance(engine_for(settings, database), LocalEngine)


async def test_a_run_goes_through_the_queue_and_survives_cut_connections(stage: Stage, postgres: Postgres):
    async with stage.serving() as actions:
        run_id = (await actions.create(VAGUE, by="ada")).run_id
        assert stage.look(run_state, run_id, CLOCK).status is RunStatus.QUEUED
        async with stage.working():
            first = await stage.asked(run_id)
            await stage.until(lambda: len(stage.said) == 2)  # an answer that is quicker is told otherwise
            postgres.cut(stage.database.url)
            await actions.reply(run_id, NONSENSE, by="ada", prompt_id=first)
            await stage.asked(run_id, after=first)
            await stage.until(lambda: stage.look(queued) == [])
    assert stage.said[:2] == [
        f"{run_id}: research begins, for order 1.",
        f"{run_id} waits for an answer about the request.",
    ]


async def test_an_order_that_its_process_did_not_live_to_queue_is_found(stage: Stage):
    with stage.database.session() as session:
        run_id, _ = ordered(session)
    async with stage.working(evaluate=False):
        await stage.asked(run_id)


async def test_a_worker_leaves_what_others_hold(stage: Stage):
    with stage.database.session() as session:
        mine, _ = ordered(session)
        theirs, _ = ordered(session)
        elsewhere, _ = ordered(session, stage="answer", host="gpu2")
    lock = Lock(stage.database, f"run:{theirs}")
    assert await lock.take()
    async with stage.working():
        await stage.asked(mine)
        assert not any(theirs in words or elsewhere in words for words in stage.said)
        await lock.release()
        await stage.asked(theirs)
        await stage.until(lambda: [queue for queue, *_ in stage.look(queued)] == ["evaluate:gpu2"])


async def _never(_worker: object) -> None:
    await asyncio.Event().wait()


class Endless(InThisProcess):
    """Drives nothing until it is interrupted."""

    @staticmethod
    async def _carry_out(order_id: int, host: str) -> int:  # noqa: ARG004
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return INTERRUPTED
        return 0


async def test_a_worker_that_stops_gives_its_jobs_back(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(worker_module, "DriverProcess", Endless)
    with stage.database.session() as session:
        run_id, order_id = ordered(session)
    async with stage.working() as worker:
        await stage.until(lambda: bool(worker._processes))
    assert stage.look(queued) == [("research", "todo", order_id)]
    assert stage.said[-1] == f"{run_id}: interrupted; its order stays open."
    assert stage.look(run_state, run_id, CLOCK).status is RunStatus.QUEUED
    assert stage.look(events.of_kind, run_id, "died") == []


async def test_a_worker_is_told_of_a_cancellation(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(worker_module, "DriverProcess", Endless)
    monkeypatch.setattr(
        "procrastinate.worker.Worker._poll_jobs_to_abort", _never
    )  # told, not found by looking
    with stage.database.session() as session:
        run_id, _ = ordered(session)
    async with stage.serving() as actions, stage.working() as worker:
        await stage.until(lambda: bool(worker._processes))
        await actions.cancel(run_id)
        await stage.until(lambda: not worker._processes)
        await stage.until(lambda: stage.look(queued) == [])
    assert stage.look(run_state, run_id, CLOCK).status is RunStatus.CANCELLED


async def test_a_host_cannot_be_named_where_nothing_is_shared(tmp_path: Path):
    settings = Settings(home=tmp_path)
    with Database(settings.rows_url) as database:
        actions = Actions(settings, database, LocalEngine(database))
        with pytest.raises(WrongUse, match="shares its runs with no other machine"):
            await actions.create(Wishes(text="evaluate 8B models for coding", host="gpu1"), by="ada")


async def test_only_one_process_evaluates_on_a_host(stage: Stage):
    with stage.database.session() as session:
        run_id, order_id = ordered(session, stage="answer", host="gpu1")
        order = orders.open_order(session, run_id)
        assert order is not None
    lock = Lock(stage.database, "host:gpu1")
    assert await lock.take()
    assert await driven.carry_out(stage.database, order, "gpu1") == BUSY
    async with stage.working():
        await stage.until(lambda: [status for _, status, _ in stage.look(queued)] == ["todo"])
        await asyncio.sleep(0.5)
        assert stage.said == []
    assert await driven.carry_out(stage.database, order, "gpu2") == BUSY
    await lock.release()
    assert stage.look(orders.open_order, run_id) is not None
    assert order_id == order.id


def test_the_policy_hands_over_at_the_approval(database: Database):
    prompt = ApprovalPrompt(run_id="r", table_hash="sha256:0", primary="a", backup=None)
    with database.session() as session:
        run_id, order_id = ordered(session, stage="approve", status=RunStatus.WAITING)
        asked = {"prompt": prompt.model_dump(mode="json"), "prompt_id": "q1"}
        events.append(session, run_id, "waiting", "waiting", asked, NOW)
        order = orders.get(session, order_id)
        assert order is not None
    for _ in range(2):  # the second time nothing is handed over any more
        with database.session() as session:
            driven._hand_over(session, order, approval(ApprovalAction.APPROVE))
    with database.session() as session:
        (following,) = orders.all_open(session)
        assert (following.kind, following.prompt_id, following.run_id) == ("reply", "q1", run_id)
        assert queue_of(session, following) == "evaluate"
        jobs.fill(session)
        assert queued(session) == [("evaluate", "todo", following.id)]


# The command


def test_a_worker_needs_postgresql(bms: Bms):
    said = bms("worker")
    assert (said.status, "BMS_DATABASE_URL" in said.sentence, "bms serve" in said.sentence) == (2, True, True)


def test_a_worker_has_something_to_do(bms: Bms):
    assert bms("worker", "--no-research", "--no-evaluate").status == 2
    assert bms("worker", "--no-research", "--research", "2").status == 2


def test_the_missing_package_is_named(bms: Bms, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BMS_DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:9/none")
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, *rest: None if name == "procrastinate" else find(name, *rest)
    )
    said = bms("worker", "--host", "gpu1")
    assert (said.status, "procrastinate" in said.sentence, "pip install" in said.sentence) == (2, True, True)


def test_a_host_that_is_none_is_refused(bms: Bms, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BMS_DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:9/none")
    said = bms("worker", "--host", "gpu 1; drop")
    assert (said.status, "cannot be the name of a host" in said.sentence) == (2, True)


def test_a_run_is_left_to_a_host_and_moved_to_another(
    bms: Bms, database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    refused = bms("evaluate", "--model", "qwen3:8b", "--domain", "coding", "--host", "gpu1")
    assert (refused.status, "PostgreSQL" in refused.sentence) == (2, True)
    monkeypatch.setenv("BMS_DATABASE_URL", database.url)
    asked = ("--model", "qwen3:8b", "--domain", "coding", "--out", str(tmp_path), "--host", "gpu1", "--json")
    left = bms("evaluate", *asked).json
    assert (left["status"], left["host"]) == ("queued", "gpu1")
    with database.reading() as session:
        assert [queue for queue, *_ in queued(session)] == ["evaluate:gpu1"]
    assert bms("resume", left["run"], "--host", "gpu2", "--json").json["host"] == "gpu2"
    with database.reading() as session:
        assert [queue for queue, *_ in queued(session)] == ["evaluate:gpu2"]
    shown = bms("show", left["run"])
    assert "on gpu2" in shown.text
    assert bms("cancel", left["run"]).status == 0
    with database.reading() as session:
        assert queued(session) == []
    gone = bms("resume", left["run"], "--host", "gpu1")
    assert (gone.status, "has ended" in gone.sentence) == (2, True)
