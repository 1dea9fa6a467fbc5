"""Rows of the comparison table as the page shows them, and in which order; an approval is of all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, NamedTuple
from urllib.parse import urlencode

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from agent.pages.columns import DESCENDING, ORDER, Text, column_named, place, sizes_of, slug, text_of, title
from tools.escape import clean
from tools.proposal import Proposal
from tools.table import Cell, Column, ComparisonTable, TableRow

Order = Literal["asc", "desc"]
UNKNOWN = "unknown"

Blank = BeforeValidator(lambda given: None if given == "" else given)
"""A field of a form that nobody filled in."""


class TableWishes(BaseModel):
    """What the address asks for; a column that there is not is left at its default."""

    model_config = ConfigDict(frozen=True)

    sort: str = Field(default="fit", max_length=40)
    order: Annotated[Order | None, Blank] = None
    q: str = Field(default="", max_length=200)
    """Every word must stand somewhere in the row."""
    family: str = Field(default="", max_length=200)
    licence: str = Field(default="", max_length=200)
    """``use:yes`` and the like, or the name of a licence."""
    smallest: Annotated[float | None, Blank] = Field(default=None, ge=0, le=1e6)
    """Billions of parameters."""
    largest: Annotated[float | None, Blank] = Field(default=None, ge=0, le=1e6)
    eligible: bool = False
    """Leave out what misses a hard need."""
    columns: str | None = Field(default=None, max_length=400)
    """Names with commas between; None leaves it to what was chosen last."""

    @property
    def column(self) -> Column:
        return column_named(self.sort) or Column.FIT

    @property
    def descending(self) -> bool:
        return self.order == "desc" if self.order else self.column in DESCENDING

    def with_sort(self, column: Column) -> str:
        """The query of a click on a column's head: sorted by it, or the other way round."""
        other = column is self.column
        turned = ("asc" if self.descending else "desc") if other else None
        return self.query(sort=slug(column), order=turned)

    def query(self, **changes: object) -> str:
        """These wishes as the query of an address, with ``changes``."""
        wishes = {**self.model_dump(exclude_defaults=True), **changes}
        return urlencode({k: "1" if v is True else v for k, v in wishes.items() if v not in {None, ""}})


class ShownCell(NamedTuple):
    column: Column
    slug: str
    title: str
    cell: Cell
    text: Text
    place: float | str | None
    """What it is sorted by."""
    differing: int


class ShownRow(NamedTuple):
    row: TableRow
    role: str
    """``primary`` or ``backup`` where it is proposed so."""
    cells: tuple[ShownCell, ...]
    words: str
    """Everything that a filter may look for, in lower case."""
    sizes: tuple[float, ...]
    """Billions of parameters: the real count, and what it is called by."""
    fits: bool
    """Whether it passes the filters; a row that does not is hidden, so that a script can bring it back."""


class ShownHead(NamedTuple):
    column: Column
    slug: str
    title: str
    sorted: str
    """For ``aria-sort``; empty when the table is not sorted by it."""
    first: Order
    """The direction that a first click gives."""
    query: str
    chosen: bool


class ShownTable(NamedTuple):
    heads: tuple[ShownHead, ...]
    eligible: tuple[ShownRow, ...]
    excluded: tuple[ShownRow, ...]
    families: tuple[tuple[str, str], ...]
    """What is asked for, and how it is spelt; those that differ in case only are one."""
    licences: tuple[str, ...]
    """Without the unknown one, which is found by its use."""

    @property
    def fitting(self) -> int:
        return sum(row.fits for row in (*self.eligible, *self.excluded))

    @property
    def total(self) -> int:
        return len(self.eligible) + len(self.excluded)


