"""``bms serve``: the page and the API."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING, Any

import click

from agent.settings import load_settings
from tools.faults import Fault, WrongUse

if TYPE_CHECKING:
    from fastapi import FastAPI

CONNECTIONS = 400
"""At the same time; each takes a file descriptor, of which a process often has 1024."""
GRACE_SECONDS = 5
"""How long answers that are under way may take after Ctrl-C."""
LOG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {
            "()": "tools.secrecy.HushedFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
        }
    },
    "handlers": {"screen": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["screen"], "level": "WARNING"},
}


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0: any free.")
@click.option("--open", "open_page", is_flag=True, help="Open the page in a browser.")
def serve(host: str, port: int, open_page: bool) -> None:
    """The page, the API, LangGraph's protocol and MCP, in one process.

    Only this machine can connect. Any other --host needs BMS_TOKEN.
    """
    from agent.service.app import make_app
    from store.database import Database

    settings = load_settings()
    app = make_app(settings, host=host)
    with Database(settings.rows_url) as database:  # what is wrong with it is said here in a sentence
        shared = database.dialect == "postgresql"
    if shared:
        from agent.queue.tables import check_installed

        check_installed()
    with listening(host, port) as listener:
        _run(app, listener, host, open_page=open_page, shared=shared)


def listening(host: str, port: int) -> socket.socket:
    """A socket at the address. A Fault says that the port is taken, WrongUse that the address is none."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError):
        raise WrongUse(f"{host} is no address of this machine.", "Leave --host out for 127.0.0.1.") from None
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except OSError as error:
        listener.close()
        raise _explained(error, host, port) from None
    return listener


def _explained(error: OSError, host: str, port: int) -> Fault:
    if error.errno == errno.EADDRINUSE:
        return Fault(
            f"Port {port} is taken: another program listens on it, perhaps `bms serve`.",
            "Name another with --port; --port 0 takes any that is free.",
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return WrongUse(f"{host} is no address of this machine.", "Leave --host out for 127.0.0.1.")
    if error.errno == errno.EACCES:
        return WrongUse(f"Port {port} is reserved for the system.", "Name one above 1023 with --port.")
    return Fault(f"Nothing can listen on {host}, port {port}: {error.strerror}.")


def _run(app: FastAPI, listener: socket.socket, host: str, *, open_page: bool, shared: bool) -> None:
    import uvicorn

    from agent.service.guard_hosts import EVERYWHERE, bracketed, is_loopback

    at = bracketed("127.0.0.1" if host in EVERYWHERE else host)
    address = f"http://{at}:{listener.getsockname()[1]}"

    class Server(uvicorn.Server):
        """Says when it listens and when it stops, and lets readers of events go before it waits for them."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            click.echo(f"bms listens on {address}, until Ctrl-C.")
            if shared:
                click.echo("Runs are carried out by `bms worker`, on this machine or on others.")
            if not is_loopback(host):
                click.echo("It speaks plain HTTP: for other machines, put a proxy with TLS in front of it.")
            if open_page:
                click.launch(address)

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            interrupted = "Runs under way are interrupted; they go on with the next `bms serve`."
            click.echo(f"Stopping. {'Runs go on with their workers.' if shared else interrupted}")
            app.state.place.let_go()
            await super().shutdown(sockets)

    try:
        Server(config_of(app)).run([listener])
    except KeyboardInterrupt:
        return  # it has stopped by now, and said so


def config_of(app: FastAPI) -> Any:
    """How uvicorn is run: no websockets, no word of a proxy believed, no log of who asked for what."""
    import uvicorn

    return uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="on",
        log_config=LOG,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
