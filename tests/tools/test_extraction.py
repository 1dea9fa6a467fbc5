"""Facts by rules: each with a field or a quote that stands in the page."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.standins.world import hub_content
from tools.extraction import (
    domain_focus,
    facts_from_card,
    facts_from_config,
    facts_from_hub,
    focus_of_name,
    gguf_facts,
    gguf_files,
    quantization_of,
)
from tools.facts import Factor, SourceKind, content_hash, quote_is_in
from tools.hub import HubModel
from tools.web import Page

KEY = "org/Model-8B"


def page(text: str, url: str = "https://huggingface.co/x") -> Page:
    return Page(
        url=url,
        final_url=url,
        status=200,
        content_type="text/plain",
        text=text,
        content_hash=content_hash(text),
        body_sha256=content_hash(text),
        body_bytes=len(text),
        retrieved_at=datetime(2026, 6, 1, tzinfo=UTC),
    )


def from_card(text: str) -> dict[Factor, list[object]]:
    found: dict[Factor, list[object]] = {}
    for fact in facts_from_card(page(text), KEY):
        assert fact.source.quote
        assert quote_is_in(fact.source.quote, text)
        found.setdefault(fact.factor, []).append(fact.value)
    return found


@pytest.mark.parametrize(
    ("line", "native", "extended"),
    [
        ("- Context Length: 32,768 natively and 131,072 tokens with [YaRN](#x).", [32768], [131072]),
        ("- Context Length: Full 131,072 tokens and generation 8192 tokens", [131072], None),
        ("Context length: 128K", [131072], None),
        ("Validated with YaRN on context lengths of up to 131,072 tokens.", None, [131072]),
        ("Released 2024, its context window is 8,192 tokens.", [8192], None),
        ("It natively supports context lengths of 32,768 tokens.", [32768], None),
        ("It was trained on 15,000,000 tokens in 2024.", None, None),
        ("The context of 2024 matters.", None, None),
    ],
)
def test_context_lines(line, native, extended):
    found = from_card(line)
    assert found.get(Factor.CONTEXT_NATIVE) == native
    assert found.get(Factor.CONTEXT_EXTENDED) == extended


@pytest.mark.parametrize(
    ("card", "factor", "values"),
    [
        ("---\nlicense: llama3.1\n---\n", Factor.LICENCE, ["llama3.1"]),
        ("license: other\nlicense_name: mrl\n", Factor.LICENCE, ["mrl"]),
        ("license: apache-2.0\n**License:** Gemma License", Factor.LICENCE, ["apache-2.0", "gemma"]),
        ("This model is released under the MIT licence.", Factor.LICENCE, ["mit"]),
        ("The admit rate is high.", Factor.LICENCE, None),
        ("- Release date: 2025-04-29", Factor.RELEASE_DATE, ["2025-04-29"]),
        ("**Model Release Date:** July 23, 2024.", Factor.RELEASE_DATE, ["2024-07-23"]),
        ("Released on 5th June 2024\nReleased 2020-01-01", Factor.RELEASE_DATE, ["2024-06-05"]),
        ("Released on 2024-13-45", Factor.RELEASE_DATE, None),
        ("- Number of Parameters: 8,190,735,360", Factor.PARAMETERS, [8190735360]),
        ("- Number of Parameters: 8.2B", Factor.PARAMETERS, [8200000000]),
        ("- Number of Paramaters (Non-Embedding): 6.95B", Factor.PARAMETERS, None),
        ("Pass enable_thinking=False to the template.", Factor.ARCHITECTURE_FOCUS, ["hybrid thinking"]),
        (
            "This model supports only non-thinking mode; enable_thinking=False is not needed.",
            Factor.ARCHITECTURE_FOCUS,
            ["chat"],
        ),
        ("This model supports only thinking mode.", Factor.ARCHITECTURE_FOCUS, ["reasoning"]),
    ],
)
def test_card_lines(card, factor, values):
    assert from_card(card).get(factor) == values


WORDS = (
    "context",
    "length",
    "license",
    ":",
    "released",
    "under",
    "2024-05-01",
    "128K",
    "1M",
    "YaRN",
    ",",
    "\n",
)


@settings(max_examples=60)
@given(st.lists(st.sampled_from(WORDS)))
def test_any_card_gives_facts_whose_quotes_stand_in_it(words):
    text = " ".join(words)
    for fact in facts_from_card(page(text), KEY):
        assert quote_is_in(fact.source.quote or "", text)


def test_a_hub_record():
    record = HubModel.model_validate(
        {
            "id": "org/Model-8B-Instruct",
            "createdAt": "2025-04-27T00:00:00.000Z",
            "gated": "manual",
            "downloads": 5,
            "likes": 1,
            "safetensors": {"total": 8190735360},
            "cardData": {"license": "other", "license_name": "mrl", "base_model": "org/Model-8B"},
            "tags": ["license:other"],
        }
    )
    facts = {fact.factor: fact for fact in facts_from_hub(record, page("{}"))}
    assert facts[Factor.PARAMETERS].source.record_field == "safetensors.total"
    assert facts[Factor.PARAMETERS].source.kind is SourceKind.ARTEFACT
    assert facts[Factor.LICENCE].value == "mrl"
    assert facts[Factor.GATED].value is True
    assert facts[Factor.BASE_MODEL].value == "org/Model-8B"
    assert facts[Factor.ARCHITECTURE_FOCUS].value == "chat"
    assert facts[Factor.DOWNLOADS].value == 5
    listed = facts_from_hub(record, page("[]", "https://huggingface.co/api/models?limit=1"))
    assert listed[0].source.record_field == "[org/Model-8B-Instruct].safetensors.total"


def test_gguf_files_and_facts():
    sha = "ab" * 32
    names = ["M-Q4_K_M.gguf", "M-Q8_0.gguf", "mmproj-F16.gguf", "M-Q4_K_M-00001-of-00002.gguf", "README.md"]
    record = HubModel.model_validate(
        {
            "id": "pack/Model-8B-GGUF",
            "gguf": {"total": 8, "context_length": 40960, "chat_template": "{% if enable_thinking %}"},
            "siblings": [{"rfilename": n, "size": 7, "lfs": {"sha256": sha}} for n in names],
        }
    )
    assert [(f.name, f.quantization) for f in gguf_files(record)] == [
        ("M-Q4_K_M.gguf", "Q4_K_M"),
        ("M-Q8_0.gguf", "Q8_0"),
    ]
    facts = {fact.factor: fact for fact in gguf_facts(record, page("{}"), candidate=KEY)}
    assert facts[Factor.GGUF_FILE].value == "M-Q4_K_M.gguf"
    assert facts[Factor.GGUF_FILE].source.kind is SourceKind.VENDOR
    assert (facts[Factor.GGUF_BYTES].value, facts[Factor.GGUF_SHA256].value) == (7, sha)
    own = {fact.factor: fact.value for fact in facts_from_hub(record, page("{}"))}
    assert own[Factor.CONTEXT_NATIVE] == 40960
    assert own[Factor.ARCHITECTURE_FOCUS] == "hybrid thinking"


def test_a_config():
    rope = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}
    text = json.dumps({"max_position_embeddings": 131072, "rope_scaling": rope})
    facts = {fact.factor: fact for fact in facts_from_config(page(text), KEY)}
    assert facts[Factor.CONTEXT_NATIVE].value == 32768
    native = facts[Factor.CONTEXT_NATIVE].source.record_field
    assert native == "rope_scaling.original_max_position_embeddings"
    assert facts[Factor.CONTEXT_EXTENDED].value == 131072
    assert facts_from_config(page("[1]"), KEY) == facts_from_config(page("no"), KEY) == []


@pytest.mark.parametrize(
    ("name", "quantization"),
    [
        ("Qwen3-8B-Q4_K_M.gguf", "Q4_K_M"),
        ("a.IQ3_XS.gguf", "IQ3_XS"),
        ("a-f16.gguf", "F16"),
        ("a.gguf", None),
    ],
)
def test_quantization_of_a_file(name, quantization):
    assert quantization_of(name) == quantization


@pytest.mark.parametrize(
    ("repo", "focus"),
    [
        ("Qwen/Qwen2.5-Coder-7B-Instruct", "code"),
        ("Qwen/Qwen2.5-Math-7B-Instruct", "mathematics"),
        ("allenai/Olmo-3-7B-Think", "reasoning"),
        ("google/gemma-2-9b-it", "chat"),
        ("Qwen/Qwen3-8B-Base", "base"),
        ("Qwen/Qwen3-8B", None),
        ("org/Recoder-itself", None),
    ],
)
def test_focus_of_a_name(repo, focus):
    assert focus_of_name(repo) == focus


def test_a_domain_fine_tune_is_quoted():
    card = "# Fable\nfine-tuned from Qwen 3.5 4B on 4,537 counseling conversations\n"
    facts = domain_focus(page(card), KEY, ["therapy", "counsel"])
    assert [fact.value for fact in facts] == ["domain fine-tune"]
    assert facts[0].source.quote == "fine-tuned from Qwen 3.5 4B on 4,537 counseling conversations"
    assert domain_focus(page(card), KEY, ["law"]) == domain_focus(page(card), KEY, []) == []


def test_every_card_of_the_world_tells_its_context():
    cards = {repo: named["README.md"] for repo, named in hub_content()[1].items()}
    found = from_card(cards["Qwen/Qwen3-8B"])
    assert (found[Factor.CONTEXT_NATIVE], found[Factor.CONTEXT_EXTENDED]) == ([32768], [131072])
    assert found[Factor.RELEASE_DATE] == ["2025-04-29"]
    assert found[Factor.LICENCE] == ["apache-2.0"]
