"""Where the page does what a sentence names a command for."""

from __future__ import annotations

import re
from typing import NamedTuple


class Way(NamedTuple):
    label: str
    href: str


_COMMAND = re.compile(r"\bbms ([a-z]+)")
_PLACES = {
    "label": ("Label answers", "/runs/{run}/labels"),
    "calibrate": ("The judge beside the labels", "/runs/{run}/labels#agreement"),
    "compare": ("Compare two runs", "/compare?first={run}"),
    "resume": ("Go on with the run", "/runs/{run}"),
    "approve": ("The approval", "/runs/{run}/approval"),
    "table": ("The table", "/runs/{run}/table"),
    "evidence": ("The table and its sources", "/runs/{run}/table"),
    "show": ("Where the run is", "/runs/{run}"),
    "runs": ("All runs", "/runs"),
    "evaluate": ("Begin another run", "/"),
}
_COMPARING = re.compile(r"\bcompare the two\b", re.IGNORECASE)


def ways(text: str, run_id: str, command: str | None = None) -> tuple[Way, ...]:
    """Links for the commands in ``text`` and in ``command``, each place once; none for what only a terminal
    does."""
    named = _COMMAND.findall(f"{text}\n{command or ''}")
    named += ["compare"] if _COMPARING.search(text) else []
    found = dict.fromkeys(_PLACES[name] for name in named if name in _PLACES)
    return tuple(Way(label, href.format(run=run_id)) for label, href in found)
