"""Figures of what fails, and of how candidates became known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from tools.coverage import Coverage
from tools.crosses import Cell, Cross
from tools.report.drawing import (
    CHARACTER,
    MARGIN,
    WIDTH,
    Figure,
    line,
    number,
    percent,
    rect,
    text,
)

MOST_BARS: Final = 15
MOST_TOPICS: Final = 20
MOST_CRITERIA: Final = 16
FEWEST: Final = 3
"""A place with fewer verdicts is greyed: its share says nothing."""


class Bar(NamedTuple):
    """One criterion and how many answers failed it."""

    criterion: str
    question: str
    failed: int
    assessed: int
    gate: bool = False


def failures(name: str, *, model: str, bars: Sequence[Bar]) -> Figure:
    """Failures by criterion, most frequent first as given. ``bars`` is not empty."""
    shown = bars[:MOST_BARS]
    row, top = 26, 62
    labels = min(230.0, max(len(_label(bar)) for bar in shown) * CHARACTER + 8)
    left, right = MARGIN + labels + 8, WIDTH - MARGIN - 112
    most = max(bar.failed / bar.assessed for bar in shown)
    title = f"Failures of {model} by criterion"
    under = "share of the answers on which it was assessed; one answer can fail several criteria"
    parts = [
        text(MARGIN, 30, title, "head", room=WIDTH - 2 * MARGIN),
        text(MARGIN, 48, under, "soft small"),
    ]
    for i, bar in enumerate(shown):
        y = top + i * row
        parts.append(text(MARGIN, y + 15, _label(bar), room=labels))
        parts.append(rect(left, y + 3, right - left, row - 9, "track"))
        parts.append(rect(left, y + 3, (right - left) * bar.failed / bar.assessed / most, row - 9, "bar"))
        said = f"{bar.failed}/{bar.assessed} ({percent(bar.failed / bar.assessed)})"
        parts.append(text(right + 8, y + 15, said, "soft"))
    height = top + len(shown) * row + 14
    if len(bars) > len(shown):
        parts.append(
            text(MARGIN, height + 4, f"{len(bars) - len(shown)} more are in the table.", "soft small")
        )
        height += 18
    named = [f"{b.criterion}{' (gate)' if b.gate else ''} {b.failed} of {b.assessed}" for b in bars]
    return Figure(name, title, f"Answers that fail: {'; '.join(named)}.", height, "".join(parts))


def heat_map(name: str, *, model: str, cross: Cross) -> Figure:
    """Where it fails: values of a dimension down, criteria across, coloured by the share that fails.

    Criteria and values without a failure are left out; there is at least one failure.
    """
    table = _Table.of(cross)
    shown, across = table.rows[:MOST_TOPICS], table.columns[:MOST_CRITERIA]
    # In the rubric's order, though those that fail most were chosen.
    across = tuple(j for j in range(len(cross.criteria)) if j in across)
    row, top = 28, 92
    labels = min(230.0, max(len(cross.values[i]) for i in shown) * CHARACTER)
    left = MARGIN + labels + 8
    longest = max(
        *(len(_count(cross.cells[i][j])) for i in shown for j in across),
        *(len(cross.criteria[j]) for j in across),
    )
    width = max(longest * CHARACTER + 8, min(72.0, (WIDTH - MARGIN - left) / len(across)))
    title = f"Failures of {model} by {cross.dimension} and criterion"
    under = f"failed/assessed; colour: share failed; no colour: fewer than {FEWEST} assessed"
    parts = [
        text(MARGIN, 30, title, "head", room=WIDTH - 2 * MARGIN),
        text(MARGIN, 48, under, "soft small"),
    ]
    for column, j in enumerate(across):
        parts.append(text(left + (column + 0.5) * width, top - 10, cross.criteria[j], "soft small middle"))
    for line_, i in enumerate(shown):
        y = top + line_ * row
        parts.append(text(MARGIN, y + 18, cross.values[i], room=labels))
        for column, j in enumerate(across):
            parts += _cell(cross.cells[i][j], left + column * width, y, width, row)
    height: float = top + len(shown) * row + 16
    more = [f"{n} more {word}" for n, word in table.left_out(cross.dimension) if n > 0]
    if more:
        said = f"{' and '.join(more)} in the machine-readable results."
        parts.append(text(MARGIN, height + 2, said, "soft small"))
        height += 18
    wide = max(WIDTH, left + len(across) * width + MARGIN)
    return Figure(name, title, _described(cross, table), height, "".join(parts), wide)


class _Table(NamedTuple):
    """Places of the values and criteria with a failure; criteria that fail most first."""

    rows: tuple[int, ...]
    columns: tuple[int, ...]

    @classmethod
    def of(cls, cross: Cross) -> _Table:
        totals = [sum(line[j].failed for line in cross.cells) for j in range(len(cross.criteria))]
        rows = tuple(i for i, line in enumerate(cross.cells) if any(cell.failed for cell in line))
        columns = sorted((j for j, n in enumerate(totals) if n), key=lambda j: -totals[j])
        return cls(rows, tuple(columns))

    def left_out(self, dimension: str) -> tuple[tuple[int, str], ...]:
        return (
            (len(self.rows) - MOST_TOPICS, "topics" if dimension == "topic" else "groups"),
            (len(self.columns) - MOST_CRITERIA, "criteria"),
        )


def _count(cell: Cell) -> str:
    return f"{cell.failed}/{cell.assessed}" if cell.assessed else "–"


def _cell(cell: Cell, x: float, y: float, width: float, row: float) -> list[str]:
    parts = [rect(x + 1, y + 1, width - 2, row - 2, "none")]
    telling = cell.failed and cell.assessed >= FEWEST
    if telling:
        # Over 0.6 the figure on it would no longer be read easily in both palettes.
        shade = 0.6 * cell.failed / cell.assessed
        parts.append(rect(x + 1, y + 1, width - 2, row - 2, "bar", opacity=shade))
    return [*parts, text(x + width / 2, y + 18, _count(cell), "middle" if telling else "soft middle")]


def coverage_curve(name: str, coverage: Coverage) -> Figure:
    """Viable candidates known after each answered query; the listings' count is where it begins. The curve
    has at least one point."""
    left, right, top, bottom = MARGIN + 44, WIDTH - MARGIN, 92, 232
    last, most = coverage.curve[-1].query, max(1, coverage.known)

    def x(query: int) -> float:
        return left + (right - left) * query / last

    def y(known: int) -> float:
        return bottom - (bottom - top) * known / most

    title = "Viable candidates known, query by query"
    share = coverage.sample_coverage
    said = [f"{coverage.listed} in listings, {coverage.known} after {coverage.queries} answered queries"]
    if share is not None and coverage.low is not None and coverage.high is not None:
        said.append(
            f"the next one that a query shows is known with probability {percent(share)}, "
            f"95% interval {percent(coverage.low)} to {percent(coverage.high)}"
        )
    steps = [(0, coverage.listed), *((point.query, point.known) for point in coverage.curve)]
    path = f"M{number(x(0))} {number(y(coverage.listed))}" + "".join(
        f"H{number(x(query))}V{number(y(known))}" for query, known in steps[1:]
    )
    parts = [
        text(MARGIN, 30, title, "head", room=WIDTH - 2 * MARGIN),
        *(text(MARGIN, 48 + 16 * i, words, "soft small") for i, words in enumerate(said)),
        line(left, bottom, right, bottom, "rule"),
        line(left, y(coverage.listed), right, y(coverage.listed), "rule dash"),
        f'<path class="whisker" fill="none" d="{path}"/>',
        text(left - 8, y(coverage.known) + 4, str(coverage.known), "soft small end"),
        text(left, bottom + 18, "0", "soft small"),
        text(right, bottom + 18, f"{last} queries", "soft small end"),
    ]
    if y(coverage.listed) - y(coverage.known) > 14:
        parts.append(text(left - 8, y(coverage.listed) + 4, str(coverage.listed), "soft small end"))
    return Figure(name, title, "; ".join(said) + ".", bottom + 34, "".join(parts))


def _described(cross: Cross, table: _Table) -> str:
    said = []
    for i in table.rows[:MOST_TOPICS]:
        cells = zip(cross.criteria, cross.cells[i], strict=True)
        named = [f"{criterion} {_count(cell)}" for criterion, cell in cells if cell.failed]
        said.append(f"{cross.values[i]}: {', '.join(named)}")
    return f"Failed of assessed. {'; '.join(said)}."


def _label(bar: Bar) -> str:
    return f"{bar.criterion}{' (gate)' if bar.gate else ''} {bar.question}"
