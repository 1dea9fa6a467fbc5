"""Tables in their many spellings, as cells that know where in the text they stand.

A quote must be the source's own words, so nothing here gives a value without its place. Whatever the text,
a parser yields rows or raises :class:`UnreadableTableError`; damaged rows are passed over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from tools.leaderboards.boards import OWN_KEY, Format, Leaderboard, Path

MAX_ROWS = 20_000
MAX_COLUMNS = 200
LONGEST_TITLE = 1_000
HEADER_WITHIN = 10
"""A table's header is among this many first records."""

_CELL = re.compile(r'"([^"]*(?:""[^"]*)*)"|([^,\r\n"]*)')
_BREAK = re.compile(r"\r?\n|\r")
_SPACE = re.compile(r"[ \t\r\n]*")
_PIPED = re.compile(r"^[ \t]*\|[^\r\n]*", re.MULTILINE)
_BETWEEN = re.compile(r"(?<=\|)[^|]*(?=\|)")
_MARKUP = re.compile(r"<[^<>]*>")
_DECODER = json.JSONDecoder()


class UnreadableTableError(ValueError):
    """The text is not what the leaderboard's format says; the message is a sentence."""


class Cell(NamedTuple):
    """A value and where it stands: ``text[start:end]`` is its spelling in the source."""

    value: Any
    start: int
    end: int


Row = dict[Path, Cell]


class _Member(NamedTuple):
    key: Cell
    value: Cell


def rows_of(text: str, board: Leaderboard) -> list[Row]:
    """The rows of a leaderboard's page; of each the cells that ``board`` speaks of, as far as there are any.

    Raises :class:`UnreadableTableError` when the text holds no such table.
    """
    paths = {each.field for each in board.measures}
    optional = {board.link, board.size, board.dated_field, board.slice_field} - {None}
    wanted = {path for path in (board.name, *paths, *optional) if path}
    try:
        rows = list(islice(_read(text, board, wanted, paths), MAX_ROWS + 1))
    except UnreadableTableError:
        raise
    except (ValueError, RecursionError) as error:
        raise UnreadableTableError(f"It cannot be read as {board.format.value}: {error}"[:300]) from error
    if len(rows) > MAX_ROWS:
        raise UnreadableTableError(f"It has more than {MAX_ROWS:,} rows.")
    return rows


def rows_total(text: str) -> int | None:
    """How many rows a data set has, by one of its pages; None when the page does not say."""
    try:
        for member in _members(text, _after_space(text, 0)):
            if member.key.value == "num_rows_total" and type(member.value.value) is int:
                return max(0, member.value.value)
    except (ValueError, RecursionError):
        return None
    return None


def _read(text: str, board: Leaderboard, wanted: set[Path], measured: set[Path]) -> Iterator[Row]:
    match board.format:
        case Format.CSV:
            return _table(_csv(text, 0, len(text)), wanted, board.name, measured)
        case Format.SCRIPT_CSV:
            start, end = _literal(text, board.marker or "")
            return _table(_csv(text, start, end), wanted, board.name, measured)
        case Format.MARKDOWN:
            return _table(_markdown(text), wanted, board.name, measured)
        case Format.JSON_OBJECT:
            return _entries(text, wanted)
        case Format.DATASET_ROWS:
            return _dataset(text, wanted)


def _table(
    records: Iterable[list[Cell]], wanted: Collection[Path], name: Path, measured: Collection[Path]
) -> Iterator[Row]:
    """Rows below the header, the first record that has the name's column and a measure's, down to the end of
    the table."""
    columns: dict[Path, int] = {}
    seen = 0
    for record in records:
        if columns and not record:
            break
        if columns:
            yield {path: record[at] for path, at in columns.items() if at < len(record)}
            continue
        titles = [_MARKUP.sub("", str(cell.value)[:LONGEST_TITLE]).strip() for cell in record]
        found = {path: titles.index(path[0]) for path in wanted if path[0] in titles}
        if name in found and any(path in found for path in measured):
            columns = found
        seen += 1
        if seen > HEADER_WITHIN and not columns:
            break
    if not columns:
        raise UnreadableTableError(f'It has no table with a column "{name[0]}" and one of its figures.')


