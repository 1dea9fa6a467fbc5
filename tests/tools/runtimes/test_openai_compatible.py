from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import pytest

from tests.standins.loopback import Asked, Exchange
from tests.standins.openai_server import OpenAIServer
from tests.standins.patience import PATIENCE
from tools.faults import WrongUse
from tools.runtimes.base import (
    Artefact,
    ChatRequest,
    Message,
    RuntimeFault,
    RuntimeFaultKind,
    RuntimeName,
)
from tools.runtimes.openai_compatible import OpenAICompatibleRuntime

KEY = "sk-very-secret-0123456789"
SCHEMA = {"type": "object", "properties": {"verdict": {"enum": ["YES", "NO"]}}, "required": ["verdict"]}


def asking(**changes: Any) -> ChatRequest:
    return ChatRequest(messages=(Message(role="user", content="How are you?"),), **changes)


@asynccontextmanager
async def runtime_at(server: OpenAIServer, key: str | None = None) -> AsyncIterator[OpenAICompatibleRuntime]:
    runtime = OpenAICompatibleRuntime(f"{server.url}/v1", key)
    try:
        yield runtime
    finally:
        await runtime.aclose()


async def fault_of(
    server: OpenAIServer, request: ChatRequest | None = None, model: str = "tiny"
) -> RuntimeFault:
    async with runtime_at(server, KEY) as runtime:
        with pytest.raises(RuntimeFault) as caught:
            await runtime.chat(model, request or asking())
    assert KEY not in f"{caught.value} {caught.value!r}"
    assert caught.value.sentence.endswith(".")
    assert caught.value.next_step
    return caught.value


async def test_the_whole_journey() -> None:
    with OpenAIServer(template="{% if enable_thinking %}<think>{% endif %}") as server:
        async with runtime_at(server) as runtime:
            status = await runtime.status()
            assert status.available
            assert status.version == "b1-test"
            artefact = await runtime.prove("tiny", context=4096)
            assert artefact.runtime is RuntimeName.OPENAI
            assert artefact.already_here
            assert (artefact.size_bytes, artefact.parameters) == (5_020_000_000, 8_190_735_360)
            assert artefact.quantization == "Q4_K_M"
            assert artefact.source_url == f"{server.url}/v1/models"
            assert [step.status async for step in runtime.pull(artefact)] == ["already served"]
            loaded = await runtime.load(artefact, context=4096)
            assert (loaded.native_context, loaded.allocated_context) == (8192, 4096)
            assert loaded.thinks
            assert loaded.hello == "All good."
            await runtime.unload("tiny")
        hello = server.bodies("/v1/chat/completions")[0]
        assert hello["messages"] == [{"role": "user", "content": "Hello, testing."}]


async def test_a_streamed_answer_arrives_whole_with_times_and_counts() -> None:
    answer = "Naïve\u2028lines\u0085and „quotes“ arrive whole."
    with OpenAIServer(reply=lambda _: answer, reasoning="Let me see.") as server:
        async with runtime_at(server) as runtime:
            reply = await runtime.chat("tiny", asking(max_tokens=99, temperature=0.1, top_p=0.5, seed=3))
    assert reply.text == answer
    assert reply.thinking == "Let me see."
    assert reply.finish_reason == "stop"
    assert (reply.prompt_tokens, reply.completion_tokens) == (11, 7)
    assert reply.first_token_seconds is not None
    assert 0 < reply.first_token_seconds <= reply.seconds
    (body,) = server.bodies("/v1/chat/completions")
    sent = {"max_tokens": 99, "temperature": 0.1, "top_p": 0.5, "seed": 3, "stream": True, "model": "tiny"}
    assert body.items() >= sent.items()
    assert "response_format" not in body
    assert "chat_template_kwargs" not in body


async def test_thoughts_in_the_text_are_separated() -> None:
    with OpenAIServer(reply=lambda _: "<think>hm</think>\n\nYes.") as server:
        async with runtime_at(server) as runtime:
            reply = await runtime.chat("tiny", asking())
    assert (reply.text, reply.thinking) == ("Yes.", "hm")


async def test_a_schema_and_the_thinking_switch_are_sent() -> None:
    with OpenAIServer() as server:
        async with runtime_at(server) as runtime:
            await runtime.chat("tiny", asking(json_schema=SCHEMA, thinking=False))
        (body,) = server.bodies("/v1/chat/completions")
    assert body["response_format"]["json_schema"]["schema"] == SCHEMA
    assert body["chat_template_kwargs"] == {"enable_thinking": False}


