"""How the page names, orders and shortens the columns of the comparison table."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from markupsafe import Markup, escape

from agent.pages.render import stars
from tools.candidates import Candidate, Standing
from tools.escape import clean
from tools.facts import Factor, Settled
from tools.licences import CommercialUse
from tools.needs import MemoryNeed, memory_need
from tools.ranking import released
from tools.rating import CandidateView
from tools.sizes import counted_as
from tools.table import Column, TableRow

ORDER: Final = (
    Column.MODEL,
    Column.FIT,
    Column.PARAMS,
    Column.LICENCE,
    Column.CONTEXT,
    Column.MEMORY,
    Column.QUANTIZATION,
    Column.RELEASE,
    Column.FOCUS,
    Column.COMMUNITY,
    Column.NOTES,
)
"""As the page shows them: what decides stands first."""
TITLES: Final = {Column.FIT: "Domain fit", Column.FOCUS: "Focus"}
DESCENDING: Final = frozenset({Column.FIT, Column.CONTEXT, Column.RELEASE, Column.COMMUNITY})
"""Columns whose largest value is the most interesting one."""
EXACT: Final = re.compile(r" \((?:weights [^()]*|[\d,]{9,}(?: bytes)?)\)")
"""Exact counts, which the sources of a cell show."""

_STARS: Final = re.compile(r"⭐{1,5}½? (\d\.\d)")
_PERMISSIVE: Final = {
    CommercialUse.YES: 0,
    CommercialUse.CONDITIONAL: 1,
    CommercialUse.NO: 2,
    CommercialUse.UNKNOWN: None,
}
VERDICTS: Final = {
    CommercialUse.YES: ("good", "commercial use"),
    CommercialUse.CONDITIONAL: ("warn", "with conditions"),
    CommercialUse.NO: ("bad", "no commercial use"),
    CommercialUse.UNKNOWN: ("warn", "commercial use unknown"),
}
"""Verdict on commercial use → class of its chip, and its words."""


def slug(column: Column) -> str:
    """Name of a column in an address: ``params``."""
    return column.name.lower()


BY_SLUG: Final = {slug(column): column for column in Column}


def title(column: Column) -> str:
    return TITLES.get(column, column.value)


def column_named(text: str) -> Column | None:
    """The column that an address or a person means."""
    wanted = text.strip().casefold()
    return BY_SLUG.get(wanted) or next(
        (column for column in Column if wanted in {column.value.casefold(), title(column).casefold()}), None
    )


class Text(NamedTuple):
    """A cell for the screen: what is read first, and what stands under it."""

    lead: str
    rest: tuple[str, ...] = ()


def text_of(row: TableRow, column: Column) -> Text:
    cell = row.cell(column)
    told = clean(EXACT.sub("", cell.text))
    match column:
        case Column.LICENCE if not cell.unknown:
            return Text(clean(row.licence.display))
        case Column.CONTEXT | Column.QUANTIZATION if not cell.unknown:
            lead, *rest = told.split("; ")
            return Text(lead, tuple(rest))
        case Column.MEMORY | Column.COMMUNITY if not cell.unknown:
            lead, *rest = told.split(", ") if column is Column.COMMUNITY else told.split(" at ", 1)
            return Text(lead, tuple(rest if column is Column.COMMUNITY else [f"at {one}" for one in rest]))
        case _:
            return Text(told)


def starred(text: str) -> Markup:
    """``text`` with the stars in it drawn: no font decides what a person sees."""
    text = clean(text)
    made, at = Markup(), 0
    for found in _STARS.finditer(text):
        made += escape(text[at : found.start()]) + stars(float(found[1])) + f" {found[1]}"
        at = found.end()
    return made + text[at:]


def need_of(row: TableRow, context: int) -> MemoryNeed | None:
    """Memory for ``context`` tokens by the facts displayed in the row; None when no size is known."""
    facts = {fact.factor: Settled(fact, ()) for cell in row.cells for fact in cell.facts}
    itself = Candidate(
        key=row.key,
        name=row.name,
        family=row.family,
        standing=Standing.ACCEPTED,
        reason="",
        found_by="",
    )
    return memory_need(CandidateView(itself, facts), context)


def sizes_of(row: TableRow) -> tuple[int, ...]:
    """The parameters by which a filter or a limit takes the row: real ones, and those it is called by."""
    tags = [
        str(fact.value) for fact in row.cell(Column.QUANTIZATION).facts if fact.factor is Factor.OLLAMA_TAG
    ]
    real = number(row, Column.PARAMS, Factor.PARAMETERS)
    return counted_as(None if real is None else int(real), " ".join((row.key, row.name, *tags)))


def place(row: TableRow, column: Column, context: int) -> float | str | None:
    """What a row is sorted by in ``column``; None where it is unknown, which comes last either way."""
    match column:
        case Column.MODEL:
            return clean(row.name).casefold()
        case Column.FIT:
            return row.rating.stars
        case Column.LICENCE:
            return _PERMISSIVE[row.licence.verdict]
        case Column.FOCUS | Column.NOTES:
            cell = row.cell(column)
            return None if cell.unknown else clean(cell.text).casefold()
        case _:
            return _measure(row, column, context)


def _measure(row: TableRow, column: Column, context: int) -> float | None:
    if column is Column.MEMORY:
        need = need_of(row, context)
        return None if need is None else float(need.total)
    if column is Column.RELEASE:
        day = released(row)
        return None if day is None else float(day.toordinal())
    found = [value for factor in _MEASURED[column] if (value := number(row, column, factor)) is not None]
    if not found:
        return None
    return min(found) if column is Column.QUANTIZATION else found[0]


_MEASURED: Final = {
    Column.PARAMS: (Factor.PARAMETERS,),
    Column.CONTEXT: (Factor.CONTEXT_NATIVE, Factor.CONTEXT_EXTENDED),
    Column.QUANTIZATION: (Factor.OLLAMA_BYTES, Factor.GGUF_BYTES),
    Column.COMMUNITY: (Factor.DOWNLOADS, Factor.LIKES, Factor.OPEN_ISSUES),
}


def number(row: TableRow, column: Column, factor: Factor) -> float | None:
    """The value displayed for ``factor`` where it is a number."""
    values = [fact.value for fact in row.cell(column).facts if fact.factor is factor]
    fits = values and isinstance(values[0], int | float) and not isinstance(values[0], bool)
    return float(values[0]) if fits else None
