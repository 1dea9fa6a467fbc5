"""The Hub's listing and records, over real loopback HTTP."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.standins.fact_page import page as fact_page
from tests.standins.http_server import Answered, StandIn, as_json
from tests.standins.hub_server import HubServer
from tests.standins.world import RoutingBackend, World, hub_content
from tools.clock import FixedClock
from tools.hub import (
    HubModel,
    is_repo,
    list_models,
    next_page,
    parameter_range,
    read_card,
    read_config,
    read_discussions,
    read_model,
)
from tools.outcomes import Blocked, BlockReason, Empty, Failed, FailReason, Found
from tools.request import SizeRange
from tools.web.client import HttpWeb

CLOCK = FixedClock(datetime(2026, 6, 1, tzinfo=UTC))
SIZE = SizeRange(minimum=7_000_000_000, maximum=9_000_000_000)
SHA = "ab" * 32


def record(n: int, **more: object) -> dict[str, object]:
    return {"id": f"org/Model-{n}B", "tags": [], "safetensors": {"total": n * 10**9}, **more}


def web_for(server: StandIn, **more: str) -> HttpWeb:
    return HttpWeb(CLOCK, allow_hosts=frozenset({server.netloc}), hub_host=server.netloc, **more)


async def test_the_listing_follows_its_pages_and_filters_by_size():
    records = [record(n, pipeline_tag="text-generation") for n in range(1, 10)]
    with HubServer(records) as server:
        async with web_for(server) as web:
            whole = await list_models(web, endpoint=server.address, size=SIZE, limit=2, max_pages=9)
            part = await list_models(web, endpoint=server.address, size=SIZE, limit=2)
        assert "num_parameters" in server.asked[0].query
        assert "safetensors" in server.asked[0].query["expand"]
    assert [model.parameters for model in whole.models] == [7 * 10**9, 8 * 10**9, 9 * 10**9]
    assert (len({record.page.url for record in whole.records}), whole.truncated, whole.outcomes) == (
        2,
        False,
        (),
    )
    assert (len(part.models), part.truncated) == (2, True)


async def test_a_block_on_the_way_is_told_and_what_was_read_is_kept():
    def respond(asked):
        if "cursor" in asked.query:
            return Answered(b"", 429, headers={"RateLimit": '"api";r=0;t=55'})
        link = f'<{asked.base}/api/models?cursor=1>; rel="next"'
        return as_json([record(1), {"id": "../etc"}, "row"], Link=link)

    with StandIn(respond) as server:
        async with web_for(server) as web:
            listing = await list_models(web, endpoint=server.address, max_pages=5)
    assert (len(listing.models), listing.truncated, listing.skipped) == (1, True, 2)
    assert isinstance(listing.outcomes[0], Blocked)
    assert listing.outcomes[0].retry_after_seconds == 55


async def test_a_next_page_on_another_host_is_not_followed():
    link = '<https://evil.example/api/models?cursor=1>; rel="next"'
    with StandIn(lambda _: as_json([record(1)], Link=link)) as server:
        async with web_for(server) as web:
            listing = await list_models(web, endpoint=server.address, max_pages=5)
            assert next_page(listing.records[0].page, server.address) is None
    assert listing.truncated


@pytest.mark.parametrize("body", [b"{}", b"not json", b"[" * 100_000])
async def test_a_listing_that_is_none_is_a_failure(body):
    with StandIn(lambda _: Answered(body, content_type="application/json")) as server:
        async with web_for(server) as web:
            listing = await list_models(web, endpoint=server.address)
    assert isinstance(listing.outcomes[0], Failed)
    assert listing.outcomes[0].reason is FailReason.BAD_REPLY


async def test_one_record_with_its_files():
    file = {"rfilename": "a-Q4_K_M.gguf", "size": 5, "lfs": {"sha256": SHA, "size": 5}}
    with HubServer([record(8, siblings=[file, {"no": 1}], gated=False)]) as server:
        async with web_for(server) as web:
            outcome = await read_model(web, "org/Model-8B", endpoint=server.address)
    assert isinstance(outcome, Found)
    assert [(f.rfilename, f.size, f.sha256) for f in outcome.value.model.siblings] == [
        ("a-Q4_K_M.gguf", 5, SHA)
    ]


def thread(number: int, *, status: str = "open", pull: bool = False) -> dict[str, object]:
    repo = {"name": "org/Model-8B", "type": "model"}
    return {"num": number, "title": "t", "status": status, "isPullRequest": pull, "repo": repo}


async def test_open_discussions_are_counted_without_pull_requests():
    threads = [thread(n) for n in range(30)] + [thread(31, status="closed"), thread(32, pull=True)]
    with HubServer([record(8)], discussions={"org/Model-8B": threads}) as server:
        async with web_for(server) as web:
            found = await read_discussions(web, "org/Model-8B", endpoint=server.address)
            missing = await read_discussions(web, "org/None", endpoint=server.address)
            invalid = await read_discussions(web, "../x", endpoint=server.address)
    assert isinstance(found, Found)
    assert (found.value.repo, found.value.open) == ("org/Model-8B", 30)
    assert isinstance(missing, Empty)
    assert isinstance(invalid, Failed)


@pytest.mark.parametrize(
    "told",
    [
        [],
        {"count": "3", "discussions": []},
        {"count": 3},
        {"count": 1, "discussions": [thread(1, pull=True)]},
        {"count": 1, "discussions": [thread(1, status="closed")]},
        {"count": 1, "discussions": ["row"]},
    ],
)
async def test_a_reply_that_counts_something_else_is_a_failure(told):
    with StandIn(lambda _: as_json(told)) as server:
        async with web_for(server) as web:
            outcome = await read_discussions(web, "org/Model-8B", endpoint=server.address)
    assert isinstance(outcome, Failed)
    assert outcome.reason is FailReason.BAD_REPLY


async def test_a_record_is_asked_with_sizes_and_with_the_scanners_findings():
    status = {"scansDone": True, "filesWithIssues": [{"path": "a.gguf", "level": "unsafe"}]}
    with HubServer([record(8, securityRepoStatus=status)]) as server:
        async with web_for(server) as web:
            outcome = await read_model(web, "org/Model-8B", endpoint=server.address)
        asked = next(asked for asked in server.asked if asked.path.startswith("/api/models/"))
    assert (asked.query["blobs"], asked.query["securityStatus"]) == (["true"], ["true"])
    assert isinstance(outcome, Found)
    assert outcome.value.model.security == "unsafe: a.gguf"


async def test_no_more_than_a_thousand_rows_are_asked_for_a_page():
    with HubServer([record(8)]) as server:
        async with web_for(server) as web:
            await list_models(web, endpoint=server.address, limit=5000)
            await list_models(web, endpoint=server.address, limit=1000)
        limits = [asked.query["limit"] for asked in server.asked if asked.path == "/api/models"]
    assert limits == [["1000"], ["1000"]]


async def test_missing_gated_and_present_files():
    files = {"org/Model-8B": {"README.md": "---\nlicense: mit\n---\n", "config.json": "{}"}}
    with HubServer([record(8, gated="manual")], files) as server:
        async with web_for(server) as web:
            missing = await read_model(web, "org/None", endpoint=server.address)
            card = await read_card(web, "org/Model-8B", endpoint=server.address)
            gated = await read_config(web, "org/Model-8B", endpoint=server.address)
            invalid = await read_model(web, "org/../x", endpoint=server.address)
        async with web_for(server, hub_token="t") as web:
            opened = await read_config(web, "org/Model-8B", endpoint=server.address)
    assert isinstance(missing, Empty)
    assert isinstance(card, Found)
    assert card.value.text.startswith("---")
    assert isinstance(gated, Blocked)
    assert gated.reason is BlockReason.GATED
    assert isinstance(opened, Found)
    assert isinstance(invalid, Failed)


async def test_therapy_research_meets_the_whole_range():
    """Over public addresses, led to the stand-ins."""
    with World() as world:
        async with HttpWeb(CLOCK, network_backend=RoutingBackend(world)) as web:
            listing = await list_models(web, size=SIZE, limit=20, max_pages=10)
            by_word = await list_models(web, search="therapy", pipeline_tag=None)
    assert len(listing.models) >= 25
    assert len({record.page.url for record in listing.records}) >= 2
    assert not listing.truncated
    assert "Verdugie/Fable-Therapy-9B" in {model.id for model in by_word.models}
    assert {model.id for model in listing.models} >= {
        "Qwen/Qwen3-8B",
        "Qwen/Qwen3-8B-GGUF",
        "Qwen/Qwen3-8B-Base",
    }


def test_every_record_of_the_world_is_one_that_the_hub_could_send():
    records, files = hub_content()
    assert all(is_repo(HubModel.model_validate(record).id) for record in records)
    assert set(files) <= {record["id"] for record in records}


@pytest.mark.parametrize(
    ("name", "valid"),
    [
        ("Qwen/Qwen3-8B", True),
        ("01-ai/Yi-1.5-9B-Chat", True),
        ("a/b/c", False),
        ("a", False),
        ("a/../b", False),
        ("a/b--c", False),
        ("a/b\n", False),
        ("a/b?x=1", False),
        ("a/b%2e", False),
        ("a/.git", False),
    ],
)
def test_repository_names(name, valid):
    assert is_repo(name) is valid


def test_the_hubs_notation_of_a_range():
    assert parameter_range(SIZE) == "min:7B,max:9B"
    assert parameter_range(SizeRange(minimum=0, maximum=500_000_000)) == "max:500M"
    assert parameter_range(SizeRange(minimum=6_500_000_000, maximum=9_700_000_000)) == "min:6.5B,max:9.7B"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda c: st.lists(c, max_size=3),
    max_leaves=4,
)
FIELDS = ("tags", "siblings", "safetensors", "gguf", "cardData", "downloads", "gated", "author", "createdAt")


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(FIELDS), json_values))
def test_fields_of_wrong_types_count_as_absent(fields):
    fields.pop("gated", None)
    model = HubModel.model_validate({"id": "org/name", **fields})
    assert model.parameters is None
    assert isinstance(model.base_models, tuple)


def test_halves_of_characters_are_nobodys_licence():
    """JSON can spell them, and no file and no database can hold them."""
    written = '{"license": "mit \\ud83d", "name": "\\ud83d\\ude00", "count": 12345678901234567890}'
    told = fact_page(written).json_value()
    assert told == {"license": "mit ?", "name": "\U0001f600", "count": 12345678901234567890}
