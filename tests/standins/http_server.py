"""A small HTTP server on loopback, in a thread: what the stand-ins are built on."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit


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


def as_json(value: Any, *, status: int = 200, **headers: str) -> Answered:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Answered(json.dumps(value).encode(), status, "application/json; charset=utf-8", named)


class StandIn:
    """A server that answers with ``respond``; a context manager. ``asked`` holds every request so far."""

    def __init__(self, respond: Callable[[Asked], Answered]) -> None:
        self.asked: list[Asked] = []
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

    def start(self) -> Self:
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _handle(self) -> None:
                parts = urlsplit(self.path)
                asked = Asked(
                    method=self.command,
                    path=unquote(parts.path),
                    query=parse_qs(parts.query, keep_blank_values=True),
                    headers={name.lower(): value for name, value in self.headers.items()},
                    body=self.rfile.read(int(self.headers.get("content-length") or 0)),
                )
                stand_in.asked.append(asked)
                answer = stand_in._respond(asked)
                if answer.wait is not None:
                    answer.wait.wait(30)
                self.send_response(answer.status)
                if answer.content_type:
                    self.send_header("Content-Type", answer.content_type)
                self.send_header("Content-Length", str(len(answer.body)))
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer.body)

            do_GET = do_POST = do_HEAD = _handle  # noqa: N815 - http.server's names

            def log_message(self, *_: Any) -> None:
                return

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_: Any) -> None:
                """A client that hangs up early is part of the tests."""

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
