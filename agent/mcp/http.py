"""Streamable HTTP: inside the service, where it costs nothing until somebody asks, or alone."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.routing import Route

from agent.mcp.desk import Desk, own_desk

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from agent.settings import Settings

PATH = "/mcp"
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def mcp_app(desk: Desk, hosts: Sequence[str] = LOOPBACK) -> Starlette:
    """The protocol at ``/mcp``, for requests to ``hosts`` (on any port) alone; its lifespan has to be run."""
    from mcp.server.transport_security import TransportSecuritySettings

    from agent.mcp.server import make_server

    named = [host for one in hosts for host in (one, f"{one}:*")]
    return make_server(desk).streamable_http_app(
        streamable_http_path=PATH,
        transport_security=TransportSecuritySettings(
            enable_dns_rebinding_protection=True,
            allowed_hosts=named,
            allowed_origins=[f"{scheme}://{host}" for host in named for scheme in ("http", "https")],
        ),
    )


def names_of(settings: Settings, host: str) -> tuple[str, ...]:
    """The names under which a service that listens on ``host`` is reached, as its guard takes them."""
    from agent.service.guard_hosts import EVERYWHERE, bracketed, parse_hosts

    named = [one.name for one in parse_hosts(settings.hosts).hosts]
    if host in EVERYWHERE:
        import psutil

        own = [one.address for found in psutil.net_if_addrs().values() for one in found]
    else:
        own = [host]
    return (*LOOPBACK, *(bracketed(one.partition("%")[0]) for one in own), *named)


class McpEndpoint:
    """:func:`mcp_app`, made when the first request comes: importing the protocol takes half a second."""

    def __init__(self, desk: Callable[[], Desk], hosts: Sequence[str] = LOOPBACK) -> None:
        self._desk = desk
        self._hosts = hosts
        self._closing = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._app: asyncio.Future[ASGIApp] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._app is None:
            self._app = asyncio.get_running_loop().create_future()
            self._keeper = asyncio.create_task(self._keep(self._app))
        # Shielded: a client that leaves must not take the application from the others.
        app = await asyncio.shield(self._app)
        await app(scope, receive, send)

    @property
    def route(self) -> Route:
        return Route(PATH, endpoint=self, include_in_schema=False)

    async def close(self) -> None:
        """End every session."""
        self._closing.set()
        if self._keeper is not None:
            await self._keeper

    async def _keep(self, made: asyncio.Future[ASGIApp]) -> None:
        """Sessions live in a task group, which the same task has to open and close."""
        try:
            await asyncio.to_thread(importlib.import_module, "agent.mcp.server")
            app = mcp_app(self._desk(), self._hosts)
            async with app.router.lifespan_context(app):
                made.set_result(app)
                await self._closing.wait()
        except Exception as error:
            if made.done():
                raise
            self._app = None  # the next request tries again
            made.set_exception(error)


def standalone(settings: Settings) -> Starlette:
    """``/mcp`` and nothing else, with an engine of its own."""
    importlib.import_module("agent.mcp.server")  # now, so that the first request need not wait for it
    opened: list[Desk] = []
    endpoint = McpEndpoint(lambda: opened[-1])

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with own_desk(settings) as desk:
            opened.append(desk)
            try:
                yield
            finally:
                await endpoint.close()

    return Starlette(routes=[endpoint.route], lifespan=lifespan)
