"""What every database takes: text without NUL characters, which PostgreSQL refuses, and without half of a
pair of surrogates, which is no text; and numbers that JSON has, which NaN and infinity are not.

Pages, models and people may send all of them. A character becomes U+FFFD, so that nothing after it moves, and
a number null.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

INSTEAD = "\N{REPLACEMENT CHARACTER}"
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_ESCAPED_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


def plain(text: str) -> str:
    """The text with U+FFFD for what is none."""
    return text if text.isascii() and "\0" not in text else _NO_TEXT.sub(INSTEAD, text)


def as_json(value: Any) -> str:
    """JSON whose strings and keys are :func:`plain`, and whose numbers are finite."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError:
        text = json.dumps(finite(value), ensure_ascii=False)
    if "\\u0000" in text:
        text = _ESCAPED_NUL.sub(rf"\1{INSTEAD}", text)
    return plain(text)


def finite(value: Any) -> Any:
    """The value with None in the place of each number that JSON does not have."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: finite(one) for name, one in value.items()}
    return [finite(one) for one in value] if isinstance(value, list | tuple) else value
