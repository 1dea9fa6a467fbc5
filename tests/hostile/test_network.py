"""A hostile network, over real sockets: every way that it is tried, and that it ends in an outcome."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

import pytest

from tests.hostile.cases_network import (
    ADDRESSES,
    BOMBS,
    ENDLESS,
    HOPS,
    INSIDE,
    PORTS,
    PROTOCOL,
    PUBLIC,
    RESOLVED,
    SLOW,
    SPELLED,
    Address,
    Expected,
    Hop,
    Reply,
    Resolved,
    Spelled,
)
from tests.hostile.kinds import USED
from tests.hostile.peers import Peer, RawServer
from tests.standins.http_server import Answered, Asked, StandIn
from tests.standins.patience import PATIENCE
from tools.clock import FixedClock
from tools.outcomes import Blocked, Empty, Failed, FailReason, Found, Outcome
from tools.web.body import Bound, read_bounded
from tools.web.client import HttpWeb
from tools.web.guard import GuardedBackend, is_public
from tools.web.page import Page

CLOCK = FixedClock(datetime(2026, 6, 1, 12, 0, tzinfo=UTC))


def named(case: object) -> str:
    return str(getattr(case, "name", case))


def check(outcome: Outcome[Page], expected: Expected) -> str:
    """Assert how a fetch ended; its sentence."""
    if expected is None:
        assert isinstance(outcome, Found), outcome
        return ""
    if expected is Empty:
        assert isinstance(outcome, Empty), outcome
    else:
        assert isinstance(outcome, Failed | Blocked), outcome
        assert outcome.reason is expected, outcome
    assert outcome.detail.strip()
    assert len(outcome.detail) < 400
    assert outcome.detail.isprintable()
    return outcome.detail


@pytest.mark.parametrize("case", ADDRESSES, ids=named)
def test_only_public_addresses_are_public(case: Address) -> None:
    assert is_public(case.address) is (case.got == USED)


class _Names:
    """A name server: numbers are what they are; names say what they are told to, or are unknown."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        if host.endswith("public.example"):
            return self._answers.pop(0) if self._answers else [PUBLIC]
        if host.rstrip(".").lower() == "localhost":
            return [INSIDE]
        flags = socket.AI_NUMERICHOST
        found = socket.getaddrinfo(host.rstrip("."), port, type=socket.SOCK_STREAM, flags=flags)
        return [str(entry[4][0]) for entry in found]


class _NoConnection(GuardedBackend):
    """A guard whose inner backend fails the test when it is reached."""

    def __init__(self, resolver: _Names) -> None:
        super().__init__(resolver=resolver)
        self.connected: list[str] = []
        guard = self

        class Inner:
            async def connect_tcp(self, host: str, *_: object) -> object:
                guard.connected.append(host)
                raise AssertionError(f"connected to {host}")

        self._inner = Inner()  # type: ignore[assignment]


@pytest.mark.parametrize("case", [*SPELLED, *PORTS], ids=named)
async def test_no_spelling_leads_inside(case: Spelled) -> None:
    backend = _NoConnection(_Names())
    async with HttpWeb(CLOCK, network_backend=backend) as web:
        outcome = await web.get(case.url)
    check(outcome, case.reason)
    assert backend.connected == []


@pytest.mark.parametrize("case", RESOLVED, ids=named)
async def test_a_name_is_judged_by_every_address_and_once(case: Resolved) -> None:
    names = _Names(*case.answers)
    backend = _NoConnection(names)
    async with HttpWeb(CLOCK, network_backend=backend) as web:
        outcome = await web.get("http://public.example/")
    assert isinstance(outcome, Failed)
    assert outcome.reason is (FailReason.REFUSED_ADDRESS if any(case.answers) else FailReason.UNREACHABLE)
    assert names.asked == 1
    assert backend.connected == []


async def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    reached: list[str] = []

    class Inner:
        async def connect_tcp(self, host: str, *_: object) -> object:
            reached.append(host)
            raise OSError("no network in tests")

    names = _Names([PUBLIC], [INSIDE])
    backend = GuardedBackend(resolver=names)
    backend._inner = Inner()  # type: ignore[assignment]
    async with HttpWeb(CLOCK, network_backend=backend) as web:
        with pytest.raises(OSError, match="no network"):
            await web.get("http://public.example/")
    assert reached == [PUBLIC]
    assert names.asked == 1


