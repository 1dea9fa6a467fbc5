"""Regular expressions that people write into their files, limited so that no text can make one run away.

Python's matcher backtracks: ``(a+)+$`` needs exponential time. Allowed is at most one open-ended repeat in a
pattern, no repeat of something that repeats or branches, and small bounded repeats. Texts are searched with
white space folded, in overlapping windows, so that the work is bounded too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from re import _constants as sre_constants  # type: ignore[attr-defined]
from re import _parser as sre_parser  # type: ignore[attr-defined]
from typing import Any

MAX_PATTERN = 300
MAX_TEXT = 40_000
WINDOW = 1_000
OVERLAP = 200
_OPEN_ENDED = 50
"""A repeat of this many or more counts as open-ended."""


def check_pattern(pattern: str) -> str:
    """``pattern`` if it is safe; ValueError says what is wrong with it."""
    if not pattern or len(pattern) > MAX_PATTERN:
        raise ValueError(f"a pattern has 1 to {MAX_PATTERN} characters")
    try:
        parsed = sre_parser.parse(pattern, re.IGNORECASE)
        re.compile(pattern, re.IGNORECASE)  # looks behind over any width are found only here
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from error
    cost = _Cost()
    _walk(parsed, cost, repeated=False)
    if cost.open_ended > 1:
        raise ValueError(
            f"{pattern!r} has more than one open-ended repeat (*, + or {{n,}}); bound them: {{0,20}}"
        )
    if cost.bounded > (100 if cost.open_ended else 10_000):
        raise ValueError(f"{pattern!r} has too many repeats")
    return pattern


def found_in(pattern: str, text: str) -> str | None:
    """The first match of a checked pattern, case folded, white space in ``text`` folded; None without one.

    A match longer than 200 characters may be missed where two windows meet.
    """
    compiled = re.compile(pattern, re.IGNORECASE)
    for window in _windows(" ".join(text[:MAX_TEXT].split())):
        match = compiled.search(window)
        if match:
            return match.group(0)
    return None


def _windows(text: str) -> Iterator[str]:
    for start in range(0, max(1, len(text) - OVERLAP), WINDOW - OVERLAP):
        yield text[start : start + WINDOW]


class _Cost:
    def __init__(self) -> None:
        self.open_ended = 0
        self.bounded = 1


def _walk(parsed: Any, cost: _Cost, *, repeated: bool) -> None:
    for operator, argument in parsed:
        if operator in {sre_constants.GROUPREF, sre_constants.GROUPREF_EXISTS}:
            raise ValueError("a pattern must not refer back to a group")
        if operator in {sre_constants.MAX_REPEAT, sre_constants.MIN_REPEAT, sre_constants.POSSESSIVE_REPEAT}:
            low, high, inner = argument
            many = high > 1
            # (?:a?){26} matches one text in millions of ways, too.
            if repeated and (many or low != high):
                raise ValueError("a pattern must not repeat something that repeats")
            if high >= _OPEN_ENDED:
                cost.open_ended += 1
            else:
                cost.bounded *= high - low + 1
            _walk(inner, cost, repeated=repeated or many)
        elif operator is sre_constants.BRANCH:
            if repeated:
                raise ValueError("a pattern must not repeat a choice (a|b)")
            for branch in argument[1]:
                _walk(branch, cost, repeated=repeated)
        elif operator is sre_constants.SUBPATTERN:
            _walk(argument[-1], cost, repeated=repeated)
        elif operator in {sre_constants.ASSERT, sre_constants.ASSERT_NOT}:
            _walk(argument[1], cost, repeated=repeated)
        elif operator is sre_constants.ATOMIC_GROUP:
            _walk(argument, cost, repeated=repeated)
