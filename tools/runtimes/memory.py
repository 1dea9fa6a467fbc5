"""Whether there is room: what a model needs on disk and in memory, and what the machine has.

Every size is exact bytes, shown with decimal units: 1 GB is 1,000,000,000 bytes.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from tools.runtimes.base import Artefact
from tools.runtimes.gguf_header import ModelShape

CACHE_BYTES_PER_VALUE = 2
"""Runtimes keep keys and values in half precision unless told otherwise."""
OVERHEAD_BYTES = 500_000_000
"""Rule of thumb for the runtime itself and its buffers."""
TYPICAL_CACHE_BYTES_PER_TOKEN = 131_072
"""2 × 32 layers × 8 heads × 128 × 2 bytes: an 8B model with grouped-query attention (Llama 3.1 8B) …"""
TYPICAL_WEIGHTS_BYTES = 4_900_000_000
"""… whose weights take this much in four bits."""

_UNITS = ((1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB"))


class MemoryEstimate(NamedTuple):
    """Memory that a model needs, in bytes, by what needs it."""

    weights_bytes: int
    cache_bytes: int
    overhead_bytes: int
    basis: str
    """How the cache was estimated, in words."""

    @property
    def total_bytes(self) -> int:
        return self.weights_bytes + self.cache_bytes + self.overhead_bytes


class Room(StrEnum):
    """What can be short."""

    DISK = "disk"
    MEMORY = "memory"
    BUDGET = "memory budget"


class Shortfall(NamedTuple):
    """Something that there is too little of."""

    room: Room
    needed_bytes: int
    available_bytes: int
    sentence: str


def estimate_memory(weights_bytes: int, *, context: int, shape: ModelShape | None) -> MemoryEstimate:
    """Weights, key-value cache for ``context`` tokens, and overhead.

    With a ``shape`` the cache is the key-value heads of all layers × (key length + value length) × context ×
    2 bytes, which is an upper bound for models with sliding windows. Without one it is the cache of a typical
    8B model, scaled by the size of the weights.
    """
    if shape is not None:
        cache = (
            shape.kv_heads_total * (shape.key_length + shape.value_length) * context * CACHE_BYTES_PER_VALUE
        )
        basis = f"cache computed from {shape.layers} layers and a context of {context:,} tokens"
    else:
        cache = TYPICAL_CACHE_BYTES_PER_TOKEN * context * weights_bytes // TYPICAL_WEIGHTS_BYTES
        basis = f"cache for {context:,} tokens by rule of thumb, because the layers are not known"
    return MemoryEstimate(weights_bytes, cache, OVERHEAD_BYTES, basis)


def _free_disk(path: Path) -> int:
    while not path.exists() and path != path.parent:
        path = path.parent
    return shutil.disk_usage(path).free


def _available_memory() -> int:
    import psutil

    return psutil.virtual_memory().available


@dataclass(frozen=True, slots=True)
class Readers:
    """How the machine is asked; replaced in tests. Both answer in bytes."""

    free_disk: Callable[[Path], int] = field(default=_free_disk)
    available_memory: Callable[[], int] = field(default=_available_memory)


def check_room(
    artefact: Artefact,
    *,
    disk_path: Path | None,
    memory_budget_bytes: int | None = None,
    readers: Readers | None = None,
) -> list[Shortfall]:
    """What ``artefact`` needs and the machine lacks; an empty list when nothing is known to be lacking.

    ``disk_path`` is where it will be stored, None when that is another machine's disk. Sizes that the
    artefact does not tell are not checked.
    """
    readers = readers or Readers()
    shortfalls: list[Shortfall] = []
    if artefact.size_bytes is not None and disk_path is not None and not artefact.already_here:
        free = readers.free_disk(disk_path)
        if free < artefact.size_bytes:
            sentence = (
                f"{artefact.name} needs {describe_bytes(artefact.size_bytes)} on disk, "
                f"and {describe_bytes(free)} are free at {disk_path}."
            )
            shortfalls.append(Shortfall(Room.DISK, artefact.size_bytes, free, sentence))
    needed = artefact.needed_memory_bytes
    if needed is not None:
        shortfalls += _memory_shortfalls(artefact.name, needed, memory_budget_bytes, readers)
    return shortfalls


def _memory_shortfalls(name: str, needed: int, budget: int | None, readers: Readers) -> list[Shortfall]:
    shortfalls = []
    if budget is not None and needed > budget:
        sentence = (
            f"{name} needs about {describe_bytes(needed)} of memory, "
            f"and the memory budget is {describe_bytes(budget)}."
        )
        shortfalls.append(Shortfall(Room.BUDGET, needed, budget, sentence))
    available = readers.available_memory()
    if needed > available:
        sentence = (
            f"{name} needs about {describe_bytes(needed)} of memory, and {describe_bytes(available)} of main "
            "memory are available; a graphics card's own memory is not counted."
        )
        shortfalls.append(Shortfall(Room.MEMORY, needed, available, sentence))
    return shortfalls


def describe_bytes(count: int) -> str:
    """``5,225,374,496 bytes (5.23 GB)``: exact, and in decimal units for reading."""
    for unit, name in _UNITS:
        if count >= unit:
            return f"{count:,} bytes ({count / unit:.2f} {name})"
    return f"{count:,} bytes"
