"""Programs that run a model: Ollama, the embedded llama.cpp, any OpenAI-compatible server."""

from tools.runtimes.base import (
    Artefact,
    ChatReply,
    ChatRequest,
    LoadedModel,
    Message,
    PullProgress,
    Runtime,
    RuntimeFault,
    RuntimeFaultKind,
    RuntimeName,
    RuntimeStatus,
)

__all__ = [
    "Artefact",
    "ChatReply",
    "ChatRequest",
    "LoadedModel",
    "Message",
    "PullProgress",
    "Runtime",
    "RuntimeFault",
    "RuntimeFaultKind",
    "RuntimeName",
    "RuntimeStatus",
]
