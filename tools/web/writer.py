"""Words of HTML elements, put together as lines, list items, headings and table rows."""

from __future__ import annotations

MAX_TEXT = 400_000
"""Characters of readable text that are kept."""

BLOCKS = frozenset(
    {"p", "div", "section", "article", "main", "aside", "header", "address", "blockquote", "pre", "figure"}
    | {"h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "dl", "dt", "dd", "figcaption", "details"}
    | {"table", "thead", "tbody", "tfoot", "tr", "caption", "summary", "hr", "br", "title", "body", "form"}
)
HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}


class Writer:
    """Collects words, lines and table rows; bounded."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._line: list[str] = []
        self._size = 0
        self._cells: list[int] = []
        self._in_cell = 0
        self._pre = 0

    @property
    def full(self) -> bool:
        return self._size > MAX_TEXT

    def open(self, tag: str, text: str | None) -> None:
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
        elif tag in HEADINGS and not self._in_cell:
            self._line.append(HEADINGS[tag])
        self.words(text)

    def close(self, tag: str, tail: str | None) -> None:
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
        if line.strip("-|# "):
            self._lines.append(line)

    def text(self) -> str:
        self._in_cell = 0
        self._break()
        return "\n".join(self._lines)[:MAX_TEXT]
