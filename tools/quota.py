"""Whole numbers that follow weights: bounded largest remainder, and tables rounded on both margins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from random import Random


def apportion(
    weights: Sequence[float],
    count: int,
    rng: Random,
    *,
    lower: Sequence[int] | None = None,
    upper: Sequence[int] | None = None,
    prefer: Sequence[int] | None = None,
) -> list[int]:
    """``count`` shared out by ``weights`` with the largest-remainder method, within bounds for each.

    Without bounds each part differs from its exact share by less than one. A part whose share lies outside
    its bounds is set to the bound, and the rest is shared among the others. Ties go to the parts that
    fall short of ``prefer``, and are else drawn from ``rng``.
    Raises ValueError when the bounds or the weights leave no way to place ``count``.
    """
    low = list(lower) if lower is not None else [0] * len(weights)
    high = list(upper) if upper is not None else [count] * len(weights)
    if not sum(low) <= count <= sum(high) or (count and not any(weights)):
        raise ValueError(f"{count} cannot be shared out within the bounds")
    exact = _clamped_shares([Fraction(weight) for weight in weights], count, low, high)
    parts = [math.floor(share) for share in exact]
    first = [part - wish for part, wish in zip(parts, prefer or parts, strict=True)]
    order = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], first[i], rng.random()))
    for i in order[: count - sum(parts)]:
        parts[i] += 1
    return parts


def _clamped_shares(
    weights: Sequence[Fraction], count: int, low: Sequence[int], high: Sequence[int]
) -> list[Fraction]:
    fixed: dict[int, Fraction] = {i: Fraction(low[i]) for i, weight in enumerate(weights) if not weight}
    while True:
        free = [i for i in range(len(weights)) if i not in fixed]
        left = count - sum(fixed.values())
        total = sum(weights[i] for i in free)
        share = {i: weights[i] / total * left for i in free} if total else {}
        below = {i: low[i] - s for i, s in share.items() if s < low[i]}
        above = {i: s - high[i] for i, s in share.items() if s > high[i]}
        if not below and not above:
            if sum(fixed.values()) + sum(share.values()) != count:
                raise ValueError(f"{count} cannot be shared out within the bounds")
            return [fixed[i] if i in fixed else share[i] for i in range(len(weights))]
        if sum(below.values()) >= sum(above.values()):
            fixed |= {i: Fraction(low[i]) for i in below}
        else:
            fixed |= {i: Fraction(high[i]) for i in above}


def balanced_table(rows: Sequence[int], columns: Sequence[int], rng: Random) -> list[list[int]]:
    """A table with these row and column sums in which every cell is its expectation rounded up or down.

    The expectation of a cell is row × column / total. Such a table always exists (controlled rounding: an
    integral flow in a network whose fractional flow is the expectation); it is found by augmenting paths.
    """
    total = sum(rows)
    if total != sum(columns):
        raise ValueError("the sums of rows and columns differ")
    if not total:
        return [[0] * len(columns) for _ in rows]
    table = [[r * c // total for c in columns] for r in rows]
    open_cells = [{j for j, c in enumerate(columns) if r * c % total} for r in rows]
    taken: list[set[int]] = [set() for _ in rows]
    room = [c - sum(line[j] for line in table) for j, c in enumerate(columns)]
    order = [i for i, r in enumerate(rows) for _ in range(r - sum(table[i]))]
    rng.shuffle(order)
    for i in order:
        if not _augment(i, open_cells, taken, room, set(), rng):
            raise AssertionError("a balanced table always exists")
    for i, columns_taken in enumerate(taken):
        for j in columns_taken:
            table[i][j] += 1
    return table


def _augment(
    row: int,
    open_cells: Sequence[set[int]],
    taken: Sequence[set[int]],
    room: list[int],
    visited: set[int],
    rng: Random,
) -> bool:
    """Give ``row`` one more column, moving other rows to other columns where that makes room."""
    candidates = sorted(open_cells[row] - taken[row] - visited)
    rng.shuffle(candidates)
    for j in candidates:
        if room[j] > 0:
            room[j] -= 1
            taken[row].add(j)
            return True
    for j in candidates:
        if j in visited:
            continue
        visited.add(j)
        for other in (i for i, columns in enumerate(taken) if j in columns):
            taken[other].discard(j)
            if _augment(other, open_cells, taken, room, visited, rng):
                taken[row].add(j)
                return True
            taken[other].add(j)
    return False
