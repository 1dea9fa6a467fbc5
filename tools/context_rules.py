"""Native and extended context from a model's ``config.json``.

What rope scaling does to ``max_position_embeddings`` depends on its type; multiplying it by the factor, as
catalogues do, is wrong for most (Llama 3.1 came out as 1,048,576). The rules:

- no scaling: native = max_position_embeddings;
- ``llama3``: max_position_embeddings already includes the factor, native = max_position_embeddings;
- ``yarn`` with original_max_position_embeddings: native = the original, extended = max_position_embeddings
  where it is larger, else original × factor; without the original: native = max_position_embeddings,
  extended = that × factor;
- ``longrope`` / ``su``: trained at the full length, native = max_position_embeddings;
- ``dynamic``, ``linear`` and ``ntk``: a way to stretch at run time, native = max_position_embeddings, and
  extended = that × factor.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict

from tools.card_rules import card_rules

LARGEST_CONTEXT = 100_000_000
LENGTHS = ("max_position_embeddings", "n_positions", "max_sequence_length", "seq_length", "model_max_length")


class ContextReading(BaseModel):
    """What a config says about context, in tokens, and by which rule."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    native: int | None
    """Length that the model was trained for; None when the config does not tell, or cannot be believed."""
    extended: int | None
    """Length with scaling switched on; None when the config names none."""
    rule: str
    """The rule that was applied, as a sentence."""
    field: str | None = None
    """Path of the config's field that ``native`` was read from."""
    extended_field: str | None = None
    """Path of the field that ``extended`` was read or computed from."""
    notes: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The rule and its notes, for the note of a fact."""
        return " ".join((self.rule, *self.notes))


class _Rope(NamedTuple):
    kind: str
    factor: float | None
    original: int | None
    path: str


class _Found(NamedTuple):
    native: int
    extended: int | None
    rule: str
    field: str
    extended_field: str | None


def read_context(config: Mapping[str, Any]) -> ContextReading:
    """Read ``config`` (the parsed ``config.json``). Never raises: what is not understood is a note."""
    part, prefix = _text_part(config)
    longest, field = _longest(part, prefix)
    if longest is None:
        return ContextReading(native=None, extended=None, rule="The config names no length.")
    model_type = str(part.get("model_type") or config.get("model_type") or "")
    placeholder = card_rules().placeholder(longest, model_type)
    if placeholder is not None:
        rule = "A placeholder is no length."
        return ContextReading(native=None, extended=None, rule=rule, notes=(placeholder.why,))
    found = _apply(longest, field, _rope(part, prefix))
    return ContextReading(
        native=found.native,
        extended=found.extended,
        rule=found.rule,
        field=found.field,
        extended_field=found.extended_field,
        notes=(
            *_room_note(found.native, model_type),
            *_window_note(part, found.native),
            *_shipped_note(found),
        ),
    )


def read_header_context(metadata: Mapping[str, Any]) -> ContextReading:
    """Read the metadata of a GGUF header, by the rules for the config that it was made from."""
    architecture = str(metadata.get("general.architecture") or "")

    def of(key: str) -> Any:
        return metadata.get(f"{architecture}.{key}")

    config = {
        "model_type": architecture,
        "max_position_embeddings": of("context_length"),
        "sliding_window": of("attention.sliding_window"),
        "rope_scaling": {
            "type": "default" if of("rope.scaling.type") in (None, "none") else of("rope.scaling.type"),
            "factor": of("rope.scaling.factor"),
            "original_max_position_embeddings": of("rope.scaling.original_context_length"),
        },
    }
    reading = read_context(config)
    names = {
        "max_position_embeddings": "context_length",
        "rope_scaling.original_max_position_embeddings": "rope.scaling.original_context_length",
        "rope_scaling.factor": "rope.scaling.factor",
    }

    def named(field: str | None) -> str | None:
        return f"{architecture}.{names[field]}" if field in names else None

    rule = reading.rule
    for old, new in names.items():
        rule = rule.replace(old, new)
    told = {"field": named(reading.field), "extended_field": named(reading.extended_field), "rule": rule}
    return reading.model_copy(update=told)


def _text_part(config: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    """The language model's own part: multimodal configs nest it."""
    for key in ("text_config", "llm_config", "language_config"):
        nested = config.get(key)
        if isinstance(nested, Mapping) and _longest(nested, "")[0] is not None:
            return nested, f"{key}."
    return config, ""


