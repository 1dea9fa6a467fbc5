"""The comparison table as Markdown, CSV and JSON; text of strangers is neutralised."""

from __future__ import annotations

import csv
import io
import json
from typing import Final

from tools.escape import link, markdown, spreadsheet
from tools.table_notes import PRECEDENCE, Footnotes, foot, footnotes, in_words, rejections
from tools.table_records import Column, ComparisonTable, TableRow
from tools.table_view import FIRST, Shown, shown

__all__ = ["EXTRA_COLUMNS", "PRECEDENCE", "to_csv", "to_json", "to_markdown"]

EXTRA_COLUMNS: Final = ("Key", "Excluded", "Sources", "Contradictions")


def to_markdown(table: ComparisonTable, limit: int | None = FIRST, view: Shown | None = None) -> str:
    """The table in GitHub's Markdown: at most ``limit`` rows, with footnotes on what the sources say.

    ``view`` says which rows and columns; without it, all. Excluded candidates follow with their reasons,
    rejected ones are counted by reason.
    """
    view = view or shown(table, limit=None)
    eligible = [row for row in view.rows if not row.excluded]
    rows = eligible if limit is None else eligible[:limit]
    notes = footnotes(rows, view.columns)
    lines = [f"**{markdown(table.domain_title)}**, {markdown(str(table.request.size))}", ""]
    lines.append("| " + " | ".join(column.value for column in view.columns) + " |")
    lines.append("|" + " --- |" * len(view.columns))
    lines += ["| " + " | ".join(_cell(row, column, notes) for column in view.columns) + " |" for row in rows]
    if not rows:
        lines += ["", "No candidate meets every hard need."]
    if len(eligible) > len(rows):
        lines += ["", f"{len(eligible) - len(rows)} more are in the CSV and JSON exports."]
    lines += _excluded([row for row in view.rows if row.excluded], limit) + _rejected(table)
    lines += ["", *(f"- {markdown(line)}" for line in foot(table))]
    if notes.notes:
        lines += ["", *(f"[^{n}]: {in_words(note, markdown, link)}" for n, note in enumerate(notes.notes, 1))]
    return "\n".join(lines) + "\n"


def _cell(row: TableRow, column: Column, notes: Footnotes) -> str:
    number = notes.numbers.get((row.key, column))
    return markdown(row.cell(column).text) + (f"[^{number}]" if number else "")


def _excluded(excluded: list[TableRow], limit: int | None) -> list[str]:
    if not excluded:
        return []
    lines = ["", f"Excluded by a hard need, {len(excluded)} in all:", ""]
    told = excluded if limit is None else excluded[:limit]
    lines += [f"- {markdown(f'{row.name} ({row.key})')}: {markdown(' '.join(row.excluded))}" for row in told]
    if len(excluded) > len(told):
        lines.append(f"- and {len(excluded) - len(told)} more, in the CSV and JSON exports")
    return lines


def _rejected(table: ComparisonTable) -> list[str]:
    if not table.rejected:
        return []
    lines = ["", f"Rejected by research, {table.counts.rejected} in all:", ""]
    return lines + [f"- {group.count} × {markdown(group.reason)}" for group in rejections(table)]


def to_csv(table: ComparisonTable, view: Shown | None = None) -> str:
    """Rows with their sources and contradictions, RFC 4180; no cell starts a formula in a spreadsheet."""
    view = view or shown(table, limit=None)
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow([column.value for column in view.columns] + list(EXTRA_COLUMNS))
    for row in view.rows:
        facts = {fact.source.url: None for cell in row.cells for fact in cell.facts}
        contradictions = {
            f"{fact.factor.value} {fact.value} ({fact.source.url})": None
            for cell in row.cells
            for fact in cell.contradictions
        }
        values = [row.cell(column).text for column in view.columns]
        values += [row.key, " ".join(row.excluded), " ".join(facts), "; ".join(contradictions)]
        writer.writerow([spreadsheet(value) for value in values])
    return out.getvalue()


def to_json(table: ComparisonTable) -> str:
    """``{"hash": …, "table": …}``; the table reads back with ``ComparisonTable.model_validate``."""
    data = {"hash": table.hash, "table": table.model_dump(mode="json")}
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"
