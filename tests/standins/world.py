"""A small world of public hosts on loopback, built from ``facts/``: Hub, Ollama registry, search, pages.

``World.start()`` starts the servers; ``RoutingBackend(world)`` leads every public host to them, so that a
recorder can use the real public addresses while nothing leaves the machine.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterable
from functools import cache
from html import escape
from pathlib import Path
from typing import Any, NamedTuple, Self

import httpcore

from tests.standins.http_server import Answered, StandIn
from tests.standins.hub_server import HubServer
from tests.standins.pages_server import PagesServer
from tests.standins.registry_server import RegistryServer, TagFixture
from tests.standins.search_server import Entry, SearchServer

FACTS = Path(__file__).parent / "facts"
CDN = "https://cdn.ollama.example"
LICENCE_TEXTS = {
    "apache-2.0": "Apache License\nVersion 2.0, January 2004\nhttp://www.apache.org/licenses/\n",
    "mit": "MIT License\n\nPermission is hereby granted, free of charge, to any person obtaining a copy\n",
    "gemma": "Gemma Terms of Use\n\nLast modified: February 21, 2024\n",
    "llama3.1": "LLAMA 3.1 COMMUNITY LICENSE AGREEMENT\nLlama 3.1 Version Release Date: July 23, 2024\n",
    "llama3.2": "LLAMA 3.2 COMMUNITY LICENSE AGREEMENT\nLlama 3.2 Version Release Date: September 25, 2024\n",
}
GATED = ("meta-llama/", "google/gemma-2", "google/gemma-3", "CohereLabs/", "mistralai/Ministral-8B")
QUANT_OF_TAG = {"gemma2:9b": "Q4_0", "zephyr:7b": "Q4_0", "openchat:7b": "Q4_0", "hermes3:8b": "Q4_0"}


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
    def allow_hosts(self) -> frozenset[str]:
        return frozenset(address.removeprefix("http://") for address in self)


class Route(NamedTuple):
    host: str
    port: int


@cache
def _facts(name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((FACTS / name).read_text(encoding="utf-8"))
    return value


def models() -> list[dict[str, Any]]:
    """The facts, one entry a model, with their sources."""
    return list(_facts("models.json")["models"])


class World:
    """The four servers. A context manager; :meth:`start` and :meth:`stop` do the same."""

    def __init__(self) -> None:
        records, files = hub_content()
        self.hub = HubServer(records, files)
        self.registry = RegistryServer(dict(registry_tags()), redirect_to=CDN)
        pages = list(_facts("pages.json")["pages"])
        self.pages = PagesServer({page["url"]: _page(page) for page in pages})
        cards = (
            Entry(f"https://huggingface.co/{r['id']}", r["id"], " ".join([r["id"], *r["tags"]]))
            for r in records
        )
        found = [Entry(page["url"], page["title"], page["snippet"]) for page in pages]
        self.search = SearchServer([*found, *cards])

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
        known: dict[str, StandIn] = {
            "huggingface.co": self.hub,
            "registry.ollama.ai": self.registry,
            "cdn.ollama.example": self.registry,
            "html.duckduckgo.com": self.search,
        }
        return Route("127.0.0.1", known.get(host.lower(), self.pages).port)

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

    def __init__(self, world: World) -> None:
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


def hub_content() -> tuple[list[dict[str, Any]], dict[str, dict[str, str]]]:
    """Records and files of the Hub: the models of the facts, their GGUF repositories, the extra ones."""
    records: dict[str, dict[str, Any]] = {}
    files: dict[str, dict[str, str]] = {}
    configs = _facts("models.json")["configs"]
    for model in models():
        repo = model["hf_repo"]
        records[repo] = _original(model)
        files[repo] = {"README.md": _card(model)}
        native = model["context"]["native"]
        config = configs.get(repo) or ({"max_position_embeddings": native} if native else None)
        if config:
            files[repo]["config.json"] = json.dumps({"architectures": ["CausalLM"], **config})
        gguf = model["gguf"]
        if gguf["repo"] and gguf["repo"] not in records:
            records[gguf["repo"]] = _gguf(model)
    for extra in _facts("models.json")["extra_repositories"]:
        records.setdefault(extra["repo"], _extra(extra))
    return list(records.values()), files


def _record(repo: str, *, licence: str | None, tags: list[str], **fields: Any) -> dict[str, Any]:
    tagged = [*tags, *([f"license:{licence}"] if licence else []), "region:us"]
    kept = {name: value for name, value in fields.items() if value is not None}
    base = {
        "id": repo,
        "modelId": repo,
        "author": repo.split("/", maxsplit=1)[0],
        "private": False,
        "gated": False,
    }
    return {**base, "pipeline_tag": "text-generation", "tags": tagged, **kept}


def _original(model: dict[str, Any]) -> dict[str, Any]:
    repo, licence, tuned = model["hf_repo"], model["license"], _base_of(model)
    card = {
        "license": licence["hf_tag"],
        "license_name": licence["license_name"],
        "base_model": tuned,
        "pipeline_tag": "text-generation",
    }
    relation = [f"base_model:{tuned}", f"base_model:finetune:{tuned}"] if tuned else []
    popular = {"downloads": 444, "likes": 4} if repo == "Verdugie/Fable-Therapy-9B" else {}
    return _record(
        repo,
        licence=licence["hf_tag"],
        tags=["transformers", "safetensors", "conversational", *_topic_tags(model), *relation],
        gated="manual" if repo.startswith(GATED) else False,
        library_name="transformers",
        createdAt=f"{model['hf_created_at']}T00:00:00.000Z" if model["hf_created_at"] else None,
        cardData={name: value for name, value in card.items() if value},
        safetensors={"total": model["parameters"]} if model["parameters"] else None,
        siblings=[{"rfilename": "README.md"}, {"rfilename": "config.json"}],
        **popular,
    )


def _topic_tags(model: dict[str, Any]) -> list[str]:
    topics = {
        "therapy": ["therapy", "counseling", "mental-health"],
        "mental-health analysis": ["mental-health"],
        "medical": ["medical"],
    }
    return topics.get(model["domain"], [])


def _base_of(model: dict[str, Any]) -> str | None:
    """Bases that the facts name."""
    return {
        "Verdugie/Fable-Therapy-9B": "Qwen/Qwen3.5-9B",
        "Verdugie/Fable-Therapy-4B": "Qwen/Qwen3.5-4B",
        "Skshackster/gemma3-1b-mental-health-fine-tuned": "google/gemma-3-1b-it",
        "klyang/MentaLLaMA-chat-7B-hf": "meta-llama/Llama-2-7b-chat-hf",
        "NousResearch/Hermes-3-Llama-3.1-8B": "meta-llama/Llama-3.1-8B",
    }.get(model["hf_repo"])


def _gguf(model: dict[str, Any]) -> dict[str, Any]:
    base, gguf, licence = model["hf_repo"], model["gguf"], model["license"]["hf_tag"]
    created = gguf["gguf_repo_created"]
    return _record(
        gguf["repo"],
        licence=licence,
        tags=["gguf", f"base_model:{base}", f"base_model:quantized:{base}", "conversational"],
        library_name="gguf",
        createdAt=f"{created}T00:00:00.000Z" if created else None,
        cardData={"base_model": base, **({"license": licence} if licence else {})},
        gguf={"total": model["parameters"]} if model["parameters"] else None,
        siblings=[{"rfilename": gguf["q4_k_m_file"]}] if gguf["q4_k_m_file"] else [],
    )


def _extra(extra: dict[str, Any]) -> dict[str, Any]:
    base, relation = extra["base"], extra["relation"]
    tags = [
        *extra.get("tags", []),
        *([f"base_model:{base}", f"base_model:{relation}:{base}"] if base else []),
    ]
    packed = "gguf" in extra["repo"].lower()
    return _record(
        extra["repo"],
        licence=extra["licence"],
        tags=[*tags, "gguf" if packed else "safetensors"],
        library_name="gguf" if packed else "transformers",
        cardData={"license": extra["licence"], **({"base_model": base} if base else {})},
        **{"gguf" if packed else "safetensors": {"total": extra["parameters"]}},
    )


def _card(model: dict[str, Any]) -> str:
    """An authored stand-in for a model's card: the facts as a maker words them, and where each was read."""
    licence, context = model["license"], model["context"]
    front = [f"license: {licence['hf_tag']}"] if licence["hf_tag"] else []
    front += [f"license_name: {licence['license_name']}"] if licence["license_name"] else []
    front += [f"base_model: {base}"] if (base := _base_of(model)) else []
    lines = ["---", *front, "---", f"# {model['hf_repo'].split('/')[1]}", ""]
    lines += ["(Authored stand-in for this model's card; every figure is from the sources below.)", ""]
    if model["parameters"]:
        lines.append(f"- Number of Parameters: {model['parameters']:,}")
    if context["native"] and context["extended"]:
        lines.append(
            f"- Context Length: {context['native']:,} natively and {context['extended']:,} tokens with YaRN"
        )
    elif context["native"]:
        lines.append(f"- Context Length: {context['native']:,} tokens")
    if model["release_date"]:
        lines.append(f"- Release date: {model['release_date']}")
    if model["mode"]:
        lines.append(f"- Mode: {model['mode']}")
    lines += [str(note) for note in (model["parameters_note"], licence["note"]) if note]
    urls = dict.fromkeys(url for named in model["sources"].values() for url in named)
    return "\n".join([*lines, "", "Sources:", *(f"- {url}" for url in urls), ""])


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
        yield (
            tag,
            TagFixture(
                known["model_layer_bytes"], known["model_layer_digest"], known["total_bytes"], config, licence
            ),
        )


def _page(page: dict[str, Any]) -> Answered:
    if page["content_type"].startswith("text/markdown"):
        lines = [
            f"# {page['title']}",
            "",
            *page["paragraphs"],
            "",
            *(f"Source: {url}" for url in page["sources"]),
        ]
        return Answered("\n\n".join(lines).encode(), content_type=page["content_type"])
    body = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in page["paragraphs"])
    sources = "".join(f"<li>Source: {escape(url)}</li>" for url in page["sources"])
    html = (
        f"<!doctype html><html><head><title>{escape(page['title'])}</title></head><body><nav>Home</nav>"
        f"<main><h1>{escape(page['title'])}</h1>{body}<ul>{sources}</ul></main></body></html>"
    )
    return Answered(html.encode(), content_type=page["content_type"])