async def test_the_thinking_switch_is_not_sent_to_a_server_that_may_not_know_it() -> None:
    with OpenAIServer(owner="somebody", props=False) as server:
        async with runtime_at(server) as runtime:
            await runtime.chat("tiny", asking(thinking=False))
        (body,) = server.bodies("/v1/chat/completions")
    assert "chat_template_kwargs" not in body


async def test_a_refused_thinking_switch_is_left_out_from_then_on() -> None:
    with OpenAIServer(refuses=("chat_template_kwargs",), refusal="{field}: what is that?") as server:
        async with runtime_at(server) as runtime:
            assert (await runtime.chat("tiny", asking(thinking=False))).text == "All good."
            await runtime.chat("tiny", asking(thinking=False))
            assert runtime.left_out("tiny") == {"chat_template_kwargs"}
        with_switch = ["chat_template_kwargs" in body for body in server.bodies("/v1/chat/completions")]
    assert with_switch == [True, False, False]


async def test_settings_that_a_hosted_model_refuses_are_left_out_and_reported() -> None:
    refusal = "Unsupported parameter: '{field}'. Use 'max_completion_tokens' instead."
    refuses = ("max_tokens", "temperature", "stream_options")
    with OpenAIServer(refuses=refuses, refusal=refusal) as server:
        async with runtime_at(server) as runtime:
            assert (await runtime.chat("tiny", asking(max_tokens=77))).text == "All good."
            assert runtime.left_out("tiny") == set(refuses)
        assert server.bodies("/v1/chat/completions")[-1]["max_completion_tokens"] == 77


async def test_a_bad_value_is_not_left_out_but_explained() -> None:
    with OpenAIServer(refuses=("temperature",), refusal="{field} must be at most 2") as server:
        fault = await fault_of(server)
        assert fault.kind is RuntimeFaultKind.REFUSED
        assert "temperature must be at most 2" in fault.sentence
        assert len(server.bodies("/v1/chat/completions")) == 1


@pytest.mark.parametrize("fault", ["no done", None])
async def test_a_finish_reason_is_enough_to_believe_a_stream(fault: Any) -> None:
    with OpenAIServer(fault=fault) as server:
        async with runtime_at(server) as runtime:
            assert (await runtime.chat("tiny", asking())).text == "All good."


async def test_a_server_that_does_not_stream_is_understood() -> None:
    with OpenAIServer(streams=False, reasoning="hm") as server:
        async with runtime_at(server) as runtime:
            reply = await runtime.chat("tiny", asking())
    assert (reply.text, reply.thinking, reply.finish_reason) == ("All good.", "hm", "stop")


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ("cut", RuntimeFaultKind.INTERRUPTED, "broke off"),
        ("cut without finish", RuntimeFaultKind.INTERRUPTED, "broke off"),
        ("error mid-stream", RuntimeFaultKind.SERVER_ERROR, "slot was lost"),
        ("out of memory mid-stream", RuntimeFaultKind.OUT_OF_MEMORY, "cudaMalloc failed"),
        ("html", RuntimeFaultKind.BAD_REPLY, "a web page instead of JSON"),
        ("garbage", RuntimeFaultKind.BAD_REPLY, "instead of JSON"),
        ("redirect", RuntimeFaultKind.BAD_REPLY, "redirects"),
        ("flood", RuntimeFaultKind.BAD_REPLY, "a line of more than"),
        ("quota", RuntimeFaultKind.REJECTED, "quota"),
        ("loading", RuntimeFaultKind.BUSY, "Loading model"),
        ("crash", RuntimeFaultKind.SERVER_ERROR, "something broke"),
        ("out of memory", RuntimeFaultKind.OUT_OF_MEMORY, "failed to allocate"),
        ("bad request", RuntimeFaultKind.REFUSED, "exceeds the available context"),
    ],
)
async def test_each_fault_has_its_kind_and_the_servers_words(
    fault: Any, kind: RuntimeFaultKind, words: str
) -> None:
    with OpenAIServer(fault=fault, reply=lambda _: "A somewhat longer answer.") as server:
        found = await fault_of(server)
    assert found.kind is kind
    assert words in found.sentence


