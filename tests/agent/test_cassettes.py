"""Recordings: honest when made, strict when played. Made from real servers on loopback, played without."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vcr.request import Request

from agent.cassettes import StoryCassette, played, recorded, request_key
from tests.standins.http_server import Answered, Asked, StandIn, as_json
from tests.standins.hub_server import HubServer
from tests.standins.patience import PATIENCE
from tests.standins.search_server import Entry, SearchServer
from tools.faults import WrongUse
from tools.outcomes import Empty, Found
from tools.search.base import NotRecordedError
from tools.search.duckduckgo import DuckDuckGo

TOKEN = "hf_aVerySecretTokenOfThisMachine"
KEY = "sk-another/secret+key=="


@contextmanager
def replaying(path: Path, server: StandIn, journal: Path | None = None) -> Iterator[StoryCassette]:
    """Play the recording with its server stopped."""
    asked = len(server.asked)
    server.stop()
    with played(path, journal=journal) as cassette:
        yield cassette
    assert len(server.asked) == asked, "the replay reached the server"


def counting() -> StandIn:
    """Answers each request with its number: the same request is answered otherwise each time."""
    numbers = iter(range(1, 100))
    return StandIn(lambda _: Answered(f"answer {next(numbers)}".encode()))


def get(url: str, **given: Any) -> str:
    with httpx.Client(trust_env=False, timeout=PATIENCE) as client:
        return client.get(url, **given).text


def post(url: str, value: Any) -> str:
    with httpx.Client(trust_env=False, timeout=PATIENCE) as client:
        return client.post(url, json=value).text


# --- every client that the journey uses --------------------------------------------------------------------


async def test_httpx_is_recorded_and_replayed(tmp_path: Path):
    path = tmp_path / "http.yaml"

    async def ask(base: str) -> list[tuple[int, bytes, str]]:
        async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
            replies = [
                await client.get(f"{base}/text"),
                await client.post(f"{base}/json", json={"a": [1, None, "Ü ⭐"]}),
                await client.get(f"{base}/missing"),
                await client.head(f"{base}/text"),
            ]
        with httpx.Client(trust_env=False, timeout=PATIENCE) as client:
            replies.append(client.get(f"{base}/text?x=1"))
        return [(reply.status_code, reply.content, reply.headers.get("etag", "")) for reply in replies]

    def respond(asked: Asked) -> Answered:
        if asked.path == "/missing":
            return as_json({"error": "none"}, status=404)
        return Answered(asked.body or b"t\xc3\xa9xt \xff\x00", headers={"ETag": '"1"'})

    with StandIn(respond) as server:
        with recorded(path):
            live = await ask(server.address)
        address = server.address
        with replaying(path, server) as cassette:
            assert await ask(address) == live
    assert cassette.unused() == []
    assert cassette.misses == []
    assert live[2][0] == 404


async def test_duckduckgo_through_ddgs_is_recorded_and_replayed(tmp_path: Path):
    path = tmp_path / "http.yaml"

    async def no_wait(_: float) -> None:
        return

    entries = [
        Entry(f"https://e{n}.example/", f"Therapy Ünit {n}", f"therapy coaching {n}") for n in range(12)
    ]
    with SearchServer(entries) as server:
        url = f"{server.address}/html/"
        with recorded(path):
            duck = DuckDuckGo(url=url, sleep=no_wait)
            live = [await duck.search("therapy coaching"), await duck.search("therapy coaching", page=2)]
            nothing = await duck.search("nothing whatsoever")
        with replaying(path, server) as cassette:
            duck = DuckDuckGo(url=url, sleep=no_wait)
            again = [await duck.search("therapy coaching"), await duck.search("therapy coaching", page=2)]
            assert again == live
            assert await duck.search("nothing whatsoever") == nothing
            assert cassette.unused() == []
            with pytest.raises(NotRecordedError, match="unheard of"):
                await duck.search("unheard of")
            assert cassette.misses == [f"POST {url}"]
    assert isinstance(live[0], Found)
    assert isinstance(live[1], Found)
    assert live[0] != live[1]
    assert isinstance(nothing, Empty)


def test_a_block_of_duckduckgo_is_replayed_as_a_block(tmp_path: Path):
    from ddgs.http_client import HttpClient

    path = tmp_path / "http.yaml"

    def ask(url: str) -> tuple[int, str | None]:
        reply = HttpClient().request("POST", url, data={"q": "x"})
        return reply.status_code, reply._resp.headers.get("retry-after")

    with SearchServer(statuses=[429]) as server:
        url = server.address
        with recorded(path):
            live = ask(url)
        with replaying(path, server):
            assert ask(url) == live == (429, "30")


def test_primp_asks_for_itself_again_after_the_cassette(tmp_path: Path):
    import primp

    real = primp.Client
    with counting() as server, recorded(tmp_path / "http.yaml"):
        assert primp.Client is not real
        assert primp.Client().request("GET", server.address, params={"a": "1"}).text == "answer 1"
    assert primp.Client is real


def test_the_hub_library_is_recorded_and_replayed(tmp_path: Path):
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RepositoryNotFoundError

    path = tmp_path / "http.yaml"
    record = {
        "id": "Qwen/Qwen3-8B",
        "modelId": "Qwen/Qwen3-8B",
        "tags": ["license:apache-2.0"],
        "siblings": [],
        "downloads": 5,
        "safetensors": {"parameters": {"BF16": 8_190_735_360}, "total": 8_190_735_360},
    }
    with HubServer([record]) as server:
        api = HfApi(endpoint=server.address, token=False)
        with recorded(path):
            live = api.model_info("Qwen/Qwen3-8B")
            with pytest.raises(RepositoryNotFoundError):
                api.model_info("nobody/none")
        with replaying(path, server) as cassette:
            assert api.model_info("Qwen/Qwen3-8B") == live
            with pytest.raises(RepositoryNotFoundError):
                api.model_info("nobody/none")
            assert cassette.unused() == []
            with pytest.raises(NotRecordedError):
                api.model_info("Qwen/Qwen3-4B")
    assert live.safetensors is not None
    assert live.safetensors.total == 8_190_735_360


async def test_the_ollama_client_is_recorded_and_replayed(tmp_path: Path):
    import ollama

    path = tmp_path / "http.yaml"

    def respond(asked: Asked) -> Answered:
        body = json.loads(asked.body)
        said = [
            {"message": {"role": "assistant", "content": word}, "done": False} for word in ("Guten ", "Tag")
        ]
        last = {"message": {"role": "assistant", "content": "."}, "done": True, "done_reason": "stop"}
        if not body["stream"]:
            return as_json({**last, "message": {"role": "assistant", "content": "Hello!"}})
        lines = "".join(json.dumps({"model": "m", **line}) + "\n" for line in [*said, last])
        return Answered(lines.encode(), content_type="application/x-ndjson")

    async def ask(host: str) -> list[str]:
        messages = [{"role": "user", "content": "Hello, testing."}]
        options = {"temperature": 0.7, "num_ctx": 4096}
        client = ollama.AsyncClient(host=host, trust_env=False)
        whole = await client.chat("m", messages, options=options)
        parts = [part async for part in await client.chat("m", messages, stream=True, options=options)]
        sync = ollama.Client(host=host, trust_env=False).chat("m", messages)
        return [str(whole.message.content), *(str(part.message.content) for part in parts), str(sync)]

    with StandIn(respond) as server:
        host = server.address
        with recorded(path):
            live = await ask(host)
        with replaying(path, server) as cassette:
            assert await ask(host) == live
            assert cassette.unused() == []
            with pytest.raises(NotRecordedError):
                await ollama.AsyncClient(host=host, trust_env=False).chat(
                    "m", [{"role": "user", "content": "?"}]
                )
    assert live[:4] == ["Hello!", "Guten ", "Tag", "."]


def test_redirects_are_replayed_hop_by_hop(tmp_path: Path):
    path = tmp_path / "http.yaml"

    def respond(asked: Asked) -> Answered:
        return Answered(b"", 307, headers={"Location": "/blob"}) if asked.path == "/" else Answered(b"blob")

    with StandIn(respond) as server:
        address = server.address
        with recorded(path):
            assert get(address, follow_redirects=True) == "blob"
        with replaying(path, server) as cassette:
            assert get(address, follow_redirects=True) == "blob"
    assert len(cassette.data) == 2


# --- what makes two requests the same ----------------------------------------------------------------------


def key(method: str = "GET", uri: str = "https://h/p", body: str | bytes | None = None) -> str:
    return request_key(Request(method, uri, body, {}))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"uri": "https://h/p?b=2&a=1"}, {"uri": "https://h/p?a=1&b=2"}),
        ({"uri": "https://h/p?a=x%20y"}, {"uri": "https://h/p?a=x+y"}),
        ({"body": '{"a": 1, "b": [1, 2]}'}, {"body": b'{"b":[1,2],"a":1}'}),
        ({"body": None}, {"body": b""}),
        ({"uri": "https://h"}, {"uri": "https://h/"}),
    ],
)
def test_requests_that_mean_the_same_are_the_same(one: dict[str, Any], other: dict[str, Any]):
    assert key(**one) == key(**other)


@pytest.mark.parametrize(
    "other",
    [
        {"method": "HEAD"},
        {"uri": "http://h/p"},
        {"uri": "https://h:444/p"},
        {"uri": "https://h/q"},
        {"uri": "https://h/p?a="},
        {"body": "x"},
        {"body": "{}"},
    ],
)
def test_requests_that_differ_are_different(other: dict[str, Any]):
    assert key(**other) != key()


def test_lists_in_a_body_have_an_order():
    assert key(body='{"messages": [1, 2]}') != key(body='{"messages": [2, 1]}')


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def reordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: reordered(value[name]) for name in reversed(value)}
    return [reordered(item) for item in value] if isinstance(value, list) else value


@given(json_values, json_values)
def test_bodies_are_compared_by_what_they_mean(one: Any, other: Any):
    assert key(body=json.dumps(one)) == key(body=json.dumps(reordered(one), indent=1))
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (key(body=json.dumps(one)) == key(body=json.dumps(other))) is same


def test_the_order_of_keys_and_query_does_not_matter_in_a_replay(tmp_path: Path):
    path = tmp_path / "http.yaml"
    with counting() as server:
        address = server.address
        with recorded(path):
            live = [get(f"{address}/p?b=2&a=1"), post(address, {"model": "m", "options": {"x": 1, "y": 2}})]
        with replaying(path, server):
            again = [get(f"{address}/p?a=1&b=2"), post(address, {"options": {"y": 2, "x": 1}, "model": "m"})]
    assert again == live


# --- strict replay -----------------------------------------------------------------------------------------


def test_the_same_request_plays_its_recordings_in_order_and_then_the_last_again(tmp_path: Path):
    path = tmp_path / "http.yaml"
    with counting() as server:
        a, b = f"{server.address}/a", f"{server.address}/b"
        with recorded(path):
            assert [get(a), get(b), get(a), get(a)] == ["answer 1", "answer 2", "answer 3", "answer 4"]
        with replaying(path, server):
            assert [get(a) for _ in range(5)] == ["answer 1", "answer 3", "answer 4", "answer 4", "answer 4"]
            assert [get(b), get(b)] == ["answer 2", "answer 2"]


def test_a_journal_lets_the_next_process_go_on_in_the_story(tmp_path: Path):
    path, journal = tmp_path / "http.yaml", tmp_path / "run.played"
    with counting() as server:
        a, b = f"{server.address}/a", f"{server.address}/b"
        with recorded(path):
            for url in (a, a, b, a):
                get(url)
        with replaying(path, server, journal):
            assert get(a) == "answer 1"
        with played(path, journal=journal) as cassette:
            assert get(a) == "answer 2"
            assert cassette.unused() == [f"GET {b}", f"GET {a}"]
        with played(path, journal=journal) as cassette:
            assert [get(a), get(a), get(b)] == ["answer 4", "answer 4", "answer 3"]
            assert cassette.unused() == []
        with played(path) as cassette:
            assert get(a) == "answer 1", "another run starts from the beginning"
    assert journal.read_text().split() == ["0", "1", "3", "3", "2"]


def test_a_journal_of_a_longer_recording_or_with_rubbish_does_no_harm(tmp_path: Path):
    path, journal = tmp_path / "http.yaml", tmp_path / "run.played"
    journal.write_text("7\nrubbish\n0\n")
    with counting() as server:
        url = server.address
        with recorded(path):
            get(url)
            get(url)
        with replaying(path, server, journal):
            assert get(url) == "answer 2"


def ask_by_httpx(url: str) -> None:
    get(url)


def ask_by_ddgs(url: str) -> None:
    from ddgs.http_client import HttpClient

    HttpClient().request("GET", url)


@pytest.mark.parametrize("ask", [ask_by_httpx, ask_by_ddgs])
@pytest.mark.parametrize("asked", ["/never", "/a?x=2", "/a"])
def test_a_request_without_a_recording_fails_and_is_named(
    tmp_path: Path, ask: Callable[[str], None], asked: str
):
    """``/a`` was asked with another body: by vcrpy's own matchers it is there and "has been played back"."""
    path = tmp_path / "http.yaml"
    with counting() as server:
        address = server.address
        with recorded(path), httpx.Client(trust_env=False, timeout=PATIENCE) as client:
            client.request("GET", f"{address}/a", content="a body")
        with (
            replaying(path, server) as cassette,
            pytest.raises(Exception, match="not in the recording") as caught,
        ):
            ask(f"{address}{asked}")
    words = f"{caught.value} {caught.value.__cause__}"
    assert f"GET {address}{asked}" in words
    assert "played back" not in words
    assert cassette.misses == [f"GET {address}{asked}"]
    assert len(cassette.unused()) == 1