def _csv(text: str, start: int, end: int) -> Iterator[list[Cell]]:
    """Records by RFC 4180; a record that breaks its rules is passed over up to its line's end."""
    at = start
    while at < end:
        record: list[Cell] = []
        while True:
            found = _CELL.match(text, at, end)
            group = 1 if found and found[1] is not None else 2
            if found is None or len(record) >= MAX_COLUMNS:
                break
            record.append(Cell(found[group].replace('""', '"'), found.start(group), found.end(group)))
            at = found.end()
            if at >= end or text[at] != ",":
                break
            at += 1
        line_end = _BREAK.search(text, at, end)
        whole = at >= end or text[at] in "\r\n"
        at = line_end.end() if line_end else end
        if whole and any(cell.value for cell in record):
            yield record


def _literal(text: str, marker: str) -> tuple[int, int]:
    """Where a template literal begins and ends in a script."""
    found = re.search(rf"\b{re.escape(marker)}\s*=\s*`", text)
    end = text.find("`", found.end()) if found else -1
    if found is None or end < 0:
        raise UnreadableTableError(f"The script has no table called {marker}.")
    begin = _SPACE.match(text, found.end())
    return (begin.end() if begin else found.end()), end


def _markdown(text: str) -> Iterator[list[Cell]]:
    """Rows of every table in ``text``; an empty record where one table ends."""
    end = 0
    for line in _PIPED.finditer(text):
        if text[end : line.start()].strip() or text.count("\n", end, line.start()) > 1:
            yield []
        end = line.end()
        cells = [
            _trimmed(text, line.start() + part.start(), line.start() + part.end())
            for part in _BETWEEN.finditer(line[0])
        ]
        ruled = all(set(str(cell.value)) <= set(":- ") for cell in cells)
        if len(cells) <= MAX_COLUMNS and not ruled:
            yield cells


def _trimmed(text: str, start: int, end: int) -> Cell:
    value = text[start:end].strip()
    start += len(text[start:end]) - len(text[start:end].lstrip())
    return Cell(value, start, start + len(value))


def _entries(text: str, wanted: Collection[Path]) -> Iterator[Row]:
    for member in _members(text, _after_space(text, 0)):
        if isinstance(member.value.value, dict):
            yield {**_picked(text, member.value.start, wanted), (OWN_KEY,): member.key}


def _dataset(text: str, wanted: Collection[Path]) -> Iterator[Row]:
    rows = next((m.value for m in _members(text, _after_space(text, 0)) if m.key.value == "rows"), None)
    if rows is None or not isinstance(rows.value, list):
        raise UnreadableTableError("It has no rows.")
    for element in _elements(text, rows.start):
        if isinstance(element.value, dict):
            picked = _picked(text, element.start, {("row", *path) for path in wanted})
            yield {path[1:]: cell for path, cell in picked.items()}


def _picked(text: str, start: int, wanted: Collection[Path]) -> Row:
    """Cells of the object at ``start``. Of a key that stands twice the first counts."""
    found: Row = {}
    for member in _members(text, start):
        key = str(member.key.value)
        if (key,) in wanted:
            found.setdefault((key,), member.value)
        deeper = {path[1:] for path in wanted if path[0] == key and len(path) > 1}
        if deeper and isinstance(member.value.value, dict):
            for path, cell in _picked(text, member.value.start, deeper).items():
                found.setdefault((key, *path), cell)
    return found


def _members(text: str, start: int) -> Iterator[_Member]:
    """Members of the JSON object at ``start``. Raises ValueError where the text is no JSON."""
    if text[start : start + 1] != "{":
        raise UnreadableTableError("There is no JSON object where one belongs.")
    at = _after_space(text, start + 1)
    while text[at : at + 1] == '"':
        key, key_end = _DECODER.raw_decode(text, at)
        colon = _after_space(text, key_end)
        if text[colon : colon + 1] != ":":
            raise UnreadableTableError("The JSON is damaged.")
        value_start = _after_space(text, colon + 1)
        value, value_end = _DECODER.raw_decode(text, value_start)
        yield _Member(Cell(key, at, key_end), Cell(value, value_start, value_end))
        at = _after_space(text, value_end)
        if text[at : at + 1] != ",":
            break
        at = _after_space(text, at + 1)
    if text[at : at + 1] != "}":
        raise UnreadableTableError("The JSON is damaged or cut off.")


def _elements(text: str, start: int) -> Iterator[Cell]:
    """Elements of the JSON array at ``start``, which has been decoded once and so is whole."""
    at = _after_space(text, start + 1)
    while text[at : at + 1] != "]":
        value, end = _DECODER.raw_decode(text, at)
        yield Cell(value, at, end)
        at = _after_space(text, end)
        if text[at : at + 1] == ",":
            at = _after_space(text, at + 1)


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
