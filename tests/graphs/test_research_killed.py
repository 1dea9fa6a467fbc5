"""Research killed with ``kill -9`` in its middle, and carried on each time by a new process."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from graphs.options import Budget, RunOptions
from graphs.runner import create_run
from store import events, reading, research
from store.database import Database, sqlite_url
from store.schema import FetchRow, SearchRow
from tests.graphs.researching import REQUESTS, proposal_of, researched
from tests.standins.command_line import Said, ended, warm
from tests.standins.http_server import StandIn
from tests.standins.world import World


class Point(NamedTuple):
    """Where to die: after the commit with the nth event of this stage and kind in the process."""

    stage: str
    kind: str
    nth: int


POINTS = (
    Point("research", "page", 3),  # a page of a listing
    Point("research", "query", 10),
    Point("research", "page", 20),
    Point("research", "wave", 1),  # between two waves
)
BUDGET = Budget(queries=24, pages=12, candidates=8, waves=2)
"""It does not reach for everybody: who is studied has to be the same after a resume."""


class Request(NamedTuple):
    """One address as a server sees it."""

    host: str
    path: str
    query: tuple[tuple[str, str], ...]


def _request(url: str) -> Request:
    parts = urlsplit(url)
    return Request(
        parts.hostname or "",
        unquote(parts.path),
        tuple(sorted(parse_qsl(parts.query, keep_blank_values=True))),
    )


def _asked(servers: Iterable[StandIn]) -> list[Request]:
    return [
        Request(one.host, one.path, tuple(sorted((k, v) for k, values in one.query.items() for v in values)))
        for server in servers
        for one in server.asked
    ]


class Watch:
    """What the servers of a world are asked after something was finished."""

    def __init__(self, world: World, database: Database, run_id: str) -> None:
        self._world, self._database, self._run_id = world, database, run_id
        self._pages: tuple[StandIn, ...] = (world.hub, world.registry, world.pages)

    def look(self) -> None:
        """Note what has a row by now, and forget what was asked so far."""
        with self._database.reading() as session:
            rows = session.query(FetchRow.url).filter_by(run_id=self._run_id)
            self.fetched = {_request(row.url) for row in rows}
            asked = session.query(SearchRow.query).filter_by(run_id=self._run_id)
            self.searched = {row.query for row in asked}
        for server in self._pages:
            server.asked.clear()
        self._world.search.queries.clear()

    def repeated(self) -> list[object]:
        """What was asked again although it had a row."""
        pages = [request for request in _asked(self._pages) if request in self.fetched]
        return [*pages, *(query for query in self._world.search.queries if query in self.searched)]


def _process(home: Path, world: World, run_id: str, *dying: object) -> Said:
    told = (str(home), json.dumps(world.addresses), run_id, *map(str, dying))
    return ended(warm().start("tests.graphs.researching:main", *told))


@pytest.mark.slow
async def test_killed_in_the_middle_of_research_nothing_finished_is_asked_again(tmp_path: Path) -> None:
    text, budget = REQUESTS["therapy"], BUDGET
    with World() as world, Database(sqlite_url(tmp_path / "bms.sqlite")) as database:
        calm = await researched(world, tmp_path / "calm", text, budget=budget)
        run_id = create_run(database, text, RunOptions(out_dir=str(tmp_path), budget=budget))
        watch = Watch(world, database, run_id)
        watch.look()
        for point in POINTS:
            died = _process(tmp_path, world, run_id, *point)
            assert died.status == -signal.SIGKILL, f"{point}: {died}"
            assert not watch.repeated(), point
            watch.look()
            assert watch.fetched
        whole = _process(tmp_path, world, run_id)
        assert whole.status == 0, whole
        assert not watch.repeated()
        with database.reading() as session:
            offered = research.newest_table(session, run_id)
            told = events.after(session, run_id, 0, 100_000)
            searches = reading.searches(session, run_id)
            waves = research.waves(session, run_id)
    assert offered is not None
    undisturbed = calm.offered
    assert [wave.queries for wave in waves] == [wave.queries for wave in calm.look(research.waves)]
    assert len({row.query for row in searches}) == len(searches) == sum(len(wave.queries) for wave in waves)
    assert [event.seq for event in told] == list(range(1, len(told) + 1))
    assert offered.table.rows == undisturbed.table.rows
    assert offered.table.coverage == undisturbed.table.coverage
    assert offered.table.hash == undisturbed.table.hash
    assert proposal_of(offered) == proposal_of(undisturbed)
    calm.database.close()
