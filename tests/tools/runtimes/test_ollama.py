from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.standins.loopback import Asked, Exchange
from tests.standins.ollama_server import OllamaServer, StandInModel, layer
from tests.standins.openai_server import OpenAIServer
from tests.standins.patience import PATIENCE
from tools.faults import WrongUse
from tools.outcomes import Blocked, BlockReason, Empty, Failed, FailReason, Found, Outcome
from tools.runtimes.base import (
    Artefact,
    ChatRequest,
    Message,
    PullProgress,
    RuntimeFault,
    RuntimeFaultKind,
    RuntimeName,
)
from tools.runtimes.ollama import OllamaRuntime, ProveTag

QWEN = StandInModel()
PLAIN = StandInModel(
    name="plain:latest", capabilities=("completion",), quantization="Q4_0", native_context=2_048
)


def asking(text: str = "How are you?", **changes: Any) -> ChatRequest:
    return ChatRequest(messages=(Message(role="user", content=text),), **changes)


def here(*models: StandInModel) -> dict[str, StandInModel]:
    return {model.name: model for model in models}


def wanted(model: StandInModel = QWEN, **changes: Any) -> Artefact:
    artefact = Artefact(
        runtime=RuntimeName.OLLAMA,
        name=model.name,
        digest=f"sha256:{model.digest}",
        size_bytes=model.size,
        quantization=model.quantization,
    )
    return artefact.model_copy(update=changes)


def proof_of(model: StandInModel) -> Any:
    return SimpleNamespace(
        tag=model.name,
        digest=f"sha256:{model.digest}",
        total_bytes=model.size,
        model_bytes=model.layers[0].size,
        quantization=model.quantization,
        licence="Apache License",
        context_length=model.native_context,
        manifest_url="https://registry.ollama.ai/v2/library/qwen3/manifests/8b",
        warnings=(),
    )


def registry_says(outcome: Outcome[Any]) -> ProveTag:
    async def prove_tag(_: str) -> Outcome[Any]:
        return outcome

    return cast("Callable[[str], Awaitable[Outcome[Any]]]", prove_tag)


@asynccontextmanager
async def runtime_at(server: OllamaServer, prove_tag: ProveTag | None = None) -> AsyncIterator[OllamaRuntime]:
    runtime = OllamaRuntime(f"127.0.0.1:{server.port}", prove_tag=prove_tag)
    try:
        yield runtime
    finally:
        await runtime.aclose()


async def chat_fault(
    server: OllamaServer, request: ChatRequest | None = None, model: str = "qwen3:8b"
) -> RuntimeFault:
    async with runtime_at(server) as runtime:
        with pytest.raises(RuntimeFault) as caught:
            await runtime.chat(model, request or asking())
    assert caught.value.sentence.endswith(".")
    assert caught.value.next_step
    return caught.value


async def pull(runtime: OllamaRuntime, artefact: Artefact) -> list[PullProgress]:
    return [step async for step in runtime.pull(artefact)]


async def test_the_whole_journey() -> None:
    with OllamaServer() as server:
        async with runtime_at(server, registry_says(Found(proof_of(QWEN)))) as runtime:
            assert (await runtime.status()).version == "0.32.15"
            artefact = await runtime.prove("qwen3:8b", context=4096)
            assert not artefact.already_here
            assert (artefact.digest, artefact.size_bytes) == (f"sha256:{QWEN.digest}", 5_225_376_219)
            assert artefact.warnings == ()
            assert not server.bodies("/api/pull")

            steps = await pull(runtime, artefact)
            assert steps[0].status == "pulling manifest"
            assert (
                PullProgress(
                    f"pulling {QWEN.layers[0].digest[7:19]}",
                    QWEN.layers[0].digest,
                    5_225_374_496,
                    5_225_374_496,
                )
                in steps
            )
            assert steps[-1].status == "success"

            loaded = await runtime.load(artefact, context=8192)
            assert (loaded.native_context, loaded.allocated_context) == (40_960, 8_192)
            assert loaded.thinks
            assert loaded.hello == "All good, thank you."
            assert loaded.artefact.parameters == 8_190_735_360
            assert loaded.artefact.licence == "Apache License"
            assert loaded.artefact.digest == artefact.digest
            assert loaded.artefact.already_here
            assert loaded.artefact.warnings == ()

            await runtime.unload("qwen3:8b")
            assert server.loaded == {}
        assert server.bodies("/api/chat")[0]["messages"][-1]["content"] == "Hello, testing."


