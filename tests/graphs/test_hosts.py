"""A run on several inference hosts: rows, events and document say which host answered what."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from agent.conversation.narrate import narrate
from agent.pages.words import line_of
from agent.views import EventRecord
from store import evaluation, events
from store.runs import RunStatus
from store.schema import AnswerRow, EventRow
from tests.graphs.evaluating import Evaluation, evaluating
from tests.standins.ollama_server import OllamaServer, StandInModel, layer
from tools.runtimes import RuntimeFault, RuntimeFaultKind
from tools.runtimes.hosts import parse_hosts
from tools.runtimes.ollama import OllamaRuntime
from tools.runtimes.spread import SpreadRuntime

MODEL = StandInModel()
OTHER = replace(MODEL, layers=(layer("newer weights", 5_000_000_000),))


def good(body: dict[str, Any]) -> str:
    return f"Good {body['messages'][-1]['content']}"


def server(**fields: Any) -> OllamaServer:
    return OllamaServer(**{"reply": good, "local": {"qwen3:8b": MODEL}, **fields})


@asynccontextmanager
async def on_hosts(home: Path, *servers: OllamaServer) -> AsyncIterator[Evaluation]:
    specs = parse_hosts(",".join(f"ollama:{one.url}" for one in servers))
    spread = SpreadRuntime([(spec, OllamaRuntime(spec.url)) for spec in specs])
    try:
        async with evaluating(home, candidate=spread) as stage:
            yield stage
    finally:
        await spread.aclose()


def start(stage: Evaluation, number: int) -> str:
    texts = [f"Question {n}" for n in range(number)]
    return stage.start(texts, model="qwen3:8b", runtime="ollama", concurrency=2)


def label(one: OllamaServer) -> str:
    return f"127.0.0.1:{one.port}"


def asked(*servers: OllamaServer) -> Counter[str]:
    said = [body["messages"][-1]["content"] for one in servers for body in one.bodies("/api/chat")]
    return Counter(text for text in said if text.startswith("Question"))


def hosts_told(stage: Evaluation, run_id: str) -> list[EventRow]:
    with stage.database.reading() as session:
        return events.of_kind(session, run_id, "host")


def answered_by(stage: Evaluation, run_id: str) -> Counter[tuple[str | None, str | None]]:
    with stage.database.reading() as session:
        rows = session.scalars(select(AnswerRow.conditions).where(AnswerRow.run_id == run_id))
        return Counter((row.get("host"), row["digest"]) for row in rows)


async def test_rows_and_the_document_say_which_host_answered_and_which_was_left_out(tmp_path: Path) -> None:
    with server() as one, server() as two, server(local={"qwen3:8b": OTHER}) as other:
        async with on_hosts(tmp_path, one, two, other) as stage:
            run_id = start(stage, 30)
            standing = await stage.to_the_end(run_id)
            assert standing.status is RunStatus.DONE
            by = answered_by(stage, run_id)
            told = hosts_told(stage, run_id)
            with stage.database.reading() as session:
                shares = evaluation.hosts(session, run_id, "primary")
                assert evaluation.hosts(session, run_id, "backup") == []
        assert set(asked(one, two).values()) == {1}
        assert asked(other) == {}
    digest = f"sha256:{MODEL.digest}"
    assert set(by) == {(label(one), digest), (label(two), digest)}
    assert {(host, told_digest): n for host, told_digest, n in shares} == dict(by)
    document = (tmp_path / "docs" / "base-model-evaluation.md").read_text("utf-8")
    for host, _, number in shares:
        assert f"{host} {number} scenarios" in document
    assert f"{label(other)} has another digest of qwen3:8b" in document
    assert sorted((event.stage, event.data["host"], event.data["state"]) for event in told) == sorted(
        [("pull", label(other), "out"), ("pull", label(one), "in"), ("pull", label(two), "in")]
    )


async def test_a_host_killed_in_the_middle_is_told_of_and_nothing_finished_is_asked_again(
    tmp_path: Path,
) -> None:
    seen = count(1)
    with server() as one:
        two = server()

        def dies(body: dict[str, Any]) -> str:
            if body["messages"][-1]["content"].startswith("Question") and next(seen) == 4:
                two.kill()
            return good(body)

        two.reply = dies
        two.__enter__()
        async with on_hosts(tmp_path, one, two) as stage:
            run_id = start(stage, 24)
            standing = await stage.to_the_end(run_id)
            by, told = answered_by(stage, run_id), hosts_told(stage, run_id)
            out = next(event for event in told if event.data["state"] == "out")
            record = EventRecord(seq=out.seq, at=out.at, stage=out.stage, kind=out.kind, data=out.data)
            line = line_of(record)
            with stage.database.reading() as session:
                said = narrate(session, run_id, record)
    assert standing.status is RunStatus.DONE
    assert sum(by.values()) == 24
    assert {host for host, _ in by} == {label(one), label(two)}
    finished_on_two = sum(n for (host, _), n in by.items() if host == label(two))
    again = [text for text, times in asked(one, two).items() if times > 1]
    assert len(again) <= 2 < finished_on_two + 2, "what was under way on the one that died"
    assert line is not None
    assert (line.tone, label(two) in line.text) == ("warn", True)
    assert said is not None
    assert label(two) in str(said)


async def test_all_dead_stops_the_run_and_a_resume_asks_what_is_missing(tmp_path: Path) -> None:
    one, two = server(), server()
    seen = count(1)

    def dies(body: dict[str, Any]) -> str:
        if body["messages"][-1]["content"].startswith("Question") and next(seen) == 8:
            one.kill()
            two.kill()
        return good(body)

    one.reply = two.reply = dies
    one.__enter__(), two.__enter__()
    async with on_hosts(tmp_path, one, two) as stage:
        run_id = start(stage, 16)
        with pytest.raises(RuntimeFault, match="None of the 2 hosts can be used") as caught:
            await stage.to_the_end(run_id)
        assert caught.value.kind is RuntimeFaultKind.UNREACHABLE
        kept = sum(answered_by(stage, run_id).values())
        one.revive()
        two.revive()
        two.local["qwen3:8b"] = OTHER
        first = asked(one, two)
    async with on_hosts(tmp_path, two, one) as stage:
        ended = await stage.to_the_end(run_id)
        by = answered_by(stage, run_id)
    later = asked(one, two) - first
    one.__exit__(), two.__exit__()
    assert ended.status is RunStatus.DONE
    assert 0 < kept < 16
    assert sum(by.values()) == 16
    assert {digest for _, digest in by} == {f"sha256:{MODEL.digest}"}
    assert sum(later.values()) == 16 - kept, "what is kept is not asked again"
