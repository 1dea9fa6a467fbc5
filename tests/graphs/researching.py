"""Research on the stand-ins' world up to the table: what tests and ``benchmarks/requests.py`` look at."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from graphs.desk import Services
from graphs.options import Budget, RunOptions
from graphs.runner import Runner, create_run
from store import research
from store.checkpoints import open_checkpointer
from store.database import Database, sqlite_url
from store.research import Offered
from tests.graphs.killed import arm
from tests.standins.small_model import NOTHING
from tests.standins.stage import staged
from tests.standins.world import Addresses, Route, World
from tools.table_records import Column, seen

REQUESTS = {
    "therapy": "evaluate 8B models for therapy coaching",
    "coding": "evaluate models under 4B for coding on 8 GB",
    "mathematics": "evaluate 7-14B models for mathematics, commercial use",
    "fiction": "evaluate 12B models for creative writing",
    "law": "evaluate 8B models for legal Q&A in German",
}
SMALL = Budget(queries=24, pages=40, candidates=40, waves=2)
"""Each part of research has its turn, twice."""


class Researched(NamedTuple):
    """A run that waits with its table."""

    run_id: str
    database: Database
    offered: Offered
    state: dict[str, Any]
    """What its newest checkpoint holds."""

    def look(self, query: Any, *arguments: Any) -> Any:
        """``query(session, run_id, …)``."""
        with self.database.reading() as session:
            return query(session, self.run_id, *arguments)


@contextlib.asynccontextmanager
async def services_of(
    world: World | Elsewhere, database: Database, **changes: Any
) -> AsyncIterator[Services]:
    """Services whose public hosts are the world's; ``changes`` replace some of them."""
    async with staged(world, None, database, ollama_host=NOTHING) as services:  # type: ignore[arg-type]
        yield replace(services, **changes)


async def research_of(
    services: Services, home: Path, text: str, *, budget: Budget = SMALL, brain: str | None = None
) -> Researched:
    """A new run in the services' database, driven until it waits for an approval."""
    options = RunOptions(out_dir=str(home), budget=budget, brain=brain)
    return await driven(services, home, create_run(services.database, text, options))


async def driven(services: Services, home: Path, run_id: str) -> Researched:
    """The run, begun or carried on, up to its table. Its checkpoints are in ``home``."""
    async with open_checkpointer(sqlite_url(home / "checkpoints.sqlite")) as checkpointer:
        runner = Runner(services, checkpointer)
        standing = await runner.drive(run_id)
        assert standing.prompt is not None, standing
        assert standing.prompt.kind == "approval", standing.prompt
        state = await runner.graph.aget_state({"configurable": {"thread_id": run_id}})
    with services.database.reading() as session:
        offered = research.newest_table(session, run_id)
    assert offered is not None
    return Researched(run_id, services.database, offered, state.values)


async def researched(
    world: World, home: Path, text: str, *, budget: Budget = SMALL, brain: str | None = None, **changes: Any
) -> Researched:
    """The same in a new database, in ``home``."""
    home.mkdir(parents=True, exist_ok=True)
    database = Database(sqlite_url(home / "bms.sqlite"))
    async with services_of(world, database, **changes) as services:
        return await research_of(services, home, text, budget=budget, brain=brain)


def table_of(offered: Offered) -> dict[str, Any]:
    """Everything that a person sees of the table, but for how many requests it took and for what does not
    count: suspicious claims, claims that a model of ours read, and the notes that say how many they are."""
    rows = seen(offered.table)["rows"]
    for row, shown in zip(offered.table.rows, rows, strict=True):
        kept = [c for c in row.evidence if not c.suspicious and c.found_by.value != "brain"]
        shown["evidence"] = [[c.candidate, c.stance, c.kind, c.summary, c.source.quote] for c in kept]
        shown["cells"][Column.NOTES.value].pop("text")
    rejected = [group.model_dump() for group in offered.table.rejected]
    return json.loads(json.dumps({"rows": rows, "rejected": rejected}))


def proposal_of(offered: Offered) -> dict[str, Any]:
    """The proposal, but for the table's hash and how many requests it took."""
    return offered.proposal.model_dump(mode="json", exclude={"table_hash", "coverage_warning"})


class Elsewhere(NamedTuple):
    """A world in another process."""

    addresses: Addresses

    def routes(self, host: str) -> Route:
        return self.addresses.routes(host)


async def _carry_on(home: Path, addresses: Addresses, run_id: str) -> None:
    with Database(sqlite_url(home / "bms.sqlite")) as database:
        async with services_of(Elsewhere(addresses), database) as services:
            await driven(services, home, run_id)


def main(arguments: list[str]) -> None:
    """``HOME ADDRESSES RUN [STAGE KIND NTH]``: see :mod:`tests.graphs.killed`."""
    where, told, which, *dying = arguments
    if dying:
        arm(dying[0], dying[1], int(dying[2]))
    asyncio.run(_carry_on(Path(where), Addresses(*json.loads(told)), which))
