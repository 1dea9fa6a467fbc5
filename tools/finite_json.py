"""JSON as it came from somewhere else, in numbers that every database and every other program can read.

Python's own reader takes ``NaN`` and ``Infinity``, which are no JSON (RFC 8259, section 6), and makes
infinity of 1e999; both go on into whatever is written from it.
"""

from __future__ import annotations

import json
import math
from typing import Any


def read_json(text: str | bytes) -> Any:
    """The value; None for each number in it that none is. ``ValueError`` and ``RecursionError`` as
    :func:`json.loads`."""
    return json.loads(text, parse_float=finite, parse_constant=no_number)


def finite(digits: str) -> float | None:
    """The number, or None where 64 bits do not hold it."""
    value = float(digits)
    return value if math.isfinite(value) else None


def no_number(_word: str) -> None:
    """In the place of ``NaN``, ``Infinity`` and ``-Infinity``."""
