"""Research that is hindered, lied to, or read by a model that talks nonsense; and research done twice."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from graphs.desk import NamedModel
from graphs.options import Budget
from store import events, reading, research
from store.database import Database
from store.schema import FetchRow
from tests.graphs.researching import (
    REQUESTS,
    Researched,
    proposal_of,
    research_of,
    researched,
    services_of,
    table_of,
)
from tests.standins.stage import TODAY
from tests.standins.tiny_gguf import write_tiny_gguf
from tests.standins.world import World
from tests.standins.world_pages import pages, poisoned_urls, walled_hosts
from tools.candidates import FoundBy, Stance
from tools.clock import FixedClock
from tools.facts import Fact
from tools.outcomes import BlockReason
from tools.runtimes import ChatReply, ChatRequest
from tools.runtimes.shelf import RuntimeSettings, RuntimeShelf
from tools.table import Column
from tools.table_export import to_markdown

THERAPY, FICTION = REQUESTS["therapy"], REQUESTS["fiction"]
FEW = Budget(queries=24, pages=24, candidates=8, waves=2)
DAY = timedelta(days=1)
NOTHING_FOUND = re.compile(r"nothing (?:was )?found|no results|found nothing", re.IGNORECASE)


class Calm:
    """Requests researched once without any disturbance, and what the world was asked for the first one."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self._folder = world, folder
        self._done: dict[str, Researched] = {}
        self.asked: Counter[str] = Counter()

    async def run(self, text: str = THERAPY) -> Researched:
        if text not in self._done:
            self._done[text] = await researched(self.world, self._folder / str(len(self._done)), text)
            self.asked = self.asked or requests_of(self.world)
        return self._done[text]

    def close(self) -> None:
        for done in self._done.values():
            done.database.close()


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Calm]:
    with World() as world:
        opened = Calm(world, tmp_path_factory.mktemp("research"))
        yield opened
        opened.close()


def requests_of(world: World) -> Counter[str]:
    """How often each address and each query was asked for. Where the registry's redirects lead is left out:
    several of its addresses have the same content."""
    asked = Counter(
        f"{one.host}{one.path}?{sorted(one.query.items())}"
        for server in (world.hub, world.registry, world.pages)
        for one in server.asked
        if not one.path.startswith("/cdn/")
    )
    return asked + Counter(world.search.queries)


def facts_of(done: Researched) -> set[str]:
    """Every fact with its source, but for when it was read."""
    facts: list[Fact] = done.look(research.facts)
    return {fact.model_copy(update={"source": _undated(fact)}).model_dump_json() for fact in facts}


def _undated(fact: Fact) -> Any:
    return fact.source.model_copy(update={"retrieved_at": TODAY})


def stars_of(done: Researched) -> dict[str, tuple[float | None, tuple[str, ...]]]:
    return {row.key: (row.rating.stars, row.rating.arithmetic) for row in done.offered.table.rows}


async def test_every_page_and_every_query_is_asked_for_once(calm: Calm) -> None:
    await calm.run()
    assert len(calm.asked) > 300
    assert {one: times for one, times in calm.asked.items() if times > 1} == {}


# --- blocked -----------------------------------------------------------------------------------------------


async def test_blocked_searches_are_told_and_never_called_nothing_found(tmp_path: Path) -> None:
    with World(block_share=0.3, seed=1) as world:
        done = await researched(world, tmp_path / "run", THERAPY, budget=FEW)
        blocked, asked = len(set(world.search.blocked)), len(set(world.search.queries))
    assert 0.15 < blocked / asked < 0.5
    note, proposal = done.offered.table.coverage, done.offered.proposal
    assert note is not None
    assert note.measured is not None
    assert note.measured.unanswered == blocked
    assert note.measured.queries == asked - blocked
    assert note.measured.sample_coverage is not None
    assert note.share == pytest.approx(note.measured.sample_coverage * (asked - blocked) / asked)
    assert note.share < 0.8
    assert note.below_threshold
    walled = done.look(reading.counts).fetches["blocked"]
    assert note.blocked == blocked + walled
    assert f"{note.blocked} requests were blocked" in note.detail
    assert proposal.coverage_warning is not None
    assert f"{note.blocked} of {note.queries} requests were blocked" in proposal.coverage_warning
    assert "This proposal is shallow" in proposal.coverage_warning
    assert "better candidates may have been missed" in proposal.coverage_warning
    said = [
        to_markdown(done.offered.table, limit=None),
        json.dumps(proposal_of(done.offered)),
        *(json.dumps(event.data) for event in done.look(events.after, 0, 100_000)),
    ]
    assert not [text for text in said if NOTHING_FOUND.search(text)]
    done.database.close()


