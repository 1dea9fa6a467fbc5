"""A tiny service behind the guard, and raw requests to it over a real socket."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from http.client import HTTPMessage, HTTPResponse
from typing import Annotated, Any, NamedTuple

import uvicorn
from fastapi import Body, FastAPI, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from agent.commands.serve import config_of
from agent.pages.render import STATIC
from agent.service import guard, problems
from agent.settings import Settings
from tests.standins.patience import PATIENCE
from tools.clock import Clock

TOKEN = "correct-horse-battery-staple"
OTHER_TOKEN = "another-horse-another-staple"
REPORT_CSP = "default-src 'none'; style-src 'unsafe-inline'"


def tiny_app(
    *,
    token: str | None = None,
    hosts: str = "",
    bound_host: str = "127.0.0.1",
    clock: Clock | None = None,
    seconds: Callable[[], float] = time.monotonic,
    body_seconds: float = PATIENCE,
) -> FastAPI:
    """An app with a few routes, of which ``app.state.reached`` tells which were reached."""
    app = FastAPI(openapi_url=None)
    reached: list[str] = []
    app.state.reached = reached

    def reach(request: Request) -> dict[str, Any]:
        reached.append(f"{request.method} {request.url.path}")
        return {"person": getattr(request.state, "person", None)}

    @app.get("/", response_class=HTMLResponse)
    @app.get("/runs/{run_id}", response_class=HTMLResponse)
    async def page(request: Request) -> str:
        reach(request)
        return "<p>the page"

    @app.get("/report", response_class=HTMLResponse)
    async def report(request: Request) -> HTMLResponse:
        reach(request)
        return HTMLResponse("<p>", headers={"Content-Security-Policy": REPORT_CSP, "Cache-Control": "public"})

    @app.get("/api/runs")
    @app.get("/langgraph/ok")
    @app.delete("/api/runs")
    async def look(request: Request) -> dict[str, Any]:
        return reach(request)

    @app.post("/api/runs", status_code=201)
    @app.post("/api/threads", status_code=201)
    @app.post("/api/threads/{thread_id}/messages", status_code=201)
    @app.post("/langgraph/threads", status_code=201)
    @app.post("/langgraph/threads/{thread_id}/runs/stream", status_code=201)
    @app.post("/mcp", status_code=201)
    async def create(request: Request, what: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        return {**reach(request), "keys": len(what)}

    @app.post("/api/runs/{run_id}/cancel")
    async def cancel(request: Request) -> dict[str, Any]:
        return reach(request)

    @app.get("/api/events")
    async def events(request: Request) -> StreamingResponse:
        reach(request)

        async def stream() -> AsyncIterator[str]:
            yield "id: 1\n\n"
            while not await request.is_disconnected():
                yield ": idle\n\n"
                await asyncio.sleep(0.05)

        return StreamingResponse(stream(), media_type="text/event-stream")

    @app.get("/api/boom")
    async def boom(request: Request) -> PlainTextResponse:
        reach(request)
        raise RuntimeError(f"the token is {token}")

    problems.install(app)
    app.mount("/static", StaticFiles(directory=STATIC))
    settings = Settings(token=token, hosts=hosts)  # type: ignore[arg-type]
    guard.install(app, settings, bound_host, clock=clock, seconds=seconds, body_seconds=body_seconds)
    return app


class Answer(NamedTuple):
    status: int
    headers: HTTPMessage
    body: bytes


class Service(NamedTuple):
    """An app that listens."""

    app: FastAPI
    port: int
    arrived: list[str]
    """Requests that came to the guard, whatever became of them."""
    answered: list[str]
    """Those of them that have their answer, or were given up."""

    def send(self, request: bytes) -> Answer:
        """What the service answers to these very bytes."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as connection:
            with contextlib.suppress(ConnectionError):  # it may have answered before it heard everything
                connection.sendall(request)
            response = HTTPResponse(connection)
            response.begin()
            streams = response.headers.get_content_type() == "text/event-stream"
            return Answer(response.status, response.headers, response.read1() if streams else response.read())


Headers = Sequence[tuple[str, str | None]]
"""``Host`` and ``Content-Length`` are added, unless they are here; None leaves one out."""


def raw(line: str, headers: Headers, body: bytes, values: Mapping[str, object]) -> bytes:
    """A request as bytes; ``{name}``s in its line and headers are filled in from ``values``."""
    words = line.format(**values)
    named = {name.lower() for name, _ in headers}
    given = [(name, value.format(**values)) for name, value in headers if value is not None]
    if "host" not in named:
        given.insert(0, ("Host", f"127.0.0.1:{values['port']}"))
    if body and not named & {"content-length", "transfer-encoding"}:
        given.append(("Content-Length", str(len(body))))
    first = words if words.rpartition(" ")[2].startswith("HTTP/") else f"{words} HTTP/1.1"
    head = "\r\n".join([first, *(f"{name}: {value}" for name, value in given)])
    return head.encode("utf-8") + b"\r\n\r\n" + body


def chunked(body: bytes, size: int = 60_000) -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*pieces, b""])


@contextlib.contextmanager
def served(app: FastAPI) -> Iterator[Service]:
    """The app on a port of its own, in a thread, served as ``bms serve`` does it."""
    arrived: list[str] = []
    answered: list[str] = []

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            arrived.append(f"{scope['method']} {scope['path']}")
        try:
            await app(scope, receive, send)
        finally:
            if scope["type"] == "http":
                answered.append(f"{scope['method']} {scope['path']}")

    server = uvicorn.Server(config_of(watched))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield Service(app, port, arrived, answered)
        finally:
            server.should_exit = server.force_exit = True
            thread.join(PATIENCE)
            assert not thread.is_alive()
