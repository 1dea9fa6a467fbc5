"""What every runtime offers, and the records that it speaks in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Any, Literal, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict, Field

from tools.faults import Fault


class RuntimeName(StrEnum):
    OLLAMA = "ollama"
    LLAMACPP = "llamacpp"
    OPENAI = "openai"


class RuntimeFaultKind(StrEnum):
    """What went wrong in a runtime; the kind decides whether a retry can help."""

    UNREACHABLE = "unreachable"
    NOT_FOUND = "not found"
    REJECTED = "rejected"
    """The runtime will not serve us: access, quota, its version."""
    REFUSED = "refused"
    """The runtime will not take this one request as it is written; the next one may be fine."""
    BUSY = "busy"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out of memory"
    DISK_FULL = "disk full"
    DIGEST_MISMATCH = "digest mismatch"
    INTERRUPTED = "interrupted"
    BAD_REPLY = "unreadable reply"
    SERVER_ERROR = "server error"

    @property
    def retryable(self) -> bool:
        """Whether the same call may succeed a little later."""
        return self in {
            RuntimeFaultKind.UNREACHABLE,
            RuntimeFaultKind.BUSY,
            RuntimeFaultKind.TIMEOUT,
            RuntimeFaultKind.INTERRUPTED,
            RuntimeFaultKind.SERVER_ERROR,
        }


class RuntimeFault(Fault):
    """A runtime failed, with its kind, a sentence for the person and the next step."""

    def __init__(
        self,
        kind: RuntimeFaultKind,
        sentence: str,
        next_step: str = "",
        *,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(sentence, next_step)
        self.kind = kind
        self.retry_after_seconds = retry_after_seconds


class RuntimeStatus(NamedTuple):
    """Whether a runtime can be used here and now."""

    available: bool
    version: str | None
    detail: str
    """One sentence: where it was found, or why it cannot be used."""


class Artefact(BaseModel):
    """What would be pulled, proved before a byte of it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    runtime: RuntimeName
    name: str
    """Ollama tag; ``owner/repo/file.gguf`` on the Hub or a path to a GGUF file; model id of a server."""
    digest: str | None
    """``sha256:…`` of the manifest (Ollama) or of the file (GGUF); None where the server does not tell."""
    size_bytes: int | None
    """Exact bytes to be stored."""
    quantization: str | None
    """As the artefact's own metadata says: ``Q4_K_M``."""
    parameters: int | None = None
    licence: str | None = None
    """Name or first line of the licence that travels with the artefact."""
    needed_memory_bytes: int | None = None
    """Estimate for weights and cache at the wanted context."""
    already_here: bool = False
    """Nothing has to be transferred."""
    source_url: str | None = None
    """Where this was proved."""
    warnings: tuple[str, ...] = ()
    """Sentences for the person, such as a default tag that is not Q4_K_M."""


class PullProgress(NamedTuple):
    """One step of a pull; bytes are of the layer or file named by ``digest``."""

    status: str
    digest: str | None
    completed_bytes: int | None
    total_bytes: int | None
    host: str | None = None
    """Which of several hosts pulls; None where there is one."""


class LoadedModel(BaseModel):
    """A model that has answered "Hello, testing."."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    artefact: Artefact
    """With digest, size and quantization as read back after the pull."""
    native_context: int | None
    allocated_context: int | None
    """Tokens of context that the server really allocated, read back from it."""
    thinks: bool
    """Whether its template can think aloud."""
    template: str | None = None
    hello: str
    """What it answered to "Hello, testing."."""


class Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Literal["system", "user", "assistant"]
    content: str


class ChatRequest(BaseModel):
    """One single-turn or multi-turn request."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    messages: tuple[Message, ...] = Field(min_length=1)
    context: int = 4096
    """Tokens of context to allocate."""
    max_tokens: int = 1024
    temperature: float = 0.7
    top_p: float = 0.9
    seed: int = 0
    thinking: bool | None = None
    """False switches thinking off where the model can think; None leaves the model's default."""
    json_schema: dict[str, Any] | None = None
    """Constrains the reply to this JSON schema; the caller validates all the same."""
    timeout_seconds: float = 300.0


class ChatReply(BaseModel):
    """What came back, thinking already separated."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    thinking: str | None = None
    finish_reason: str | None = None
    """``stop``, ``length`` or whatever the server says."""
    prompt_tokens: int | None = None
    """Tokens of the prompt, evaluated or not."""
    cached_tokens: int | None = None
    """Of those, the ones that the server had kept from an earlier request; None where it does not tell."""
    completion_tokens: int | None = None
    seconds: float
    first_token_seconds: float | None = None
    left_out: tuple[str, ...] = ()
    """Wishes of the request that the server refused, so that the reply was made without them: ``seed``,
    ``temperature``, ``thinking`` (it could not be switched off), ``json_schema`` …"""
    host: str | None = None
    """Which of several hosts made it; None where there is one."""


class Runtime(Protocol):
    """A program that runs models. Every method raises :class:`RuntimeFault` when it cannot do its work."""

    @property
    def name(self) -> RuntimeName: ...

    async def status(self) -> RuntimeStatus:
        """Never raises: an unreachable runtime is a status."""
        ...

    async def prove(self, model: str, *, context: int) -> Artefact:
        """Existence, exact size, quantization, licence and digest of ``model``, without pulling it."""
        ...

    def pull(self, artefact: Artefact) -> AsyncIterator[PullProgress]:
        """Transfer it; ends normally only after the runtime has confirmed success and the digest matched."""
        ...

    async def load(self, artefact: Artefact, *, context: int) -> LoadedModel:
        """Start it with ``context`` tokens, say "Hello, testing.", read back what was really allocated."""
        ...

    async def chat(self, model: str, request: ChatRequest) -> ChatReply: ...

    async def unload(self, model: str) -> None:
        """Free its memory; nothing happens when it is not loaded."""
        ...

    async def aclose(self) -> None: ...
