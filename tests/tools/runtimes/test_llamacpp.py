from __future__ import annotations

import asyncio
import errno
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from tests.standins.hub_files import COMMIT, HubFiles
from tests.standins.patience import PATIENCE
from tests.standins.tiny_gguf import LICENCE, write_tiny_gguf
from tools.faults import WrongUse
from tools.runtimes.base import (
    Artefact,
    ChatReply,
    ChatRequest,
    Message,
    PullProgress,
    RuntimeFault,
    RuntimeFaultKind,
    RuntimeName,
)
from tools.runtimes.files import storage_fault
from tools.runtimes.gguf_names import HubFile, parse_gguf_name
from tools.runtimes.hub_files import ProvedFile
from tools.runtimes.llamacpp import LlamaCppRuntime
from tools.runtimes.llamacpp_process import EmbeddedServer, Order

NAME = "somebody/tiny-GGUF/tiny.gguf"
SCHEMA = {
    "type": "object",
    "properties": {"verdict": {"enum": ["YES", "NO"]}, "reason": {"type": "string", "maxLength": 80}},
    "required": ["verdict", "reason"],
    "additionalProperties": False,
}


def asking(text: str = "How are you?", **changes: Any) -> ChatRequest:
    return ChatRequest(messages=(Message(role="user", content=text),), **{"context": 1024, **changes})


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture(scope="module")
def thinker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_gguf(tmp_path_factory.mktemp("gguf") / "thinker.gguf", thinking=True)


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[LlamaCppRuntime]:
    runtime = LlamaCppRuntime(tmp_path / "models", hub_endpoint="http://127.0.0.1:1", threads=1)
    yield runtime
    await runtime.aclose()


@asynccontextmanager
async def hub_runtime(
    server: HubFiles, models: Path, token: str | None = None
) -> AsyncIterator[LlamaCppRuntime]:
    runtime = LlamaCppRuntime(models, hub_endpoint=server.url, token=token, threads=1)
    try:
        yield runtime
    finally:
        await runtime.aclose()


async def pull(runtime: LlamaCppRuntime, artefact: Artefact) -> list[PullProgress]:
    return [step async for step in runtime.pull(artefact)]


async def fault_of(call: Any) -> RuntimeFault:
    with pytest.raises(RuntimeFault) as caught:
        await call
    assert caught.value.sentence.endswith(".")
    assert caught.value.next_step
    return caught.value