async def test_a_local_model_is_proved_without_the_registry() -> None:
    with OllamaServer(local=here(QWEN)) as server:
        async with runtime_at(server) as runtime:
            artefact = await runtime.prove("qwen3:8b", context=4096)
    assert artefact.already_here
    assert artefact.digest == f"sha256:{QWEN.digest}"
    assert artefact.quantization == "Q4_K_M"
    assert artefact.parameters == 8_190_735_360
    assert artefact.licence == "Apache License"
    # 36 layers × 8 heads × (128 + 128) × 4,096 tokens × 2 bytes, and half a GB of overhead
    assert artefact.needed_memory_bytes == QWEN.size + 603_979_776 + 500_000_000


@pytest.mark.parametrize(
    "name", ["plain", "plain:latest", "PLAIN", "library/plain", "registry.ollama.ai/library/plain"]
)
async def test_every_spelling_of_a_local_name_finds_it(name: str) -> None:
    with OllamaServer(local=here(PLAIN)) as server:
        async with runtime_at(server) as runtime:
            assert (await runtime._local(name)) is not None


async def test_another_quantization_than_the_usual_is_a_warning_unless_it_was_asked_for() -> None:
    explicit = StandInModel(name="plain:8b-q4_0", quantization="Q4_0")
    with OllamaServer(local=here(PLAIN, explicit)) as server:
        async with runtime_at(server) as runtime:
            default = await runtime.prove("plain", context=4096)
            asked_for = await runtime.prove("plain:8b-q4_0", context=4096)
    assert default.warnings == (
        "plain is Q4_0, not Q4_K_M, which most comparisons assume.",
        "plain was trained for 2,048 tokens of context; 4,096 are wanted.",
    )
    assert asked_for.warnings == ()


async def test_a_hub_name_is_let_through_with_a_warning() -> None:
    with OllamaServer() as server:
        async with runtime_at(server, registry_says(Empty())) as runtime:
            artefact = await runtime.prove("hf.co/Qwen/Qwen3-8B-GGUF:Q5_K_M", context=4096)
    assert (artefact.digest, artefact.size_bytes, artefact.quantization) == (None, None, "Q5_K_M")
    assert artefact.source_url == "https://huggingface.co/Qwen/Qwen3-8B-GGUF"
    assert "not known before it is pulled" in artefact.warnings[0]


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (Empty("the tag does not exist"), RuntimeFaultKind.NOT_FOUND),
        (Blocked(BlockReason.RATE_LIMIT, "slow down", 9.0), RuntimeFaultKind.BUSY),
        (Blocked(BlockReason.FORBIDDEN), RuntimeFaultKind.REJECTED),
        (Failed(FailReason.UNREACHABLE, "no route"), RuntimeFaultKind.UNREACHABLE),
        (Failed(FailReason.TIMEOUT), RuntimeFaultKind.TIMEOUT),
        (Failed(FailReason.BAD_REPLY), RuntimeFaultKind.BAD_REPLY),
    ],
)
async def test_each_answer_of_the_registry_has_its_kind(
    outcome: Outcome[Any], kind: RuntimeFaultKind
) -> None:
    with OllamaServer() as server:
        async with runtime_at(server, registry_says(outcome)) as runtime:
            with pytest.raises(RuntimeFault) as caught:
                await runtime.prove("qwen3:8b", context=4096)
    assert caught.value.kind is kind
    assert "qwen3:8b" in caught.value.sentence
    assert caught.value.retry_after_seconds == (9.0 if kind is RuntimeFaultKind.BUSY else None)


async def test_without_a_registry_an_unknown_model_is_not_found() -> None:
    with OllamaServer() as server:
        async with runtime_at(server) as runtime:
            with pytest.raises(RuntimeFault) as caught:
                await runtime.prove("qwen3:8b", context=4096)
    assert caught.value.kind is RuntimeFaultKind.NOT_FOUND


async def test_an_unknown_tag_is_not_found_though_the_status_is_200() -> None:
    with OllamaServer(registry={}) as server:
        async with runtime_at(server) as runtime:
            with pytest.raises(RuntimeFault) as caught:
                await pull(runtime, wanted())
    assert caught.value.kind is RuntimeFaultKind.NOT_FOUND
    assert "file does not exist" in caught.value.sentence


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ("cut", RuntimeFaultKind.INTERRUPTED, "broke off"),
        ("no success", RuntimeFaultKind.INTERRUPTED, "broke off"),
        ("error mid-stream", RuntimeFaultKind.SERVER_ERROR, "max retries exceeded"),
        ("disk full", RuntimeFaultKind.DISK_FULL, "no space left"),
        ("digest mismatch", RuntimeFaultKind.DIGEST_MISMATCH, "digest mismatch"),
    ],
)
async def test_each_fault_of_a_pull_has_its_kind(fault: Any, kind: RuntimeFaultKind, words: str) -> None:
    with OllamaServer(pull_fault=fault) as server:
        async with runtime_at(server) as runtime:
            with pytest.raises(RuntimeFault) as caught:
                await pull(runtime, wanted())
            assert caught.value.kind is kind
            assert words in caught.value.sentence
            assert server.local == {}

            server.pull_fault = None
            steps = await pull(runtime, wanted())
    assert steps[-1].status == "success"
    resumed = [step for step in steps if step.digest == QWEN.layers[0].digest]
    assert len(resumed) == 1, "the first layer was here already"


