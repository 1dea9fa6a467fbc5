"""Real TLS on loopback: bounds hold behind it, and what is checked is the name, wherever it leads."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
import pytest

from tests.hostile.cases_network import INSIDE, PUBLIC, Reply
from tests.hostile.cases_tls import BEHIND_TLS, CERTIFICATES, HOST, Certificate
from tests.hostile.kinds import USED
from tests.hostile.peers import Peer, RawServer
from tests.hostile.test_network import CLOCK, check
from tests.standins.patience import PATIENCE
from tools.outcomes import Failed, FailReason, Found
from tools.web.client import HttpWeb
from tools.web.guard import GuardedBackend

pytest.importorskip("cryptography", reason="certificates are made with it")

from tests.hostile.certificates import Authority

Trusting = Callable[[str], None]


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def trusting(monkeypatch: pytest.MonkeyPatch) -> Trusting:
    """Let the page reader trust one authority more; everything else of its TLS stays as it is."""
    made = httpx.create_ssl_context

    def trust(pem: str) -> None:
        def context(**options: bool) -> ssl.SSLContext:
            found = made(**options)  # type: ignore[arg-type]
            found.load_verify_locations(cadata=pem)
            return found

        monkeypatch.setattr(httpx, "create_ssl_context", context)

    return trust


class Names:
    """A name server that says where the test's server is, once, and afterwards something else."""

    def __init__(self, *later: Sequence[str]) -> None:
        self._answers = [["127.0.0.1"], *later]
        self.asked: list[str] = []

    async def __call__(self, host: str, _: int) -> Sequence[str]:
        self.asked.append(host)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def reader(server: RawServer, names: Names, seconds: float = 20.0, host: str = HOST) -> HttpWeb:
    allowed = frozenset({f"{HOST}:{server.port}", f"{host}:{server.port}"})
    backend = GuardedBackend(allow_hosts=allowed, resolver=names)
    return HttpWeb(CLOCK, network_backend=backend, timeout_seconds=seconds)


def _page(peer: Peer) -> None:
    peer.head("Content-Type: text/plain", "Content-Length: 4")
    peer.send(b"here")


@pytest.mark.parametrize("case", BEHIND_TLS, ids=lambda case: str(case.name))
async def test_bounds_hold_behind_tls(
    case: Reply, authority: Authority, trusting: Trusting, tmp_path: Path
) -> None:
    trusting(authority.pem)
    with RawServer(case.script, tls=authority.server(tmp_path, [HOST])) as server:
        async with reader(server, Names(), 0.8 if case.impatient else 20.0) as web:
            outcome = await web.get(f"https://{HOST}:{server.port}/x", max_bytes=case.max_bytes)
        sent = server.sent
    check(outcome, case.expected)
    assert sent <= case.most


@pytest.mark.parametrize("case", CERTIFICATES, ids=lambda case: str(case.name))
async def test_the_certificate_is_checked_for_the_name(
    case: Certificate, authority: Authority, trusting: Trusting, tmp_path: Path
) -> None:
    trusting(authority.pem)
    signer = authority if case.trusted else Authority()
    context = signer.server(tmp_path, case.names, common_name=case.common_name, expired=case.expired)
    asked: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    names = Names([INSIDE], [PUBLIC])
    with RawServer(_page, tls=context) as server:
        async with reader(server, names) as web:
            outcome = await web.get(f"https://{HOST}:{server.port}/x")
        assert server.connections == 1
    assert asked == [HOST]
    assert names.asked == [HOST]
    if case.got == USED:
        assert isinstance(outcome, Found), outcome
        assert outcome.value.text == "here"
        return
    assert isinstance(outcome, Failed)
    assert outcome.reason is FailReason.UNREACHABLE
    assert case.says in outcome.detail
    assert server.sent == 0


async def test_a_redirect_to_another_name_is_checked_for_that_name(
    authority: Authority, trusting: Trusting, tmp_path: Path
) -> None:
    trusting(authority.pem)

    def script(peer: Peer) -> None:
        peer.head(f"Location: https://bank.example:{server.port}/", "Content-Length: 0", status="302 Found")

    with RawServer(script, tls=authority.server(tmp_path, [HOST])) as server:
        async with reader(server, Names(), host="bank.example") as web:
            outcome = await web.get(f"https://{HOST}:{server.port}/x")
    assert isinstance(outcome, Failed)
    assert "bank.example" in outcome.detail


@pytest.mark.parametrize(
    ("script", "reason", "seconds"),
    [
        (lambda peer: peer.hold(), FailReason.TIMEOUT, 0.8),
        (lambda peer: peer.endless(b"x"), FailReason.UNREACHABLE, 20.0),
        (lambda peer: peer.drip([b"\x16\x03\x03\x40\x00", *[b"\x02"] * 400]), FailReason.TIMEOUT, 0.8),
        (_page, FailReason.UNREACHABLE, 20.0),
    ],
    ids=["silence", "rubbish without end", "a handshake, a letter at a time", "no TLS at all"],
)
async def test_a_handshake_that_is_none_ends_and_its_connection_too(
    script: Callable[[Peer], None], reason: FailReason, seconds: float
) -> None:
    left = threading.Event()

    def until_left(peer: Peer) -> None:
        try:
            script(peer)
        finally:
            left.set()

    with RawServer(until_left, greets=True) as server:
        async with reader(server, Names(), seconds) as web:
            outcome = await web.get(f"https://{HOST}:{server.port}/x")
            assert left.wait(PATIENCE / 3)
        assert server.sent < 6_000_000
    assert isinstance(outcome, Failed)
    assert outcome.reason is reason, outcome
