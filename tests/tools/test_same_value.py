"""When two values of a factor say the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools import same_value
from tools.same_value import Value

CASES: list[tuple[Callable[[Value, Value], bool], Value, Value, bool]] = [
    (same_value.same_count, 8_190_735_360, 8_200_000_000, True),
    (same_value.same_count, 1_543_714_304, 1_500_000_000, True),
    (same_value.same_count, 7_241_732_096, 7_000_000_000, True),
    (same_value.same_count, 7_996_156_490, 4_000_000_000, False),
    (same_value.same_count, 2_031_739_904, 1_700_000_000, False),
    (same_value.same_count, 8_019_808_256, 8_030_261_248, True),
    (same_value.same_length, 131_072, 128_000, True),
    (same_value.same_length, 1_000_000, 1_048_576, True),
    (same_value.same_length, 32_768, 32_000, True),
    (same_value.same_length, 32_768, 40_960, False),
    (same_value.same_length, 32_768, 131_072, False),
    (same_value.same_length, 131_072, 1_024_000, False),
    (same_value.same_licence, "apache-2.0", "Apache License 2.0", True),
    (same_value.same_licence, "other (mrl)", "mrl", True),
    (same_value.same_licence, "Some-Own 1.0", "some own 1.0", True),
    (same_value.same_licence, "llama3", "llama3.1", False),
    (same_value.same_licence, "mit", "llama3.1", False),
    (same_value.same_day, "2025-04", "2025-04-29", True),
    (same_value.same_day, "2025-04-29T00:00:00.000Z", "2025-04-29", True),
    (same_value.same_day, "2024-09-25", "2024-10-24", False),
    (same_value.same_list, "en, de", "de,EN", True),
    (same_value.same_list, "en, de", "en", False),
    (same_value.same_focus, "code", "chat", True),
    (same_value.same_focus, "code", "hybrid thinking", True),
    (same_value.same_focus, "chat", "hybrid thinking", True),
    (same_value.same_focus, "chat", "reasoning", False),
    (same_value.same_focus, "hybrid thinking", "reasoning", False),
    (same_value.same_focus, "code", "mathematics", False),
    (same_value.same_focus, "base", "chat", False),
    (same_value.same_name, "Qwen/Qwen3-8B", "qwen/qwen3-8b", True),
]


@pytest.mark.parametrize(("same", "one", "other", "agrees"), CASES)
def test_values_agree_or_not_in_both_orders(
    same: Callable[[Value, Value], bool], one: Value, other: Value, agrees: bool
) -> None:
    assert same(one, other) is agrees
    assert same(other, one) is agrees


RULES = st.sampled_from(sorted({case[0] for case in CASES}, key=lambda rule: rule.__name__))
VALUES = st.one_of(st.integers(), st.text(max_size=20), st.sampled_from(["base", "chat", "code", "mit", 0]))


@given(RULES, VALUES, VALUES)
def test_any_values_are_compared_symmetrically_and_a_value_is_itself(
    same: Callable[[Value, Value], bool], one: Value, other: Value
) -> None:
    assert same(one, other) is same(other, one)
    assert same is same_value.same_day or same(one, one)
