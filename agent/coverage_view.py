"""How scenarios cover a taxonomy, for a terminal and as JSON."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from agent.terminal import plain
from tools.phrases import counted, listed
from tools.scenario_coverage import SUBTOPIC, TOPIC, TOPIC_STYLE, Coverage, CoverageRow

MOST_MISSING = 12


def as_record(cover: Coverage) -> dict[str, Any]:
    """The coverage's fields as JSON has them; the rows are called ``coverage``."""
    return {
        "coverage": [row._asdict() for row in cover.rows],
        "unknown": [row._asdict() for row in cover.unknown],
        "pairs": [pair._asdict() for pair in cover.pairs],
        "near_duplicates": cover.near_duplicates,
        "repeating": cover.repeating,
        "held_out": cover.held_out,
    }


def show(cover: Coverage) -> None:
    """A table of topics with their styles, one of the other dimensions, and what they leave to say."""
    console = Console(highlight=False)
    console.print(_topics(cover))
    console.print(_others(cover))
    for line in _lines(cover):
        console.print(plain(line), soft_wrap=True)


def _topics(cover: Coverage) -> Table:
    crossed = {row.value: row for row in cover.rows if row.dimension == TOPIC_STYLE}
    styles = [row.value for row in cover.rows if row.dimension == "style"]
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column(TOPIC, overflow="fold")
    for name in ("weight", "wanted", "got", *styles):
        table.add_column(plain(name), justify="right")
    for row in cover.rows:
        if row.dimension == TOPIC:
            cells = [_got(crossed[f"{row.value} × {style}"]) for style in styles]
            table.add_row(plain(row.value), _weight(row), str(row.wanted), _got(row), *cells)
    return table


def _others(cover: Coverage) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("dimension")
    table.add_column("value", overflow="fold")
    for heading in ("weight", "wanted", "got"):
        table.add_column(heading, justify="right")
    shown = ""
    for row in cover.rows:
        if row.dimension in {TOPIC, SUBTOPIC, TOPIC_STYLE}:
            continue
        name = "" if row.dimension == shown else plain(row.dimension)
        table.add_row(name, plain(row.value), _weight(row), str(row.wanted), _got(row))
        shown = row.dimension
    return table


def _weight(row: CoverageRow) -> str:
    return "" if row.share is None else f"{row.share:.0%}" if row.share >= 0.1 else f"{row.share:.1%}"


def _got(row: CoverageRow) -> str:
    return f"[red]{row.got}[/]" if row.missing else str(row.got)


def _lines(cover: Coverage) -> list[str]:
    subtopics = [row for row in cover.rows if row.dimension == SUBTOPIC]
    lines = [f"Subtopics: {sum(row.got > 0 for row in subtopics)} of {len(subtopics)} have a scenario."]
    if off := cover.off_weight:
        named = listed([f"{row.dimension} {row.value} ({row.wanted}, weight {_weight(row)})" for row in off])
        lines.append(f"Covering everything comes before weights, so these are wanted off theirs: {named}.")
    lines += [
        f"{pair.first} × {pair.second}: {pair.filled} of {pair.cells} pairs have a scenario; "
        f"the furthest from its share by {pair.furthest:.1f}."
        for pair in cover.pairs
    ]
    lines += [f"Missing: {row.dimension} {row.value}, {row.got} of {row.wanted}." for row in cover.missing][
        :MOST_MISSING
    ]
    if len(cover.missing) > MOST_MISSING:
        lines.append(f"Missing: {len(cover.missing) - MOST_MISSING} more; --json has all.")
    if cover.unknown:
        values = ", ".join(f"{row.dimension} {row.value} ({row.got})" for row in cover.unknown[:MOST_MISSING])
        lines.append(f"Not in the taxonomy: {values}.")
    lines.append(f"Near-duplicates: {_repeats(cover)}. Held out: {cover.held_out}.")
    return lines


def _repeats(cover: Coverage) -> str:
    """How many are left in the set; what could be worded otherwise was."""
    if not cover.repeating:
        return "none"
    said = "says" if cover.repeating == 1 else "say"
    return (
        f"{counted(cover.repeating, 'message')} {said} the same or almost the same as an earlier one "
        f"({counted(cover.near_duplicates, 'pair')})"
    )