async def test_no_proxy_of_the_environment_stands_between(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        StandIn(lambda _: Answered(b"through the proxy")) as proxy,
        StandIn(lambda _: Answered(b"straight")) as site,
    ):
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.address)
        monkeypatch.delenv("NO_PROXY", raising=False)
        async with HttpWeb(CLOCK, allow_hosts=frozenset({site.netloc})) as web:
            outcome = await web.get(f"{site.address}/x")
        assert proxy.asked == []
    assert isinstance(outcome, Found)
    assert outcome.value.text == "straight"


@pytest.mark.parametrize("case", HOPS, ids=named)
async def test_every_redirect_is_checked_again(case: Hop) -> None:
    with StandIn(lambda _: Answered(b"secret")) as private:
        private_port = private.port

        def respond(asked: Asked) -> Answered:
            if asked.path == "/page":
                return Answered(b"a page")
            to = case.location
            if asked.path == "/hop":
                to = "{private}/x"
            if asked.path == "/count":
                to = "{here}/count?n=" + str(len(server.asked))
            filled = (
                to.replace("{private_netloc}", f"127.0.0.1:{private_port}")
                .replace("{private_port}", str(private_port))
                .replace("{private}", f"http://127.0.0.1:{private_port}")
                .replace("{here_netloc}", server.netloc)
                .replace("{here}", server.address)
            )
            located = filled.encode("utf-8").decode("latin-1")
            return Answered(b"", case.status, headers={"Location": located})

        server = StandIn(respond)
        with server:
            async with HttpWeb(CLOCK, allow_hosts=frozenset({server.netloc})) as web:
                outcome = await web.get(f"{server.address}/x")
            assert len(server.asked) <= 6
        assert private.asked == []
    check(outcome, case.expected)


async def read(case: Reply, server: RawServer) -> Outcome[Page]:
    allowed = frozenset({server.netloc})
    seconds = 0.4 if case.impatient else PATIENCE
    async with HttpWeb(CLOCK, allow_hosts=allowed, timeout_seconds=seconds) as web:
        return await web.get(f"{server.address}/x", max_bytes=case.max_bytes)


@pytest.mark.parametrize("case", [*SLOW, *ENDLESS, *BOMBS, *PROTOCOL], ids=named)
async def test_a_hostile_server_gets_an_outcome_and_no_more_than_its_bound(case: Reply) -> None:
    with RawServer(case.script) as server:
        outcome = await read(case, server)
        sent = server.sent
    check(outcome, case.expected)
    assert sent <= case.most
    if isinstance(outcome, Found):
        assert outcome.value.body_bytes <= 2_000_000
        assert len(outcome.value.text) <= 2_000_000


async def test_a_slow_server_holds_up_nobody_else() -> None:
    slow = SLOW[0]
    with RawServer(slow.script) as server, StandIn(lambda _: Answered(b"here")) as site:
        allowed = frozenset({server.netloc, site.netloc})
        async with HttpWeb(
            CLOCK, allow_hosts=allowed, timeout_seconds=PATIENCE, concurrency=8, per_host=4
        ) as web:
            waiting = [asyncio.create_task(web.get(f"{server.address}/{n}")) for n in range(12)]
            await asyncio.sleep(0)
            outcome = await web.get(f"{site.address}/x")
            assert isinstance(outcome, Found)
            assert not any(task.done() for task in waiting)
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)


@pytest.mark.parametrize("size", [1, 7, 1_000])
async def test_all_members_of_a_packed_body_are_read_however_they_arrive(size: int) -> None:
    """A body of which only the first member was read would be a part of a page that passes for the whole."""
    packed = gzip.compress(b"first ") + gzip.compress(b"") + gzip.compress(b"second") + b"rubbish"

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(packed), size):
            yield packed[start : start + size]

    body = await read_bounded(chunks(), encoding="gzip", bound=lambda _: Bound(1_000))
    assert body == b"first second"


async def test_a_reply_that_comes_before_its_question_is_for_the_same_site_alone() -> None:
    """A server may send the next reply early; it is never taken for another site's."""

    def early(peer: Peer) -> None:
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nfirst")
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nearly")

    with RawServer(early, keeps=True) as server, StandIn(lambda _: Answered(b"other")) as other:
        allowed = frozenset({server.netloc, other.netloc})
        async with HttpWeb(CLOCK, allow_hosts=allowed) as web:
            first = await web.get(f"{server.address}/x")
            elsewhere = await web.get(f"{other.address}/x")
    assert isinstance(first, Found)
    assert isinstance(elsewhere, Found)
    assert (first.value.text, elsewhere.value.text) == ("first", "other")
