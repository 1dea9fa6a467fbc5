"""Prints the matrix as Markdown: ``python -m tests.faults [--short]``. With five seconds where a database is
gone, unless ``--short``; it takes some minutes."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults import faults
from tests.faults.faults import LEASE_SECONDS, at_the_model
from tests.faults.matrix import Calm, Cell, Table, as_markdown, play, undisturbed
from tests.faults.small_world import SmallWorld
from tests.faults.theatre import Theatre, theatre
from tests.standins.postgres import Postgres
from tests.standins.zygote import Zygote

Column = Callable[[Theatre, Calm], dict[str, Cell]]


def columns(server: Postgres | None, seconds: float) -> Iterator[tuple[str, Column]]:
    """The faults of one database, by the head of their column."""

    def of(strike: faults.Strike, **part: float) -> Column:
        return lambda stage, calm: play(stage, strike, calm, **part)

    yield "kill -9", of(faults.kill)
    yield "SIGTERM", of(faults.terminate)
    yield "frozen for twice the lease", of(faults.freeze, lease_seconds=LEASE_SECONDS)
    if server is None:
        yield "frozen, and taken over", faults.taken_over
        yield f"database locked for {seconds:g} s", of(faults.locked(seconds))
        yield "disk full", of(faults.disk_full)
    else:
        yield "frozen, and another one tries", of(faults.not_taken_over, lease_seconds=LEASE_SECONDS)
        yield f"database gone for {seconds:g} s", of(faults.gone(server, seconds))
        yield "disk full (said by a trigger)", of(faults.server_disk_full)
    yield "network cut", network_cut
    yield (
        "runtime killed",
        lambda stage, calm: play(stage, faults.runtime_killed, calm, at_the_model(calm)),
    )
    yield "clock +1 h at each", of(faults.jump(3600))
    yield "clock −1 h at each", of(faults.jump(-3600))


def network_cut(stage: Theatre, calm: Calm) -> dict[str, Cell]:
    stops = {station: place for station, place in calm.middles.items() if station != "research"} | {"pull": 1}
    return play(stage, faults.network_cut, calm, stops, survey=True)


@contextmanager
def made(folder: Path, *, postgresql: bool) -> Iterator[Postgres | None]:
    if not postgresql:
        yield None
        return
    server = Postgres(folder / "pg")
    try:
        yield server
    finally:
        server.close()


def main(arguments: list[str]) -> None:
    seconds = 0.2 if "--short" in arguments else 5.0
    with (
        tempfile.TemporaryDirectory() as name,
        Zygote("tests.faults.driver") as zygote,
        SmallWorld() as world,
    ):
        folder = Path(name)
        with theatre(zygote, world, folder / "calm") as stage:
            calm = undisturbed(stage)
        for database in ("SQLite", "PostgreSQL"):
            table: Table = {}
            with made(folder, postgresql=database == "PostgreSQL") as server:
                for number, (head, column) in enumerate(columns(server, seconds)):
                    url = None if server is None else faults.durable(server)
                    with theatre(zygote, world, folder / f"{database}{number}", url) as stage:
                        table[head] = column(stage, calm)
                    print(f"{database}: {head}", file=sys.stderr, flush=True)
            print(f"\n### {database}\n\n{as_markdown(table, calm.middles)}", flush=True)
            said = {
                head: {cell.said for cell in cells.values() if cell.said} for head, cells in table.items()
            }
            for head, sentences in said.items():
                for sentence in sorted({s.replace(str(folder), "…") for s in sentences})[:2]:
                    print(f"\n{head}: {sentence}")


if __name__ == "__main__":
    main(sys.argv[1:])