@pytest.mark.parametrize(
    "content", [None, "", "just words", "interactions: 3", "- a\n- b", "{", "\0", "version: 1"]
)
def test_a_recording_that_cannot_be_read_is_named(tmp_path: Path, content: str | None):
    path = tmp_path / "http.yaml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(WrongUse, match=r"http\.yaml"), played(path):
        pytest.fail("it was opened")


# --- honest recording --------------------------------------------------------------------------------------


def test_no_secret_reaches_the_file(tmp_path: Path):
    path = tmp_path / "http.yaml"

    def respond(asked: Asked) -> Answered:
        headers = {
            "Set-Cookie": "session=cookie-of-this-person",
            "Link": f"<https://hub/next?token={TOKEN}>",
            "X-Amz-Request": "request-of-this-person",
        }
        return as_json({"you sent": asked.headers, "body": asked.body.decode()}, **headers)

    with StandIn(respond) as server:
        with recorded(path, secrets=(TOKEN, KEY)), httpx.Client(trust_env=False, timeout=PATIENCE) as client:
            live = client.post(
                f"{server.address}/?token={TOKEN}",
                params={"key": KEY},
                headers={
                    "Authorization": f"Bearer {TOKEN}",
                    "Cookie": "session=cookie-of-this-person",
                    "X-Api-Key": "key-of-this-person",
                    "User-Agent": "agent-of-this-person",
                },
                json={"token": TOKEN, "key": KEY},
            )
        assert TOKEN in live.text, "the run itself got the real reply"
    text = path.read_text()
    interaction = text.replace("\\\n", "").replace("\n", "")
    for secret in (TOKEN, KEY, "sk-another", "secret+key"):
        assert secret not in interaction
    assert "Set-Cookie" not in text
    request = text.partition("response:")[0]
    for header in ("uthorization", "ookie", "this-person"):
        assert header not in request
    assert "request-of-this-person" not in text
    assert "REDACTED" in text


