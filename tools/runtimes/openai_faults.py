"""Faults for the errors of an OpenAI-compatible server."""

from __future__ import annotations

import httpx

from tools.runtimes.base import RuntimeFault, RuntimeFaultKind
from tools.runtimes.wire import error_words, looks_out_of_memory, retry_after_seconds, tidy

CHECK_URL = "Check OPENAI_BASE_URL, and that the server runs."


class RefusalFault(RuntimeFault):
    """The server refuses the request as it is written; it may accept it without a field that it names."""

    def __init__(self, sentence: str, next_step: str, words: str) -> None:
        super().__init__(RuntimeFaultKind.REFUSED, sentence, next_step)
        self.words = words
        """The server's own words, in full."""


def status_fault(response: httpx.Response, body: str, *, who: str, model: str) -> RuntimeFault:
    """The fault for a response whose status is an error. ``who`` begins the sentence: "The server at …"."""
    kind = RuntimeFaultKind
    status = response.status_code
    words = tidy(error_words(body))
    said = f": {words.rstrip('.')}." if words else "."
    if status in {401, 403}:
        return RuntimeFault(
            kind.REJECTED,
            f"{who} refuses access ({status}){said}",
            "Set OPENAI_API_KEY to a key that this server accepts.",
        )
    if status == 404:
        sentence = f"{who} does not know the model {model} or the path (404){said}"
        return RuntimeFault(kind.NOT_FOUND, sentence, f"Check the model's name. {CHECK_URL}")
    if status == 429 and "quota" in body.lower():
        return RuntimeFault(
            kind.REJECTED, f"{who} says that the quota is used up{said}", "Check the account."
        )
    if status == 429 or (status == 503 and not looks_out_of_memory(words)):
        wait = retry_after_seconds(response.headers)
        return RuntimeFault(
            kind.BUSY,
            f"{who} is busy ({status}){said}",
            "Try again a little later.",
            retry_after_seconds=wait,
        )
    if status in {408, 504}:
        return RuntimeFault(kind.TIMEOUT, f"{who} timed out ({status}){said}", "Try again a little later.")
    if status >= 500:
        return _server_fault(status, words, who, said)
    if 300 <= status < 400:
        return RuntimeFault(kind.BAD_REPLY, f"{who} redirects to another address ({status}).", CHECK_URL)
    return RefusalFault(f"{who} refuses the request ({status}){said}", _refusal_step(words), words)


def _server_fault(status: int, words: str, who: str, said: str) -> RuntimeFault:
    if looks_out_of_memory(words):
        return out_of_memory_fault(who, said)
    sentence = f"{who} failed ({status}){said}"
    return RuntimeFault(RuntimeFaultKind.SERVER_ERROR, sentence, "Look into the server's log.")


def out_of_memory_fault(who: str, said: str) -> RuntimeFault:
    """The fault for a server without enough memory; ``said`` ends the sentence."""
    return RuntimeFault(
        RuntimeFaultKind.OUT_OF_MEMORY,
        f"{who} ran out of memory{said}",
        "Use a smaller model, a smaller quantization or a shorter context.",
    )


def _refusal_step(words: str) -> str:
    if "context" in words.lower():
        return "Ask for a longer context, or shorten the message."
    return "Check the model's name and the request's settings."
