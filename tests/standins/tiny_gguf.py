"""A tiny random Llama in a GGUF file: everything of a model but the sense.

llama.cpp loads it in a few milliseconds, it chats in ASCII nonsense that comes to an end, and it can spell
any text, so that output constrained by a JSON schema works. One seed gives one file, byte for byte.

The readable output is no accident of the seed. Channel 0 of every embedding holds the same constant, no layer
reads or writes that channel, and only the output matrix looks at it, where it acts as the per-token bias that
the architecture does not have: bytes that are no ASCII are never chosen, closing quotes and the end of the
turn come soon.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import gguf
import numpy as np
from numpy.typing import NDArray

CONTEXT_LENGTH = 4096
LICENCE = "apache-2.0"

_WIDTH = 64
_HEADS = 4
_KV_HEADS = 2
_HEAD_DIM = _WIDTH // _HEADS
_LAYERS = 2
_FEED_FORWARD = 160
_CONSTANT = 8.0

_START, _TURN, _END = "<|start|>", "<|turn|>", "<|end|>"
_SENTENCES = """
the of and to a in is it you that he was for on are with as his they be at one have this from or had by hot
but some what there we can out other were all your when up use word how said an each she which do their time
if will way about many then them would write like so these her long make thing see him two has look more day
could go come did my sound no most who over know than call first may down side been now find any new work
part take get place made where after back little only
"""

_TEMPLATE = (
    "{%- for message in messages -%}"
    "<|turn|>{{ message['role'] }}\n{{ message['content'] }}<|end|>\n"
    "{% endfor -%}"
    "{%- if add_generation_prompt -%}<|turn|>assistant\n{% endif -%}"
)
_THINKING_TEMPLATE = (
    "{%- for message in messages -%}"
    "<|turn|>{{ message['role'] }}\n"
    "{%- if message['reasoning_content'] -%}"
    "<think>\n{{ message['reasoning_content'] }}\n</think>\n\n"
    "{%- endif -%}"
    "{{ message['content'] }}<|end|>\n"
    "{% endfor -%}"
    "{%- if add_generation_prompt -%}<|turn|>assistant\n"
    "{%- if enable_thinking is defined and enable_thinking is false -%}<think>\n\n</think>\n\n{%- endif -%}"
    "{%- endif -%}"
)


class _Vocabulary(NamedTuple):
    tokens: list[str]
    types: list[int]
    biases: NDArray[np.float32]


def _byte_letters() -> list[str]:
    """The printable letter that stands for each byte in a byte-level vocabulary."""
    shown = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    letters, spare = [], 0x100
    for byte in range(0x100):
        letters.append(chr(byte) if byte in shown else chr(spare))
        spare += byte not in shown
    return letters


def _vocabulary() -> _Vocabulary:
    letters = _byte_letters()
    space = letters[0x20]
    entries = [(letter, gguf.TokenType.NORMAL, _byte_bias(byte)) for byte, letter in enumerate(letters)]
    entries += [(space + word, gguf.TokenType.NORMAL, 1.0) for word in _SENTENCES.split()]
    entries += [(token, gguf.TokenType.CONTROL, -40.0) for token in (_START, _TURN)]
    entries += [(_END, gguf.TokenType.CONTROL, 0.5)]
    # A byte-pair tokeniser insists on a list of merges; one that is never wanted satisfies it.
    entries += [("qq", gguf.TokenType.NORMAL, -40.0)]
    tokens, types, biases = zip(*entries, strict=True)
    return _Vocabulary(list(tokens), [int(t) for t in types], np.array(biases, dtype=np.float32))


def _byte_bias(byte: int) -> float:
    if byte == ord('"'):
        return 1.5
    return -2.0 if 0x20 <= byte < 0x7F else -40.0


def _tensors(vocabulary: _Vocabulary, seed: int) -> dict[str, NDArray[np.float32]]:
    random = np.random.RandomState(seed)  # its stream is frozen by NumPy, unlike the newer generators'

    def matrix(rows: int, columns: int) -> NDArray[np.float32]:
        return (random.standard_normal((rows, columns)) / np.sqrt(columns)).astype(np.float32)

    def silent(rows: int, columns: int) -> NDArray[np.float32]:
        weights = matrix(rows, columns)
        weights[0] = 0.0
        return weights

    blind = np.ones(_WIDTH, dtype=np.float32)
    blind[0] = 0.0
    embedding = random.standard_normal((len(vocabulary.tokens), _WIDTH)).astype(np.float32)
    embedding[:, 0] = _CONSTANT
    tensors = {"token_embd.weight": embedding}
    for layer in range(_LAYERS):
        name = f"blk.{layer}."
        tensors[name + "attn_norm.weight"] = blind
        tensors[name + "attn_q.weight"] = matrix(_WIDTH, _WIDTH)
        tensors[name + "attn_k.weight"] = matrix(_KV_HEADS * _HEAD_DIM, _WIDTH)
        tensors[name + "attn_v.weight"] = matrix(_KV_HEADS * _HEAD_DIM, _WIDTH)
        tensors[name + "attn_output.weight"] = silent(_WIDTH, _WIDTH)
        tensors[name + "ffn_norm.weight"] = blind
        tensors[name + "ffn_gate.weight"] = matrix(_FEED_FORWARD, _WIDTH)
        tensors[name + "ffn_up.weight"] = matrix(_FEED_FORWARD, _WIDTH)
        tensors[name + "ffn_down.weight"] = silent(_WIDTH, _FEED_FORWARD)
    # The last norm divides by the state's root mean square: the constant plus about one unit a summand.
    constant_seen = _CONSTANT / np.sqrt(_CONSTANT**2 / _WIDTH + 1 + _LAYERS)
    output = matrix(len(vocabulary.tokens), _WIDTH)
    output[:, 0] = vocabulary.biases / constant_seen
    tensors["output_norm.weight"] = np.ones(_WIDTH, dtype=np.float32)
    tensors["output.weight"] = output
    return tensors


def write_tiny_gguf(
    path: Path, *, seed: int = 7, thinking: bool = False, context_length: int = CONTEXT_LENGTH
) -> Path:
    """Write the model of ``seed`` to ``path`` (about 0.5 MB) and return ``path``.

    ``thinking`` gives it a chat template with a switch for thinking aloud.
    """
    vocabulary = _vocabulary()
    tensors = _tensors(vocabulary, seed)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("Tiny")
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_license(LICENCE)
    writer.add_uint64("general.parameter_count", sum(t.size for t in tensors.values()))
    writer.add_context_length(context_length)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(_LAYERS)
    writer.add_feed_forward_length(_FEED_FORWARD)
    writer.add_head_count(_HEADS)
    writer.add_head_count_kv(_KV_HEADS)
    writer.add_rope_dimension_count(_HEAD_DIM)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(vocabulary.tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(vocabulary.tokens)
    writer.add_token_types(vocabulary.types)
    writer.add_token_merges(["q q"])
    writer.add_bos_token_id(vocabulary.tokens.index(_START))
    writer.add_eos_token_id(vocabulary.tokens.index(_END))
    writer.add_add_bos_token(False)
    writer.add_chat_template(_THINKING_TEMPLATE if thinking else _TEMPLATE)
    for name, values in tensors.items():
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
