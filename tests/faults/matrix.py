"""Each fault at each station of one run after the other, and what became of the run: a table of cells.

A fault strikes in the middle of a station: after half of its writes, or where it makes none, when it is done
and its checkpoint is not written.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.faults.theatre import Outcome, Stop, Theatre, Watched
from tests.standins.command_line import Said

OF_A_DISTURBANCE = frozenset({"stage", "stopped", "waiting", "progress", "retry", "proving", "order"})
"""Kinds of events that a disturbed run may have more of."""
STEP = re.compile(r"`bms \w+")


class Cell(NamedTuple):
    """What became of a fault at a station."""

    wrong: tuple[str, ...] = ()
    """Nothing, where all is as it should be."""
    said: str = ""
    """What the person read, where the process ended."""


class Calm(NamedTuple):
    """A run that nothing disturbs."""

    middles: dict[str, int]
    """After which write the middle of each station is; 0 where it makes none."""
    outcome: Outcome


Strike = Callable[[Theatre, Watched, Stop], Said | None]
"""Strikes a driver that waits in a station; what it said when it ended. Otherwise it goes on."""


def undisturbed(stage: Theatre) -> Calm:
    driver, writes = stage.start(survey=True), dict[str, int]()
    while (stop := driver.next()) is not None:
        writes.setdefault(stop.station, stop.writes)
        driver.go_on()
    said = driver.end()
    assert said.status == 0, said
    return Calm({station: (made + 1) // 2 for station, made in writes.items()}, stage.outcome())


@dataclass
class Play:
    """One run, and the fault that strikes it at every station of ``left``."""

    stage: Theatre
    calm: Calm
    left: dict[str, int]
    cells: dict[str, Cell] = field(default_factory=dict)

    def struck(self, stop: Stop, said: Said | None = None) -> None:
        """The fault has struck there."""
        wrong = [*half_done(self.stage), *(unclear(said) if said is not None else ())]
        self.cells[stop.station] = Cell(tuple(wrong), "" if said is None else said.sentence)

    def ended(self, said: Said) -> dict[str, Cell]:
        """The cells, when the run is at its end; what is wrong with it as a whole stands in each."""
        assert said.status == 0, said
        whole = [f"the fault never struck at {station}" for station in self.left]
        whole += differences(self.calm.outcome, self.stage.outcome())
        if said.sentence:
            whole.append(f"it complained although it went on: {said.sentence[:300]}")
        return {at: cell._replace(wrong=(*cell.wrong, *whole)) for at, cell in self.cells.items()}


def play(
    stage: Theatre, strike: Strike, calm: Calm, stops: Mapping[str, int] | None = None, **part: Any
) -> dict[str, Cell]:
    """A run whose driver is struck once at every station, and carried on by a new process when it ended."""
    one = Play(stage, calm, dict(calm.middles if stops is None else stops))
    while True:
        driver, said = stage.start(one.left, **part), None
        while said is None and (stop := driver.next()) is not None:
            if one.left.pop(stop.station, None) is None:
                driver.go_on()
                continue
            said = strike(stage, driver, stop)
            one.struck(stop, said)
        if said is None:
            return one.ended(driver.end())


def half_done(stage: Theatre) -> list[str]:
    """What is wrong with what stands in the document's folder."""
    wrong = [f"half a file: {path.name}" for path in stage.home.glob("docs/**/.*") if path.is_file()]
    document = stage.home / "docs" / "base-model-evaluation.md"
    if document.exists() and "\n## Next Steps\n" not in document.read_text("utf-8"):
        wrong.append("half a document")
    return wrong


def unclear(said: Said) -> list[str]:
    """What is wrong with what a person reads. Who is killed says nothing."""
    if said.status == -signal.SIGKILL:
        return []
    if "Traceback" in said.err or "unexpected" in said.err:
        return [f"a traceback: {said.sentence[-200:]}"]
    if not said.sentence:
        return [f"nothing was said (exit {said.status})"]
    if not said.sentence.startswith("Error: "):
        return [f"more than one sentence: {said.sentence[:200]}"]
    return [] if STEP.search(said.sentence) else [f"no next step: {said.sentence}"]


def differences(calm: Outcome, found: Outcome) -> list[str]:
    """What a run came to that it should not have."""
    parts = ("status", "detail", "table_hash", "results", "document")
    wrong = [f"another {name}" for name in parts if getattr(calm, name) != getattr(found, name)]
    if found.numbers != tuple(range(1, len(found.numbers) + 1)):
        wrong.append("events are lost or doubled")
    wrong += [
        f"{found.kinds[kind]} × {kind} instead of {calm.kinds[kind]}"
        for kind in sorted(calm.kinds.keys() | found.kinds.keys())
        if kind.split()[1] not in OF_A_DISTURBANCE and calm.kinds[kind] != found.kinds[kind]
    ]
    if again := found.chats - calm.chats:
        wrong.append(f"{again.total()} model calls repeated: {[asked[:90] for asked in again]}")
    if lost := calm.chats - found.chats:
        wrong.append(f"{lost.total()} model calls not made")
    return wrong


Table = dict[str, dict[str, Cell]]
"""By fault, by station."""


def as_markdown(table: Table, stations: Iterable[str]) -> str:
    """A line for each station, a column for each fault."""
    lines = ["| station | " + " | ".join(table) + " |", "|---" * (len(table) + 1) + "|"]
    for station in stations:
        cells = [_shown(cells.get(station)) for cells in table.values()]
        lines.append(f"| {station} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _shown(cell: Cell | None) -> str:
    if cell is None:
        return "–"
    return "same" if not cell.wrong else "; ".join(cell.wrong)
