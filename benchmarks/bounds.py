"""How fast research could have been: from the servers' log, their latency and their limits."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl

from benchmarks.crowd import Size
from tests.standins.http_server import Logged

SEARCH = "html.duckduckgo.com"


class Bound(NamedTuple):
    """Seconds that no client can save, as long as it makes these requests."""

    beside: float
    """All hosts are asked beside one another."""
    in_turn: float
    """Search, then the Hub and its like, then pages."""
    hosts: dict[str, float]


def bound_of(requests: Sequence[Logged], size: Size) -> Bound:
    """The bound of these requests."""
    by_host: defaultdict[str, list[Logged]] = defaultdict(list)
    for request in requests:
        by_host["search" if _is_search(request) else request.host].append(request)
    hosts = {host: _of_host(host, asked, size) for host, asked in by_host.items()}
    groups: defaultdict[str, float] = defaultdict(float)
    for host, seconds in hosts.items():
        group = "pages" if host.startswith("host-") else "search" if host == "search" else "registers"
        groups[group] = max(groups[group], seconds)
    return Bound(max(hosts.values(), default=0.0), sum(groups.values()), hosts)


def _of_host(host: str, requests: Sequence[Logged], size: Size) -> float:
    interval = size.search_interval_seconds if host == "search" else size.interval_seconds
    latency = size.latency_seconds
    return max(
        len(requests) * interval,
        math.ceil(len(requests) / size.at_once) * latency,
        _longest_chain(requests) * latency,
    )


def _longest_chain(requests: Sequence[Logged]) -> int:
    """Pages of one listing: each is known only from the one before, whose cursor it carries."""
    cursors: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
    for request in requests:
        told = dict(pairs := parse_qsl(request.query))
        if "cursor" in told:
            listing = (request.path, *(f"{name}={value}" for name, value in pairs if name != "cursor"))
            cursors[listing].add(told["cursor"])
    return 1 + max(map(len, cursors.values()), default=0)


def _is_search(request: Logged) -> bool:
    return request.host == SEARCH or request.path == "/html/"
