"""Limits that a person sets on a table: who keeps to them, who does not, and of whom no source tells."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from agent.conversation import intents
from agent.conversation.hearing_answers import names as names_in
from agent.conversation.names import Book, cleaned
from agent.conversation.replies import counted, names
from tools.licences import CommercialUse
from tools.request import NO_CEILING, SizeRange
from tools.sizes import said
from tools.table import TableRow

Keeps = Callable[[TableRow], bool | None]


class Limit(NamedTuple):
    """One limit; what is not known to be within one on licences is taken to be outside."""

    label: str
    keeps: Keeps
    """None where no source tells."""
    unknown: Callable[[Sequence[TableRow]], str]
    strict: bool = False
    aside: Callable[[Sequence[TableRow]], str] = lambda _rows: ""
    """What is to be said of some that keep to it."""

    def leaves_out(self, row: TableRow) -> bool:
        kept = self.keeps(row)
        return kept is False or (self.strict and kept is None)

    def of_unknown(self, rows: Sequence[TableRow]) -> str:
        unsure = [row for row in rows if self.keeps(row) is None]
        told = (self.unknown(unsure) if unsure else "", self.aside([row for row in rows if self.keeps(row)]))
        return " ".join(filter(None, told))


def limits_of(wish: intents.Only, book: Book) -> tuple[Limit, ...]:
    """Every limit that the wish names."""
    found: list[Limit] = []
    if wish.commercial:
        label = "free for commercial use"
        found.append(Limit(label, _commercial, _gone, strict=True, aside=_under_conditions))
    if wish.licence is not None:
        wanted = wish.licence.casefold().replace("-", " ")
        either = re.split(r"\s*,\s*(?:or\s+|and\s+)?|\s+(?:or|and)\s+|\s*/\s*", wanted)
        label = "openly licensed" if wanted == "open" else f"under {wish.licence}"
        found.append(Limit(label, lambda row: _licensed(row, either), _gone, strict=True))
    if wish.name is not None:
        keys = {key for one in names_in(wish.name) for key in book.of_line(one)}
        found.append(
            Limit(f"of the line {cleaned(wish.name)}", lambda row: row.key in keys, lambda _rows: "")
        )
    if wish.most_billions is not None:
        found.append(_sized(f"at most {wish.most_billions:g}B", 0, max(1, int(wish.most_billions * 1e9))))
    if wish.least_billions is not None:
        found.append(_sized(f"at least {wish.least_billions:g}B", int(wish.least_billions * 1e9), NO_CEILING))
    return tuple(found)


def _sized(label: str, least: int, most: int) -> Limit:
    from agent.pages.columns import sizes_of

    size = SizeRange(minimum=least, maximum=most)

    def keeps(row: TableRow) -> bool | None:
        counts = sizes_of(row)
        return any(size.holds(one) for one in counts) if counts else None

    def aside(rows: Sequence[TableRow]) -> str:
        called = [
            f"{row.name} ({said(sizes_of(row)[0])})" for row in rows if not size.holds(sizes_of(row)[0])
        ]
        stay = "stays though it is" if len(called) == 1 else "stay though they are"
        differ = "larger" if most < NO_CEILING else "smaller"
        told = f"{counted(len(called), 'candidate')} {stay} slightly {differ} than called: {names(called)}."
        return told if called else ""

    return Limit(label, keeps, _stays, aside=aside)


def order_of(wish: intents.Only) -> tuple[str, ...]:
    """How to say that whoever does not keep to the limits is to be left out."""
    return (
        *((f"nothing above {wish.most_billions:g}B",) if wish.most_billions is not None else ()),
        *((f"nothing below {wish.least_billions:g}B",) if wish.least_billions is not None else ()),
        *((f"only {wish.licence} licences",) if wish.licence is not None else ()),
        *(("only commercial",) if wish.commercial else ()),
        *((f"only {wish.name} models",) if wish.name is not None else ()),
    )


def by_name(wish: intents.Only) -> str:
    """Sizes are what models are called: one called 9B has a little more than 9 billion parameters."""
    return (
        " by what it is called" if wish.most_billions is not None or wish.least_billions is not None else ""
    )


def _commercial(row: TableRow) -> bool | None:
    if row.licence.verdict is CommercialUse.UNKNOWN:
        return None
    return row.licence.verdict in {CommercialUse.YES, CommercialUse.CONDITIONAL}


def _under_conditions(rows: Sequence[TableRow]) -> str:
    """Whoever stays, and is free under conditions alone: a person has to read them."""
    found = [row.name for row in rows if row.licence.verdict is CommercialUse.CONDITIONAL]
    if not found:
        return ""
    verb = "is" if len(found) == 1 else "are"
    return f"{counted(len(found), 'candidate')} of them {verb} so under conditions: {names(found)}."


def _licensed(row: TableRow, either: Sequence[str]) -> bool | None:
    if row.licence.verdict is CommercialUse.UNKNOWN:
        return None
    if "open" in either:
        return row.licence.verdict is CommercialUse.YES
    shown = row.licence.display.casefold().replace("-", " ")
    return any(wanted in shown for wanted in either)


def _gone(rows: Sequence[TableRow]) -> str:
    return f"Of {counted(len(rows), 'candidate')} among them no licence is known: {names([row.name for row in rows])}."  # noqa: E501


def _stays(rows: Sequence[TableRow]) -> str:
    return f"{counted(len(rows), 'candidate')} of unknown size stay: {names([row.name for row in rows])}."
