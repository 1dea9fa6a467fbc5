"""Several inference hosts, as ``BMS_RUNTIMES`` lists them."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from tools.runtimes.base import RuntimeName
from tools.runtimes.ollama_names import DEFAULT_PORT, canonical

EXAMPLE = "ollama:http://gpu1:11434,openai:http://gpu2:8000/v1#qwen3:8b=Qwen3-8B-Q4_K_M"
MOST_HOSTS = 64

_KINDS = (RuntimeName.OLLAMA, RuntimeName.OPENAI)
_MODEL = re.compile(r"[^\s=#,]{1,255}")


class HostSpec(NamedTuple):
    """One endpoint."""

    runtime: RuntimeName
    """Ollama or OpenAI-compatible."""
    url: str
    """Without a slash at its end."""
    label: str
    """``gpu1:11434``: as events, rows and the report name it."""
    same: tuple[tuple[str, str], ...] = ()
    """Models of which a person says that they are the same here: the run's name, and the name here."""

    def vouched(self, model: str) -> str | None:
        """The name here of a model that a person says is the same; None when nobody says so."""
        return next((here for name, here in self.same if canonical(name) == canonical(model)), None)


def parse_hosts(text: str) -> tuple[HostSpec, ...]:
    """Endpoints separated by commas; :class:`ValueError` says which of them, by number, cannot be used.

    ``ollama:URL`` or ``openai:URL``; the kind may be missing where the address tells it: port 11434 is
    Ollama's, a path that ends in /v1 is of the OpenAI API. ``#MODEL=ID`` (or ``#MODEL`` where both names are
    the same) after an OpenAI-compatible one says that what it serves as ID is the run's MODEL. What was
    written is not repeated in the error: it may hold a password.
    """
    entries = [part.strip() for part in text.split(",")]
    if not any(entries):
        return ()
    if len(entries) > MOST_HOSTS:
        raise ValueError(f"must not list more than {MOST_HOSTS} endpoints")
    hosts: list[HostSpec] = []
    for number, entry in enumerate(entries, 1):
        try:
            host = _host(entry)
        except ValueError as error:
            raise ValueError(f"has an entry, number {number}, that {error}") from None
        if host.url in {other.url for other in hosts}:
            raise ValueError(f"lists {host.label} twice")
        hosts.append(host)
    return _told_apart(hosts)


def _host(entry: str) -> HostSpec:
    if not entry:
        raise ValueError("is empty")
    address, *words = entry.split("#")  # a password with a # in it leaves an address that is none
    kind, _, rest = address.partition(":")
    known = next((name for name in _KINDS if name.value == kind.strip().lower()), None)
    url = (rest if known else address).strip().rstrip("/")
    if "@" in url:
        raise ValueError("holds a user name or a password; a key is set as OPENAI_API_KEY or OLLAMA_API_KEY")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(f"is no address; the list looks like {EXAMPLE}") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or re.search(r"\s", url):
        raise ValueError(f"is no http or https address; the list looks like {EXAMPLE}")
    if parts.query:
        raise ValueError("has a query; an address has none")
    runtime = known or _told_by(port, parts.path)
    if runtime is None:
        raise ValueError("does not tell its kind; write ollama: or openai: before it")
    if words and runtime is not RuntimeName.OPENAI:
        raise ValueError("names a model after #; Ollama tells itself which model it has")
    if runtime is RuntimeName.OPENAI and not parts.path.strip("/"):
        url += "/v1"
    return HostSpec(runtime, url, urlsplit(url).netloc, tuple(_same(word) for word in words))


def _told_by(port: int | None, path: str) -> RuntimeName | None:
    if path.rstrip("/").endswith("/v1"):
        return RuntimeName.OPENAI
    return RuntimeName.OLLAMA if port == DEFAULT_PORT else None


def _same(word: str) -> tuple[str, str]:
    name, equals, here = word.strip().partition("=")
    if not _MODEL.fullmatch(name) or (equals and not _MODEL.fullmatch(here)):
        raise ValueError("has no model after #; it looks like #qwen3:8b=Qwen3-8B-Q4_K_M")
    return name, here or name


def _told_apart(hosts: list[HostSpec]) -> tuple[HostSpec, ...]:
    """Labels as short as they can be: the path is part of them only where one machine is listed twice."""
    labels = [host.label for host in hosts]
    return tuple(
        host if labels.count(host.label) == 1 else host._replace(label=host.url.partition("://")[2])
        for host in hosts
    )
