"""Ports that nobody takes between the moment they are chosen and the moment somebody listens on them."""

from __future__ import annotations

import socket
import sys
from typing import Self


class Port:
    """A port of the loopback address for somebody who is told its number, and for nobody else until it is
    closed: Linux gives what a socket is bound to, that does not listen, to no other that asks for any port,
    and yet to one that asks for this one. Elsewhere it was free a moment ago.
    """

    def __init__(self) -> None:
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.bind(("127.0.0.1", 0))
        self.number: int = self._held.getsockname()[1]
        if sys.platform != "linux":
            self.close()

    def close(self) -> None:
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
