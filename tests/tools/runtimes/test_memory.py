from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.runtimes.base import Artefact, RuntimeName
from tools.runtimes.gguf_header import ModelShape
from tools.runtimes.memory import OVERHEAD_BYTES, Readers, Room, check_room, describe_bytes, estimate_memory

QWEN3_8B = ModelShape(layers=36, kv_heads_total=36 * 8, key_length=128, value_length=128)


def artefact(**changes: object) -> Artefact:
    base = Artefact(
        runtime=RuntimeName.OLLAMA,
        name="qwen3:8b",
        digest=None,
        size_bytes=5_225_374_496,
        quantization="Q4_K_M",
        needed_memory_bytes=6_000_000_000,
    )
    return base.model_copy(update=changes)


def machine(disk: int = 10**12, memory: int = 10**12) -> Readers:
    return Readers(free_disk=lambda _: disk, available_memory=lambda: memory)


def test_the_cache_follows_the_formula() -> None:
    estimate = estimate_memory(5_225_374_496, context=4_096, shape=QWEN3_8B)
    assert estimate.cache_bytes == 2 * 36 * 8 * 128 * 4_096 * 2 == 603_979_776
    assert estimate.total_bytes == 5_225_374_496 + 603_979_776 + OVERHEAD_BYTES
    assert "36 layers" in estimate.basis


def test_without_layers_the_rule_of_thumb_says_so() -> None:
    estimate = estimate_memory(4_900_000_000, context=4_096, shape=None)
    assert estimate.cache_bytes == 131_072 * 4_096
    assert "rule of thumb" in estimate.basis


@given(
    st.integers(0, 10**12), st.integers(1, 10**6), st.integers(1, 10**6), st.sampled_from([QWEN3_8B, None])
)
@settings(max_examples=50)
def test_more_context_never_needs_less(weights: int, one: int, other: int, shape: ModelShape | None) -> None:
    small, large = sorted([one, other])
    assert (
        estimate_memory(weights, context=small, shape=shape).total_bytes
        <= estimate_memory(weights, context=large, shape=shape).total_bytes
    )


def test_enough_room_is_no_shortfall() -> None:
    assert check_room(artefact(), disk_path=Path("/models"), readers=machine()) == []


def test_a_small_disk_is_named_with_exact_bytes() -> None:
    (shortfall,) = check_room(artefact(), disk_path=Path("/models"), readers=machine(disk=1_000_000_000))
    assert shortfall.room is Room.DISK
    assert (shortfall.needed_bytes, shortfall.available_bytes) == (5_225_374_496, 1_000_000_000)
    assert shortfall.sentence == (
        "qwen3:8b needs 5,225,374,496 bytes (5.23 GB) on disk, "
        "and 1,000,000,000 bytes (1.00 GB) are free at /models."
    )


@pytest.mark.parametrize(
    ("changes", "path"),
    [({"already_here": True}, Path("/models")), ({}, None), ({"size_bytes": None}, Path("/"))],
)
def test_the_disk_is_not_checked_where_nothing_is_stored(
    changes: dict[str, object], path: Path | None
) -> None:
    assert check_room(artefact(**changes), disk_path=path, readers=machine(disk=0)) == []


def test_memory_and_budget_are_two_shortfalls() -> None:
    found = check_room(
        artefact(), disk_path=None, memory_budget_bytes=5_000_000_000, readers=machine(memory=4_000_000_000)
    )
    assert [s.room for s in found] == [Room.BUDGET, Room.MEMORY]
    assert "the memory budget is 5,000,000,000 bytes (5.00 GB)" in found[0].sentence
    assert "4,000,000,000 bytes (4.00 GB) of main memory are available" in found[1].sentence


def test_the_real_machine_answers(tmp_path: Path) -> None:
    found = check_room(
        artefact(size_bytes=10**18, needed_memory_bytes=10**18), disk_path=tmp_path / "not" / "yet" / "there"
    )
    assert [s.room for s in found] == [Room.DISK, Room.MEMORY]
    assert all(0 < s.available_bytes < 10**18 for s in found)


def test_bytes_are_shown_in_decimal_units() -> None:
    assert describe_bytes(999) == "999 bytes"
    assert describe_bytes(542_144) == "542,144 bytes (542.14 kB)"
    assert describe_bytes(8_589_934_592) == "8,589,934,592 bytes (8.59 GB)"
