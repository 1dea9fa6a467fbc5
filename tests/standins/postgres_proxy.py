"""A connection to PostgreSQL that breaks where a test wants it to: before a commit arrives, or after it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from enum import Enum

from sqlalchemy import make_url


class Break(Enum):
    BEFORE = "the commit does not reach the server"
    AFTER = "the server commits, and its word is lost"


class Proxy:
    """Forwards between a loopback port and the server's socket; :attr:`breaks` holds for the next commit."""

    def __init__(self, url: str) -> None:
        self._real = make_url(url)
        folder = self._real.query["host"]
        self._path = f"{folder}/.s.PGSQL.5432"
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.breaks: Break | None = None
        self.broken = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        port = self._listening.getsockname()[1]
        plain = self._real.set(host="127.0.0.1", port=port, query={"sslmode": "disable"})
        return plain.render_as_string(hide_password=False)

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._path)
                lost = threading.Event()
                for work in (self._to_server, self._to_client):
                    threading.Thread(target=work, args=(client, server, lost), daemon=True).start()

    def _to_server(self, client: socket.socket, server: socket.socket, lost: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                if self.breaks is not None and b"COMMIT" in data:
                    what, self.breaks = self.breaks, None
                    self.broken += 1
                    lost.set()
                    if what is Break.BEFORE:
                        break
                server.sendall(data)
                if lost.is_set():
                    return  # the server's answer ends this connection
        _end(client, server)

    def _to_client(self, client: socket.socket, server: socket.socket, lost: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while (data := server.recv(65536)) and not lost.is_set():
                client.sendall(data)
        _end(client, server)


def _end(*sockets: socket.socket) -> None:
    for one in sockets:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()


@contextlib.contextmanager
def between(url: str) -> Iterator[Proxy]:
    """A proxy in front of the server at ``url``."""
    proxy = Proxy(url)
    try:
        yield proxy
    finally:
        proxy.close()
