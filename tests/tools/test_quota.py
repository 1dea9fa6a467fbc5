from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.quota import apportion, balanced_table

WEIGHTS = st.lists(st.integers(1, 100), min_size=1, max_size=12)


@given(WEIGHTS, st.integers(0, 500), st.integers(0, 3))
def test_without_bounds_every_part_is_within_one_of_its_share(
    weights: list[int], count: int, seed: int
) -> None:
    parts = apportion(weights, count, Random(seed))
    assert sum(parts) == count
    for weight, part in zip(weights, parts, strict=True):
        assert abs(part - weight * count / sum(weights)) < 1
    assert parts == apportion(weights, count, Random(seed))


@given(st.data())
def test_bounds_are_kept(data: st.DataObject) -> None:
    weights = data.draw(WEIGHTS)
    lower = [data.draw(st.integers(0, 5)) for _ in weights]
    upper = [low + data.draw(st.integers(0, 8)) for low in lower]
    count = data.draw(st.integers(sum(lower), sum(upper)))
    parts = apportion(weights, count, Random(0), lower=lower, upper=upper)
    assert sum(parts) == count
    assert all(low <= part <= high for low, part, high in zip(lower, parts, upper, strict=True))


def test_largest_remainder_by_hand() -> None:
    # Shares of 10 are 4.7, 3.2 and 2.1; the one seat left goes to the largest remainder.
    assert apportion([47, 32, 21], 10, Random(0)) == [5, 3, 2]
    assert apportion([0.5, 0.3, 0.2], 100, Random(0)) == [50, 30, 20]


def test_what_cannot_be_shared_out_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be shared out"):
        apportion([1, 1], 5, Random(0), upper=[2, 2])
    with pytest.raises(ValueError, match="cannot be shared out"):
        apportion([0, 0], 1, Random(0))


@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=10),
    st.lists(st.integers(1, 20), min_size=1, max_size=6),
    st.integers(0, 5),
)
@settings(max_examples=150)
def test_a_balanced_table_keeps_both_margins_and_rounds_each_cell(
    rows: list[int], weights: list[int], seed: int
) -> None:
    total = sum(rows)
    columns = apportion(weights, total, Random(seed))
    table = balanced_table(rows, columns, Random(seed))
    assert [sum(line) for line in table] == rows
    assert [sum(line[j] for line in table) for j in range(len(columns))] == columns
    for r, line in zip(rows, table, strict=True):
        for c, cell in zip(columns, line, strict=True):
            expected = r * c / total if total else 0
            assert math.floor(expected) <= cell <= math.ceil(expected)


def test_margins_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="differ"):
        balanced_table([1, 2], [4], Random(0))
