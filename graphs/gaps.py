"""What the table leaves open: the questions that the next wave asks."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from tools.search.queries import Gap, GapKind
from tools.table import UNKNOWN, Column, ComparisonTable, TableRow

PROMISING = 12
"""Rows whose open cells are worth a question: those that a person sees first."""
ASKED_ABOUT = {
    Column.LICENCE: GapKind.LICENCE,
    Column.CONTEXT: GapKind.CONTEXT,
    Column.RELEASE: GapKind.RELEASE,
}
"""Columns that a web page can fill; the others come from records alone."""


def gaps(table: ComparisonTable, newcomers: Collection[str] = ()) -> tuple[Gap, ...]:
    """What the next wave asks: of newcomers (keys) first, then the open cells, missing evidence and
    contradictions of the most promising rows, the first rows first."""
    new = (Gap(row.name, GapKind.NEW) for row in table.eligible if row.key in newcomers)
    return (*new, *(gap for row in table.eligible[:PROMISING] for gap in _of(row)))


def _of(row: TableRow) -> Iterator[Gap]:
    if row.rating.stars is None:
        yield Gap(row.name, GapKind.EVIDENCE)
    for column, kind in ASKED_ABOUT.items():
        cell = row.cell(column)
        if cell.text == UNKNOWN:
            yield Gap(row.name, kind)
        elif cell.contradictions:
            yield Gap(row.name, kind, disputed=True)
