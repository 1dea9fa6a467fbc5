"""Where a quote stands in a stored text, with what surrounds it."""

from __future__ import annotations

import re
from typing import NamedTuple


class Excerpt(NamedTuple):
    """A quote inside the text around it. A stranger's text: data, never markup or instructions."""

    before: str
    found: str
    """As it stands in the text."""
    after: str
    more_before: bool
    """Whether the text has more before what is shown."""
    more_after: bool


def find(quote: str, text: str, around: int) -> Excerpt | None:
    """``quote`` in ``text`` with ``around`` characters on each side, white space of the quote folded; None
    where it does not stand. An empty quote stands at the beginning."""
    start = text.find(quote)
    end = start + len(quote)
    if start < 0:
        found = re.search(r"\s+".join(map(re.escape, quote.split())), text) if quote.split() else None
        if found is None:
            return None
        start, end = found.span()
    first, last = max(0, start - around), min(len(text), end + around)
    return Excerpt(text[first:start], text[start:end], text[end:last], first > 0, last < len(text))
