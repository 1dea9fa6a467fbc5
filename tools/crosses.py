"""Answers grouped by topic, style and every other dimension, and criteria counted across the groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from tools.evaluation import Scenario
from tools.rows import Row
from tools.statistics import Interval, wilson

EDGE_CASE = "edge case"
HELD_OUT = "held out"
SUBTOPIC = "subtopic"
_OWN = {"topic", "style", SUBTOPIC, EDGE_CASE, HELD_OUT}
"""A dimension of the taxonomy with one of these names is not told from the scenario's own field."""
MOST_VALUES = 100
"""A dimension with more values is free text or an identifier, and no dimension to count by."""


class Group(NamedTuple):
    """Answers that have a value in one dimension in common, or values in two."""

    dimensions: tuple[str, ...]
    """topic, style, edge case, held out, or a dimension of the taxonomy; one or two of them."""
    values: tuple[str, ...]
    """One for each dimension."""

    @property
    def dimension(self) -> str:
        """``topic`` or ``topic × style``."""
        return " × ".join(self.dimensions)

    @property
    def value(self) -> str:
        """``grief`` or ``grief × terse``."""
        return " × ".join(self.values)

    def holds(self, scenario: Scenario) -> bool:
        """Whether the scenario belongs to it."""
        return self.values == tuple(value_of(scenario, name) for name in self.dimensions)

    @property
    def place(self) -> str:
        """The group in words."""
        return " with ".join(_place(*pair) for pair in zip(self.dimensions, self.values, strict=True))


class Cell(NamedTuple):
    """How often a criterion failed in a group."""

    failed: int
    assessed: int
    """Verdicts YES or NO, and NA where it is not allowed."""
    interval: Interval | None
    """Wilson, 95 %, of the share that failed; None where nothing was assessed."""


class Cross(NamedTuple):
    """Criteria by the values of one dimension: the numbers of a heat map."""

    dimension: str
    values: tuple[str, ...]
    """Those in which most fails first."""
    criteria: tuple[str, ...]
    """All of the rubric's, in its order."""
    cells: tuple[tuple[Cell, ...], ...]
    """One row for each value, one cell for each criterion."""

    def cell(self, value: str, criterion: str) -> Cell:
        """ValueError when there is no such value or criterion."""
        return self.cells[self.values.index(value)][self.criteria.index(criterion)]


class Count(NamedTuple):
    """Assessed and failed answers in each group, in the order of the grouping's groups."""

    assessed: list[int]
    failed: list[int]


class Grouping(NamedTuple):
    """Which groups each row belongs to."""

    dimensions: tuple[str, ...]
    """Those with one dimension."""
    groups: tuple[Group, ...]
    of_row: tuple[tuple[int, ...], ...]
    """Positions in ``groups``, for each row."""

    def tally(self, cases: Iterable[tuple[int, bool]]) -> Count:
        """From the position of each assessed row and whether it failed; one pass."""
        assessed, failed = [0] * len(self.groups), [0] * len(self.groups)
        for index, wrong in cases:
            for group in self.of_row[index]:
                assessed[group] += 1
                if wrong:
                    failed[group] += 1
        return Count(assessed, failed)


def group(rows: Sequence[Row]) -> Grouping:
    """Rows by each dimension and by each pair of topic, style and the taxonomy's dimensions.

    A dimension in which all rows agree is left out, but for the topic; so is one with too many values. The
    subtopic is paired with its topic only.
    """
    further = sorted({key for row in rows for key in row.scenario.dimensions} - _OWN)
    names = ("topic", "style", *further, EDGE_CASE, HELD_OUT, SUBTOPIC)
    values = {name: [value_of(row.scenario, name) for row in rows] for name in names}
    kept = [name for name in names if name == "topic" or 1 < len(set(values[name]) - {None}) <= MOST_VALUES]
    dimensions = [name for name in kept if name != SUBTOPIC]
    pairs = list(combinations([name for name in dimensions if name not in {EDGE_CASE, HELD_OUT}], 2))
    pairs += [(SUBTOPIC, "topic")] if SUBTOPIC in kept else []
    numbers: dict[Group, int] = {}
    of_row: list[tuple[int, ...]] = []
    for i in range(len(rows)):
        found = [Group((name,), (value,)) for name in dimensions if (value := values[name][i]) is not None]
        for one, other in pairs:
            first, second = values[one][i], values[other][i]
            if first is not None and second is not None:
                found.append(Group((one, other), (first, second)))
        of_row.append(tuple(numbers.setdefault(entry, len(numbers)) for entry in found))
    return Grouping(tuple(dimensions), tuple(numbers), tuple(of_row))


def value_of(scenario: Scenario, dimension: str) -> str | None:
    """Where the scenario stands in a dimension; None when it has no place in it."""
    if dimension == EDGE_CASE:
        return "yes" if scenario.edge_case else "no"
    if dimension == HELD_OUT:
        return "yes" if scenario.held_out else "no"
    own = {"topic": scenario.topic, "style": scenario.style, SUBTOPIC: scenario.subtopic}
    return own[dimension] if dimension in own else scenario.dimensions.get(dimension)


def crosses(grouping: Grouping, counts: Mapping[str, Count]) -> tuple[Cross, ...]:
    """One table for each dimension; ``counts`` by criterion, in the rubric's order."""
    return tuple(_cross(name, grouping, counts) for name in grouping.dimensions)


def _cross(name: str, grouping: Grouping, counts: Mapping[str, Count]) -> Cross:
    places = [i for i, entry in enumerate(grouping.groups) if entry.dimensions == (name,)]
    rows = {
        grouping.groups[i].value: tuple(_cell(c.failed[i], c.assessed[i]) for c in counts.values())
        for i in places
    }
    ordered = sorted(rows, key=lambda value: (-_share(rows[value]), value))
    return Cross(name, tuple(ordered), tuple(counts), tuple(rows[value] for value in ordered))


def _cell(failed: int, assessed: int) -> Cell:
    return Cell(failed, assessed, wilson(failed, assessed) if assessed else None)


def _share(cells: Sequence[Cell]) -> float:
    return sum(cell.failed for cell in cells) / max(1, sum(cell.assessed for cell in cells))


def _place(dimension: str, value: str) -> str:
    if dimension == EDGE_CASE:
        return "edge cases" if value == "yes" else "ordinary cases"
    return f"the {dimension} “{value}”"
