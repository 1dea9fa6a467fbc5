"""A small HTTP server on loopback, in a thread: what the stand-ins are built on."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, unquote, urlsplit

from tests.standins.patience import PATIENCE


@dataclass(frozen=True)
class Asked:
    """A request as it arrived; header names in lower case."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    @property
    def host(self) -> str:
        return self.headers.get("host", "").split(":")[0].lower()

    @property
    def base(self) -> str:
        """The address that the client believes to talk to: public hosts are asked over https."""
        name = self.headers.get("host", "")
        return f"{'http' if name.startswith(('127.', 'localhost')) else 'https'}://{name}"


@dataclass(frozen=True)
class Answered:
    """A reply."""

    body: bytes = b""
    status: int = 200
    content_type: str = "text/plain; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)
    wait: threading.Event | None = None
    """The reply waits for this event: a server that does not answer in time."""
    cut_after: int | None = None
    """The connection breaks after this many bytes of the body, which was announced whole."""
    chunks: Iterable[bytes] | None = None
    """Sent instead of the body, chunked: a reply of any length that nobody holds in memory."""


@dataclass(frozen=True)
class Manner:
    """How a server treats its clients. Limits count per host name, as a public host would."""

    latency_seconds: float = 0.0
    interval_seconds: float = 0.0
    """Least time between two requests in the long run; 0 is no limit."""
    burst: int = 4
    """Requests that may come early: arrivals bunch although they were sent apart."""
    at_once: int | None = None
    """Requests of one host that are answered at a time."""
    retry_after_seconds: int = 1
    """Told to whoever breaks a limit, with status 429."""


class Logged(NamedTuple):
    """A request that was answered. Times are seconds of ``time.monotonic``."""

    host: str
    path: str
    query: str
    status: int
    began: float
    ended: float
    wanted: str = ""
    """The ``Range`` that was asked for."""


def as_json(value: Any, *, status: int = 200, **headers: str) -> Answered:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Answered(json.dumps(value).encode(), status, "application/json; charset=utf-8", named)


class _Gate:
    """Watches the limits of a manner. The rate is a generic cell rate algorithm (ITU-T I.371)."""

    def __init__(self, manner: Manner) -> None:
        self._manner = manner
        self._lock = threading.Lock()
        self._due: dict[str, float] = {}
        self._inside: defaultdict[str, int] = defaultdict(int)

    def enter(self, host: str) -> bool:
        """Whether one more request of this host is within its limits; it has to :meth:`leave` in any case."""
        manner, now = self._manner, time.monotonic()
        with self._lock:
            self._inside[host] += 1
            due = max(self._due.get(host, now), now)
            early = due - now > manner.interval_seconds * manner.burst
            crowded = manner.at_once is not None and self._inside[host] > manner.at_once
            if not early and not crowded:
                self._due[host] = due + manner.interval_seconds
            return not early and not crowded

    def leave(self, host: str) -> None:
        with self._lock:
            self._inside[host] -= 1


class StandIn:
    """A server that answers with ``respond``; a context manager.

    ``asked`` holds every request so far, ``log`` every answer, ``violations`` how many requests of each host
    broke the limits of ``manner`` and got 429.
    """

    def __init__(self, respond: Callable[[Asked], Answered], *, manner: Manner | None = None) -> None:
        self.asked: list[Asked] = []
        self.log: list[Logged] = []
        self.violations: defaultdict[str, int] = defaultdict(int)
        self.manner = manner or Manner()
        self._gate = _Gate(self.manner)
        self._respond = respond
        self._server: ThreadingHTTPServer | None = None
        self._closing = threading.Event()

    @property
    def port(self) -> int:
        assert self._server is not None, "the stand-in is not started"
        return int(self._server.server_address[1])

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def netloc(self) -> str:
        return f"127.0.0.1:{self.port}"

    def answer(self, asked: Asked) -> Answered:
        """The reply to ``asked``, after the latency and within the limits of the manner."""
        self.asked.append(asked)
        try:
            if not self._gate.enter(asked.host):
                self.violations[asked.host] += 1
                return Answered(b"", 429, headers={"Retry-After": str(self.manner.retry_after_seconds)})
            self._closing.wait(self.manner.latency_seconds)
            return self._respond(asked)
        finally:
            self._gate.leave(asked.host)

    def start(self) -> Self:
        stand_in = self
        self._closing.clear()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def _handle(self) -> None:
                began = time.monotonic()
                parts = urlsplit(self.path)
                asked = Asked(
                    method=self.command,
                    path=unquote(parts.path),
                    query=parse_qs(parts.query, keep_blank_values=True),
                    headers={name.lower(): value for name, value in self.headers.items()},
                    body=self.rfile.read(int(self.headers.get("content-length") or 0)),
                )
                answer = stand_in.answer(asked)
                if answer.wait is not None:
                    answer.wait.wait(PATIENCE)
                self._send(answer)
                ended = time.monotonic()
                wanted = asked.headers.get("range", "")
                stand_in.log.append(
                    Logged(asked.host, asked.path, parts.query, answer.status, began, ended, wanted)
                )

            def _send(self, answer: Answered) -> None:
                self.send_response(answer.status)
                if answer.content_type:
                    self.send_header("Content-Type", answer.content_type)
                if answer.chunks is None:
                    self.send_header("Content-Length", str(len(answer.body)))
                else:
                    self.send_header("Transfer-Encoding", "chunked")
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command == "HEAD":
                    return
                for chunk in answer.chunks or ():
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
                self.wfile.write(
                    b"0\r\n\r\n" if answer.chunks is not None else answer.body[: answer.cut_after]
                )
                if answer.cut_after is not None:
                    self.close_connection = True

            do_GET = do_POST = do_HEAD = _handle  # noqa: N815 - http.server's names

            def log_message(self, *_: Any) -> None:
                return

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False
            request_queue_size = 64

            def handle_error(self, *_: Any) -> None:
                """A client that hangs up early is part of the tests."""

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self) -> None:
        if self._server is not None:
            self._closing.set()
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
