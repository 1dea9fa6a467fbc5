"""What ``langgraph.json`` names, as LangGraph's platform loads and drives it."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import GraphInterrupt
from langgraph.types import Command, Interrupt
from sqlalchemy.orm import Session

from agent import studio
from agent.settings import Settings
from agent.waiting import waiting
from graphs.desk import Desk
from graphs.journey import STATIONS, build_graph
from graphs.options import RunOptions
from graphs.prompts import ApprovalPrompt
from graphs.runner import Cancelled, cancel_run
from store import events, leases, runs
from store.database import Database
from store.locks import Lock
from store.schema import RunStatus
from tools.clock import SystemClock
from tools.faults import Conflict, WrongUse

ROOT = Path(__file__).parents[2]
NAMED = json.loads((ROOT / "langgraph.json").read_text("utf-8"))["graphs"]["base-model-selector"]

Factory = Callable[[dict[str, Any]], Any]


@pytest.fixture(scope="module")
def factory() -> Factory:
    """Loaded by its path, as the platform does it."""
    path, _, variable = NAMED["path"].partition(":")
    spec = importlib.util.spec_from_file_location("agent__studio", ROOT / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Factory = getattr(module, variable)
    return found


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BMS_HOME", str(tmp_path))
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:9")
    return tmp_path


class Driven:
    """A thread of the platform, with its checkpointer."""

    def __init__(self, factory: Factory, thread_id: str = "thread-1") -> None:
        self._factory = factory
        self._saver = InMemorySaver()
        self.config: Any = {"configurable": {"thread_id": thread_id}}

    async def go(self, work: Any) -> list[str]:
        """Drive it; the stations that were passed."""
        async with self._factory(self.config) as graph:
            graph.checkpointer = self._saver
            return [
                name
                async for update in graph.astream(work, self.config, stream_mode="updates")
                for name in update
            ]

    async def state(self) -> Any:
        async with self._factory(self.config) as graph:
            graph.checkpointer = self._saver
            return await graph.aget_state(self.config)


def rows(home: Path) -> Database:
    return Database(Settings(home=home).rows_url)


async def test_it_is_the_journey_with_every_station(factory: Factory) -> None:
    async with factory({"configurable": {}}) as graph:
        drawn, ours = graph.get_graph(), build_graph().get_graph()
        assert set(STATIONS) < set(drawn.nodes) == set(ours.nodes)
        assert {(e.source, e.target, e.conditional) for e in drawn.edges} == {
            (e.source, e.target, e.conditional) for e in ours.edges
        }
        assert "research" in drawn.draw_mermaid()
        assert graph.checkpointer is None  # the platform refuses one that a graph brings
        assert set(graph.get_input_jsonschema()["properties"]) == {"text", "story", "run_id"}
        assert "decision" in graph.get_output_jsonschema()["properties"]


async def test_a_request_that_lacks_something_is_asked_back(factory: Factory, home: Path) -> None:
    driven = Driven(factory)
    assert await driven.go({"text": "evaluate 8B models"}) == ["intake", "__interrupt__"]
    (task,) = (await driven.state()).tasks
    (interrupt,) = task.interrupts
    assert interrupt.value["questions"][0]["field"] == "domain"
    assert interrupt.response_schema["title"] == "RequestAnswer"
    with rows(home) as database, database.reading() as session:
        (row,) = runs.latest(session, 10)
        assert (row.status, row.stage) == (RunStatus.WAITING, "ask")
        assert waiting(session, row.id) is None  # nobody answers it anywhere else
        assert leases.holder_of(session, row.id, row.updated_at) is None


@pytest.mark.slow
async def test_the_story_is_driven_over_its_first_interrupt(factory: Factory, home: Path) -> None:
    driven = Driven(factory)
    passed = await driven.go({"story": "therapy-8b"})
    assert (passed[0], passed[-2:]) == ("intake", ["compare", "__interrupt__"])
    state = await driven.state()
    (interrupt,) = state.tasks[0].interrupts
    prompt = ApprovalPrompt.model_validate(interrupt.value)
    assert state.values["run_id"] == prompt.run_id
    reject = {"action": "reject", "table_hash": prompt.table_hash, "note": "too large", "by": "ada"}
    assert await driven.go(Command(resume=reject)) == ["approve", "record_approval"]
    assert (await driven.state()).next == ()
    with rows(home) as database, database.reading() as session:
        row = runs.get(session, prompt.run_id)
        assert row.status == RunStatus.REJECTED
        assert "too large" in row.detail
        stages = [event.stage for event in events.of_kind(session, row.id, "stage")]
        assert stages == [
            "intake",
            "research",
            "research",
            "compare",
            "approve",
            "approve",
            "record_approval",
        ]
    with pytest.raises(Conflict, match="has ended"):
        await Driven(factory, "thread-2").go({"run_id": prompt.run_id})


async def test_a_run_that_there_is_goes_on(factory: Factory, home: Path) -> None:
    first = Driven(factory)
    await first.go({"text": "evaluate 8B models"})
    run_id = (await first.state()).values["run_id"]
    second = Driven(factory, "thread-2")
    assert await second.go({"run_id": run_id}) == ["intake", "__interrupt__"]
    assert (await second.state()).values["run_id"] == run_id


async def test_one_thread_makes_one_run(factory: Factory, home: Path) -> None:
    for _ in range(2):  # the platform begins a first station again that was cut off
        await Driven(factory).go({"text": "evaluate 8B models"})
    with rows(home) as database, database.reading() as session:
        assert len(runs.latest(session, 10)) == 1


async def test_a_run_that_another_process_drives_is_left_alone(factory: Factory, home: Path) -> None:
    driven = Driven(factory)
    await driven.go({"text": "evaluate 8B models"})
    run_id = (await driven.state()).values["run_id"]
    with rows(home) as database:
        with database.session() as session:
            leases.take(session, run_id, "elsewhere:1:1.00", SystemClock().now())
        with pytest.raises(leases.AlreadyRunning):
            await driven.go(Command(resume={"answers": {"domain": "chess"}}))


def cancelled_run(database: Database) -> Desk:
    """The desk of a run that was cancelled during its last station."""
    now = SystemClock().now()
    options = RunOptions(out_dir="/out")
    with database.session() as session:
        run_id = runs.create(session, "x", options.model_dump(mode="json"), now)
        session.flush()
        lease = leases.take(session, run_id, leases.this_process(), now)
        cancel_run(session, run_id, now)
    services: Any = SimpleNamespace(database=database, wall=SystemClock())
    return Desk(run_id, options, services, lease, Lock(database, run_id))


async def test_a_run_that_was_cancelled_ends_with_that(home: Path) -> None:
    with rows(home) as database:
        desk = cancelled_run(database)
        with pytest.raises(Cancelled):
            await studio._arrive(desk, "document", {"decision": "it is good"}, {})
        with pytest.raises(Cancelled):
            await studio._wait(desk, GraphInterrupt([Interrupt({"kind": "review"})]))
        await studio._stop(desk, "an unexpected ValueError")
        with database.reading() as session:
            assert runs.get(session, desk.run_id).status == RunStatus.CANCELLED
            assert [event.kind for event in events.after(session, desk.run_id, 0)] == ["ended"]


async def test_a_run_that_ends_before_the_lease_is_taken_is_left_as_it_is(
    factory: Factory, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driven = Driven(factory)
    await driven.go({"text": "evaluate 8B models"})
    run_id = (await driven.state()).values["run_id"]
    take = leases.take

    def late(session: Session, *arguments: Any, **named: Any) -> leases.Lease:
        runs.set_status(session, run_id, RunStatus.DONE, "it is good", SystemClock().now())
        return take(session, *arguments, **named)

    monkeypatch.setattr(leases, "take", late)
    with pytest.raises(Conflict, match=r"has ended \(done\)"):
        await driven.go(Command(resume={"answers": {"domain": "chess"}}))


@pytest.mark.parametrize(
    ("given", "words"), [({}, "no request"), ({"story": "../x"}, "story"), ({"text": "x" * 4001}, "text")]
)
async def test_what_cannot_be_begun(factory: Factory, home: Path, given: dict[str, str], words: str) -> None:
    with pytest.raises(WrongUse, match=words):
        await Driven(factory).go(given or {"text": ""})
