"""``bms mcp``: the tools for agents that speak the Model Context Protocol."""

from __future__ import annotations

import click

from agent.settings import load_settings
from tools.faults import WrongUse

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@click.command()
@click.option("--http", "over_http", is_flag=True, help="Streamable HTTP at /mcp instead of stdio.")
@click.option("--host", help="Address to listen on, of this machine alone.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="[default: 8766]")
def mcp(over_http: bool, host: str | None, port: int | None) -> None:
    """The Model Context Protocol, for an agent that starts this command itself.

    It speaks on standard input and output, and logs on standard error. When the client leaves, runs stop
    tidily where they are; what was asked for stays stored, and the next `bms mcp` or `bms serve` on the same
    data goes on with it. `bms serve` has the same tools at /mcp, and keeps runs going without a client.
    """
    if not over_http and (host is not None or port is not None):
        raise WrongUse("--host and --port go with --http.")
    if over_http:
        _serve_http(host or LOOPBACK[0], 8766 if port is None else port)
    else:
        _serve_stdio()


def _serve_http(host: str, port: int) -> None:
    if host not in LOOPBACK:
        raise WrongUse(
            f"`bms mcp --http` has no login and listens on this machine only, not on {host}.",
            "`bms serve --host` with BMS_TOKEN has the same tools at /mcp, behind a token.",
        )
    import uvicorn

    from agent.mcp.http import standalone

    click.echo(f"http://{f'[{host}]' if ':' in host else host}:{port}/mcp", err=True)
    uvicorn.run(
        standalone(load_settings()), host=host, port=port, log_level="warning", timeout_graceful_shutdown=5
    )


def _serve_stdio() -> None:
    import asyncio

    from agent.mcp.stdio import serve

    asyncio.run(serve(load_settings()))
