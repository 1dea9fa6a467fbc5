"""Bytes of the key-value cache that one more token takes, from a model's own dimensions.

Full attention keeps, in 16 bits, 2 × layers × key-value heads × head dimension values for a token. Layers
that do not grow with the context are left out, and a note says so: sliding windows (which keep their window
and no more), linear attention, convolutions and state-space layers. Multi-head latent attention (DeepSeek-V2)
keeps one compressed vector for all heads of a layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict

BYTES_PER_VALUE = 2
MOST_LAYERS = 1000
LAYERS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers")
HEADS = ("num_attention_heads", "n_head", "n_heads")
KV_HEADS = ("num_key_value_heads", "multi_query_group_num", "num_kv_heads")
HEAD_DIM = ("head_dim", "kv_channels", "attention_head_dim")
GROWING = frozenset({"full_attention", "attention", "global_attention", "global", "full"})
SLIDING = frozenset({"sliding_attention", "local_attention", "chunked_attention", "sliding", "local"})
STATEFUL = ("mamba", "rwkv", "recurrent", "ssm", "lfm2", "jamba", "zamba", "falcon_h1", "nemotron_h")


class CacheReading(BaseModel):
    """Growth of the cache by a token, and how it was computed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bytes_per_token: int | None
    """None where the dimensions are not told, or not understood."""
    rule: str
    """How it was computed, with what was left out."""
    field: str
    """Path of the field with the number of layers."""


class _Layers(NamedTuple):
    growing: int
    sliding: int
    other: int


def read_cache(config: Mapping[str, Any]) -> CacheReading:
    """Read ``config`` (the parsed ``config.json``). Never raises."""
    part, prefix = _dimensions(config)
    layers, name = _first(part, LAYERS)
    field = prefix + name
    if layers is None or layers > MOST_LAYERS:
        return CacheReading(bytes_per_token=None, rule="The config names no number of layers.", field=field)
    split = _split(part, layers)
    if split is None:
        rule = "Some layers keep a state instead of a cache, and the config does not say how many."
        return CacheReading(bytes_per_token=None, rule=rule, field=field)
    latent, _ = _first(part, ("kv_lora_rank",))
    if latent is not None:
        each = (latent + (_first(part, ("qk_rope_head_dim",))[0] or 0)) * BYTES_PER_VALUE
        rule = f"{split.growing} layers × one latent vector for all heads, in 16 bits."
        return CacheReading(bytes_per_token=split.growing * each, rule=rule, field=field)
    grows, slides = _layer_bytes(part, whole=True), _layer_bytes(part, whole=False)
    if grows is None or slides is None:
        return CacheReading(bytes_per_token=None, rule="The config names no heads.", field=field)
    shared = _first(part, ("num_kv_shared_layers",))[0] or 0
    if 0 < shared < layers:  # the last layers use the cache of earlier ones
        split = _Layers(*(round(count * (layers - shared) / layers) for count in split))
    return CacheReading(
        bytes_per_token=split.growing * grows or None,
        rule=_rule(part, split, grows, slides, shared),
        field=field,
    )


def _dimensions(config: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    for key in ("text_config", "llm_config", "language_config"):
        nested = config.get(key)
        if isinstance(nested, Mapping) and _first(nested, LAYERS)[0] is not None:
            return nested, f"{key}."
    return config, ""


def _split(part: Mapping[str, Any], layers: int) -> _Layers | None:
    """How many layers grow, slide, or do neither; None where that cannot be known."""
    kinds = part.get("layer_types") or part.get("layers_block_type")
    if isinstance(kinds, Sequence) and not isinstance(kinds, str) and len(kinds) == layers:
        named = [kind for kind in kinds if isinstance(kind, str)]
        growing = sum(kind in GROWING for kind in named)
        sliding = sum(kind in SLIDING for kind in named)
        return _Layers(growing, sliding, layers - growing - sliding)
    pattern = part.get("hybrid_override_pattern")
    if isinstance(pattern, str) and len(pattern) == layers:
        return _Layers(pattern.count("*"), 0, layers - pattern.count("*"))
    every = _first(part, ("full_attention_interval", "attn_layer_period"))[0]
    if every:
        return _Layers(layers // every, 0, layers - layers // every)
    model_type = str(part.get("model_type") or "")
    if any(word in model_type for word in STATEFUL) or any("mamba" in key or "ssm" in key for key in part):
        return None
    if _window(part) is None:
        return _Layers(layers, 0, 0)
    every = _first(part, ("sliding_window_pattern", "_sliding_window_pattern"))[0]
    every = every or (2 if model_type == "gemma2" else None)
    if every:
        return _Layers(layers // every, layers - layers // every, 0)
    return _Layers(layers, 0, 0)


def _window(part: Mapping[str, Any]) -> int | None:
    return None if part.get("use_sliding_window") is False else _first(part, ("sliding_window",))[0]


def _layer_bytes(part: Mapping[str, Any], *, whole: bool) -> int | None:
    """Bytes of one token in one layer; ``whole`` for a layer that sees everything, where those differ."""
    heads, hidden = _first(part, HEADS)[0], _first(part, ("hidden_size", "n_embd", "d_model"))[0]
    wide = ("global_head_dim", *HEAD_DIM) if whole else HEAD_DIM
    dimension = _first(part, wide)[0] or (hidden // heads if hidden and heads else None)
    few = ("num_global_key_value_heads", *KV_HEADS) if whole else KV_HEADS
    kv_heads = _first(part, few)[0] or (1 if part.get("multi_query") is True else heads)
    return 2 * kv_heads * dimension * BYTES_PER_VALUE if kv_heads and dimension else None


def _rule(part: Mapping[str, Any], split: _Layers, grows: int, slides: int, shared: int) -> str:
    rule = f"{split.growing} layers × {grows:,} bytes for keys and values in 16 bits."
    window = _window(part)
    if split.sliding and window:
        rule += (
            f" {split.sliding} layers see {window:,} tokens only and add "
            f"{split.sliding * slides * window:,} bytes at most."
        )
    elif window and not split.other:
        rule += f" A runtime that uses the window of {window:,} tokens keeps no more than those."
    if split.other:
        rule += f" {split.other} layers keep a state that does not grow."
    if shared:
        rule += f" {shared} layers share the cache of others."
    return rule


def _first(part: Mapping[str, Any], names: Sequence[str]) -> tuple[int | None, str]:
    for name in names:
        value = part.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 10_000_000:
            return value, name
    return None, names[0]