def _longest(part: Mapping[str, Any], prefix: str) -> tuple[int | None, str]:
    for key in LENGTHS:
        value = _tokens(part.get(key))
        if value is not None:
            return value, prefix + key
    return None, ""


def _rope(part: Mapping[str, Any], prefix: str) -> _Rope | None:
    for key in ("rope_scaling", "rope_parameters"):
        block = part.get(key)
        if not isinstance(block, Mapping):
            continue
        if isinstance(block.get("full_attention"), Mapping):
            block, key = block["full_attention"], f"{key}.full_attention"  # noqa: PLW2901
        kind = str(block.get("rope_type") or block.get("type") or "").lower()
        if kind in {"", "default", "mrope"}:
            continue
        factor = block.get("factor")
        if isinstance(factor, bool) or not isinstance(factor, int | float) or not 1 <= factor <= 1024:
            factor = None
        sane = None if factor is None else float(factor)
        original = _tokens(block.get("original_max_position_embeddings"))
        return _Rope(kind, sane, original, prefix + key)
    return None


def _apply(longest: int, field: str, rope: _Rope | None) -> _Found:
    if rope is None:
        return _Found(longest, None, f"{field} is the native length: no scaling is configured.", field, None)
    if rope.kind == "llama3":
        return _Found(longest, None, f"{field} already includes the llama3 factor.", field, None)
    if rope.kind == "yarn":
        return _yarn(longest, field, rope)
    if rope.kind in {"longrope", "su"}:
        return _Found(longest, None, f"{field} is the trained length of a {rope.kind} model.", field, None)
    if rope.kind in {"linear", "dynamic", "ntk"} and rope.factor and rope.factor > 1:
        extended = _tokens(int(longest * rope.factor))
        rule = f"{field} is native; {rope.kind} scaling stretches it {rope.factor:g}-fold at run time."
        return _Found(longest, extended, rule, field, f"{rope.path}.factor")
    return _Found(
        longest, None, f"{field} is native; scaling {rope.kind[:40]!r} is not applied.", field, None
    )


def _yarn(longest: int, field: str, rope: _Rope) -> _Found:
    source = f"{rope.path}.original_max_position_embeddings"
    if rope.original is None:
        extended = _tokens(int(longest * rope.factor)) if rope.factor and rope.factor > 1 else None
        rule = f"yarn without an original length: {field} is native, times the factor is extended."
        return _Found(longest, extended, rule, field, f"{rope.path}.factor" if extended else None)
    if longest > rope.original:
        rule = f"yarn: the original length is native, {field} is extended."
        return _Found(rope.original, longest, rule, source, field)
    extended = _tokens(int(rope.original * rope.factor)) if rope.factor and rope.factor > 1 else None
    rule = "yarn: the original length is native, times the factor is extended."
    return _Found(rope.original, extended, rule, source, f"{rope.path}.factor" if extended else None)


def _room_note(native: int, model_type: str) -> tuple[str, ...]:
    room = card_rules().head_room(native, model_type)
    return (room.why,) if room else ()


def _window_note(part: Mapping[str, Any], native: int) -> tuple[str, ...]:
    window = _tokens(part.get("sliding_window"))
    if window is None or part.get("use_sliding_window") is False or window > native:
        return ()
    if window == native:
        return (
            f"The sliding window equals the length ({window}): the card may state a longer trained context.",
        )
    return (f"Some layers see a sliding window of {window} tokens only.",)


def _shipped_note(found: _Found) -> tuple[str, ...]:
    """Scaling that the config has switched on already needs nobody to switch it on."""
    if found.extended is None:
        return ()
    return (f"The scaling to {found.extended} is switched on in the config as shipped.",)


def _tokens(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 < value <= LARGEST_CONTEXT else None
