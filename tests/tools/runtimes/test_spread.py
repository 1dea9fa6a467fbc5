"""Several hosts as one runtime, over real HTTP: who takes part, who falls out, each call answered once."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.standins.ollama_server import OllamaServer, StandInModel, layer
from tests.standins.openai_server import OpenAIServer
from tests.standins.patience import PATIENCE
from tests.standins.tiny_gguf import write_tiny_gguf
from tools.concurrency import Throttle
from tools.runtimes.base import (
    Artefact,
    ChatReply,
    ChatRequest,
    LoadedModel,
    Message,
    PullProgress,
    RuntimeFault,
    RuntimeFaultKind,
    RuntimeName,
    RuntimeStatus,
)
from tools.runtimes.hosts import HostSpec, parse_hosts
from tools.runtimes.llamacpp_process import ALIAS, EmbeddedServer, Order
from tools.runtimes.ollama import OllamaRuntime
from tools.runtimes.openai_compatible import OpenAICompatibleRuntime
from tools.runtimes.places import FIRST_PROBE_SECONDS, HostNews
from tools.runtimes.spread import STRIKES, SpreadRuntime

MODEL = StandInModel()
OTHER = replace(MODEL, layers=(layer("newer weights", 5_000_000_000),))
CONTEXT = 2048
Kind = RuntimeFaultKind


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def server(**fields: Any) -> OllamaServer:
    return OllamaServer(**{"local": {"qwen3:8b": MODEL}, **fields})


def opened(*specs: str, clock: Callable[[], float] = monotonic) -> SpreadRuntime:
    hosts: list[tuple[HostSpec, Any]] = []
    for host in parse_hosts(",".join(specs)):
        ollama = host.runtime is RuntimeName.OLLAMA
        hosts.append((host, OllamaRuntime(host.url) if ollama else OpenAICompatibleRuntime(host.url)))
    return SpreadRuntime(hosts, clock=clock)


class Told(list[HostNews]):
    def __init__(self) -> None:
        super().__init__()
        self._more = asyncio.Event()

    async def __call__(self, news: HostNews) -> None:
        self.append(news)
        self._more.set()

    async def until(self, state: str) -> None:
        while self[-1].state != state:
            self._more.clear()
            await self._more.wait()

    def states(self, host: OllamaServer | OpenAIServer) -> list[str]:
        return [news.state for news in self if news.host == f"127.0.0.1:{host.port}"]

    def last(self, host: OllamaServer | OpenAIServer) -> str:
        return [news.sentence for news in self if news.host == f"127.0.0.1:{host.port}"][-1]


@asynccontextmanager
async def spread_over(
    *specs: str, at_once: int = 1, clock: Callable[[], float] = monotonic
) -> AsyncIterator[tuple[SpreadRuntime, Told]]:
    """A spread with the model loaded."""
    runtime, told = opened(*specs, clock=clock), Told()
    runtime.pace(lambda _: Throttle(at_once))
    try:
        async with runtime.watched(told):
            await runtime.load(await runtime.prove("qwen3:8b", context=CONTEXT), context=CONTEXT)
            yield runtime, told
    finally:
        await runtime.aclose()


def at(*servers: OllamaServer) -> list[str]:
    return [f"ollama:{one.url}" for one in servers]


def asking(text: str = "Hi.", **fields: Any) -> ChatRequest:
    messages = (Message(role="user", content=text),)
    return ChatRequest(messages=messages, context=CONTEXT, seed=7, **fields)


async def ask_all(runtime: SpreadRuntime, number: int, **fields: Any) -> list[ChatReply]:
    calls = (runtime.chat("qwen3:8b", asking(f"Case {n}", **fields)) for n in range(number))
    return await asyncio.gather(*calls)


def echo(body: dict[str, Any]) -> str:
    return f"To {body['messages'][-1]['content']}"


def cases(*servers: OllamaServer) -> Counter[str]:
    """What was asked, the greetings left out."""
    said = [body["messages"][-1]["content"] for one in servers for body in one.bodies("/api/chat")]
    return Counter(text for text in said if text.startswith("Case"))


def shares(replies: list[ChatReply]) -> Counter[str | None]:
    return Counter(reply.host for reply in replies)


async def test_scenarios_spread_over_the_hosts_each_asked_once_with_the_seed_of_the_request() -> None:
    with server(reply=echo) as one, server(reply=echo) as two:
        async with spread_over(*at(one, two)) as (runtime, told):
            replies = await ask_all(runtime, 12)
        assert [reply.text for reply in replies] == [f"To Case {n}" for n in range(12)]
        assert set(cases(one, two).values()) == {1}
        assert set(shares(replies)) == {f"127.0.0.1:{one.port}", f"127.0.0.1:{two.port}"}
        seeds = {body["options"]["seed"] for s in (one, two) for body in s.bodies("/api/chat")[1:]}
    assert seeds == {7}
    assert told.states(one) == told.states(two) == ["in"]


async def test_the_artefact_is_what_most_hosts_have_and_the_one_with_another_digest_is_left_alone() -> None:
    with server(local={"qwen3:8b": OTHER}) as other, server() as one, server() as two:
        async with spread_over(*at(other, one, two)) as (runtime, told):
            replies = await ask_all(runtime, 6)
        assert cases(other) == {}
        assert other.bodies("/api/pull") == []
    assert f"127.0.0.1:{other.port}" not in shares(replies)
    assert told.states(other) == ["out"]
    assert OTHER.digest[:8] in told.last(other)


async def test_another_quantization_or_a_shorter_context_is_left_out() -> None:
    quantized = replace(MODEL, quantization="Q8_0")
    with server() as one, server(local={"qwen3:8b": quantized}) as two, server(largest_context=1024) as three:
        async with spread_over(*at(one, two, three)) as (_, told):
            pass
    assert told.states(one) == ["in"]
    assert "quantized as Q8_0 instead of Q4_K_M" in told.last(two)
    assert "allocated 1,024 tokens of context instead of 2,048" in told.last(three)


async def test_it_is_pulled_onto_every_host_that_has_nothing_and_each_tells_its_progress() -> None:
    empty = {"local": {}}
    with server() as here, server(**empty) as one, server(**empty) as two, server(**empty) as broken:
        broken.pull_fault = "disk full"
        runtime, told = opened(*at(here, one, two, broken)), Told()
        artefact = Artefact(
            runtime=RuntimeName.OLLAMA,
            name="qwen3:8b",
            digest=f"sha256:{MODEL.digest}",
            size_bytes=1,
            quantization=None,
        )
        async with runtime.watched(told):
            steps = [step async for step in runtime.pull(artefact)]
        await runtime.aclose()
        assert one.local == two.local == {"qwen3:8b": MODEL}
        assert here.bodies("/api/pull") == []
        pulled = {step.host for step in steps if step.total_bytes}
        assert pulled == {f"127.0.0.1:{s.port}" for s in (one, two, broken)}
    assert told.states(broken) == ["out"]
    assert "disk is full" in told.last(broken)


async def test_a_host_that_lacks_what_another_has_pulls_it_though_the_registry_was_not_asked() -> None:
    with server() as here, server(local={}) as empty, server(local={"qwen3:8b": OTHER}) as other:
        runtime, told = opened(*at(here, empty, other)), Told()
        async with runtime.watched(told):
            artefact = await runtime.prove("qwen3:8b", context=CONTEXT)
            assert not artefact.already_here
            _ = [step async for step in runtime.pull(artefact)]
            assert (await runtime.prove("qwen3:8b", context=CONTEXT)).already_here
        await runtime.aclose()
        assert empty.local == {"qwen3:8b": MODEL}
        assert other.local == {"qwen3:8b": OTHER}
    assert told.states(empty) == []
    assert set(told.states(other)) == {"out"}


async def test_a_pull_that_no_host_could_do_is_the_fault_that_nodes_know() -> None:
    with server(local={}, registry={}) as one, server(local={}, registry={}) as two:
        runtime = opened(*at(one, two))
        artefact = Artefact(
            runtime=RuntimeName.OLLAMA, name="qwen3:8b", digest=None, size_bytes=None, quantization=None
        )
        with pytest.raises(RuntimeFault) as caught:
            _ = [step async for step in runtime.pull(artefact)]
        await runtime.aclose()
    assert caught.value.kind is Kind.NOT_FOUND
    assert "None of the 2 hosts" in caught.value.sentence


async def test_a_host_killed_in_the_middle_is_left_out_and_its_calls_are_made_again() -> None:
    two = server(reply=echo)
    with server(reply=echo) as one:
        seen = itertools.count(1)

        def dies(body: dict[str, Any]) -> str:
            if body["messages"][-1]["content"].startswith("Case") and next(seen) == 3:
                two.kill()
            return echo(body)

        two.reply = dies
        two.__enter__()
        async with spread_over(*at(one, two), at_once=2) as (runtime, told):
            replies = await ask_all(runtime, 30)
        assert [reply.text for reply in replies] == [f"To Case {n}" for n in range(30)]
        finished = shares(replies)
        again = [text for text, times in cases(one, two).items() if times > 1]
    assert 0 < finished[f"127.0.0.1:{two.port}"] < 10
    assert told.states(two) == ["in", "out"]
    assert len(again) <= 4, "only what was under way there is made again"


async def test_a_slow_host_gets_less_and_nobody_waits_for_it_alone() -> None:
    gate = threading.Event()

    def slowly(body: dict[str, Any]) -> str:
        if body["messages"][-1]["content"].startswith("Case"):
            gate.wait(PATIENCE)
        return echo(body)

    with server(reply=echo) as quick, server(reply=slowly) as slow:
        async with spread_over(*at(quick, slow)) as (runtime, _):
            calls = [asyncio.create_task(runtime.chat("qwen3:8b", asking(f"Case {n}"))) for n in range(20)]
            for one_of_them in itertools.islice(asyncio.as_completed(calls), 19):
                await one_of_them
            gate.set()
            replies = list(await asyncio.gather(*calls))
    assert shares(replies) == {f"127.0.0.1:{quick.port}": 19, f"127.0.0.1:{slow.port}": 1}


async def test_a_digest_that_changes_in_the_middle_leaves_the_host_out_and_its_answer_does_not_count() -> (
    None
):
    with server(reply=echo) as one, server(reply=echo) as two:

        def moved(body: dict[str, Any]) -> str:
            if body["messages"][-1]["content"].startswith("Case"):
                two.local["qwen3:8b"] = OTHER
            return f"Moved: {echo(body)}"

        two.reply = moved
        clock = Clock()
        async with spread_over(*at(one, two), clock=clock) as (runtime, told):
            replies = await ask_all(runtime, 8)
            assert shares(replies) == {f"127.0.0.1:{one.port}": 8}
            assert "has another digest of qwen3:8b" in told.last(two)
            clock.now += FIRST_PROBE_SECONDS
            await ask_all(runtime, 4)
            assert told.states(two)[:2] == ["in", "out"]
            two.local["qwen3:8b"] = MODEL
            two.reply = echo
            clock.now += 10 * FIRST_PROBE_SECONDS
            await ask_all(runtime, 1)
            await told.until("back")
            later = await ask_all(runtime, 8)
    assert f"127.0.0.1:{two.port}" in shares(later)


@pytest.mark.parametrize("fault", ["crash", "cut", "error mid-stream", "html"])
async def test_what_fails_here_and_not_there_is_done_there_and_repeated_it_leaves_the_host_out(
    fault: Any,
) -> None:
    with server(reply=echo) as one, server(reply=echo) as two:
        async with spread_over(*at(one, two)) as (runtime, told):
            two.chat_fault = fault
            replies = await ask_all(runtime, 16)
        assert shares(replies) == {f"127.0.0.1:{one.port}": 16}
        failed = sum(cases(two).values())
        assert 1 <= failed <= STRIKES
        assert told.states(two) == (["in", "out"] if failed == STRIKES else ["in"])
        assert max(cases(one).values()) == 1


async def test_what_fails_everywhere_is_the_requests_fault_and_leaves_nobody_out() -> None:
    with server(reply=echo) as one, server(reply=echo) as two:
        async with spread_over(*at(one, two)) as (runtime, told):
            one.chat_fault = two.chat_fault = "crash"
            for _ in range(4):
                with pytest.raises(RuntimeFault) as caught:
                    await runtime.chat("qwen3:8b", asking("Case 1"))
                assert caught.value.kind is Kind.SERVER_ERROR
            one.chat_fault = two.chat_fault = None
            assert len(shares(await ask_all(runtime, 6))) == 2
    assert told.states(one) == told.states(two) == ["in"]


async def test_a_call_that_runs_into_its_time_limit_on_two_hosts_goes_to_no_third() -> None:
    with server() as one, server() as two, server() as three:
        async with spread_over(*at(one, two, three)) as (runtime, told):
            one.chat_fault = two.chat_fault = three.chat_fault = "silent"
            with pytest.raises(RuntimeFault) as caught:
                await runtime.chat("qwen3:8b", asking("Case 1", timeout_seconds=1.0))
        assert sum(cases(one, two, three).values()) == 2
    assert caught.value.kind is Kind.TIMEOUT
    assert not any("out" in told.states(s) for s in (one, two, three))


async def test_a_refused_request_is_refused_once() -> None:
    with server() as one, server() as two:
        async with spread_over(*at(one, two)) as (runtime, told):
            one.refuses = two.refuses = {"options": "no such option"}
            with pytest.raises(RuntimeFault) as caught:
                await runtime.chat("qwen3:8b", asking("Case 1"))
        assert sum(cases(one, two).values()) == 1
    assert caught.value.kind is Kind.REFUSED
    assert told.states(one) == told.states(two) == ["in"]


async def test_a_busy_host_rests_and_all_busy_says_for_how_long() -> None:
    clock = Clock()
    with server(reply=echo) as one, server(reply=echo) as two:
        async with spread_over(*at(one, two), clock=clock) as (runtime, told):
            two.chat_fault = "busy"
            assert shares(await ask_all(runtime, 6)) == {f"127.0.0.1:{one.port}": 6}
            assert sum(cases(two).values()) == 1
            one.chat_fault = "busy"
            with pytest.raises(RuntimeFault) as caught:
                await runtime.chat("qwen3:8b", asking("Case 7"))
            one.chat_fault = two.chat_fault = None
            clock.now += 1.0
            await runtime.chat("qwen3:8b", asking("Case 8"))
    assert caught.value.kind is Kind.BUSY
    assert told.states(one) == told.states(two) == ["in"]


async def test_all_dead_is_one_fault_that_may_pass_and_the_first_to_return_is_taken_at_once() -> None:
    one, two = server(reply=echo).__enter__(), server(reply=echo).__enter__()
    async with spread_over(*at(one, two)) as (runtime, told):
        for dead in (one, two):
            dead.kill()
        with pytest.raises(RuntimeFault) as caught:
            await runtime.chat("qwen3:8b", asking("Case 1"))
        assert caught.value.kind is Kind.UNREACHABLE
        assert caught.value.kind.retryable
        for dead in (one, two):
            assert f"127.0.0.1:{dead.port}" in caught.value.sentence
            assert told.states(dead) == ["in", "out"]
        with pytest.raises(RuntimeFault):
            await runtime.chat("qwen3:8b", asking("Case 1"))
        assert told.states(one) == ["in", "out"], "what is known is not told again"
        two.revive()
        reply = await runtime.chat("qwen3:8b", asking("Case 1"))
        assert reply.host == f"127.0.0.1:{two.port}"
        assert told.states(two) == ["in", "out", "back"]
        two.__exit__()


async def test_a_model_that_is_gone_leaves_its_host_out() -> None:
    with server(reply=echo) as one, server(reply=echo) as two:
        async with spread_over(*at(one, two)) as (runtime, told):
            two.local.clear()
            replies = await ask_all(runtime, 5)
    assert shares(replies) == {f"127.0.0.1:{one.port}": 5}
    assert "does not have qwen3:8b" in told.last(two)


async def test_a_later_process_holds_every_host_against_what_was_proved() -> None:
    with server(reply=echo) as one, server(reply=echo, local={"qwen3:8b": OTHER}) as two:
        async with spread_over(*at(one)) as (first, _):
            loaded = await first.load(await first.prove("qwen3:8b", context=CONTEXT), context=CONTEXT)
        later, told = opened(*at(two, one)), Told()
        async with later.watched(told):
            later.expect(loaded, context=CONTEXT)
            replies = await ask_all(later, 4)
        facts = later.facts("qwen3:8b", f"127.0.0.1:{one.port}")
        await later.aclose()
    assert shares(replies) == {f"127.0.0.1:{one.port}": 4}
    assert (facts.digest, facts.runtime_version, facts.allocated_context) == (
        f"sha256:{MODEL.digest}",
        "0.32.15",
        CONTEXT,
    )


async def test_an_openai_server_beside_ollama_is_used_where_a_person_says_which_model_is_the_same() -> None:
    with server(reply=echo) as one, OpenAIServer(reply=echo, model="Qwen3-8B") as two:
        unnamed, named = f"openai:{two.url}/v1", f"openai:{two.url}/v1#qwen3:8b=Qwen3-8B"
        async with spread_over(*at(one), unnamed) as (runtime, told):
            assert len(shares(await ask_all(runtime, 6))) == 1
        assert "BMS_RUNTIMES does not say which of its models is qwen3:8b" in told.last(two)
        async with spread_over(*at(one), named) as (runtime, told):
            replies = await ask_all(runtime, 6)
            facts = runtime.facts("qwen3:8b", f"127.0.0.1:{two.port}")
        assert len(shares(replies)) == 2
        assert (facts.model, facts.digest, facts.runtime) == ("Qwen3-8B", None, "openai")
        assert "the same by a person's word" in told.last(two)


async def test_a_persons_word_does_not_outweigh_what_the_server_tells() -> None:
    eight = replace(MODEL, quantization="Q8_0")
    with server(local={"qwen3:8b": eight}) as one, OpenAIServer(model="qwen3:8b") as two:
        async with spread_over(*at(one), f"openai:{two.url}/v1#qwen3:8b") as (_, told):
            pass
    assert "quantized as Q4_K_M instead of Q8_0" in told.last(two)


async def test_openai_servers_alone_are_the_same_when_all_they_tell_is_or_a_person_says_so() -> None:
    hosted = {"owner": "somebody", "props": False}
    with (
        OpenAIServer(model="m") as one,
        OpenAIServer(model="m") as two,
        OpenAIServer(model="m", **hosted) as three,
        OpenAIServer(model="n", **hosted) as four,
    ):
        specs = [f"openai:{s.url}/v1" for s in (one, two, three, four)]
        runtime, told = opened(*specs[:3], f"{specs[3]}#m=n"), Told()
        async with runtime.watched(told):
            await runtime.load(await runtime.prove("m", context=CONTEXT), context=CONTEXT)
        await runtime.aclose()
    assert runtime.name is RuntimeName.OPENAI
    assert [told.states(s) for s in (one, two, three, four)] == [["in"], ["in"], ["out"], ["in"]]
    assert "tells no digest" in told.last(three)


# --- whatever fails ----------------------------------------------------------------------------------------


class Scripted:
    """A host that fails as a script says; never the survivor's."""

    name = RuntimeName.OLLAMA

    def __init__(self, script: list[RuntimeFaultKind | None]) -> None:
        self.script = iter(script)
        self.finished: list[str] = []

    async def status(self) -> RuntimeStatus:
        return RuntimeStatus(True, "1", "")

    async def prove(self, model: str, *, context: int) -> Artefact:
        return Artefact(
            runtime=self.name, name=model, digest="sha256:aa", size_bytes=1, quantization="Q4_K_M"
        )

    async def load(self, artefact: Artefact, *, context: int) -> LoadedModel:
        return LoadedModel(
            artefact=artefact, native_context=None, allocated_context=context, thinks=False, hello="Hi."
        )

    async def chat(self, model: str, request: ChatRequest) -> ChatReply:
        await asyncio.sleep(0)
        kind = next(self.script, None)
        if kind is not None:
            raise RuntimeFault(kind, f"{kind.value}.")
        self.finished.append(request.messages[-1].content)
        return ChatReply(text=self.finished[-1], seconds=0.0)

    def pull(self, artefact: Artefact) -> AsyncIterator[PullProgress]:
        raise NotImplementedError

    async def unload(self, model: str) -> None:
        return

    async def aclose(self) -> None:
        return


