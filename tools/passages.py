"""A stored text in sections: the heading, sentences by paragraph, and blocks of table rows.

Sentences and rows are verbatim; only white space is folded. Headings are those of Markdown, and short lines
without an end: that closes a section rather too early than too late.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

LONGEST = 600
SHORTEST = 12
LONGEST_HEADING = 80
WRAPPED = 40
"""A line shorter than this was not broken for its length."""

_NOT_AFTER = "".join(
    rf"(?<!\b{short}\.)" for short in (r"vs", r"e\.g", r"i\.e", r"z\.B", r"bzw", r"ca", r"Dr", r"\d", r"\d\d")
)
SENTENCE_END = re.compile(
    rf"(?:(?<=[.!?]){_NOT_AFTER}|(?<=[.!?][\"')\]”’]))\s+(?=[A-ZÀ-ÖØ-Þ0-9\"'(\[*_„“‘¿¡])"
)
HEADING = re.compile(r"^\s{0,3}(#{1,6})\s+(.+?)\s*#*$")
FENCE = re.compile(r"^\s{0,3}(?:```|~~~)")
ENDS = (".", "!", "?", ";", ",", "…", "。")


@dataclass(slots=True)
class Section:
    """What stands between one heading and the next."""

    heading: str = ""
    paragraphs: list[list[str]] = field(default_factory=list)
    """Sentences, by the line or wrapped paragraph that they stand in."""
    tables: list[list[str]] = field(default_factory=list)
    """Blocks of consecutive rows."""
    captions: list[str] = field(default_factory=list)
    """For each table the line of prose before it, or nothing."""


def is_row(line: str) -> bool:
    return "|" in line


def sections(text: str) -> Iterator[Section]:
    """The sections of ``text`` in order. Fenced code is left out: it is written for machines."""
    section, coded, open_row = Section(), False, False
    for raw in _wrapped(text):
        line = " ".join(raw.split())
        if FENCE.match(raw):
            coded = not coded
        if coded or FENCE.match(raw) or not line:
            open_row = False
            continue
        if is_row(line):
            if not open_row:
                before = section.paragraphs[-1][-1] if section.paragraphs else ""
                section.tables.append([])
                section.captions.append(before)
            section.tables[-1].append(line)
            open_row = True
            continue
        open_row = False
        title = _heading(line)
        if title is not None:
            yield section
            section = Section(title)
        found = [part for part in map(str.strip, SENTENCE_END.split(line)) if part]
        section.paragraphs.append(found)
    yield section


def fits(unit: str) -> bool:
    """Whether a sentence or row is of a length to be quoted."""
    return SHORTEST <= len(unit) <= LONGEST


def _heading(line: str) -> str | None:
    marked = HEADING.match(line)
    if marked:
        return marked[2]
    plain = (
        len(line) <= LONGEST_HEADING and not line.endswith(ENDS) and not line.startswith(("- ", "* ", "> "))
    )
    return line.strip("*_ :") if plain else None


def _wrapped(text: str) -> Iterator[str]:
    """Lines, joined where one was broken for its length and goes on in lower case."""
    held = ""
    for line in text.splitlines():
        start = line[:1]
        goes_on = (
            len(held) >= WRAPPED
            and start.isalpha()
            and start.islower()
            and not is_row(line)
            and not is_row(held)
            and not held.rstrip().endswith((*ENDS, ":"))
            and not held.startswith("#")
        )
        if goes_on:
            held = f"{held} {line}"
            continue
        if held:
            yield held
        held = line
        if not line.strip():
            yield ""
            held = ""
    if held:
        yield held
