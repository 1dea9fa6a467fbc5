"""``bms serve``: the page and the API."""

from __future__ import annotations

import click

from agent.settings import load_settings


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True)
def serve(host: str, port: int) -> None:
    """The page, the API, LangGraph's protocol and MCP, in one process."""
    import uvicorn

    from agent.service.app import make_app

    settings = load_settings()
    uvicorn.run(make_app(settings), host=host, port=port, log_level="warning", timeout_graceful_shutdown=5)
