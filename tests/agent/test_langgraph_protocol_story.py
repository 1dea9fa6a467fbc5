"""LangGraph's own clients drive the therapy story on a service of its own process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from langgraph.pregel.remote import RemoteGraph
from langgraph.types import Command
from langgraph_sdk import get_client, get_sync_client
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import ConflictError
from langgraph_sdk.schema import StreamPart

from store import threads
from tests.standins.patience import PATIENCE
from tests.standins.records import NOW
from tests.standins.replayed import Kept
from tests.standins.service import Served, serving

DEMO = {"messages": [{"role": "user", "content": "replay the demo"}]}
PRIMARY, BACKUP = "Qwen/Qwen3-8B", "google/gemma-2-9b-it"

EVERYTHING = ["values", "updates", "messages-tuple", "custom"]


@pytest.fixture
def served(waiting: Kept) -> Iterator[Served]:
    """A service with a run that waits for its approval."""
    with serving(waiting.home, LANGSMITH_TRACING="false") as service:
        yield service


@pytest.fixture
def thread(waiting: Kept) -> str:
    """A thread about the run that waits."""
    with waiting.opened() as database, database.session() as session:
        return threads.create(session, NOW, run_id=waiting.run_id).id


@pytest.fixture
def client(served: Served, monkeypatch: pytest.MonkeyPatch) -> LangGraphClient:
    monkeypatch.setenv("LANGSMITH_TRACING", "false")
    return get_client(url=f"{served.url}/langgraph", api_key=None)


def seqs(parts: list[StreamPart]) -> list[int]:
    return [part.data["seq"] for part in parts if part.event == "custom"]


def last_id(parts: list[StreamPart]) -> str:
    return [part.id for part in parts if part.id][-1]


@pytest.mark.slow
async def test_agent_inbox_drives_the_story_to_its_end(served: Served, client: LangGraphClient) -> None:
    """The list of ``HumanInterrupt``, a question on the way, a stale answer, a second one, and the end."""
    thread = (await client.threads.create(metadata={"interrupt_schema": "agent-inbox"}))["thread_id"]
    created: list[Any] = []
    parts = [
        part
        async for part in client.runs.stream(
            thread, "agent", input=DEMO, stream_mode=EVERYTHING, on_run_created=created.append
        )
    ]
    assert (parts[0].event, parts[-1].event) == ("metadata", "end")
    assert created == [{"run_id": parts[0].data["run_id"], "thread_id": thread}]
    told = seqs(parts)
    assert told == list(range(1, told[-1] + 1))
    assert "research" in [name for part in parts if part.event == "updates" for name in part.data]
    last = [part.data for part in parts if part.event == "values"][-1]
    (interrupt,) = last["__interrupt__"]
    (human,) = interrupt["value"]
    assert human["action_request"]["args"] == {
        "primary": PRIMARY,
        "backup": BACKUP,
        "table_hash": last["table_hash"],
    }
    assert human["config"] == dict.fromkeys(
        ("allow_accept", "allow_edit", "allow_respond", "allow_ignore"), True
    )

    said = [part.data[0] for part in parts if part.event == "messages"]
    assert [message["id"] for message in said] == [m["id"] for m in last["messages"] if m["type"] == "ai"]

    asked = await client.runs.wait(
        thread, "agent", command={"resume": [{"type": "response", "args": "why not DeepSeek?"}]}
    )
    assert "DeepSeek" in asked["messages"][-1]["content"]
    assert asked["__interrupt__"][0]["id"] == interrupt["id"]

    stale = {"0" * 32: [{"type": "accept", "args": None}]}
    with pytest.raises(ConflictError):
        await client.runs.create(thread, "agent", command={"resume": stale})
    other = {
        "action": "approve_models",
        "args": {**human["action_request"]["args"], "table_hash": "sha256:0"},
    }
    with pytest.raises(ConflictError):
        await client.runs.create(thread, "agent", command={"resume": [{"type": "accept", "args": other}]})
    assert (await client.threads.get(thread))["status"] == "interrupted"

    begun = await client.runs.create(thread, "agent", command={"resume": [{"type": "accept", "args": None}]})
    with pytest.raises(ConflictError):
        await client.runs.create(thread, "agent", command={"resume": [{"type": "accept", "args": None}]})
    reviewed = await client.runs.join(thread, begun["run_id"])
    assert (reviewed["stage"], reviewed["decision"]["kind"]) == ("review", "FINE_TUNE")
    assert reviewed["approval"]["table_hash"] == last["table_hash"]

    edit = {"type": "edit", "args": {"action": "review_result", "args": {"notes": "It listens first."}}}
    final = await client.runs.wait(thread, "agent", command={"resume": [edit]})
    assert (final["status"], final["report"]) == ("done", f"/api/runs/{final['run_id']}/report")
    with pytest.raises(ConflictError):
        await client.runs.create(thread, "agent", command={"resume": [edit]})

    await _check_history(client, thread, final)
    async with httpx.AsyncClient(base_url=served.url, trust_env=False, timeout=PATIENCE) as plain:
        report = await plain.get(final["report"], params={"format": "md"})
    assert "It listens first." in report.text


async def _check_history(client: LangGraphClient, thread: str, final: Any) -> None:
    state = await client.threads.get_state(thread)
    assert (state["values"], state["next"], state["tasks"]) == (final, [], [])
    states = await client.threads.get_history(thread, limit=100)
    assert states[0] == state
    waited = [one for one in states if one["tasks"]]
    assert {one["next"][0] for one in waited} == {"approve", "review"}
    assert waited[-1]["values"]["decision"] is None  # not known at the approval
    assert len({one["checkpoint"]["checkpoint_id"] for one in states}) == len(states)
    (found,) = await client.threads.search(ids=[thread], status="idle")
    assert found["interrupts"] == {}
    assert [run["status"] for run in await client.runs.list(thread)] == ["success"] * 4


@pytest.mark.slow
async def test_the_middleware_s_schema_and_readers_who_come_back(
    served: Served, client: LangGraphClient, thread: str
) -> None:
    """``HITLRequest``; a reader that is cut off, and a service that is killed, lose and double nothing."""
    config = {"configurable": {"interrupt_schema": "hitl"}}
    await client.runs.wait(thread, "agent", input={"text": "status"}, config=config)
    (interrupt,) = (await client.threads.get_state(thread))["interrupts"]
    assert set(interrupt["value"]) == {"action_requests", "review_configs"}
    approve = {interrupt["id"]: {"decisions": [{"type": "approve"}]}}
    read: list[StreamPart] = []
    async for part in client.runs.stream(
        thread, "agent", command={"resume": approve}, stream_mode=EVERYTHING
    ):
        read.append(part)
        if part.event == "custom" and part.data["kind"] == "pulled":
            break
    run_id = read[0].data["run_id"]
    assert (await client.runs.get(thread, run_id))["status"] == "running"

    async for part in client.runs.join_stream(
        thread, run_id, stream_mode=EVERYTHING, last_event_id=last_id(read)
    ):
        read.append(part)
        if part.event == "custom" and part.data["kind"] == "answer":
            break
    served.kill()
    served.restart()
    read += [
        part
        async for part in client.runs.join_stream(
            thread, run_id, stream_mode=EVERYTHING, last_event_id=last_id(read)
        )
    ]
    told = seqs(read)
    assert told == list(range(told[0], told[-1] + 1))
    messages = [part.data[0]["id"] for part in read if part.event == "messages"]
    assert len(messages) == len(set(messages))
    assert read[-1].event == "end"
    values = [part.data for part in read if part.event == "values"][-1]
    assert (values["stage"], values["status"]) == ("review", "waiting")
    with pytest.raises(ConflictError):  # the question before this one
        await client.runs.create(thread, "agent", command={"resume": approve})
    done = await client.runs.wait(thread, "agent", command={"resume": {"decisions": [{"type": "approve"}]}})
    assert done["status"] == "done"


@pytest.mark.slow
def test_a_remote_graph_and_the_combined_schema(
    served: Served, thread: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our graph as a node of somebody else's; the synchronous client; rejection."""
    monkeypatch.setenv("LANGSMITH_TRACING", "false")
    url = f"{served.url}/langgraph"
    graph = RemoteGraph("base-model-selector", url=url)
    assert {"research", "approve", "document"} <= set(graph.get_graph().nodes)
    assert get_sync_client(url=url).threads.get(thread)["status"] == "interrupted"
    config: Any = {"configurable": {"thread_id": thread}}
    asked = {"messages": [{"role": "user", "content": "why not DeepSeek?"}]}
    values = graph.invoke(asked, config)
    assert "DeepSeek" in values["messages"][-1]["content"]
    assert values["status"] == "waiting"
    snapshot = graph.get_state(config)
    (interrupt,) = snapshot.interrupts
    assert snapshot.next == ("approve",)
    assert interrupt.value["action_requests"][0]["args"] == interrupt.value["action_request"]["args"]
    assert interrupt.value["prompt"]["kind"] == "approval"
    states = list(graph.get_state_history(config, limit=3))
    assert states[0].values == snapshot.values
    reject = {"decisions": [{"type": "reject", "message": "too large for us"}]}
    updates = list(graph.stream(Command(resume=reject), config, stream_mode="updates"))
    assert "record_approval" in [name for update in updates for name in update]
    final = graph.get_state(config)
    assert (final.values["status"], final.values["approval"]["note"]) == ("rejected", "too large for us")
    assert (final.next, final.interrupts) == ((), ())