async def test_a_busy_server_says_when_to_come_back() -> None:
    with OpenAIServer(fault="busy") as server:
        fault = await fault_of(server)
    assert fault.kind is RuntimeFaultKind.BUSY
    assert fault.kind.retryable
    assert fault.retry_after_seconds == 7


async def test_a_silent_server_is_a_timeout() -> None:
    with OpenAIServer(fault="silent") as server:
        fault = await fault_of(server, asking(timeout_seconds=0.2))
    assert fault.kind is RuntimeFaultKind.TIMEOUT
    assert "0.2 seconds" in fault.sentence


async def test_a_cancelled_call_is_cancelled() -> None:
    with OpenAIServer(fault="silent") as server:
        async with runtime_at(server) as runtime:
            call = asyncio.create_task(runtime.chat("tiny", asking()))
            assert await asyncio.to_thread(server.first_asked.wait, PATIENCE)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call


async def test_a_wrong_key_is_refused_without_showing_it() -> None:
    with OpenAIServer(api_key="another") as server:
        fault = await fault_of(server)
        assert fault.kind is RuntimeFaultKind.REJECTED
        assert "Incorrect API key provided: [withheld]" in fault.sentence
        assert "OPENAI_API_KEY" in fault.next_step
        async with runtime_at(server, KEY) as runtime:
            status = await runtime.status()
            assert not status.available
            assert KEY not in f"{status} {runtime!r} {runtime}"


async def test_a_right_key_opens() -> None:
    with OpenAIServer(api_key=KEY) as server:
        async with runtime_at(server, f" {KEY}\n") as runtime:
            assert (await runtime.chat("tiny", asking())).text == "All good."


async def test_an_unknown_model_names_those_that_are_served() -> None:
    with OpenAIServer() as server:
        fault = await fault_of(server, model="other")
        assert fault.kind is RuntimeFaultKind.NOT_FOUND
        async with runtime_at(server) as runtime:
            with pytest.raises(RuntimeFault) as caught:
                await runtime.prove("other", context=4096)
            assert caught.value.kind is RuntimeFaultKind.NOT_FOUND
            assert caught.value.next_step == "It serves tiny."
            ghost = Artefact(
                runtime=RuntimeName.OPENAI, name="other", digest=None, size_bytes=None, quantization=None
            )
            with pytest.raises(RuntimeFault):
                await anext(runtime.pull(ghost))


async def test_a_server_without_a_list_is_believed_with_a_warning() -> None:
    with OpenAIServer(lists_models=False, props=False) as server:
        async with runtime_at(server) as runtime:
            artefact = await runtime.prove("tiny", context=4096)
            loaded = await runtime.load(artefact, context=4096)
    assert any("does not list its models" in warning for warning in artefact.warnings)
    assert loaded.allocated_context is None
    assert any("could not be read back" in warning for warning in loaded.artefact.warnings)


async def test_a_short_context_is_a_warning() -> None:
    with OpenAIServer(context=2048) as server:
        async with runtime_at(server) as runtime:
            artefact = await runtime.prove("tiny", context=16_384)
            loaded = await runtime.load(artefact, context=16_384)
    assert "tiny was trained for 8,192 tokens of context; 16,384 are wanted." in artefact.warnings
    assert "tiny was given 2,048 tokens of context; 16,384 were wanted." in loaded.artefact.warnings
    assert len(set(loaded.artefact.warnings)) == len(loaded.artefact.warnings)


async def test_nobody_there_is_unreachable() -> None:
    with OpenAIServer() as server:
        gone = server.url
    runtime = OpenAICompatibleRuntime(gone)
    status = await runtime.status()
    assert not status.available
    assert "cannot be reached" in status.detail
    with pytest.raises(RuntimeFault) as caught:
        await runtime.chat("tiny", asking())
    assert caught.value.kind is RuntimeFaultKind.UNREACHABLE
    await runtime.aclose()


async def test_a_borrowed_client_stays_open() -> None:
    with OpenAIServer() as server:
        async with httpx.AsyncClient() as client:
            runtime = OpenAICompatibleRuntime(server.url, http=client)
            await runtime.aclose()
            assert (await runtime.chat("tiny", asking())).text == "All good."


@pytest.mark.parametrize("url", ["", "127.0.0.1:8080", "ftp://host/v1", "http://"])
def test_an_address_that_is_none_is_wrong_use(url: str) -> None:
    with pytest.raises(WrongUse):
        OpenAICompatibleRuntime(url)


