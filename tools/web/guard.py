"""Connections to public addresses only, decided on the address that is really connected to.

A name is resolved once, every address it has is checked, and the connection goes to a checked address: a name
that changes between check and connection (DNS rebinding) gains nothing. TLS still verifies the name.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import httpcore

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

NAT64 = IPv6Network("64:ff9b::/96")


class RefusedAddressError(Exception):
    """A name led to an address that the page reader must not reach."""

    def __init__(self, host: str, address: str) -> None:
        super().__init__(f"{host} is at {address}, which is not a public address")
        self.host = host
        self.address = address


def is_public(address: str) -> bool:
    """Whether ``address`` is a public unicast address, seen through mapped, 6to4, Teredo and NAT64 forms."""
    try:
        parsed = ip_address(address.split("%", 1)[0])
    except ValueError:
        return False
    return all(part.is_global and not part.is_multicast for part in _faces(parsed))


def _faces(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """The address, or the IPv4 addresses that an IPv6 form stands for."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address in NAT64:
        return [IPv4Address(int(address) & 0xFFFFFFFF)]
    inner: list[IPv4Address | IPv6Address] = [address]
    if address.sixtofour is not None:
        inner.append(address.sixtofour)
    if address.teredo is not None:
        inner.extend(address.teredo)
    return inner


async def resolve(host: str, port: int) -> Sequence[str]:
    """Every address of ``host``, in the system's order. Raises ``OSError`` when the name is unknown."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """A network backend that refuses addresses that are not public.

    ``allow_hosts`` holds ``host:port`` pairs that may be private, as the person set them.
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
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _checked(self, host: str, port: int) -> Sequence[str]:
        try:
            addresses = await self._resolver(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"the name {host} could not be resolved: {error}") from error
        if self._allowed(host, port):
            return addresses
        for address in addresses:
            if not is_public(address):
                raise RefusedAddressError(host, address)
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
        raise RefusedAddressError(path, "a socket of this machine")

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)
