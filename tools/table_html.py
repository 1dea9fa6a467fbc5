"""The comparison table as one HTML page that needs nothing else: no script, nothing loaded from anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tools.escape import html, web_address
from tools.facts import Fact, Source
from tools.proposal import Proposal
from tools.table_notes import PRECEDENCE, STARS, Footnote, foot, footnotes, in_words, rejections
from tools.table_records import Cell, Column, ComparisonTable, TableRow
from tools.table_view import FIRST

LONGEST_QUOTE: Final = 300

STYLE: Final = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 110rem; padding: 0 1rem; }
table { border-collapse: collapse; font-size: .88em; margin: 1rem 0; }
th, td { border: 1px solid #8886; padding: .4rem .55rem; text-align: left; vertical-align: top; }
th { background: #8881; }
.wide { overflow-x: auto; }
details { color: #666; font-size: .88em; }
summary { cursor: pointer; }
ul { margin: .2rem 0; padding-left: 1.2rem; }
tr.excluded td { opacity: .65; }
.differs { color: #a33; }
td:last-child { min-width: 13rem; }
"""


def to_html(table: ComparisonTable, proposal: Proposal | None = None) -> str:
    """The whole table: the best rows first, the others folded, every source behind its cell. Escaped."""
    from tools.report.document import content_policy

    title = html(f"Candidates for {table.domain_title}, {table.request.size}")
    best, rest = table.eligible[:FIRST], table.eligible[FIRST:]
    excluded = tuple(row for row in table.rows if row.excluded)
    body = [f"<h1>{title}</h1>", f"<p>Asked for: {html(table.request.text)}</p>"]
    body += _proposal(proposal)
    body.append(_grid(best) if best else "<p>No candidate meets every hard need.</p>")
    body.append(f"<p>{html(STARS)}</p>")
    body += _folded(f"{len(rest)} more that meet every hard need", rest)
    body += _folded(f"{len(excluded)} excluded by a hard need", excluded)
    if table.rejected:
        reasons = [f"{group.count} × {html(group.reason)}" for group in rejections(table)]
        summary = f"<summary>{table.counts.rejected} rejected by research</summary>"
        body.append(f"<details>{summary}{_list(reasons)}</details>")
    body.append(_list([html(line) for line in foot(table)]))
    body.append(_notes(table))
    body.append(
        f"<p>Built on {table.built_on.isoformat()}, rating {html(table.rating_version)}, table "
        f"<code>{html(table.hash)}</code>.</p>"
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{html(content_policy(STYLE))}">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n" + "\n".join(body) + "\n</body>\n"
        "</html>\n"
    )


def _proposal(proposal: Proposal | None) -> list[str]:
    if proposal is None:
        return []
    head = f"<h2>Proposal: {html(proposal.primary or 'none')}</h2><p>{html(proposal.why_primary)}</p>"
    said = [html(sentence) for sentence in proposal.over]
    said += [f"For: {html(sentence)}" for sentence in proposal.strengths]
    said += [f"Against, or unknown: {html(sentence)}" for sentence in proposal.concerns]
    backup = f"<p>Backup: {html(proposal.backup or 'none')}. {html(proposal.why_backup)}</p>"
    warning = (
        f"<p><strong>{html(proposal.coverage_warning)}</strong></p>" if proposal.coverage_warning else ""
    )
    return [head, _list(said), backup, warning]


def _folded(summary: str, rows: Sequence[TableRow]) -> list[str]:
    return [f"<details><summary>{summary}</summary>{_grid(rows)}</details>"] if rows else []


def _grid(rows: Sequence[TableRow]) -> str:
    head = "".join(f'<th scope="col">{html(column.value)}</th>' for column in Column)
    return f'<div class="wide"><table>\n<tr>{head}</tr>\n{"".join(map(_row, rows))}</table></div>'


def _row(row: TableRow) -> str:
    mark = ' class="excluded"' if row.excluded else ""
    cells = "".join(f"<td>{_cell(row, row.cell(column))}</td>" for column in Column)
    return f"<tr{mark}>{cells}</tr>\n"


def _cell(row: TableRow, cell: Cell) -> str:
    text = html(cell.text)
    if cell.column is Column.FIT:
        return text + _how(row)
    sources = [_fact(fact) for fact in cell.facts]
    sources += [f'<span class="differs">differs: {_fact(fact)}</span>' for fact in cell.contradictions]
    sources += [f"the same, said differently: {_fact(fact)}" for fact in cell.otherwise]
    if not sources:
        return text
    count = f", {len(cell.contradictions)} differ" if cell.contradictions else ""
    return f"{text}<details><summary>sources{count}</summary>{_list(sources)}</details>"


def _how(row: TableRow) -> str:
    """How the stars came about, and every claim behind them."""
    lines = [html(line) for line in row.rating.arithmetic]
    lines += [f"{html(part.name)}: {html(part.why)}" for part in row.rating.parts]
    lines += [
        f"{claim.stance.value}, {claim.kind.value}{' (not counted)' if claim.suspicious else ''}: "
        f"{html(claim.summary)} {_source(claim.source)}"
        for claim in row.evidence
    ]
    return f"<details><summary>how</summary>{_list(lines)}</details>"


def _fact(fact: Fact) -> str:
    note = f"; {html(fact.note.rstrip('.'))}" if fact.note else ""
    return (
        f"{html(fact.factor.value.replace('_', ' '))} {html(str(fact.value)[:120])}, "
        f"{html(PRECEDENCE[int(fact.source.kind)])}{note}: {_source(fact.source)}"
    )


def _source(source: Source) -> str:
    said = f"“{html((source.quote or '')[:LONGEST_QUOTE])}”" if source.quote else ""
    field = f"field {html(source.record_field or '')}" if not source.quote else ""
    return f"{said}{field} {_link(source.url)}, read {source.retrieved_at:%Y-%m-%d}"


def _link(url: str) -> str:
    address = web_address(url)
    return html(url) if address is None else f'<a rel="noreferrer" href="{html(address)}">{html(url)}</a>'


def _notes(table: ComparisonTable) -> str:
    notes: tuple[Footnote, ...] = footnotes(table.rows, Column).notes
    differing = [in_words(note, html, _link) for note in notes if note.differing]
    if not differing:
        return ""
    return f"<details><summary>{len(differing)} contradictions</summary>{_list(differing)}</details>"


def _list(items: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>" if items else ""
