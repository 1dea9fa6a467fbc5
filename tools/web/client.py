"""Fetching pages over HTTP, guarded, bounded and polite.

Everything goes through ``httpx.AsyncHTTPTransport.handle_async_request``, where vcrpy records and replays;
the guard sits below it, so a replay needs neither a name server nor a network.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple, Self
from urllib.parse import urljoin, urlsplit

import httpcore
import httpx

from tools.clock import Clock
from tools.facts import content_hash
from tools.outcomes import Blocked, Empty, Failed, FailReason, Found, Outcome
from tools.secrecy import Secrets
from tools.web.body import PDF_MAGIC, Bound, TooLargeError, UnreadableError, read_bounded
from tools.web.contents import Contents, Reading, bound_of, is_readable_type, wanted_bytes
from tools.web.guard import GuardedBackend, RefusedAddressError
from tools.web.meter import MeteredStream
from tools.web.pace import HostPace, Monotonic, Sleep
from tools.web.page import DEFAULT_MAX_BYTES, Page, Web
from tools.web.replies import refusal

__all__ = ["HttpWeb", "Page", "Web"]

USER_AGENT = "base-model-selector (research of open-weight models)"
ACCEPT = "text/html,application/xhtml+xml,application/json;q=0.9,text/*;q=0.9,*/*;q=0.5"
KEPT_HEADERS = frozenset(
    {"link", "retry-after", "ratelimit", "ratelimit-policy", "etag", "last-modified", "x-repo-commit"}
)
REDIRECTS = frozenset({301, 302, 303, 307, 308})
PRIVATE_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})
LONGEST_URL = 4096
LONGEST_TYPE = 200
"""Characters of a ``Content-Type`` that are read."""
HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?|[0-9a-f:.]{2,45}", re.IGNORECASE)
"""A name that a name server may be asked for, or an IPv6 address; no escapes, backslashes or zones."""
CHARSET = re.compile(r";\s*charset\s*=\s*[\"']?([A-Za-z0-9_:.-]{1,40})", re.IGNORECASE)
BROKEN_OFF = re.compile("server disconnected|peer closed", re.IGNORECASE)
"""What httpx says of a connection that ended before the answer did: no fault of the answer's form."""


class _Transport(httpx.AsyncHTTPTransport):
    """httpx's transport with a pool on a given network backend; its request method is untouched."""

    def __init__(self, backend: httpcore.AsyncNetworkBackend, *, connections: int) -> None:
        context = httpx.create_ssl_context(trust_env=False)
        context.hostname_checks_common_name = False  # RFC 9525: a certificate names its hosts elsewhere
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=5.0,
            network_backend=backend,
        )


class _Ask(NamedTuple):
    """One fetch on its way: where it is now, and what it has been through."""

    origin: str
    url: str
    headers: Mapping[str, str]
    max_bytes: int
    notes: tuple[str, ...]


class _Redirect(NamedTuple):
    location: str


class _Reply(NamedTuple):
    """A reply whose body has arrived whole; what it says is read when the host's place is free again."""

    status: int
    content_type: str
    charset: str | None
    headers: dict[str, str]
    body: bytes
    retrieved_at: datetime


