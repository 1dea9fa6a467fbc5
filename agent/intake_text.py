"""A request's words while they are being read: what one rule has used up, no later rule sees."""

from __future__ import annotations

import re
from collections.abc import Iterator

GAP = " § "
"""Stands where words were used up, so that no phrase reaches across."""


class Words:
    """The text that is left. ``§`` marks what was taken out."""

    def __init__(self, text: str) -> None:
        self.rest = " ".join(text.replace("§", " ").split())

    def find(self, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
        """Matches in what is left; nothing is used up."""
        return pattern.finditer(self.rest)

    def has(self, pattern: re.Pattern[str]) -> bool:
        return pattern.search(self.rest) is not None

    def take(self, pattern: re.Pattern[str]) -> list[re.Match[str]]:
        """Matches in what is left, used up."""
        found = list(pattern.finditer(self.rest))
        self.cut([match.span() for match in found])
        return found

    def cut(self, spans: list[tuple[int, int]]) -> None:
        """Use up the characters in ``spans``."""
        for start, end in sorted(spans, reverse=True):
            self.rest = self.rest[:start] + GAP + self.rest[end:]


def one_of(words: tuple[str, ...] | frozenset[str]) -> str:
    """A group that matches any of ``words``, the longest first, a space matching hyphens too."""
    ordered = sorted(words, key=lambda word: (-len(word), word))
    return "(?:" + "|".join(re.escape(word).replace(r"\ ", r"[\s-]+") for word in ordered) + ")"