def test_a_short_word_is_no_secret(tmp_path: Path):
    """Ollama's own users are told to use the key "ollama"; the hosts of a recording must keep their names."""
    path = tmp_path / "http.yaml"
    with counting() as server:
        url = f"{server.address}/registry.ollama.ai"
        with recorded(path, secrets=("ollama", "")):
            get(url, headers={"Authorization": "Bearer ollama"})
        with replaying(path, server):
            assert get(url) == "answer 1"
    assert "REDACTED" not in path.read_text()
    assert "Bearer" not in path.read_text()


def test_a_recording_is_made_anew(tmp_path: Path):
    path = tmp_path / "http.yaml"
    with counting() as server:
        a, b = f"{server.address}/a", f"{server.address}/b"
        with recorded(path):
            get(a)
            get(b)
        with recorded(path) as cassette:
            assert get(a) == "answer 3", "a recording asks the network"
            assert cassette.misses == []
        with replaying(path, server) as cassette:
            assert get(a) == "answer 3"
            with pytest.raises(NotRecordedError):
                get(b)


def test_a_service_elsewhere_is_written_under_the_address_that_a_replay_asks(tmp_path: Path):
    path = tmp_path / "http.yaml"
    with counting() as server:
        here, public = server.address, "http://127.0.0.1:11434"
        shorter = here[:-1]  # the beginning of another server's address, as :1143 is of :11434
        with recorded(path, renamed={here: public, shorter: "http://never.example"}) as cassette:
            assert get(f"{here}/api/tags?x=1") == "answer 1"
            assert get(here) == "answer 2"
        assert [request.uri for request, _ in cassette.data] == [f"{public}/api/tags?x=1", public]
        with replaying(path, server):
            assert get(f"{public}/api/tags?x=1") == "answer 1"
            with pytest.raises(NotRecordedError):
                get(here)


