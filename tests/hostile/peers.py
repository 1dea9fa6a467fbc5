"""Servers that keep to no protocol: raw bytes on a loopback socket, and a count of how many got out."""

from __future__ import annotations

import contextlib
import itertools
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from typing import Self

from tests.standins.patience import PATIENCE

MOST = 48_000_000
"""Bytes after which an endless peer gives up; a reader that took so many was not bounded."""


class Peer:
    """One connection, its request read."""

    def __init__(self, server: RawServer, connection: socket.socket, request: bytes) -> None:
        self._server = server
        self._connection = connection
        self.request = request

    def send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            count = self._connection.send(view[:65_536])
            self._server.sent += count
            view = view[count:]

    def head(self, *lines: str, status: str = "200 OK") -> None:
        """A head; without a ``Content-Length`` or ``Transfer-Encoding`` the body ends with the connection."""
        text = "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status}", *lines))
        self.send(f"{text}\r\n".encode("latin-1"))

    def endless(self, data: bytes, most: int = MOST) -> None:
        """``data`` again and again, until the client hangs up or it is too much."""
        block = data * max(1, 65_536 // len(data))
        sent = 0
        while sent < most:
            self.send(block)
            sent += len(block)

    def drip(self, data: Iterable[bytes]) -> None:
        """One piece after another for as long as the client stays; slower than any time limit."""
        for piece in data:
            if self._server.closing.wait(0.05):
                return
            self.send(piece)

    def hold(self) -> None:
        """Say no more, and keep the connection."""
        self._connection.settimeout(PATIENCE)
        with contextlib.suppress(OSError):
            self._connection.recv(1)


Script = Callable[[Peer], None]


class RawServer:
    """Plays ``script`` on every connection; ``sent`` counts the bytes that clients took.

    With ``keeps`` a connection stays open for the next request; with ``tls`` it is encrypted; with ``greets``
    it answers whatever comes first, a request or not.
    """

    def __init__(
        self,
        script: Script,
        *,
        keeps: bool = False,
        tls: ssl.SSLContext | None = None,
        greets: bool = False,
    ) -> None:
        self._script = script
        self._keeps = keeps
        self._tls = tls
        self._end = b"" if greets else b"\r\n\r\n"
        self._listener = socket.create_server(("127.0.0.1", 0))
        # Small buffers, so that what is sent is near to what is read.
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
        self.port: int = self._listener.getsockname()[1]
        self.sent = 0
        self.connections = 0
        self.closing = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def netloc(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def address(self) -> str:
        return f"http://{self.netloc}"

    def __enter__(self) -> Self:
        self._begin(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(PATIENCE)

    def _begin(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            for _ in itertools.count():
                connection, _address = self._listener.accept()
                self.connections += 1
                self._begin(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            stack.enter_context(connection)
            connection.settimeout(PATIENCE)
            if self._tls is not None:
                connection = stack.enter_context(self._tls.wrap_socket(connection, server_side=True))
            while request := _request(connection, self._end):
                self._script(Peer(self, connection, request))
                if not self._keeps or self.closing.is_set():
                    return


def _request(connection: socket.socket, end: bytes) -> bytes:
    data = b""
    while not data or end not in data:
        piece = connection.recv(65_536)
        if not piece:
            return b""
        data += piece
    return data
