"""The Hugging Face Hub: listing with filters and pages, records, discussions, files, errors and limits.

Large files (:class:`LargeFile`) are redirected to another host with their metadata, which serves ranges.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from tests.standins.http_server import Answered, Asked, Manner, StandIn, as_json

ALWAYS = ("_id", "id", "modelId", "private")
ON_DEMAND = ("securityRepoStatus",)
SCALES = {"K": 10**3, "M": 10**6, "B": 10**9}
MOST_ROWS = 1000
"""The Hub gives no more rows a page, whatever ``limit`` says."""
WINDOW_SECONDS = 300
DISCUSSIONS_A_PAGE = 25
PIECE = 1 << 20


@dataclass(frozen=True)
class LargeFile:
    """A file of which only the beginning is known; the rest is zeros up to ``size``."""

    head: Callable[[], bytes]
    size: int

    @property
    def etag(self) -> str:
        """Stands for the digest of the whole, which nobody has."""
        return hashlib.sha256(b"%d" % self.size + self.head()).hexdigest()

    def between(self, start: int, end: int) -> Iterator[bytes]:
        """Bytes from ``start`` up to and without ``end``, in pieces."""
        head = self.head()
        while start < end:
            stop = min(end, start + PIECE)
            piece = head[start:stop]
            yield piece + bytes(stop - start - len(piece))
            start = stop


class Quota(NamedTuple):
    """Requests of one kind that the Hub grants an address within five minutes."""

    api: int = 500
    resolvers: int = 3000


class _Entry(NamedTuple):
    """A record with what the filters of a listing look at, prepared once."""

    record: dict[str, Any]
    name: str
    tags: frozenset[str]
    count: int | None


class HubServer(StandIn):
    """Serves ``records`` (the Hub's JSON, in the order of its sort by downloads) and ``files`` by repository.

    Files of a gated repository other than its README need a token, any token, in ``Authorization``. Large
    files are sent from ``cdn``, an address such as ``https://cdn.example``. With ``quota`` the rate limits of
    the Hub hold; without one its headers are sent, and nobody is refused. ``discussions`` by repository are
    the Hub's JSON of a thread.
    """

    def __init__(
        self,
        records: Sequence[dict[str, Any]],
        files: Mapping[str, Mapping[str, str]] | None = None,
        *,
        large: Mapping[str, Mapping[str, LargeFile]] | None = None,
        discussions: Mapping[str, Sequence[dict[str, Any]]] | None = None,
        cdn: str = "",
        quota: Quota | None = None,
        manner: Manner | None = None,
    ) -> None:
        super().__init__(self._answer, manner=manner)
        self._entries = {record["id"]: _entry(record) for record in records}
        self._files = {repo: dict(named) for repo, named in (files or {}).items()}
        self._large = {repo: dict(named) for repo, named in (large or {}).items()}
        self._discussions = dict(discussions or {})
        self._cdn = cdn
        self._limits = _Limits(quota)

    def _answer(self, asked: Asked) -> Answered:
        if asked.path == "/robots.txt":
            return Answered(b"User-agent: *\nAllow: /\n")
        if asked.path.startswith("/cdn/"):
            return self._content(asked)
        used = self._limits.use("api" if asked.path.startswith("/api/") else "resolvers")
        if used.refused:
            return Answered(b"", 429, headers=used.headers)
        answer = self._route(asked)
        return Answered(answer.body, answer.status, answer.content_type, {**used.headers, **answer.headers})

    def _route(self, asked: Asked) -> Answered:
        if asked.path == "/api/models":
            return self._listing(asked)
        if asked.path.startswith("/api/models/"):
            repo = asked.path.removeprefix("/api/models/")
            if repo.endswith("/discussions") and repo.count("/") == 2:
                return self._threads(asked, repo.removesuffix("/discussions"))
            return self._record(asked, repo)
        parts = asked.path.strip("/").split("/", 4)
        if len(parts) == 5 and parts[2] in {"raw", "resolve"}:
            return self._file(asked, f"{parts[0]}/{parts[1]}", parts[4])
        return _error(404, "EntryNotFound", "Entry not found")

    def _listing(self, asked: Asked) -> Answered:
        found = [entry.record for entry in self._entries.values() if _fits(entry, asked.query)]
        found = _sorted(found, _first(asked.query, "sort") or "downloads")
        limit = min(int(_first(asked.query, "limit") or MOST_ROWS), MOST_ROWS)
        start = _position(_first(asked.query, "cursor"))
        if start is None:
            return as_json({"error": "Invalid cursor"}, status=400)
        fields = asked.query.get("expand", []) + asked.query.get("expand[]", [])
        rows = [_expanded(record, fields) for record in found[start : start + limit]]
        headers: dict[str, str] = {}
        if start + limit < len(found):
            again = [(k, v) for k, values in asked.query.items() if k != "cursor" for v in values]
            query = urlencode([*again, ("cursor", _cursor(start + limit))])
            headers["Link"] = f'<{asked.base}/api/models?{query}>; rel="next"'
        return as_json(rows, **headers)

    def _record(self, asked: Asked, repo: str) -> Answered:
        entry = self._entries.get(repo)
        if entry is None:
            return _error(401, "RepoNotFound", "Invalid username or password.")
        shown = {name: value for name, value in entry.record.items() if name not in ON_DEMAND}
        if _first(asked.query, "securityStatus") == "true":
            clean = {"scansDone": True, "filesWithIssues": []}
            shown["securityRepoStatus"] = entry.record.get("securityRepoStatus", clean)
        siblings = entry.record.get("siblings", [])
        if _first(asked.query, "blobs") == "true":
            shown["siblings"] = [self._with_size(repo, file) for file in siblings]
        else:
            shown["siblings"] = [{"rfilename": file["rfilename"]} for file in siblings]
        return as_json(shown)

    def _with_size(self, repo: str, file: dict[str, Any]) -> dict[str, Any]:
        large = self._large.get(repo, {}).get(file.get("rfilename", "")) if isinstance(file, dict) else None
        if large is None or "lfs" in file:
            return file
        return {**file, "size": large.size, "lfs": {"size": large.size, "pointerSize": 135}}

    def _threads(self, asked: Asked, repo: str) -> Answered:
        if repo not in self._entries:
            return _error(401, "RepoNotFound", "Invalid username or password.")
        status, kind = _first(asked.query, "status") or "all", _first(asked.query, "type") or "all"
        threads = [
            thread
            for thread in self._discussions.get(repo, ())
            if status in {"all", thread["status"]}
            and kind in {"all", "pull_request" if thread["isPullRequest"] else "discussion"}
        ]
        start = int(_first(asked.query, "p") or 0) * DISCUSSIONS_A_PAGE
        shown = threads[start : start + DISCUSSIONS_A_PAGE]
        closed = sum(thread["status"] != "open" for thread in threads)
        return as_json(
            {"discussions": shown, "count": len(threads), "start": start, "numClosedDiscussions": closed}
        )

    def _file(self, asked: Asked, repo: str, path: str) -> Answered:
        entry = self._entries.get(repo)
        if entry is None:
            return _error(401, "RepoNotFound", "Invalid username or password.")
        if entry.record.get("gated") and path != "README.md" and "authorization" not in asked.headers:
            return _error(401, "GatedRepo", f"Access to model {repo} is restricted.")
        commit = {"X-Repo-Commit": entry.record.get("sha") or "0" * 40}
        large = self._large.get(repo, {}).get(path)
        if large is not None:
            place = f"{self._cdn or asked.base}/cdn/{quote(repo)}/{quote(path)}?signature=of-the-cdn"
            linked = {"X-Linked-Size": str(large.size), "X-Linked-Etag": f'"{large.etag}"'}
            return Answered(b"", 302, headers={**commit, **linked, "Location": place})
        text = self._files.get(repo, {}).get(path)
        if text is None:
            return _error(404, "EntryNotFound", "Entry not found")
        return Answered(text.encode(), headers={**commit, "ETag": '"e"'})

    def _content(self, asked: Asked) -> Answered:
        owner, _, rest = asked.path.removeprefix("/cdn/").partition("/")
        name, _, path = rest.partition("/")
        large = self._large.get(f"{owner}/{name}", {}).get(path)
        if large is None:
            return Answered(b"", 403)
        binary = "application/octet-stream"
        span = re.fullmatch(r"bytes=(\d+)-(\d*)", asked.headers.get("range", ""))
        if span is None:
            return Answered(content_type=binary, chunks=large.between(0, large.size))
        start, end = int(span[1]), min(int(span[2] or large.size) + 1, large.size)
        if start >= end:
            return Answered(b"", 416, headers={"Content-Range": f"bytes */{large.size}"})
        told = {"Content-Range": f"bytes {start}-{end - 1}/{large.size}", "Accept-Ranges": "bytes"}
        if end - start > 8 * PIECE:
            return Answered(b"", 206, binary, told, chunks=large.between(start, end))
        return Answered(b"".join(large.between(start, end)), 206, binary, told)


class _Used(NamedTuple):
    headers: dict[str, str]
    refused: bool


class _Limits:
    """Counts requests in fixed windows and words them as the Hub's headers do."""

    def __init__(self, quota: Quota | None) -> None:
        self._quota = quota
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._count: defaultdict[str, int] = defaultdict(int)

    def use(self, kind: str) -> _Used:
        granted = getattr(self._quota or Quota(), kind)
        with self._lock:
            now = time.monotonic()
            if now - self._began >= WINDOW_SECONDS:
                self._began, self._count = now, defaultdict(int)
            self._count[kind] += 1
            left = granted - self._count[kind] if self._quota else granted - 1
            wait = WINDOW_SECONDS - int(now - self._began)
        headers = {
            "RateLimit": f'"{kind}";r={max(0, left)};t={wait}',
            "RateLimit-Policy": f'"fixed window";"{kind}";q={granted};w={WINDOW_SECONDS}',
        }
        return _Used(headers, left < 0)


def _entry(record: dict[str, Any]) -> _Entry:
    count = (record.get("safetensors") or {}).get("total") or (record.get("gguf") or {}).get("total")
    return _Entry(record, record["id"].lower(), frozenset(record.get("tags", [])), count)


def _fits(entry: _Entry, query: dict[str, list[str]]) -> bool:
    search, author = _first(query, "search"), _first(query, "author")
    pipeline = _first(query, "pipeline_tag")
    return (
        (search is None or search.lower() in entry.name)
        and (author is None or entry.name.split("/")[0] == author.lower())
        and (pipeline is None or entry.record.get("pipeline_tag") == pipeline)
        and entry.tags.issuperset(query.get("filter", []))
        and _in_range(entry.count, _first(query, "num_parameters"))
    )


def _in_range(count: int | None, wanted: str | None) -> bool:
    """``min:6B,max:9B``; a repository without a count is in no range."""
    if wanted is None:
        return True
    ends = dict(part.split(":", 1) for part in wanted.split(","))
    return count is not None and all(
        (count >= _number(text)) if end == "min" else (count <= _number(text)) for end, text in ends.items()
    )


def _sorted(records: list[dict[str, Any]], field: str) -> list[dict[str, Any]]:
    """Most first. By downloads, who has no figure stays ahead, in the order given: the well-known ones."""
    if field in {"createdAt", "lastModified"}:
        return sorted(records, key=lambda record: record.get(field) or "", reverse=True)
    missing = float("inf") if field == "downloads" else 0.0
    return sorted(records, key=lambda record: -(record.get(field, missing)))


def _number(text: str) -> float:
    return float(text[:-1]) * SCALES[text[-1]] if text[-1] in SCALES else float(text)


def _cursor(position: int) -> str:
    return base64.urlsafe_b64encode(json.dumps({"after": position}).encode()).decode()


def _position(cursor: str | None) -> int | None:
    """0 without a cursor, None for one that was not given out."""
    if cursor is None:
        return 0
    try:
        return int(json.loads(base64.urlsafe_b64decode(cursor))["after"])
    except (ValueError, KeyError, TypeError, binascii.Error):
        return None


def _expanded(record: dict[str, Any], fields: list[str]) -> dict[str, Any]:
    if not fields:
        return {"_id": "0" * 24, **{k: v for k, v in record.items() if k not in ON_DEMAND}}
    return {"_id": "0" * 24, **{k: record[k] for k in (*ALWAYS[1:], *fields) if k in record}}


def _first(query: dict[str, list[str]], name: str) -> str | None:
    return query.get(name, [None])[0]  # type: ignore[list-item]


def _error(status: int, code: str, message: str) -> Answered:
    body = json.dumps({"error": message}).encode()
    return Answered(body, status, "application/json", {"X-Error-Code": code, "X-Error-Message": message})
