from __future__ import annotations

import struct
from pathlib import Path

import gguf
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.standins.tiny_gguf import CONTEXT_LENGTH, LICENCE, write_tiny_gguf
from tools.runtimes.gguf_header import GgufError, GgufHeader, read_gguf_file, read_gguf_header


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture(scope="module")
def tiny_bytes(tiny: Path) -> bytes:
    return tiny.read_bytes()


def test_a_whole_file_tells_everything(tiny: Path) -> None:
    header = read_gguf_file(tiny)
    assert header.complete
    assert header.architecture == "llama"
    assert header.name == "Tiny"
    assert header.quantization == "F32"
    assert header.licence == LICENCE
    assert header.native_context == CONTEXT_LENGTH
    assert header.parameters == header.tensor_parameters == header.metadata["general.parameter_count"]
    assert header.chat_template is not None
    assert "<|turn|>" in header.chat_template
    assert header.shape is not None
    assert header.shape.model_dump() == {
        "layers": 2,
        "kv_heads_total": 4,
        "key_length": 16,
        "value_length": 16,
    }


def test_the_first_kilobytes_tell_what_a_choice_needs(tiny_bytes: bytes) -> None:
    header = read_gguf_header(tiny_bytes[:1_500])
    assert not header.complete
    assert (header.quantization, header.licence, header.native_context) == ("F32", LICENCE, CONTEXT_LENGTH)
    assert header.tensor_parameters is None


def test_parameters_are_counted_where_nothing_names_them(tmp_path: Path) -> None:
    writer = gguf.GGUFWriter(tmp_path / "small.gguf", "llama")
    writer.add_file_type(15)
    writer.add_array("llama.attention.head_count_kv", [2, 0, 2])
    writer.add_block_count(3)
    writer.add_head_count(4)
    writer.add_embedding_length(64)
    writer.add_key_length(32)
    writer.add_tensor("a", np.zeros((3, 5), dtype=np.float32))
    writer.add_tensor("b", np.zeros(7, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    header = read_gguf_file(tmp_path / "small.gguf")
    assert header.parameters == 22
    assert header.quantization == "Q4_K_M"
    assert header.shape is not None
    assert header.shape.model_dump() == {
        "layers": 3,
        "kv_heads_total": 4,
        "key_length": 32,
        "value_length": 16,
    }


def test_a_cut_file_is_refused(tiny_bytes: bytes, tmp_path: Path) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(tiny_bytes[:300_000])
    with pytest.raises(GgufError, match="cut off: 300,000 bytes are there"):
        read_gguf_file(cut)
    cut.write_bytes(tiny_bytes[:3_000])
    with pytest.raises(GgufError, match="header does not end"):
        read_gguf_file(cut)


def header_or_error(data: bytes) -> GgufHeader | GgufError:
    try:
        return read_gguf_header(data)
    except GgufError as error:
        return error


def header_bytes(
    *, magic: bytes = b"GGUF", version: int = 3, tensors: int = 0, keys: int = 0, rest: bytes = b""
) -> bytes:
    return magic + struct.pack("<IQQ", version, tensors, keys) + rest


def pair(kind: int, payload: bytes) -> bytes:
    return struct.pack("<Q", 1) + b"k" + struct.pack("<I", kind) + payload


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "too few"),
        (b"GGUF\x03", "too few"),
        (b"<!DOCTYPE html><html>", "does not begin with the letters GGUF"),
        (header_bytes(version=1), "GGUF version 1"),
        (header_bytes(version=0x03000000), "big-endian"),
        (header_bytes(tensors=2**63), "tensors; more than"),
        (header_bytes(keys=2**63), "metadata keys; more than"),
        (header_bytes(keys=1, rest=struct.pack("<Q", 2**62)), "bytes in a key"),
        (header_bytes(keys=1, rest=pair(8, struct.pack("<Q", 2**62))), "bytes in a text"),
        (header_bytes(keys=1, rest=pair(99, b"\0" * 8)), "unknown type 99"),
        (header_bytes(keys=1, rest=pair(9, struct.pack("<IQ", 4, 2**62))), "items in an array"),
        (header_bytes(keys=1, rest=pair(9, struct.pack("<IQ", 9, 1))), "nested type 9"),
        (header_bytes(tensors=1, rest=struct.pack("<QI", 0, 4_000_000_000)), "dimensions of a tensor"),
    ],
)
def test_hostile_bytes_give_a_typed_error(data: bytes, words: str) -> None:
    with pytest.raises(GgufError, match=words):
        read_gguf_header(data)


@given(st.integers(min_value=24, max_value=20_000))
@settings(max_examples=100)
def test_any_prefix_tells_no_more_and_nothing_else_than_the_whole(tiny_bytes: bytes, length: int) -> None:
    whole, part = read_gguf_header(tiny_bytes), read_gguf_header(tiny_bytes[:length])
    assert part.metadata.items() <= whole.metadata.items()
    assert part.complete == (part == whole)


@given(st.data())
@settings(max_examples=200)
def test_damaged_bytes_give_a_header_or_a_typed_error(tiny_bytes: bytes, data: st.DataObject) -> None:
    damaged = bytearray(tiny_bytes[:12_000])
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(damaged) - 8))
        damaged[place : place + 8] = data.draw(st.binary(min_size=8, max_size=8))
    header = header_or_error(bytes(damaged))
    if isinstance(header, GgufError):
        assert str(header).endswith(".")
    else:
        assert header.parameters is None or header.parameters > 0
        assert header.shape is None or header.shape.layers > 0


@given(st.binary(max_size=400))
@settings(max_examples=100)
def test_random_bytes_after_the_magic_never_break_the_reader(rest: bytes) -> None:
    header = header_or_error(b"GGUF" + rest)
    assert isinstance(header, GgufError) or header.version in {2, 3}
