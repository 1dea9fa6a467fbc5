from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.standins.ollama_server import OllamaServer
from tests.standins.openai_server import OpenAIServer
from tools.faults import Fault, WrongUse
from tools.runtimes.base import RuntimeName
from tools.runtimes.shelf import ModelSpec, RuntimeSettings, RuntimeShelf, parse_model_spec

NOBODY = "127.0.0.1:1"


@asynccontextmanager
async def shelf(models: Path, ollama: str = NOBODY, openai: str | None = None) -> AsyncIterator[RuntimeShelf]:
    opened = RuntimeShelf(RuntimeSettings(models_dir=models, ollama_host=ollama, openai_base_url=openai))
    try:
        yield opened
    finally:
        await opened.aclose()


@pytest.fixture
def no_llamacpp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.runtimes.llamacpp._can_import", lambda: False)


async def test_auto_takes_ollama_where_it_answers_unless_the_model_is_a_file(tmp_path: Path) -> None:
    with OllamaServer() as server:
        async with shelf(tmp_path, server.url) as runtimes:
            assert (await runtimes.choose("auto")).name is RuntimeName.OLLAMA
            assert (await runtimes.choose("auto", model="a/b/c.gguf")).name is RuntimeName.LLAMACPP


async def test_auto_takes_the_embedded_one_otherwise(tmp_path: Path) -> None:
    async with shelf(tmp_path) as runtimes:
        assert (await runtimes.choose("auto")).name is RuntimeName.LLAMACPP


@pytest.mark.usefixtures("no_llamacpp")
async def test_auto_takes_an_openai_server_last(tmp_path: Path) -> None:
    with OpenAIServer() as server:
        async with shelf(tmp_path, openai=server.url) as runtimes:
            assert (await runtimes.choose("auto")).name is RuntimeName.OPENAI


@pytest.mark.usefixtures("no_llamacpp")
async def test_nothing_at_all_says_what_was_tried_and_what_to_do(tmp_path: Path) -> None:
    async with shelf(tmp_path) as runtimes:
        with pytest.raises(Fault) as caught:
            await runtimes.choose("auto")
        statuses = await runtimes.statuses()
    for words in ("Ollama at http://127.0.0.1:1 cannot be reached", "cannot run on this machine"):
        assert words in caught.value.sentence
    for words in ("ollama.com/download", "xllamacpp", "OPENAI_BASE_URL"):
        assert words in caught.value.next_step
    assert set(statuses) == set(RuntimeName)
    assert not any(status.available for status in statuses.values())


async def test_a_named_runtime_is_taken_as_it_is_and_kept(tmp_path: Path) -> None:
    async with shelf(tmp_path) as runtimes:
        ollama = await runtimes.choose("ollama")
        assert ollama.name is RuntimeName.OLLAMA
        assert await runtimes.choose("ollama") is ollama
        assert runtimes.open("ollama:qwen3:8b")[0] is ollama
        with pytest.raises(WrongUse, match="OPENAI_BASE_URL"):
            await runtimes.choose("openai")
        with pytest.raises(WrongUse, match="'vllm'"):
            await runtimes.choose("vllm")


async def test_the_judges_llamacpp_is_not_the_candidates(tmp_path: Path) -> None:
    async with shelf(tmp_path) as runtimes:
        candidate = await runtimes.choose("llamacpp")
        judge, model = runtimes.open("llamacpp:a/b/judge.gguf")
    assert judge is not candidate
    assert model == "a/b/judge.gguf"


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("ollama:qwen3:8b", ModelSpec(RuntimeName.OLLAMA, "qwen3:8b")),
        (" OpenAI:gpt-4o-mini ", ModelSpec(RuntimeName.OPENAI, "gpt-4o-mini")),
        ("llamacpp:a/b/c.gguf@main", ModelSpec(RuntimeName.LLAMACPP, "a/b/c.gguf@main")),
    ],
)
def test_a_spec_is_taken_apart(text: str, spec: ModelSpec) -> None:
    assert parse_model_spec(text) == spec


@pytest.mark.parametrize("text", ["", "qwen3:8b", "ollama", "ollama:", "ollama: ", "human", "anthropic:x"])
def test_a_spec_without_runtime_or_model_is_wrong_use(text: str) -> None:
    with pytest.raises(WrongUse):
        parse_model_spec(text)


def test_settings_do_not_show_secrets(tmp_path: Path) -> None:
    given = RuntimeSettings(models_dir=tmp_path, openai_api_key="sk-secret", hub_token="hf_secret")
    assert "secret" not in repr(given)


def test_importing_runtimes_imports_nothing_heavy() -> None:
    code = (
        "import sys, tools.runtimes, tools.runtimes.shelf;"
        "heavy = ('ollama', 'xllamacpp', 'huggingface_hub', 'httpx', 'psutil');"
        "print([module for module in heavy if module in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
