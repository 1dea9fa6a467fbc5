"""The list of inference hosts: what can be written, what is refused, and which runtime it makes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.standins.ollama_server import OllamaServer, StandInModel
from tests.standins.openai_server import OpenAIServer
from tools.faults import Fault
from tools.runtimes.base import Artefact, LoadedModel, RuntimeName
from tools.runtimes.hosts import MOST_HOSTS, HostSpec, parse_hosts
from tools.runtimes.ollama import OllamaRuntime
from tools.runtimes.openai_compatible import OpenAICompatibleRuntime
from tools.runtimes.sameness import difference
from tools.runtimes.shelf import RuntimeSettings, RuntimeShelf
from tools.runtimes.spread import SpreadRuntime

OLLAMA, OPENAI = RuntimeName.OLLAMA, RuntimeName.OPENAI


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        (" , ", ()),
        ("ollama:http://gpu1:11434/", (HostSpec(OLLAMA, "http://gpu1:11434", "gpu1:11434"),)),
        ("http://gpu1:11434", (HostSpec(OLLAMA, "http://gpu1:11434", "gpu1:11434"),)),
        ("http://gpu2:8000/v1/", (HostSpec(OPENAI, "http://gpu2:8000/v1", "gpu2:8000"),)),
        ("openai:https://gpu2", (HostSpec(OPENAI, "https://gpu2/v1", "gpu2"),)),
        ("OLLAMA: http://[::1]:11434", (HostSpec(OLLAMA, "http://[::1]:11434", "[::1]:11434"),)),
        (
            "openai:http://gpu2:8000/v1#qwen3:8b=Q8#llama3.1:8b",
            (
                HostSpec(
                    OPENAI,
                    "http://gpu2:8000/v1",
                    "gpu2:8000",
                    (("qwen3:8b", "Q8"), ("llama3.1:8b", "llama3.1:8b")),
                ),
            ),
        ),
        (
            "openai:http://box/a/v1,openai:http://box/b/v1",
            (
                HostSpec(OPENAI, "http://box/a/v1", "box/a/v1"),
                HostSpec(OPENAI, "http://box/b/v1", "box/b/v1"),
            ),
        ),
    ],
)
def test_what_can_be_written(text: str, expected: tuple[HostSpec, ...]) -> None:
    assert parse_hosts(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("http://gpu1:9", "number 1, that does not tell its kind"),
        ("ollama:http://a:11434,,ollama:http://b:11434", "number 2, that is empty"),
        ("ollama:gpu1:11434", "number 1, that is no http or https address"),
        ("ollama:ftp://gpu1", "no http or https address"),
        ("ollama:http://gpu1:port", "is no address"),
        ("ollama:http://gpu1:11434?x=1", "has a query"),
        ("ollama:http://gpu1:11434#qwen3:8b", "Ollama tells itself"),
        ("openai:http://gpu1/v1#", "no model after #"),
        ("openai:http://gpu1/v1#a=", "no model after #"),
        ("openai:http://gpu1/v1#a b", "no model after #"),
        ("openai:http://gpu1/v1,http://gpu1/v1/", "lists gpu1 twice"),
        (",".join(f"ollama:http://g{n}:1" for n in range(MOST_HOSTS + 1)), "more than 64"),
    ],
)
def test_what_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_hosts(text)


@pytest.mark.parametrize(
    "address", ["http://me:hunter2@gpu1:11434", "http://hunter2@gpu1:11434", "http://me:hun#hunter2@gpu1:1"]
)
@pytest.mark.parametrize("kind", ["", "ollama:", "openai:"])
def test_a_password_in_an_address_is_refused_and_not_repeated(address: str, kind: str) -> None:
    with pytest.raises(ValueError, match="has an entry, number 2, that") as caught:
        parse_hosts(f"ollama:http://fine:11434,{kind}{address}")
    assert "hunter2" not in str(caught.value)


@given(st.text(max_size=60) | st.text("olamenihtp:/@#=,?[]. 1", max_size=60))
@settings(max_examples=150)
def test_any_text_is_a_list_or_a_refusal_and_what_is_a_list_reads_the_same_again(text: str) -> None:
    try:
        hosts = parse_hosts(text)
    except ValueError:
        return
    again = ",".join(
        f"{host.runtime.value}:{host.url}" + "".join(f"#{name}={here}" for name, here in host.same)
        for host in hosts
    )
    assert parse_hosts(again) == hosts


def test_a_name_means_the_same_however_it_is_spelt() -> None:
    (host,) = parse_hosts("openai:http://gpu/v1#qwen3=ours")
    assert host.vouched("Qwen3:latest") == "ours"
    assert host.vouched("qwen3:8b") is None


def loaded(
    digest: str | None = "sha256:aa",
    quantization: str | None = "Q4_K_M",
    parameters: int | None = 8_000_000_000,
    context: int | None = 2048,
    runtime: RuntimeName = OLLAMA,
    size: int | None = 5,
    name: str = "m",
) -> LoadedModel:
    artefact = Artefact(
        runtime=runtime,
        name=name,
        digest=digest,
        size_bytes=size,
        quantization=quantization,
        parameters=parameters,
    )
    return LoadedModel(
        artefact=artefact, native_context=None, allocated_context=context, thinks=False, hello=""
    )


def openai(**fields: object) -> LoadedModel:
    return loaded(**{"digest": None, "runtime": OPENAI, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("proved", "here", "vouched", "words"),
    [
        (loaded(), loaded(), False, None),
        (loaded(), loaded(digest="sha256:bb"), True, "another digest"),
        (loaded(), loaded(quantization="q4_k_m"), False, None),
        (loaded(), loaded(quantization="unknown"), False, None),
        (loaded(), loaded(quantization="Q8_0"), True, "quantized as Q8_0"),
        (loaded(), loaded(parameters=7_950_000_000), False, None),
        (loaded(), loaded(parameters=7_000_000_000), False, "7,000,000,000 parameters"),
        (loaded(), loaded(context=1024), False, "1,024 tokens"),
        (loaded(), loaded(context=4096), False, "4,096 tokens"),
        (loaded(), openai(context=4096), True, None),
        (loaded(), openai(context=1024), True, "1,024 tokens"),
        (loaded(), openai(context=None, quantization=None, parameters=None), True, None),
        (loaded(), openai(), False, "tells no digest"),
        (openai(), openai(), False, None),
        (openai(), openai(size=6), False, "tells no digest"),
        (openai(), openai(name="n"), False, "tells no digest"),
        (openai(), openai(name="n"), True, None),
        (openai(size=None), openai(size=None), False, "tells no digest"),
    ],
)
def test_what_is_the_same_model(
    proved: LoadedModel, here: LoadedModel, vouched: bool, words: str | None
) -> None:
    said = difference(proved, here, vouched=vouched)
    assert said is None if words is None else said is not None and words in said


async def shelf_of(folder: Path, hosts: str, **fields: str) -> RuntimeShelf:
    return RuntimeShelf(RuntimeSettings(models_dir=folder, hosts=parse_hosts(hosts), **fields))  # type: ignore[arg-type]


async def test_one_host_is_that_runtime_and_several_are_spread_over(tmp_path: Path) -> None:
    with OllamaServer() as one, OllamaServer() as two, OpenAIServer() as three:
        for hosts, kind, name in (
            (one.url.join(["ollama:", ""]), OllamaRuntime, OLLAMA),
            (f"openai:{three.url}/v1", OpenAICompatibleRuntime, OPENAI),
            (f"ollama:{one.url},ollama:{two.url}", SpreadRuntime, OLLAMA),
            (f"openai:{three.url}/v1,ollama:{one.url}", SpreadRuntime, OLLAMA),
            (f"openai:{three.url}/v1#a=b", SpreadRuntime, OPENAI),
        ):
            shelf = await shelf_of(tmp_path, hosts, ollama_host="127.0.0.1:1")
            chosen = await shelf.choose("auto")
            assert (type(chosen), chosen.name) == (kind, name)
            assert await shelf.choose(name.value) is chosen
            judge, model = shelf.open("ollama:gemma3:12b")
            assert (type(judge), model) == (OllamaRuntime, "gemma3:12b"), "a judge is not spread"
            assert "127.0.0.1:1" in repr(judge), "and is where OLLAMA_HOST says"
            await shelf.aclose()


async def test_a_judge_without_an_address_of_its_own_is_on_the_first_host_of_its_kind(tmp_path: Path) -> None:
    shelf = await shelf_of(tmp_path, "openai:http://a/v1,ollama:http://b:11434,ollama:http://c:11434")
    assert "http://b:11434" in repr(shelf.open("ollama:gemma3:12b")[0])
    assert "http://a/v1" in repr(shelf.open("openai:big")[0])
    await shelf.aclose()


async def test_hosts_that_are_listed_are_wanted_and_nothing_else_is(
    tmp_path: Path,
) -> None:
    shelf = await shelf_of(tmp_path, "ollama:http://127.0.0.1:1,ollama:http://127.0.0.1:2")
    with pytest.raises(Fault) as caught:
        await shelf.choose("auto")
    assert "None of 2 hosts answers." in caught.value.sentence
    assert (await shelf.choose("auto", model="x.gguf")).name is RuntimeName.LLAMACPP
    await shelf.aclose()


async def test_the_status_of_every_host_has_its_models_and_digests(tmp_path: Path) -> None:
    model = StandInModel()
    with OllamaServer(local={"qwen3:8b": model}) as one, OpenAIServer(model="big") as two:
        hosts = f"ollama:{one.url},openai:{two.url}/v1,ollama:http://127.0.0.1:1"
        shelf = await shelf_of(tmp_path, hosts)
        found = await shelf.host_statuses()
        await shelf.aclose()
    assert [status.available for status in found] == [True, True, False]
    assert [status.version for status in found] == ["0.32.15", "b1-test", None]
    assert found[0].models == (("qwen3:8b", f"sha256:{model.digest}"),)
    assert f"It has qwen3:8b (sha256:{model.digest[:12]})." in found[0].detail
    assert "It has big (no digest told)." in found[1].detail
    assert "cannot be reached" in found[2].detail
