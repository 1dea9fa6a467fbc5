"""Five requests researched on the stand-ins' world: ``python -m benchmarks.requests [--json]``.

For each one: candidates seen, viable and rejected by reason, coverage with its interval, cells filled, in
contradiction and unknown, and the table. Everything is answered on loopback; nothing leaves the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from graphs.options import Budget
from store import reading, research
from tests.graphs.researching import REQUESTS, Researched, researched
from tests.standins.world import World
from tools.table_export import to_markdown


async def measure(folder: Path) -> dict[str, dict[str, Any]]:
    """Figures of every request by its name, with the table as Markdown."""
    figures = {}
    with World() as world:
        for name, text in REQUESTS.items():
            done = await researched(world, folder / name, text, budget=Budget())
            figures[name] = figures_of(text, done)
            done.database.close()
    return figures


def figures_of(text: str, done: Researched) -> dict[str, Any]:
    table, proposal, counts = done.offered.table, done.offered.proposal, done.offered.table.counts
    note = table.coverage
    assert note is not None
    assert note.measured is not None
    asked = done.look(reading.counts)
    return {
        "request": text,
        "size": str(table.request.size),
        "seen": counts.seen,
        "viable": counts.viable,
        "excluded": {row.key: list(row.excluded) for row in table.rows if row.excluded},
        "rejected": {group.reason: group.count for group in table.rejected},
        "coverage": note.measured.model_dump(mode="json", exclude={"curve"}) | {"share": note.share},
        "curve": [[point.query, point.known, point.new] for point in note.measured.curve],
        "waves": [
            {"queries": len(wave.queries), "pages": wave.pages, **wave.totals.model_dump()}
            for wave in done.look(research.waves)
        ],
        "searches": asked.searches,
        "fetches": asked.fetches,
        "cells": {"filled": counts.filled, "unknown": counts.unknown, "contradicted": counts.contradicted},
        "primary": proposal.primary,
        "backup": proposal.backup,
        "warning": proposal.coverage_warning,
        "state_bytes": len(json.dumps(done.state)),
        "table": to_markdown(table),
    }


def as_markdown(figures: dict[str, dict[str, Any]]) -> Iterator[str]:
    """The figures for people, line by line."""
    for name, told in figures.items():
        yield f"## {name}: “{told['request']}”"
        yield ""
        yield "| | |"
        yield "| --- | --- |"
        yield from (f"| {label} | {value} |" for label, value in _lines(told))
        yield ""
        yield from (f"- excluded: {key}: {' '.join(why)}" for key, why in told["excluded"].items())
        yield ""
        yield told["table"]


def _lines(told: dict[str, Any]) -> Iterator[tuple[str, object]]:
    coverage, cells = told["coverage"], told["cells"]
    yield "Size", told["size"]
    yield "Candidates seen", told["seen"]
    yield "Viable", told["viable"]
    yield "Excluded by a hard need", len(told["excluded"])
    yield "Rejected", sum(told["rejected"].values())
    yield from ((f"– {reason}", count) for reason, count in told["rejected"].items())
    yield "Sample coverage", _share(coverage)
    yield "Estimated unseen, at least", f"{coverage['unseen']:.1f}"
    yield "Queries answered, unanswered", f"{coverage['queries']}, {coverage['unanswered']}"
    yield "Stopped because", coverage["stopped"]
    yield "Cells filled, unknown, in contradiction", ", ".join(str(count) for count in cells.values())
    yield "Primary, backup", f"{told['primary']}, {told['backup']}"
    yield "Warning", told["warning"] or "none"
    yield "State in the checkpoint", f"{told['state_bytes']:,} bytes"


def _share(coverage: dict[str, Any]) -> str:
    if coverage["sample_coverage"] is None:
        return "not measured"
    return f"{coverage['sample_coverage']:.1%} (95 %: {coverage['low']:.1%} to {coverage['high']:.1%})"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.requests", description=__doc__)
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(measure(Path(folder)))
    print(json.dumps(figures, indent=1) if given.json else "\n".join(as_markdown(figures)))


if __name__ == "__main__":
    main()
