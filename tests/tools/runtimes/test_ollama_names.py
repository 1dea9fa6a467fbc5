from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.faults import WrongUse
from tools.runtimes.ollama_names import canonical, hub_name, names_a_quantization, ollama_url


@pytest.mark.parametrize(
    ("host", "url"),
    [
        (None, "http://127.0.0.1:11434"),
        ("", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:5000", "http://127.0.0.1:5000"),
        ("[::]:5000", "http://[::1]:5000"),
        (":56789", "http://127.0.0.1:56789"),
        ("example.com", "http://example.com:11434"),
        ("http://example.com", "http://example.com:80"),
        ("https://example.com/ollama/", "https://example.com:443/ollama"),
        ("[::1]", "http://[::1]:11434"),
        (' "10.0.0.2:11434" ', "http://10.0.0.2:11434"),
    ],
)
def test_an_address_is_read_as_ollama_reads_it(host: str | None, url: str) -> None:
    assert ollama_url(host) == url
    assert ollama_url(ollama_url(host)) == url


@pytest.mark.parametrize("host", ["ftp://host", "host:port", "host:99999", "http://[::1"])
def test_an_address_that_is_none_is_wrong_use(host: str) -> None:
    with pytest.raises(WrongUse):
        ollama_url(host)


@given(st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}(:[a-z0-9]{1,8})?", fullmatch=True))
@settings(max_examples=50)
def test_one_spelling_for_all_names_of_a_model(name: str) -> None:
    spelled = canonical(name)
    assert canonical(spelled) == spelled
    assert canonical(f"registry.ollama.ai/library/{name.upper()}") == spelled


def test_a_hub_name_is_taken_apart() -> None:
    found = hub_name("huggingface.co/Qwen/Qwen3-8B-GGUF:Q5_K_M")
    assert found is not None
    assert (found.repo, found.quantization) == ("Qwen/Qwen3-8B-GGUF", "Q5_K_M")
    default = hub_name("hf.co/Qwen/Qwen3-8B-GGUF")
    assert default is not None
    assert default.quantization == "Q4_K_M"
    assert hub_name("qwen3:8b") is None


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("llama3.1:8b-instruct-q8_0", True),
        ("x:fp16", True),
        ("qwen3:8b", False),
        ("qwen3", False),
        ("me/q4:8b", False),
    ],
)
def test_a_tag_may_name_its_quantization(name: str, says: bool) -> None:
    assert names_a_quantization(name) is says
