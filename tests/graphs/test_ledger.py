"""Every repository that is seen gets its line in the ledger, with the reason for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from graphs.desk import Desk
from graphs.ledger import Terms, judged, repositories_in, seeds, take_named
from graphs.stored_web import StoredWeb
from store import research
from tests.standins.candidate_records import request
from tests.standins.http_server import Answered, Asked, StandIn, as_json
from tests.standins.hub_server import HubServer
from tests.standins.records import NOW
from tools.candidates import Candidate, Standing
from tools.clock import FixedClock
from tools.folding import fold
from tools.hub import HubModel
from tools.knowledge.loader import domains
from tools.web.client import HttpWeb

MAKERS = frozenset({"Qwen", "meta-llama"})
HERE = "a listing"


def terms(**wanted: Any) -> Terms:
    asked = request(**wanted)
    return Terms(asked, domains().named(asked.domain_key, asked.domain))


def record(repo: str, parameters: int | None = None, **more: Any) -> dict[str, Any]:
    total = {"safetensors": {"parameters": {"BF16": parameters}, "total": parameters}} if parameters else {}
    tags = more.pop("tags", ["text-generation", "conversational"])
    return {"id": repo, "pipeline_tag": "text-generation", "tags": tags, **total, **more}


def base(repo: str, how: str = "finetune") -> dict[str, Any]:
    return {"cardData": {"base_model": repo}, "tags": ["conversational", f"base_model:{how}:{repo}"]}


def line(
    repo: str, *others: dict[str, Any], parameters: int | None = 8_000_000_000, **more: Any
) -> Candidate:
    """The ledger's line for ``repo`` in a listing with ``others``, for therapy coaching in 7–9B."""
    wanted = more.pop("terms", terms())
    records = [record(repo, parameters, **more), *others]
    models = [HubModel.model_validate(one) for one in records]
    return judged(fold(models, MAKERS).entries[repo], models[0], wanted, HERE)


QWEN = record("Qwen/Qwen3-8B", 8_190_735_360)


def test_a_makers_model_of_the_size_is_accepted() -> None:
    found = line("Qwen/Qwen3-8B")
    assert (found.standing, found.key, found.name) == (Standing.ACCEPTED, "Qwen/Qwen3-8B", "Qwen3 8B")
    assert (found.family, found.found_by, found.folded_into) == ("qwen3", HERE, None)
    assert found.reason


def test_the_exact_count_decides_over_the_name() -> None:
    too_large = line("Qwen/Qwen9-8B-Chat", parameters=15_000_000_000)
    assert (too_large.standing, too_large.reason) == (Standing.REJECTED, "outside 7–9B")
    assert line("Qwen/Qwen9-Chat", parameters=None).standing is Standing.ACCEPTED, "unknown is not outside"


def test_a_copy_is_rejected_and_folded_into_its_original() -> None:
    copy = line("someone/Qwen3-8B-GGUF", QWEN, parameters=None, **base("Qwen/Qwen3-8B", "quantized"))
    assert (copy.standing, copy.folded_into) == (Standing.REJECTED, "Qwen/Qwen3-8B")
    assert "copy" in copy.reason


@pytest.mark.parametrize(
    ("repo", "more", "accepted"),
    [
        ("someone/Qwen3-8B-therapy-coach", {}, True),
        ("someone/Qwen3-8B-sql-writer", {}, False),
        ("someone/Qwen3-8B-warm", {"tags": ["conversational", "counseling"]}, True),
    ],
)
def test_a_fine_tune_is_accepted_when_its_name_or_tags_speak_of_the_domain(
    repo: str, more: dict[str, Any], accepted: bool
) -> None:
    made = base("Qwen/Qwen3-8B")
    tags = [*made["tags"], *more.get("tags", [])]
    found = line(repo, QWEN, cardData=made["cardData"], tags=tags)
    assert found.standing is (Standing.ACCEPTED if accepted else Standing.REJECTED)
    if accepted:
        assert found.reason.endswith("that speaks of therapy coaching")
    else:
        assert found.reason == "a fine-tune for something else than therapy coaching"


def test_a_tune_for_a_language_is_accepted_when_the_language_was_asked_for() -> None:
    made = base("meta-llama/Llama-3.1-8B-Instruct")
    llama = record("meta-llama/Llama-3.1-8B-Instruct", 8_030_261_248)
    repo = "someone/Llama-3.1-8B-German-Instruct"
    refused = line(repo, llama, **made)
    assert (refused.standing, refused.reason) == (
        Standing.REJECTED,
        "a tune for a language that was not asked for",
    )
    asked = line(repo, llama, terms=terms(languages=("de",)), **made)
    assert asked.standing is Standing.ACCEPTED