async def test_a_tag_that_moved_since_approval_is_a_mismatch() -> None:
    moved = StandInModel(layers=(layer("other weights", 4_920_736_320),))
    with OllamaServer(registry={"qwen3:8b": moved}) as server:
        async with runtime_at(server) as runtime:
            with pytest.raises(RuntimeFault) as caught:
                await pull(runtime, wanted(QWEN))
            assert caught.value.kind is RuntimeFaultKind.DIGEST_MISMATCH
            assert "the tag has moved since" in caught.value.sentence
            with pytest.raises(RuntimeFault) as caught:
                await runtime.load(wanted(QWEN), context=4096)
            assert caught.value.kind is RuntimeFaultKind.DIGEST_MISMATCH


async def test_a_pull_that_is_left_early_lets_go_of_the_connection() -> None:
    with OllamaServer(pull_fault="silent") as server:
        async with runtime_at(server) as runtime:
            steps = cast("Any", runtime.pull(wanted()))
            assert (await anext(steps)).status == "pulling manifest"
            await steps.aclose()
            assert server.local == {}


async def test_a_pulled_hub_model_without_a_proved_digest_is_accepted() -> None:
    hub = StandInModel(name="hf.co/Qwen/Qwen3-8B-GGUF:Q4_K_M")
    with OllamaServer(registry=here(hub)) as server:
        async with runtime_at(server) as runtime:
            artefact = await runtime.prove(hub.name, context=4096)
            assert (await pull(runtime, artefact))[-1].status == "success"
            loaded = await runtime.load(artefact, context=4096)
    assert loaded.artefact.digest == f"sha256:{hub.digest}"


async def test_what_was_allocated_is_read_back() -> None:
    with OllamaServer(local=here(QWEN), largest_context=2048) as server:
        async with runtime_at(server) as runtime:
            loaded = await runtime.load(wanted(), context=4096)
    assert loaded.allocated_context == 2048
    assert "qwen3:8b was given 2,048 tokens of context; 4,096 were wanted." in loaded.artefact.warnings


async def test_the_request_says_everything_and_forbids_truncation() -> None:
    schema = {"type": "object", "properties": {"v": {"enum": ["YES", "NO"]}}}
    request = asking(
        context=2048, max_tokens=99, temperature=0.1, top_p=0.5, seed=3, thinking=False, json_schema=schema
    )
    with OllamaServer(local=here(QWEN), thinking=lambda _: "never seen") as server:
        async with runtime_at(server) as runtime:
            reply = await runtime.chat("qwen3:8b", request)
        (body,) = server.bodies("/api/chat")
    options = {"num_ctx": 2048, "num_predict": 99, "temperature": 0.1, "top_p": 0.5, "seed": 3}
    assert body["options"] == options
    assert (body["truncate"], body["think"], body["format"]) == (False, False, schema)
    assert reply.thinking is None


async def test_thinking_is_separated_and_counted() -> None:
    with OllamaServer(
        local=here(QWEN), thinking=lambda _: "Let me see.", reply=lambda _: "\n\nYes."
    ) as server:
        async with runtime_at(server) as runtime:
            reply = await runtime.chat("qwen3:8b", asking())
        assert "think" not in server.bodies("/api/chat")[0]
    assert (reply.text, reply.thinking) == ("Yes.", "Let me see.")
    assert reply.finish_reason == "stop"
    assert (reply.prompt_tokens, reply.completion_tokens) == (11, 4)
    assert reply.first_token_seconds is not None
    assert 0 < reply.first_token_seconds <= reply.seconds


async def test_thinking_is_not_switched_off_where_there_is_none() -> None:
    with OllamaServer(local=here(PLAIN), reply=lambda _: "<think>hm</think>Yes.") as server:
        async with runtime_at(server) as runtime:
            reply = await runtime.chat("plain", asking(thinking=False))
        assert "think" not in server.bodies("/api/chat")[0]
    assert (reply.text, reply.thinking) == ("Yes.", "hm")


