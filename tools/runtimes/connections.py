"""Connections to one server, each kept for the next request.

``httpx`` has one pool for all connections, which looks at every connection for every other one whenever a
request begins or ends: at 20 requests at a time that is a third of a call's work. Here every request has a
lane of its own, a transport with one connection, and takes the lane that was used last: there are never more
connections than requests at a time, and none is opened while another is idle.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Protocol, cast

import httpx

_HUNG_UP = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)
"""How it looks when a server ends a kept connection (after 5 seconds or 100 requests, as llama.cpp's does) at
the moment in which the next request goes out. Then it has answered nothing, and the request is sent anew."""
_ONE = httpx.Limits(max_connections=1, max_keepalive_connections=1)


class Lanes(httpx.AsyncBaseTransport):
    """Transport with as many connections as there are requests at a time."""

    def __init__(self, verify: ssl.SSLContext | bool) -> None:
        """``verify`` is shared by all lanes; False where nothing is encrypted."""
        self._verify = verify
        self._busy: set[httpx.AsyncHTTPTransport] = set()
        self._idle: list[httpx.AsyncHTTPTransport] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._idle:
            with suppress(*_HUNG_UP):
                return await self._on(self._idle.pop(), request)
        return await self._on(self._opened(), request)

    async def _on(self, lane: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        self._busy.add(lane)
        try:
            response = await lane.handle_async_request(request)
        except BaseException:
            await self._leave(lane, whole=False)
            raise
        response.stream = _OnLane(cast("httpx.AsyncByteStream", response.stream), lane, self._leave)
        return response

    async def aclose(self) -> None:
        for lane in (*self._idle, *self._busy):
            await lane.aclose()
        self._idle.clear()
        self._busy.clear()

    def _opened(self) -> httpx.AsyncHTTPTransport:
        return httpx.AsyncHTTPTransport(verify=self._verify, limits=_ONE)

    async def _leave(self, lane: httpx.AsyncHTTPTransport, *, whole: bool) -> None:
        """A lane whose request failed or was cancelled may not know that it is free: it is not used again."""
        self._busy.discard(lane)
        if whole:
            self._idle.append(lane)
        else:
            await lane.aclose()


class _Leave(Protocol):
    async def __call__(self, lane: httpx.AsyncHTTPTransport, *, whole: bool) -> None: ...


class _OnLane(httpx.AsyncByteStream):
    """A response's body; when it is closed its lane is free."""

    def __init__(self, stream: httpx.AsyncByteStream, lane: httpx.AsyncHTTPTransport, leave: _Leave) -> None:
        self._stream = stream
        self._lane: httpx.AsyncHTTPTransport | None = lane
        self._leave = leave

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._stream.__aiter__()

    async def aclose(self) -> None:
        lane, self._lane = self._lane, None
        whole = False
        try:
            await self._stream.aclose()
            whole = True
        finally:
            if lane is not None:
                await self._leave(lane, whole=whole)
