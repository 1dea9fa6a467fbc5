"""The beginning of a GGUF file of a model: metadata with its dimensions, the list of tensors, no weights.

As in a real file the vocabulary follows the keys that matter, so that a reader of the first kilobytes finds
them, and the tensors sum up to the parameter count.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NamedTuple

import gguf
import numpy as np

BITS = {"Q4_K_M": 4.9, "Q5_K_M": 5.7, "Q6_K": 6.6, "Q8_0": 8.5}
"""Bits a parameter of a file, roughly: all that is known of a file is often its model's size."""
BLOCK, BLOCK_BYTES = 256, 144
TOKENS = 4000
TEMPLATE = "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
THINKING = (
    TEMPLATE + "{% if enable_thinking is defined and enable_thinking is false %}<think>\n</think>{% endif %}"
)


class Dimensions(NamedTuple):
    """A model's shape, as ``facts/dimensions.json`` has it. ``head_size`` is that of a key and of a value."""

    architecture: str
    layers: int
    heads: int
    kv_heads: int
    width: int
    feed_forward: int
    head_size: int

    @property
    def as_config(self) -> dict[str, int]:
        """The same in the words of ``config.json``."""
        return {
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads,
            "hidden_size": self.width,
            "intermediate_size": self.feed_forward,
            "head_dim": self.head_size,
        }


def gguf_head(
    name: str,
    shape: Dimensions,
    *,
    parameters: int,
    context: int | None,
    licence: str | None,
    quant: str = "Q4_K_M",
    thinks: bool = False,
) -> bytes:
    """The bytes up to the first weight. Whatever ``quant`` says, the tensors are listed as Q4_K."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "head.gguf"
        writer = gguf.GGUFWriter(path, shape.architecture)
        _keys(writer, name, shape, context, licence, quant)
        _vocabulary(writer, thinks=thinks)
        _tensors(writer, shape, parameters)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        writer.close()
        return path.read_bytes()


def _keys(
    writer: gguf.GGUFWriter,
    name: str,
    shape: Dimensions,
    context: int | None,
    licence: str | None,
    quant: str,
) -> None:
    writer.add_name(name)
    writer.add_file_type(gguf.LlamaFileType[f"MOSTLY_{quant}"])
    if licence:
        writer.add_license(licence)
    if context:
        writer.add_context_length(context)
    writer.add_block_count(shape.layers)
    writer.add_embedding_length(shape.width)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_key_length(shape.head_size)
    writer.add_value_length(shape.head_size)


def _vocabulary(writer: gguf.GGUFWriter, *, thinks: bool) -> None:
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([f"token{number}" for number in range(TOKENS)])
    writer.add_token_types([gguf.TokenType.NORMAL] * TOKENS)
    writer.add_chat_template(THINKING if thinks else TEMPLATE)


def _tensors(writer: gguf.GGUFWriter, shape: Dimensions, parameters: int) -> None:
    """One quantised tensor a layer, and the rest of the parameters in a small one."""
    each = parameters // shape.layers // BLOCK * BLOCK
    packed = each // BLOCK * BLOCK_BYTES
    for layer in range(shape.layers):
        writer.add_tensor_info(
            f"blk.{layer}.ffn_up.weight",
            (packed,),
            np.dtype(np.uint8),
            packed,
            raw_dtype=gguf.GGMLQuantizationType.Q4_K,
        )
    rest = parameters - each * shape.layers
    if rest:
        writer.add_tensor_info("output_norm.weight", (rest,), np.dtype(np.float32), 4 * rest)
