"""Which rows and columns of a table are shown, for reading only: an approval is of the whole table."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from tools.facts import Factor
from tools.faults import WrongUse
from tools.licences import CommercialUse
from tools.ranking import released
from tools.table_records import Column, ComparisonTable, TableRow

FIRST: Final = 12
"""Rows shown unless all are asked for."""


class Sort(StrEnum):
    STARS = "stars"
    SIZE = "size"
    RELEASE = "release"
    DOWNLOADS = "downloads"


class Shown(NamedTuple):
    """What of a table is shown."""

    rows: tuple[TableRow, ...]
    columns: tuple[Column, ...]
    more: int
    """Rows that the limit leaves out."""


def shown(
    table: ComparisonTable,
    *,
    limit: int | None = FIRST,
    sort: Sort = Sort.STARS,
    columns: Sequence[Column] = (),
    commercial: bool = False,
    family: str | None = None,
) -> Shown:
    """At most ``limit`` rows of ``table`` in the order of ``sort``, excluded ones last.

    ``commercial`` leaves out rows whose licence does not allow commercial use, with or without conditions;
    ``family`` those of another family and lineage. No ``columns`` are all columns.
    """
    rows = [row for row in table.rows if _fits(row, commercial, family)]
    if sort is not Sort.STARS:
        # Sorting is stable: equal rows, and those of which it is unknown, stay in the order of stars.
        rows.sort(key=lambda row: (bool(row.excluded), *_place(row, sort)))
    kept = rows if limit is None else rows[:limit]
    wanted = tuple(column for column in Column if not columns or column in {Column.MODEL, *columns})
    return Shown(tuple(kept), wanted, len(rows) - len(kept))


def parse_columns(text: str) -> tuple[Column, ...]:
    """``params,licence,fit`` as columns; :class:`WrongUse` lists the names when one is not known."""
    names = {column.name.lower(): column for column in Column}
    found = []
    for word in filter(None, (part.strip().lower() for part in text.split(","))):
        if word not in names:
            raise WrongUse(f"There is no column {word!r}.", f"The columns are {', '.join(names)}.")
        found.append(names[word])
    return tuple(found)


def _fits(row: TableRow, commercial: bool, family: str | None) -> bool:
    if commercial and row.licence.verdict not in {CommercialUse.YES, CommercialUse.CONDITIONAL}:
        return False
    wanted = (family or "").casefold()
    return not wanted or wanted in {row.family.casefold(), row.lineage.casefold()}


def _place(row: TableRow, sort: Sort) -> tuple[bool, float]:
    """Unknown last; the smallest size, the newest release and the most downloads first."""
    match sort:
        case Sort.SIZE:
            value = _number(row, Column.PARAMS, Factor.PARAMETERS)
        case Sort.DOWNLOADS:
            found = _number(row, Column.COMMUNITY, Factor.DOWNLOADS)
            value = None if found is None else -found
        case _:
            day = released(row)
            value = None if day is None else -float(day.toordinal())
    return (value is None, value or 0.0)


def _number(row: TableRow, column: Column, factor: Factor) -> float | None:
    values = [fact.value for fact in row.cell(column).facts if fact.factor is factor]
    return float(values[0]) if values and isinstance(values[0], int | float) else None
