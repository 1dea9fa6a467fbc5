"""The runtimes of this process, as the settings name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.runtimes.shelf import RuntimeSettings, RuntimeShelf

if TYPE_CHECKING:
    from agent.settings import Settings
    from tools.runtimes.ollama import ProveTag


def shelf_for(settings: Settings, prove_tag: ProveTag | None = None) -> RuntimeShelf:
    """``prove_tag`` asks the registry for a tag before Ollama pulls it; close the shelf."""
    key, token = settings.openai_api_key, settings.hub_token
    return RuntimeShelf(
        RuntimeSettings(
            models_dir=settings.models_dir,
            ollama_host=settings.ollama_host,
            openai_base_url=settings.openai_base_url,
            openai_api_key=None if key is None else key.get_secret_value(),
            hub_endpoint=settings.hub_endpoint,
            hub_token=None if token is None else token.get_secret_value(),
            hosts=settings.runtime_hosts,
            threads=settings.threads,
            prove_tag=prove_tag,
        )
    )
