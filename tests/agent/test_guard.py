"""Requests that nobody means well, sent as bytes over a socket, each kind beside some that are let in."""

from __future__ import annotations

import itertools
import json
import socket
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

import pytest

from agent.service.guard_headers import ALWAYS, CSP
from agent.service.login import COOKIE, Keys
from tests.agent.guarded import (
    OTHER_TOKEN,
    REPORT_CSP,
    TOKEN,
    Headers,
    Service,
    chunked,
    raw,
    served,
    tiny_app,
)
from tests.standins.patience import PATIENCE
from tools.clock import FixedClock, SystemClock

JSON = ("Content-Type", "application/json")
FORM = ("Content-Type", "application/x-www-form-urlencoded")
OWN = ("Origin", "http://127.0.0.1:{port}")
BEARER = ("Authorization", f"Bearer {TOKEN}")
LISTED = ("Origin", "http://localhost:3000")
CHUNKS = ("Transfer-Encoding", "chunked")
SIGNED_IN = ("Cookie", COOKIE + "={cookie}")
HOSTS = "models.example, lan.example:8443, http://localhost:3000"


class Case(NamedTuple):
    kind: str
    name: str
    line: str
    headers: Headers = ()
    body: bytes = b""
    status: int = 200
    service: str = "open"
    """``open`` has no token, ``locked`` has one, ``slow`` waits a tenth of a second for a body."""
    by_server: bool = False
    """Whether uvicorn itself refuses it, before any of our code."""


def host(name: str, value: str | None, status: int, **more: object) -> Case:
    line = str(more.pop("line", "GET /api/runs"))
    return Case("rebinding", name, line, [("Host", value)], status=status, **more)  # type: ignore[arg-type]


def post(kind: str, name: str, status: int, *headers: tuple[str, str], **more: object) -> Case:
    line, body = str(more.pop("line", "POST /api/runs")), more.pop("body", b"{}")
    return Case(kind, name, line, headers, body, status, **more)  # type: ignore[arg-type]


def get(kind: str, name: str, target: str, status: int, *headers: tuple[str, str], **more: object) -> Case:
    return Case(kind, name, f"GET {target}", headers, status=status, **more)  # type: ignore[arg-type]


