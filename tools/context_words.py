"""Context lengths that a card states in words: which are native, which need scaling, which are another's.

A single line is often ambiguous ("Full 131,072 tokens"), so all lines of a card are read together: a length
that the card itself calls native makes a longer one an extended one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import NamedTuple

from tools.facts import Factor

TOKENS = re.compile(r"(?<![\w.])(\d{1,3}(?:,\d{3})+|\d{4,9}|\d{1,4}(?:\.\d)?\s?[KkM])(?!\w)")
CONTEXT = re.compile(
    r"(?:context|sequence)[- ]?(?:length|window|size)s?|\btokens? (?:of )?context|-token context|"
    r"\bcontext (?:of|up to)|\binput context|\b\d+k context",
    re.IGNORECASE,
)
EXTENDING = re.compile(r"yarn|rope[- ]scaling|rope theta|longrope|extend|extrapolat", re.IGNORECASE)
NATIVE = re.compile(r"\bnativ", re.IGNORECASE)
CONFIGURED = re.compile(r"config(?:\.json)?`?,? (?:file )?is (?:currently )?set\b[^.]{0,40}$", re.IGNORECASE)
BEYOND = re.compile(
    r"(?:exceed(?:s|ing)?|beyond|longer than|more than)\s+(?:the )?(?:native )?$", re.IGNORECASE
)
NOT_CONTEXT = re.compile(
    r"generat|output|new tokens|sliding|trained on [^.]{0,30}$|evaluat\w+ (?:at|with)[^.]{0,30}$",
    re.IGNORECASE,
)
SIZES = re.compile(r"(?<![\w.-])(E?\d+(?:\.\d+)?)\s?B\b", re.IGNORECASE)
OWN_SIZE = re.compile(r"(?<![a-z0-9.])(e?\d+(?:\.\d+)?)b(?![a-z0-9])", re.IGNORECASE)
MOST_LENGTHS = 3
SHORTEST, LONGEST = 1024, 100_000_000


class Sense(Enum):
    """How a line speaks of a length."""

    NATIVE = "native"
    EXTENDED = "extended"
    PLAIN = "plain"


class Length(NamedTuple):
    """A context length as one line states it."""

    tokens: int
    sense: Sense
    line: str


class ReadLength(NamedTuple):
    """A context length as the whole card means it."""

    factor: Factor
    tokens: int
    line: str
    note: str


def lengths_in(line: str, candidate: str) -> Iterator[Length]:
    """Each length that stands near a word for context. Where a line gives one for each size ("128K for the
    4B, 32K for the 1B"), only that of the candidate's size."""
    beyond = EXTENDING.search(line) is not None
    if not CONTEXT.search(line) and not beyond:
        return
    found = list(TOKENS.finditer(line))[:6]
    edges = [0, *(match.end() for match in found)]
    starts = [*(match.start() for match in found), len(line)]
    mine = OWN_SIZE.search(candidate.rsplit("/", 1)[-1].replace("_", "-"))
    size = mine.group(1).upper() if mine else None
    for number, match in enumerate(found):
        attached = 12 if number else 0
        before = line[edges[number] + attached : match.start()]
        after = line[match.end() : starts[number + 1]][:80]
        tokens = tokens_of(match.group(1))
        if tokens is None or NOT_CONTEXT.search(before):
            continue
        sizes = {found_size.upper() for found_size in SIZES.findall(after)}
        if size is not None and sizes and size not in sizes:
            continue
        if beyond and BEYOND.search(before):
            yield Length(tokens, Sense.NATIVE, line)
        elif CONTEXT.search(line[max(0, match.start() - 100) : match.end() + 60]):
            yield Length(tokens, _sense(before, after), line)


def _sense(before: str, after: str) -> Sense:
    if NATIVE.search(before) or NATIVE.search(after[:15]) or CONFIGURED.search(before):
        return Sense.NATIVE
    return Sense.EXTENDED if EXTENDING.search(before) or EXTENDING.search(after) else Sense.PLAIN


def read_lengths(lengths: Iterable[Length], *, extends: bool) -> list[ReadLength]:
    """Lengths of a whole card. ``extends`` says whether it speaks of scaling anywhere. Of several that stay
    native, the first is taken as read; the others carry a note, and the disagreement shows."""
    all_of = list(lengths)
    native = next((length for length in all_of if length.sense is Sense.NATIVE), None)
    read: dict[tuple[Factor, int], ReadLength] = {}
    for length in all_of:
        one = _read(length, native, extends=extends, first=not read)
        if one is not None and sum(factor is one.factor for factor, _ in read) < MOST_LENGTHS:
            read.setdefault((one.factor, one.tokens), one)
    return list(read.values())


def _read(length: Length, native: Length | None, *, extends: bool, first: bool) -> ReadLength | None:
    tokens, sense, line = length
    if sense is Sense.EXTENDED:
        return ReadLength(
            Factor.CONTEXT_EXTENDED, tokens, line, "The line speaks of scaling (YaRN and the like)."
        )
    if native is None or sense is Sense.NATIVE:
        note = "" if first or sense is Sense.NATIVE else "Another line of the same page."
        return ReadLength(Factor.CONTEXT_NATIVE, tokens, line, note)
    if tokens > native.tokens and extends:
        note = (
            f"The page calls {native.tokens:,} native and speaks of scaling, so this is the extended length."
        )
        return ReadLength(Factor.CONTEXT_EXTENDED, tokens, line, note)
    if tokens < native.tokens:
        return None
    return ReadLength(Factor.CONTEXT_NATIVE, tokens, line, "Another line of the same page.")


def tokens_of(said: str) -> int | None:
    """Tokens of ``32,768``, ``131072``, ``128K`` (1,024 each, as makers mean it) or ``1M``; no year."""
    bare = "".join(said.replace(",", "").split()).lower()
    scale = {"k": 1024, "m": 1024 * 1024}.get(bare[-1], 1)
    number = int(float(bare.rstrip("km")) * scale)
    round_enough = scale > 1 or number % 64 == 0 or number % 1000 == 0
    year_like = scale == 1 and len(said) == 4 and number % 1000 == 0 and number < 3000
    return number if round_enough and not year_like and SHORTEST <= number <= LONGEST else None
