"""The services of this process, made from the settings: live, or replaying a story."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from agent.settings import Settings
from agent.story import Story
from graphs.desk import Services
from store.database import Database
from tools.clock import Clock, FixedClock, SystemClock

if TYPE_CHECKING:
    from tools.runtimes import Runtime


@contextlib.asynccontextmanager
async def open_services(
    settings: Settings, database: Database, *, clock: Clock | None = None, story: Story | None = None
) -> AsyncIterator[Services]:
    """Everything that nodes use. With a story, its clock stands still and nobody waits for politeness."""
    from tools.runtimes.select import RuntimeSettings, choose_runtime, open_spec

    from agent.intake import read_request
    from tools.search.duckduckgo import DuckDuckGo
    from tools.web.client import HttpWeb

    replaying = story is not None
    run_clock = clock or (FixedClock(story.about.recorded_at) if story else SystemClock())
    access = RuntimeSettings(
        ollama_host=None if replaying else settings.ollama_host,
        openai_base_url=settings.openai_base_url,
        openai_api_key=settings.openai_api_key,
        models_dir=settings.models_dir,
        hub_endpoint=settings.hub_endpoint,
        hub_token=settings.hub_token,
        registry_url=settings.registry_url,
    )
    async with contextlib.AsyncExitStack() as stack:
        web = HttpWeb(run_clock, allow_hosts=settings.allowed_hosts)
        stack.push_async_callback(web.aclose)
        opened: dict[str, Runtime] = {}
        yield Services(
            database=database,
            web=web,
            engines=(DuckDuckGo(url=settings.duckduckgo_url),),
            choose_runtime=choose_runtime,
            open_model=open_spec,
            read_request=read_request,
            hub_endpoint=settings.hub_endpoint,
            registry_url=settings.registry_url,
            disk_path=settings.home,
        )