def show(
    table: ComparisonTable, proposal: Proposal | None, wishes: TableWishes, columns: Sequence[Column]
) -> ShownTable:
    """Every row, sorted as wished within the eligible and within the excluded ones."""
    rows = [_row(row, table, proposal, wishes) for row in table.rows]
    rows = sort_rows(rows, wishes.column, descending=wishes.descending)
    return ShownTable(
        heads=tuple(_head(column, wishes, column in columns) for column in ORDER),
        eligible=tuple(row for row in rows if not row.row.excluded),
        excluded=tuple(row for row in rows if row.row.excluded),
        families=names_once(name for row in table.rows for name in (row.family, row.lineage)),
        licences=tuple(sorted({row.licence.display for row in table.rows} - {UNKNOWN})),
    )


def names_once(names: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Each name once in any case: in lower case, and in its commonest spelling."""
    spelt: dict[str, Counter[str]] = {}
    for name in names:
        spelt.setdefault(name.lower(), Counter())[name] += 1
    return tuple((name, _commonest(found)) for name, found in sorted(spelt.items()))


def _commonest(found: Counter[str]) -> str:
    return min(found, key=lambda name: (-found[name], name))


def sort_rows(rows: Sequence[ShownRow], column: Column, *, descending: bool) -> list[ShownRow]:
    """``rows`` by ``column``; what is unknown comes last either way, equal ones stay as they stood."""

    def value(row: ShownRow) -> float | str | None:
        return next(cell.place for cell in row.cells if cell.column is column)

    known = [row for row in rows if value(row) is not None]
    known.sort(key=value, reverse=descending)  # type: ignore[arg-type]
    return [*known, *(row for row in rows if value(row) is None)]


def chosen_columns(asked: str | None, remembered: str | None) -> tuple[Column, ...]:
    """The columns that are shown: those asked for, else those chosen last, else all; the model always."""
    for text in (asked, remembered):
        named = [column_named(word) for word in (text or "").replace(".", ",").split(",")]
        found = [column for column in named if column is not None]
        if found:
            return tuple(column for column in ORDER if column in {Column.MODEL, *found})
    return ORDER


def _head(column: Column, wishes: TableWishes, chosen: bool) -> ShownHead:
    here = column is wishes.column
    return ShownHead(
        column=column,
        slug=slug(column),
        title=title(column),
        sorted=("descending" if wishes.descending else "ascending") if here else "",
        first="desc" if column in DESCENDING else "asc",
        query=wishes.with_sort(column),
        chosen=chosen,
    )


def _row(row: TableRow, table: ComparisonTable, proposal: Proposal | None, wishes: TableWishes) -> ShownRow:
    context = table.request.needed_context
    cells = tuple(
        ShownCell(
            column=column,
            slug=slug(column),
            title=title(column),
            cell=(cell := row.cell(column)),
            text=text_of(row, column),
            place=place(row, column, context),
            differing=0 if column is Column.FIT else len(cell.contradictions),
        )
        for column in ORDER
    )
    sizes = tuple(count / 1e9 for count in sizes_of(row))
    words = clean(" ".join([row.key, row.name, row.family, row.lineage, *(c.text for c in row.cells)]))
    shown = ShownRow(row, role_of(row.key, proposal), cells, words.casefold(), sizes, True)
    return shown._replace(fits=_fits(shown, wishes))


def role_of(key: str, proposal: Proposal | None) -> str:
    if proposal is None:
        return ""
    return "primary" if key == proposal.primary else "backup" if key == proposal.backup else ""


def _fits(row: ShownRow, wishes: TableWishes) -> bool:
    if wishes.eligible and row.row.excluded:
        return False
    if wishes.family and wishes.family.lower() not in {row.row.family.lower(), row.row.lineage.lower()}:
        return False
    if wishes.licence and wishes.licence not in {
        f"use:{row.row.licence.verdict.value}",
        row.row.licence.display,
    }:
        return False
    if not _within(row.sizes, wishes.smallest, wishes.largest):
        return False
    return all(word in row.words for word in clean(wishes.q).casefold().split())


def _within(sizes: tuple[float, ...], smallest: float | None, largest: float | None) -> bool:
    if smallest is None and largest is None:
        return True
    return any(
        (smallest is None or size >= smallest) and (largest is None or size <= largest) for size in sizes
    )
