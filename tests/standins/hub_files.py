"""A stand-in for file downloads from the Hub, ``/{owner}/{repo}/resolve/{revision}/{path}``, and its CDN.

As on the Hub, a large file is answered with a redirect that carries its metadata and leads to another host:
the stand-in is asked as 127.0.0.1 and redirects to localhost. Clients follow redirects within one host
themselves and would lose the metadata otherwise.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote, unquote

from tests.standins.loopback import Asked, Exchange, Loopback
from tests.standins.patience import PATIENCE

Fault = Literal[
    "cut", "wrong bytes", "too long", "too short", "no ranges", "wrong range", "busy", "crash", "silent"
]

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class HubFiles(Loopback):
    """Serves ``files``, named ``owner/repo/path``; large ones (all of them) as LFS files."""

    files: dict[str, bytes] = field(default_factory=dict)
    commit: str = COMMIT
    gated: bool = False
    token: str | None = None
    """What a gated repository is opened with."""
    fault: Fault | None = None
    """Of the content, not of the metadata."""
    metadata: bool = True
    """False stands for a server that is no Hub."""

    def __post_init__(self) -> None:
        super().__init__()

    @property
    def content_requests(self) -> list[Asked]:
        return [asked for asked in self.asked if asked.path.startswith("/cdn/")]

    def answer(self, exchange: Exchange, asked: Asked) -> None:
        path = unquote(asked.path.partition("?")[0]).lstrip("/")
        if path.startswith("cdn/"):
            return self._content(exchange, asked, self.files[path.removeprefix("cdn/")])
        repo, mark, rest = path.partition("/resolve/")
        revision, _, file = rest.partition("/")
        if not mark or not any(name.startswith(f"{repo}/") for name in self.files):
            return _missing(exchange, 401, "RepoNotFound", "Invalid username or password.")
        if self.gated and asked.headers.get("authorization") != f"Bearer {self.token}":
            return _missing(exchange, 403 if "authorization" in asked.headers else 401, "GatedRepo", "gated")
        if revision not in {"main", self.commit}:
            return _missing(exchange, 404, "RevisionNotFound", f"Invalid rev id: {revision}")
        content = self.files.get(f"{repo}/{file}")
        if content is None:
            return _missing(exchange, 404, "EntryNotFound", "Entry not found")
        return self._redirect(exchange, f"{repo}/{file}", content)

    def _redirect(self, exchange: Exchange, name: str, content: bytes) -> None:
        headers = {
            "X_Repo_Commit": self.commit,
            "X_Linked_Size": str(len(content)),
            "X_Linked_Etag": f'"{hashlib.sha256(content).hexdigest()}"',
        }
        location = f"http://localhost:{self.port}/cdn/{quote(name)}?signature=of-the-cdn"
        exchange.send(302, Location=location, **(headers if self.metadata else {}))

    def _content(self, exchange: Exchange, asked: Asked, content: bytes) -> None:
        if self.fault in {"busy", "crash"}:
            status = 429 if self.fault == "busy" else 500
            return exchange.send(status, Retry_After="55")
        if self.fault == "silent":
            self.closing.wait(PATIENCE)
            return exchange.cut()
        content = self._spoilt(content)
        start, end = _range(asked.headers.get("range"), len(content))
        if self.fault == "no ranges" or "range" not in asked.headers:
            return self._body(exchange, 200, content, {})
        if start >= len(content):
            return exchange.send(416, Content_Range=f"bytes */{len(content)}")
        told = start + 1 if self.fault == "wrong range" else start
        headers = {"Content_Range": f"bytes {told}-{end - 1}/{len(content)}"}
        return self._body(exchange, 206, content[start:end], headers)

    def _spoilt(self, content: bytes) -> bytes:
        if self.fault == "wrong bytes":
            return content[:-1] + bytes([content[-1] ^ 1])
        if self.fault == "too long":
            return content + b"more"
        return content[:-10] if self.fault == "too short" else content

    def _body(self, exchange: Exchange, status: int, content: bytes, headers: dict[str, str]) -> None:
        if self.fault != "cut":
            return exchange.send(status, content, "application/octet-stream", **headers)
        exchange.send(status, content[: len(content) * 2 // 3], Content_Length=str(len(content)), **headers)
        return exchange.cut()


def _range(header: str | None, size: int) -> tuple[int, int]:
    start, _, end = (header or "").removeprefix("bytes=").partition("-")
    return int(start or 0), min(int(end) + 1 if end else size, size)


def _missing(exchange: Exchange, status: int, code: str, words: str) -> None:
    exchange.send(status, X_Error_Code=code, X_Error_Message=words)