class HttpWeb:
    """A :class:`~tools.web.page.Web` on httpx. Use it as an async context manager, or call :meth:`aclose`.

    ``allow_hosts`` are ``host:port`` pairs that may be private addresses. ``concurrency`` bounds all
    requests, ``per_host`` those to one host; ``min_interval_seconds`` spaces two starts to one host.
    ``timeout_seconds`` bounds a whole fetch, redirects included, waiting for a turn excluded.
    ``network_backend`` replaces the guard, for a recorder that leads every host to stand-ins.
    ``hub_token`` is sent to ``hub_host`` (``host`` or ``host:port``) over https alone, or over http when
    ``allow_hosts`` names it; never anywhere else, whatever redirects say.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        allow_hosts: frozenset[str] = frozenset(),
        concurrency: int = 8,
        per_host: int = 4,
        min_interval_seconds: float = 0.0,
        timeout_seconds: float = 20.0,
        max_redirects: int = 5,
        network_backend: httpcore.AsyncNetworkBackend | None = None,
        hub_token: str | None = None,
        hub_host: str | None = None,
        sleep: Sleep = asyncio.sleep,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._clock = clock
        self._allow_hosts = frozenset(entry.lower() for entry in allow_hosts)
        self._timeout = timeout_seconds
        self._max_redirects = max_redirects
        self._hub_token = hub_token
        self._secrets = Secrets([hub_token])
        self._hub_host = hub_host.lower() if hub_host else None
        self._pace = HostPace(
            concurrency=concurrency,
            per_host=per_host,
            min_interval_seconds=min_interval_seconds,
            sleep=sleep,
            monotonic=monotonic,
        )
        self._contents = Contents()
        # No client above the transport: it would keep cookies, obey the environment's proxies, and stumble
        # over a redirect that nobody follows.
        self._transport = _Transport(
            network_backend or GuardedBackend(allow_hosts=allow_hosts), connections=concurrency
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    def slow_down(self, host: str, interval_seconds: float) -> None:
        """Space requests to ``host`` (with its port, where it is not the usual one) by so many seconds."""
        self._pace.slow_down(host, interval_seconds)

    async def get(
        self,
        url: str,
        *,
        accept: str | None = None,
        headers: Mapping[str, str] | None = None,
        max_bytes: int = DEFAULT_MAX_BYTES,
    ) -> Outcome[Page]:
        """Fetch ``url``. A body over ``max_bytes`` (decompressed) is a failure, never a part of a page,
        unless ``headers`` ask for a part: ``Range: bytes=0-N`` is kept to, also by a server that ignores it.

        HTML, Markdown, JSON and the like come as they are; PDFs (up to 12 MB where ``max_bytes`` is the
        default or more) as their text; gzip files unpacked; the head of a GGUF file, asked for by ``Range``,
        as JSON of its metadata. Where a server sends back the token, it is taken out."""
        outcome = await self._got(url, accept=accept, headers=headers, max_bytes=max_bytes)
        return _without(self._secrets, outcome) if self._secrets else outcome

    async def _got(
        self, url: str, *, accept: str | None, headers: Mapping[str, str] | None, max_bytes: int
    ) -> Outcome[Page]:
        sent = {"accept": accept or ACCEPT, **{k.lower(): v for k, v in (headers or {}).items()}}
        ask = _Ask(url, url, sent, max_bytes, ())
        remaining = self._timeout
        for _ in range(self._max_redirects + 1):
            if (problem := _url_problem(ask.url)) is not None:
                return Failed(FailReason.UNSUPPORTED, problem)
            async with self._pace.slot(_netloc(ask.url)):
                started = time.monotonic()
                step = await self._step(ask, remaining)
                remaining -= time.monotonic() - started
            if isinstance(step, _Reply):
                return await self._page(ask, step)
            if not isinstance(step, _Redirect):
                return step
            try:
                ask = _followed(ask, step.location)
            except ValueError:
                return Failed(FailReason.UNSUPPORTED, "it redirects to an address that cannot be read")
        return Failed(FailReason.BAD_REPLY, f"more than {self._max_redirects} redirects")

    async def _step(self, ask: _Ask, seconds: float) -> Empty | Blocked | Failed | _Redirect | _Reply:
        """One request. What is neither httpx's nor ours, such as a recording's miss, is raised on."""
        try:
            async with asyncio.timeout(seconds):
                return await self._request(ask)
        except RefusedAddressError as error:
            return Failed(FailReason.REFUSED_ADDRESS, str(error))
        except TooLargeError:
            return Failed(FailReason.TOO_LARGE, f"more than {ask.max_bytes} bytes")
        except UnreadableError as error:
            return Failed(error.reason, str(error))
        except (TimeoutError, httpx.TimeoutException):
            return Failed(FailReason.TIMEOUT, f"no complete answer within {self._timeout:g} s")
        except (httpx.ProtocolError, httpx.DecodingError) as error:
            broken_off = BROKEN_OFF.search(str(error)) is not None
            return Failed(FailReason.UNREACHABLE if broken_off else FailReason.BAD_REPLY, str(error))
        except httpx.TransportError as error:
            return Failed(FailReason.UNREACHABLE, str(error) or type(error).__name__)

    async def _request(self, ask: _Ask) -> Empty | Blocked | Failed | _Redirect | _Reply:
        async with self._sent(ask) as response:
            location = response.headers.get("location")
            if response.status_code in REDIRECTS and location:
                if self._secrets.stand_in(location):
                    return Failed(FailReason.BAD_REPLY, "it redirects to an address with the token in it")
                return _Redirect(location)
            refused = refusal(response.status_code, response.headers, self._clock.now())
            return refused if refused is not None else await self._reply(ask, response)

    @asynccontextmanager
    async def _sent(self, ask: _Ask) -> AsyncIterator[httpx.Response]:
        extensions = {"timeout": httpx.Timeout(self._timeout).as_dict()}
        request = httpx.Request("GET", ask.url, headers=self._headers(ask), extensions=extensions)
        response = await self._transport.handle_async_request(request)
        try:
            yield response
        finally:
            await response.aclose()

    async def _reply(self, ask: _Ask, response: httpx.Response) -> Empty | Failed | _Reply:
        named_type = response.headers.get("content-type", "")[:LONGEST_TYPE]
        content_type = named_type.split(";")[0].strip().lower()
        if not is_readable_type(content_type):
            return Failed(FailReason.UNSUPPORTED, f"{content_type[:80]} is not text")
        wanted = wanted_bytes(ask.headers)
        if response.status_code == 206 and not _is_wanted_part(response, wanted):
            return Failed(FailReason.BAD_REPLY, "another part arrived than was asked for")

        def bound(start: bytes) -> Bound:
            return bound_of(content_type, start, max_bytes=ask.max_bytes, wanted=wanted)

        if isinstance(stream := response.extensions.get("network_stream"), MeteredStream):
            stream.body_begins(bound(PDF_MAGIC).max_bytes)
        body = await read_bounded(
            response.aiter_raw(), encoding=response.headers.get("content-encoding", ""), bound=bound
        )
        if not body.strip():
            return Empty(f"HTTP {response.status_code} with an empty body")
        kept = {k: v[:4096] for k, v in response.headers.items() if k in KEPT_HEADERS}
        charset = found[1] if (found := CHARSET.search(named_type)) else None
        return _Reply(response.status_code, content_type, charset, kept, body, self._clock.now())

    async def _page(self, ask: _Ask, reply: _Reply) -> Outcome[Page]:
        try:
            reading = await self._contents.read(
                reply.body,
                content_type=reply.content_type,
                charset=reply.charset,
                max_bytes=ask.max_bytes,
                wanted=wanted_bytes(ask.headers),
            )
        except TooLargeError:
            return Failed(FailReason.TOO_LARGE, f"more than {ask.max_bytes} bytes when unpacked")
        except UnreadableError as error:
            return Failed(error.reason, str(error))
        return Found(_page(ask, reply, reading))

    def _headers(self, ask: _Ask) -> dict[str, str]:
        # A part is counted in bytes of the file itself; a packed one would count others.
        packing = "identity" if "range" in ask.headers else "gzip, deflate"
        headers = {"user-agent": USER_AGENT, "accept-encoding": packing, **ask.headers}
        if self._hub_token and self._may_have_token(ask.url):
            headers["authorization"] = f"Bearer {self._hub_token}"
        return headers

    def _may_have_token(self, url: str) -> bool:
        parts = urlsplit(url)
        if self._hub_host is None or _netloc(url) not in {self._hub_host, f"{self._hub_host}:443"}:
            return False
        return parts.scheme == "https" or _netloc(url) in self._allow_hosts


def _page(ask: _Ask, reply: _Reply, reading: Reading) -> Page:
    return Page(
        url=ask.origin,
        final_url=ask.url,
        status=reply.status,
        content_type=reading.content_type,
        text=reading.text,
        content_hash=content_hash(reading.text),
        body_sha256="sha256:" + hashlib.sha256(reply.body).hexdigest(),
        body_bytes=len(reply.body),
        retrieved_at=reply.retrieved_at,
        headers=reply.headers,
        notes=(*ask.notes, *reading.notes),
    )


def _without(secrets: Secrets, outcome: Outcome[Page]) -> Outcome[Page]:
    """What a server sent back of what it was sent is not stored."""
    if not isinstance(outcome, Found):
        detail = secrets.out_of(outcome.detail)
        return outcome if detail == outcome.detail else replace(outcome, detail=detail)
    page = outcome.value
    if not any(map(secrets.stand_in, (page.text, *page.headers.values(), *page.notes))):
        return outcome
    text = secrets.out_of(page.text)
    clean = page.model_copy(
        update={
            "text": text,
            "content_hash": content_hash(text),
            "headers": {name: secrets.out_of(value) for name, value in page.headers.items()},
            "notes": (*map(secrets.out_of, page.notes), "The server sent our token back; it was taken out."),
        }
    )
    return Found(clean)


def _is_wanted_part(response: httpx.Response, wanted: int | None) -> bool:
    return wanted is not None and response.headers.get("content-range", "").startswith("bytes 0-")


def _followed(ask: _Ask, location: str) -> _Ask:
    """The ask at its next address. What was meant for one host alone is not carried to another."""
    target = urljoin(ask.url, location)
    headers = ask.headers
    if _netloc(target) != _netloc(ask.url) or urlsplit(target).scheme != urlsplit(ask.url).scheme:
        headers = {k: v for k, v in headers.items() if k not in PRIVATE_HEADERS}
    notes = ask.notes
    if ask.url.lower().startswith("https:") and target.lower().startswith("http:"):
        notes = (*notes, f"{_netloc(ask.url)} redirects from https to http.")
    return ask._replace(url=target, headers=headers, notes=notes)


def _url_problem(url: str) -> str | None:
    """Why ``url`` cannot be fetched at all, or None."""
    if len(url) > LONGEST_URL:
        return "the address is too long"
    try:
        parts, asked = urlsplit(url), httpx.URL(url)
        host = asked.raw_host.decode("ascii") if asked.host and parts.port != 0 else ""
    except (ValueError, httpx.InvalidURL):
        return "the address cannot be read"
    if parts.scheme.lower() not in {"http", "https"}:
        return f"{parts.scheme[:20] or 'no'} scheme; only http and https are read"
    if not parts.hostname:
        return "the address has no host"
    if "@" in parts.netloc:
        return "the address carries a user name"
    return None if HOST.fullmatch(host) else "the address names a host that cannot be one"


def _netloc(url: str) -> str:
    return urlsplit(url).netloc.lower()
