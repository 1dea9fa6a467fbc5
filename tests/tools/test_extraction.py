"""Facts by rules: each with a field or a quote that stands in the page."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.standins.fact_page import page
from tests.standins.world import hub_content
from tools.extraction import (
    domain_focus,
    facts_from_card,
    facts_from_config,
    facts_from_discussions,
    facts_from_gguf_header,
    facts_from_hub,
    focus_of_name,
    gguf_facts,
    gguf_files,
    licence_text_facts,
    quantization_of,
)
from tools.facts import Factor, SourceKind, quote_is_in
from tools.hub import HubDiscussions, HubModel

KEY = "org/Model-8B"


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


SAFETENSORS = 4_300_079_472


@pytest.mark.parametrize(
    ("record", "note", "kind"),
    [
        ({"id": "org/Model-4B", "safetensors": {"total": SAFETENSORS}}, "", SourceKind.ARTEFACT),
        (
            {"id": "google/gemma-3-4b-it", "pipeline_tag": "image-text-to-text"},
            "includes the vision tower",
            SourceKind.ARTEFACT,
        ),
        (
            {"id": "org/Model-4B", "config": {"architectures": ["GemmaForConditionalGeneration"]}},
            "includes the vision tower",
            SourceKind.ARTEFACT,
        ),
        ({"id": "google/gemma-4-E2B-it"}, "", SourceKind.ARTEFACT),
        ({"id": "org/Model-3B"}, "the name says 3B", SourceKind.ARTEFACT),
        ({"id": "org/Model-4B-A1B"}, "about 1B are active", SourceKind.ARTEFACT),
        (
            {
                "id": "pack/Model-8B-AWQ",
                "safetensors": {"total": SAFETENSORS, "parameters": {"I32": 9, "F16": 1}},
            },
            "packs several weights",
            SourceKind.VENDOR,
        ),
        (
            {
                "id": "org/Model-4B",
                "safetensors": {"total": SAFETENSORS, "parameters": {"F8_E4M3": 9, "BF16": 1}},
            },
            "",
            SourceKind.ARTEFACT,
        ),
    ],
)
def test_traps_of_the_parameter_count_are_noted(record, note, kind):
    model = HubModel.model_validate({"safetensors": {"total": SAFETENSORS}, **record})
    fact = next(f for f in facts_from_hub(model, page("{}")) if f.factor is Factor.PARAMETERS)
    assert fact.value == SAFETENSORS
    assert note in fact.note if note else fact.note == ""
    assert fact.source.kind is kind


@pytest.mark.parametrize(
    ("status", "value"),
    [
        ({"scansDone": True, "filesWithIssues": []}, "safe"),
        ({"scansDone": False, "filesWithIssues": []}, None),
        ({"scansDone": True, "filesWithIssues": [{"path": "a.bin", "level": "unsafe"}]}, "unsafe: a.bin"),
        ({"scansDone": True, "filesWithIssues": [{}] * 7}, "; ".join(["unsafe: a file"] * 5 + ["2 more"])),
        ({"scansDone": "yes", "filesWithIssues": 3}, None),
        ("nonsense", None),
        (None, None),
    ],
)
def test_security_and_languages_of_a_record(status, value):
    card = {"language": ["en", "de", "zho", 5, "English"]}
    record = HubModel.model_validate({"id": "org/M", "securityRepoStatus": status, "cardData": card})
    facts = {fact.factor: fact.value for fact in facts_from_hub(record, page("{}"))}
    assert facts.get(Factor.SECURITY) == value
    assert facts[Factor.LANGUAGES] == "en, de"


def test_open_discussions_are_a_fact():
    facts = facts_from_discussions(HubDiscussions("org/M", 3, page("{}")))
    assert [(fact.candidate, fact.factor, fact.value) for fact in facts] == [("org/M", Factor.OPEN_ISSUES, 3)]


def test_a_listing_row_is_as_good_as_a_record_and_its_page_is_hashed_once():
    listing = page("[" + " " * 1_000_000 + "]", "https://huggingface.co/api/models?limit=1000")
    record = HubModel.model_validate({"id": "org/M-8B", "downloads": 1, "cardData": {"license": "mit"}})
    for _ in range(200):
        facts = facts_from_hub(record, listing)
    assert {fact.source.content_hash for fact in facts} == {listing.content_hash}
    assert all(fact.source.record_field.startswith("[org/M-8B].") for fact in facts)


HEADER = {
    "general.architecture": "qwen3",
    "general.parameter_count": 8190735360,
    "general.license": "apache-2.0",
    "general.base_model.0.repo_url": "https://huggingface.co/Qwen/Qwen3-8B-Base",
    "general.base_model.1.repo_url": "https://huggingface.co/Qwen/Qwen3-8B",
    "general.base_model.2.repo_url": "https://evil.example/x",
    "qwen3.context_length": 40960,
    "qwen3.block_count": 36,
    "qwen3.attention.head_count": 32,
    "qwen3.attention.head_count_kv": 8,
    "qwen3.attention.key_length": 128,
    "qwen3.attention.value_length": 128,
    "tokenizer.chat_template": "{% if enable_thinking %}",
}


@pytest.mark.parametrize(("owner", "kind"), [("unsloth", SourceKind.VENDOR), ("Qwen", SourceKind.MAKER)])
def test_a_gguf_header(owner, kind):
    url = f"https://huggingface.co/{owner}/Qwen3-8B-GGUF/resolve/main/a.gguf"
    facts = {
        fact.factor: fact for fact in facts_from_gguf_header(page(json.dumps(HEADER), url), "Qwen/Qwen3-8B")
    }
    assert facts[Factor.PARAMETERS].value == 8190735360
    assert facts[Factor.CONTEXT_NATIVE].value == 40960
    assert facts[Factor.CONTEXT_NATIVE].source.record_field == "qwen3.context_length"
    assert "room for prompt and answer" in facts[Factor.CONTEXT_NATIVE].note
    assert facts[Factor.CACHE_BYTES].value == 2 * 36 * 8 * 128 * 2
    assert facts[Factor.ARCHITECTURE_FOCUS].value == "hybrid thinking"
    assert (facts[Factor.LICENCE].value, facts[Factor.LICENCE].source.kind) == ("apache-2.0", kind)
    assert facts[Factor.BASE_MODEL].value == "Qwen/Qwen3-8B-Base"


@pytest.mark.parametrize(
    ("more", "size"),
    [
        ({"qwen3.attention.head_count_kv": [8] * 9 + [0] * 27}, 2 * 9 * 8 * 128 * 2),
        ({"qwen3.ssm.state_size": 128}, None),
        ({"qwen3.attention.kv_lora_rank": 512}, None),
        ({"qwen3.block_count": 0}, None),
    ],
)
def test_the_cache_of_a_header_is_left_out_where_it_cannot_be_known(more, size):
    facts = facts_from_gguf_header(page(json.dumps({**HEADER, **more})), "Qwen/Qwen3-8B")
    assert [fact.value for fact in facts if fact.factor is Factor.CACHE_BYTES] == ([size] if size else [])


def test_a_page_that_is_no_header_has_no_facts():
    assert facts_from_gguf_header(page("[]"), KEY) == facts_from_gguf_header(page("GGUF"), KEY) == []


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        ("\n      Apache License\n   Version 2.0, January 2004\n", "apache-2.0"),
        (
            "LLAMA 3.1 COMMUNITY LICENSE AGREEMENT\nLlama 3.1 Version Release Date: July 23, 2024\n",
            "llama3.1",
        ),
        ("Qwen RESEARCH LICENSE AGREEMENT\n\nRelease Date: September 19, 2024\n", "qwen-research"),
        ("Gemma Terms of Use\n\nLast modified: February 21, 2024\n", "gemma"),
        ("MIT License\n\nCopyright (c) 2023 DeepSeek\n", "mit"),
        ("See the model's own licence.\n", None),
        ("", None),
    ],
)
def test_a_licence_is_known_by_its_own_text(text, licence):
    facts = licence_text_facts(page(text), KEY, text_hash="sha256:" + "0" * 64)
    assert [fact.value for fact in facts] == ([licence] if licence else [])
    assert all("sha256:000" in fact.note and quote_is_in(fact.source.quote, text) for fact in facts)


def test_a_config_gives_its_rule_and_its_cache():
    config = {"model_type": "qwen3", "max_position_embeddings": 40960, "num_hidden_layers": 2}
    config |= {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8}
    facts = {fact.factor: fact for fact in facts_from_config(page(json.dumps(config)), KEY)}
    assert facts[Factor.CACHE_BYTES].value == 2 * 2 * 2 * 8 * 2
    assert "40,960 = 32,768 + 8,192" in facts[Factor.CONTEXT_NATIVE].note


@pytest.mark.parametrize("licence", [{}, {"name": "mit"}, 7, [{}], [[]], True])
def test_a_licence_of_a_wrong_type_is_none(licence):
    record = {"id": "org/M-8B", "cardData": {"license": licence, "license_name": "own"}}
    facts = facts_from_hub(HubModel.model_validate(record), page(json.dumps(record)))
    assert [fact for fact in facts if fact.factor is Factor.LICENCE] == []


HUGE = 10**400
"""JSON can spell it, and no float can hold it."""


def test_a_number_that_counts_nothing_is_no_fact():
    config = {
        "max_position_embeddings": 32768,
        "rope_scaling": {"type": "yarn", "factor": HUGE},
        "num_hidden_layers": HUGE,
        "num_key_value_heads": 8,
        "head_dim": 128,
    }
    told = facts_from_config(page(json.dumps(config)), "org/M-8B")
    assert {fact.factor: fact.value for fact in told} == {Factor.CONTEXT_NATIVE: 32768}
    record = {"id": "org/M", "safetensors": {"total": HUGE}, "downloads": HUGE, "likes": 3}
    facts = facts_from_hub(HubModel.model_validate(record), page(json.dumps(record)))
    assert [(fact.factor, fact.value) for fact in facts] == [(Factor.LIKES, 3)]
