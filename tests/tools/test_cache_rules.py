"""Bytes of the key-value cache for a token."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.cache_rules import read_cache

QWEN3_8B = {
    "model_type": "qwen3",
    "num_hidden_layers": 36,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "hidden_size": 4096,
}
GEMMA3 = {**QWEN3_8B, "model_type": "gemma3_text", "sliding_window": 1024}

CASES: list[tuple[dict[str, Any], int | None, str]] = [
    (QWEN3_8B, 2 * 36 * 8 * 128 * 2, "36 layers"),
    ({**QWEN3_8B, "head_dim": None}, 2 * 36 * 8 * 128 * 2, "36 layers"),
    ({"text_config": QWEN3_8B}, 2 * 36 * 8 * 128 * 2, "36 layers"),
    ({"n_layer": 12, "n_head": 12, "n_embd": 768}, 2 * 12 * 12 * 64 * 2, "12 layers"),
    (
        {**QWEN3_8B, "model_type": "chatglm", "num_key_value_heads": None, "multi_query_group_num": 2},
        2 * 36 * 2 * 128 * 2,
        "36 layers",
    ),
    ({**GEMMA3, "sliding_window_pattern": 6}, 2 * 6 * 8 * 128 * 2, "30 layers see 1,024 tokens only"),
    ({**GEMMA3, "model_type": "gemma2"}, 2 * 18 * 8 * 128 * 2, "18 layers see 1,024"),
    (
        {**GEMMA3, "layer_types": ["sliding_attention"] * 24 + ["full_attention"] * 12},
        2 * 12 * 8 * 128 * 2,
        "24 layers see 1,024 tokens only",
    ),
    (
        {**QWEN3_8B, "layer_types": ["linear_attention"] * 27 + ["full_attention"] * 9},
        2 * 9 * 8 * 128 * 2,
        "27 layers keep a state",
    ),
    ({**QWEN3_8B, "full_attention_interval": 4}, 2 * 9 * 8 * 128 * 2, "27 layers keep a state"),
    ({**QWEN3_8B, "hybrid_override_pattern": "M-*-" * 9}, 2 * 9 * 8 * 128 * 2, "27 layers keep a state"),
    ({**QWEN3_8B, "model_type": "mamba2"}, None, "state"),
    ({**QWEN3_8B, "sliding_window": 4096}, 2 * 36 * 8 * 128 * 2, "window of 4,096"),
    ({**QWEN3_8B, "sliding_window": 4096, "use_sliding_window": False}, 2 * 36 * 8 * 128 * 2, "16 bits."),
    ({**QWEN3_8B, "kv_lora_rank": 512, "qk_rope_head_dim": 64}, 36 * 576 * 2, "latent"),
    ({**QWEN3_8B, "num_kv_shared_layers": 18}, 2 * 18 * 8 * 128 * 2, "share"),
    ({"num_hidden_layers": 36}, None, "heads"),
    ({}, None, "layers"),
]


@pytest.mark.parametrize(("config", "size", "rule"), CASES)
def test_dimensions_give_bytes_and_the_rule_is_told(
    config: dict[str, Any], size: int | None, rule: str
) -> None:
    reading = read_cache(config)
    assert reading.bytes_per_token == size
    assert rule in reading.rule


KEYS = sorted({key for config, _, _ in CASES for key in config})
anything = st.one_of(
    st.none(),
    st.integers(),
    st.text(max_size=5),
    st.lists(st.text(max_size=3)),
    st.just([{}] * 36),
    st.just(QWEN3_8B),
    st.booleans(),
)


@given(st.dictionaries(st.sampled_from(KEYS), anything))
def test_any_config_is_read(config: dict[str, Any]) -> None:
    reading = read_cache(config)
    assert reading.rule
    assert reading.bytes_per_token is None or reading.bytes_per_token > 0
