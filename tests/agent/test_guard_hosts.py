"""Names, ports and origins; where the service listens; what it needs a token for."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from starlette.types import Message

from agent.service.app import make_app
from agent.service.guard_hosts import Authority, Origin, authority_of, is_loopback, origin_of, parse_hosts
from agent.settings import Settings
from tests.agent.guarded import TOKEN, tiny_app
from tools.faults import WrongUse


@pytest.mark.parametrize(
    ("text", "authority"),
    [
        ("localhost", Authority("localhost", "")),
        ("A.Example:80", Authority("a.example", "80")),
        ("[::1]:8765", Authority("[::1]", "8765")),
        ("my_host", Authority("my_host", "")),
        ("xn--bcher-kva.example", Authority("xn--bcher-kva.example", "")),
        ("bücher.example", None),
        ("a b", None),
        ("a:b", None),
        ("::1", None),
        ("-a", None),
        ("", None),
    ],
)
def test_a_name_and_a_port(text: str, authority: Authority | None):
    assert authority_of(text) == authority


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("http://localhost:3000", Origin("http", Authority("localhost", "3000"))),
        ("HTTPS://A.example:443/", Origin("https", Authority("a.example", ""))),
        ("http://a.example:443", Origin("http", Authority("a.example", "443"))),
        ("null", None),
        ("http://", None),
        ("http://a/b", None),
        ("http://a@b", None),
        ("http://a?b", None),
        ("ftp://a", None),
        ("//a", None),
    ],
)
def test_an_origin(text: str, origin: Origin | None):
    assert origin_of(text) == origin


def test_names_and_origins_are_told_apart():
    named = parse_hosts(" models.example, lan:8443 ,, http://localhost:3000/")
    assert named.hosts == {Authority("models.example", ""), Authority("lan", "8443")}
    assert named.origins == {Origin("http", Authority("localhost", "3000"))}
    assert parse_hosts("") == (frozenset(), frozenset())


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("192.168.1.5", False),
        ("127.1", False),
        ("localhost.example", False),
    ],
)
def test_only_loopback_needs_no_token(host: str, loopback: bool):
    assert is_loopback(host) == loopback
    if loopback:
        tiny_app(bound_host=host)
    else:
        with pytest.raises(WrongUse, match="which needs a token") as refused:
            tiny_app(bound_host=host)
        assert refused.value.exit_code == 2
    tiny_app(bound_host=host, token=TOKEN)


@pytest.mark.parametrize(
    ("bound", "reached", "stated", "status"),
    [
        ("192.168.1.5", "192.168.1.5", "192.168.1.5:8765", 200),
        ("192.168.1.5", "192.168.1.5", "192.168.1.6:8765", 421),
        ("models.lan", "192.168.1.5", "models.lan", 200),
        ("models.lan", "192.168.1.5", "192.168.1.5", 421),
        ("fd00::5", "fd00::5", "[fd00::5]:8765", 200),
        ("0.0.0.0", "192.168.1.5", "192.168.1.5:8765", 200),
        ("0.0.0.0", "192.168.1.5", "192.168.1.6:8765", 421),
        ("0.0.0.0", "192.168.1.5", "0.0.0.0:8765", 421),
        ("0.0.0.0", "192.168.1.5", "models.lan", 421),
        ("::", "fd00::5", "[fd00::0:5]:8765", 200),
        ("::", "fd00::5", "[fd00::6]:8765", 421),
    ],
)
async def test_where_it_listens_is_a_name_of_it(bound: str, reached: str, stated: str, status: int):
    """On all addresses, only the number of the one that was connected to."""
    said: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        said.append(message)

    headers = [(b"host", stated.encode()), (b"authorization", f"Bearer {TOKEN}".encode())]
    scope = {
        "type": "http",
        "http_version": "1.1",
        "scheme": "http",
        "method": "GET",
        "path": "/api/runs",
        "query_string": b"",
        "headers": headers,
        "server": (reached, 8765),
        "client": ("192.168.1.9", 1),
    }
    await tiny_app(bound_host=bound, token=TOKEN)(scope, receive, send)
    assert said[0]["status"] == status


async def test_a_websocket_is_closed_before_it_opens():
    said: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        said.append(message)

    app = tiny_app()
    await app({"type": "websocket", "path": "/api/runs", "headers": []}, receive, send)
    assert said == [{"type": "websocket.close", "code": 1008}]
    assert app.state.reached == []


async def test_the_service_itself_is_guarded(home: Path):
    """The whole of it, not only the app of these tests."""
    with pytest.raises(WrongUse, match="BMS_TOKEN"):
        make_app(Settings(), "0.0.0.0")
    for settings, stated, headers, status in (
        (Settings(), "127.0.0.1", {}, 200),
        (Settings(), "evil.example", {}, 421),
        (Settings(), "127.0.0.1", {"Origin": "https://evil.example"}, 403),
        (Settings(token=TOKEN), "127.0.0.1", {}, 401),  # type: ignore[arg-type]
        (Settings(token=TOKEN), "127.0.0.1", {"Authorization": f"Bearer {TOKEN}"}, 200),  # type: ignore[arg-type]
    ):
        app = make_app(settings)
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url=f"http://{stated}:8765") as client:
                for path in ("/api/runs", "/api/openapi.json"):
                    answer = await client.get(path, headers=headers)
                    assert answer.status_code == status
                    assert "default-src 'none'" in answer.headers["content-security-policy"]
