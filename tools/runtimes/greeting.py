"""The first words to a model that has just been loaded, and what is worth saying about how it was loaded."""

from __future__ import annotations

from tools.runtimes.base import Artefact, ChatReply, ChatRequest, Message

HELLO = "Hello, testing."
HELLO_TOKENS = 256
LOAD_SECONDS = 600.0


def greeting(context: int, *, thinks: bool) -> ChatRequest:
    """The request that loads a model with ``context`` tokens and lets it say something short."""
    return ChatRequest(
        messages=(Message(role="user", content=HELLO),),
        context=context,
        max_tokens=min(HELLO_TOKENS, context // 2),
        thinking=False if thinks else None,
        timeout_seconds=LOAD_SECONDS,
    )


def load_warnings(
    name: str, hello: ChatReply, *, wanted: int, allocated: int | None, native: int | None
) -> list[str]:
    """Sentences on what is not as it was wanted; contexts are in tokens."""
    warnings = []
    if allocated is None:
        warnings.append(f"How much context was allocated for {name} could not be read back.")
    elif allocated < wanted:
        warnings.append(f"{name} was given {allocated:,} tokens of context; {wanted:,} were wanted.")
    if native is not None and native < wanted:
        warnings.append(short_native_context(name, native, wanted))
    if not hello.text:
        warnings.append(
            f"{name} answered “{HELLO}” with nothing but {'thoughts' if hello.thinking else 'silence'}."
        )
    return warnings


def short_native_context(name: str, native: int, wanted: int) -> str:
    return f"{name} was trained for {native:,} tokens of context; {wanted:,} are wanted."


def with_warnings(artefact: Artefact, warnings: list[str]) -> Artefact:
    """``artefact`` with more warnings, none of them twice."""
    return artefact.model_copy(update={"warnings": tuple(dict.fromkeys([*artefact.warnings, *warnings]))})
