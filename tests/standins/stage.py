"""A whole journey against the stand-ins: a world of public hosts and an Ollama, all on loopback."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from agent.intake import read_request
from agent.services import no_room_needed
from graphs.desk import NamedModel, Services
from store.database import Database
from tests.standins.ollama_server import OllamaServer
from tests.standins.patience import PATIENCE
from tests.standins.world import RoutingBackend, World
from tools.clock import Clock, FixedClock
from tools.outcomes import Outcome
from tools.registry import TagProof, prove_tag
from tools.runtimes import Runtime
from tools.runtimes.ollama import OllamaRuntime
from tools.search.duckduckgo import DuckDuckGo
from tools.web.client import HttpWeb

TODAY = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
"""The day of the story; a test that depends on another day says so."""


async def no_sleep(_seconds: float) -> None:
    """Waiting, in a test."""


@contextlib.asynccontextmanager
async def staged(
    world: World,
    ollama: OllamaServer,
    database: Database,
    *,
    clock: Clock | None = None,
    ollama_host: str | None = None,
) -> AsyncIterator[Services]:
    """Services whose public hosts are the world's, and whose runtime and judge are the given Ollama."""
    run_clock = clock or FixedClock(TODAY)
    backend = RoutingBackend(world)
    web = HttpWeb(run_clock, network_backend=backend, sleep=no_sleep, timeout_seconds=PATIENCE)

    async def prove(tag: str) -> Outcome[TagProof]:
        return await prove_tag(web, tag)

    runtime = OllamaRuntime(ollama_host or ollama.url, prove_tag=prove)

    async def choose(preference: str, *, model: str | None = None) -> Runtime:
        return runtime

    async def open_model(spec: str) -> NamedModel:
        return NamedModel(spec, runtime, spec.partition(":")[2])

    search = DuckDuckGo(
        url=world.addresses.duckduckgo,
        min_interval_seconds=0,
        jitter_seconds=0,
        timeout_seconds=PATIENCE,
        sleep=no_sleep,
    )
    try:
        yield Services(
            database=database,
            web=web,
            engines=(search,),
            choose_runtime=choose,
            open_model=open_model,
            read_request=read_request,
            hub_endpoint="https://huggingface.co",
            registry_url="https://registry.ollama.ai",
            check_room=no_room_needed,
            clock=run_clock,
            sleep=no_sleep,
        )
    finally:
        await runtime.aclose()
        await web.aclose()
