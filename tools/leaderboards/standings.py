"""What a leaderboard says: its entries, with figures and where they stand in the pages that were read."""

from __future__ import annotations

import asyncio
import math
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from tools.dates import dates_in
from tools.evidence import is_suspicious
from tools.leaderboards.boards import Format, Leaderboard, Measure
from tools.leaderboards.cells import Cell, Row, UnreadableTableError, rows_of, rows_total
from tools.outcomes import Empty, Failed, FailReason, Found, Outcome
from tools.sizes import nominal_parameters
from tools.web.page import Page, Web

NAME = re.compile(r"[\w .:/+()#@&,=~'-]{2,120}")
"""Characters of models' names; markup and instructions are none."""
NUMBER = re.compile(r"[+-]?[0-9]{1,14}(?:\.[0-9]{1,20})?")
ON_THE_HUB = re.compile(r"https?://(?:www\.)?(?:huggingface\.co|hf\.co)/([\w.-]{1,96}/[\w.-]{1,96})/?")
FEWEST_PARAMETERS = 10**6
"""A smaller count is in another unit than the file used to have."""
MOST_PARAMETERS = 10**14
ANOTHER_SLICE = "of another category"


class Figure(NamedTuple):
    """One figure of one entry."""

    value: float
    quote: str
    """From the name to the figure, as the page has it; white space folded."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a leaderboard."""

    name: str
    """The model as the leaderboard calls it."""
    repo: str | None
    """Its Hub repository, where the leaderboard links to one."""
    parameters: int | None
    """As the leaderboard says, or its name; None when neither tells."""
    dated: date | None
    """The day of its figures, where told."""
    figures: tuple[Figure | None, ...]
    """In the order of the leaderboard's measures; None where it has none."""
    page: Page = field(repr=False)
    """The page that it stands on."""

    @property
    def identity(self) -> str:
        """What says which model is meant: the repository, or the name."""
        return self.repo or self.name


@dataclass(frozen=True, slots=True)
class Standings:
    """A leaderboard as it was read."""

    board: Leaderboard
    entries: tuple[Entry, ...] = field(repr=False)
    pages: tuple[Page, ...] = field(repr=False)
    """Every page, in order. A claim cites one of them by address and hash."""
    left_out: tuple[tuple[str, int], ...] = ()
    """Reasons for which rows were passed over, and how many."""
    rows_unread: int = 0
    """Rows on pages beyond the limit."""


async def read_leaderboard(web: Web, board: Leaderboard) -> Outcome[Standings]:
    """Fetch and parse ``board``. A page that cannot be had is the outcome of the whole: ranks among a part of
    the entries would be wrong. Nothing is raised for what the leaderboard serves."""
    first = await web.get(board.address(), max_bytes=board.max_bytes)
    if not isinstance(first, Found):
        return first
    total = (rows_total(first.value.text) or 0) if board.max_pages > 1 else 0
    most = board.page_rows * board.max_pages
    offsets = range(board.page_rows, min(total, most), board.page_rows)
    others = await asyncio.gather(*(web.get(board.address(at), max_bytes=board.max_bytes) for at in offsets))
    pages = [first.value]
    for outcome in others:
        if not isinstance(outcome, Found):
            return outcome
        pages.append(outcome.value)
    unread = max(0, total - most)
    return await asyncio.to_thread(standings_from, board, tuple(pages), rows_unread=unread)


def standings_from(
    board: Leaderboard, pages: tuple[Page, ...], *, rows_unread: int = 0
) -> Outcome[Standings]:
    """The standings that ``pages`` of ``board`` hold. Empty when a data set says that the slice has no
    rows; Failed when a page is not in the board's format, or nothing in it can be used."""
    entries: list[Entry] = []
    left_out: Counter[str] = Counter()
    for page in pages:
        try:
            rows = rows_of(page.text, board)
        except UnreadableTableError as error:
            return Failed(FailReason.BAD_REPLY, f"{board.title} ({page.url}) was not understood. {error}")
        day = _day_of(page, board)
        for row in rows:
            found = _entry(row, board, page, day)
            if isinstance(found, Entry):
                entries.append(found)
            else:
                left_out[found] += 1
    if not entries:
        if board.format is Format.DATASET_ROWS and set(left_out) <= {ANOTHER_SLICE}:
            return Empty(f"{board.title} has no rows.")
        sentence = f"{board.title} ({pages[0].url}) has no entry with a usable name and figure."
        return Failed(FailReason.BAD_REPLY, sentence)
    return Found(Standings(board, tuple(entries), pages, tuple(sorted(left_out.items())), rows_unread))


