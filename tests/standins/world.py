"""A small world of public hosts on loopback, built from ``facts/``: Hub, Ollama registry, search, pages.

``World.start()`` starts the servers; ``RoutingBackend(world)`` leads every public host to them, so that a
recorder can use the real public addresses while nothing leaves the machine. Five requests find what they need
in it: therapy coaching, coding, mathematics, creative writing, and legal questions in German.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol, Self

import httpcore

from tests.standins.http_server import Manner, StandIn
from tests.standins.hub_server import HubServer, Quota
from tests.standins.pages_server import PagesServer
from tests.standins.registry_server import RegistryServer, TagFixture
from tests.standins.search_server import Entry, SearchServer
from tests.standins.stored_facts import FACTS, models, stored
from tests.standins.stored_facts import stored as _facts
from tests.standins.world_hub import hub_content, hub_discussions, hub_large
from tests.standins.world_pages import page_entries, pages, walled_hosts

__all__ = [
    "FACTS",
    "Addresses",
    "RoutingBackend",
    "World",
    "_facts",
    "hub_content",
    "models",
    "registry_tags",
]

CDN = "https://cdn.ollama.example"
HUB_CDN = "https://cdn.hub.example"
LICENCE_TEXTS = {
    "apache-2.0": "Apache License\nVersion 2.0, January 2004\nhttp://www.apache.org/licenses/\n",
    "mit": "MIT License\n\nPermission is hereby granted, free of charge, to any person obtaining a copy\n",
    "gemma": "Gemma Terms of Use\n\nLast modified: February 21, 2024\n",
    "llama3.1": "LLAMA 3.1 COMMUNITY LICENSE AGREEMENT\nLlama 3.1 Version Release Date: July 23, 2024\n",
    "llama3.2": "LLAMA 3.2 COMMUNITY LICENSE AGREEMENT\nLlama 3.2 Version Release Date: September 25, 2024\n",
}
QUANT_OF_TAG = {"gemma2:9b": "Q4_0", "zephyr:7b": "Q4_0", "openchat:7b": "Q4_0", "hermes3:8b": "Q4_0"}


class Route(NamedTuple):
    host: str
    port: int


class Routes(Protocol):
    """Something that knows where each public host is led to."""

    def routes(self, host: str) -> Route: ...


class Addresses(NamedTuple):
    """Where the stand-ins listen, as ``http://127.0.0.1:port``."""

    hub: str
    registry: str
    search: str
    pages: str

    @property
    def duckduckgo(self) -> str:
        return f"{self.search}/html/"

    @property
    def searxng(self) -> str:
        return f"{self.search}/searxng"

    @property
    def allow_hosts(self) -> frozenset[str]:
        return frozenset(address.removeprefix("http://") for address in self)

    def routes(self, host: str) -> Route:
        """Where a public host is led to: pages have every host that is none of the others."""
        known = {
            "huggingface.co": self.hub,
            "cdn.hub.example": self.hub,
            "registry.ollama.ai": self.registry,
            "cdn.ollama.example": self.registry,
            "html.duckduckgo.com": self.search,
            "searxng.example": self.search,
        }
        return Route("127.0.0.1", int(known.get(host.lower(), self.pages).rsplit(":", 1)[1]))


class World:
    """The four servers. A context manager; :meth:`start` and :meth:`stop` do the same.

    ``poisoned`` makes some pages and a card hostile, without changing what finds them. ``noise`` mixes that
    many more repositories into the Hub. ``block_share`` of the queries are blocked, chosen by ``seed``.
    ``manner`` is how all servers treat their clients, ``quota`` the Hub's own limits.
    """

    def __init__(
        self,
        *,
        poisoned: bool = False,
        noise: int = 0,
        block_share: float = 0.0,
        seed: int = 0,
        manner: Manner | None = None,
        quota: Quota | None = None,
    ) -> None:
        records, files = hub_content(poisoned=poisoned)
        self.hub = HubServer(
            [*records, *_surroundings(noise, seed, records)],
            files,
            large=hub_large(),
            discussions=hub_discussions(),
            cdn=HUB_CDN,
            quota=quota,
            manner=manner,
        )
        self.registry = RegistryServer(dict(registry_tags()), redirect_to=CDN, manner=manner)
        self.pages = PagesServer(pages(poisoned=poisoned), walled=walled_hosts(), manner=manner)
        cards = [
            Entry(f"https://huggingface.co/{r['id']}", r["id"], " ".join([r["id"], *r["tags"]]))
            for r in records
        ]
        self.search = SearchServer(
            [*page_entries(), *cards], block_share=block_share, seed=seed, manner=manner
        )

    @property
    def servers(self) -> tuple[StandIn, ...]:
        return (self.hub, self.registry, self.search, self.pages)

    def start(self) -> Addresses:
        for server in self.servers:
            server.start()
        return self.addresses

    def stop(self) -> None:
        for server in self.servers:
            server.stop()

    @property
    def addresses(self) -> Addresses:
        return Addresses(*(server.address for server in self.servers))

    def routes(self, host: str) -> Route:
        """Where a public host is led to."""
        return self.addresses.routes(host)

    @property
    def violations(self) -> dict[str, int]:
        """Requests by host that broke the limits of the manner."""
        return {host: count for server in self.servers for host, count in server.violations.items()}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _PlainStream(httpcore.AsyncNetworkStream):
    """A stream on which TLS is agreed to and left out."""

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        return await self._inner.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        return self

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class RoutingBackend(httpcore.AsyncNetworkBackend):
    """Leads every host to the stand-ins of a world; a loopback address stays what it is."""

    def __init__(self, world: Routes) -> None:
        self._world = world
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        route = Route(host, port) if host == "127.0.0.1" else self._world.routes(host)
        return _PlainStream(await self._inner.connect_tcp(route.host, route.port, timeout))

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise AssertionError("nothing here uses a socket file")

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


def registry_tags() -> Iterable[tuple[str, TagFixture]]:
    """Tags whose exact bytes the facts hold."""
    for model in models():
        known = model["ollama"].get("registry")
        tag = model["ollama"].get("tag")
        if not known or not tag:
            continue
        size = f"{model['parameters'] / 1e9:.1f}B" if model["parameters"] else tag.split(":")[1].upper()
        licence = LICENCE_TEXTS.get(model["license"]["hf_tag"] or "", "See the model's own licence.\n")
        config = {"model_format": "gguf", "model_type": size, "file_type": QUANT_OF_TAG.get(tag, "Q4_K_M")}
        shape = stored("dimensions.json")["dimensions"].get(model["hf_repo"])
        if shape is not None:
            config |= {"model_family": shape["architecture"], "model_families": [shape["architecture"]]}
        yield (
            tag,
            TagFixture(
                known["model_layer_bytes"], known["model_layer_digest"], known["total_bytes"], config, licence
            ),
        )


def _surroundings(count: int, seed: int, records: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    if not count:
        return ()
    from tests.standins.world_noise import noise

    return noise(count, seed, known={record["id"] for record in records})
