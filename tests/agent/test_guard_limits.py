"""How often a client may ask, with a clock that the test turns."""

from __future__ import annotations

import httpx
import pytest
from fastapi.exceptions import RequestValidationError
from hypothesis import given
from hypothesis import settings as checks
from hypothesis import strategies as st
from starlette.requests import Request

from agent.service import guard_body
from agent.service.limits import MOST_CLIENTS, Buckets, address_of
from agent.service.login import COOKIE, Keys
from agent.service.problems import TooMany
from tests.agent.guarded import TOKEN, tiny_app
from tools.clock import SystemClock

ORIGIN = "http://127.0.0.1:8765"


class Ticking:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def client(app: object, address: str = "127.0.0.1", person: str = "") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, client=(address, 50000))  # type: ignore[arg-type]
    cookies = {COOKIE: Keys(TOKEN, SystemClock()).cookie_for(person)} if person else {}
    return httpx.AsyncClient(
        transport=transport, base_url=ORIGIN, headers={"Origin": ORIGIN}, cookies=cookies
    )


@pytest.mark.parametrize(
    ("paths", "a_minute"),
    [
        (["/api/runs"], 10),
        (["/api/threads", "/langgraph/threads"], 10),
        (["/langgraph/threads/1/runs/stream", "/langgraph/threads/2/runs/stream"], 10),
        (["/api/runs", "/langgraph/threads/1/runs/stream"], 10),
        (["/api/threads/1/messages", "/api/threads/2/messages"], 60),
        (["/mcp"], 120),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else f"{value} a minute",
)
async def test_creation_is_bounded(paths: list[str], a_minute: int):
    ticks = Ticking()
    app = tiny_app(seconds=ticks)
    async with client(app) as eager, client(app, "127.0.0.2") as other:
        for n in range(a_minute):
            assert (await eager.post(paths[n % len(paths)], json={})).status_code == 201
        for path in paths:
            refused = await eager.post(path, json={})
            assert refused.status_code == 429
            assert refused.headers["content-type"] == "application/problem+json"
            assert int(refused.headers["retry-after"]) == max(1, 60 // a_minute)
        assert (await eager.get("/api/runs")).status_code == 200, "looking is free"
        assert (await other.post(paths[0], json={})).status_code == 201
        ticks.now += int(refused.headers["retry-after"])
        assert (await eager.post(paths[0], json={})).status_code == 201, "Retry-After is true"


async def test_people_who_signed_in_are_told_apart_by_name():
    app = tiny_app(token=TOKEN, seconds=Ticking())
    async with client(app, person="ada") as ada, client(app, person="grace") as grace:
        statuses = [(await ada.post("/api/runs", json={})).status_code for _ in range(11)]
        assert statuses == [201] * 10 + [429]
        assert (await grace.post("/api/runs", json={})).status_code == 201


async def test_what_is_refused_for_another_reason_takes_nothing():
    app = tiny_app(seconds=Ticking())
    async with client(app) as person:
        for _ in range(20):
            refused = await person.post("/api/runs", json={}, headers={"Origin": "https://evil.example"})
            assert refused.status_code == 403
        assert (await person.post("/api/runs", json={})).status_code == 201


def test_idle_clients_are_forgotten():
    ticks = Ticking()
    buckets = Buckets(10, 10, ticks)
    for number in range(100):
        buckets.take(f"client {number}")
    assert len(buckets) == 100
    ticks.now += 61
    buckets.take("one more")
    assert len(buckets) == 1


def test_a_flood_of_addresses_fills_no_memory():
    buckets = Buckets(10, 10, Ticking())
    for number in range(MOST_CLIENTS + 500):
        buckets.take(f"client {number}")
    assert len(buckets) == MOST_CLIENTS


@checks(max_examples=100)
@given(st.lists(st.floats(0, 30), max_size=60))
def test_no_more_than_the_rate_is_let_in(pauses: list[float]):
    """In any time t at most burst + rate · t."""
    ticks = Ticking()
    buckets = Buckets(10, 5, ticks)
    let_in = 0
    for pause in pauses:
        ticks.now += pause
        if wait := buckets.wait("one"):
            with pytest.raises(TooMany) as refused:
                buckets.take("one")
            assert refused.value.retry_after >= wait
        else:
            buckets.take("one")
            let_in += 1
    assert let_in <= 5 + ticks.now * 10 / 60 + 1e-3


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
    ],
)
def test_a_client_is_where_it_comes_from(host: str, address: str):
    """Of IPv6 the network: a client there has as many addresses as it likes."""
    assert address_of(Request({"type": "http", "headers": [], "client": (host, 1)})) == address


def test_a_client_behind_a_local_socket_has_no_address():
    assert address_of(Request({"type": "http", "headers": [], "client": None})) == "unknown"


@pytest.mark.parametrize(
    "body",
    [
        b'{"text": "Infinity, -Infinity and 1e999"}',
        rb'{"text": "\\u0000"}',
        b"[1e99, -1E+0099, 0.1e-999]",
        b"9" * 4000,
        b"[" * 150 + b"]" * 150,
    ],
)
def test_a_body_that_looks_like_more_than_a_number_can_be_is_read(body: bytes):
    guard_body._check_json(body)


@pytest.mark.parametrize(
    "body",
    [
        b"[1e999]",
        b"[-1E+0309]",
        b'{"a": {"b": ["Infinity", 1' + b"0" * 310 + b".5]}}",
        b"1" * 211 + b"e99",
        rb'["\\\u0000"]',
    ],
)
def test_a_body_with_what_cannot_be_stored_is_refused(body: bytes):
    with pytest.raises(RequestValidationError):
        guard_body._check_json(body)