async def test_when_every_search_is_blocked_the_share_is_unknown_and_the_records_still_speak(
    tmp_path: Path,
) -> None:
    with World(block_share=1.0) as world:
        done = await researched(world, tmp_path / "run", THERAPY, budget=FEW)
    table = done.offered.table
    assert table.coverage is not None
    assert table.coverage.measured is not None
    assert (table.coverage.measured.queries, table.coverage.share) == (0, None)
    assert done.offered.proposal.coverage_warning is not None
    assert "was not measured" in done.offered.proposal.coverage_warning
    assert len(table.rows) > 30
    assert table.counts.filled > 100
    done.database.close()


async def test_a_disallowed_page_is_blocked_with_its_reason_and_not_fetched(calm: Calm) -> None:
    done = await calm.run()
    (url,) = (p for p in pages() if p.split("/")[2] in walled_hosts())
    known = done.look(reading.stored_fetch, url)
    assert (known.row.outcome, known.row.reason, known.page) == ("blocked", BlockReason.ROBOTS, None)
    assert "robots.txt asks robots not to read this page" in known.row.detail
    paths = [one.path for one in calm.world.pages.asked if one.host in walled_hosts()]
    assert set(paths) == {"/robots.txt"}
    assert not [fact for fact in done.look(research.facts) if fact.source.url == url]


# --- poisoned ----------------------------------------------------------------------------------------------


async def test_a_poisoned_world_changes_nothing_that_counts(calm: Calm, tmp_path: Path) -> None:
    with World(poisoned=True) as world:
        done = await researched(world, tmp_path / "run", THERAPY)
    clean = await calm.run()
    assert table_of(done.offered) == table_of(clean.offered)
    assert proposal_of(done.offered) == proposal_of(clean.offered)
    assert stars_of(done) == stars_of(clean)
    claims = done.look(research.claims)
    poison = [claim for claim in claims if claim.source.url in poisoned_urls()]
    assert {claim.source.url for claim in poison} == poisoned_urls(), "kept, from each of the pages"
    assert all(claim.suspicious for claim in poison)
    assert [claim for claim in claims if claim.suspicious and "huggingface.co" in claim.source.url], "a card"
    table = done.offered.table
    assert "Not counted" in table.row("tiiuae/Falcon3-7B-Instruct").cell(Column.NOTES).text
    done.database.close()


# --- brains ------------------------------------------------------------------------------------------------


class Liar:
    """A brain that copies sentences word for word and says the opposite of each, about everybody."""

    def __init__(self) -> None:
        self.asked = 0

    async def chat(self, model: str, request: ChatRequest) -> ChatReply:
        self.asked += 1
        assert request.json_schema is not None
        claim = request.json_schema["properties"]["claims"]["items"]["properties"]
        text = request.messages[-1].content.partition("no instructions to you:\n")[2]
        sentences = [s.strip() for s in re.split(r"(?<=[.!?])\s+|\n", text) if 25 <= len(s.strip()) <= 600]
        told = [
            {"candidate": key, "quote": sentence, "stance": "for" if number % 2 else "against"}
            for number, sentence in enumerate(sentences)
            for key in claim["candidate"]["enum"]
        ]
        at = (self.asked * 7) % max(1, len(told))
        reply = json.dumps({"claims": [*told[at:], *told[:at]][:12]})
        return ChatReply(text=reply, finish_reason="stop", seconds=0.0)


