"""What a station has told, so that it does not tell it twice.

A process that dies in a station leaves the checkpoint before it: the next one goes through the station from
its beginning. Rows that are there are not made again; neither are events.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

NAMED_BY: Mapping[str, tuple[str, ...]] = {
    "census": (),
    "decision": ("role",),
    "document": ("path",),
    "enumerated": ("source",),
    "leaderboard": ("title",),
    "read": ("url",),
    "scenarios": ("source",),
    "wave": ("wave",),
}
"""By kind, which of its data makes an event the same as another one; of other kinds it is all. What else is
in it counts what was new, and the second time nothing is."""


class Told:
    """Events of a station that was not finished, until it has told each of them again."""

    def __init__(self) -> None:
        self._left: Counter[str] = Counter()

    def before(self, events: Iterable[tuple[str, str, Mapping[str, Any]]]) -> None:
        """Stage, kind and data of what was told the times before."""
        self._left = Counter(_name(*event) for event in events)

    def knows(self, stage: str, kind: str, data: Mapping[str, Any]) -> bool:
        """Whether it has been told before."""
        return self._left[_name(stage, kind, data)] > 0

    def tell(self, stage: str, kind: str, data: Mapping[str, Any]) -> bool:
        """Whether it has been told before; the next one of the same name counts for itself."""
        known = self.knows(stage, kind, data)
        if known:
            self._left[_name(stage, kind, data)] -= 1
        return known


def counting(name: str, **told: Any) -> Callable[[int], dict[str, Any]]:
    """Data of an event that tells, as ``name``, how many rows were new."""
    return lambda new: {**told, name: new}


def _name(stage: str, kind: str, data: Mapping[str, Any]) -> str:
    kept = data if kind not in NAMED_BY else {name: data.get(name) for name in NAMED_BY[kind]}
    return json.dumps([stage, kind, kept], sort_keys=True, default=str)
