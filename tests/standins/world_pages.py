"""The pages of the world: ``facts/pages.json`` as HTML, Markdown or PDF, honest or poisoned."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from html import escape
from typing import Any

from tests.standins.http_server import Answered
from tests.standins.leaderboards_server import LEADERBOARDS
from tests.standins.pdf_files import pdf_of
from tests.standins.search_pages import Entry
from tests.standins.stored_facts import models, stored

Table = dict[str, Any]


def pages(*, poisoned: bool = False) -> dict[str, Answered]:
    """Every page by its address, leaderboards included. Those with a ``poison`` say that instead of their
    text when the world is ``poisoned``."""
    boards = {url: Answered(body, content_type=kind) for url, (body, kind) in LEADERBOARDS.items()}
    return boards | {p["url"]: _rendered(p, poisoned=poisoned) for p in stored("pages.json")["pages"]}


def page_entries() -> list[Entry]:
    """How the pages are found; the same whether they are poisoned or not, as an attacker would have it."""
    return [Entry(page["url"], page["title"], page["snippet"]) for page in stored("pages.json")["pages"]]


def poisoned_urls() -> frozenset[str]:
    """Pages that differ in a poisoned world."""
    return frozenset(page["url"] for page in stored("pages.json")["pages"] if "poison" in page)


def walled_hosts() -> frozenset[str]:
    """Hosts whose robots.txt wants no programs."""
    return frozenset(
        page["url"].split("/")[2] for page in stored("pages.json")["pages"] if page["kind"] == "walled"
    )


def _rendered(page: dict[str, Any], *, poisoned: bool) -> Answered:
    poison = page.get("poison") if poisoned else None
    paragraphs = poison["paragraphs"] if poison else page["paragraphs"]
    hidden = poison["hidden"] if poison else ""
    kind = page["content_type"]
    if kind == "application/pdf":
        return Answered(_pdf(page, paragraphs), content_type=kind)
    text = (
        _markdown(page, paragraphs, hidden)
        if kind.startswith("text/markdown")
        else _html(page, paragraphs, hidden)
    )
    return Answered(text.encode(), content_type=kind)


def _html(page: dict[str, Any], paragraphs: list[str], hidden: str) -> str:
    date = page.get("date")
    dated = f'<meta property="article:published_time" content="{date}">' if date else ""
    shown = f'<p>Published <time datetime="{date}">{date}</time></p>' if date else ""
    body = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs)
    body += f'<div style="display:none">{escape(hidden)}</div>' if hidden else ""
    body += "".join(_html_table(table) for table in page.get("tables", ()))
    sources = "".join(f"<li>Source: {escape(url)}</li>" for url in page["sources"])
    title = escape(page["title"])
    return (
        f'<!doctype html><html lang="{page.get("lang", "en")}"><head><title>{title}</title>{dated}</head>'
        f"<body><nav>Home</nav><main><h1>{title}</h1>{shown}{body}<ul>{sources}</ul></main></body></html>"
    )


def _html_table(table: Table) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in table["header"])
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in _rows(table)
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _markdown(page: dict[str, Any], paragraphs: list[str], hidden: str) -> str:
    front = f"---\ndate: {page['date']}\n---\n" if page.get("date") else ""
    tables = [_markdown_table(table) for table in page.get("tables", ())]
    sources = [f"Source: {url}" for url in page["sources"]]
    return front + "\n\n".join(
        [f"# {page['title']}", "", *paragraphs, *([hidden] if hidden else []), *tables, "", *sources]
    )


def _markdown_table(table: Table) -> str:
    lines = [table["header"], ["---"] * len(table["header"]), *_rows(table)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _pdf(page: dict[str, Any], paragraphs: list[str]) -> bytes:
    blocks = [
        page["title"],
        page.get("date", ""),
        *paragraphs,
        *(f"Source: {url}" for url in page["sources"]),
    ]
    return pdf_of(["\n".join(line for block in blocks for line in (*textwrap.wrap(block, 80), ""))])


def _rows(table: Table) -> list[list[str]]:
    """The rows; ``@registry`` stands for the small coding and chat tags whose exact bytes the facts hold."""
    return list(_registry_rows()) if table["rows"] == "@registry" else table["rows"]


def _registry_rows() -> Iterator[list[str]]:
    for model in models():
        known = model["ollama"].get("registry")
        if known and known["total_bytes"] < 4_000_000_000 and model["domain"] in {"coding", "general"}:
            yield [model["ollama"]["tag"], f"{known['total_bytes']:,}"]
