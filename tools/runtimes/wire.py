"""What every HTTP runtime needs on the wire: bounded reading, readable errors, faults of the connection."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import AsyncGenerator
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from urllib.request import getproxies

import httpx

from tools.finite_json import read_json
from tools.runtimes.base import RuntimeFault, RuntimeFaultKind
from tools.runtimes.connections import Lanes

MAX_BODY_BYTES = 10_000_000
MAX_LINE_BYTES = 4_000_000
MAX_ERROR_BYTES = 65_536
MAX_WORDS = 400
CONNECT_SECONDS = 10.0

_OUT_OF_MEMORY = re.compile(
    "out of memory|out of device memory|cudaMalloc failed|hipMalloc failed|failed to allocate"
    "|allocation failed|not enough memory|insufficient memory|vk_error_out_of_device_memory|erroroutofmemory"
    "|requires more system memory",
    re.IGNORECASE,
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\s]+")


class UnreadableReplyError(Exception):
    """A reply that breaks its own format; the message says how, as the end of a sentence."""


def client_for(url: str, *, read_seconds: float | None = None) -> httpx.AsyncClient:
    """A client for the server at ``url``; no proxy from the environment stands before this machine itself."""
    timeout = httpx.Timeout(read_seconds, connect=CONNECT_SECONDS)
    if getproxies() and not is_loopback(url):
        return httpx.AsyncClient(timeout=timeout)
    encrypted = urlsplit(url).scheme == "https"
    lanes = Lanes(httpx.create_ssl_context() if encrypted else False)
    return httpx.AsyncClient(timeout=timeout, transport=lanes, trust_env=False)


def is_loopback(url: str) -> bool:
    """Whether ``url`` names this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def shown_url(url: str) -> str:
    """``url`` without user name, password, query and fragment: fit for a message."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


async def read_bounded(response: httpx.Response, limit: int = MAX_BODY_BYTES) -> bytes:
    """The whole body of a streamed response; raises :class:`UnreadableReplyError` past ``limit`` bytes."""
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > limit:
            raise UnreadableReplyError(f"sent more than {limit:,} bytes")
    return bytes(body)


async def read_error(response: httpx.Response) -> str:
    """The beginning of an error's body; what cannot be read is left out."""
    body = bytearray()
    try:
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > MAX_ERROR_BYTES:
                break
    except httpx.HTTPError:
        pass  # the status is what matters; its text is a courtesy
    return bytes(body[:MAX_ERROR_BYTES]).decode("utf-8", "replace")


async def read_lines(response: httpx.Response) -> AsyncGenerator[list[str]]:
    """Lines of a streamed response, split at line feeds only; as many at a time as have arrived.

    ``httpx`` would split at U+0085 and U+2028 too, which servers write unescaped inside of JSON.
    """
    rest = b""
    # A stream is one small piece a token: what need not be decompressed takes the short way.
    pieces = response.aiter_bytes() if "content-encoding" in response.headers else response.aiter_raw()
    async for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        if len(rest) > MAX_LINE_BYTES:
            raise UnreadableReplyError(f"sent a line of more than {MAX_LINE_BYTES:,} bytes")
        if lines:
            yield [line.rstrip(b"\r").decode("utf-8", "replace") for line in lines]
    if rest:
        yield [rest.rstrip(b"\r").decode("utf-8", "replace")]


def parse_object(text: str | bytes) -> dict[str, Any]:
    """``text`` as a JSON object; raises :class:`UnreadableReplyError` for anything else."""
    try:
        value = read_json(text)
    except (ValueError, RecursionError):
        kind = "a web page" if looks_like_html(text) else "something else"
        raise UnreadableReplyError(f"sent {kind} instead of JSON") from None
    if not isinstance(value, dict):
        raise UnreadableReplyError("sent JSON of another form than expected")
    return value


def looks_like_html(text: str | bytes) -> bool:
    start = text[:200]
    shown = start.decode("utf-8", "replace") if isinstance(start, bytes) else start
    return shown.lstrip().lower().startswith(("<!doctype", "<html", "<head", "<?xml"))


def error_words(body: Any) -> str:
    """What an error's body, text or parsed, says without its JSON wrapping; empty for a web page or nothing.

    Understood are ``{"error": "…"}``, ``{"error": {"message": "…"}}``, both nested into each other as Ollama
    does, ``{"detail": …}`` and ``{"message": "…"}``.
    """
    if isinstance(body, str) and (not body.strip() or looks_like_html(body)):
        return ""
    value = body
    for _ in range(6):
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                return tidy(value)
        if not isinstance(value, dict):
            break
        value = next((value[key] for key in ("error", "message", "detail") if value.get(key)), None)
    return tidy(value) if isinstance(value, str) else "" if value is None else tidy(json.dumps(value))


def tidy(text: str) -> str:
    """One line of ``text``, bounded, without control characters."""
    line = _CONTROL.sub(" ", text).strip()
    return line if len(line) <= MAX_WORDS else line[: MAX_WORDS - 1] + "…"


def looks_out_of_memory(text: str) -> bool:
    """Whether a server's words say that memory ran out; Ollama recognises it by the same substrings."""
    return _OUT_OF_MEMORY.search(text) is not None


def retry_after_seconds(headers: httpx.Headers) -> float | None:
    """``Retry-After`` in seconds; a date there is measured from the response's own ``Date``."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d{1,6})?", value):
        return float(value)
    try:
        wait = parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError):
        return None
    return max(0.0, wait.total_seconds())


def connection_fault(error: httpx.HTTPError, who: str, next_step: str) -> RuntimeFault:
    """The fault for a connection that failed or broke. ``who`` begins the sentence: "The server at …"."""
    kind = RuntimeFaultKind
    if isinstance(error, httpx.ConnectTimeout):
        return RuntimeFault(kind.UNREACHABLE, f"{who} does not answer: connecting timed out.", next_step)
    if isinstance(error, httpx.ConnectError | httpx.ProxyError | httpx.UnsupportedProtocol):
        reason = tidy(str(error)) or type(error).__name__
        return RuntimeFault(kind.UNREACHABLE, f"{who} cannot be reached: {reason}.", next_step)
    if isinstance(error, httpx.TimeoutException):
        return RuntimeFault(kind.TIMEOUT, f"{who} did not answer in time.", "Try again, or allow more time.")
    if isinstance(error, httpx.RemoteProtocolError | httpx.NetworkError):
        return RuntimeFault(kind.INTERRUPTED, f"{who} broke off its reply.", "Try again.")
    reason = tidy(str(error)) or type(error).__name__
    return RuntimeFault(kind.BAD_REPLY, f"{who} sent a reply that cannot be read: {reason}.", next_step)
