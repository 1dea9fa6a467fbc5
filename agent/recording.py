"""Recording a run: everything it asks of the network and what was answered, as a story."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from agent.cassettes import StoryCassette, recorded
from agent.drive import Cockpit, drive
from agent.services import DEFAULT_OLLAMA
from agent.settings import PUBLIC_HUB, PUBLIC_REGISTRY, Settings
from agent.story import HTTP, About, HostProvenance, write_about
from graphs.options import Approver
from graphs.runner import Runner, Standing, create_run
from store.checkpoints import open_checkpointer
from tools.clock import FixedClock, SystemClock
from tools.faults import WrongUse
from tools.runtimes.ollama_names import ollama_url
from tools.runtimes.shelf import parse_model_spec

if TYPE_CHECKING:
    from agent.commands.common import Opened
    from graphs.desk import Services

OpenServices = Callable[[About], AbstractAsyncContextManager["Services"]]


async def record_story(
    place: Opened, folder: Path, text: str, judge: str, count: int, approver: Approver
) -> Standing:
    """Record a live run of ``text`` into ``folder``."""
    from agent.services import open_services

    named = (place.settings.runtime, judge, place.settings.brain or "")
    if any(name.partition(":")[0] == "llamacpp" for name in named):
        raise WrongUse(
            "What the embedded llama.cpp says cannot be recorded.", "Record with Ollama or a server."
        )
    parse_model_spec(judge)
    settings = place.settings
    for name, url in (("OPENAI_BASE_URL", settings.openai_base_url), ("OLLAMA_HOST", settings.ollama_host)):
        if "@" in (url or ""):
            raise WrongUse(f"{name} holds a password, which would be recorded.", "Record without a password.")
    about = About(
        text=text,
        recorded_at=SystemClock().now(),
        runtime="ollama" if place.settings.runtime == "auto" else place.settings.runtime,
        openai_base_url=place.settings.openai_base_url,
        judge=judge,
        brain=place.settings.brain,
        count=count,
        leaderboards=place.settings.leaderboards,
        hosts=(),
    )

    @contextlib.asynccontextmanager
    async def services(about: About) -> AsyncIterator[Services]:
        clock = FixedClock(about.recorded_at)
        # A replay asks DuckDuckGo alone, and has nothing from other runs.
        told = place.settings.model_copy(
            update={"search_engines": "duckduckgo", "cache_days": 0.0, "runtimes": ""}
        )
        async with open_services(told, place.database, clock=clock) as opened:
            yield opened

    return await record_into(place, folder, about, services, approver, renamed=_renamed(place.settings))


def _renamed(settings: Settings) -> dict[str, str]:
    """Services that were reached at another address are written under the one that a replay asks."""
    reached = {
        ollama_url(settings.ollama_host): DEFAULT_OLLAMA,
        settings.hub_endpoint.rstrip("/"): PUBLIC_HUB,
        settings.registry_url.rstrip("/"): PUBLIC_REGISTRY,
    }
    if settings.duckduckgo_url:
        reached[settings.duckduckgo_url] = "https://html.duckduckgo.com/html/"
    return {here: public for here, public in reached.items() if here != public}


async def record_into(
    place: Opened,
    folder: Path,
    about: About,
    services: OpenServices,
    approver: Approver,
    *,
    renamed: Mapping[str, str] = MappingProxyType({}),
    provenance: HostProvenance | None = None,
) -> Standing:
    """Record a run with the given services; the story's files are written when it has ended.

    The hosts of ``about`` keep their provenance; any other gets ``provenance``, or counts as recorded live.
    """
    folder = await asyncio.to_thread(folder.resolve)
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    options = about.options(folder / "out", approver)
    with recorded(folder / HTTP, secrets=place.settings.secrets(), renamed=renamed) as cassette:
        async with (
            services(about) as opened,
            open_checkpointer(place.settings.checkpoints_url) as checkpointer,
        ):
            seat = Cockpit(place.settings, place.database, Runner(opened, checkpointer), place.console)
            run_id = create_run(place.database, about.text, options)
            standing = await drive(seat, run_id)
        write_about(folder, about.model_copy(update={"hosts": _hosts(about, cassette, provenance)}))
    return standing


def _hosts(
    about: About, cassette: StoryCassette, provenance: HostProvenance | None
) -> tuple[HostProvenance, ...]:
    told = {entry.host: entry for entry in about.hosts}
    when = f"on {about.recorded_at:%Y-%m-%d}, with base-model-selector {version('base-model-selector')}"
    other = provenance or HostProvenance(host="", how="recorded live", detail=when)
    seen = sorted({urlsplit(request.uri).netloc for request, _ in cassette.data})
    return tuple(told.get(host) or other.model_copy(update={"host": host}) for host in seen)
