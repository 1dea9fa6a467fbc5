"""Every way a fetch can end, over real loopback HTTP."""

from __future__ import annotations

import gzip
import threading
import zlib
from datetime import UTC, datetime

import httpx
import pytest
import vcr
from hypothesis import given
from hypothesis import strategies as st
from vcr.errors import CannotOverwriteExistingCassetteException

from tests.standins.http_server import Answered, Asked, StandIn
from tools.clock import FixedClock
from tools.facts import content_hash
from tools.outcomes import Blocked, BlockReason, Empty, Failed, FailReason, Found
from tools.web.client import HttpWeb
from tools.web.guard import GuardedBackend, is_public
from tools.web.replies import retry_after

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
CLOCK = FixedClock(NOW)


def answering(**paths: Answered) -> StandIn:
    return StandIn(lambda asked: paths.get(asked.path.strip("/"), Answered(b"no", 404)))


def web_for(*servers: StandIn, **more: object) -> HttpWeb:
    return HttpWeb(CLOCK, allow_hosts=frozenset(s.netloc for s in servers), **more)  # type: ignore[arg-type]


async def fetch(answer: Answered, **more: object):
    max_bytes = int(str(more.pop("max_bytes", 100_000)))
    with answering(x=answer) as server:
        async with web_for(server, **more) as web:
            return await web.get(f"{server.address}/x", max_bytes=max_bytes)


async def test_a_page_is_found_with_its_hashes_and_instant():
    outcome = await fetch(Answered("Grüße".encode("latin-1"), content_type="text/plain; charset=iso-8859-1"))
    assert isinstance(outcome, Found)
    page = outcome.value
    assert page.text == "Grüße"
    assert page.content_hash == content_hash("Grüße")
    assert page.body_bytes == 5
    assert page.body_sha256 != page.content_hash
    assert page.retrieved_at == NOW


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answered(b"", 404), Empty),
        (Answered(b"", 200), Empty),
        (Answered(b"gone", 410), Empty),
        (Answered(b"", 401, headers={"X-Error-Code": "RepoNotFound"}), Empty),
        (Answered(b"", 401, headers={"X-Error-Code": "GatedRepo"}), BlockReason.GATED),
        (Answered(b"", 401), BlockReason.FORBIDDEN),
        (Answered(b"", 403), BlockReason.FORBIDDEN),
        (Answered(b"", 403, headers={"cf-mitigated": "challenge"}), BlockReason.CHALLENGE),
        (Answered(b"", 429), BlockReason.RATE_LIMIT),
        (Answered(b"", 503, headers={"Retry-After": "3"}), BlockReason.RATE_LIMIT),
        (Answered(b"", 503), FailReason.SERVER_ERROR),
        (Answered(b"", 500), FailReason.SERVER_ERROR),
        (Answered(b"", 418), FailReason.BAD_REPLY),
        (Answered(b"%PDF", content_type="application/pdf"), FailReason.BAD_REPLY),
        (Answered(b"\xff\xfe\x00\x81", content_type="image/png"), FailReason.UNSUPPORTED),
        (Answered(b"\x00\x81\xff", content_type="application/octet-stream"), FailReason.UNSUPPORTED),
        (Answered(b"x", headers={"Content-Encoding": "gzip"}), FailReason.BAD_REPLY),
        (Answered(gzip.compress(b"x" * 99)[:-9], headers={"Content-Encoding": "gzip"}), FailReason.BAD_REPLY),
        (Answered(b"x", headers={"Content-Encoding": "br"}), FailReason.BAD_REPLY),
        (Answered(b"x" * 100_001), FailReason.TOO_LARGE),
        (Answered(gzip.compress(b"x" * 100_001), headers={"Content-Encoding": "gzip"}), FailReason.TOO_LARGE),
        (Answered(b"", 302, headers={"Location": "/x"}), FailReason.BAD_REPLY),
        (Answered(b"", 302, headers={"Location": "file:///etc/passwd"}), FailReason.UNSUPPORTED),
    ],
)
async def test_what_a_reply_means(answer, expected):
    outcome = await fetch(answer)
    if expected is Empty:
        assert isinstance(outcome, Empty)
    else:
        assert isinstance(outcome, Blocked if isinstance(expected, BlockReason) else Failed)
        assert outcome.reason is expected


