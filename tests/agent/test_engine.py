"""The local engine: stored orders are carried out by processes of their own, whatever dies on the way."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from agent import engine as engine_module
from agent.actions import Actions
from agent.engine import LocalEngine
from agent.settings import Settings
from agent.views import RunState, run_state
from agent.waiting import Waiting
from agent.wishes import Wishes
from graphs.prompts import Approval, ApprovalAction, ApprovalPrompt, RequestAnswer, Review, ReviewPrompt
from store import events, leases, orders, research, runs
from store.database import Database, StoreFault
from store.schema import OrderRow, RunStatus
from tests.agent.conftest import Bms
from tests.standins.patience import PATIENCE
from tests.standins.replayed import Kept
from tools.clock import SystemClock
from tools.faults import Conflict

STORY = Wishes(story="therapy-8b")
VAGUE = Wishes(text="evaluate models")
"""It waits at once, for a size and a domain."""
NONSENSE = RequestAnswer(answers={"size": "banana"})
"""It is asked again."""


class Stage:
    """A data directory, and an engine that can be stopped and started."""

    def __init__(self, settings: Settings, database: Database, engine: LocalEngine) -> None:
        self.settings, self.database, self.engine = settings, database, engine
        self.actions = Actions(settings, database, engine)

    async def create(self, wishes: Wishes = VAGUE) -> str:
        return (await self.actions.create(wishes, by="ada")).run_id

    async def state(self, run_id: str) -> RunState:
        return await self.database.look(run_state, run_id, SystemClock())

    async def until(
        self, run_id: str, wanted: Callable[[RunState], bool], *, may_stop: bool = False
    ) -> RunState:
        async with asyncio.timeout(PATIENCE):
            while not wanted(state := await self.state(run_id)):
                assert may_stop or not state.problem, state.problem
                await asyncio.sleep(0.1)
        return state

    async def asked(self, run_id: str) -> Waiting:
        state = await self.until(run_id, lambda state: state.waits_for is not None)
        assert state.waits_for is not None
        return state.waits_for

    async def approve(self, run_id: str) -> Approval:
        question = await self.asked(run_id)
        assert isinstance(question.prompt, ApprovalPrompt)
        approval = Approval(
            action=ApprovalAction.APPROVE,
            table_hash=question.prompt.table_hash,
            primary=question.prompt.primary,
            backup="",
            by="ada",
        )
        await self.actions.reply(run_id, approval, by="ada", prompt_id=question.prompt_id)
        return approval

    async def driver(self, run_id: str, after: psutil.Process | None = None) -> psutil.Process:
        """The process that drives the run, once there is one, and one other than ``after``."""
        async with asyncio.timeout(PATIENCE):
            while True:
                holder = await self.database.look(leases.holder_of, run_id, SystemClock().now())
                pid = int(holder.split(":")[1]) if holder is not None else None
                if pid is not None and (after is None or pid != after.pid):
                    return psutil.Process(pid)
                await asyncio.sleep(0.02)


@asynccontextmanager
async def staged(home: Path, *, at_once: int = 2, started: bool = True) -> AsyncIterator[Stage]:
    settings = Settings(home=home)
    with Database(settings.rows_url) as database:
        engine = LocalEngine(database, at_once=at_once)
        if started:
            await engine.start()
        try:
            yield Stage(settings, database, engine)
        finally:
            await engine.stop()


@pytest.fixture
def home(home: Path) -> Path:
    """The data directory."""
    (home / "bms").mkdir()
    return home / "bms"


@pytest.mark.slow
async def test_a_killed_driver_is_replaced_and_the_run_ends_as_it_would_have(
    waiting: Kept, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("BMS_HOME", str(waiting.home))
    async with staged(waiting.home) as stage:
        run_id = waiting.run_id
        approval = await stage.approve(run_id)
        with pytest.raises(Conflict, match="already, by ada"):
            await stage.actions.reply(run_id, approval, by="bob")
        await stage.until(run_id, lambda state: state.stage in {"answer", "judge"})
        (await stage.driver(run_id)).send_signal(signal.SIGKILL)
        question = await stage.asked(run_id)
        assert isinstance(question.prompt, ReviewPrompt)
        await stage.actions.reply(run_id, Review(notes="read", by="ada"), by="ada")
        state = await stage.until(run_id, lambda state: state.status.ended)
        assert state.status is RunStatus.DONE
        (result,) = state.results
        assert (result.decision.passes, result.decision.measured, result.planned) == (31, 49, 50)
        with stage.database.reading() as session:
            assert [one.action for one in research.approvals(session, run_id)] == ["approve"]
            numbers = [event.seq for event in events.after(session, run_id, 0, 10_000)]
        assert numbers == list(range(1, len(numbers) + 1))
        assert Path(state.documents[0]).is_relative_to(waiting.out)


@pytest.mark.slow
async def test_a_driver_that_is_stopped_or_killed_in_the_research_leaves_its_order_to_the_next(home: Path):
    async with staged(home) as stage:
        run_id = await stage.create(STORY)
        driver = await stage.driver(run_id)
        await stage.engine.stop()
        assert not driver.is_running() or driver.status() == psutil.STATUS_ZOMBIE
        assert (await stage.state(run_id)).status is RunStatus.QUEUED
    async with staged(home) as stage:
        driver = await stage.driver(run_id)
        await stage.until(run_id, lambda state: state.stage == "research")
        driver.send_signal(signal.SIGKILL)
        await stage.driver(run_id, after=driver)


@pytest.mark.slow
async def test_an_answer_that_no_engine_has_seen_is_taken_by_the_next(home: Path):
    async with staged(home) as stage:
        run_id = await stage.create()
        first = await stage.asked(run_id)
        await stage.engine.stop()
        await stage.actions.reply(run_id, NONSENSE, by="ada", prompt_id=first.prompt_id)
        assert (await stage.state(run_id)).status is RunStatus.QUEUED
    async with staged(home) as stage:
        second = await stage.asked(run_id)
        assert second.prompt_id != first.prompt_id
        assert "banana" in str(second.prompt)


async def test_an_answer_that_was_taken_is_not_given_to_the_next_question(home: Path):
    async with staged(home) as stage:
        run_id = await stage.create()
        first = await stage.asked(run_id)
        await stage.actions.reply(run_id, NONSENSE, by="ada", prompt_id=first.prompt_id)
        second = await stage.asked(run_id)
        # As after a kill -9 between the last step of a drive and the note that its order is done:
        await stage.database.run(
            orders.submit,
            run_id,
            orders.OrderKind.REPLY,
            SystemClock().now(),
            by="ada",
            prompt_id=first.prompt_id,
            record=RequestAnswer(answers={"size": "8B", "domain": "coding"}).model_dump(mode="json"),
        )
        stage.engine.wake()
        state = await stage.until(run_id, lambda state: state.waits_for is not None)
        assert (state.problem, state.waits_for) == ("", second)
        with pytest.raises(Conflict, match="does not answer"):
            await stage.actions.reply(run_id, Review(by="ada"), by="ada")
        with pytest.raises(Conflict, match="gone on"):
            await stage.actions.reply(run_id, NONSENSE, by="ada", prompt_id=first.prompt_id)


async def test_a_run_whose_process_always_dies_is_stopped_with_what_it_said(
    home: Path, monkeypatch: pytest.MonkeyPatch
):
    async with staged(home, started=False) as stage:
        run_id = await stage.create()
        monkeypatch.setenv("BMS_RUNTIME", "nonsense")  # no process of this environment can read its settings
        await stage.engine.start()
        state = await stage.until(run_id, lambda state: state.problem != "", may_stop=True)
        assert state.status is RunStatus.STOPPED
        assert "died 3 times" in state.detail
        assert "BMS_RUNTIME" in state.detail
        monkeypatch.delenv("BMS_RUNTIME")
        await stage.actions.resume(run_id, by="ada")
        assert (await stage.asked(run_id)).prompt.kind == "request"


async def test_only_so_many_are_driven_at_once(home: Path):
    async with staged(home, at_once=1) as stage:
        first, second = await stage.create(), await stage.create()
        await stage.asked(first)
        await stage.asked(second)
        with stage.database.reading() as session:
            waited = events.of_kind(session, first, "waiting")[0].at
            begun = events.of_kind(session, second, "stage")[0].at
        assert begun > waited


async def test_what_is_driven_or_waits_cannot_be_resumed_nor_deleted(home: Path):
    async with staged(home) as stage:
        run_id = await stage.create()
        with pytest.raises(leases.AlreadyRunning):
            await stage.actions.resume(run_id, by="ada")
        with pytest.raises(Conflict, match="Cancel it first"):
            await stage.actions.delete(run_id)
        await stage.asked(run_id)
        with pytest.raises(Conflict, match="waits for an answer about"):
            await stage.actions.resume(run_id, by="ada")
        assert await stage.actions.cancel(run_id) == "Nobody was driving it."
        await stage.actions.delete(run_id)
        with stage.database.reading() as session:
            assert runs.latest(session) == []
    assert not os.path.exists(home / "replays" / f"{run_id}.played")


async def test_the_command_line_carries_out_what_a_service_has_taken(home: Path, bms: Bms):
    async with staged(home, started=False) as stage:
        run_id = await stage.create()
    assert bms("show", run_id, "--json").json["status"] == "queued"
    told = await asyncio.to_thread(bms, "resume", run_id, "--further", "5")
    assert (told.status, "given an answer already, by ada" in told.sentence) == (2, True)
    resumed = await asyncio.to_thread(bms, "resume", run_id, "--json")
    assert (resumed.json["status"], resumed.json["waits_for"]) == ("waiting", "request")
    async with staged(home, started=False) as stage:
        with stage.database.reading() as session:
            assert orders.all_open(session) == []


async def test_an_extension_that_has_not_begun_can_be_taken_back(home: Path):
    async with staged(home, started=False) as stage:
        run_id = await stage.create()
        await stage.actions.cancel(run_id)
        await stage.database.run(
            orders.submit, run_id, orders.OrderKind.EXTEND, SystemClock().now(), by="ada"
        )
        assert (await stage.state(run_id)).status is RunStatus.QUEUED
        assert await stage.actions.cancel(run_id) == "What it was to go on with had not begun."
        assert (await stage.state(run_id)).status is RunStatus.CANCELLED
        await stage.actions.delete(run_id)


async def test_a_database_that_is_away_for_a_while_is_asked_again(
    home: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(engine_module, "LOOK_SECONDS", 0.05)
    async with staged(home, started=False) as stage:
        looks = []

        async def look(*_: object) -> list[OrderRow]:
            looks.append(1)
            if len(looks) < 3:
                raise StoreFault("The database is locked.")
            enough.set()
            return []

        enough = asyncio.Event()
        monkeypatch.setattr(stage.database, "look", look)
        await stage.engine.start()
        async with asyncio.timeout(PATIENCE):
            await enough.wait()
        assert len(looks) >= 3