def test_a_key_that_is_none_is_wrong_use_and_not_shown() -> None:
    with pytest.raises(WrongUse) as caught:
        OpenAICompatibleRuntime("http://127.0.0.1:1", "sk-ü\nsecret")
    assert "secret" not in str(caught.value)


def test_a_password_in_the_address_is_not_shown() -> None:
    assert "hunter2" not in repr(OpenAICompatibleRuntime("http://me:hunter2@127.0.0.1:1/v1?key=hunter2"))


THOUGHTS = [
    ("<think>hm</think>Yes.", "Yes.", "hm"),
    ("<think>hm", "", "hm"),
    ("hm</think>Yes.", "Yes.", "hm"),
]


@pytest.mark.parametrize(("said", "text", "thinking"), THOUGHTS)
async def test_thoughts_closed_unclosed_and_begun_in_the_template_are_separated(
    said: str, text: str, thinking: str
) -> None:
    with OpenAIServer(reply=lambda _: said) as server:
        async with runtime_at(server) as runtime:
            reply = await runtime.chat("tiny", asking())
    assert (reply.text, reply.thinking) == (text, thinking)


async def test_tags_that_a_json_object_speaks_about_are_no_thoughts() -> None:
    said = '{"reason": "It shows <think> to the person", "verdict": "NO"}'
    with OpenAIServer(reply=lambda _: said) as server:
        async with runtime_at(server) as runtime:
            reply = await runtime.chat("tiny", asking())
    assert (reply.text, reply.thinking) == (said, None)


