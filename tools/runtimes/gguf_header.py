"""Metadata at the start of a GGUF file, read from as many bytes of it as there are.

Source: the GGUF specification (ggml, docs/gguf.md), versions 2 and 3. A file comes from the web, so every
size in it is bounded before anything is read or kept; hostile input ends in a :class:`GgufError`.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from tools.whole_files import open_file

MAX_KEYS = 10_000
MAX_TENSORS = 1_000_000
MAX_KEY_BYTES = 65_535
MAX_STRING_BYTES = 16_000_000
MAX_ARRAY_ITEMS = 50_000_000
MAX_TEXT_ITEMS = 2_000_000
"""Texts in an array, each of which is passed by itself; the largest vocabularies have a few 100,000."""
MAX_KEPT_ITEMS = 4_096
MAX_KEPT_IN_ALL = 200_000
"""Items of arrays that are kept of one header."""
MAX_DIMENSIONS = 8
HEADER_BYTES = 64_000_000
"""As much of a local file as is read to find the end of its header; vocabularies take a few megabytes."""

_MAGIC: Final = b"GGUF"
_SCALARS: Final = {
    0: "<B",
    1: "<b",
    2: "<H",
    3: "<h",
    4: "<I",
    5: "<i",
    6: "<f",
    7: "<?",
    10: "<Q",
    11: "<q",
    12: "<d",
}
_STRING: Final = 8
_ARRAY: Final = 9
_DEFAULT_ALIGNMENT: Final = 32

# general.file_type, as llama.cpp's ``llama_ftype`` numbers it.
_FILE_TYPES: Final = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1",
    10: "Q2_K", 11: "Q3_K_S", 12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S",
    17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS",
    24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S", 29: "IQ2_M", 30: "IQ4_XS",
    31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4_MOE",
}  # fmt: skip

Scalar = str | int | float | bool
MetadataValue = Scalar | tuple[Scalar, ...]


class GgufError(ValueError):
    """The bytes are not the start of a GGUF file that can be used; the message says why, in one sentence."""


class _OutOfBytesError(Exception):
    """The prefix ends here; what was read so far is good."""


class ModelShape(BaseModel):
    """What the size of the attention cache depends on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    layers: int
    kv_heads_total: int
    """Key-value heads of all layers together; layers × heads where every layer has the same number."""
    key_length: int
    value_length: int


