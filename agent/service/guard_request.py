"""Request lines that nobody means well with."""

from __future__ import annotations

import re

from starlette.exceptions import HTTPException
from starlette.requests import Request

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
LONGEST_PATH = 2_000
LONGEST_QUERY = 8_000
LONGEST_HEADERS = 32_000
"""Bytes of all together, their names included."""

_CONTROLS = re.compile(r"[\x00-\x1f\x7f\\]")


def check_request(request: Request) -> None:
    """Raises HTTPException 400, 405, 414 or 431."""
    path: str = request.scope["path"]
    query: bytes = request.scope["query_string"]
    if request.method not in METHODS:
        raise HTTPException(
            405, "The method is none of HTTP's usual ones.", {"Allow": ", ".join(sorted(METHODS))}
        )
    if len(path) > LONGEST_PATH or len(query) > LONGEST_QUERY:
        raise HTTPException(414, "The address is too long.")
    if sum(len(name) + len(value) for name, value in request.headers.raw) > LONGEST_HEADERS:
        raise HTTPException(431, "The headers of the request are too large.")
    if not path.startswith("/") or _CONTROLS.search(path) or ".." in path.split("/"):
        raise HTTPException(400, "The path of the request is none of this service.")
    if b"%00" in query:
        raise HTTPException(400, "The query of the request holds the character NUL.")
    if "websocket" in request.headers.get("upgrade", "").lower():
        raise HTTPException(400, "There are no websockets here.")