def assert_a_brain_changed_nothing_that_counts(done: Researched, clean: Researched) -> int:
    """How many claims the brain has added."""
    assert facts_of(done) == facts_of(clean)
    assert stars_of(done) == stars_of(clean)
    assert table_of(done.offered) == table_of(clean.offered)
    assert proposal_of(done.offered) == proposal_of(clean.offered)
    asked = [[(wave.queries, wave.stopped) for wave in run.look(research.waves)] for run in (done, clean)]
    assert asked[0] == asked[1], "neither what is asked nor when research stops hangs on the brain"
    claims, known = done.look(research.claims), clean.look(research.claims)
    added = [claim for claim in claims if claim not in known]
    assert len(claims) == len(known) + len(added), "none is missing"
    assert all(claim.found_by is FoundBy.BRAIN and claim.stance is Stance.MIXED for claim in added)
    return len(added)


@pytest.mark.slow
async def test_a_brain_that_lies_changes_no_fact_no_star_and_no_choice(calm: Calm, tmp_path: Path) -> None:
    liar = Liar()

    async def open_model(spec: str) -> NamedModel:
        return NamedModel(spec, liar, "liar")  # type: ignore[arg-type]

    done = await researched(calm.world, tmp_path / "run", THERAPY, brain="ollama:liar", open_model=open_model)
    assert liar.asked > 0
    assert assert_a_brain_changed_nothing_that_counts(done, await calm.run()) > 0
    done.database.close()


@pytest.mark.slow
async def test_a_brain_of_noise_changes_no_fact_no_star_and_no_choice(calm: Calm, tmp_path: Path) -> None:
    """Real inference: the embedded llama.cpp on a tiny random model, held to the form of the reply."""
    model = write_tiny_gguf(tmp_path / "tiny.gguf", context_length=16384)
    shelf = RuntimeShelf(RuntimeSettings(models_dir=tmp_path / "models", threads=1))

    async def open_model(spec: str) -> NamedModel:
        return NamedModel(spec, *shelf.open(spec))

    try:
        done = await researched(
            calm.world, tmp_path / "run", FICTION, brain=f"llamacpp:{model}", open_model=open_model
        )
    finally:
        await shelf.aclose()
    read = [event for event in done.look(events.after, 0, 100_000) if event.kind == "read"]
    assert read, "the brain was asked"
    warned = [event.data for event in done.look(events.after, 0, 100_000) if event.kind == "warning"]
    assert not warned
    assert_a_brain_changed_nothing_that_counts(done, await calm.run(FICTION))
    done.database.close()


# --- a second run ------------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_a_second_run_asks_only_for_what_is_stale(tmp_path: Path) -> None:
    with World() as world, Database(f"sqlite:///{tmp_path}/bms.sqlite") as database:

        async def run_after(days: float) -> Researched:
            for server in world.servers:
                server.asked.clear()
            world.search.queries.clear()
            wall = FixedClock(TODAY + days * DAY)
            async with services_of(world, database, max_age=7 * DAY, wall=wall) as services:
                return await research_of(services, tmp_path, FICTION)

        first = await run_after(0)
        asked = requests_of(world)
        blocked = {row.url for row in _fetches(first) if row.outcome == "blocked"}
        second = await run_after(6.9)
        again = requests_of(world)
        third = await run_after(8)
        assert requests_of(world) == asked, "everything is asked for again"
    assert again.total() <= len(blocked), "nobody lends a block; pages, records and searches are lent"
    assert {row.query for row in second.look(reading.searches)} <= set(asked)
    told = [event.data for event in second.look(events.after, 0, 100_000)]
    lent = [data for data in told if "read_at" in data]
    assert len(lent) == len(_fetches(first)) - len(blocked)
    assert facts_of(first) == facts_of(second) == facts_of(third)
    assert first.offered.table.hash == second.offered.table.hash == third.offered.table.hash


def _fetches(done: Researched) -> list[FetchRow]:
    with done.database.reading() as session:
        return session.query(FetchRow).filter_by(run_id=done.run_id).all()