def test_seeds_are_members_near_the_size_and_the_domains_own() -> None:
    found = seeds(terms())
    keys = [seed.key for seed in found]
    assert {"Qwen/Qwen3-8B", "google/gemma-2-9b-it", "meta-llama/Llama-3.1-8B-Instruct"} <= set(keys)
    assert "Qwen/Qwen3-14B" not in keys
    assert all(seed.standing is Standing.ACCEPTED and seed.reason for seed in found)
    tuned = {seed.key for seed in found if seed.found_by == "domains.yaml"}
    assert tuned == set(domains().named("therapy-coaching", "").known_fine_tunes)


def test_repositories_are_read_out_of_links_to_the_hub_and_nothing_else() -> None:
    assert repositories_in(
        [
            "https://huggingface.co/Qwen/Qwen3-8B?library=transformers",
            "https://huggingface.co/Qwen/Qwen3-8B/tree/main",
            "https://huggingface.co/docs/transformers",
            "https://huggingface.co/datasets/some/set",
            "https://huggingface.co/Qwen",
            "https://elsewhere.example/Qwen/Qwen3-8B",
            "https://huggingface.co/someone/calm-8b",
        ]
    ) == ["Qwen/Qwen3-8B", "someone/calm-8b"]


async def _taken(
    desk_for: Callable[..., Desk], hub: StandIn, names: list[str], limit: int = 10
) -> tuple[list[str], dict[str, Candidate]]:
    async with HttpWeb(FixedClock(NOW), allow_hosts=frozenset({hub.netloc})) as web:
        desk = desk_for(web=web, hub_endpoint=hub.address)
        accepted = await take_named(desk, StoredWeb(desk, "research"), names, terms(), "a search hit", limit)
        return accepted, {line.key: line for line in await desk.look(research.ledger)}


async def test_a_named_repository_is_looked_up_with_what_it_was_made_from(
    desk_for: Callable[..., Desk],
) -> None:
    calm = record("someone/calm-therapy-8b", 8_000_000_000, **base("someone/calm-base-8b"))
    with HubServer(
        [calm, record("someone/calm-base-8b", 8_000_000_000, **base("Qwen/Qwen3-8B")), QWEN]
    ) as hub:
        accepted, lines = await _taken(desk_for, hub, ["someone/calm-therapy-8b", "no repository", "a/b/c"])
    assert accepted == ["someone/calm-therapy-8b", "Qwen/Qwen3-8B"]
    assert set(lines) == {"someone/calm-therapy-8b", "someone/calm-base-8b", "Qwen/Qwen3-8B"}
    assert lines["Qwen/Qwen3-8B"].found_by == "the original of a repository that was seen"
    assert lines["someone/calm-therapy-8b"].found_by == "a search hit"


async def test_no_more_records_are_read_than_the_limit_says(desk_for: Callable[..., Desk]) -> None:
    with HubServer([QWEN]) as hub:
        _, lines = await _taken(desk_for, hub, [f"someone/model-{n}" for n in range(9)], limit=3)
        assert len(hub.asked) == 3
    assert set(lines) == {"someone/model-0", "someone/model-1", "someone/model-2"}


async def test_a_repository_that_is_not_there_and_one_that_cannot_be_read_have_different_reasons(
    desk_for: Callable[..., Desk],
) -> None:
    def respond(asked: Asked) -> Answered:
        return Answered(b"", 404 if asked.path.endswith("/gone-8b") else 500)

    with StandIn(respond) as hub:
        accepted, lines = await _taken(desk_for, hub, ["someone/gone-8b", "someone/broken-8b"])
    assert accepted == []
    assert lines["someone/gone-8b"].reason == "the Hub has no such repository"
    assert lines["someone/broken-8b"].reason == "its record could not be read: server error"


async def test_a_repository_that_is_asked_for_by_another_name_keeps_its_line(
    desk_for: Callable[..., Desk],
) -> None:
    left_out = Candidate(
        key="Qwen/Qwen3-8B",
        name="Qwen3 8B",
        family="qwen3",
        standing=Standing.REJECTED,
        reason="left out by a person",
        found_by="families.yaml",
    )
    with StandIn(lambda _: as_json(QWEN)) as hub:  # the Hub leads other capitals and older names there
        async with HttpWeb(FixedClock(NOW), allow_hosts=frozenset({hub.netloc})) as web:
            desk = desk_for(web=web, hub_endpoint=hub.address)
            await desk.write(research.keep_candidates, [left_out])
            named = ["qwen/qwen3-8b"]
            assert await take_named(desk, StoredWeb(desk, "research"), named, terms(), "a hit", 10) == []
            assert await desk.look(research.ledger) == [left_out]
