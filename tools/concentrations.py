"""Groups of answers in which something fails more often than elsewhere, told from what may be chance.

Every group is tested with Fisher's exact test (one-sided) and the p values are adjusted together, over all
criteria and groups looked at (Benjamini and Hochberg; see ``tools/significance.py``). A group of two
dimensions says something of its own only when it fails more often than the rest of either: its p value is the
larger of the two (Berger, "Multiparameter hypothesis testing and acceptance sampling", Technometrics 24
(1982): the intersection–union test).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tools.crosses import HELD_OUT, Count, Group, Grouping
from tools.significance import benjamini_hochberg, fisher_more, smallest_p
from tools.statistics import Interval, wilson

FALSE_DISCOVERY_RATE = 0.05
"""Of the groups that are called clear, the share that is expected to be chance all the same, at most."""
FEWEST_IN_A_GROUP = 3
"""A group with fewer verdicts is not called a concentration."""
FEWEST_FAILURES = 2


class Concentration(NamedTuple):
    """A group in which a criterion fails more often than elsewhere."""

    group: Group
    failed: int
    assessed: int
    interval: Interval
    """Wilson, 95 %, of the share that failed in the group."""
    elsewhere: float
    """Share that failed outside it."""
    p_value: float
    """Fisher's exact test, one-sided, of this group alone."""
    adjusted: float
    """p value adjusted for all groups looked at; 1 for a group too small to tell whatever happened in it."""
    clear: bool
    """Whether the adjusted p value is small enough; without it the difference may be chance."""

    @property
    def dimension(self) -> str:
        """``topic``, or ``topic × style``."""
        return self.group.dimension

    @property
    def value(self) -> str:
        return self.group.value

    @property
    def place(self) -> str:
        """The group in words."""
        return self.group.place


class Concentrations(NamedTuple):
    """What was found, and among how many groups it was looked for."""

    by_criterion: dict[str, tuple[Concentration, ...]]
    """Every group that fails more often than elsewhere, clear ones first, then by p value."""
    looked_at: int
    """Tests made: groups in which a difference could have shown, summed over the criteria."""


class _Test(NamedTuple):
    """One group compared with its surroundings."""

    criterion: str
    group: Group
    failed: int
    assessed: int
    elsewhere: float
    p_value: float


class _Whole(NamedTuple):
    """What a group is a part of: everything, or the answers that share one of its two values."""

    failed: int
    assessed: int


def concentrations(grouping: Grouping, counts: Mapping[str, Count]) -> Concentrations:
    """Groups that fail more often than elsewhere; ``counts`` by criterion."""
    tests: list[_Test] = []
    too_small: list[_Test] = []
    surroundings = _surroundings(grouping)
    # Every row stands in one group of the topic, so these sum to all.
    topics = [i for i, entry in enumerate(grouping.groups) if entry.dimensions == ("topic",)]
    for criterion, count in counts.items():
        everything = _Whole(sum(count.failed[i] for i in topics), sum(count.assessed[i] for i in topics))
        for i, wholes in surroundings.items():
            n, failed = count.assessed[i], count.failed[i]
            parts = [everything if j is None else _Whole(count.failed[j], count.assessed[j]) for j in wholes]
            parts = [whole for whole in parts if whole.assessed > n]
            if n < FEWEST_IN_A_GROUP or not parts:
                continue
            elsewhere = (everything.failed - failed) / (everything.assessed - n)
            p = max(fisher_more(failed, n, *whole) for whole in parts)
            least = max(smallest_p(n, *whole) for whole in parts)
            kept = tests if least <= FALSE_DISCOVERY_RATE else too_small
            kept.append(_Test(criterion, grouping.groups[i], failed, n, elsewhere, p))
    adjusted = benjamini_hochberg([test.p_value for test in tests])
    found: dict[str, list[Concentration]] = {criterion: [] for criterion in counts}
    for test, value in [*zip(tests, adjusted, strict=True), *((test, 1.0) for test in too_small)]:
        if test.failed >= FEWEST_FAILURES and test.failed / test.assessed > test.elsewhere:
            found[test.criterion].append(_concentration(test, value))
    for entries in found.values():
        entries.sort(key=lambda c: (not c.clear, c.p_value, c.dimension, c.value))
    return Concentrations({name: tuple(entries) for name, entries in found.items()}, len(tests))


def _concentration(test: _Test, adjusted: float) -> Concentration:
    return Concentration(
        group=test.group,
        failed=test.failed,
        assessed=test.assessed,
        interval=wilson(test.failed, test.assessed),
        elsewhere=test.elsewhere,
        p_value=test.p_value,
        adjusted=adjusted,
        clear=adjusted <= FALSE_DISCOVERY_RATE,
    )


def _surroundings(grouping: Grouping) -> dict[int, list[int | None]]:
    """Position of a group → positions of the groups that it is a part of; None stands for everything.

    Who is held out was drawn by lot: there is nothing to look for.
    """
    numbers = {entry: i for i, entry in enumerate(grouping.groups)}
    found: dict[int, list[int | None]] = {}
    for i, entry in enumerate(grouping.groups):
        if len(entry.dimensions) == 1:
            if entry.dimensions != (HELD_OUT,):
                found[i] = [None]
            continue
        singles = [Group((d,), (v,)) for d, v in zip(entry.dimensions, entry.values, strict=True)]
        found[i] = [numbers[single] for single in singles if single in numbers]
    return found
