"""Limits that a person sets on a table: who keeps to them, who does not, and of whom no source tells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from agent.conversation import intents
from agent.conversation.names import Book, cleaned
from agent.conversation.replies import counted, names
from tools.facts import Factor
from tools.licences import CommercialUse
from tools.request import NO_CEILING, SizeRange
from tools.sizes import fits_size
from tools.table import Column, TableRow

Keeps = Callable[[TableRow], bool | None]


class Limit(NamedTuple):
    """One limit; what is not known to be within one on licences is taken to be outside."""

    label: str
    keeps: Keeps
    """None where no source tells."""
    unknown: Callable[[Sequence[TableRow]], str]
    strict: bool = False

    def leaves_out(self, row: TableRow) -> bool:
        kept = self.keeps(row)
        return kept is False or (self.strict and kept is None)

    def of_unknown(self, rows: Sequence[TableRow]) -> str:
        unsure = [row for row in rows if self.keeps(row) is None]
        return self.unknown(unsure) if unsure else ""


def limits_of(wish: intents.Only, book: Book) -> tuple[Limit, ...]:
    """Every limit that the wish names."""
    found: list[Limit] = []
    if wish.commercial:
        found.append(Limit("free for commercial use", _commercial, _gone, strict=True))
    if wish.licence is not None:
        wanted = wish.licence.casefold().replace("-", " ")
        label = "openly licensed" if wanted == "open" else f"under {wish.licence}"
        found.append(Limit(label, lambda row: _licensed(row, wanted), _gone, strict=True))
    if wish.name is not None:
        keys = set(book.in_table(wish.name))
        found.append(Limit(f"called {cleaned(wish.name)}", lambda row: row.key in keys, lambda _rows: ""))
    if wish.most_billions is not None:
        found.append(_sized(f"at most {wish.most_billions:g}B", 0, max(1, int(wish.most_billions * 1e9))))
    if wish.least_billions is not None:
        found.append(_sized(f"at least {wish.least_billions:g}B", int(wish.least_billions * 1e9), NO_CEILING))
    return tuple(found)


def _sized(label: str, least: int, most: int) -> Limit:
    size = SizeRange(minimum=least, maximum=most)
    return Limit(label, lambda row: fits_size(size, _parameters(row), _spelt(row)), _stays)


def by_name(wish: intents.Only) -> str:
    """Sizes are what models are called: one called 9B has a little more than 9 billion parameters."""
    return (
        " by what it is called" if wish.most_billions is not None or wish.least_billions is not None else ""
    )


def _spelt(row: TableRow) -> str:
    tags = [
        str(fact.value) for fact in row.cell(Column.QUANTIZATION).facts if fact.factor is Factor.OLLAMA_TAG
    ]
    return " ".join((row.key, row.name, *tags))


def _commercial(row: TableRow) -> bool | None:
    if row.licence.verdict is CommercialUse.UNKNOWN:
        return None
    return row.licence.verdict in {CommercialUse.YES, CommercialUse.CONDITIONAL}


def _licensed(row: TableRow, wanted: str) -> bool | None:
    if row.licence.verdict is CommercialUse.UNKNOWN:
        return None
    if wanted == "open":
        return row.licence.verdict is CommercialUse.YES
    return wanted in row.licence.display.casefold().replace("-", " ")


def _parameters(row: TableRow) -> int | None:
    values = [fact.value for fact in row.cell(Column.PARAMS).facts if fact.factor is Factor.PARAMETERS]
    return int(values[0]) if values and isinstance(values[0], int | float) else None


def _gone(rows: Sequence[TableRow]) -> str:
    return f"Of {counted(len(rows), 'candidate')} among them no licence is known: {names([row.name for row in rows])}."  # noqa: E501


def _stays(rows: Sequence[TableRow]) -> str:
    return f"{counted(len(rows), 'candidate')} of unknown size stay: {names([row.name for row in rows])}."