async def test_a_limit_is_a_finish_reason() -> None:
    with OllamaServer(local=here(QWEN)) as server:
        async with runtime_at(server) as runtime:
            reply = await runtime.chat("qwen3:8b", asking(max_tokens=2))
    assert (reply.text, reply.finish_reason, reply.completion_tokens) == ("All good,", "length", 2)


async def test_odd_line_separators_inside_of_an_answer_break_nothing() -> None:
    answer = "One\u2028two\u0085three\x0bfour"
    with OllamaServer(local=here(QWEN), reply=lambda _: answer) as server:
        async with runtime_at(server) as runtime:
            assert (await runtime.chat("qwen3:8b", asking())).text == answer


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ("busy", RuntimeFaultKind.BUSY, "maximum pending requests"),
        ("crash", RuntimeFaultKind.SERVER_ERROR, "no longer running"),
        ("out of memory", RuntimeFaultKind.OUT_OF_MEMORY, "cudaMalloc failed"),
        ("cut", RuntimeFaultKind.INTERRUPTED, "broke off"),
        ("error mid-stream", RuntimeFaultKind.SERVER_ERROR, "an error was encountered"),
        ("out of memory mid-stream", RuntimeFaultKind.OUT_OF_MEMORY, "failed to allocate"),
        ("html", RuntimeFaultKind.BAD_REPLY, "a web page instead of JSON"),
        ("proxy", RuntimeFaultKind.SERVER_ERROR, "(502)"),
    ],
)
async def test_each_fault_of_a_chat_has_its_kind(fault: Any, kind: RuntimeFaultKind, words: str) -> None:
    with OllamaServer(local=here(QWEN), chat_fault=fault) as server:
        found = await chat_fault(server)
    assert found.kind is kind
    assert words in found.sentence
    assert "<html" not in found.sentence


async def test_a_silent_server_is_a_timeout() -> None:
    with OllamaServer(local=here(QWEN), chat_fault="silent") as server:
        fault = await chat_fault(server, asking(timeout_seconds=0.2))
    assert fault.kind is RuntimeFaultKind.TIMEOUT


async def test_a_cancelled_chat_is_cancelled() -> None:
    with OllamaServer(local=here(QWEN), chat_fault="silent") as server:
        async with runtime_at(server) as runtime:
            call = asyncio.create_task(runtime.chat("qwen3:8b", asking()))
            assert await asyncio.to_thread(server.first_asked.wait, PATIENCE)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call


async def test_a_message_longer_than_the_context_is_refused_in_plain_words() -> None:
    with OllamaServer(local=here(QWEN)) as server:
        fault = await chat_fault(server, asking("word " * 3_000, context=1024))
    assert fault.kind is RuntimeFaultKind.REFUSED
    assert "request (3008 tokens) exceeds the available context size (1024 tokens)" in fault.sentence
    assert "{" not in fault.sentence
    assert "longer context" in fault.next_step


async def test_a_model_that_is_not_here_is_not_found() -> None:
    with OllamaServer() as server:
        fault = await chat_fault(server)
        assert fault.kind is RuntimeFaultKind.NOT_FOUND
        assert fault.next_step == "Pull it: ollama pull qwen3:8b"
        async with runtime_at(server) as runtime:
            with pytest.raises(RuntimeFault) as caught:
                await runtime.load(wanted(), context=4096)
            assert caught.value.kind is RuntimeFaultKind.NOT_FOUND
            await runtime.unload("qwen3:8b")


async def test_an_unknown_host_name_is_refused_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.standins.ollama_server._LOCAL_HOSTS", ("elsewhere",))
    with OllamaServer(local=here(QWEN)) as server:
        fault = await chat_fault(server)
        async with runtime_at(server) as runtime:
            assert not (await runtime.status()).available
    assert fault.kind is RuntimeFaultKind.REJECTED
    assert "OLLAMA_HOST" in fault.next_step


async def test_nobody_there_is_unreachable() -> None:
    with OllamaServer() as server:
        port = server.port
    runtime = OllamaRuntime(f"127.0.0.1:{port}")
    assert not (await runtime.status()).available
    for call in (runtime.prove("qwen3:8b", context=4096), runtime.chat("qwen3:8b", asking())):
        with pytest.raises(RuntimeFault) as caught:
            await call
        assert caught.value.kind is RuntimeFaultKind.UNREACHABLE
        assert "ollama serve" in caught.value.next_step
    await runtime.aclose()


