"""Text that every database takes: no NUL characters, which PostgreSQL refuses, and no half of a pair of
surrogates, which is no text.

Pages, models and people may send both. Each becomes U+FFFD, so that nothing after it moves.
"""

from __future__ import annotations

import json
import re
from typing import Any

INSTEAD = "\N{REPLACEMENT CHARACTER}"
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_ESCAPED_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


def plain(text: str) -> str:
    """The text with U+FFFD for what is none."""
    return text if text.isascii() and "\0" not in text else _NO_TEXT.sub(INSTEAD, text)


def as_json(value: Any) -> str:
    """JSON whose strings and keys are :func:`plain`."""
    text = json.dumps(value, ensure_ascii=False)
    if "\\u0000" in text:
        text = _ESCAPED_NUL.sub(rf"\1{INSTEAD}", text)
    return plain(text)
