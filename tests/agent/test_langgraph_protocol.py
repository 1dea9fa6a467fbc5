"""LangGraph's protocol, request by request: on a service that carries nothing out."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from agent.conversation.records import Extras, Offer
from agent.langgraph_api.interrupts import Schema, value_of
from agent.langgraph_api.names import ASSISTANT, GRAPH
from agent.langgraph_api.resuming import chosen, understand
from agent.langgraph_api.streaming import Mark
from agent.settings import Settings
from agent.waiting import Waiting
from graphs.prompts import (
    Approval,
    ApprovalAction,
    ApprovalPrompt,
    AskedField,
    JudgeChoice,
    JudgePrompt,
    Labelled,
    LabelsPrompt,
    Prompt,
    RequestAnswer,
    RequestPrompt,
    Review,
    ReviewPrompt,
    ScenariosAgreement,
    ScenariosPrompt,
)
from store import events, orders, runs, threads
from store.database import Database
from store.orders import OrderKind
from store.schema import RunStatus
from tests.standins.command_line import ROOT
from tests.standins.patience import PATIENCE
from tests.standins.records import NOW
from tests.standins.service import NoEngine, inside
from tools.faults import Conflict, Fault, WrongUse

pytestmark = pytest.mark.both_databases(slow=True)

ID = "0123456789abcdef0123456789abcdef"
OTHER = "f" * 32
ADA = "ada"

APPROVAL = ApprovalPrompt(run_id="r", table_hash="sha256:1", primary="a/b", backup="c/d")
REQUEST = RequestPrompt(questions=(AskedField(field="domain", sentence="What for?"),))
NOT_NEEDED = RequestPrompt(not_needed="You have numbers already.")
SCENARIOS = ScenariosPrompt(run_id="r", count=50, taxonomy="topics: []", sample=("Hello",))
JUDGE = JudgePrompt(problem="It failed its test.", judge="ollama:x", usable=True)
NO_JUDGE = JudgePrompt(problem="There is none.", judge=None)
LABELS = LabelsPrompt(run_id="r", role="primary", missing=3)
REVIEW = ReviewPrompt(
    run_id="r", role="primary", decision="DEPLOY", sentence="40 of 50 pass.", sample=("s1",), backup=None
)
EVERY = (APPROVAL, REQUEST, NOT_NEEDED, SCENARIOS, JUDGE, NO_JUDGE, LABELS, REVIEW)


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with inside(Settings(home=tmp_path), engine=NoEngine()) as found:
        yield found


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """The rows of the service beside it."""
    return Database(Settings(home=tmp_path).rows_url)


async def post(client: httpx.AsyncClient, path: str, **body: Any) -> Any:
    answer = await client.post(f"/langgraph{path}", json=body)
    assert answer.is_success, answer.text
    return answer.json()


async def refused(client: httpx.AsyncClient, status: int, path: str, **body: Any) -> str:
    answer = await client.post(f"/langgraph{path}", json=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["detail"])


async def a_thread(client: httpx.AsyncClient, **body: Any) -> str:
    return str((await post(client, "/threads", **body))["thread_id"])


def question(prompt: Prompt) -> Waiting:
    return Waiting(prompt_id=ID, prompt=prompt)


def waiting_run(database: Database, thread_id: str, prompt: Prompt) -> str:
    """A run that waits in a conversation."""
    with database.session() as session:
        run_id = runs.create(session, "evaluate 8B models for chess", {"out_dir": "/nowhere"}, NOW)
        session.flush()
        events.append(session, run_id, "waiting", "waiting", _told(prompt, ID), NOW)
        runs.set_status(session, run_id, RunStatus.WAITING, "waits", NOW)
        threads.set_run(session, thread_id, run_id, NOW)
        return run_id


def _told(prompt: Prompt, prompt_id: str) -> dict[str, Any]:
    return {"prompt": prompt.model_dump(mode="json"), "prompt_id": prompt_id}


# --- resuming, as values ------------------------------------------------------------------------------------

ACCEPTANCES: tuple[Any, ...] = (
    [{"type": "accept", "args": None}],
    {"type": "accept", "args": None},
    [{"type": "accept", "args": {"action": "approve_models", "args": {"table_hash": "sha256:1"}}}],
    {"decisions": [{"type": "approve"}]},
    {"decisions": [{"type": "approve", "args": None}]},
)


@pytest.mark.parametrize("resume", ACCEPTANCES)
def test_an_acceptance_takes_the_proposal_with_its_hash(resume: Any) -> None:
    reply = understand(resume, question(APPROVAL), ADA).reply
    assert isinstance(reply, Approval)
    assert (reply.action, reply.primary, reply.backup) == (ApprovalAction.APPROVE, "a/b", "c/d")
    assert (reply.table_hash, reply.by) == ("sha256:1", ADA)


@pytest.mark.parametrize(
    ("prompt", "reply"),
    [
        (SCENARIOS, ScenariosAgreement(agree=True, by=ADA)),
        (JUDGE, JudgeChoice(judge="ollama:x", insist=True, by=ADA)),
        (LABELS, Labelled(by=ADA)),
    ],
)
def test_an_acceptance_is_the_harmless_default(prompt: Prompt, reply: Any) -> None:
    assert understand({"decisions": [{"type": "approve"}]}, question(prompt), ADA).reply == reply


def test_a_review_is_accepted_without_notes() -> None:
    reply = understand([{"type": "accept"}], question(REVIEW), ADA).reply
    assert isinstance(reply, Review)
    assert (reply.notes, reply.run_backup, reply.further, reply.by) == ("", False, 0, ADA)


@pytest.mark.parametrize(
    "prompt", [REQUEST, NOT_NEEDED, NO_JUDGE, APPROVAL.model_copy(update={"primary": None})]
)
def test_what_has_no_default_cannot_be_accepted(prompt: Prompt) -> None:
    with pytest.raises(WrongUse, match="nothing to accept"):
        understand([{"type": "accept"}], question(prompt), ADA)


@pytest.mark.parametrize("prompt", EVERY)
def test_a_person_s_acceptance_is_what_the_policy_would_do(prompt: Prompt) -> None:
    from graphs.policy import policy_reply

    policy = policy_reply(prompt)
    if policy is None:
        return
    accepted = understand([{"type": "accept"}], question(prompt), ADA).reply
    assert accepted is not None
    same = {"by", "at"}
    assert accepted.model_dump(exclude=same) == policy.model_dump(exclude=same)


def test_the_server_does_without_langgraph() -> None:
    code = (
        "import sys, agent.langgraph_api.router as r; assert r.router.routes; "
        "sys.exit('langgraph' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize(
    "resume",
    [
        "approve",
        "yes",
        True,
        1,
        None,
        [],
        {},
        ["approve"],
        {"decisions": []},
        {"decisions": [{"type": "approve"}, {"type": "approve"}]},
        {"decisions": [{"type": "accept"}]},
        [{"type": "approve"}],
        [{"type": "Accept"}],
        {"action": "approve"},
        {"action": "approve", "table_hash": "sha256:1", "surprise": 1},
        [{"type": "edit", "args": "primary"}],
        [{"type": "edit", "args": {"args": {"primary": 1}, "action": "x"}}],
        [{"type": "response", "args": " "}],
    ],
)
def test_nothing_is_approved_by_words_or_half_shapes(resume: Any) -> None:
    with pytest.raises(WrongUse):
        understand(resume, question(APPROVAL), ADA)


@pytest.mark.parametrize(
    "args", [{"table_hash": "sha256:0"}, {"primary": "x/y"}, {"primary": "a/b", "backup": None}]
)
def test_an_acceptance_of_something_else_than_is_asked_is_a_conflict(args: dict[str, Any]) -> None:
    with pytest.raises(Conflict):
        understand([{"type": "accept", "args": {"action": "a", "args": args}}], question(APPROVAL), ADA)


EDIT = {"primary": "c/d", "backup": None}


@pytest.mark.parametrize(
    "resume",
    [
        [{"type": "edit", "args": {"action": "approve_models", "args": EDIT}}],
        {"decisions": [{"type": "edit", "edited_action": {"name": "approve_models", "args": EDIT}}]},
        {"decisions": [{"type": "edit", "args": {"action": "approve_models", "args": EDIT}}]},
    ],
)
def test_an_edit_names_the_models(resume: Any) -> None:
    reply = understand(resume, question(APPROVAL), ADA).reply
    assert isinstance(reply, Approval)
    # A backup that was shown and taken away is none, not the proposal's.
    assert (reply.action, reply.primary, reply.backup) == (ApprovalAction.APPROVE, "c/d", "")
    assert reply.table_hash == "sha256:1"


def test_an_edit_may_add_and_leave_out_candidates() -> None:
    given = {"args": {"add": ["e/f"], "exclude": ["a/b"]}, "action": "approve_models"}
    reply = understand([{"type": "edit", "args": given}], question(APPROVAL), ADA).reply
    assert isinstance(reply, Approval)
    assert (reply.action, reply.add, reply.exclude) == (ApprovalAction.EDIT, ("e/f",), ("a/b",))


@pytest.mark.parametrize(
    ("prompt", "args", "reply"),
    [
        (REQUEST, {"answers": {"domain": "chess"}}, RequestAnswer(answers={"domain": "chess"})),
        (REQUEST, {"domain": "chess"}, RequestAnswer(answers={"domain": "chess"})),
        (NOT_NEEDED, {"insist": True}, RequestAnswer(insist=True)),
        (SCENARIOS, {"taxonomy": "x: 1"}, ScenariosAgreement(agree=True, taxonomy="x: 1", by=ADA)),
        (NO_JUDGE, {"judge": "ollama:y"}, JudgeChoice(judge="ollama:y", by=ADA)),
        (LABELS, {"enough": True}, Labelled(enough=True, by=ADA)),
    ],
)
def test_every_question_takes_an_edit(prompt: Prompt, args: dict[str, Any], reply: Any) -> None:
    edited = {"decisions": [{"type": "edit", "edited_action": {"name": "x", "args": args}}]}
    assert understand(edited, question(prompt), ADA).reply == reply


@pytest.mark.parametrize(
    "resume",
    [[{"type": "ignore", "args": None}], {"decisions": [{"type": "reject", "message": "too large"}]}],
)
def test_a_rejection_rejects(resume: Any) -> None:
    reply = understand(resume, question(APPROVAL), ADA).reply
    assert isinstance(reply, Approval)
    assert reply.action is ApprovalAction.REJECT
    assert reply.note in {"", "too large"}
    assert understand(resume, question(NOT_NEEDED), ADA).reply == RequestAnswer(insist=False)
    assert understand(resume, question(SCENARIOS), ADA).reply == ScenariosAgreement(agree=False, by=ADA)
    for prompt in (REQUEST, JUDGE, LABELS, REVIEW):
        with pytest.raises(WrongUse, match="nothing to reject"):
            understand(resume, question(prompt), ADA)


@pytest.mark.parametrize(
    "resume",
    [
        [{"type": "response", "args": "why not DeepSeek?"}],
        # What agent inbox makes of a person's response to a request in the middleware's shape.
        {"decisions": [{"type": "reject", "args": "why not DeepSeek?"}]},
    ],
)
def test_a_response_goes_to_the_conversation(resume: Any) -> None:
    meant = understand(resume, question(APPROVAL), ADA)
    assert (meant.reply, meant.text) == (None, "why not DeepSeek?")


def test_our_own_reply_is_taken_under_the_name_of_whoever_asks() -> None:
    own = {"action": "more", "table_hash": "sha256:1", "note": "larger ones", "by": "somebody else"}
    reply = understand(own, question(APPROVAL), ADA).reply
    assert isinstance(reply, Approval)
    assert (reply.action, reply.note, reply.by) == (ApprovalAction.MORE, "larger ones", ADA)


def test_an_answer_names_the_question_or_is_refused() -> None:
    asked = [question(APPROVAL)]
    answer = {"decisions": [{"type": "approve"}]}
    assert chosen({ID: answer}, asked, sure=False) == (answer, asked[0])
    assert chosen(answer, asked, sure=False) == (answer, asked[0])
    for stale in ({OTHER: answer}, {ID: answer, OTHER: answer}):
        with pytest.raises(Conflict):
            chosen(stale, asked, sure=False)


# --- what is asked ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prompt", EVERY)
def test_both_schemas_are_in_one_value(prompt: Prompt) -> None:
    both = value_of(question(prompt), Schema.BOTH)
    (request,), (config,) = both["action_requests"], both["review_configs"]
    assert request["name"] == config["action_name"] == both["action_request"]["action"]
    assert request["args"] == both["action_request"]["args"]
    assert request["description"] == both["description"] != ""
    assert both["prompt"] == prompt.model_dump(mode="json") == value_of(question(prompt), Schema.PROMPT)
    allowed = {"approve": "allow_accept", "edit": "allow_edit", "reject": "allow_ignore"}
    assert {one for one, flag in allowed.items() if both["config"][flag]} == set(config["allowed_decisions"])
    (inbox,) = value_of(question(prompt), Schema.AGENT_INBOX)
    assert set(inbox) == {"action_request", "config", "description"}
    assert set(value_of(question(prompt), Schema.HITL)) == {"action_requests", "review_configs"}


@pytest.mark.parametrize("prompt", EVERY)
def test_what_may_be_accepted_or_rejected_can_be(prompt: Prompt) -> None:
    config = value_of(question(prompt), Schema.BOTH)["config"]
    for allowed, resume in (("allow_accept", {"type": "accept"}), ("allow_ignore", {"type": "ignore"})):
        if config[allowed]:
            assert understand([resume], question(prompt), ADA).reply is not None
        else:
            with pytest.raises(Fault):
                understand([resume], question(prompt), ADA)


@pytest.mark.parametrize("text", ["1.2.3@run-1", "0.0.0@", "12.0.7@20261121-abcde"])
def test_a_mark_is_read_as_it_was_written(text: str) -> None:
    assert str(Mark.parse(text)) == text


@pytest.mark.parametrize("text", ["", "x", "1.2", "1.2.x@r", "-1.0.0@", "1.2.²@r", "01.2.3@"])
def test_what_is_no_mark_is_none(text: str) -> None:
    assert Mark.parse(text) is None


# --- over HTTP ----------------------------------------------------------------------------------------------


async def test_the_server_and_its_assistant(client: httpx.AsyncClient) -> None:
    assert (await client.get("/langgraph/ok")).json() == {"ok": True}
    assert (await client.get("/langgraph/info")).json()["flags"]["assistants"] is True
    (found,) = await post(client, "/assistants/search", graph_id="agent", limit=1)
    assert (found["assistant_id"], found["graph_id"]) == (ASSISTANT, GRAPH)
    assert await post(client, "/assistants/search", graph_id="another") == []
    assert await post(client, "/assistants/search", offset=1) == []
    assert await post(client, "/assistants/count") == 1
    for name in ("agent", GRAPH, ASSISTANT):
        assert (await client.get(f"/langgraph/assistants/{name}")).json()["assistant_id"] == ASSISTANT
    schemas = (await client.get("/langgraph/assistants/agent/schemas")).json()
    assert "table_hash" in schemas["state_schema"]["properties"]
    assert (await client.get("/langgraph/assistants/another")).status_code == 404


async def test_the_protocol_is_not_in_our_openapi_document(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/api/openapi.json")).json()["paths"]
    assert not [path for path in paths if path.startswith("/langgraph")]


@pytest.mark.both_databases
async def test_threads_are_made_found_changed_and_deleted(client: httpx.AsyncClient) -> None:
    first = await a_thread(client, thread_id="t-1", metadata={"who": "ada"})
    await a_thread(client, metadata={"who": "bo"})
    await refused(client, 409, "/threads", thread_id="t-1")
    assert await a_thread(client, thread_id="t-1", if_exists="do_nothing") == first
    found = await post(client, "/threads/search", metadata={"who": "ada", "graph_id": "agent"})
    assert [one["thread_id"] for one in found] == ["t-1"]
    assert (found[0]["status"], found[0]["metadata"]["assistant_id"]) == ("idle", ASSISTANT)
    assert await post(client, "/threads/count") == 2
    assert await post(client, "/threads/count", status="busy") == 0
    assert await post(
        client, "/threads/search", limit=1, offset=1, select=["thread_id"], sort_by="created_at"
    ) == [{"thread_id": "t-1"}]
    changed = await client.patch("/langgraph/threads/t-1", json={"metadata": {"why": 1}})
    assert {"who": "ada", "why": 1}.items() <= changed.json()["metadata"].items()
    minimal = {"prefer": "return=minimal"}
    assert (await client.patch("/langgraph/threads/t-1", json={}, headers=minimal)).status_code == 204
    assert (await client.delete("/langgraph/threads/t-1")).status_code == 204
    assert (await client.get("/langgraph/threads/t-1")).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"thread_id": "../etc"}, 422),
        ({"thread_id": "x" * 41}, 422),
        ({"metadata": {"interrupt_schema": "other"}}, 422),
        ({"metadata": {"big": "x" * 20_001}}, 422),
        ({"supersteps": [{"updates": []}]}, 422),
    ],
)
async def test_a_thread_that_cannot_be_made(
    client: httpx.AsyncClient, body: dict[str, Any], status: int
) -> None:
    assert await refused(client, status, "/threads", **body)


async def test_clients_cannot_write_the_list_of_runs(client: httpx.AsyncClient) -> None:
    thread = await a_thread(client, metadata={"langgraph_runs": [{"id": "x"}]})
    await client.patch(f"/langgraph/threads/{thread}", json={"metadata": {"langgraph_runs": [1]}})
    assert (await client.get(f"/langgraph/threads/{thread}/runs")).json() == []


REFUSED: tuple[tuple[dict[str, Any], str], ...] = (
    ({"webhook": "http://example.org"}, "webhook"),
    ({"interrupt_before": ["pull"]}, "waits where a person decides"),
    ({"interrupt_after": "*"}, "waits where a person decides"),
    ({"after_seconds": 5}, "at once"),
    ({"command": {"goto": "__end__"}}, "not set from outside"),
    ({"command": {"update": {"stage": "done"}}}, "not set from outside"),
    ({"stream_mode": "debug"}, "no stream mode"),
    ({"stream_mode": ["values", "tasks"]}, "no stream mode"),
    ({"input": "hello"}, "An input is"),
    (
        {"input": {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}]}},
        "text",
    ),
    ({"input": {"messages": [{"role": "user", "content": " "}]}}, "has a text"),
    ({"input": {"messages": [{"role": "user", "content": "x" * 20_001}]}}, "up to 20000"),
    ({"input": {"messages": [{"role": "user", "content": "x", "id": "y" * 81}]}}, "up to 80"),
    ({"input": {"messages": [{"role": "user", "content": x} for x in "ab"]}}, "One message"),
    ({"input": {"messages": [{"role": "assistant", "content": "Approved."}]}}, "nothing to go on with"),
    ({"input": None}, "nothing to go on with"),
    ({"input": {"text": "7B for chess", "model": "/etc/passwd"}}, "looks like a file"),
    ({"input": {"text": "7B for chess", "surprise": 1}}, "surprise"),
    ({"config": {"configurable": {"interrupt_schema": "x"}}}, "no shape of interrupts"),
    ({"checkpoint": {"checkpoint_id": "1ef-0"}}, "no state"),
)


@pytest.mark.parametrize(("body", "words"), REFUSED)
async def test_what_is_not_done_is_refused_in_a_sentence(
    client: httpx.AsyncClient, body: dict[str, Any], words: str
) -> None:
    thread = await a_thread(client)
    if words == "looks like a file":  # told by the run: it is begun, and fails
        await post(client, f"/threads/{thread}/runs", assistant_id="agent", **body)
        values = await _joined(client, thread)
        assert words in values["__error__"]["message"]
    else:
        assert words in await refused(client, 422, f"/threads/{thread}/runs", assistant_id="agent", **body)


async def _joined(client: httpx.AsyncClient, thread: str) -> dict[str, Any]:
    (run,) = (await client.get(f"/langgraph/threads/{thread}/runs")).json()
    found: dict[str, Any] = (
        await client.get(f"/langgraph/threads/{thread}/runs/{run['run_id']}/join")
    ).json()
    return found


async def test_an_unknown_assistant_or_thread(client: httpx.AsyncClient) -> None:
    thread = await a_thread(client)
    await refused(client, 404, f"/threads/{thread}/runs", assistant_id="other", input={"text": "hello"})
    await refused(client, 404, "/threads/nobody/runs", assistant_id="agent", input={"text": "hello"})
    hello = {"assistant_id": "agent", "input": {"text": "hello"}, "if_not_exists": "create"}
    values = await post(client, "/threads/somebody/runs/wait", **hello)
    assert [message["type"] for message in values["messages"]] == ["human", "ai"]


async def test_a_message_is_one_message_however_often_it_is_sent(client: httpx.AsyncClient) -> None:
    thread = await a_thread(client)
    hello = {"messages": [{"type": "human", "content": [{"type": "text", "text": "hello"}], "id": "m-1"}]}
    answers = [
        await client.post(f"/langgraph/threads/{thread}/runs", json={"assistant_id": "agent", "input": hello})
        for _ in range(3)
    ]
    (name,) = {answer.json()["run_id"] for answer in answers}
    assert answers[0].headers["content-location"] == f"/threads/{thread}/runs/{name}"
    values = await post(client, f"/threads/{thread}/runs/wait", assistant_id="agent", input=hello)
    assert [(message["type"], message["id"] == "m-1") for message in values["messages"]] == [
        ("human", True),
        ("ai", False),
    ]
    other = {"messages": [{"role": "user", "content": "something else", "id": "m-1"}]}
    await refused(client, 409, f"/threads/{thread}/runs", assistant_id="agent", input=other)
    # What was said before may come along.
    more = {"messages": [*values["messages"], {"role": "user", "content": "help", "id": "m-2"}]}
    later = await post(client, f"/threads/{thread}/runs/wait", assistant_id="agent", input=more)
    assert len(later["messages"]) == 4


async def test_states_follow_one_another_and_do_not_branch(client: httpx.AsyncClient) -> None:
    thread = await a_thread(client)
    for text in ("hello", "help"):
        await post(client, f"/threads/{thread}/runs/wait", assistant_id="agent", input={"text": text})
    states = await post(client, f"/threads/{thread}/history", limit=10)
    assert [len(state["values"]["messages"]) for state in states] == [4, 3, 2, 1]
    for newer, older in itertools.pairwise(states):
        assert newer["parent_checkpoint"] == older["checkpoint"]
    assert states[-1]["parent_checkpoint"] is None
    second = states[1]["checkpoint"]
    got = (await client.get(f"/langgraph/threads/{thread}/state/{second['checkpoint_id']}")).json()
    assert got == states[1] == await post(client, f"/threads/{thread}/state/checkpoint", checkpoint=second)
    assert (await client.get(f"/langgraph/threads/{thread}/state")).json() == states[0]
    older = (await client.get(f"/langgraph/threads/{thread}/history?before={second['checkpoint_id']}")).json()
    assert older == states[2:]
    assert (await client.get(f"/langgraph/threads/{thread}/state/9.9")).status_code == 404
    again = {"assistant_id": "agent", "input": {"text": "again"}}
    sentence = await refused(
        client, 409, f"/threads/{thread}/runs", checkpoint=states[2]["checkpoint"], **again
    )
    assert "does not branch" in sentence
    await refused(
        client, 409, f"/threads/{thread}/runs", assistant_id="agent", checkpoint=states[2]["checkpoint"]
    )
    head = await post(client, f"/threads/{thread}/runs/wait", checkpoint=states[0]["checkpoint"], **again)
    assert len(head["messages"]) == 6


async def test_the_state_is_not_set_from_outside(client: httpx.AsyncClient) -> None:
    thread = await a_thread(client)
    for body in ({"values": {"decision": {"kind": "DEPLOY"}}}, {"values": None, "as_node": "__end__"}):
        await refused(client, 422, f"/threads/{thread}/state", **body)
    assert (await post(client, f"/threads/{thread}/state", values=None))["checkpoint"][
        "checkpoint_id"
    ] == "0.0"


async def test_a_run_without_a_thread_makes_one_that_stays(client: httpx.AsyncClient) -> None:
    values = await post(client, "/runs/wait", assistant_id="agent", input={"text": "hello"})
    assert len(values["messages"]) == 2
    (found,) = await post(client, "/threads/search")
    assert found["values"]["messages"] == values["messages"]
    await refused(client, 422, "/runs/wait", assistant_id="agent", command={"resume": [{"type": "accept"}]})


async def test_a_question_is_an_interrupt_and_is_answered_once(
    client: httpx.AsyncClient, database: Database
) -> None:
    thread = await a_thread(client)
    await refused(client, 409, f"/threads/{thread}/runs", assistant_id="agent", command={"resume": {"x": 1}})
    with database:
        run_id = waiting_run(database, thread, REVIEW)
        found = (await client.get(f"/langgraph/threads/{thread}")).json()
        assert found["status"] == "interrupted"
        ((interrupt,),) = found["interrupts"].values()
        assert interrupt["id"] == ID
        assert interrupt["response_schema"]["title"] == "Review"
        state = (await client.get(f"/langgraph/threads/{thread}/state")).json()
        assert (state["next"], state["interrupts"]) == (["review"], [interrupt])
        assert state["tasks"][0]["interrupts"] == [interrupt]

        reading = await post(client, f"/threads/{thread}/runs/wait", assistant_id="agent")
        assert reading["__interrupt__"] == [interrupt]  # no input: a look at what is asked

        answer = {"assistant_id": "agent", "command": {"resume": {ID: {"notes": "read"}}}}
        stale = {"assistant_id": "agent", "command": {"resume": {OTHER: {"notes": "read"}}}}
        await refused(client, 409, f"/threads/{thread}/runs", **stale)
        wrong = {"assistant_id": "agent", "command": {"resume": "accept"}}
        await refused(client, 422, f"/threads/{thread}/runs", **wrong)
        begun = await asyncio.gather(
            *(client.post(f"/langgraph/threads/{thread}/runs", json=answer) for _ in range(4))
        )
        assert sorted(one.status_code for one in begun) == [200, 409, 409, 409]
        assert (await client.get(f"/langgraph/threads/{thread}")).json()["status"] == "busy"
        await refused(client, 409, f"/threads/{thread}/runs", **answer)
        with database.reading() as session:
            order = orders.open_order(session, run_id)
            assert order is not None
            assert (order.kind, order.prompt_id, order.record["notes"]) == (OrderKind.REPLY, ID, "read")


@pytest.mark.parametrize(
    ("schema", "kind"), [("agent-inbox", list), ("hitl", dict), ("prompt", dict), (None, dict)]
)
async def test_a_thread_chooses_the_shape_of_its_interrupts(
    client: httpx.AsyncClient, database: Database, schema: str | None, kind: type
) -> None:
    thread = await a_thread(client, metadata={} if schema is None else {"interrupt_schema": schema})
    with database:
        waiting_run(database, thread, SCENARIOS)
    (interrupt,) = (await client.get(f"/langgraph/threads/{thread}/state")).json()["interrupts"]
    assert isinstance(interrupt["value"], kind)
    assert interrupt["value"] == value_of(question(SCENARIOS).model_copy(), Schema(schema or "both"))
    again = {"configurable": {"interrupt_schema": "hitl"}}
    await post(client, f"/threads/{thread}/runs/wait", assistant_id="agent", config=again)
    (interrupt,) = (await client.get(f"/langgraph/threads/{thread}/state")).json()["interrupts"]
    assert interrupt["value"] == value_of(question(SCENARIOS), Schema.HITL)


async def test_a_message_leaves_the_question_open(client: httpx.AsyncClient, database: Database) -> None:
    thread = await a_thread(client)
    with database:
        waiting_run(database, thread, SCENARIOS)
    said = {"resume": [{"type": "response", "args": "help"}]}
    values = await post(client, f"/threads/{thread}/runs/wait", assistant_id="agent", command=said)
    assert "help" in [message["content"] for message in values["messages"]]
    assert [one["id"] for one in values["__interrupt__"]] == [ID]


async def test_an_answer_to_a_state_before_the_question_is_stale(
    client: httpx.AsyncClient, database: Database
) -> None:
    thread = await a_thread(client)
    with database:
        run_id = waiting_run(database, thread, LABELS)
        before = (await client.get(f"/langgraph/threads/{thread}/state")).json()["checkpoint"]
        with database.session() as session:
            events.append(session, run_id, "waiting", "waiting", _told(LABELS, OTHER), NOW)
        accept = {"assistant_id": "agent", "command": {"resume": [{"type": "accept"}]}}
        await refused(client, 409, f"/threads/{thread}/runs", checkpoint=before, **accept)
        now = (await client.get(f"/langgraph/threads/{thread}/state")).json()["checkpoint"]
        await post(client, f"/threads/{thread}/runs", checkpoint=now, **accept)


@pytest.mark.parametrize("answer", [{"decisions": [{"type": "approve"}]}, [{"type": "accept", "args": None}]])
async def test_an_answer_that_names_nothing_is_not_taken_for_a_question_nobody_saw(
    client: httpx.AsyncClient, database: Database, answer: Any
) -> None:
    thread = await a_thread(client)
    unnamed = {"assistant_id": "agent", "command": {"resume": answer}}
    with database:
        run_id = waiting_run(database, thread, LABELS)
        with database.session() as session:  # it is asked again, about what somebody else has changed
            events.append(session, run_id, "waiting", "waiting", _told(LABELS, OTHER), NOW)
        sentence = await refused(client, 409, f"/threads/{thread}/runs", **unnamed)
        assert "does not say which question" in sentence
        named = {"assistant_id": "agent", "command": {"resume": {OTHER: answer}}}
        await post(client, f"/threads/{thread}/runs", **named)


async def test_an_offer_is_not_confirmed_by_an_answer_that_does_not_name_it(
    client: httpx.AsyncClient, database: Database
) -> None:
    thread = await a_thread(client)
    offer = Extras(offer=Offer(kind="cancel", sentence="End it.", run_id="r"))
    with database:
        with database.session() as session:  # on the page, unseen by this client
            data = offer.model_dump(mode="json", exclude_defaults=True)
            threads.say(session, thread, threads.BMS, "Shall I?", NOW, data=data)
        unnamed = {"assistant_id": "agent", "command": {"resume": {"decisions": [{"type": "approve"}]}}}
        assert "does not name it" in await refused(client, 409, f"/threads/{thread}/runs", **unnamed)


async def test_a_judge_that_is_a_file_is_refused_with_a_sentence(
    client: httpx.AsyncClient, database: Database
) -> None:
    thread = await a_thread(client)
    with database:
        waiting_run(database, thread, NO_JUDGE)
        answer = {"assistant_id": "agent", "command": {"resume": {ID: {"judge": "llamacpp:/any/file.gguf"}}}}
        sentence = await refused(client, 422, f"/threads/{thread}/runs", **answer)
        assert "looks like a file of this machine" in sentence


@pytest.mark.parametrize("name", ["x" * 300, "<script>", "a b"])
async def test_a_thread_of_a_path_is_named_as_one_of_a_body(client: httpx.AsyncClient, name: str) -> None:
    wish = {"assistant_id": "agent", "input": {"text": "help"}, "if_not_exists": "create"}
    await refused(client, 422, f"/threads/{quote(name)}/runs/wait", **wish)


async def test_what_the_conversation_offers_is_confirmed(
    client: httpx.AsyncClient, database: Database
) -> None:
    thread = await a_thread(client)
    with database:
        run_id = waiting_run(database, thread, LABELS)
        values = await post(
            client, f"/threads/{thread}/runs/wait", assistant_id="agent", input={"text": "cancel"}
        )
        (offered,) = values["__interrupt__"]
        assert offered["value"]["action_request"]["action"] == "cancel"
        assert run_id in offered["value"]["description"]

        accept = {"decisions": [{"type": "approve"}]}
        sentence = await refused(
            client, 409, f"/threads/{thread}/runs", assistant_id="agent", command={"resume": accept}
        )
        assert "Two things" in sentence  # the run waits as well, and neither was named
        no = {"resume": {offered["id"]: {"decisions": [{"type": "reject", "message": "not yet"}]}}}
        values = await post(client, f"/threads/{thread}/runs/wait", assistant_id="agent", command=no)
        assert [one["id"] for one in values["__interrupt__"]] == [ID]
        assert values["status"] == "waiting"

        values = await post(
            client, f"/threads/{thread}/runs/wait", assistant_id="agent", input={"text": "cancel"}
        )
        (offered,) = values["__interrupt__"]
        yes = {"resume": {offered["id"]: accept}}
        values = await post(client, f"/threads/{thread}/runs/wait", assistant_id="agent", command=yes)
        assert values["status"] == "cancelled"
        assert "__interrupt__" not in values
        await refused(client, 409, f"/threads/{thread}/runs", assistant_id="agent", command=yes)


async def test_a_busy_thread(client: httpx.AsyncClient, database: Database) -> None:
    thread = await a_thread(client)
    begun = await post(
        client, f"/threads/{thread}/runs", assistant_id="agent", input={"text": "7B for chess", "count": 5}
    )
    await asyncio.wait_for(_until_busy(client, thread), PATIENCE)
    path, hello = f"/threads/{thread}/runs", {"assistant_id": "agent", "input": {"text": "status"}}
    assert "busy" in await refused(client, 409, path, multitask_strategy="reject", **hello)
    for strategy in ("interrupt", "rollback"):
        assert "throw away" in await refused(client, 422, path, multitask_strategy=strategy, **hello)
    await post(client, path, multitask_strategy="enqueue", **hello)
    await refused(client, 409, path, assistant_id="agent", input={"text": "7B for go", "count": 5})
    run = (await client.get(f"/langgraph{path}/{begun['run_id']}")).json()
    assert run["status"] == "running"
    assert (await client.delete(f"/langgraph{path}/{begun['run_id']}")).status_code == 409
    assert (
        await client.post(f"/langgraph{path}/{begun['run_id']}/cancel?action=rollback")
    ).status_code == 422
    done = await client.post(f"/langgraph{path}/{begun['run_id']}/cancel?wait=1")
    assert done.status_code == 204
    listed = (await client.get(f"/langgraph{path}?limit=10")).json()
    assert {one["run_id"]: one["status"] for one in listed}[begun["run_id"]] == "interrupted"
    assert (await client.get(f"/langgraph/threads/{thread}/state")).json()["values"]["status"] == "cancelled"
    assert (await client.post(f"/langgraph{path}/{begun['run_id']}/cancel")).status_code == 409
    assert (await client.delete(f"/langgraph{path}/{begun['run_id']}")).status_code == 204
    assert (await client.get(f"/langgraph{path}/{begun['run_id']}")).status_code == 404


async def _until_busy(client: httpx.AsyncClient, thread: str) -> None:
    while True:
        found = (await client.get(f"/langgraph/threads/{thread}")).json()
        if found["values"]["run_id"] is not None:
            assert found["status"] == "busy"
            return
        await asyncio.sleep(0.02)


@pytest.mark.both_databases
async def test_a_stream_ends_with_what_the_run_came_to(client: httpx.AsyncClient, database: Database) -> None:
    thread = await a_thread(client)
    with database:
        waiting_run(database, thread, LABELS)
    modes = ["values", "updates", "messages-tuple", "messages", "custom", "events"]
    body = {"assistant_id": "agent", "input": {"text": "help"}, "stream_mode": modes}
    answer = await client.post(f"/langgraph/threads/{thread}/runs/stream", json=body)
    assert answer.headers["content-type"].startswith("text/event-stream")
    name = answer.headers["content-location"].rpartition("/")[2]
    assert answer.headers["location"] == f"/langgraph/threads/{thread}/runs/{name}/stream"
    kinds = [line.removeprefix("event: ") for line in answer.text.splitlines() if line.startswith("event: ")]
    assert (kinds[0], kinds[-1]) == ("metadata", "end")
    assert {"values", "updates", "messages", "messages/complete"} <= set(kinds)
    assert answer.text.startswith("event: metadata\n")
    assert answer.text.count("__interrupt__") == 2
    last = [line.removeprefix("id: ") for line in answer.text.splitlines() if line.startswith("id: ")][-1]
    again = await client.get(answer.headers["location"], headers={"last-event-id": last})
    assert "messages" not in [line for line in again.text.splitlines() if line.startswith("event: m")][1:]
    whole = await client.get(answer.headers["location"], headers={"last-event-id": "-1"})
    assert whole.text.count("event: updates") >= 3
    for query in ("stream_mode=updates&stream_mode=custom", 'stream_mode=["updates","custom"]'):
        some = await client.get(f"{answer.headers['location']}?{query}", headers={"last-event-id": "-1"})
        assert some.text.count("event: updates") >= 3
        assert "event: values" not in some.text
    wrong = await client.get(f"{answer.headers['location']}?stream_mode=[nonsense")
    assert wrong.status_code == 422
    assert (await client.get(answer.headers["location"], headers={"last-event-id": "x"})).status_code == 422
    gone = await client.get(f"{answer.headers['location']}?cancel_on_disconnect=1")
    assert gone.status_code == 422