@pytest.mark.parametrize(
    ("details", "cached"),
    [
        ({"prompt_tokens_details": {"cached_tokens": 9}}, 9),
        ({"prompt_tokens_details": {"cached_tokens": 0}}, 0),
        ({"prompt_tokens_details": None}, None),
        ({"prompt_tokens_details": {"cached_tokens": "many"}}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("streams", [True, False])
async def test_cached_tokens_are_those_that_the_server_tells(
    details: dict[str, Any], cached: int | None, streams: bool
) -> None:
    usage = {"prompt_tokens": 11, "completion_tokens": 7, **details}
    with OpenAIServer(usage=usage, streams=streams) as server:
        async with runtime_at(server) as runtime:
            reply = await runtime.chat("tiny", asking())
    assert (reply.prompt_tokens, reply.cached_tokens, reply.completion_tokens) == (11, cached, 7)


async def test_llamacpp_tells_its_tokens_where_usage_cannot_be_asked_for() -> None:
    timings = {"cache_n": 406, "prompt_n": 16, "predicted_n": 5}
    with OpenAIServer(refuses=("stream_options",), timings=timings) as server:
        async with runtime_at(server) as runtime:
            reply = await runtime.chat("tiny", asking())
    assert (reply.prompt_tokens, reply.cached_tokens, reply.completion_tokens) == (422, 406, 5)
    assert reply.left_out == ()


async def test_a_server_without_schemas_gives_any_object_and_the_reply_says_so() -> None:
    refusal = "'{field}' of type 'json_schema' is not supported with this model."

    class NoSchemas(OpenAIServer):
        def _chat(self, exchange: Exchange, body: dict[str, Any]) -> None:
            wanted = (body.get("response_format") or {}).get("type")
            self.refuses = ("response_format",) if wanted == "json_schema" else ()
            super()._chat(exchange, body)

    with NoSchemas(refusal=refusal) as server:
        async with runtime_at(server) as runtime:
            first = await runtime.chat("tiny", asking(json_schema=SCHEMA))
            again = await runtime.chat("tiny", asking(json_schema=SCHEMA))
            plain = await runtime.chat("tiny", asking())
        formats = [
            body.get("response_format", {}).get("type") for body in server.bodies("/v1/chat/completions")
        ]
    assert (first.left_out, again.left_out, plain.left_out) == (("json_schema",), ("json_schema",), ())
    assert formats == ["json_schema", "json_object", "json_object", None]


async def test_a_server_that_knows_no_format_at_all_is_asked_in_words_alone() -> None:
    with OpenAIServer(refuses=("response_format",), refusal="{field} is unavailable now") as server:
        async with runtime_at(server) as runtime:
            reply = await runtime.chat("tiny", asking(json_schema=SCHEMA))
        assert "response_format" not in server.bodies("/v1/chat/completions")[-1]
    assert reply.left_out == ("json_schema",)


async def test_a_reply_says_which_wishes_were_refused() -> None:
    with OpenAIServer(refuses=("seed", "chat_template_kwargs")) as server:
        async with runtime_at(server) as runtime:
            assert (await runtime.chat("tiny", asking(thinking=False))).left_out == ("thinking", "seed")
            assert (await runtime.chat("tiny", asking())).left_out == ("seed",)


async def test_half_an_emoji_becomes_text_that_can_be_stored() -> None:
    with OpenAIServer(reply=lambda _: "Half \ud83d of it, and two: \ud83d\ude00") as server:
        async with runtime_at(server) as runtime:
            reply = await runtime.chat("tiny", asking())
    assert reply.text == "Half \ufffd of it, and two: \U0001f600"


class Watched(OpenAIServer):
    """Counts connections."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._server.socket.listen(64)  # twenty clients come at once
        self.ports: set[int] = set()
        self.hang_up = False

    def answer(self, exchange: Exchange, asked: Asked) -> None:
        self.ports.add(exchange.client_address[1])
        super().answer(exchange, asked)
        exchange.close_connection = exchange.close_connection or self.hang_up


@pytest.mark.parametrize("fault", [None, "no done"])
async def test_connections_are_kept_and_never_more_than_calls_at_a_time(fault: Any) -> None:
    with Watched(fault=fault) as server:
        async with runtime_at(server) as runtime:
            for _ in range(3):
                await runtime.chat("tiny", asking())
            assert len(server.ports) == 1
            calls = iter(range(100))

            async def worker() -> None:
                for _ in calls:
                    await runtime.chat("tiny", asking())

            await asyncio.gather(*(worker() for _ in range(20)))
    assert len(server.ports) <= 20


async def test_a_kept_connection_that_the_server_ended_is_replaced() -> None:
    with Watched() as server:
        async with runtime_at(server) as runtime:
            await runtime.chat("tiny", asking())
            server.hang_up = True  # after the next answer, without a word of warning
            for _ in range(3):
                assert (await runtime.chat("tiny", asking())).text == "All good."
    assert len(server.bodies("/v1/chat/completions")) == 4


async def test_a_cancelled_call_blocks_no_later_one() -> None:
    with OpenAIServer() as server:
        async with runtime_at(server) as runtime:
            await runtime.chat("tiny", asking())
            for steps in range(40):
                call = asyncio.create_task(runtime.chat("tiny", asking()))
                for _ in range(steps):
                    await asyncio.sleep(0)
                call.cancel()
                with suppress(asyncio.CancelledError):
                    await call
                assert (await runtime.chat("tiny", asking(timeout_seconds=PATIENCE))).text == "All good."


@pytest.mark.parametrize("lists_models", [True, False])
async def test_calls_at_once_share_the_question_what_the_server_is(lists_models: bool) -> None:
    with OpenAIServer(lists_models=lists_models) as server:
        async with runtime_at(server) as runtime:
            await asyncio.gather(*(runtime.chat("tiny", asking(thinking=False)) for _ in range(8)))
            await runtime.chat("tiny", asking(thinking=False))
        lists = [asked for asked in server.asked if asked.path == "/v1/models"]
        chats = server.bodies("/v1/chat/completions")
    assert len(lists) == 1
    assert len(chats) == 9
    assert all(("chat_template_kwargs" in body) is lists_models for body in chats)


class Waking(OpenAIServer):
    """Cannot list its models the first time."""

    def answer(self, exchange: Exchange, asked: Asked) -> None:
        lists = sum(earlier.path == "/v1/models" for earlier in self.asked)
        if asked.path == "/v1/models" and lists == 1:
            return exchange.send_json({"error": {"message": "Loading model", "code": 503}}, 503)
        return super().answer(exchange, asked)


async def test_a_server_that_did_not_tell_what_it_is_is_asked_again() -> None:
    with Waking() as server:
        async with runtime_at(server) as runtime:
            for _ in range(3):
                await runtime.chat("tiny", asking(thinking=False))
        chats = server.bodies("/v1/chat/completions")
        assert sum(asked.path == "/v1/models" for asked in server.asked) == 2
    assert ["chat_template_kwargs" in body for body in chats] == [False, True, True]