@pytest.mark.parametrize(
    "packed",
    [gzip.compress(b"hi there"), zlib.compress(b"hi there"), None],
    ids=["gzip", "zlib", "raw deflate"],
)
async def test_compressed_bodies(packed):
    raw = zlib.compressobj(wbits=-15)
    body = packed or raw.compress(b"hi there") + raw.flush()
    name = "gzip" if body[:2] == b"\x1f\x8b" else "deflate"
    outcome = await fetch(Answered(body, headers={"Content-Encoding": name}))
    assert isinstance(outcome, Found)
    assert outcome.value.text == "hi there"


async def test_a_server_that_does_not_answer_in_time_is_a_timeout():
    event = threading.Event()
    outcome = await fetch(Answered(b"late", wait=event), timeout_seconds=0.2)
    event.set()
    assert isinstance(outcome, Failed)
    assert outcome.reason is FailReason.TIMEOUT


async def test_a_closed_port_is_unreachable():
    server = StandIn(lambda _: Answered()).start()
    address, netloc = server.address, server.netloc
    server.stop()
    async with HttpWeb(CLOCK, allow_hosts=frozenset({netloc})) as web:
        outcome = await web.get(address)
    assert isinstance(outcome, Failed)
    assert outcome.reason is FailReason.UNREACHABLE


@pytest.mark.parametrize(
    "url", ["ftp://a.example/", "http://", "https://user:pw@a.example/", "http://[::1", "x" * 5000]
)
async def test_addresses_that_are_not_asked(url):
    async with HttpWeb(CLOCK) as web:
        outcome = await web.get(url)
    assert isinstance(outcome, Failed)
    assert outcome.reason is FailReason.UNSUPPORTED


async def test_loopback_is_refused_unless_allowed():
    with answering(x=Answered(b"secret")) as server:
        async with HttpWeb(CLOCK) as web:
            outcome = await web.get(f"{server.address}/x")
            by_name = await web.get(f"http://localhost:{server.port}/x")
            in_disguise = await web.get(f"http://0x7f.1:{server.port}/x")
        assert server.asked == []
    for refused in (outcome, by_name, in_disguise):
        assert isinstance(refused, Failed)
        assert refused.reason is FailReason.REFUSED_ADDRESS


async def test_a_redirect_to_a_private_address_is_refused():
    with answering(x=Answered(b"secret")) as private:
        hop = Answered(b"", 302, headers={"Location": f"{private.address}/x"})
        with answering(x=hop) as public:
            async with web_for(public) as web:
                outcome = await web.get(f"{public.address}/x")
        assert private.asked == []
    assert isinstance(outcome, Failed)
    assert outcome.reason is FailReason.REFUSED_ADDRESS


async def test_a_name_that_changes_between_check_and_connection_gains_nothing():
    answers = iter([["127.0.0.1", "93.184.216.34"], ["127.0.0.1"]])

    async def resolver(host: str, port: int) -> list[str]:
        return next(answers)

    with answering(x=Answered(b"secret")) as server:
        async with HttpWeb(CLOCK, network_backend=GuardedBackend(resolver=resolver)) as web:
            outcome = await web.get(f"http://rebind.example:{server.port}/x")
        assert server.asked == []
    assert isinstance(outcome, Failed)
    assert outcome.reason is FailReason.REFUSED_ADDRESS


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::", True),
        ("10.0.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("0.0.0.0", False),
        ("::", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:0001::", False),
        ("fd00::1", False),
        ("no address", False),
    ],
)
def test_which_addresses_are_public(address, public):
    assert is_public(address) is public