async def test_another_server_at_the_address_is_noticed() -> None:
    with OpenAIServer() as server:
        runtime = OllamaRuntime(server.url)
        status = await runtime.status()
        assert not status.available
        with pytest.raises(RuntimeFault) as caught:
            await runtime.prove("qwen3:8b", context=4096)
        assert caught.value.kind is RuntimeFaultKind.BAD_REPLY
        await runtime.aclose()


@pytest.mark.parametrize("name", ["", " ", "a b", "x\ny", "-rf", "ü", "a" * 300])
async def test_a_name_that_is_none_is_wrong_use(name: str) -> None:
    runtime = OllamaRuntime("127.0.0.1:1")
    with pytest.raises(WrongUse):
        await runtime.prove(name, context=4096)
    await runtime.aclose()


async def test_the_stand_in_answers_without_a_stream_too() -> None:
    import httpx

    with OllamaServer(local=here(QWEN)) as server:
        async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
            body = {"model": "qwen3:8b", "stream": False, "messages": [{"role": "user", "content": "hi"}]}
            whole = (await client.post("/api/chat", json=body)).json()
            unknown = await client.post("/api/pull", json={"model": "nope", "stream": False})
            bad = await client.post("/api/chat", json={**body, "format": "xml"})
            gone = await client.request("DELETE", "/api/delete", content=json.dumps({"model": "qwen3:8b"}))
    assert (whole["message"]["content"], whole["done_reason"]) == ("All good, thank you.", "stop")
    assert (unknown.status_code, unknown.json()) == (
        500,
        {"error": "pull model manifest: file does not exist"},
    )
    assert bad.status_code == 500
    assert (gone.status_code, server.local) == (200, {})


@pytest.mark.parametrize(
    ("said", "text", "thinking"),
    [
        ("<think>hm</think>Yes.", "Yes.", "hm"),
        ("<think>hm", "", "hm"),
        ("hm</think>Yes.", "Yes.", "hm"),
    ],
)
async def test_thoughts_closed_unclosed_and_begun_in_the_template_are_separated(
    said: str, text: str, thinking: str
) -> None:
    with OllamaServer(local=here(PLAIN), reply=lambda _: said) as server:
        async with runtime_at(server) as runtime:
            reply = await runtime.chat("plain", asking())
    assert (reply.text, reply.thinking) == (text, thinking)


async def test_cached_tokens_are_told_by_servers_that_know_them() -> None:
    with OllamaServer(local=here(QWEN)) as server:
        async with runtime_at(server) as runtime:
            assert (await runtime.chat("qwen3:8b", asking())).cached_tokens is None
    with OllamaServer(local=here(QWEN), cached_tokens=7) as server:
        async with runtime_at(server) as runtime:
            reply = await runtime.chat("qwen3:8b", asking())
    assert (reply.prompt_tokens, reply.cached_tokens) == (11, 7)


@pytest.mark.parametrize(
    ("field", "words", "wish"),
    [
        ("think", 'think value "false" is not supported for this model', "thinking"),
        (
            "format",
            "json: cannot unmarshal object into Go struct field ChatRequest.format of type string",
            "json_schema",
        ),
    ],
)
async def test_a_refused_wish_is_left_out_from_then_on_and_told(field: str, words: str, wish: str) -> None:
    with OllamaServer(local=here(QWEN), refuses={field: words}) as server:
        async with runtime_at(server) as runtime:
            request = asking(thinking=False, json_schema={"type": "object"})
            assert (await runtime.chat("qwen3:8b", request)).left_out == (wish,)
            assert (await runtime.chat("qwen3:8b", request)).left_out == (wish,)
            assert (await runtime.chat("qwen3:8b", asking())).left_out == ()
        sent = [body.get(field) for body in server.bodies("/api/chat")]
    wanted = False if field == "think" else {"type": "object"}
    instead = None if field == "think" else "json"
    assert sent == [wanted, instead, instead, None]


async def test_connections_are_kept() -> None:
    ports: set[int] = set()

    class Watched(OllamaServer):
        def answer(self, exchange: Exchange, asked: Asked) -> None:
            if asked.path == "/api/chat":
                ports.add(exchange.client_address[1])
            super().answer(exchange, asked)

    with Watched(local=here(QWEN)) as server:
        server._server.socket.listen(64)  # twenty clients come at once
        async with runtime_at(server) as runtime:
            for _ in range(3):
                await runtime.chat("qwen3:8b", asking())
            assert len(ports) == 1
            await asyncio.gather(*(runtime.chat("qwen3:8b", asking()) for _ in range(20)))
    assert len(ports) <= 20
