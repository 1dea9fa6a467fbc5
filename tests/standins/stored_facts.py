"""The files in ``facts/``, read once."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

FACTS = Path(__file__).parent / "facts"


@cache
def stored(name: str) -> dict[str, Any]:
    """A file of the facts; nobody changes what is returned."""
    value: dict[str, Any] = json.loads((FACTS / name).read_text(encoding="utf-8"))
    return value


def models() -> list[dict[str, Any]]:
    """The 69 models, one entry each, with their sources."""
    return list(stored("models.json")["models"])
