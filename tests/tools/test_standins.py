"""The stand-ins themselves: a test that relies on them is only as good as they are."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import io
import json
import socket
import sys
import time
from functools import partial

import httpx
import pytest
from pypdf import PdfReader

from tests.standins import patience
from tests.standins.http_server import Answered, Manner, StandIn
from tests.standins.hub_server import HubServer, LargeFile, Quota
from tests.standins.pages_server import PagesServer
from tests.standins.patience import PATIENCE, until
from tests.standins.ports import Port
from tests.standins.search_server import Entry, SearchServer
from tests.standins.stored_facts import models, stored
from tests.standins.world import World
from tests.standins.world_hub import POISONED_CARD, hub_content, hub_large
from tests.standins.world_noise import noise
from tests.standins.world_pages import page_entries, pages, poisoned_urls, walled_hosts
from tools.hub import HubModel, is_repo
from tools.runtimes.gguf_header import read_gguf_header

get = partial(httpx.get, timeout=PATIENCE)
TOPICS = ("therapy-coaching", "coding", "mathematics", "creative-writing", "german-legal")
QUERIES = {
    "therapy-coaching": "best open weight 8B LLM for therapy coaching",
    "coding": "best open weight 4B LLM for coding",
    "mathematics": "open 14B models mathematics commercial licence",
    "creative-writing": "best open weight 12B LLM for creative writing",
    "german-legal": "best open weight 8B LLM for legal Q&A in German",
}


def records(count: int) -> list[dict[str, object]]:
    return [{"id": f"org/Model-{n}B", "tags": [], "safetensors": {"total": n * 10**9}} for n in range(count)]


# How a server treats its clients


def test_latency_is_waited_for_by_each_request_on_its_own():
    with StandIn(lambda _: Answered(b"x"), manner=Manner(latency_seconds=0.05)) as server:
        get(server.address)
        (logged,) = until(lambda: server.log)  # noted when the client has it already
    assert logged.ended - logged.began >= 0.05


def test_a_host_that_is_asked_too_fast_says_429_and_counts():
    manner = Manner(interval_seconds=60, burst=1, retry_after_seconds=7)
    with StandIn(lambda _: Answered(b"x"), manner=manner) as server:
        replies = [get(server.address) for _ in range(4)]
        other = get(server.address, headers={"Host": "other.example"})
    assert [reply.status_code for reply in replies] == [200, 200, 429, 429]
    assert replies[-1].headers["retry-after"] == "7"
    assert other.status_code == 200, "limits are per host"
    assert dict(server.violations) == {"127.0.0.1": 2}


async def test_more_requests_at_once_than_a_host_allows_are_refused():
    def answer(_: object) -> Answered:
        until(lambda: server.violations["127.0.0.1"] == 2)
        return Answered(b"x")

    with StandIn(answer, manner=Manner(at_once=1)) as server:
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            replies = await asyncio.gather(*(client.get(server.address) for _ in range(3)))
    assert sorted(reply.status_code for reply in replies) == [200, 429, 429]


def test_a_body_breaks_off_and_another_never_ends():
    huge = (b"x" * 65536 for _ in range(10**9))
    replies = {"/cut": Answered(b"y" * 1000, cut_after=10), "/huge": Answered(chunks=huge)}
    with StandIn(lambda asked: replies[asked.path]) as server:
        with pytest.raises(httpx.RemoteProtocolError):
            get(f"{server.address}/cut")
        read = 0
        with httpx.stream("GET", f"{server.address}/huge", timeout=PATIENCE) as response:
            for piece in response.iter_raw():
                read += len(piece)
                if read > 1_000_000:
                    break
    assert read > 1_000_000


# The Hub


def test_the_hub_gives_a_thousand_rows_at_most_and_cursors_that_say_nothing():
    with HubServer(records(1500)) as server:
        first = get(f"{server.address}/api/models", params={"limit": 5000})
        second = get(first.links["next"]["url"])
        forged = get(f"{server.address}/api/models", params={"cursor": "1000"})
    assert (len(first.json()), len(second.json())) == (1000, 500)
    assert not {row["id"] for row in first.json()} & {row["id"] for row in second.json()}
    assert "next" not in second.links
    assert forged.status_code == 400


def test_the_hub_sorts_by_downloads_and_leaves_the_unknown_in_front():
    rows = [{"id": "a/few", "downloads": 3}, {"id": "a/many", "downloads": 90}, {"id": "a/untold"}]
    with HubServer(rows) as server:
        found = get(f"{server.address}/api/models", params={"sort": "downloads"}).json()
        likes = get(f"{server.address}/api/models", params={"sort": "likes"}).json()
    assert [row["id"] for row in found] == ["a/untold", "a/many", "a/few"]
    assert len(likes) == 3


def test_the_hub_tells_its_limits_and_keeps_to_a_quota():
    with HubServer(records(2), quota=Quota(api=2)) as server:
        replies = [get(f"{server.address}/api/models") for _ in range(3)]
        file = get(f"{server.address}/org/Model-1B/raw/main/README.md")
    assert [reply.status_code for reply in replies] == [200, 200, 429]
    assert replies[2].headers["ratelimit"].startswith('"api";r=0;t=')
    assert replies[2].headers["ratelimit-policy"] == '"fixed window";"api";q=2;w=300'
    assert file.headers["ratelimit"].startswith('"resolvers";r=2999')


def test_a_large_file_comes_in_ranges_from_another_host():
    large = {"org/Model-1B": {"m.gguf": LargeFile(lambda: b"GGUF-head", 5_000_000_000)}}
    with HubServer(records(2), large=large, cdn="https://cdn.example") as server:
        told = get(f"{server.address}/org/Model-1B/resolve/main/m.gguf")
        place = told.headers["location"].replace("https://cdn.example", server.address)
        part = get(place, headers={"Range": "bytes=0-99"})
        end = get(place, headers={"Range": "bytes=4999999990-"})
        beyond = get(place, headers={"Range": "bytes=5000000000-"})
        with httpx.stream("GET", place, timeout=PATIENCE) as whole:
            start = next(whole.iter_raw(9))
    assert (told.status_code, told.headers["x-linked-size"]) == (302, "5000000000")
    assert (part.status_code, part.content) == (206, b"GGUF-head" + bytes(91))
    assert part.headers["content-range"] == "bytes 0-99/5000000000"
    assert (len(end.content), beyond.status_code, start) == (10, 416, b"GGUF-head")


def test_the_hubs_own_client_reads_discussions_and_the_security_status():
    from huggingface_hub import HfApi  # reads the environment when it is imported

    with World() as world:
        api = HfApi(endpoint=world.addresses.hub)
        open_ones = list(api.get_repo_discussions("Qwen/Qwen3-8B", discussion_status="open"))
        everything = list(api.get_repo_discussions("Qwen/Qwen3-8B"))
        unsafe = api.model_info("Willy030125/command-r7b-12-2024-gguf", securityStatus=True)
        clean = api.model_info("Qwen/Qwen3-8B", securityStatus=True)
        untold = api.model_info("Willy030125/command-r7b-12-2024-gguf")
    assert [thread.num for thread in open_ones] == [31, 30]
    assert [thread.is_pull_request for thread in everything] == [False, False, True]
    assert unsafe.security_repo_status is not None
    assert len(unsafe.security_repo_status["filesWithIssues"]) == 4
    assert clean.security_repo_status == {"scansDone": True, "filesWithIssues": []}
    assert untold.security_repo_status is None


def test_every_gguf_head_tells_its_models_shape():
    heads = [file for files in hub_large().values() for file in files.values()]
    assert len(heads) >= 40
    for file in heads:
        header = read_gguf_header(file.head())
        assert header.complete
        assert header.shape is not None
        assert header.least_file_bytes is not None
        assert header.least_file_bytes < file.size


# Search engines


@pytest.mark.parametrize(("engine", "name"), [("mojeek", "Mojeek"), ("brave", "Brave")])
def test_ddgs_reads_the_other_engines(engine, name):
    made = getattr(importlib.import_module(f"ddgs.engines.{engine}"), name)(timeout=5)
    entries = [Entry(f"https://a{n}.example/", f"Therapy {n}", f"coaching & {n}") for n in range(14)]
    with SearchServer(entries) as server:
        made.search_url = f"{server.address}/{engine}/search"
        first, second = made.search("therapy coaching"), made.search("therapy coaching", page=2)
    assert next((r.title, r.href, r.body) for r in first) == (
        "Therapy 0",
        "https://a0.example/",
        "coaching & 0",
    )
    assert (len(first), len(second)) == (10, 4)


def test_searxng_answers_in_json_alone():
    with SearchServer([Entry("https://a.example/", "Therapy", "coaching")]) as server:
        asked = {"q": "therapy coaching", "format": "json"}
        told = get(f"{server.address}/searxng/search", params=asked).json()
        refused = get(f"{server.address}/searxng/search", params={"q": "therapy coaching"})
    assert [result["url"] for result in told["results"]] == ["https://a.example/"]
    assert told["unresponsive_engines"] == []
    assert refused.status_code == 403


def test_blocked_queries_are_a_share_and_always_the_same():
    queries = [f"therapy coaching {n}" for n in range(200)]

    def blocked(seed: int) -> list[int]:
        with SearchServer(block_share=0.3, seed=seed) as server, httpx.Client(timeout=PATIENCE) as client:
            return [
                client.post(f"{server.address}/html/", data={"q": query}).status_code for query in queries
            ]

    first = blocked(1)
    assert blocked(1) == first != blocked(2)
    assert 40 <= first.count(202) <= 80
    with SearchServer(block_share=1.0) as server:
        silent = get(f"{server.address}/searxng/search", params={"q": "x y", "format": "json"}).json()
    assert (silent["results"], silent["unresponsive_engines"]) == (
        [],
        [["brave", "Suspended: too many requests"]],
    )


# The world


@pytest.mark.parametrize("topic", TOPICS)
def test_each_request_finds_its_pages(topic):
    own = {page["url"] for page in stored("pages.json")["pages"] if topic in page["for"]}
    assert len(own) >= 6
    found = [entry.url for entry in World().search.found(QUERIES[topic])[:20]]
    assert len(own & set(found)) >= 4, found


def test_pages_carry_tables_dates_languages_and_a_pdf():
    told = stored("pages.json")["pages"]
    assert {page["content_type"].split(";")[0] for page in told} == {
        "text/html",
        "text/markdown",
        "application/pdf",
    }
    assert {page.get("lang") for page in told} >= {"de", "en"}
    assert {page["kind"] for page in told} >= {"copy", "stale", "walled", "study", "benchmark", "forum"}
    served = pages()
    table = served["https://bench.example/small-coders"].body.decode()
    assert "<td>Qwen2.5-Coder-3B-Instruct</td><td>84.1</td>" in table
    study = served["https://papers.example/phi-4-mathematics.pdf"]
    text = PdfReader(io.BytesIO(study.body)).pages[0].extract_text()
    assert "phi-4 reaches 80.4 on MATH" in text
    sentence = "Mathstral-7B-v0.1 reaches 56.6 on MATH"
    assert sum(sentence in answer.body.decode("utf-8", "replace") for answer in served.values()) == 3


def test_every_host_has_a_robots_txt_and_one_wants_no_programs():
    with PagesServer(pages(), walled=walled_hosts()) as server:
        for url in pages():
            host = url.split("/")[2]
            said = get(f"{server.address}/robots.txt", headers={"Host": host}).text
            assert ("Disallow: /\n" in said) == (host in walled_hosts())
    assert walled_hosts() == {"walled.example"}


def test_a_poisoned_world_is_found_by_the_same_words_and_differs_in_its_texts_alone():
    honest, hostile = pages(), pages(poisoned=True)
    assert {url for url in honest if honest[url] != hostile[url]} == poisoned_urls()
    assert len(poisoned_urls()) >= 3
    assert {
        entry.url for entry in World(poisoned=True).search.found(QUERIES["therapy-coaching"])
    } >= poisoned_urls()
    for url in poisoned_urls():
        text = hostile[url].body.decode().lower()
        assert "falcon3" in text
        assert "falcon3" not in honest[url].body.decode().lower()
        assert "ignore" in text or "five stars" in text
    records_then, files_then = hub_content()
    records_now, files_now = hub_content(poisoned=True)
    assert records_then == records_now
    assert [repo for repo in files_then if files_then[repo] != files_now[repo]] == [POISONED_CARD]
    assert len(page_entries()) == len(stored("pages.json")["pages"])


def test_the_hub_has_every_model_and_its_surroundings():
    records_, files = hub_content()
    listed = {record["id"]: record for record in records_}
    assert {model["hf_repo"] for model in models()} <= set(listed)
    for record in records_:
        assert is_repo(HubModel.model_validate(record).id)
    assert any(record["pipeline_tag"] == "image-text-to-text" for record in records_)
    for more in stored("repositories.json")["repositories"]:
        assert more["source"]
        bases = HubModel.model_validate(listed[more["repo"]]).base_models
        assert list(bases) == ([more["base"]] if isinstance(more.get("base"), str) else more.get("base", []))
        assert files[more["repo"]]["README.md"].startswith("---\n")
    chain = ["stand-in/calm-hermes-8b-GGUF"]
    while bases := HubModel.model_validate(listed[chain[-1]]).base_models:
        chain.append(bases[0])
    assert chain[-1] == "meta-llama/Llama-3.1-8B"
    assert len(chain) == 4


def test_noise_is_what_the_hub_would_send():
    rows = noise(2500, 0)
    assert rows == noise(2500, 0)
    assert "_truth" not in json.dumps(rows)
    counted = [row for row in rows if HubModel.model_validate(row).parameters]
    assert len(counted) > len(rows) / 2
    with World(noise=300) as world:
        answer = get(f"{world.addresses.hub}/api/models").json()
    ids = [row["id"] for row in answer]
    assert len(ids) == len(set(ids)) > len(hub_content()[0])


def test_a_stopped_server_can_be_started_again():
    server = StandIn(lambda _: Answered(b"x"), manner=Manner(latency_seconds=0.02))
    for _ in range(2):
        with server:
            began = time.monotonic()
            assert get(server.address).text == "x"
            assert time.monotonic() - began >= 0.02


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a port is only free a moment ago")
def test_a_reserved_port_is_for_whoever_is_told_of_it_again_and_again():
    with Port() as port:
        for _ in range(2):
            with socket.create_server(("127.0.0.1", port.number)) as listener:
                assert listener.getsockname()[1] == port.number
        with contextlib.ExitStack() as stack:
            for _ in range(200):
                other = stack.enter_context(socket.socket())
                other.bind(("127.0.0.1", 0))
                assert other.getsockname()[1] != port.number
        with pytest.raises(OSError), socket.socket() as unasked:  # noqa: PT011 - in use
            unasked.bind(("127.0.0.1", port.number))


def test_what_is_waited_for_is_given_back_and_what_never_comes_is_told(monkeypatch):
    looks = iter(["", "", "here"])
    assert until(lambda: next(looks)) == "here"
    monkeypatch.setattr(patience, "PATIENCE", 0.05)
    with pytest.raises(AssertionError, match="nobody came"):
        until(lambda: False, lambda: "nobody came")
