"""What a person wants to know of each host: whether it answers, its version, its models and their digests."""

from __future__ import annotations

from typing import NamedTuple

from tools.runtimes.base import Runtime, RuntimeFault
from tools.runtimes.hosts import HostSpec
from tools.runtimes.ollama import OllamaRuntime
from tools.runtimes.openai_compatible import OpenAICompatibleRuntime
from tools.runtimes.sameness import short
from tools.runtimes.wire import tidy

MODELS_SHOWN = 6


class HostStatus(NamedTuple):
    host: HostSpec
    available: bool
    version: str | None
    detail: str
    """Sentences."""
    models: tuple[tuple[str, str | None], ...] = ()
    """Names and digests; None where the host tells none."""


async def status_of(host: HostSpec, runtime: Runtime) -> HostStatus:
    """Never raises a :class:`RuntimeFault`: an unreachable host is a status."""
    status = await runtime.status()
    if not status.available:
        return HostStatus(host, False, None, status.detail)
    try:
        models = await _models(runtime)
    except RuntimeFault as fault:
        return HostStatus(host, False, status.version, fault.sentence)
    return HostStatus(host, True, status.version, f"{status.detail} {_told(models)}", tuple(models or ()))


async def _models(runtime: Runtime) -> list[tuple[str, str | None]] | None:
    if isinstance(runtime, OllamaRuntime):
        return [(tidy(one.name), one.digest) for one in await runtime.stored()]
    assert isinstance(runtime, OpenAICompatibleRuntime)
    served = await runtime.served()
    return None if served is None else [(name, None) for name in served]


def _told(models: list[tuple[str, str | None]] | None) -> str:
    if models is None:
        return "It does not list its models."
    if not models:
        return "It has no model."
    shown = [f"{name} ({short(digest) if digest else 'no digest told'})" for name, digest in models]
    more = f" and {len(shown) - MODELS_SHOWN} more" if len(shown) > MODELS_SHOWN else ""
    return f"It has {', '.join(shown[:MODELS_SHOWN])}{more}."