def _entry(row: Row, board: Leaderboard, page: Page, day: date | None) -> Entry | str:
    """The entry of a row, or why it has none."""
    if board.slice_field and _text(row.get(board.slice_field)) != board.slice_value:
        return ANOTHER_SLICE
    cell = row.get(board.name)
    named = _name(cell, board, page.text) if cell else None
    if named is None:
        return "no usable name"
    name, link = named
    if is_suspicious(name.value):
        return "a name that tries to instruct its reader"
    figures = tuple(_figure(row, measure, name, page.text) for measure in board.measures)
    if not any(figures):
        return "no figure in the expected range"
    on_the_hub = ON_THE_HUB.fullmatch(link or _text(row.get(board.link) if board.link else None))
    return Entry(
        name=name.value,
        repo=on_the_hub[1] if on_the_hub else None,
        parameters=_parameters(row, board) or nominal_parameters(name.value),
        dated=_sane(_day(_text(row.get(board.dated_field))), page) if board.dated_field else day,
        page=page,
        figures=figures,
    )


def _name(cell: Cell, board: Leaderboard, text: str) -> tuple[Cell, str | None] | None:
    """The name's own cell and its address, or None when the cell holds no model's name."""
    if not isinstance(cell.value, str) or len(cell.value) > 600:
        return None
    found = re.search(board.name_pattern, cell.value) if board.name_pattern else None
    name, link = cell.value, None
    start, end = cell.start, cell.end
    if found:
        name, link = found["name"], found.groupdict().get("link")
        if text[start:end] == cell.value:
            start, end = start + found.start("name"), start + found.end("name")
    name = name.strip()
    return (Cell(name, start, end), link) if NAME.fullmatch(name) else None


def _figure(row: Row, measure: Measure, name: Cell, text: str) -> Figure | None:
    cell = row.get(measure.field)
    value = _number(cell.value) if cell else None
    if cell is None or value is None or not measure.lowest <= value <= measure.highest:
        return None
    quote = " ".join(text[min(name.start, cell.start) : max(name.end, cell.end)].split())
    return Figure(value, quote)


def _number(value: object) -> float | None:
    """A finite number, from JSON or spelled out; a percent sign may follow."""
    if isinstance(value, str):
        spelled = value.strip().removesuffix("%").strip()
        return float(spelled) if NUMBER.fullmatch(spelled) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > MOST_PARAMETERS:
        return None
    return float(value) if math.isfinite(value) else None


def _parameters(row: Row, board: Leaderboard) -> int | None:
    cell = row.get(board.size) if board.size else None
    number = _number(cell.value) if cell else None
    if number is None:
        return None
    count = round(number * board.size_unit)
    return count if FEWEST_PARAMETERS <= count <= MOST_PARAMETERS else None


def _day_of(page: Page, board: Leaderboard) -> date | None:
    """The day that the file gives for all its figures."""
    found = re.search(board.dated_pattern, page.text) if board.dated_pattern else None
    return _sane(_day(found[1]), page) if found else None


def _day(spelled: str) -> date | None:
    """The first day in a text; a month alone is none."""
    value = next(
        (found.value for found in dates_in(spelled[:60]) if len(found.value) == len("2026-01-31")), None
    )
    return date.fromisoformat(value) if value else None


def _sane(day: date | None, page: Page) -> date | None:
    """``day`` unless it lies after the reading."""
    return day if day and day <= page.retrieved_at.date() else None


def _text(cell: Cell | None) -> str:
    return cell.value if cell and isinstance(cell.value, str) else ""
