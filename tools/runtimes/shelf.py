"""Which runtime to use, and models by name: opened when first asked for, kept, and closed together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tools.faults import Fault, WrongUse
from tools.runtimes.base import Runtime, RuntimeName, RuntimeStatus
from tools.runtimes.hosts import HostSpec

if TYPE_CHECKING:
    from tools.outcomes import Outcome
    from tools.registry import TagProof
    from tools.runtimes.host_status import HostStatus

AUTO = "auto"
_CANDIDATE = "candidate"

NO_RUNTIME_STEP = (
    "Install Ollama (https://ollama.com/download) and start it, install the package xllamacpp, or set "
    "OPENAI_BASE_URL to a server that is running. `bms doctor` shows what is here."
)


@dataclass(frozen=True, kw_only=True)
class RuntimeSettings:
    """Where runtimes are. The key and the token never show in a repr."""

    models_dir: Path
    """Where GGUF files are stored."""
    ollama_host: str | None = None
    openai_base_url: str | None = None
    openai_api_key: str | None = None
    hub_endpoint: str | None = None
    hub_token: str | None = None
    hosts: tuple[HostSpec, ...] = ()
    """Where the candidate runs, instead of at the addresses above. Judge and brain are not spread: without an
    address of their kind above, they are on the first host of their kind."""
    threads: int | None = None
    """Processor threads of the embedded llama.cpp; None lets it choose."""
    prove_tag: Callable[[str], Awaitable[Outcome[TagProof]]] | None = None
    """Asks the Ollama registry for a tag without pulling it."""

    def __repr__(self) -> str:
        return f"RuntimeSettings(models_dir={str(self.models_dir)!r})"


class ModelSpec(NamedTuple):
    """A model by name: ``ollama:qwen3:8b``."""

    runtime: RuntimeName
    model: str


def parse_model_spec(spec: str) -> ModelSpec:
    """``provider:model`` as LangChain writes it; :class:`WrongUse` for a provider that is not here."""
    provider, colon, model = spec.strip().partition(":")
    known = ", ".join(f"{name.value}:MODEL" for name in RuntimeName)
    if not colon or not model.strip():
        raise WrongUse(f"{spec[:80]!r} does not name a model.", f"Write it as {known}.")
    try:
        return ModelSpec(RuntimeName(provider.strip().lower()), model.strip())
    except ValueError:
        raise WrongUse(f"There is no provider {provider[:40]!r}.", f"Write the model as {known}.") from None


class RuntimeShelf:
    """Runtimes of this process. The judge's llama.cpp is not the candidate's: each holds one model."""

    def __init__(self, settings: RuntimeSettings) -> None:
        self._settings = settings
        self._hosts = settings.hosts
        self._ollama_host = settings.ollama_host or self._first(RuntimeName.OLLAMA)
        self._openai_base_url = settings.openai_base_url or self._first(RuntimeName.OPENAI)
        self._open: dict[tuple[RuntimeName, str], Runtime] = {}

    async def choose(self, preference: str, *, model: str | None = None) -> Runtime:
        """The candidate's runtime: the one that is wanted, or with ``auto`` the first that can be used.

        A ``model`` that is a GGUF file goes to the embedded llama.cpp first. Where hosts are listed, they are
        wanted.
        """
        if preference != AUTO:
            if preference not in set(RuntimeName):
                known = ", ".join([AUTO, *RuntimeName])
                raise WrongUse(f"There is no runtime {preference[:40]!r}.", f"It is one of {known}.")
            return self._get(RuntimeName(preference), _CANDIDATE)
        reasons = []
        for name in self._in_order(model):
            runtime = self._get(name, _CANDIDATE)
            status = await runtime.status()
            if status.available:
                return runtime
            reasons.append(status.detail)
        raise Fault(f"No runtime can be used: {' '.join(reasons)}", NO_RUNTIME_STEP)

    def _in_order(self, model: str | None) -> list[RuntimeName]:
        a_file = model is not None and ".gguf" in model.lower()
        if self._hosts:
            return [RuntimeName.LLAMACPP, self._spread_as] if a_file else [self._spread_as]
        names = [RuntimeName.OLLAMA, RuntimeName.LLAMACPP]
        if a_file:
            names.reverse()
        return [*names, RuntimeName.OPENAI] if self._openai_base_url else names

    @property
    def _spread_as(self) -> RuntimeName:
        ollama = any(host.runtime is RuntimeName.OLLAMA for host in self._hosts)
        return RuntimeName.OLLAMA if ollama else RuntimeName.OPENAI

    def _first(self, name: RuntimeName) -> str | None:
        return next((host.url for host in self._hosts if host.runtime is name), None)

    def open(self, spec: str) -> tuple[Runtime, str]:
        """The runtime and the model of a judge or brain by ``provider:model``."""
        parsed = parse_model_spec(spec)
        return self._get(parsed.runtime, f"judge {spec}"), parsed.model

    async def statuses(self) -> dict[RuntimeName, RuntimeStatus]:
        """Every runtime, with whether it can be used and why not."""
        found: dict[RuntimeName, RuntimeStatus] = {}
        for name in RuntimeName:
            if name is RuntimeName.OPENAI and self._openai_base_url is None:
                found[name] = RuntimeStatus(False, None, "OPENAI_BASE_URL is not set.")
            else:
                found[name] = await self._get(name, _CANDIDATE).status()
        return found

    async def host_statuses(self) -> list[HostStatus]:
        """Every listed host, asked at the same time."""
        from tools.runtimes.host_status import status_of

        async def asked(host: HostSpec) -> HostStatus:
            runtime = self._at(host)
            try:
                return await status_of(host, runtime)
            finally:
                await runtime.aclose()

        return list(await asyncio.gather(*(asked(host) for host in self._hosts)))

    async def aclose(self) -> None:
        while self._open:
            _, runtime = self._open.popitem()
            await runtime.aclose()

    def _get(self, name: RuntimeName, use: str) -> Runtime:
        # Servers serve any number of models; the embedded llama.cpp holds one.
        on_hosts = bool(self._hosts) and use == _CANDIDATE and name is self._spread_as
        key = (name, use if name is RuntimeName.LLAMACPP or on_hosts else "")
        if key not in self._open and on_hosts:
            self._open[key] = self._spread()
        elif key not in self._open:
            # A judge reads the same rubric before every answer; a candidate's answers stay reproducible.
            self._open[key] = self._make(name, keeps_prefixes=use != _CANDIDATE)
        return self._open[key]

    def _spread(self) -> Runtime:
        if len(self._hosts) == 1 and not self._hosts[0].same:
            return self._at(self._hosts[0])
        from tools.runtimes.spread import SpreadRuntime

        return SpreadRuntime([(host, self._at(host)) for host in self._hosts])

    def _at(self, host: HostSpec) -> Runtime:
        have = self._settings
        if host.runtime is RuntimeName.OLLAMA:
            from tools.runtimes.ollama import OllamaRuntime

            return OllamaRuntime(host.url, prove_tag=have.prove_tag)
        from tools.runtimes.openai_compatible import OpenAICompatibleRuntime

        return OpenAICompatibleRuntime(host.url, have.openai_api_key)

    def _make(self, name: RuntimeName, *, keeps_prefixes: bool) -> Runtime:
        have = self._settings
        match name:
            case RuntimeName.OLLAMA:
                from tools.runtimes.ollama import OllamaRuntime

                return OllamaRuntime(self._ollama_host, prove_tag=have.prove_tag)
            case RuntimeName.LLAMACPP:
                from tools.runtimes.llamacpp import LlamaCppRuntime

                return LlamaCppRuntime(
                    have.models_dir,
                    hub_endpoint=have.hub_endpoint,
                    token=have.hub_token,
                    threads=have.threads,
                    cache_prompt=keeps_prefixes,
                )
            case RuntimeName.OPENAI:
                from tools.runtimes.openai_compatible import OpenAICompatibleRuntime

                if self._openai_base_url is None:
                    raise WrongUse(
                        "The OpenAI-compatible server has no address.", "Set OPENAI_BASE_URL to it."
                    )
                return OpenAICompatibleRuntime(self._openai_base_url, have.openai_api_key)