_FAILURES = st.sampled_from([None, *(kind for kind in Kind if kind is not Kind.REFUSED)])


@given(
    scripts=st.lists(st.lists(_FAILURES, max_size=12), max_size=4),
    at_once=st.integers(1, 4),
    place=st.integers(0, 4),
)
@settings(max_examples=60, deadline=None)
def test_with_a_survivor_every_call_is_answered_exactly_once(
    scripts: list[list[RuntimeFaultKind | None]], at_once: int, place: int
) -> None:
    hosts = [Scripted(script) for script in scripts]
    hosts.insert(place, Scripted([]))

    async def play() -> list[ChatReply]:
        specs = parse_hosts(",".join(f"ollama:http://gpu{n}:11434" for n in range(len(hosts))))
        runtime = SpreadRuntime(list(zip(specs, hosts, strict=True)))
        runtime.pace(lambda _: Throttle(at_once))
        await runtime.load(await runtime.prove("m", context=CONTEXT), context=CONTEXT)
        wanted = (runtime.chat("m", asking(f"Case {n}")) for n in range(25))
        replies = await asyncio.gather(*wanted)
        await runtime.aclose()
        return replies

    replies = asyncio.run(play())
    assert [reply.text for reply in replies] == [f"Case {n}" for n in range(25)]
    finished = Counter(text for host in hosts for text in host.finished)
    assert finished == Counter(f"Case {n}" for n in range(25)), "no finished call is made twice"