def watch_questions(runtime: LlamaCppRuntime, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """An event for the moment in which a question goes to the running server."""
    asked = asyncio.Event()
    assert runtime._running is not None
    ask = runtime._running.client._ask

    async def watched(model: str, body: dict[str, Any], unheard: tuple[str, ...]) -> ChatReply:
        asked.set()
        return await ask(model, body, unheard)

    monkeypatch.setattr(runtime._running.client, "_ask", watched)
    return asked


def artefact_of(model: Path) -> Artefact:
    return Artefact(
        runtime=RuntimeName.LLAMACPP, name=str(model), digest=None, size_bytes=None, quantization=None
    )


async def test_a_local_file_is_proved_loaded_and_answers(runtime: LlamaCppRuntime, tiny: Path) -> None:
    assert (await runtime.status()).available
    artefact = await runtime.prove(str(tiny), context=1024)
    assert artefact.already_here
    assert (artefact.size_bytes, artefact.quantization) == (tiny.stat().st_size, "F32")
    assert (artefact.parameters, artefact.licence) == (133_568, LICENCE)
    # 2 layers × 2 heads × (16 + 16) × 1,024 tokens × 2 bytes, and half a GB of overhead
    assert artefact.needed_memory_bytes == tiny.stat().st_size + 262_144 + 500_000_000
    assert [step.status for step in await pull(runtime, artefact)] == ["already here"]

    loaded = await runtime.load(artefact, context=1024)
    assert (loaded.native_context, loaded.allocated_context) == (4096, 1024)
    assert loaded.hello
    assert loaded.template is not None
    assert not loaded.thinks
    assert loaded.artefact == artefact

    await runtime.unload(str(tiny))
    await runtime.unload(str(tiny))


async def test_real_answers_are_reproducible_and_obey_a_schema(runtime: LlamaCppRuntime, tiny: Path) -> None:
    first = await runtime.chat(str(tiny), asking(seed=1, max_tokens=60))
    other = await runtime.chat(str(tiny), asking(seed=2, max_tokens=60))
    again = await runtime.chat(str(tiny), asking(seed=1, max_tokens=60))
    assert first.text == again.text != other.text
    assert first.text.isascii()
    assert first.prompt_tokens is not None
    assert first.completion_tokens is not None
    assert first.first_token_seconds is not None
    assert 0 < first.first_token_seconds <= first.seconds
    for seed in range(3):
        reply = await runtime.chat(str(tiny), asking(seed=seed, max_tokens=400, json_schema=SCHEMA))
        verdict = json.loads(reply.text)
        assert verdict["verdict"] in {"YES", "NO"}
        assert set(verdict) == {"verdict", "reason"}
    short = await runtime.chat(str(tiny), asking(max_tokens=3))
    assert (short.finish_reason, short.completion_tokens) == ("length", 3)


async def test_a_model_that_can_think_is_known_and_can_be_stopped(
    runtime: LlamaCppRuntime, thinker: Path
) -> None:
    loaded = await runtime.load(artefact_of(thinker), context=1024)
    assert loaded.thinks
    silent = await runtime.chat(str(thinker), asking(thinking=False, max_tokens=30))
    plain = await runtime.chat(str(thinker), asking(thinking=None, max_tokens=30))
    assert silent.thinking is None
    assert silent.prompt_tokens is not None
    assert plain.prompt_tokens is not None
    assert silent.prompt_tokens > plain.prompt_tokens, "the template closed the thoughts in advance"


@pytest.mark.parametrize(
    ("said", "text", "thinking"),
    [
        ("<think>hm</think>Yes.", "Yes.", "hm"),
        ("<think>hm", "", "hm"),
        ("hm</think>Yes.", "Yes.", "hm"),
    ],
)
async def test_thoughts_closed_unclosed_and_begun_in_the_template_are_separated(
    runtime: LlamaCppRuntime, tiny: Path, said: str, text: str, thinking: str
) -> None:
    # The schema makes the real model spell a constant, in the quotes of JSON.
    reply = await runtime.chat(str(tiny), asking(json_schema={"const": said}, max_tokens=100))
    assert reply.thinking is not None
    assert reply.text.replace('"', "").strip() == text
    assert reply.thinking.replace('"', "").strip() == thinking


async def test_a_kept_prefix_is_not_evaluated_again_and_is_kept_on_wish_alone(
    tmp_path: Path, tiny: Path
) -> None:
    evaluated = {}
    for keeps in (True, False):
        runtime = LlamaCppRuntime(tmp_path, threads=1, cache_prompt=keeps)
        try:
            replies = [await runtime.chat(str(tiny), asking("x" * 300 + end, max_tokens=3)) for end in "ab"]
        finally:
            await runtime.aclose()
        sent, cached = [r.prompt_tokens or 0 for r in replies], [r.cached_tokens for r in replies]
        assert min(sent) > 300
        assert cached[0] == 0
        assert None not in cached
        evaluated[keeps] = sent[1] - (cached[1] or 0)
        assert replies[0].first_token_seconds is not None
    assert evaluated[True] < 30
    assert evaluated[False] > 300


async def test_more_context_than_the_model_has_is_read_back(runtime: LlamaCppRuntime, tiny: Path) -> None:
    artefact = await runtime.prove(str(tiny), context=9_000)
    loaded = await runtime.load(artefact, context=9_000)
    assert loaded.allocated_context == 4096
    assert f"{tiny} was given 4,096 tokens of context; 9,000 were wanted." in loaded.artefact.warnings
    assert f"{tiny} was trained for 4,096 tokens of context; 9,000 are wanted." in artefact.warnings


async def test_a_message_longer_than_the_context_is_refused(runtime: LlamaCppRuntime, tiny: Path) -> None:
    fault = await fault_of(runtime.chat(str(tiny), asking("x" * 3_000)))
    assert fault.kind is RuntimeFaultKind.REFUSED
    assert "exceeds the available context size (1024 tokens)" in fault.sentence
    longer = await runtime.chat(str(tiny), asking("x" * 3_000, context=4096, max_tokens=5))
    assert longer.prompt_tokens is not None
    assert longer.prompt_tokens > 3_000


async def test_a_schema_that_is_none_is_refused(runtime: LlamaCppRuntime, tiny: Path) -> None:
    fault = await fault_of(runtime.chat(str(tiny), asking(json_schema={"type": "banana"})))
    assert fault.kind is RuntimeFaultKind.REFUSED
    assert "banana" in fault.sentence


async def test_a_timeout_or_a_cancelled_call_leaves_a_server_that_answers(
    runtime: LlamaCppRuntime, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = asking(
        json_schema={"type": "array", "items": {"type": "integer"}, "minItems": 2_000}, max_tokens=900
    )
    await runtime.load(artefact_of(tiny), context=1024)
    fault = await fault_of(runtime.chat(str(tiny), endless.model_copy(update={"timeout_seconds": 0.001})))
    assert fault.kind is RuntimeFaultKind.TIMEOUT
    asked = watch_questions(runtime, monkeypatch)
    call = asyncio.create_task(runtime.chat(str(tiny), endless))
    await asked.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert (await runtime.chat(str(tiny), asking(max_tokens=5))).completion_tokens


async def test_calls_at_once_wait_for_each_other(runtime: LlamaCppRuntime, tiny: Path) -> None:
    replies = await asyncio.gather(
        *(runtime.chat(str(tiny), asking(seed=5, max_tokens=20)) for _ in range(4))
    )
    assert len({reply.text for reply in replies}) == 1


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize(
    ("sign", "kind"),
    [(signal.SIGKILL, RuntimeFaultKind.OUT_OF_MEMORY), (signal.SIGABRT, RuntimeFaultKind.SERVER_ERROR)],
)
async def test_a_native_crash_is_a_fault_and_the_next_call_starts_again(
    runtime: LlamaCppRuntime,
    tiny: Path,
    sign: signal.Signals,
    kind: RuntimeFaultKind,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await runtime.load(artefact_of(tiny), context=1024)
    running = runtime._running
    assert running is not None
    endless = asking(
        json_schema={"type": "array", "items": {"type": "integer"}, "minItems": 2_000}, max_tokens=900
    )
    os.kill(running.server._process.pid, signal.SIGSTOP)
    asked = watch_questions(runtime, monkeypatch)
    call = asyncio.create_task(runtime.chat(str(tiny), endless))
    await asked.wait()
    os.kill(running.server._process.pid, sign)
    os.kill(running.server._process.pid, signal.SIGCONT)
    fault = await fault_of(call)
    assert fault.kind is kind
    assert (await runtime.chat(str(tiny), asking(max_tokens=5))).completion_tokens


async def test_the_process_ends_with_the_runtime(tmp_path: Path, tiny: Path) -> None:
    runtime = LlamaCppRuntime(tmp_path, threads=1)
    await runtime.load(artefact_of(tiny), context=1024)
    running = runtime._running
    assert running is not None
    await runtime.aclose()
    assert not running.server.running


async def test_a_key_is_needed_to_talk_to_the_process(runtime: LlamaCppRuntime, tiny: Path) -> None:
    import httpx

    await runtime.load(artefact_of(tiny), context=1024)
    running = runtime._running
    assert running is not None
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(f"{running.server.address}/v1/models")).status_code == 401


@pytest.mark.parametrize("length", [300_000, 3_000, 100, 0])
async def test_a_cut_file_is_a_fault_before_native_code_sees_it(
    runtime: LlamaCppRuntime, tiny: Path, tmp_path: Path, length: int
) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(tiny.read_bytes()[:length])
    for call in (
        runtime.prove(str(cut), context=1024),
        runtime.load(artefact_of(cut), context=1024),
        runtime.chat(str(cut), asking()),
        pull(runtime, artefact_of(cut)),
    ):
        assert (await fault_of(call)).kind is RuntimeFaultKind.BAD_REPLY


async def test_a_file_that_only_llamacpp_finds_wrong_is_a_fault_with_its_words(
    runtime: LlamaCppRuntime, tiny: Path, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.gguf"
    wrong.write_bytes(tiny.read_bytes().replace(b"blk.1.attn_q.weight", b"blk.1.attn_z.weight"))
    fault = await fault_of(runtime.load(artefact_of(wrong), context=1024))
    assert fault.kind is RuntimeFaultKind.BAD_REPLY
    assert "attn_q" in fault.sentence or "attn_z" in fault.sentence


async def test_the_reason_of_a_failure_may_come_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """llama.cpp writes its log in a thread, which a busy machine keeps waiting."""
    (tmp_path / "xllamacpp.py").write_text(
        "import os, threading\n"
        "from unittest.mock import MagicMock as CommonParams\n"
        "def Server(params):\n"
        "    reason = b\"error loading model: missing tensor 'output'\\n\"\n"
        "    threading.Timer(0.3, os.write, (2, reason)).start()\n"
        "    raise RuntimeError('Failed to init server')\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    order = Order(tmp_path / "a.gguf", context=1024, threads=1, cache_prompt=False)
    fault = await fault_of(EmbeddedServer.start(order, seconds=PATIENCE))
    assert fault.kind is RuntimeFaultKind.BAD_REPLY
    assert "cannot load a.gguf: missing tensor 'output'" in fault.sentence


async def test_a_changed_file_is_not_what_was_approved(
    runtime: LlamaCppRuntime, tiny: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.gguf"
    copy.write_bytes(tiny.read_bytes())
    artefact = await runtime.prove(str(copy), context=1024)
    write_tiny_gguf(copy, seed=8)
    fault = await fault_of(runtime.load(artefact, context=1024))
    assert fault.kind is RuntimeFaultKind.DIGEST_MISMATCH


async def test_a_file_that_is_not_here_is_not_found(runtime: LlamaCppRuntime, tmp_path: Path) -> None:
    for call in (
        runtime.prove(str(tmp_path / "none.gguf"), context=1024),
        runtime.chat(NAME, asking()),
        runtime.load(artefact_of(Path(NAME)), context=1024),
    ):
        assert (await fault_of(call)).kind is RuntimeFaultKind.NOT_FOUND


async def test_the_journey_from_the_hub(tiny: Path, tmp_path: Path) -> None:
    with HubFiles(files={NAME: tiny.read_bytes()}) as server:
        async with hub_runtime(server, tmp_path) as runtime:
            artefact = await runtime.prove(NAME, context=1024)
            assert not artefact.already_here
            local = await runtime.prove(str(tiny), context=1024)
            assert (artefact.digest, artefact.size_bytes) == (local.digest, local.size_bytes)
            assert (artefact.quantization, artefact.licence) == ("F32", LICENCE)
            assert artefact.source_url == f"{server.url}/somebody/tiny-GGUF/resolve/{COMMIT}/tiny.gguf"
            assert artefact.warnings == ()
            assert not (tmp_path / "somebody").exists()

            steps = await pull(runtime, artefact)
            assert steps[0] == PullProgress("pulling tiny.gguf", artefact.digest, 0, artefact.size_bytes)
            assert [step.status for step in steps[-2:]] == ["verifying sha256 digest", "success"]
            stored = tmp_path / "somebody" / "tiny-GGUF"
            assert [entry.name for entry in stored.iterdir()] == ["tiny.gguf"]

            loaded = await runtime.load(artefact, context=1024)
            assert loaded.hello
            assert (await runtime.prove(NAME, context=1024)).already_here
            assert [step.status for step in await pull(runtime, artefact)] == ["already here", "success"]


async def test_a_broken_pull_resumes(tiny: Path, tmp_path: Path) -> None:
    content = tiny.read_bytes()
    with HubFiles(files={NAME: content}) as server:
        async with hub_runtime(server, tmp_path) as runtime:
            artefact = await runtime.prove(NAME, context=1024)
            server.fault = "cut"
            fault = await fault_of(pull(runtime, artefact))
            assert fault.kind is RuntimeFaultKind.INTERRUPTED
            stored = tmp_path / "somebody" / "tiny-GGUF"
            (part,) = stored.iterdir()
            arrived = part.stat().st_size
            assert part.suffix == ".part"
            assert 0 < arrived < len(content)

            server.fault = None
            steps = await pull(runtime, artefact)
            assert steps[0].completed_bytes == arrived
            assert server.content_requests[-1].headers["range"] == f"bytes={arrived}-"
            assert (stored / "tiny.gguf").read_bytes() == content
            assert [entry.name for entry in stored.iterdir()] == ["tiny.gguf"]


async def test_a_cancelled_pull_resumes_and_leaves_nothing_under_the_name(tiny: Path, tmp_path: Path) -> None:
    with HubFiles(files={NAME: tiny.read_bytes()}) as server:
        async with hub_runtime(server, tmp_path) as runtime:
            artefact = await runtime.prove(NAME, context=1024)
            steps = cast("Any", runtime.pull(artefact))
            await anext(steps)
            await steps.aclose()
            stored = tmp_path / "somebody" / "tiny-GGUF"
            assert all(entry.suffix == ".part" for entry in stored.iterdir())
            assert (await pull(runtime, artefact))[-1].status == "success"


async def test_a_server_without_ranges_sends_everything_again(tiny: Path, tmp_path: Path) -> None:
    with HubFiles(files={NAME: tiny.read_bytes()}, fault="cut") as server:
        async with hub_runtime(server, tmp_path) as runtime:
            artefact = await runtime.prove(NAME, context=1024)
            await fault_of(pull(runtime, artefact))
            server.fault = "no ranges"
            steps = await pull(runtime, artefact)
    assert steps[0].completed_bytes == 0
    assert steps[-1].status == "success"


@pytest.mark.parametrize(
    ("fault", "kind", "keeps_part"),
    [
        ("wrong bytes", RuntimeFaultKind.DIGEST_MISMATCH, False),
        ("too long", RuntimeFaultKind.DIGEST_MISMATCH, False),
        ("too short", RuntimeFaultKind.INTERRUPTED, True),
        ("busy", RuntimeFaultKind.BUSY, True),
        ("crash", RuntimeFaultKind.SERVER_ERROR, True),
    ],
)
async def test_each_fault_of_a_pull_has_its_kind(
    tiny: Path, tmp_path: Path, fault: Any, kind: RuntimeFaultKind, keeps_part: bool
) -> None:
    with HubFiles(files={NAME: tiny.read_bytes()}) as server:
        async with hub_runtime(server, tmp_path) as runtime:
            artefact = await runtime.prove(NAME, context=1024)
            server.fault = fault
            found = await fault_of(pull(runtime, artefact))
            assert found.kind is kind
            assert found.retry_after_seconds == (55 if fault == "busy" else None)
            stored = [entry.suffix for entry in (tmp_path / "somebody" / "tiny-GGUF").iterdir()]
            assert stored == ([".part"] if keeps_part else [])
            server.fault = None
            assert (await pull(runtime, artefact))[-1].status == "success"


async def test_a_range_that_was_not_asked_for_is_refused(tiny: Path, tmp_path: Path) -> None:
    with HubFiles(files={NAME: tiny.read_bytes()}, fault="cut") as server:
        async with hub_runtime(server, tmp_path) as runtime:
            artefact = await runtime.prove(NAME, context=1024)
            await fault_of(pull(runtime, artefact))
            server.fault = "wrong range"
            assert (await fault_of(pull(runtime, artefact))).kind is RuntimeFaultKind.BAD_REPLY


async def test_two_pulls_at_once_are_one_too_many(tiny: Path, tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    with HubFiles(files={NAME: tiny.read_bytes()}) as server:
        async with hub_runtime(server, tmp_path) as runtime:
            artefact = await runtime.prove(NAME, context=1024)
            first = cast("Any", runtime.pull(artefact))
            await anext(first)
            assert (await fault_of(pull(runtime, artefact))).kind is RuntimeFaultKind.BUSY
            assert [step.status async for step in first][-1] == "success"


async def test_the_pull_stays_at_the_approved_commit(tiny: Path, tmp_path: Path) -> None:
    with HubFiles(files={NAME: tiny.read_bytes()}) as server:
        async with hub_runtime(server, tmp_path) as runtime:
            artefact = await runtime.prove(NAME, context=1024)
            server.files[NAME] = tiny.read_bytes() + b"changed"
            fault = await fault_of(pull(runtime, artefact))
            assert fault.kind is RuntimeFaultKind.DIGEST_MISMATCH
            server.commit = "f" * 40
            assert (await fault_of(pull(runtime, artefact))).kind is RuntimeFaultKind.NOT_FOUND


async def test_a_gated_repository_opens_with_a_token_that_the_cdn_never_sees(
    tiny: Path, tmp_path: Path
) -> None:
    token = "hf_secret_0123456789"
    with HubFiles(files={NAME: tiny.read_bytes()}, gated=True, token=token) as server:
        for wrong in (None, "hf_wrong"):
            async with hub_runtime(server, tmp_path, wrong) as runtime:
                fault = await fault_of(runtime.prove(NAME, context=1024))
                assert fault.kind is RuntimeFaultKind.REJECTED
                assert "https://huggingface.co/somebody/tiny-GGUF" in fault.next_step
                assert "HF_TOKEN" in fault.next_step
        async with hub_runtime(server, tmp_path, token) as runtime:
            artefact = await runtime.prove(NAME, context=1024)
            assert (await pull(runtime, artefact))[-1].status == "success"
            assert token not in f"{runtime!r} {artefact!r}"
        assert all("authorization" not in asked.headers for asked in server.content_requests)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nobody/nothing/tiny.gguf", "no such repository"),
        ("somebody/tiny-GGUF/other.gguf", "no such file"),
        (f"{NAME}@old", "no such revision"),
    ],
)
async def test_what_the_hub_does_not_have_is_not_found(
    tiny: Path, tmp_path: Path, name: str, words: str
) -> None:
    with HubFiles(files={NAME: tiny.read_bytes()}) as server:
        async with hub_runtime(server, tmp_path) as runtime:
            fault = await fault_of(runtime.prove(name, context=1024))
    assert fault.kind is RuntimeFaultKind.NOT_FOUND
    assert words in fault.sentence


async def test_another_kind_of_file_is_refused_before_it_is_pulled(tmp_path: Path) -> None:
    with HubFiles(files={NAME: b"<html>not a model</html>" * 100}) as server:
        async with hub_runtime(server, tmp_path) as runtime:
            fault = await fault_of(runtime.prove(NAME, context=1024))
    assert fault.kind is RuntimeFaultKind.BAD_REPLY
    assert "does not begin with the letters GGUF" in fault.sentence


async def test_a_header_that_cannot_be_read_is_a_warning(tiny: Path, tmp_path: Path) -> None:
    with HubFiles(files={NAME: tiny.read_bytes()}, fault="crash") as server:
        async with hub_runtime(server, tmp_path) as runtime:
            artefact = await runtime.prove(NAME, context=1024)
    assert artefact.quantization is None
    assert "could not be read before pulling it" in artefact.warnings[0]


async def test_a_server_that_is_no_hub_is_noticed(tiny: Path, tmp_path: Path) -> None:
    with HubFiles(files={NAME: tiny.read_bytes()}, metadata=False) as server:
        async with hub_runtime(server, tmp_path) as runtime:
            assert (await fault_of(runtime.prove(NAME, context=1024))).kind is RuntimeFaultKind.BAD_REPLY


async def test_a_file_that_nothing_is_known_of_is_here_when_it_can_be_used(
    tiny: Path, runtime: LlamaCppRuntime, tmp_path: Path
) -> None:
    proved = ProvedFile(HubFile("somebody/tiny-GGUF", "tiny.gguf", COMMIT), "", None, None)
    stored = proved.file.place_in(tmp_path / "models")
    assert not await runtime._is_here(proved)
    stored.parent.mkdir(parents=True)
    for content in (b"", b"<html>", tiny.read_bytes()[:-100_000], tiny.read_bytes()):
        stored.write_bytes(content)
        assert await runtime._is_here(proved) == (content == tiny.read_bytes())
    assert await runtime._is_here(proved._replace(size_bytes=tiny.stat().st_size))


async def test_no_hub_is_unreachable(runtime: LlamaCppRuntime) -> None:
    assert (await fault_of(runtime.prove(NAME, context=1024))).kind is RuntimeFaultKind.UNREACHABLE


async def test_a_full_disk_is_a_fault_and_a_second_pull_resumes(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with HubFiles(files={NAME: tiny.read_bytes()}) as server:
        async with hub_runtime(server, tmp_path) as runtime:
            artefact = await runtime.prove(NAME, context=1024)
            with monkeypatch.context() as patched:
                patched.setattr("tools.runtimes.hub_files._Growing._write", full)
                fault = await fault_of(pull(runtime, artefact))
            assert fault.kind is RuntimeFaultKind.DISK_FULL
            stored = tmp_path / "somebody" / "tiny-GGUF"
            assert [entry.suffix for entry in stored.iterdir()] == [".part"]
            assert (await pull(runtime, artefact))[-1].status == "success"


def test_storage_faults_tell_a_full_disk_from_other_trouble() -> None:
    assert (
        storage_fault(OSError(errno.ENOSPC, "No space"), Path("/m/x.gguf")).kind is RuntimeFaultKind.DISK_FULL
    )
    denied = storage_fault(PermissionError(errno.EACCES, "Permission denied"), Path("/m/x.gguf"))
    assert denied.kind is RuntimeFaultKind.REJECTED
    assert "Permission denied" in denied.sentence


def test_names_are_paths_or_files_on_the_hub(tiny: Path) -> None:
    assert parse_gguf_name(str(tiny)) == tiny
    assert parse_gguf_name("./none.gguf") == Path("none.gguf")
    assert parse_gguf_name("a/b/c.gguf") == HubFile("a/b", "c.gguf", "main")
    assert parse_gguf_name("a/b/sub/c.GGUF@refs/pr/3") == HubFile("a/b", "sub/c.GGUF", "refs/pr/3")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "qwen3:8b",
        "a/b",
        "a/c.gguf",
        "a/b/c.safetensors",
        "a/b/../../c.gguf",
        "a/b/..%2f/..\\c.gguf",
        "a/b/c\nd.gguf",
        "a/b/c.gguf@../x",
        "a/b/c-00001-of-00003.gguf",
        "/models/c-00001-of-00003.gguf",
    ],
)
def test_names_that_are_neither_are_wrong_use(name: str) -> None:
    with pytest.raises(WrongUse):
        parse_gguf_name(name)