REBINDING = (
    host("own address", "127.0.0.1:{port}", 200),
    host("own address without a port", "127.0.0.1", 200),
    host("localhost", "localhost:{port}", 200),
    host("localhost behind a tunnel's port", "localhost:9999", 200),
    host("capitals", "LOCALHOST", 200),
    host("IPv6", "[::1]:{port}", 200),
    host("a name of BMS_HOSTS", "models.example", 401, service="locked"),
    host("a name of BMS_HOSTS with any port", "models.example:444", 401, service="locked"),
    host("a name with its port", "lan.example:8443", 401, service="locked"),
    host("a name with another port", "lan.example:8444", 421, service="locked"),
    host("a listed origin is no name", "a.localhost:3000", 421, service="locked"),
    host("another name", "evil.example", 421),
    host("another name, our port", "evil.example:{port}", 421),
    host("our number as a subdomain", "127.0.0.1.evil.example:{port}", 421),
    host("localhost as a subdomain", "localhost.evil.example", 421),
    host("a name that ends in ours", "evil-localhost", 421),
    host("below localhost", "evil.localhost", 421),
    host("all addresses", "0.0.0.0:{port}", 421),
    host("a private address", "192.168.1.5:{port}", 421),
    host("the cloud's metadata address", "169.254.169.254", 421),
    host("loopback as one number", "2130706433", 421),
    host("loopback cut short", "127.1", 421),
    host("loopback in hex", "0x7f.0.0.1", 421),
    host("loopback as IPv4 in IPv6", "[::ffff:127.0.0.1]", 421),
    host("trailing dot", "localhost.", 400),
    host("user name", "127.0.0.1@evil.example", 400),
    host("list", "127.0.0.1, evil.example", 400),
    host("path", "127.0.0.1/evil", 400),
    host("bad port", "127.0.0.1:999999", 400),
    host("empty", "", 400),
    host("none, in HTTP/1.0", None, 400, line="GET /api/runs HTTP/1.0"),
    host("none, in HTTP/1.1", None, 400, by_server=True),
    Case("rebinding", "two", "GET /api/runs", [("Host", "127.0.0.1"), ("Host", "e.example")], b"", 400,
         by_server=True),
    Case("rebinding", "X-Forwarded-Host is not believed", "GET /api/runs",
         [("Host", "evil.example"), ("X-Forwarded-Host", "127.0.0.1")], b"", 421),
    Case("rebinding", "Forwarded is not believed", "GET /api/runs",
         [("Host", "evil.example"), ("Forwarded", "host=127.0.0.1")], b"", 421),
    host("absolute form of another", "127.0.0.1", 400, line="GET http://evil.example/api/runs"),
    host("absolute form of ours", "evil.example", 421, line="GET http://127.0.0.1/api/runs"),
    host("CONNECT", "127.0.0.1", 405, line="CONNECT evil.example:443"),
    host("the page", "evil.example", 421, line="GET /"),
    host("static files", "evil.example", 421, line="GET /static/app.css"),
    host("LangGraph's protocol", "evil.example", 421, line="GET /langgraph/ok"),
    host("MCP", "evil.example", 421, line="POST /mcp"),
    host("signing in", "evil.example", 421, line="GET /login", service="locked"),
    get("rebinding", "a websocket", "/api/runs", 400, ("Connection", "Upgrade"), ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")),
)  # fmt: skip


def sent_by(name: str, status: int, *headers: tuple[str, str], **more: object) -> Case:
    return post("cross-site", name, status, JSON, *headers, **more)


CROSS_SITE = (
    sent_by("a program, without Origin", 201),
    sent_by("own page", 201, OWN),
    sent_by("own page, other name", 201, ("Origin", "http://localhost"), ("Host", "localhost:80")),
    sent_by("own page behind a proxy with TLS", 201, ("Origin", "https://models.example"), BEARER,
            ("Host", "models.example"), service="locked"),
    sent_by("null, as a sandbox sends it", 403, ("Origin", "null")),
    sent_by("another site", 403, ("Origin", "https://evil.example")),
    sent_by("another port", 403, ("Origin", "http://127.0.0.1:1")),
    sent_by("no port", 403, ("Origin", "http://127.0.0.1")),
    sent_by("another of our names", 403, ("Origin", "http://localhost:{port}")),
    sent_by("ours as a beginning", 403, ("Origin", "http://127.0.0.1:{port}.evil.example")),
    sent_by("ours as a user name", 403, ("Origin", "http://127.0.0.1:{port}@evil.example")),
    sent_by("ours as a host after a user name", 403, ("Origin", "http://evil@127.0.0.1:{port}")),
    sent_by("two in one", 403, ("Origin", "http://127.0.0.1:{port} https://evil.example")),
    sent_by("two headers", 403, ("Origin", "https://evil.example"), OWN),
    sent_by("an extension", 403, ("Origin", "chrome-extension://abcdefgh")),
    sent_by("a file", 403, ("Origin", "file://")),
    sent_by("empty", 403, ("Origin", "")),
    sent_by("the browser says same-origin", 201, OWN, ("Sec-Fetch-Site", "same-origin")),
    sent_by("the browser says a person", 201, ("Sec-Fetch-Site", "none")),
    sent_by("the browser says cross-site", 403, ("Sec-Fetch-Site", "cross-site")),
    sent_by("the browser says same-site", 403, ("Sec-Fetch-Site", "same-site")),
    sent_by("the browser says something new", 403, ("Sec-Fetch-Site", "near-site")),
    sent_by("a form that navigates", 403, ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate"),
            ("Sec-Fetch-Dest", "document")),
    sent_by("another page, by Referer", 403, ("Referer", "https://evil.example/127.0.0.1")),
    sent_by("own page, by Referer", 201, ("Referer", "http://127.0.0.1:{port}/runs")),
    sent_by("a Referer that is no address", 403, ("Referer", "http://[")),
    sent_by("a cookie and nothing else", 403, SIGNED_IN, service="locked"),
    sent_by("a cookie with own Referer", 201, SIGNED_IN, ("Referer", "http://127.0.0.1:{port}/"),
            service="locked"),
    sent_by("a cookie from own page", 201, SIGNED_IN, OWN, service="locked"),
    sent_by("a cookie from another site", 403, SIGNED_IN, ("Origin", "https://evil.example"),
            service="locked"),
    sent_by("MCP from another site", 403, ("Origin", "https://evil.example"), line="POST /mcp"),
    sent_by("MCP from a listed origin", 403, LISTED, BEARER, line="POST /mcp", service="locked"),
    sent_by("deletion", 403, ("Origin", "https://evil.example"), line="DELETE /api/runs"),
    post("cross-site", "sign-in from another site", 403, FORM, ("Origin", "https://evil.example"),
         body=b"name=eve&token=" + TOKEN.encode(), line="POST /login", service="locked"),
    post("cross-site", "sign-out from another site", 403, FORM, SIGNED_IN, ("Origin", "null"),
         body=b"", line="POST /logout", service="locked"),
    get("cross-site", "a link from elsewhere", "/runs/1", 200, ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document")),
    get("cross-site", "a frame elsewhere", "/runs/1", 403, ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "iframe")),
    get("cross-site", "an image elsewhere", "/api/runs", 403, ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Mode", "no-cors"), ("Sec-Fetch-Dest", "image")),
    get("cross-site", "a script on another port", "/api/runs", 403, ("Sec-Fetch-Site", "same-site"),
        ("Sec-Fetch-Mode", "cors"), ("Origin", "http://127.0.0.1:1")),
    get("cross-site", "events for another site", "/api/events", 403, ("Origin", "https://evil.example")),
)  # fmt: skip

FORMS = (
    post("form posts", "JSON", 201, JSON),
    post("form posts", "JSON in UTF-8", 201, ("Content-Type", "Application/JSON; charset=utf-8")),
    post("form posts", "no body at all", 200, body=b"", line="POST /api/runs/1/cancel"),
    post("form posts", "text/plain", 415, ("Content-Type", "text/plain")),
    post("form posts", "text/plain that names JSON", 415, ("Content-Type", "text/plain; application/json")),
    post("form posts", "urlencoded", 415, FORM),
    post("form posts", "multipart", 415, ("Content-Type", "multipart/form-data; boundary=x")),
    post("form posts", "a blob without a type", 415),
    post("form posts", "JSON's cousin", 415, ("Content-Type", "application/jsonp")),
    post("form posts", "MCP", 415, ("Content-Type", "text/plain"), line="POST /mcp"),
    post("form posts", "LangGraph", 415, FORM, line="POST /langgraph/threads"),
    post("form posts", "a body with a deletion", 415, FORM, line="DELETE /api/runs"),
    post("form posts", "a body with a look", 415, FORM, line="GET /api/runs"),
    post("form posts", "sign-in as JSON", 415, JSON, OWN, line="POST /login", service="locked"),
)

ASKS = ("Access-Control-Request-Method", "POST")


def shared(name: str, line: str, status: int, *headers: tuple[str, str], **more: object) -> Case:
    body = b"{}" if line.startswith("POST") else b""
    return Case("other origins", name, line, headers, body, status, "locked", **more)  # type: ignore[arg-type]


OTHER_ORIGINS = (
    shared("preflight of a listed origin", "OPTIONS /langgraph/threads", 204, LISTED, ASKS),
    shared("preflight with the browser's word", "OPTIONS /langgraph/threads", 204, LISTED, ASKS,
           ("Sec-Fetch-Site", "same-site"), ("Sec-Fetch-Mode", "cors")),
    shared("listed, with the token", "POST /langgraph/threads", 201, LISTED, JSON, BEARER),
    shared("listed, with the token as API key", "POST /langgraph/threads", 201, LISTED, JSON,
           ("X-Api-Key", TOKEN)),
    shared("listed, a look", "GET /langgraph/ok", 200, LISTED, BEARER, ("Sec-Fetch-Site", "same-site")),
    shared("listed, without the token", "POST /langgraph/threads", 401, LISTED, JSON),
    shared("listed, with a person's cookie", "POST /langgraph/threads", 401, LISTED, JSON, SIGNED_IN),
    shared("preflight of another", "OPTIONS /langgraph/threads", 403, ("Origin", "https://e.example"), ASKS),
    shared("another port", "OPTIONS /langgraph/threads", 403, ("Origin", "http://localhost:3001"), ASKS),
    shared("another scheme", "OPTIONS /langgraph/threads", 403, ("Origin", "https://localhost:3000"), ASKS),
    shared("a listed name is no origin", "OPTIONS /langgraph/threads", 403,
           ("Origin", "http://models.example"), ASKS),
    shared("preflight of the API", "OPTIONS /api/runs", 403, LISTED, ASKS),
    shared("preflight of MCP", "OPTIONS /mcp", 403, LISTED, ASKS),
    shared("the API", "GET /api/runs", 403, LISTED, BEARER),
    shared("a path that only begins so", "GET /langgraphs", 403, LISTED, BEARER),
    shared("out of it by dots", "GET /langgraph/../api/runs", 400, LISTED, BEARER),
)  # fmt: skip


def api(name: str, status: int, *headers: tuple[str, str], target: str = "/api/runs") -> Case:
    return get("tokens", name, target, status, *headers, service="locked")


def bearer(text: str) -> tuple[str, str]:
    return "Authorization", text


TOKENS = (
    api("right", 200, BEARER),
    api("right, in small letters", 200, bearer(f"bearer {TOKEN}")),
    api("right, for the page", 200, BEARER, target="/"),
    api("right, for events", 200, BEARER, target="/api/events"),
    api("missing", 401),
    api("wrong", 401, bearer(f"Bearer {OTHER_TOKEN}")),
    api("empty", 401, bearer("Bearer ")),
    api("cut short", 401, bearer(f"Bearer {TOKEN[:-1]}")),
    api("longer", 401, bearer(f"Bearer {TOKEN}x")),
    api("other case", 401, bearer(f"Bearer {TOKEN.upper()}")),
    api("beyond ASCII", 401, bearer("Bearer é" * 9)),
    api("without a scheme", 401, bearer(TOKEN)),
    api("as a password", 401, bearer("Basic YWRhOmNvcnJlY3QtaG9yc2UtYmF0dGVyeS1zdGFwbGU=")),
    api("twice, the first wrong", 401, bearer("Bearer wrong"), BEARER),
    api("in the address", 401, target=f"/api/runs?token={TOKEN}"),
    api("as API key, outside LangGraph's protocol", 401, ("X-Api-Key", TOKEN)),
    api("LangGraph without", 401, target="/langgraph/ok"),
    api("LangGraph with a wrong key", 401, ("X-Api-Key", "wrong"), target="/langgraph/ok"),
    api("MCP without", 401, target="/mcp"),
    api("the schema without", 401, target="/api/openapi.json"),
    api("the API's own name", 401, target="/api"),
    api("from this machine, says a proxy", 401, ("X-Forwarded-For", "127.0.0.1")),
    api("static files without", 200, target="/static/app.css"),
    api("signing in without", 200, target="/login"),
)
COOKIES = tuple(
    get("cookies", name, target, status, *headers, service="locked")
    for name, target, status, *headers in (
        ("page", "/", 200, SIGNED_IN),
        ("API", "/api/runs", 200, SIGNED_IN),
        ("events", "/api/events", 200, SIGNED_IN),
        ("none, page", "/", 303),
        ("none, an address that is not there", "/nothing", 303),
        ("none, two slashes", "//api/runs", 303),
        ("LangGraph", "/langgraph/ok", 401, SIGNED_IN),
        ("MCP", "/mcp", 401, SIGNED_IN),
        ("with a wrong token", "/api/runs", 401, SIGNED_IN, bearer("Bearer wrong")),
        ("of another token", "/api/runs", 401, ("Cookie", COOKIE + "={of_another_token}")),
        ("of another token, page", "/", 303, ("Cookie", COOKIE + "={of_another_token}")),
        ("expired", "/api/runs", 401, ("Cookie", COOKIE + "={expired}")),
        ("of tomorrow", "/api/runs", 401, ("Cookie", COOKIE + "={of_tomorrow}")),
        ("other name, same signature", "/api/runs", 401, ("Cookie", COOKIE + "={renamed}")),
        ("signature changed", "/api/runs", 401, ("Cookie", COOKIE + "={bent}")),
        ("signature missing", "/api/runs", 401, ("Cookie", COOKIE + "={unsigned}")),
        ("the token itself", "/api/runs", 401, ("Cookie", f"{COOKIE}={TOKEN}")),
        ("empty", "/api/runs", 401, ("Cookie", f"{COOKIE}=")),
        ("beyond ASCII", "/api/runs", 401, ("Cookie", f"{COOKIE}=é.é.é")),
        ("of another name", "/api/runs", 401, ("Cookie", "session={cookie}")),
    )
)  # type: ignore[misc]
PATHS = (
    get("paths", "a file", "/static/app.css", 200),
    get("paths", "dots in a name", "/runs/a..b", 200),
    get("paths", "up", "/static/../render.py", 400),
    get("paths", "up, escaped", "/static/%2e%2e/render.py", 400),
    get("paths", "up, half escaped", "/static/.%2E/render.py", 400),
    get("paths", "up, with the slash", "/static/%2e%2e%2frender.py", 400),
    get("paths", "far up", "/static/" + "../" * 12 + "etc/passwd", 400),
    get("paths", "up, at the end", "/static/..", 400),
    get("paths", "up, in a run", "/runs/%2e%2e/%2e%2e/etc/passwd", 400),
    get("paths", "up, escaped twice", "/static/%252e%252e/render.py", 404),
    get("paths", "up, overlong UTF-8", "/static/%c0%ae%c0%ae/render.py", 404),
    get("paths", "up, wide dots", "/static/%ef%bc%8e%ef%bc%8e/render.py", 404),
    get("paths", "up, four dots", "/static/....//render.py", 404),
    get("paths", "up, with a parameter", "/static/..;/render.py", 404),
    get("paths", "backslash", "/static/..%5crender.py", 400),
    get("paths", "whole path", "/static//etc/passwd", 404),
    get("paths", "a drive", "/static/C:/windows/win.ini", 404),
    get("paths", "another scheme", "/static/file:///etc/passwd", 404),
    get("paths", "NUL", "/static/app.css%00.html", 400),
    get("paths", "line breaks", "/runs/1%0d%0aSet-Cookie:%20a=b", 400),
    get("paths", "not UTF-8", "/static/%ff%fe", 404),
    get("paths", "too long", "/runs/" + "a" * 2000, 414),
    get("paths", "long query", "/api/runs?a=" + "b" * 7_000, 200),
    get("paths", "too long query", "/api/runs?a=" + "b" * 8_000, 414),
    get("paths", "NUL in the query", "/api/runs?a=%00", 400),
    get("paths", "long header", "/api/runs", 200, ("X-Long", "a" * 31_000)),
    get("paths", "too long header", "/api/runs", 431, ("X-Long", "a" * 32_000)),
    get("paths", "too many headers", "/api/runs", 431, *[("X", "a" * 20)] * 2_000),
    Case("paths", "a star", "OPTIONS *", status=400),
    Case("paths", "unknown method", "BREW /api/runs", status=405),
    Case("paths", "method in small letters", "get /api/runs", status=405),
    Case("paths", "TRACE", "TRACE /", status=405),
    Case("paths", "a method that is not for this", "PATCH /api/runs", status=405),
    Case("paths", "no HTTP", "GET", status=400, by_server=True),
)


def sent(name: str, body: bytes, status: int, *headers: tuple[str, str], **more: object) -> Case:
    return post("bodies", name, status, JSON, *headers, body=body, **more)


def long(count: int) -> bytes:
    return b'{"a": "' + b"x" * (count - 9) + b'"}'


CHAT = "POST /api/threads/1/messages"
BODIES = (
    sent("as much as is taken", long(8_000_000), 201),
    sent("chunked", chunked(long(100_000)), 201, CHUNKS),
    sent("too much, announced", b"", 413, ("Content-Length", "8000001")),
    sent("too much for any number", b"", 413, ("Content-Length", "9" * 20)),
    sent("more digits than a length has", b"", 400, ("Content-Length", "9" * 30), by_server=True),
    sent("too much, in chunks", chunked(long(8_100_000)), 413, CHUNKS),
    sent("a chat message", long(32_000), 201, line=CHAT),
    sent("too much for a chat message", long(32_001), 413, line=CHAT),
    sent("too much for a chat message, in chunks", chunked(long(40_000)), 413, CHUNKS, line=CHAT),
    post("bodies", "too much for a sign-in", 413, FORM, body=b"name=" + b"a" * 32_000, line="POST /login",
         service="locked"),
    sent("less than nothing", b"", 400, ("Content-Length", "-1"), by_server=True),
    sent("two lengths", b"{}", 400, ("Content-Length", "2"), ("Content-Length", "3"), by_server=True),
    sent("chunks that are none", b"zz\r\n{}\r\n", 400, CHUNKS, by_server=True),
    sent("an unknown coding", b"{}", 400, ("Transfer-Encoding", "gzip, chunked"), by_server=True),
    sent("a hundred levels", b'{"a":' + b"[" * 100 + b"]" * 100 + b"}", 201),
    sent("a thousand levels", b'{"a":' + b"[" * 1000 + b"]" * 1000 + b"}", 422),
    sent("a million levels", b"[" * 1_000_000, 422),
    sent("a million objects", b'{"a":' * 1_000_000, 422),
    sent("cut off", b'{"a": ', 422),
    sent("no JSON", b"a=b", 422),
    sent("two values", b"{} {}", 422),
    sent("NaN", b'{"a": NaN}', 422),
    sent("Infinity", b'{"a": -Infinity}', 422),
    sent("a number without end", b'{"a": ' + b"9" * 100_000 + b"}", 422),
    sent("half a character", b'{"a": "\\ud800"}', 422),
    sent("NUL", b'{"a": "\\u0000"}', 422),
    sent("a backslash before u0000", b'{"a": "\\\\u0000"}', 201),
    sent("not UTF-8", b'{"a": "\xff"}', 422),
    sent("UTF-16", '{"a": 1}'.encode("utf-16"), 422),
    sent("a byte order mark", b"\xef\xbb\xbf{}", 422),
    sent("no object", b"[1]", 422),
    sent("nothing", b"", 422),
    sent("compressed", b"\x1f\x8b\x08\x00", 422, ("Content-Encoding", "gzip")),
    sent("slow", b'{"a":', 408, ("Content-Length", "100"), service="slow"),
    sent("slow, in chunks", b"5\r\n{", 408, CHUNKS, service="slow"),
    sent("in time", b"{}", 201, service="slow"),
)  # fmt: skip
CASES = (*REBINDING, *CROSS_SITE, *FORMS, *OTHER_ORIGINS, *TOKENS, *COOKIES, *PATHS, *BODIES)
KINDS = Counter(case.kind for case in CASES)


@pytest.fixture(scope="module")
def services() -> Iterator[dict[str, Service]]:
    def quick() -> float:
        return float(next(minutes))

    minutes = itertools.count(step=60)  # no case runs into a limit on how often
    with (
        served(tiny_app(seconds=quick)) as is_open,
        served(tiny_app(seconds=quick, token=TOKEN, hosts=HOSTS)) as locked,
        served(tiny_app(seconds=quick, body_seconds=0.1)) as slow,
    ):
        yield {"open": is_open, "locked": locked, "slow": slow}


@pytest.fixture(scope="module")
def cookies() -> dict[str, str]:
    now = SystemClock().now()
    keys = Keys(TOKEN, SystemClock())
    good = keys.cookie_for("ada")
    name, stamp, signature = good.split(".")
    eve = keys.cookie_for("eve").split(".")[0]
    return {
        "cookie": good,
        "of_another_token": Keys(OTHER_TOKEN, SystemClock()).cookie_for("ada"),
        "expired": Keys(TOKEN, FixedClock(now - timedelta(hours=12, seconds=2))).cookie_for("ada"),
        "of_tomorrow": Keys(TOKEN, FixedClock(now + timedelta(days=1))).cookie_for("ada"),
        "renamed": f"{eve}.{stamp}.{signature}",
        "bent": f"{name}.{stamp}.{signature[::-1]}",
        "unsigned": f"{name}.{stamp}",
    }


@pytest.mark.parametrize("case", CASES, ids=[f"{case.kind}: {case.name}" for case in CASES])
def test_a_request_is_let_in_or_refused(case: Case, services: dict[str, Service], cookies: dict[str, str]):
    service = services[case.service]
    reached = service.app.state.reached
    reached.clear()
    answer = service.send(raw(case.line, case.headers, case.body, {"port": service.port, **cookies}))
    assert answer.status == case.status, answer.body[:500]
    let_in = case.status in {200, 201} and "/static" not in case.line and "/login" not in case.line
    assert bool(reached) == let_in, "what is refused reaches nothing"
    assert TOKEN.encode() not in answer.body
    assert answer.headers["server"] is None
    if not case.by_server:
        assert {name: answer.headers[name] for name in ALWAYS} == ALWAYS
        assert answer.headers["content-security-policy"] == CSP
        assert (answer.headers["cache-control"] == "no-store") == ("/static" not in case.line)
        is_listed = case.kind == "other origins" and case.status != 403
        shared_with = LISTED[1] if is_listed else None
        assert answer.headers["access-control-allow-origin"] == shared_with
        assert answer.headers["access-control-allow-credentials"] is None
    if case.status >= 400 and not case.by_server:
        assert answer.headers.get_content_type() == "application/problem+json"
        assert json.loads(answer.body)["status"] == case.status
    if case.status == 401:
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("kind", KINDS, ids=[f"{kind}: {count} cases" for kind, count in KINDS.items()])
def test_each_kind_has_requests_that_are_let_in(kind: str):
    """A guard that refuses everything would refuse these too; 228 cases in all."""
    assert len(CASES) == 228
    assert any(case.status in {200, 201, 204} for case in CASES if case.kind == kind)
    assert sum(case.status >= 300 for case in CASES if case.kind == kind) >= 5


def test_names_of_cases_are_their_own():
    assert len({(case.kind, case.name) for case in CASES}) == len(CASES)


def test_a_document_keeps_its_own_policy(services: dict[str, Service]):
    """Only the service's own pages may frame it."""
    service = services["open"]
    answer = service.send(raw("GET /report", (), b"", {"port": service.port}))
    assert answer.headers["content-security-policy"] == f"{REPORT_CSP}; frame-ancestors 'self'"
    assert answer.headers["cache-control"] == "no-store"


def test_an_unexpected_failure_has_the_headers_and_tells_nothing(
    services: dict[str, Service], caplog: pytest.LogCaptureFixture
):
    service = services["open"]
    answer = service.send(raw("GET /api/boom", (), b"", {"port": service.port}))
    assert answer.status == 500
    assert answer.headers["content-security-policy"] == CSP
    assert json.loads(answer.body)["detail"] == "Something unexpected went wrong (RuntimeError)."
    assert "an unexpected failure" in caplog.text


def test_requests_of_one_connection_are_checked_each(services: dict[str, Service]):
    """Pipelined: the second names another host."""
    service = services["open"]
    values = {"port": service.port}
    first = raw("GET /api/runs", (), b"", values)
    second = raw("GET /api/runs", [("Host", "evil.example"), ("Connection", "close")], b"", values)
    with socket.create_connection(("127.0.0.1", service.port), PATIENCE) as connection:
        connection.sendall(first + second)
        said = b"".join(iter(lambda: connection.recv(65536), b""))
    assert said.count(b"HTTP/1.1 200 ") == 1
    assert said.count(b"HTTP/1.1 421 ") == 1