@given(scripts=st.lists(st.lists(_FAILURES, max_size=30), min_size=1, max_size=3), at_once=st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_without_a_survivor_every_call_is_answered_once_or_ends_in_a_fault(
    scripts: list[list[RuntimeFaultKind | None]], at_once: int
) -> None:
    hosts = [Scripted(script) for script in scripts]
    ticks = itertools.count(0.0, 10.0)

    async def play() -> list[ChatReply | BaseException]:
        specs = parse_hosts(",".join(f"ollama:http://gpu{n}:11434" for n in range(len(hosts))))
        runtime = SpreadRuntime(list(zip(specs, hosts, strict=True)), clock=lambda: next(ticks))
        runtime.pace(lambda _: Throttle(at_once))
        wanted = (runtime.chat("m", asking(f"Case {n}")) for n in range(12))
        async with asyncio.timeout(PATIENCE):
            replies = await asyncio.gather(*wanted, return_exceptions=True)
        await runtime.aclose()
        return replies

    replies = asyncio.run(play())
    assert all(isinstance(reply, ChatReply | RuntimeFault) for reply in replies)
    answered = [reply.text for reply in replies if isinstance(reply, ChatReply)]
    assert Counter(text for host in hosts for text in host.finished) == Counter(answered)


# --- real inference ----------------------------------------------------------------------------------------


async def test_two_real_llamacpp_servers_answer_alike_and_one_that_is_killed_is_left_out(
    tmp_path: Path,
) -> None:
    """Greedy answers of the same file are the same whichever server makes them."""
    order = Order(write_tiny_gguf(tmp_path / "tiny.gguf"), CONTEXT, 1, cache_prompt=False)
    servers = await asyncio.gather(*(EmbeddedServer.start(order, seconds=60) for _ in range(2)))
    hosts = parse_hosts(",".join(f"openai:{one.address}/v1" for one in servers))
    runtimes = [OpenAICompatibleRuntime(host.url, one.key) for host, one in zip(hosts, servers, strict=True)]
    spread, told = SpreadRuntime(list(zip(hosts, runtimes, strict=True))), Told()
    spread.pace(lambda _: Throttle(1))
    try:
        async with spread.watched(told):
            artefact = await spread.prove(ALIAS, context=CONTEXT)
            await spread.load(artefact, context=CONTEXT)
            asked = [asking(f"Case {n % 3}", temperature=0.0, max_tokens=12) for n in range(12)]
            replies = await asyncio.gather(*(spread.chat(ALIAS, one) for one in asked))
            await servers[1].stop(kill=True)
            later = await asyncio.gather(*(spread.chat(ALIAS, one) for one in asked))
    finally:
        await spread.aclose()
        await servers[0].stop()
    assert artefact.digest is None
    assert [news.state for news in told] == ["in", "in", "out"]
    assert len(shares(replies)) == 2
    assert set(shares(later)) == {hosts[0].label}
    assert len({(n % 3, reply.text) for n, reply in enumerate([*replies, *later])}) == 3
