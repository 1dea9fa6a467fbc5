"""The service as clients meet it: a process on a loopback port, a thread, or the bare application."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from agent.engine import Engine
from agent.service.app import make_app
from agent.settings import Settings
from tests.standins.command_line import environment, warm
from tests.standins.patience import PATIENCE, until
from tests.standins.ports import Port
from tests.standins.zygote import Forked


class Served:
    """``bms serve`` in a process of its own, that can be killed and started again on the same port."""

    def __init__(self, home: Path, env: dict[str, str]) -> None:
        self.home = home
        self.reserved = Port()
        self.port = self.reserved.number
        self.url = f"http://127.0.0.1:{self.port}"
        ours = {name: os.environ[name] for name in ("BMS_DATABASE_URL",) if name in os.environ}
        self._env = environment(home, **{**ours, **env})
        self.process = self._begin()

    def client(self, **options: Any) -> httpx.Client:
        """A client of it, which whoever asks for it closes."""
        return httpx.Client(base_url=self.url, timeout=PATIENCE, **options)

    def stop(self) -> int:
        """Ctrl-C, and wait for its end; the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """``kill -9``."""
        self.process.kill()
        self.process.wait(PATIENCE)

    def restart(self) -> None:
        """Start it again after :meth:`stop` or :meth:`kill`."""
        assert self.process.poll() is not None, "it still runs"
        self.process = self._begin()

    @property
    def said(self) -> str:
        """What it has written so far."""
        return self._log.read_text("utf-8", "replace")

    @property
    def _log(self) -> Path:
        return self.home / "served.log"

    def _begin(self) -> Forked:
        self.home.mkdir(parents=True, exist_ok=True)
        log, port = str(self._log), str(self.port)
        self.process = warm().start(f"{__name__}:serve", log, port, cwd=self.home, env=self._env)
        try:
            until(self._listens, lambda: f"the service does not listen:\n{self.said}")
            httpx.get(f"{self.url}/api/health", timeout=PATIENCE, trust_env=False).raise_for_status()
        except BaseException:
            self.kill()
            raise
        return self.process

    def _listens(self) -> bool:
        assert self.process.poll() is None, f"the service ended:\n{self.said}"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), PATIENCE):
            return True
        return False


def serve(arguments: Sequence[str]) -> None:
    """In a forked process: ``bms serve`` on a port, writing to the end of a file."""
    log, port = arguments
    with open(log, "ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    from agent.cli import main
    from tests.standins.nested import fork_drivers

    fork_drivers()
    main(["serve", "--port", port])


@contextmanager
def serving(home: Path, **env: str) -> Iterator[Served]:
    """``bms serve`` with its data in ``home``, once it answers; stopped at the end of the block.

    ``env`` are further variables of its environment, which has none of the developer's settings.
    """
    served = Served(home, env)
    try:
        yield served
    finally:
        if served.process.poll() is None:
            served.process.send_signal(signal.SIGINT)
            try:
                served.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                served.kill()
        served.reserved.close()


@contextmanager
def listening(settings: Settings, *, engine: Engine | None = None, **options: Any) -> Iterator[str]:
    """The application in a thread of this process; its URL. ``options`` go to ``make_app``."""
    import uvicorn

    app = make_app(settings, engine=engine, **options)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=5))
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        await server.serve([listener])

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    try:
        until(lambda: server.started or not thread.is_alive(), lambda: "the service does not begin")
        assert server.started, "the service ended before it began"
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        if server.started:
            loops[0].call_soon_threadsafe(app.state.place.feeds.close)  # streams have no end of their own
        server.should_exit = True
        thread.join(PATIENCE)


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[FastAPI]:
    """The application between its start and its end, without a port."""
    async with app.router.lifespan_context(app):
        yield app


@asynccontextmanager
async def inside(
    settings: Settings, *, engine: Engine | None = None, **options: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """A client that calls the application in this process, without a port.

    A response is there when it is whole, so an endless one (events as SSE) needs a real port.
    """
    app = make_app(settings, engine=engine, **options)
    async with running(app):
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8765") as client:
            yield client


class NoEngine:
    """Carries nothing out: orders stay as they were stored. ``woken`` counts the calls."""

    def __init__(self) -> None:
        self.woken = 0

    async def start(self) -> None: ...

    def wake(self) -> None:
        self.woken += 1

    async def stop(self) -> None: ...
