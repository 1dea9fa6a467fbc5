"""Every payload in every place where texts of strangers are shown: nothing in it acts."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from functools import cache
from itertools import pairwise

import pytest
from lxml import etree, html
from markdown_it import MarkdownIt
from rich.console import Console

from agent.mcp.words import as_data, bounded, line
from agent.terminal import plain
from tests.hostile.cases_text import FORMULAS, MARKUP, TERMINAL, Markup
from tests.tools.test_report_document import HEADINGS, infected
from tools.escape import (
    FORMULA_STARTS,
    JOINERS,
    clean,
    code,
    fenced,
    markdown,
    quoted,
    spreadsheet,
    terminal,
)
from tools.escape import html as escaped
from tools.report import render
from tools.report.document import Rendered
from tools.table import ComparisonTable
from tools.table_export import to_csv, to_json, to_markdown
from tools.table_html import to_html

PAYLOADS = (*MARKUP, *TERMINAL, *FORMULAS)
THIRDS = [
    pytest.param(payload, id=payload.name, marks=[pytest.mark.slow] if number % 3 else [])
    for number, payload in enumerate(PAYLOADS)
]
"""A third of them, and the others where there is time."""
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e007f]")
OURS = ("huggingface.co", "registry.ollama.ai", "arxiv.example", "forum.example", "ollama.com")
TAGS_OF_STRANGERS = {
    "script",
    "img",
    "iframe",
    "object",
    "embed",
    "form",
    "input",
    "base",
    "link",
    "foreignobject",
}
PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
INLINE = {"paragraph_open", "paragraph_close", "inline", "text", "softbreak", "hardbreak", "text_special"}


def storable(words: str) -> str:
    """As a record holds it: bounded, and without halves of characters."""
    return words.encode("utf-8", "replace").decode()[:300]


@cache
def rendered(words: str) -> Rendered:
    found = render(infected(storable(words)))
    return found._replace(json=["".join(found.json)])


@cache
def table_with(words: str) -> ComparisonTable:
    found = infected(storable(words)).table
    assert found is not None
    return found


def nothing_acts_in_markdown(text: str, headings: list[str] | None = None) -> None:
    assert not CONTROL.search(text.replace("\t", ""))
    tokens = PARSER.parse(text)
    inline = [child for token in tokens for child in token.children or ()]
    blocks = [token.content.strip() for token in tokens if token.type == "html_block"]
    assert all(re.fullmatch(r"<!-- bms [\w:. -]+ -->", block) and "evil" not in block for block in blocks)
    assert not [token for token in inline if token.type == "html_inline"]
    for token in inline:
        address = str(token.attrs.get("src") or token.attrs.get("href") or "")
        local = re.fullmatch(r"(?:#[\w-]+|base-model-evaluation[\w./-]*)", address)
        assert not address or local or any(f"://{host}/" in f"{address}/" for host in OURS), address
    if headings is not None:
        opened = [after.content for token, after in pairwise(tokens) if token.type == "heading_open"]
        assert opened[1:] == headings
    # GitHub makes links of what looks like an address, outside of code, without being asked.
    bare = "".join(child.content for child in inline if child.type == "text")
    assert "https://evil" not in re.sub(r"`[^`]*`", "", re.sub(r"(?s)```.*?```|`[^`\n]*`", "", text)), bare


def nothing_acts_in_html(text: str) -> None:
    assert not CONTROL.search(text)
    tree = html.document_fromstring(text.encode("utf-8"), parser=html.HTMLParser(encoding="utf-8"))
    for element in tree.iter(etree.Element):
        tag = str(element.tag).lower().rpartition("}")[2]
        assert tag not in TAGS_OF_STRANGERS, tag
        for name, value in element.attrib.items():
            assert not name.lower().startswith("on"), (tag, name)
            assert name.lower() not in {"srcdoc", "formaction", "style"}, (tag, name)
            if name.lower().rpartition("}")[2] in {"href", "src", "action", "data", "xlink:href"}:
                assert re.match(r"(?:#|https://)", value), value
                assert "evil" not in value, value
    assert not [comment for comment in tree.iter(etree.Comment) if "evil" in (comment.text or "")]


def nothing_acts_in_svg(text: str) -> None:
    assert not CONTROL.search(text)
    for element in etree.fromstring(text.encode(), etree.XMLParser(resolve_entities=False)).iter():
        tag = str(element.tag).rpartition("}")[2].lower()
        assert tag not in {*TAGS_OF_STRANGERS, "a", "use", "image", "animate", "set"}
        assert not [name for name in element.attrib if re.search(r"^on|href$", name.lower())]


def no_cell_is_a_formula(text: str, rows: int | None = None) -> None:
    found = list(csv.reader(io.StringIO(text, newline="")))
    assert rows is None or len(found) == rows
    assert len({len(row) for row in found}) == 1
    for row in found:
        for cell in row:
            for part in cell.split(";"):  # as programs take it where lists are separated so
                assert (
                    not part.lstrip(f" \"'{JOINERS}").startswith(FORMULA_STARTS)
                    or part.lstrip(' "')[0] == "'"
                )
            assert not CONTROL.search(cell)


def as_lines(text: str) -> list[object]:
    lines = text.split("\n")
    assert lines.pop() == ""
    return [json.loads(one) for one in lines]


@pytest.mark.parametrize("payload", THIRDS)
def test_the_document_and_its_files(payload: Markup) -> None:
    found = rendered(payload.text)
    nothing_acts_in_markdown(found.markdown, [heading.lstrip("# ") for heading in HEADINGS[1:]])
    nothing_acts_in_html(found.html)
    assert "Content-Security-Policy" in found.html
    assert json.loads("".join(found.json))
    assert found.figures
    for figure in found.figures.values():
        nothing_acts_in_svg(figure)
    for name, pieces in found.exports.items():
        text = "".join(pieces)
        assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u2028\x85]", text), name
        if name.endswith(".jsonl"):
            assert all(isinstance(one, dict) for one in as_lines(text))


@pytest.mark.parametrize("payload", THIRDS)
def test_the_table(payload: Markup) -> None:
    table = table_with(payload.text)
    nothing_acts_in_markdown(to_markdown(table))
    nothing_acts_in_html(to_html(table))
    no_cell_is_a_formula(to_csv(table), rows=1 + len(table.rows))
    assert ComparisonTable.model_validate(json.loads(to_json(table))["table"]).hash == table.hash


SHOWN: dict[str, Callable[[str], str]] = {
    "Markdown": markdown,
    "a quotation": quoted,
    "a code span": code,
    "a fenced block": fenced,
    "MCP, a block": as_data,
    "MCP, a field": bounded,
    "MCP, a line": line,
    "a line": clean,
    "HTML": escaped,
    "a terminal": terminal,
}


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda one: one.name)
def test_every_way_to_show_a_text(payload: Markup) -> None:
    for name, shown in SHOWN.items():
        text = shown(payload.text)
        assert not CONTROL.search(text), name
        assert len(text) <= 8 * len(payload.text) + 40, name
    for source in (markdown(payload.text), f"before\n{markdown(payload.text)}\nafter"):
        tokens = [child for token in PARSER.parse(source) for child in (token, *(token.children or ()))]
        assert {token.type for token in tokens} <= INLINE
    assert [token.type for token in PARSER.parse(as_data(payload.text))] == ["fence"]
    assert not set("<>\"'") & set(escaped(payload.text))
    console = Console(
        file=io.StringIO(), width=200, force_terminal=True, color_system="truecolor", legacy_windows=False
    )
    console.print(plain(payload.text), highlight=False)
    written = console.file.getvalue()  # type: ignore[attr-defined]
    assert not re.search(r"\x1b|[\x00-\x09\x0b-\x1f\x7f-\x9f]", written)
    assert written.replace("\n", "").strip() == terminal(payload.text).replace("\n", "").strip()[:10_000]


@pytest.mark.parametrize("payload", FORMULAS, ids=lambda one: one.name)
def test_no_cell_is_a_formula_in_any_separator(payload: Markup) -> None:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerow(
        ["x", spreadsheet(payload.text), spreadsheet(f"a;b {payload.text}")]
    )
    no_cell_is_a_formula(out.getvalue(), rows=1)
