"""Recordings of a real Ollama server, played to our runtime and to Ollama's own client."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import ollama
import pytest

from agent.cassettes import StoryCassette, played
from agent.story import stories_folder
from tests.standins.record_ollama import OLLAMA, SCHEMA, calls, drive
from tools.runtimes import Artefact, ChatReply, LoadedModel, RuntimeFault, RuntimeFaultKind, RuntimeStatus
from tools.runtimes.ollama import OllamaRuntime

REGISTRY = "127.0.0.1:5005"


@pytest.fixture
def cassette() -> Iterator[StoryCassette]:
    with played(stories_folder() / "ollama" / "http.yaml") as opened:
        yield opened


async def test_our_runtime_reads_a_real_server(cassette: StoryCassette) -> None:
    runtime = OllamaRuntime(OLLAMA)
    try:
        status, artefact, loaded, free, constrained, unknown, unasked = await drive(runtime)
    finally:
        await runtime.aclose()
    assert isinstance(status, RuntimeStatus)
    assert status.version == "0.32.15"
    assert isinstance(artefact, Artefact)
    assert (artefact.quantization, artefact.already_here) == ("F16", True)
    assert artefact.size_bytes is not None
    assert artefact.size_bytes > 1_000_000
    assert isinstance(loaded, LoadedModel)
    assert (loaded.allocated_context, loaded.native_context, loaded.thinks) == (512, 4096, False)
    assert loaded.hello
    assert isinstance(free, ChatReply)
    assert free.finish_reason in {"stop", "length"}
    assert free.completion_tokens
    assert isinstance(constrained, ChatReply)
    verdict = json.loads(constrained.text)
    assert set(verdict) == {"verdict", "sure"}
    assert verdict["verdict"] in SCHEMA["properties"]["verdict"]["enum"]  # type: ignore[index]
    for fault in (unknown, unasked):
        assert isinstance(fault, RuntimeFault)
        assert fault.kind is RuntimeFaultKind.NOT_FOUND
    assert not cassette.misses


def test_a_pull_of_an_unknown_tag_ends_in_an_error_line_of_a_200(cassette: StoryCassette) -> None:
    body = next(b for _, path, b in calls(REGISTRY) if path == "/api/pull" and b and "nowhere" in b["model"])
    reply = httpx.post(f"{OLLAMA}/api/pull", json=body)
    assert reply.status_code == 200
    lines = [json.loads(line) for line in reply.text.splitlines()]
    assert lines[-1] == {"error": "pull model manifest: file does not exist"}
    assert not any(line.get("status") == "success" for line in lines)


def test_a_real_pull_reports_progress_that_need_not_reach_the_total(cassette: StoryCassette) -> None:
    body = next(b for _, path, b in calls(REGISTRY) if path == "/api/pull" and b and "latest" in b["model"])
    lines = [json.loads(line) for line in httpx.post(f"{OLLAMA}/api/pull", json=body).text.splitlines()]
    assert [line["status"] for line in (lines[0], lines[-1])] == ["pulling manifest", "success"]
    steps = [line for line in lines if "total" in line]
    assert steps
    assert all(step["completed"] <= step["total"] for step in steps)
    assert [step["completed"] for step in steps] == sorted(step["completed"] for step in steps)


def test_ollamas_own_client_reads_them_too(cassette: StoryCassette) -> None:
    client = ollama.Client(host=OLLAMA)
    names = {model.model for model in client.list().models}
    assert "tiny:latest" in names
    with pytest.raises(ollama.ResponseError, match="not found"):
        client.show("nope")


@pytest.mark.parametrize(("method", "path"), [("GET", "/api/version"), ("GET", "/api/ps")])
def test_plain_questions(cassette: StoryCassette, method: str, path: str) -> None:
    assert httpx.request(method, f"{OLLAMA}{path}").status_code == 200
