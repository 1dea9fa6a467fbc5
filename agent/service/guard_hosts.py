"""Names, ports and origins, as headers and ``BMS_HOSTS`` state them."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import NamedTuple

EVERYWHERE = frozenset({"", "0.0.0.0", "::"})  # noqa: S104
"""Addresses to listen on that stand for all of the machine's own."""

_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?)(?::([0-9]{1,5}))?")
_ORIGIN = re.compile(r"(https?)://([^/?#@\s]+)/?")


class Authority(NamedTuple):
    """``name:port`` of an address, in small letters; an IPv6 address has its brackets."""

    name: str
    port: str
    """Empty where it is the scheme's own."""


class Origin(NamedTuple):
    scheme: str
    authority: Authority


class Named(NamedTuple):
    """What ``BMS_HOSTS`` names."""

    hosts: frozenset[Authority]
    """Further names of the service; one without a port stands for every port."""
    origins: frozenset[Origin]
    """Other programs' origins, whose pages may use LangGraph's protocol here."""


def authority_of(text: str) -> Authority | None:
    """None when it is not ``name`` or ``name:port``."""
    found = _AUTHORITY.fullmatch(text.lower())
    return Authority(found[1], found[2] or "") if found else None


def origin_of(text: str) -> Origin | None:
    """The origin that a header or a setting states; None for ``null`` and everything that is none of the web.
    A scheme's usual port is left out, as browsers do."""
    found = _ORIGIN.fullmatch(text.lower())
    authority = authority_of(found[2]) if found else None
    if found is None or authority is None:
        return None
    return Origin(found[1], without_usual_port(authority, found[1]))


def without_usual_port(authority: Authority, scheme: str) -> Authority:
    usual = {"http": "80", "https": "443"}[scheme]
    return authority._replace(port="") if authority.port == usual else authority


def parse_hosts(text: str) -> Named:
    """``BMS_HOSTS``: names, ``name:port``s and origins with commas; ValueError says which is neither."""
    hosts, origins = set(), set()
    for entry in filter(None, (part.strip() for part in text.split(","))):
        if "://" in entry:
            origin = origin_of(entry)
            if origin is None:
                raise ValueError(f"{entry!r} is no origin such as http://localhost:3000")
            origins.add(origin)
        else:
            host = authority_of(entry)
            if host is None:
                raise ValueError(f"{entry!r} is no host name such as models.example.org")
            hosts.add(host)
    return Named(frozenset(hosts), frozenset(origins))


def is_loopback(host: str) -> bool:
    """Whether only this machine can connect to what listens on ``host``. What is in doubt is not."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
