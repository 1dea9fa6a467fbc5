"""Recorded HTTP of a story: strict replay, honest recording.

Built on vcrpy, which sees httpx and what is built on it (Ollama's client, huggingface_hub). ``ddgs`` speaks
through ``primp``, which vcrpy cannot see unless its client class is replaced; :class:`PrimpClient` is that
replacement, in recording and in replay.
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

import primp
import vcr
import yaml
from vcr.cassette import Cassette
from vcr.persisters.filesystem import CassetteDecodeError, CassetteNotFoundError, FilesystemPersister
from vcr.record_mode import RecordMode
from vcr.request import Request
from vcr.serializers import yamlserializer

from tools.faults import WrongUse
from tools.search.base import NotRecordedError
from tools.secrecy import Secrets
from tools.whole_files import check_kind

KEPT_REQUEST_HEADERS = frozenset({"accept", "content-type", "range"})
KEPT_RESPONSE_HEADERS = frozenset(
    {
        "accept-ranges",
        "content-encoding",
        "content-range",
        "content-type",
        "etag",
        "link",
        "location",
        "ratelimit",
        "ratelimit-policy",
        "retry-after",
        "x-error-code",
        "x-error-message",
        "x-linked-etag",
        "x-linked-size",
        "x-repo-commit",
    }
)
REDACTED = "REDACTED"


def request_key(request: Request) -> str:
    """What makes two requests the same: method, address, sorted query, and the body's meaning."""
    parts = urlsplit(request.uri)
    query = urlencode(sorted(parse_qsl(parts.query, keep_blank_values=True)))
    address = f"{parts.scheme}://{parts.netloc}{parts.path or '/'}"
    return hashlib.sha256("\n".join((request.method, address, query, _body(request))).encode()).hexdigest()


def _body(request: Request) -> str:
    body = request.body or b""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
    try:
        return json.dumps(json.loads(text), sort_keys=True)
    except ValueError:
        return text


class Tape(NamedTuple):
    """What a file of recordings holds, never to be changed."""

    interactions: Sequence[tuple[Request, dict[str, Any]]]
    places: Mapping[str, Sequence[int]]
    """By :func:`request_key`, where its recordings stand, in their order."""


@lru_cache(maxsize=2)
def read_tape(path: str, changed: int, size: int) -> Tape:
    """The recordings of a file, read again only when it has changed: that takes half a second."""
    clean_request, clean_response = _cleaner((), {})
    requests, responses, *_ = FilesystemPersister.load_cassette(path, yamlserializer)
    interactions = [
        (clean_request(request), clean_response(response))
        for request, response in zip(requests, responses, strict=True)
    ]
    places: dict[str, list[int]] = {}
    for place, (request, _) in enumerate(interactions):
        places.setdefault(request_key(request), []).append(place)
    return Tape(interactions, places)


class StoryCassette(Cassette):  # type: ignore[misc]
    """A cassette played in order, request by request.

    The same request asked again gets the next recording of it, then the last one again: a program that was
    killed and resumed asks again for what it had not stored yet. A journal beside the run remembers what was
    played, so that a new process goes on in the story where the last one was.
    """

    journal: Path | None = None
    misses: list[str]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.misses = []
        self._places: Mapping[str, Sequence[int]] = {}

    def _load(self) -> None:
        if self.record_mode == RecordMode.ALL:
            return  # a recording is made anew
        try:
            found = os.stat(self._path)
            check_kind(found.st_mode)
            tape = read_tape(str(self._path), found.st_mtime_ns, found.st_size)
        except (OSError, CassetteDecodeError, CassetteNotFoundError) as error:
            sentence = f"There is no readable recording at {self._path}."
            raise WrongUse(sentence, "`bms record` makes one.") from error
        except (yaml.YAMLError, ValueError, LookupError, TypeError) as error:
            raise WrongUse(f"{self._path} is not a recording that can be read.") from error
        self.data = list(tape.interactions)
        self._places = tape.places
        self.rewound = True
        if self.journal is not None and self.journal.exists():
            for line in self.journal.read_text().split():
                if line.isdigit() and int(line) < len(self.data):
                    self.play_counts[int(line)] += 1

    def can_play_response_for(self, request: Request) -> bool:
        if self.record_mode == RecordMode.ALL:
            return False
        if request in self:
            return True
        self.misses.append(f"{request.method} {request.uri}")
        # vcrpy's own error would advise on its options, and compares requests by other matchers than ours.
        raise NotRecordedError(self.misses[-1])

    def __contains__(self, request: Request) -> bool:
        return request_key(request) in self._places

    def play_response(self, request: Request) -> Any:
        places = self._places[request_key(request)]
        place = next((p for p in places if self.play_counts[p] == 0), places[-1])
        self.play_counts[place] += 1
        if self.journal is not None:
            with self.journal.open("a") as journal:
                journal.write(f"{place}\n")
        return copy.deepcopy(self.data[place][1])

    def unused(self) -> list[str]:
        """Recordings that nothing asked for."""
        return [
            f"{request.method} {request.uri}"
            for place, (request, _) in enumerate(self.data)
            if not self.play_counts[place]
        ]


