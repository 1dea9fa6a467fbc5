"""Connections to public addresses only, decided on the address that is really connected to.

A name is resolved once, every address it has is checked, and the connection goes to a checked address: a name
that changes between check and connection (DNS rebinding) gains nothing. TLS still verifies the name.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import httpcore

from tools.web.meter import MeteredStream

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

PORTS = frozenset({80, 443, 8080, 8443})
"""Where public pages are; behind any other port of a public address may be a service that is no page."""

NAT64 = IPv6Network("64:ff9b::/96")
UNICAST = IPv6Network("2000::/3")
"""All that is handed out of IPv6; the rest is local, reserved or stands for something else."""
CLOSED = (
    IPv4Network("168.63.129.16/32"),
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv6Network("2001::/23"),
    IPv6Network("2002::/16"),
    IPv6Network("3fff::/20"),
)
"""What ``ipaddress`` calls global in some version and is not for pages: Azure's host agent, protocol
assignments (Oracle's metadata among them), 6to4, which is withdrawn, Teredo, documentation."""


class RefusedAddressError(Exception):
    """A name led to an address, or a port, that the page reader must not reach."""

    def __init__(self, host: str, sentence: str) -> None:
        super().__init__(f"{host[:100]} {sentence}")


def is_public(address: str) -> bool:
    """Whether ``address`` is a public unicast address, seen through mapped, ISATAP and NAT64 forms."""
    try:
        parsed = ip_address(address.split("%", 1)[0])
    except ValueError:
        return False
    return all(_is_open(part) for part in _faces(parsed))


def _is_open(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address) and address not in UNICAST:
        return False
    closed = any(address in network for network in CLOSED if network.version == address.version)
    return address.is_global and not address.is_multicast and not closed


def _faces(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """The address, or the IPv4 addresses that an IPv6 form stands for."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address in NAT64:
        return [IPv4Address(int(address) & 0xFFFFFFFF)]
    inner: list[IPv4Address | IPv6Address] = [address]
    if int(address) >> 32 & 0xFCFFFFFF == 0x5EFE:  # ISATAP, RFC 5214
        inner.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return inner


async def resolve(host: str, port: int) -> Sequence[str]:
    """Every address of ``host``, in the system's order. Raises ``OSError`` when the name is unknown."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """A network backend that refuses addresses that are not public, and ports where no pages are.

    ``allow_hosts`` holds ``host:port`` pairs that may be anything, as the person set them. What a server
    sends is metered, whoever it is.
    """

    def __init__(self, *, allow_hosts: frozenset[str] = frozenset(), resolver: Resolve = resolve) -> None:
        self._allow_hosts = frozenset(entry.lower() for entry in allow_hosts)
        self._resolver = resolver
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await self._checked(host, port)
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses:
            try:
                stream = await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
                return MeteredStream(stream)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _checked(self, host: str, port: int) -> Sequence[str]:
        try:
            addresses = await self._resolver(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"the name {host[:100]} could not be resolved: {error}") from error
        if self._allowed(host, port):
            return addresses
        for address in addresses:
            if not is_public(address):
                raise RefusedAddressError(host, f"is at {address[:60]}, which is not a public address")
        if port not in PORTS:
            raise RefusedAddressError(host, f"has no pages at port {port} unless BMS_ALLOW_HOSTS names it")
        return addresses

    def _allowed(self, host: str, port: int) -> bool:
        name = host.lower()
        return f"{name}:{port}" in self._allow_hosts or f"[{name}]:{port}" in self._allow_hosts

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise RefusedAddressError(path, "is a socket of this machine")

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)
