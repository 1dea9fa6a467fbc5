"""Figures of candidates in tables of benchmarks, and what their rank says.

Models stand in rows (one column a benchmark), in columns (one row a benchmark), or in rows with a column that
names the benchmark. A figure means nothing by itself: the stance is the rank among all models of that table.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from tools.candidates import Stance
from tools.evidence_rules import evidence_rules, forms
from tools.knowledge.loader import domains
from tools.named import NameIndex

MAX_ROWS = 1_000
MAX_PROBED = 200
"""Rows by which the column of the models is found."""
FEWEST_MODELS = 3
"""Below this a rank says nothing."""
FIGURE = re.compile(
    r"^[~≈<>=\s]*(-?\d+(?:[.,]\d+)*)\s*(?:%|pts?\.?|points|punkte|/\s*\d+|±.*|\+/-.*|\(.*\)|[↑↓*†‡🥇🥈🥉]+)?\s*$",
    re.IGNORECASE,
)
RULE = re.compile(r"^[\s|:+=–—-]*$")
LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")


class RowReading(NamedTuple):
    """What one row says of one candidate."""

    candidate: str
    row: str
    """Verbatim."""
    stance: Stance
    summary: str
    """``EQ-Bench 71.2, rank 2 of 9``; several figures of the row separated by semicolons."""


class _Figure(NamedTuple):
    candidate: str | None
    row: str
    benchmark: str
    shown: str
    value: float


@dataclass(frozen=True, slots=True)
class _Table:
    header: list[str]
    rows: list[tuple[str, list[str]]]
    """Verbatim row and its cells, as many as the header has."""
    above: str
    """Heading and caption."""


def benchmark_in(text: str, benchmarks: Sequence[str]) -> str | None:
    """The first of ``benchmarks`` that ``text`` names; a longer name known elsewhere is not taken for it.

    A name that borrows a known one (``EQ-Bench Ultra``, ``EQ-Bench-Therapy``) is another benchmark.
    """
    if not benchmarks:
        return None
    fitting = {_folded(name): name for name in benchmarks}
    for match in _known(tuple(benchmarks)).finditer(text):
        name = fitting.get(_folded(match.group()))
        if name is not None and (not name.isupper() or match.group() == name):
            return name
    return None


def _folded(name: str) -> str:
    return re.sub(r"[\s-]+", " ", name.casefold())


@lru_cache(maxsize=64)
def _known(benchmarks: tuple[str, ...]) -> re.Pattern[str]:
    names = {*benchmarks, *(name for domain in domains().domains for name in domain.benchmarks)}
    patterns = [
        r"[\s-]+".join(re.escape(part) for part in re.split(r"[\s-]+", name))
        for name in sorted(names, key=lambda name: (-len(name), name))
    ]
    borrowed = rf"(?![\s-]*(?:{forms(evidence_rules().embellishments)})\b)(?!-[A-Za-z])(?!\+)"
    return re.compile(rf"(?<![\w-])(?:{'|'.join(patterns)})(?!\w){borrowed}", re.IGNORECASE)


def read_table(
    rows: Sequence[str], above: str, *, index: NameIndex, benchmarks: Sequence[str]
) -> list[RowReading]:
    """What a block of ``|`` rows says of candidates on ``benchmarks``; ``above``: heading and caption."""
    table = _table(rows[:MAX_ROWS], above) if benchmarks else None
    if table is None:
        return []
    figures = _by_row(table, index, benchmarks) or _long(table, index, benchmarks)
    figures = figures or _by_column(table, index, benchmarks)
    by_row: dict[tuple[str, str], list[tuple[str, Stance]]] = {}
    for group, lower in figures:
        for figure, stance, said in _ranked(group, lower=lower):
            if figure.candidate is not None:
                by_row.setdefault((figure.candidate, figure.row), []).append((said, stance))
    return [
        RowReading(candidate, row, _together([stance for _, stance in said]), "; ".join(s for s, _ in said))
        for (candidate, row), said in by_row.items()
    ]


Group = tuple[list[_Figure], bool]
"""Figures on one benchmark, and whether lower is better."""


def cells(row: str) -> list[str]:
    """The cells of a row without marks of emphasis and links."""
    bare = LINK.sub(r"\1", row.strip())
    bare = bare.removeprefix("|")
    bare = bare[:-1] if bare.endswith("|") and not bare.endswith("\\|") else bare
    return [
        re.sub(r"[*`]|<[^<>]{1,40}>|(?<!\w)_|_(?!\w)", "", cell).strip()
        for cell in re.split(r"(?<!\\)\|", bare)
    ]


def _table(rows: Sequence[str], above: str) -> _Table | None:
    bodies = [(row, cells(row)) for row in rows if not RULE.match(row)]
    if len(bodies) < 2:
        return None
    header = bodies[0][1]
    if len(header) < 2 or any(_value(cell) is not None for cell in header[1:]):
        return None
    body = [(row, each) for row, each in bodies[1:] if len(each) == len(header)]
    return _Table(header, body, above) if body else None


def _value(cell: str) -> float | None:
    found = FIGURE.match(cell)
    if found is None:
        return None
    number = found[1]
    if "," in number and "." not in number and not re.fullmatch(r"-?\d{1,3}(?:,\d{3})+", number):
        number = number.replace(",", ".", 1)
    try:
        return float(number.replace(",", ""))
    except ValueError:
        return None


def _candidate(cell: str, index: NameIndex) -> str | None:
    found = index.find(cell) if index.may_name(cell.lower()) else []
    keys = set().union(*(mention.keys for mention in found)) if found else set()
    return keys.pop() if len(keys) == 1 else None


def _by_row(table: _Table, index: NameIndex, benchmarks: Sequence[str]) -> list[Group]:
    place = _name_column(table, index)
    if place is None:
        return []
    named = benchmark_in(table.above, benchmarks)
    groups: list[Group] = []
    for column, head in enumerate(table.header):
        benchmark = benchmark_in(head, benchmarks)
        if benchmark is None and named and evidence_rules().score.search(head):
            benchmark = named
        if column == place or benchmark is None:
            continue
        figures = [
            _Figure(_candidate(each[place], index), row, benchmark, each[column], value)
            for row, each in table.rows
            if (value := _value(each[column])) is not None and each[place]
        ]
        groups.append((figures, _lower(f"{head} {table.above}" if benchmark is named else head)))
    return groups


def _long(table: _Table, index: NameIndex, benchmarks: Sequence[str]) -> list[Group]:
    """Rows of model, benchmark and figure."""
    place = _name_column(table, index)
    named = [
        column
        for column in range(len(table.header))
        if column != place and any(benchmark_in(each[column], benchmarks) for _, each in table.rows)
    ]
    scored = [
        column
        for column in range(len(table.header))
        if column not in (place, *named) and all(_value(each[column]) is not None for _, each in table.rows)
    ]
    if place is None or len(named) != 1 or len(scored) != 1:
        return []
    groups: dict[tuple[str, bool], list[_Figure]] = {}
    for row, each in table.rows:
        benchmark, value = benchmark_in(each[named[0]], benchmarks), _value(each[scored[0]])
        if benchmark is not None and value is not None:
            figure = _Figure(_candidate(each[place], index), row, benchmark, each[scored[0]], value)
            lower = _lower(f"{each[named[0]]} {table.header[scored[0]]}")
            groups.setdefault((each[named[0]], lower), []).append(figure)
    return [(figures, lower) for (_, lower), figures in groups.items()]


def _by_column(table: _Table, index: NameIndex, benchmarks: Sequence[str]) -> list[Group]:
    models = {
        column: key for column, head in enumerate(table.header) if (key := _candidate(head, index)) and column
    }
    if not models:
        return []
    groups: list[Group] = []
    for row, each in table.rows:
        benchmark = benchmark_in(each[0], benchmarks)
        if benchmark is None:
            continue
        figures = [
            _Figure(models.get(column), row, benchmark, each[column], value)
            for column in range(1, len(each))
            if (value := _value(each[column])) is not None
        ]
        groups.append((figures, _lower(each[0])))
    return groups


def _name_column(table: _Table, index: NameIndex) -> int | None:
    first = table.rows[:MAX_PROBED]
    counts = [
        sum(_candidate(each[column], index) is not None for _, each in first)
        for column in range(len(table.header))
    ]
    best = max(counts)
    return counts.index(best) if best else None


def _lower(head: str) -> bool:
    if "↑" in head or "↓" in head:
        return "↓" in head
    return evidence_rules().lower.search(head) is not None


def _ranked(figures: Sequence[_Figure], *, lower: bool) -> list[tuple[_Figure, Stance, str]]:
    count, values = len(figures), sorted(figure.value for figure in figures)
    said = []
    for figure in figures:
        less, more = bisect_left(values, figure.value), count - bisect_right(values, figure.value)
        ahead, behind = (less, more) if lower else (more, less)
        stance = Stance.MIXED
        if count >= FEWEST_MODELS and count - behind <= count / 3:
            stance = Stance.FOR
        elif count >= FEWEST_MODELS and count - ahead <= count / 3:
            stance = Stance.AGAINST
        better = ", lower is better" if lower else ""
        said.append(
            (figure, stance, f"{figure.benchmark} {figure.shown}, rank {ahead + 1} of {count}{better}")
        )
    return said


def _together(given: Sequence[Stance]) -> Stance:
    """One stance for the figures of a row: what all that say something agree on, else mixed."""
    telling = set(given) - {Stance.MIXED}
    return telling.pop() if len(telling) == 1 else Stance.MIXED