class PrimpReply:
    """What ``ddgs`` reads of a primp response."""

    def __init__(self, recorded: dict[str, Any]) -> None:
        self.status_code: int = recorded["status"]["code"]
        body = recorded["body"]["string"]
        self.content: bytes = body if isinstance(body, bytes) else body.encode()
        self.text: str = self.content.decode("utf-8", "replace")
        self.headers: dict[str, str] = {
            name.lower(): values[0] for name, values in recorded["headers"].items() if values
        }


class PrimpClient:
    """Stands in for ``primp.Client`` inside a cassette; the real one does the asking when recording."""

    cassette: ClassVar[Any] = None
    real: ClassVar[Any] = primp.Client

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._headers: dict[str, str] = {}

    def headers_update(self, headers: dict[str, str]) -> None:
        self._headers.update(headers)

    def request(self, method: str, url: str, **given: Any) -> PrimpReply:
        body = urlencode(given["data"]) if given.get("data") else ""
        query = urlencode(given["params"]) if given.get("params") else ""
        uri = url + ("&" if "?" in url else "?") * bool(query) + query
        request = Request(method, uri, body, {"content-type": "application/x-www-form-urlencoded"})
        if self.cassette.can_play_response_for(request):
            return PrimpReply(self.cassette.play_response(request))
        client = self.real(**self._options)
        client.headers_update(self._headers)
        reply = client.request(method, url, **given)
        recorded = {
            "status": {"code": reply.status_code, "message": ""},
            "headers": {k: [v] for k, v in dict(reply.headers).items() if k.lower() != "content-encoding"},
            "body": {"string": reply.content},  # primp has decompressed it
        }
        self.cassette.append(request, recorded)
        return PrimpReply(recorded)


def _cleaner(secrets: Sequence[str], renamed: Mapping[str, str]) -> tuple[Any, Any]:
    """Hooks that keep only what a replay needs, and no secret of this machine."""
    held = Secrets(secrets)

    def clean(text: Any) -> Any:
        if isinstance(text, bytes):
            return held.out_of_bytes(text, REDACTED)
        return held.out_of(text, REDACTED) if isinstance(text, str) else text

    def request(given: Request) -> Request:
        headers = {k: v for k, v in given.headers.items() if k.lower() in KEPT_REQUEST_HEADERS}
        uri = given.uri
        for here, public in renamed.items():
            # Not the beginning of another port or host: what follows is the path.
            if f"{uri}/".startswith(f"{here.rstrip('/')}/"):
                uri = public.rstrip("/") + uri.removeprefix(here.rstrip("/"))
        return Request(given.method, clean(uri), clean(given.body), headers)

    def response(given: dict[str, Any]) -> dict[str, Any]:
        headers = {
            name: [clean(value) for value in values]
            for name, values in given["headers"].items()
            if name.lower() in KEPT_RESPONSE_HEADERS
        }
        return {**given, "headers": headers, "body": {"string": clean(given["body"].get("string"))}}

    return request, response


@contextmanager
def played(path: Path, *, journal: Path | None = None) -> Iterator[StoryCassette]:
    """Answer every request from the recording; one that is not in it fails and is in ``misses``."""
    with _opened(path, "none", journal) as cassette:
        yield cassette


@contextmanager
def recorded(
    path: Path, *, secrets: Sequence[str] = (), renamed: Mapping[str, str] = MappingProxyType({})
) -> Iterator[StoryCassette]:
    """Ask the network, and write what it answered to ``path``; secrets are left out.

    ``renamed`` maps the beginning of an address to the one it is written under: a service that was reached at
    another place than a replay will look for it.
    """
    with _opened(path, "all", None, secrets, renamed) as cassette:
        yield cassette


@contextmanager
def _opened(
    path: Path,
    mode: str,
    journal: Path | None,
    secrets: Sequence[str] = (),
    renamed: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[StoryCassette]:
    clean_request, clean_response = _cleaner(secrets, renamed)
    recorder = vcr.VCR(
        record_mode=mode,
        custom_patches=((primp, "Client", PrimpClient),),
        before_record_request=clean_request,
        before_record_response=clean_response,
        decode_compressed_response=True,
    )
    kind: Any = type("OpenCassette", (StoryCassette,), {"journal": journal})
    with kind.use(**recorder.get_merged_config(path=str(path))) as cassette:
        yield cassette
