"""Records ``cassettes/ollama`` against a real Ollama server.

``python -m tests.standins.record_ollama`` wants a server at 127.0.0.1:11434 that has a tiny model called
``tiny:latest``, and a registry without TLS (``--registry``) that offers the same model as
``library/tiny:latest``. ``--redact`` names a folder of the recording machine, to be left out. The server is
whatever was installed by hand; nothing here builds or starts one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from agent.cassettes import recorded
from agent.story import stories_folder
from tools.runtimes import ChatRequest, Message, RuntimeFault
from tools.runtimes.ollama import OllamaRuntime

OLLAMA = "http://127.0.0.1:11434"
MODEL = "tiny:latest"
SCHEMA = {
    "type": "object",
    "properties": {"verdict": {"enum": ["YES", "NO"]}, "sure": {"type": "boolean"}},
    "required": ["verdict", "sure"],
    "additionalProperties": False,
}
GREETING = [{"role": "user", "content": "Hello, testing."}]
OPTIONS = {"seed": 1, "num_predict": 48, "num_ctx": 512, "temperature": 0.8}


def calls(registry: str) -> list[tuple[str, str, dict[str, Any] | None]]:
    """Method, path and body of every call, in an order that leaves the server as it was."""
    pulled = f"{registry}/library/tiny:latest"
    chat = {"model": MODEL, "messages": GREETING, "options": OPTIONS}
    return [
        ("GET", "/api/version", None),
        ("GET", "/api/tags", None),
        ("DELETE", "/api/delete", {"model": pulled}),
        ("DELETE", "/api/delete", {"model": MODEL}),
        ("POST", "/api/pull", {"model": pulled, "insecure": True}),
        ("POST", "/api/copy", {"source": pulled, "destination": MODEL}),
        ("POST", "/api/pull", {"model": f"{registry}/library/tiny:nowhere", "insecure": True}),
        ("POST", "/api/show", {"model": MODEL}),
        ("POST", "/api/show", {"model": "nope"}),
        ("POST", "/api/chat", chat),
        ("POST", "/api/chat", {**chat, "stream": False}),
        ("POST", "/api/chat", {**chat, "format": SCHEMA, "stream": False}),
        ("POST", "/api/chat", {**chat, "model": "nope"}),
        ("POST", "/api/chat", {**chat, "think": True}),
        ("GET", "/api/ps", None),
        ("DELETE", "/api/delete", {"model": "nope"}),
    ]


HELLO = ChatRequest(messages=(Message(role="user", content="Hi."),), context=512, max_tokens=32, seed=1)
CONSTRAINED = HELLO.model_copy(update={"json_schema": SCHEMA, "thinking": False})


async def drive(runtime: OllamaRuntime) -> list[object]:
    """What our own runtime asks, and what it made of the answers; a test replays exactly this."""
    artefact = await runtime.prove(MODEL, context=512)
    loaded = await runtime.load(artefact, context=512)
    said = [await runtime.chat(MODEL, HELLO), await runtime.chat(MODEL, CONSTRAINED)]
    faults = []
    for work in (runtime.prove("nope:latest", context=512), runtime.chat("nope:latest", HELLO)):
        try:
            await work
        except RuntimeFault as fault:
            faults.append(fault)
    await runtime.unload(MODEL)
    return [await runtime.status(), artefact, loaded, *said, *faults]


async def asked_by_us() -> None:
    runtime = OllamaRuntime(OLLAMA)
    try:
        for made in await drive(runtime):
            print(repr(made)[:150])
    finally:
        await runtime.aclose()


def record(folder: Path, registry: str, redact: Sequence[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (
        recorded(folder / "http.yaml", secrets=redact),
        httpx.Client(base_url=OLLAMA, timeout=120) as client,
    ):
        asyncio.run(asked_by_us())
        for method, path, body in calls(registry):
            reply = client.request(method, path, json=body)
            print(
                method,
                path,
                json.dumps(body)[:80],
                "→",
                reply.status_code,
                reply.text[:100].replace("\n", " "),
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--registry", default="127.0.0.1:5005")
    parser.add_argument("--redact", action="append", default=[])
    given = parser.parse_args()
    record(stories_folder() / "ollama", given.registry, given.redact)
