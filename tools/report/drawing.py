"""Drawing as SVG, by hand: the same numbers give the same bytes.

Each figure carries its own background and a light and a dark palette, so that it can be read on any page,
and a title and a description for those who do not see it. Nothing but text and shapes: no script, no
reference.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final, NamedTuple

from tools.escape import html

WIDTH: Final = 540
"""Of a figure that needs no more, in pixels. A phone shows it at two thirds, where text can still be read."""
BROAD: Final = 640
"""Of a figure that would be too small on a phone; a page lets it scroll."""
MARGIN: Final = 24
CHARACTER: Final = 7.4
"""Width of an average character at 13 px in a wide font, for deciding what fits."""

STYLE: Final = (
    ".bme text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Liberation Sans',Arial,sans-serif;"
    "font-size:13px;fill:#1f2328}"
    ".bme .back{fill:#ffffff;stroke:#d1d9e0}"
    ".bme .head{font-size:15px;font-weight:600}"
    ".bme .soft{fill:#59636e}.bme .small{font-size:11px}"
    ".bme .end{text-anchor:end}.bme .middle{text-anchor:middle}"
    ".bme .low{fill:#bc4c00}.bme .middling{fill:#bf8700}.bme .high{fill:#1a7f37}"
    ".bme .low,.bme .middling,.bme .high{fill-opacity:.13}"
    ".bme .rule{stroke:#818b98;stroke-width:1}.bme .dash{stroke-dasharray:4 3}"
    ".bme .track{fill:#818b98;fill-opacity:.12}"
    ".bme .whisker{stroke:#0550ae;stroke-width:3;stroke-linecap:round}.bme .dot{fill:#0550ae}"
    ".bme .bar{fill:#bc4c00}.bme .good{fill:#1a7f37}.bme .none{fill:#818b98;fill-opacity:.12}"
    "@media (prefers-color-scheme:dark){"
    ".bme text{fill:#e6edf3}.bme .back{fill:#0d1117;stroke:#3d444d}.bme .soft{fill:#9198a1}"
    ".bme .low{fill:#f0883e}.bme .middling{fill:#e3b341}.bme .high{fill:#3fb950}"
    ".bme .low,.bme .middling,.bme .high{fill-opacity:.2}"
    ".bme .whisker{stroke:#79c0ff}.bme .dot{fill:#79c0ff}.bme .bar{fill:#f0883e}.bme .good{fill:#3fb950}"
    "}"
)
"""Style of every figure. A page that holds several puts it once at its top."""


class Figure(NamedTuple):
    """A drawing that is not tied to a place yet."""

    name: str
    """Unique within a document; names the file and the identifiers inside."""
    title: str
    description: str
    height: float
    body: str
    width: float = WIDTH

    @property
    def svg(self) -> str:
        """A file of its own."""
        return '<?xml version="1.0" encoding="UTF-8"?>\n' + self._element(f"<style>{STYLE}</style>") + "\n"

    @property
    def inline(self) -> str:
        """An element for a page that has :data:`STYLE` in its head."""
        return self._element("")

    def _element(self, style: str) -> str:
        broad = " broad" if self.width > BROAD else ""
        size = f"{number(self.width)} {number(self.height)}"
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="bme{broad}" role="img" '
            f'aria-labelledby="{self.name}-title {self.name}-desc" '
            f'width="{number(self.width)}" height="{number(self.height)}" viewBox="0 0 {size}">'
            f'<title id="{self.name}-title">{html(self.title)}</title>'
            f'<desc id="{self.name}-desc">{html(self.description)}</desc>{style}'
            f'<rect class="back" x="0.5" y="0.5" width="{number(self.width - 1)}" '
            f'height="{number(self.height - 1)}" rx="6"/>'
            f"{self.body}</svg>"
        )


def percent(share: float) -> str:
    """``64%``, rounded to whole per cent, but never up to 100 or down to 0 when it is neither."""
    whole = round(share * 100)
    if (whole == 100 and share < 1) or (whole == 0 and share > 0):
        return (
            f"{share * 100:.1f}%" if 0.0005 <= share < 0.9995 else ("over 99.9%" if whole else "under 0.1%")
        )
    return f"{whole}%"


def fit(text: str, room: float) -> str:
    """``text`` cut so that it takes about ``room`` pixels; wide characters count twice."""
    used, kept = 0.0, ""
    for letter in text:
        used += CHARACTER * (2 if unicodedata.east_asian_width(letter) in "WF" else 1)
        if used > room:
            return kept[:-1].rstrip() + "…"
        kept += letter
    return kept


def lines(text: str, room: float) -> tuple[str, ...]:
    """``text`` broken between words into lines of about ``room`` pixels."""
    found: list[str] = []
    for word in text.split():
        longer = f"{found[-1]} {word}" if found else word
        if found and len(longer) * CHARACTER <= room:
            found[-1] = longer
        else:
            found.append(word)
    return tuple(found)


def text(
    x: float, y: float, words: str, style: str = "", *, room: float | None = None, full: str = ""
) -> str:
    """One line of text; cut to ``room``, with the whole of it, or ``full``, as its tip."""
    shown = words if room is None else fit(words, room)
    whole = full or words
    tip = f"<title>{html(whole)}</title>" if whole not in shown else ""
    mark = f' class="{style.strip()}"' if style.strip() else ""
    return f'<text{mark} x="{number(x)}" y="{number(y)}">{html(shown)}{tip}</text>'


def paragraph(x: float, y: float, said: Sequence[str], style: str, step: float = 17) -> str:
    """Lines of text under each other."""
    return "".join(text(x, y + step * i, line, style) for i, line in enumerate(said))


def rect(x: float, y: float, width: float, height: float, style: str, *, opacity: float | None = None) -> str:
    seen = "" if opacity is None else f' fill-opacity="{opacity:.3f}"'
    place = f'x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}"'
    return f'<rect class="{style}" {place} rx="2"{seen}/>'


def line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    ends = f'x1="{number(x1)}" y1="{number(y1)}" x2="{number(x2)}" y2="{number(y2)}"'
    return f'<line class="{style}" {ends}/>'


def dot(x: float, y: float, radius: float) -> str:
    return f'<circle class="dot" cx="{number(x)}" cy="{number(y)}" r="{number(radius)}"/>'


def anchor(share: float) -> str:
    """How a label on an axis from 0 to 1 is aligned so that it stays inside."""
    return {0.0: "", 1.0: "end"}.get(share, "middle")


def number(value: float) -> str:
    """A number with at most one decimal, always written the same way."""
    return f"{value:.1f}".removesuffix(".0")