def test_the_beginning_of_an_address_is_a_whole_host(tmp_path: Path):
    with counting() as server:
        address = server.address
        with recorded(tmp_path / "http.yaml", renamed={address[:-1]: "http://never.example"}) as cassette:
            get(address)
    assert [request.uri for request, _ in cassette.data] == [address]


def test_what_was_recorded_before_a_failure_is_kept(tmp_path: Path):
    path = tmp_path / "http.yaml"
    with counting() as server:
        url = server.address
        with ExitStack() as stack:
            stack.enter_context(pytest.raises(ZeroDivisionError))
            stack.enter_context(recorded(path))
            get(url)
            raise ZeroDivisionError
        with replaying(path, server):
            assert get(url) == "answer 1"


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "br", "x-unknown"])
def test_compressed_replies_are_replayed_as_they_were_understood(tmp_path: Path, encoding: str):
    path = tmp_path / "http.yaml"
    body = gzip.compress(b"a page") if encoding.lower() == "gzip" else b"\x0b\x02\x80a page\x03"
    with StandIn(lambda _: Answered(body, headers={"Content-Encoding": encoding})) as server:
        url = server.address
        with recorded(path):
            live = httpx.get(url, trust_env=False, timeout=PATIENCE)
        with replaying(path, server):
            again = httpx.get(url, trust_env=False, timeout=PATIENCE)
    assert again.content == live.content
    if encoding == "gzip":
        assert live.text == "a page"
        assert "a page" in path.read_text(), "a person can read the recording"


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=40).map(lambda text: text.encode("utf-8", "replace")))
def test_every_body_survives_the_file(tmp_path_factory: pytest.TempPathFactory, body: bytes):
    path = tmp_path_factory.mktemp("story") / "http.yaml"
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=body))
    with httpx.Client(transport=transport) as client:
        with recorded(path):
            client.post("http://127.0.0.1/", content=body)
        with played(path) as cassette:
            assert client.post("http://127.0.0.1/", content=body).content == body
            assert cassette.unused() == []
