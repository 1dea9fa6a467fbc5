"""The order of the candidates: by stars, and between equal ones by what is known of them."""

from __future__ import annotations

from datetime import date
from typing import Any

from tools.rating import parse_day
from tools.table_records import Column, TableRow


def order(row: TableRow, stars: float | None = None) -> tuple[Any, ...]:
    """Sorting key, the best first: stars, more counted claims, fewer unknown cells, newer, name.

    Excluded rows come last and rows without stars after those with. ``stars`` replace the row's own.
    """
    shown = row.rating.stars if stars is None else stars
    day = released(row)
    return (
        bool(row.excluded),
        shown is None,
        -(shown or 0.0),
        -row.rating.counted,
        unknown_cells(row),
        -day.toordinal() if day else 0,
        row.name.casefold(),
        row.key,
    )


def unknown_cells(row: TableRow) -> int:
    """How many columns no source speaks for."""
    return sum(cell.unknown for cell in row.cells)


def released(row: TableRow) -> date | None:
    """The day in the release cell, of the repository's creation where the release is unknown."""
    facts = row.cell(Column.RELEASE).facts
    return parse_day(str(facts[0].value)) if facts else None


def runnable(row: TableRow) -> bool:
    """Whether a packaged copy is known: an Ollama tag or a GGUF file."""
    return bool(row.cell(Column.QUANTIZATION).facts)
