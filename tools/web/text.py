"""From a page to the text that quotes are taken from.

That text is what gets stored and hashed for a source: Markdown, JSON and plain text as they are, HTML as the
words a reader sees. What a reader does not see is kept apart: see :func:`hidden_text`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Sized
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import urldefrag, urljoin, urlsplit

from tools.web.page import Page
from tools.web.unseen import PAPER, look_of
from tools.web.writer import MAX_TEXT, Writer

MAX_HTML = 2_000_000
"""Characters of HTML that are read."""
MAX_HIDDEN = 100_000
"""Characters of hidden text that are kept."""
MAX_LINKS = 500
MAX_ATTRIBUTES = 1_000
"""Attributes of one element; building a tree takes time with the square of them: 75 s for 100,000."""

UNSPOKEN = frozenset({"script", "style", "svg"})
"""Elements whose text is nobody's words."""
DROPPED = UNSPOKEN | frozenset(
    {"nav", "footer", "iframe", "object", "embed", "select", "button", "canvas", "audio", "video"}
    | {"meta", "link", "dialog"}
)
"""Elements around the text that a page is about."""
TAG = re.compile(r"<[^<>]{0,2000}>")
MARKDOWN_LINK = re.compile(r"\[([^\[\]\n]{0,300})\]\(\s*<?(https?://[^\s<>()]{1,2000})>?[^()\n]{0,200}\)")
MARKDOWN_NOTE = re.compile(
    r"^\s{0,3}\[[^\[\]\n]{1,60}\]:\s*<?#>?\s*[\"'(]([^\n]{1,4000})[\"')]", re.MULTILINE
)
"""``[//]: # (words)``: a link without a place, by which Markdown keeps a comment."""
MARKDOWN_TYPES = frozenset({"text/markdown", "text/x-markdown", "text/plain", "application/octet-stream", ""})
TAG_CHARACTERS = re.compile("[\U000e0000-\U000e007f]+")
"""Characters of no width that spell ASCII; to a model they are words."""
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
    """The words of ``page`` in reading order, one block a line, headings as ``## words``, table rows as
    ``cell | cell``. HTML loses what a reader does not see; anything else stays as it is."""
    if not is_html(page):
        return page.text
    return TAG_CHARACTERS.sub("", _read(page.text).text)


def hidden_text(page: Page) -> str:
    """The words of ``page`` that a reader does not see and a program might: comments, hidden elements,
    text in the colour of its ground or too small to read, ``template`` and ``noscript``, and words spelled in
    characters of no width. One part a line; empty for an honest page. Markdown still has its own in
    :func:`readable_text`."""
    parts = _read(page.text).hidden if is_html(page) else _hidden_in_markdown(page)
    smuggled = "".join(TAG_CHARACTERS.findall(page.text[:MAX_HTML]))
    spelled = "".join(chr(ord(letter) - 0xE0000) for letter in smuggled if letter >= "\U000e0020")
    return "\n".join([*parts, spelled] if spelled.strip() else parts)[:MAX_HIDDEN]


def _hidden_in_markdown(page: Page) -> Sequence[str]:
    if page.content_type not in MARKDOWN_TYPES:
        return ()
    notes = [" ".join(found.group(1).split()) for found in MARKDOWN_NOTE.finditer(page.text[:MAX_HTML])]
    return [*notes, *(_read(page.text).hidden if "<" in page.text else ())]


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

    data = text[:MAX_HTML].replace("\x00", " ").encode("utf-8", "replace")
    try:
        if len(data) > 2 * MAX_ATTRIBUTES:
            etree.fromstring(data, etree.HTMLParser(target=_Counter(), no_network=True, encoding="utf-8"))
        return etree.fromstring(data, etree.HTMLParser(remove_pis=True, no_network=True, encoding="utf-8"))
    except (etree.LxmlError, ValueError):
        return None


class _Counter:
    """Goes through a page without building a tree, which the parser does in no time; raises ValueError."""

    def start(self, _tag: str, attributes: Sized) -> None:
        if len(attributes) > MAX_ATTRIBUTES:
            raise ValueError("too many attributes")

    def close(self) -> None:
        """What lxml asks for at the end."""


def _html_links(text: str) -> list[tuple[str, str]]:
    root = _parse(text)
    if root is None:
        return []
    anchors = islice((a for a in root.iter("a") if a.get("href")), 10 * MAX_LINKS)
    return [(str(a.get("href")), " ".join(islice(a.itertext(), 50))) for a in anchors]


class _Words(NamedTuple):
    """What an HTML page says: to a reader, and beside one."""

    text: str
    hidden: tuple[str, ...]


@lru_cache(maxsize=4)  # a page is read for its facts, for its claims and for what it hides
def _read(text: str) -> _Words:
    root = _parse(text)
    if root is None:
        return _Words(" ".join(TAG.sub(" ", text[:MAX_TEXT]).split()), ())
    from lxml import etree

    writer, hidden, skipped, paints = Writer(), _Hidden(), [], [(None, PAPER)]
    walk = etree.iterwalk(root, events=("start", "end", "comment"))
    for event, element in walk:
        if writer.full:
            break
        if event == "comment":
            hidden.add(element.text)
            writer.words(element.tail)
        elif event == "start":
            look = look_of(element, paints[-1][1])
            if look.hidden or element.tag in DROPPED:
                hidden.add_all(element, look.hidden)
                walk.skip_subtree()
                skipped.append(element)
                continue
            if look.paint is not paints[-1][1]:
                paints.append((element, look.paint))
            writer.open(element.tag, element.text)
        elif skipped and skipped[-1] is element:
            skipped.pop()
            writer.words(element.tail)
        else:
            if paints[-1][0] is element:
                paints.pop()
            writer.close(element.tag, element.tail)
    return _Words(writer.text(), tuple(hidden.parts))


class _Hidden:
    """Collects words that no reader sees; bounded."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._size = 0

    def add(self, text: str | None) -> None:
        words = " ".join((text or "")[:MAX_HIDDEN].split())
        if words and self._size < MAX_HIDDEN:
            self.parts.append(words)
            self._size += len(words)

    def add_all(self, element: Any, hidden: bool) -> None:
        """All words in a hidden element; of one that is merely dropped, its comments."""
        from lxml import etree

        if not hidden:
            for comment in element.iter(etree.Comment):
                self.add(comment.text)
        elif element.tag not in UNSPOKEN:
            self.add(" ".join(islice(_spoken(element), 20_000)))


def _spoken(element: Any) -> Iterator[str]:
    for part in element.iter():
        if part.tag not in UNSPOKEN and part.text:
            yield part.text
        if part is not element and part.tail:
            yield part.tail