async def test_the_token_goes_to_the_hub_alone():
    with answering(x=Answered(b"cdn")) as cdn:
        away = Answered(b"", 302, headers={"Location": f"http://localhost:{cdn.port}/x"})
        with answering(x=away, y=Answered(b"record")) as hub:
            hub_port = hub.port
            allowed = frozenset({hub.netloc, cdn.netloc, f"localhost:{cdn.port}"})
            async with HttpWeb(CLOCK, allow_hosts=allowed, hub_token="hf_x", hub_host=hub.netloc) as web:
                outcome = await web.get(f"{hub.address}/x", headers={"Authorization": "Bearer mine"})
                await web.get(f"{hub.address}/y")
                await web.get(f"{cdn.address}/x")
        assert isinstance(outcome, Found)
        assert outcome.value.url == f"http://127.0.0.1:{hub_port}/x"
        assert outcome.value.final_url.endswith(f":{cdn.port}/x")
        assert hub.asked[1].headers["authorization"] == "Bearer hf_x"
        assert all("authorization" not in asked.headers for asked in cdn.asked)


async def test_the_token_is_not_sent_over_plain_http():
    with answering(x=Answered(b"record")) as hub:
        backend = GuardedBackend(allow_hosts=frozenset({hub.netloc}))
        async with HttpWeb(CLOCK, network_backend=backend, hub_token="t", hub_host=hub.netloc) as web:
            assert isinstance(await web.get(f"{hub.address}/x"), Found)
        assert "authorization" not in hub.asked[0].headers


async def test_cookies_are_not_kept():
    with answering(x=Answered(b"a", headers={"Set-Cookie": "id=1"})) as server:
        async with web_for(server) as web:
            await web.get(f"{server.address}/x")
            await web.get(f"{server.address}/x")
        assert "cookie" not in server.asked[1].headers


async def test_starts_to_one_host_are_spaced():
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    with answering(x=Answered(b"a")) as server:
        async with web_for(server, min_interval_seconds=2.0, sleep=sleep, monotonic=lambda: 10.0) as web:
            for _ in range(3):
                await web.get(f"{server.address}/x")
    assert waits == [2.0, 4.0]


async def test_a_recording_replays_without_a_network_and_a_miss_is_raised(tmp_path):
    recorder = vcr.VCR(cassette_library_dir=str(tmp_path))
    with StandIn(lambda asked: Answered(asked.path.encode())) as server:
        url = f"{server.address}/x"
        with recorder.use_cassette("story.yaml", record_mode="once"):
            async with web_for(server) as web:
                recorded = await web.get(url)
    with recorder.use_cassette("story.yaml", record_mode="none"):
        async with HttpWeb(CLOCK) as web:
            assert await web.get(url) == recorded
            with pytest.raises(CannotOverwriteExistingCassetteException):
                await web.get("https://never.example/asked")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "120"}, 120.0),
        ({"retry-after": "Mon, 01 Jun 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Mon, 01 Jun 2020 12:00:30 GMT"}, 0.0),
        ({"retry-after": "99999999"}, 86400.0),
        ({"ratelimit": '"api";r=0;t=55'}, 55.0),
        ({"ratelimit": '"api";r=12;t=55'}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_how_long_to_wait(headers, seconds):
    assert retry_after(headers, NOW) == seconds


@given(st.text(max_size=60))
def test_any_retry_after_is_a_bounded_wait_or_none(value):
    wait = retry_after({"retry-after": value}, NOW)
    assert wait is None or 0 <= wait <= 86400


def test_the_seam_that_vcrpy_patches_is_untouched():
    from tools.web.client import _Transport

    assert _Transport.handle_async_request is httpx.AsyncHTTPTransport.handle_async_request


def test_asked_tells_its_host():
    assert Asked("GET", "/", {}, {"host": "A.example:443"}, b"").host == "a.example"
