"""Context from config.json."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.standins.world import _facts
from tools.context_rules import read_context, read_header_context

LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "original_max_position_embeddings": 8192}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}


@pytest.mark.parametrize(
    ("repo", "native", "extended"),
    [
        ("Qwen/Qwen3-8B", 40960, None),
        ("meta-llama/Llama-3.1-8B-Instruct", 131072, None),
        ("deepseek-ai/DeepSeek-R1-0528-Qwen3-8B", 32768, 131072),
        ("allenai/Olmo-3-7B-Instruct", 8192, 65536),
        ("mistralai/Ministral-8B-Instruct-2410", 32768, None),
        ("mistralai/Mistral-Nemo-Instruct-2407", None, None),
        ("internlm/internlm3-8b-instruct", 32768, 196608),
        ("Qwen/Qwen3.5-9B", 262144, None),
        ("google/gemma-4-E4B-it", 131072, None),
        ("HuggingFaceH4/zephyr-7b-beta", 32768, None),
    ],
)
def test_configs_of_real_models(repo, native, extended):
    reading = read_context(_facts("models.json")["configs"][repo])
    assert (reading.native, reading.extended) == (native, extended)


@pytest.mark.parametrize(
    ("config", "native", "extended"),
    [
        ({"max_position_embeddings": 131072, "rope_scaling": LLAMA3}, 131072, None),
        ({"max_position_embeddings": 32768, "rope_scaling": YARN}, 32768, 131072),
        ({"max_position_embeddings": 131072, "rope_parameters": YARN}, 32768, 131072),
        ({"max_position_embeddings": 8192, "rope_scaling": {"type": "yarn", "factor": 4}}, 8192, 32768),
        ({"max_position_embeddings": 131072, "rope_scaling": {"type": "longrope"}}, 131072, None),
        ({"max_position_embeddings": 4096, "rope_scaling": {"type": "linear", "factor": 2}}, 4096, 8192),
        ({"max_position_embeddings": 4096, "rope_scaling": {"type": "unheard"}}, 4096, None),
        ({"max_position_embeddings": 32768, "rope_scaling": {"type": "mrope"}}, 32768, None),
        ({"text_config": {"max_position_embeddings": 262144}, "max_position_embeddings": 5}, 262144, None),
        ({"n_positions": 1024}, 1024, None),
        ({"max_position_embeddings": 65536, "rope_scaling": LLAMA3}, 65536, None),  # Apertus, not × 8
        (
            {"max_position_embeddings": 65536, "rope_scaling": {"rope_type": "longrope"}},
            65536,
            None,
        ),  # MiniCPM4.1
        ({"max_position_embeddings": 1024000, "model_type": "mistral"}, None, None),
        ({"max_position_embeddings": 1024000, "model_type": "qwen2"}, 1024000, None),
        ({"max_position_embeddings": "many"}, None, None),
        ({}, None, None),
    ],
)
def test_rules(config, native, extended):
    reading = read_context(config)
    assert (reading.native, reading.extended) == (native, extended)
    assert reading.rule


def test_what_a_reader_must_know_is_noted():
    configs = _facts("models.json")["configs"]
    assert "placeholder" in read_context(configs["mistralai/Mistral-Nemo-Instruct-2407"]).notes[0]
    assert "equals the length" in read_context(configs["mistralai/Ministral-8B-Instruct-2410"]).notes[0]
    assert "4096" in read_context(configs["HuggingFaceH4/zephyr-7b-beta"]).notes[0]
    assert (
        read_context(
            {"max_position_embeddings": 32768, "sliding_window": 4096, "use_sliding_window": False}
        ).notes
        == ()
    )
    assert any("as shipped" in note for note in read_context(configs["allenai/Olmo-3-7B-Instruct"]).notes)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=6), inner, max_size=2),
    max_leaves=4,
)
rope = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["yarn", "llama3", "linear", "dynamic", "default"]) | anything,
        "factor": st.floats() | st.integers() | anything,
        "original_max_position_embeddings": st.integers() | anything,
    },
)
configs = st.fixed_dictionaries(
    {},
    optional={
        "max_position_embeddings": st.integers() | anything,
        "rope_scaling": rope | anything,
        "text_config": anything,
        "sliding_window": anything,
    },
)


@settings(max_examples=120)
@given(configs)
def test_any_config_is_read_and_extended_is_never_the_smaller(config):
    reading = read_context(config)
    assert reading.native is None or reading.native > 0
    if reading.extended is not None:
        assert reading.native is not None
        assert reading.extended >= reading.native


@given(st.integers(min_value=1024, max_value=1_000_000), st.floats(min_value=1, max_value=64))
def test_llama3_is_never_multiplied(longest, factor):
    config = {"max_position_embeddings": longest, "rope_scaling": {**LLAMA3, "factor": factor}}
    assert read_context(config).native == longest
    assert read_context(config).extended is None


HEADERS = [
    ({"general.architecture": "llama", "llama.context_length": 131072}, 131072, None, "llama.context_length"),
    (
        {
            "general.architecture": "qwen3",
            "qwen3.context_length": 131072,
            "qwen3.rope.scaling.type": "yarn",
            "qwen3.rope.scaling.factor": 4.0,
            "qwen3.rope.scaling.original_context_length": 32768,
        },
        32768,
        131072,
        "qwen3.rope.scaling.original_context_length",
    ),
    (
        {"general.architecture": "llama", "llama.context_length": 4096, "llama.rope.scaling.type": "none"},
        4096,
        None,
        "llama.context_length",
    ),
    ({"general.architecture": "llama", "llama.context_length": 1024000}, None, None, None),
    ({"general.architecture": "llama"}, None, None, None),
    ({}, None, None, None),
]


@pytest.mark.parametrize(("metadata", "native", "extended", "field"), HEADERS)
def test_headers_are_read_by_the_rules_for_configs(metadata, native, extended, field):
    reading = read_header_context(metadata)
    assert (reading.native, reading.extended, reading.field) == (native, extended, field)
    assert "max_position_embeddings" not in reading.sentence


def test_head_room_is_noted_for_the_family_that_has_it():
    config = {"max_position_embeddings": 40960, "model_type": "qwen3"}
    assert "32,768 + 8,192" in read_context(config).sentence
    assert "8,192" not in read_context({**config, "model_type": "llama"}).sentence


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(sorted({k for m, *_ in HEADERS for k in m})), anything))
def test_any_header_is_read(metadata):
    reading = read_header_context(metadata)
    assert reading.native is None or reading.native > 0
