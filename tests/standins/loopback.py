"""What the stand-in servers share: a threaded HTTP server on loopback that keeps what it was asked."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self

from tests.standins.ports import Port


class Asked(NamedTuple):
    """A request as it arrived."""

    method: str
    path: str
    """With the query."""
    body: bytes
    headers: dict[str, str]
    """Names in lower case."""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Loopback:
    """A server on a free port of 127.0.0.1, for the length of a ``with`` block.

    Subclasses answer in :meth:`answer`, which runs in a thread of its own for every connection.
    """

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.first_asked = threading.Event()
        """Set with the first request."""
        self.closing = threading.Event()
        """Set when the server goes down: what a slow answer waits for."""
        self._connections: set[socket.socket] = set()
        self._reserved = Port()
        self._listen()

    def _listen(self) -> None:
        handler = type("Handler", (Exchange,), {"owner": self, "connections": self._connections})
        self._server = _Server(("127.0.0.1", self._reserved.number), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def kill(self) -> None:
        """Go down at once, as a process that is killed does: what is under way breaks off."""
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        for connection in tuple(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._connections.clear()

    def revive(self) -> None:
        """Come up again on the same port."""
        self.closing.clear()
        self._listen()
        self._thread.start()

    @property
    def port(self) -> int:
        return self._reserved.number

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, exchange: Exchange, asked: Asked) -> None:
        raise NotImplementedError

    def bodies(self, path: str) -> list[Any]:
        """JSON bodies of the requests for ``path``, in order."""
        return [asked.json for asked in self.asked if asked.path == path and asked.body]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._reserved.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


class Exchange(BaseHTTPRequestHandler):
    """One request and its answer."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    owner: Loopback
    connections: set[socket.socket]

    def setup(self) -> None:
        super().setup()
        self.connections.add(self.connection)

    def finish(self) -> None:
        self.connections.discard(self.connection)
        with contextlib.suppress(ConnectionError):
            super().finish()

    def _exchange(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, self.path, body, headers)
        self.owner.asked.append(asked)
        self.owner.first_asked.set()
        try:
            self.owner.answer(self, asked)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_DELETE = do_PUT = _exchange  # noqa: N815 – names that http.server calls

    def send(self, status: int, body: bytes = b"", content_type: str = "", **headers: str) -> None:
        """A whole answer. Underscores in the names of ``headers`` stand for hyphens."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if content_type:
            self.send_header("Content-Type", content_type)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_json(self, value: Any, status: int = 200, **headers: str) -> None:
        self.send(status, json.dumps(value).encode(), "application/json; charset=utf-8", **headers)

    def begin_chunks(self, content_type: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def send_chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def end_chunks(self) -> None:
        self.wfile.write(b"0\r\n\r\n")

    def cut(self) -> None:
        """Close the connection in the middle of the answer."""
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 – the base class names it so
        """Silence."""
