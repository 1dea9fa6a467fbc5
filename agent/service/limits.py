"""How often a client may ask for what costs something."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

from starlette.requests import Request

from agent.service.place import SIGNED_IN
from agent.service.problems import TooMany

MOST_CLIENTS = 4096
"""Clients that are remembered; beyond that, whoever was quiet longest is forgotten."""


class Bucket(NamedTuple):
    tokens: float
    at: float


class Buckets:
    """A token bucket for each client: ``per_minute`` go in, at most ``burst`` lie in it.

    ``seconds`` tells a time that only goes forward.
    """

    def __init__(self, per_minute: float, burst: int, seconds: Callable[[], float]) -> None:
        self._rate = per_minute / 60
        self._burst = burst
        self._seconds = seconds
        self._buckets: dict[str, Bucket] = {}
        """Whoever was quiet longest comes first."""

    def __len__(self) -> int:
        return len(self._buckets)

    def wait(self, client: str) -> float:
        """Seconds until the client may take a token; 0 when it may now."""
        return max(0.0, round((1 - self._level(client)) / self._rate, 6))

    def take(self, client: str) -> None:
        """Raises TooMany when there is no token."""
        if seconds := self.wait(client):
            raise too_many(seconds)
        level = self._level(client)
        self._buckets.pop(client, None)
        self._buckets[client] = Bucket(level - 1, self._seconds())
        self._forget()

    def _level(self, client: str) -> float:
        bucket = self._buckets.get(client)
        if bucket is None:
            return self._burst
        return min(self._burst, bucket.tokens + (self._seconds() - bucket.at) * self._rate)

    def _forget(self) -> None:
        """A bucket that is full again says nothing any more."""
        full_since = self._seconds() - self._burst / self._rate
        while self._buckets:
            client, bucket = next(iter(self._buckets.items()))
            if len(self._buckets) <= MOST_CLIENTS and bucket.at > full_since:
                return
            del self._buckets[client]


class Rule(NamedTuple):
    """Which requests take a token from which buckets."""

    path: re.Pattern[str]
    per_minute: int


RULES = (
    Rule(re.compile(r"/api/runs|/langgraph/(threads/[^/]+/)?runs(/stream|/wait|/batch)?"), 10),
    Rule(re.compile(r"/api/threads|/langgraph/threads"), 10),
    Rule(re.compile(r"/api/threads/[^/]+/messages(/[^/]+/confirm)?"), 60),
    Rule(re.compile(r"/mcp"), 120),
)
"""POST requests, and how many of them a minute; as many may come at once."""


class Rates:
    """The limits on creation, for every client apart."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._rules = [(rule.path, Buckets(rule.per_minute, rule.per_minute, seconds)) for rule in RULES]

    def check(self, request: Request) -> None:
        """Raises TooMany."""
        if request.method != "POST":
            return
        path = request.url.path.rstrip("/")
        for pattern, buckets in self._rules:
            if pattern.fullmatch(path):
                buckets.take(client_of(request))


def client_of(request: Request) -> str:
    """Whoever signed in by name, else where the request came from."""
    person: str | None = getattr(request.state, SIGNED_IN, None)
    return f"name {person}" if person and not _is_program(request) else address_of(request)


def _is_program(request: Request) -> bool:
    return "authorization" in request.headers or "x-api-key" in request.headers


def address_of(request: Request) -> str:
    """The client's address; of IPv6 the network, within which a client changes its address at will."""
    host = request.client.host if request.client else "unknown"
    try:
        number = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(number, IPv6Address) and number.ipv4_mapped is None:
        return f"{IPv6Address(int(number) >> 64 << 64)}/64"
    return str(getattr(number, "ipv4_mapped", None) or number)


def too_many(seconds: float) -> TooMany:
    whole = max(1, math.ceil(seconds))
    return TooMany(
        "That was asked for too often in a short time.",
        f"Try again in {whole} second{'s' if whole > 1 else ''}.",
        retry_after=whole,
    )
