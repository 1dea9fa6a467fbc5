"""The services of this process, made from the settings: live, or replaying a story."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from agent.settings import PUBLIC_HUB, PUBLIC_REGISTRY, Settings
from agent.shelf import shelf_for
from agent.story import Story
from graphs.desk import NamedModel, Services
from store.database import Database
from tools.clock import Clock, FixedClock, SystemClock
from tools.outcomes import Outcome
from tools.registry import TagProof, prove_tag
from tools.runtimes import Artefact
from tools.runtimes.memory import Shortfall, check_room

DEFAULT_OLLAMA = "http://127.0.0.1:11434"


@contextlib.asynccontextmanager
async def open_services(
    settings: Settings, database: Database, *, clock: Clock | None = None, story: Story | None = None
) -> AsyncIterator[Services]:
    """Everything that nodes use.

    With a story its clock stands still, its addresses are the recorded ones, and nothing waits to be polite.
    """
    from agent.intake import read_request
    from tools.search.engines import open_engines
    from tools.web.client import HttpWeb

    told = settings if story is None else replaying(settings, story)
    run_clock = clock or (FixedClock(story.about.recorded_at) if story else SystemClock())
    web = HttpWeb(
        run_clock,
        allow_hosts=told.allowed_hosts,
        hub_token=_plain(told.hub_token),
        hub_host=urlsplit(told.hub_endpoint).hostname,
    )

    async def prove(tag: str) -> Outcome[TagProof]:
        return await prove_tag(web, tag, registry_url=told.registry_url)

    shelf = shelf_for(told, prove)

    async def open_model(spec: str) -> NamedModel:
        runtime, model = shelf.open(spec)
        return NamedModel(spec, runtime, model)

    try:
        engines = open_engines(
            told.engines,
            web,
            searxng_url=told.searxng_url,
            duckduckgo_url=told.duckduckgo_url,
            polite=story is None,
        )
        yield Services(
            database=database,
            web=web,
            engines=engines,
            choose_runtime=shelf.choose,
            open_model=open_model,
            read_request=read_request,
            hub_endpoint=told.hub_endpoint,
            registry_url=told.registry_url,
            check_room=room_under(told.home) if story is None else no_room_needed,
            data_dir=settings.home,
            max_age=timedelta(days=told.cache_days) if told.cache_days else None,
            replayed=None if story is None else story.replayed,
            clock=run_clock,
            runtime_statuses=shelf.statuses,
            host_statuses=shelf.host_statuses,
            slow_down=web.slow_down,
            leaderboards=told.leaderboards,
        )
    finally:
        await shelf.aclose()
        await web.aclose()


def replaying(settings: Settings, story: Story) -> Settings:
    """Settings under which a replay asks for the addresses that the story has."""
    return Settings(
        home=settings.home,
        database_url=settings.database_url,
        runtime=story.about.runtime,
        runtimes="",
        ollama_host=DEFAULT_OLLAMA,
        openai_base_url=story.about.openai_base_url,
        openai_api_key=SecretStr("replayed") if story.about.openai_base_url else None,
        hub_endpoint=PUBLIC_HUB,
        registry_url=PUBLIC_REGISTRY,
        duckduckgo_url=None,
        searxng_url=None,
        search_engines="duckduckgo",
        cache_days=0.0,
        leaderboards=story.about.leaderboards,
        hub_token=None,
        allow_hosts="",
    )


def room_under(folder: Path) -> Callable[[Artefact, int | None], Sequence[Shortfall]]:
    """Disk is asked of the nearest existing folder, memory of the machine or of the budget."""

    def check(artefact: Artefact, memory_budget_bytes: int | None) -> Sequence[Shortfall]:
        existing = next((place for place in (folder, *folder.parents) if place.exists()), folder)
        return check_room(artefact, disk_path=existing, memory_budget_bytes=memory_budget_bytes)

    return check


def no_room_needed(_artefact: Artefact, _memory_budget_bytes: int | None) -> Sequence[Shortfall]:
    """A replay stores and loads nothing."""
    return ()


def _plain(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
