"""Faults for Ollama's errors, which come as a status, as a line in a stream, or as both."""

from __future__ import annotations

from tools.runtimes.base import RuntimeFault, RuntimeFaultKind
from tools.runtimes.wire import looks_out_of_memory

_NO_SPACE = ("no space left", "not enough space", "disk quota exceeded")


def ollama_fault(status: int | None, words: str, *, model: str, who: str) -> RuntimeFault:
    """The fault for an error of Ollama.

    ``status`` is None for an error line in a stream whose status was 200. ``words`` are what Ollama said,
    empty where it said nothing that can be shown; ``who`` begins the sentence: "Ollama at …".
    """
    said = f": {words.rstrip('.')}." if words else "."
    lower = words.lower()
    return (
        _access_fault(status, lower, said, who)
        or _storage_fault(status, lower, said, model, who)
        or _load_fault(status, words, said, who)
        or _other_fault(status, lower, said, who)
    )


def _access_fault(status: int | None, lower: str, said: str, who: str) -> RuntimeFault | None:
    kind = RuntimeFaultKind.REJECTED
    if status == 403:
        step = "Address it as 127.0.0.1 (OLLAMA_HOST): Ollama refuses host names that it does not know."
        return RuntimeFault(kind, f"{who} refuses the connection (403){said}", step)
    if status == 401 or "unauthorized" in lower:
        return RuntimeFault(kind, f"{who} wants somebody to sign in{said}", "Sign in with: ollama signin")
    if status == 412 or "newer version of ollama" in lower:
        return RuntimeFault(kind, f"{who} is too old for this model{said}", "Update Ollama, then try again.")
    return None


def _storage_fault(status: int | None, lower: str, said: str, model: str, who: str) -> RuntimeFault | None:
    kind = RuntimeFaultKind
    if any(mark in lower for mark in _NO_SPACE):
        step = "Free some space where Ollama stores its models (OLLAMA_MODELS); a second pull resumes."
        return RuntimeFault(kind.DISK_FULL, f"The disk is full{said}", step)
    if "digest mismatch" in lower:
        step = "Pull again: Ollama has thrown the damaged part away."
        return RuntimeFault(kind.DIGEST_MISMATCH, f"What was pulled for {model} is damaged{said}", step)
    if "file does not exist" in lower:
        step = "Check the tag at https://ollama.com/library."
        return RuntimeFault(kind.NOT_FOUND, f"The registry has no {model}{said}", step)
    if status == 404:
        return RuntimeFault(
            kind.NOT_FOUND, f"{who} does not have {model}{said}", f"Pull it: ollama pull {model}"
        )
    return None


def _load_fault(status: int | None, words: str, said: str, who: str) -> RuntimeFault | None:
    kind = RuntimeFaultKind
    if looks_out_of_memory(words):
        step = "Use a smaller model, a smaller quantization or a shorter context."
        return RuntimeFault(kind.OUT_OF_MEMORY, f"{who} ran out of memory{said}", step)
    if status in {429, 503}:
        return RuntimeFault(kind.BUSY, f"{who} is busy{said}", "Try again a little later.")
    if status in {408, 504}:
        return RuntimeFault(kind.TIMEOUT, f"{who} timed out{said}", "Try again a little later.")
    if status == 499:
        return RuntimeFault(kind.INTERRUPTED, f"{who} cancelled the request{said}", "Try again.")
    return None


def _other_fault(status: int | None, lower: str, said: str, who: str) -> RuntimeFault:
    kind = RuntimeFaultKind
    if status is not None and 400 <= status < 500:
        step = "Check the model's name and the request's settings."
        if "context" in lower:
            step = "Ask for a longer context, or shorten the message."
        return RuntimeFault(kind.REFUSED, f"{who} refuses the request ({status}){said}", step)
    shown = "" if status is None else f" ({status})"
    return RuntimeFault(
        kind.SERVER_ERROR, f"{who} failed{shown}{said}", "Try again; Ollama's log tells more."
    )
