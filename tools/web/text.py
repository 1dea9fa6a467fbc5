"""From a page to the text that quotes are taken from.

That text is what gets stored and hashed for a source: Markdown, JSON and plain text as they are, HTML as the
words a reader sees.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import urldefrag, urljoin, urlsplit

from tools.web.page import Page

MAX_HTML = 2_000_000
"""Characters of HTML that are read."""
MAX_TEXT = 400_000
"""Characters of readable text that are kept."""
MAX_LINKS = 500

DROPPED = frozenset(
    {"script", "style", "noscript", "template", "svg", "nav", "footer", "iframe", "object", "embed"}
    | {"select", "button", "canvas", "audio", "video", "meta", "link", "dialog"}
)
BLOCKS = frozenset(
    {"p", "div", "section", "article", "main", "aside", "header", "address", "blockquote", "pre", "figure"}
    | {"h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "dl", "dt", "dd", "figcaption", "details"}
    | {"table", "thead", "tbody", "tfoot", "tr", "caption", "summary", "hr", "br", "title", "body", "form"}
)
HIDDEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d])", re.IGNORECASE
)
TAG = re.compile(r"<[^<>]{0,2000}>")
MARKDOWN_LINK = re.compile(r"\[([^\[\]\n]{0,300})\]\(\s*<?(https?://[^\s<>()]{1,2000})>?[^()\n]{0,200}\)")
BARE_LINK = re.compile(r"https?://[^\s<>()\[\]\"'`|]{1,2000}")


class Link(NamedTuple):
    """A link of a page: absolute address without fragment, and its words."""

    url: str
    text: str


def is_html(page: Page) -> bool:
    """Whether the page is HTML, by its type or, where no type was named, by its look."""
    if "html" in page.content_type:
        return True
    start = page.text[:300].lstrip().lower()
    unnamed = page.content_type in {"", "application/octet-stream"}
    return unnamed and start.startswith(("<!doctype html", "<html"))


def readable_text(page: Page) -> str:
    """The words of ``page`` in reading order, one block a line, table rows as ``cell | cell``."""
    return _html_text(page.text) if is_html(page) else page.text


def links(page: Page) -> tuple[Link, ...]:
    """The http and https links of a page, in order, each address once; at most ``MAX_LINKS``."""
    pairs = _html_links(page.text) if is_html(page) else _markdown_links(page.text)
    found: dict[str, Link] = {}
    for href, words in pairs:
        url = _absolute(page.final_url, href)
        if url and url not in found:
            found[url] = Link(url, " ".join(words.split())[:300])
        if len(found) >= MAX_LINKS:
            break
    return tuple(found.values())


def _absolute(base: str, href: str) -> str | None:
    try:
        url = urldefrag(urljoin(base, href.strip()))[0]
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in {"http", "https"} and parts.netloc and len(url) <= 2048 else None


def _markdown_links(text: str) -> list[tuple[str, str]]:
    bounded = text[:MAX_HTML]
    named = [(m.start(2), m.group(2), m.group(1)) for m in MARKDOWN_LINK.finditer(bounded)]
    starts = {start for start, _, _ in named}
    bare = [
        (m.start(), m.group().rstrip(".,;:!?"), "")
        for m in BARE_LINK.finditer(bounded)
        if m.start() not in starts
    ]
    return [(href, words) for _, href, words in sorted(named + bare)]


def _parse(text: str):  # type: ignore[no-untyped-def]  # lxml has no types
    from lxml import etree

    parser = etree.HTMLParser(remove_comments=True, remove_pis=True, no_network=True, encoding="utf-8")
    data = text[:MAX_HTML].replace("\x00", " ").encode("utf-8", "replace")
    try:
        return etree.fromstring(data, parser)
    except (etree.LxmlError, ValueError):
        return None


def _html_links(text: str) -> list[tuple[str, str]]:
    root = _parse(text)
    if root is None:
        return []
    anchors = islice((a for a in root.iter("a") if a.get("href")), 10 * MAX_LINKS)
    return [(str(a.get("href")), " ".join(islice(a.itertext(), 50))) for a in anchors]


def _html_text(text: str) -> str:
    root = _parse(text)
    if root is None:
        return " ".join(TAG.sub(" ", text[:MAX_TEXT]).split())
    writer = _Writer()
    from lxml import etree

    walk = etree.iterwalk(root, events=("start", "end"))
    for event, element in walk:
        if writer.full:
            break
        if event == "start" and _dropped(element):
            walk.skip_subtree()
            writer.skipped.append(element)
        elif event == "start":
            writer.open(element.tag, element.text)
        elif writer.skipped and writer.skipped[-1] is element:
            writer.skipped.pop()
            writer.words(element.tail)
        else:
            writer.close(element.tag, element.tail)
    return writer.text()


def _dropped(element) -> bool:  # type: ignore[no-untyped-def]
    if element.tag in DROPPED or element.get("hidden") is not None or element.get("aria-hidden") == "true":
        return True
    return HIDDEN_STYLE.search(element.get("style") or "") is not None


class _Writer:
    """Collects words, lines and table rows; bounded."""

    def __init__(self) -> None:
        self.skipped: list[Any] = []
        self._lines: list[str] = []
        self._line: list[str] = []
        self._size = 0
        self._cells: list[int] = []
        self._in_cell = 0
        self._pre = 0

    @property
    def full(self) -> bool:
        return self._size > MAX_TEXT

    def open(self, tag: object, text: str | None) -> None:
        if tag == "pre":
            self._pre += 1
        if tag == "table":
            self._in_cell = 0
        if tag == "tr":
            self._cells.append(0)
        if tag in {"td", "th"} and self._cells:
            if self._cells[-1]:
                self._line.append(" | ")
            self._cells[-1] += 1
            self._in_cell += 1
        elif tag in BLOCKS:
            self._break()
        if tag == "li":
            self._line.append("- ")
        self.words(text)

    def close(self, tag: object, tail: str | None) -> None:
        if tag == "pre":
            self._pre = max(0, self._pre - 1)
        if tag in {"td", "th"} and self._in_cell:
            self._in_cell -= 1
        if tag == "tr" and self._cells:
            self._cells.pop()
            self._in_cell = 0
        if tag in BLOCKS:
            self._break()
        self.words(tail)

    def words(self, text: str | None) -> None:
        if not text:
            return
        self._size += len(text)
        if not self._pre or self._in_cell:
            self._line.append(text)
            return
        first, *rest = text.split("\n")
        self._line.append(first)
        for line in rest:
            self._break()
            self._line.append(line)

    def _break(self) -> None:
        if self._in_cell:
            self._line.append(" ")
            return
        line = " ".join("".join(self._line).split())
        self._line = []
        if line and line not in {"-", "|"}:
            self._lines.append(line)

    def text(self) -> str:
        self._in_cell = 0
        self._break()
        return "\n".join(self._lines)[:MAX_TEXT]
