"""A person who wants more, or somebody else considered: what was missed before is made up for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from graphs.desk import Desk
from graphs.ledger import BY_PERSON
from graphs.nodes.approve import keep
from graphs.nodes.research import _planned
from graphs.options import Budget
from graphs.prompts import Approval, ApprovalAction
from graphs.stored_web import StoredWeb
from graphs.study import Study, in_order
from graphs.tables import measured
from store import reading, research, runs
from tests.graphs.test_ledger import QWEN, record, terms
from tests.standins.http_server import Answered, Asked, StandIn, as_json
from tests.standins.records import NOW
from tools.candidates import Candidate, Standing
from tools.clock import FixedClock
from tools.outcomes import Blocked, BlockReason, Empty
from tools.waves import Wave
from tools.web.client import HttpWeb

COPY = Candidate(
    key="someone/Qwen3-8B-warm",
    name="Qwen3-8B-warm",
    family="someone",
    standing=Standing.REJECTED,
    reason="a fine-tune for something else",
    found_by="the Hub's text models",
    folded_into="Qwen/Qwen3-8B",
)


async def asked_before(desk: Desk) -> Wave:
    """A first wave of two queries, one of which nobody answered."""
    await desk.write(runs.set_request, terms().request, NOW)
    for query, outcome in (("open", Blocked(BlockReason.RATE_LIMIT)), ("closed", Empty())):
        await desk.write(reading.keep_search, "an engine", query, 1, outcome, [], NOW)
    wave = Wave(number=1, queries=("open", "closed"), census=True, truncated=("a listing: blocked",))
    await desk.write(research.keep_wave, wave)
    return wave


@pytest.mark.parametrize("again", [True, False])
async def test_who_asks_for_more_has_unanswered_queries_asked_again(
    desk_for: Callable[..., Desk], again: bool
) -> None:
    desk = desk_for()
    earlier = [await asked_before(desk)]
    wave = await _planned(desk, terms(), Wave(number=2), earlier, Budget(queries=10), again=again)
    assert ("open" in wave.queries) is again
    assert "closed" not in wave.queries


async def test_no_more_is_asked_again_than_the_budget_allows(desk_for: Callable[..., Desk]) -> None:
    desk = desk_for()
    earlier = [await asked_before(desk)]
    wave = await _planned(desk, terms(), Wave(number=2), earlier, Budget(queries=2), again=True)
    assert wave.queries == ()


@pytest.mark.parametrize(("census", "left"), [(True, ()), (False, ("a listing: blocked",))])
async def test_a_listing_that_was_read_in_the_end_is_not_called_broken_off(
    desk_for: Callable[..., Desk], census: bool, left: tuple[str, ...]
) -> None:
    desk = desk_for()
    await asked_before(desk)
    await desk.write(research.keep_wave, Wave(number=2, census=census))
    assert (await desk.look(measured)).truncated == left


async def test_whom_a_person_adds_is_meant_in_any_capitals_and_studied_first(
    desk_for: Callable[..., Desk],
) -> None:
    desk = desk_for()
    known = COPY.model_copy(update={"key": "Qwen/Qwen3-8B", "standing": Standing.ACCEPTED})
    await desk.write(research.keep_candidates, [COPY, known])
    edit = Approval(
        action=ApprovalAction.EDIT, table_hash="", add=(COPY.key.lower(), "new/one"), by="Ann", at=NOW
    )
    await desk.write(keep, edit, NOW)
    lines = {line.key: line for line in await desk.look(research.ledger)}
    assert set(lines) == {COPY.key, known.key, "new/one"}
    assert lines[COPY.key].folded_into is None
    assert {lines[COPY.key].standing, lines["new/one"].standing} == {Standing.ACCEPTED}
    assert {line.key for line in in_order(list(lines.values()), 2)} == {COPY.key, "new/one"}


async def test_a_candidate_that_the_hub_knows_by_another_name_is_that_one(
    desk_for: Callable[..., Desk],
) -> None:
    """Its facts would stand under a key that nobody has, and its row would be empty."""
    old = COPY.model_copy(
        update={
            "key": "Old/Qwen3-8B",
            "standing": Standing.ACCEPTED,
            "folded_into": None,
            "found_by": f"{BY_PERSON}Ann",
        }
    )

    def respond(asked: Asked) -> Answered:
        is_record = asked.path in {"/api/models/Old/Qwen3-8B", "/api/models/Qwen/Qwen3-8B"}
        return as_json(record("Qwen/Qwen3-8B", 8_190_735_360)) if is_record else Answered(b"", 404)

    with StandIn(respond) as hub:
        async with HttpWeb(FixedClock(NOW), allow_hosts=frozenset({hub.netloc})) as web:
            desk = desk_for(web=web, hub_endpoint=hub.address, registry_url=hub.address)
            await desk.write(research.keep_candidates, [old])
            await Study(desk, StoredWeb(desk, "research"), terms()).candidates([old])
            lines = {line.key: line for line in await desk.look(research.ledger)}
            facts = await desk.look(research.facts)
    assert (lines[old.key].standing, lines[old.key].folded_into) == (Standing.REJECTED, QWEN["id"])
    assert (lines[QWEN["id"]].standing, lines[QWEN["id"]].found_by) == (Standing.ACCEPTED, old.found_by)
    assert facts
    assert {fact.candidate for fact in facts} == {QWEN["id"]}
