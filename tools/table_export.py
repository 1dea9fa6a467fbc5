"""The comparison table as Markdown, CSV and JSON; text of strangers is neutralised."""

from __future__ import annotations

import csv
import html
import io
import json
import re
import unicodedata
from typing import Final
from urllib.parse import quote, urlsplit

from tools.facts import Fact
from tools.table_records import Cell, Column, ComparisonTable, TableRow

PRECEDENCE: Final = {
    1: "the artefact's own metadata",
    2: "the maker's config or card",
    3: "a vendor's documentation",
    4: "a third party",
}
RULE: Final = (
    "shown is the value of the better source: the artefact's own metadata, then the maker, then vendors, "
    "then third parties; among equals the newest reading"
)
FORMULA_STARTS: Final = tuple("=+-@＝＋－＠\t\r\n|%")
EXTRA_COLUMNS: Final = ("Key", "Excluded", "Sources", "Contradictions")

_SPECIAL = re.compile(r"([\\`*_\[\]#!|~^$]|^[-+=>]|(?<=^\d)[.)](?=\s|$))")
"""Marks that mean something within a line, and those that begin a list, a heading or a quotation."""


def to_markdown(table: ComparisonTable, limit: int | None = 12) -> str:
    """The table in GitHub's Markdown: at most ``limit`` rows, footnotes for every contradiction.

    Excluded candidates follow with their reasons, rejected ones are counted by reason.
    """
    shown = table.eligible if limit is None else table.eligible[:limit]
    notes: list[str] = []
    lines = [f"**{escape_markdown(table.domain_title)}**, {escape_markdown(str(table.request.size))}", ""]
    lines.append("| " + " | ".join(column.value for column in Column) + " |")
    lines.append("|" + " --- |" * len(Column))
    for row in shown:
        cells = (_markdown_cell(row, row.cell(column), notes) for column in Column)
        lines.append("| " + " | ".join(cells) + " |")
    if not shown:
        lines += ["", "No candidate meets every hard need."]
    if len(table.eligible) > len(shown):
        lines += ["", f"{len(table.eligible) - len(shown)} more are in the CSV and JSON exports."]
    lines += _excluded(table, limit) + _rejected(table) + _coverage(table)
    if notes:
        lines += ["", *notes]
    return "\n".join(lines) + "\n"


def _markdown_cell(row: TableRow, cell: Cell, notes: list[str]) -> str:
    text = escape_markdown(cell.text)
    if not cell.contradictions or cell.column is Column.FIT:
        return text
    number = len(notes) + 1
    notes.append(f"[^{number}]: {_footnote(row, cell)}")
    return f"{text}[^{number}]"


def _footnote(row: TableRow, cell: Cell) -> str:
    others = "; ".join(_cited(fact) for fact in cell.contradictions)
    factors = {fact.factor for fact in cell.contradictions}
    shown = "; ".join(_cited(fact) for fact in cell.facts if fact.factor in factors)
    return f"{escape_markdown(row.name)}, {cell.column.value}: {shown}. Differs: {others}. Rule: {RULE}."


def _cited(fact: Fact) -> str:
    where = PRECEDENCE[int(fact.source.kind)]
    value = escape_markdown(str(fact.value)[:120])
    what = fact.factor.value.replace("_", " ")
    return f"{what} {value} according to {where}, {markdown_link(fact.source.url)}"


def _excluded(table: ComparisonTable, limit: int | None) -> list[str]:
    excluded = [row for row in table.rows if row.excluded]
    if not excluded:
        return []
    lines = ["", f"Excluded by a hard need, {len(excluded)} in all:", ""]
    more = 0 if limit is None else max(0, len(excluded) - limit)
    rest = [f"- and {more} more, in the CSV and JSON exports"] if more else []
    return (
        lines
        + [
            f"- {escape_markdown(f'{row.name} ({row.key})')}: {escape_markdown(' '.join(row.excluded))}"
            for row in excluded[: len(excluded) - more]
        ]
        + rest
    )


def _rejected(table: ComparisonTable) -> list[str]:
    if not table.rejected:
        return []
    total = sum(group.count for group in table.rejected)
    lines = ["", f"Rejected by research, {total} in all:", ""]
    return lines + [f"- {group.count} × {escape_markdown(group.reason)}" for group in table.rejected]


def _coverage(table: ComparisonTable) -> list[str]:
    note = table.coverage
    if note is None:
        return []
    lines = []
    if note.share is not None:
        lines.append(f"Coverage {note.share:.0%} (threshold {note.threshold:.0%}).")
    if note.degraded:
        lines.append(
            f"Degraded: {note.blocked} of {note.queries} requests were blocked, {note.failed} failed."
        )
    if note.detail:
        lines.append(escape_markdown(note.detail))
    return ["", " ".join(lines)] if lines else []


def to_csv(table: ComparisonTable) -> str:
    """Every row with its sources and contradictions, RFC 4180; no cell starts a formula in a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow([column.value for column in Column] + list(EXTRA_COLUMNS))
    for row in table.rows:
        facts = {fact.source.url: None for cell in row.cells for fact in cell.facts}
        contradictions = [
            f"{fact.factor.value} {fact.value} ({fact.source.url})"
            for cell in row.cells
            if cell.column is not Column.FIT
            for fact in cell.contradictions
        ]
        values = [row.cell(column).text for column in Column]
        values += [row.key, " ".join(row.excluded), " ".join(facts), "; ".join(contradictions)]
        writer.writerow([plain_cell(value) for value in values])
    return out.getvalue()


def to_json(table: ComparisonTable) -> str:
    """``{"hash": …, "table": …}``; the table reads back with ``ComparisonTable.model_validate``."""
    data = {"hash": table.hash, "table": table.model_dump(mode="json")}
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


def plain_cell(value: str) -> str:
    """``value`` as one line that no spreadsheet takes for a formula: an apostrophe stands before one."""
    text = _one_line(value)
    return f"'{text}" if text.lstrip(" \"'").startswith(FORMULA_STARTS) else text


def escape_markdown(text: str) -> str:
    """``text`` as plain words in a Markdown table: no markup, HTML, link, image, footnote or new column."""
    escaped = _SPECIAL.sub(r"\\\1", html.escape(_one_line(text), quote=False))
    # Bare addresses become links in GitHub's Markdown although no bracket stands around them.
    return escaped.replace("://", "&#58;//").replace("www.", "www&#46;").replace("@", "&#64;")


def markdown_link(url: str) -> str:
    """``url`` as an autolink when it is a plain web address, else as escaped text."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return escape_markdown(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        return escape_markdown(url)
    return "<" + quote(_one_line(url).replace(" ", "%20"), safe="!#$%&'()*+,/:;=?@[]~-._") + ">"


def _one_line(text: str) -> str:
    """White space folded; control characters and marks that reverse the direction of text taken out."""
    spaced = " ".join(text.split())
    return "".join(c for c in spaced if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co"})