class GgufHeader(BaseModel):
    """What a GGUF file says of itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int
    tensor_count: int
    metadata: dict[str, MetadataValue]
    """Keys and values as far as the bytes went. Arrays of text and long arrays are left out."""
    complete: bool
    """Whether the bytes held all keys and the list of tensors."""
    tensor_parameters: int | None = None
    """Elements of all tensors together, when the list of tensors was there."""
    least_file_bytes: int | None = None
    """The file cannot be shorter than this, when the list of tensors was there."""

    @property
    def architecture(self) -> str | None:
        return self._text("general.architecture")

    @property
    def name(self) -> str | None:
        return self._text("general.name")

    @property
    def quantization(self) -> str | None:
        """Name of ``general.file_type``: ``Q4_K_M``."""
        kind = self._count("general.file_type")
        return None if kind is None else _FILE_TYPES.get(kind, f"file type {kind}")

    @property
    def licence(self) -> str | None:
        return self._text("general.license.name") or self._text("general.license")

    @property
    def parameters(self) -> int | None:
        """``general.parameter_count``, or the elements of all tensors counted."""
        return self._count("general.parameter_count") or self.tensor_parameters

    @property
    def native_context(self) -> int | None:
        """Tokens that the model was trained for: ``<architecture>.context_length``."""
        return self._of_architecture("context_length")

    @property
    def chat_template(self) -> str | None:
        return self._text("tokenizer.chat_template")

    @property
    def shape(self) -> ModelShape | None:
        """None where the header does not tell all that is needed."""
        return model_shape(self.metadata)

    def _text(self, key: str) -> str | None:
        value = self.metadata.get(key)
        return value if isinstance(value, str) and value else None

    def _count(self, key: str) -> int | None:
        return _positive(self.metadata.get(key), zero=key == "general.file_type")

    def _of_architecture(self, key: str) -> int | None:
        return self._count(f"{self.architecture}.{key}")


def model_shape(metadata: dict[str, MetadataValue]) -> ModelShape | None:
    """The shape in GGUF ``metadata`` (Ollama's ``model_info`` has it too); None where too little is told."""
    architecture = metadata.get("general.architecture")

    def of(key: str) -> MetadataValue | None:
        return metadata.get(f"{architecture}.{key}")

    layers = _positive(of("block_count"))
    first_heads = of("attention.head_count")
    heads = _positive(first_heads[0] if isinstance(first_heads, tuple) and first_heads else first_heads)
    if layers is None or heads is None:
        return None
    kv_heads = of("attention.head_count_kv")
    if isinstance(kv_heads, tuple):
        kv_total: int | None = sum(n for n in kv_heads if isinstance(n, int))
    else:
        kv_total = layers * (_positive(kv_heads) or heads)
    width = _positive(of("embedding_length"))
    head = None if width is None else width // heads
    key_length = _positive(of("attention.key_length")) or head
    value_length = _positive(of("attention.value_length")) or head
    if not kv_total or not key_length or not value_length:
        return None
    return ModelShape(
        layers=layers, kv_heads_total=kv_total, key_length=key_length, value_length=value_length
    )


def read_gguf_header(prefix: bytes) -> GgufHeader:
    """Read what ``prefix``, the first bytes of a GGUF file, tells.

    A prefix that ends in the middle gives a header with ``complete=False``; the usual order of keys puts
    architecture, licence, quantization and context into the first few kilobytes, before the vocabulary.
    Raises :class:`GgufError` when the bytes cannot be the start of a GGUF file.
    """
    reader = _Reader(prefix)
    try:
        version, tensor_count, key_count = _read_preamble(reader)
    except _OutOfBytesError:
        raise GgufError(f"It has only {len(prefix)} bytes, too few for the start of a GGUF file.") from None
    metadata: dict[str, MetadataValue] = {}
    sizes = None
    try:
        for _ in range(key_count):
            _read_pair(reader, metadata)
        sizes = _read_tensors(reader, tensor_count, metadata)
    except _OutOfBytesError:
        pass
    return GgufHeader(
        version=version,
        tensor_count=tensor_count,
        metadata=metadata,
        complete=sizes is not None,
        tensor_parameters=None if sizes is None else sizes[0],
        least_file_bytes=None if sizes is None else sizes[1],
    )


def read_gguf_file(path: Path) -> GgufHeader:
    """The header of a whole local file; blocking.

    Raises :class:`GgufError` for a file that is no GGUF, whose header is incomplete, or that is shorter than
    its own list of tensors says; :class:`OSError` as opening does.
    """
    with open_file(path) as file:
        header = read_gguf_header(file.read(HEADER_BYTES))
    size = path.stat().st_size
    if not header.complete:
        raise GgufError(f"Its header does not end within its first {min(size, HEADER_BYTES):,} bytes.")
    if header.least_file_bytes is not None and size < header.least_file_bytes:
        raise GgufError(
            f"It is cut off: {size:,} bytes are there, {header.least_file_bytes:,} or more belong to it."
        )
    return header


class _Reader:
    """A cursor over the prefix that never reads past its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.position = 0
        self.kept = 0
        """Items of arrays that were kept so far."""

    def take(self, count: int) -> bytes:
        end = self.position + count
        if end > len(self._data):
            raise _OutOfBytesError
        taken = self._data[self.position : end]
        self.position = end
        return taken

    def number(self, layout: str) -> int:
        (value,) = struct.unpack(layout, self.take(struct.calcsize(layout)))
        return int(value)

    def bounded(self, layout: str, limit: int, what: str) -> int:
        value = self.number(layout)
        if value > limit:
            raise GgufError(f"It claims {value:,} {what}; more than {limit:,} are not believed.")
        return value

    def text(self, limit: int, what: str) -> str:
        raw = self.take(self.bounded("<Q", limit, what))
        return raw.decode("utf-8", "replace").replace("\x00", "\ufffd")


def _read_preamble(reader: _Reader) -> tuple[int, int, int]:
    magic = reader.take(4)
    if magic != _MAGIC:
        raise GgufError("It does not begin with the letters GGUF.")
    version = reader.number("<I")
    if version not in {2, 3}:
        swapped = int.from_bytes(version.to_bytes(4, "little"), "big")
        kind = "a big-endian file" if swapped in {2, 3} else f"GGUF version {version}"
        raise GgufError(f"It is {kind}, which is not supported.")
    tensors = reader.bounded("<Q", MAX_TENSORS, "tensors")
    return version, tensors, reader.bounded("<Q", MAX_KEYS, "metadata keys")


def _read_pair(reader: _Reader, metadata: dict[str, MetadataValue]) -> None:
    key = reader.text(MAX_KEY_BYTES, "bytes in a key")
    kind = reader.number("<I")
    if key in metadata:
        raise GgufError(f"It has the key {key[:60]!r} twice.")
    value = _read_array(reader) if kind == _ARRAY else _read_scalar(reader, kind)
    if value is not None:
        metadata[key] = value


def _read_scalar(reader: _Reader, kind: int) -> Scalar:
    if kind == _STRING:
        return reader.text(MAX_STRING_BYTES, "bytes in a text")
    layout = _SCALARS.get(kind)
    if layout is None:
        raise GgufError(f"It has a value of unknown type {kind}.")
    (value,) = struct.unpack(layout, reader.take(struct.calcsize(layout)))
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value  # type: ignore[no-any-return]


def _read_array(reader: _Reader) -> MetadataValue | None:
    kind = reader.number("<I")
    count = reader.bounded("<Q", MAX_ARRAY_ITEMS, "items in an array")
    if kind == _STRING:
        if count > MAX_TEXT_ITEMS:
            raise GgufError(
                f"It claims {count:,} texts in an array; {MAX_TEXT_ITEMS:,} are the most believed."
            )
        for _ in range(count):
            reader.take(reader.bounded("<Q", MAX_STRING_BYTES, "bytes in a text"))
        return None
    layout = _SCALARS.get(kind)
    if layout is None:
        raise GgufError(f"It has an array of unknown or nested type {kind}.")
    if count <= MAX_KEPT_ITEMS and reader.kept + count <= MAX_KEPT_IN_ALL:
        reader.kept += count
        return tuple(_read_scalar(reader, kind) for _ in range(count))
    reader.take(count * struct.calcsize(layout))
    return None


def _read_tensors(reader: _Reader, count: int, metadata: dict[str, MetadataValue]) -> tuple[int, int]:
    """Elements of all tensors, and the bytes that the file has at the least."""
    elements, last_offset = 0, 0
    for _ in range(count):
        reader.take(reader.bounded("<Q", MAX_KEY_BYTES, "bytes in a tensor's name"))
        dimensions = reader.bounded("<I", MAX_DIMENSIONS, "dimensions of a tensor")
        elements += math.prod(reader.number("<Q") for _ in range(dimensions))
        reader.number("<I")
        last_offset = max(last_offset, reader.number("<Q"))
    alignment = _positive(metadata.get("general.alignment")) or _DEFAULT_ALIGNMENT
    data_start = -(-reader.position // alignment) * alignment
    # The type of the last tensor decides how many bytes follow its offset; one is certain.
    return elements, data_start + last_offset + 1 if count else reader.position


def _positive(value: MetadataValue | None, *, zero: bool = False) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if value > 0 or (zero and value == 0) else None
