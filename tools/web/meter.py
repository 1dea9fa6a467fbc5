"""How many bytes a server may send for one request, whatever it wraps them in.

Heads, interim replies (``100 Continue``), chunk sizes, their extensions and packed blocks that hold nothing
are no part of a body, so a bound on the body alone lets a server send them without end.
"""

from __future__ import annotations

import ssl
from typing import Any

import httpcore

from tools.web.body import TooLargeError, UnreadableError

HEAD_BYTES = 262_144
"""All that may come before a body, interim replies included; and what may be wrapped around one."""


class MeteredStream(httpcore.AsyncNetworkStream):
    """A connection that counts what it reads, anew after each request that is written.

    Raises :class:`~tools.web.body.UnreadableError` when the head of a reply does not end, and
    :class:`~tools.web.body.TooLargeError` when its body, as it is sent, is larger than was allowed.
    """

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner
        self._left = HEAD_BYTES
        self._in_body = False

    def body_begins(self, most: int) -> None:
        """From here on the body comes, which is of no use if it is larger than ``most`` bytes."""
        self._left = most + HEAD_BYTES
        self._in_body = True

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's
        data = await self._inner.read(max_bytes, timeout)
        self._left -= len(data)
        if self._left < 0:
            if self._in_body:
                raise TooLargeError
            raise UnreadableError(f"the head of the reply goes on for more than {HEAD_BYTES:,} bytes")
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's
        self._left = HEAD_BYTES
        self._in_body = False
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        try:
            return MeteredStream(await self._inner.start_tls(ssl_context, server_hostname, timeout))
        except BaseException:  # httpcore forgets the connection of a handshake that is cancelled
            await self.aclose()
            raise

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
