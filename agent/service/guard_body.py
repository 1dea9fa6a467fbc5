"""Bodies are taken whole, within bounds of size, time and depth, before anything of the service sees them."""

from __future__ import annotations

import asyncio
import json
import re

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive

from agent.service.guard_paths import LOGIN, LOGOUT, within
from agent.service.problems import TooLarge

LARGEST = 8_000_000
"""Bytes of a body: scenarios and a rubric as texts fit many times over."""
LARGEST_WORDS = 32_000
"""Bytes of what a person types: a sign-in or a chat message."""
SECONDS = 30.0
"""How long a body may take to arrive."""

_CHAT = re.compile(r"/api/threads/[^/]+/messages(/.*)?")
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_PERHAPS_NUL = rb"\u0000"
"""Looked for first: that costs a fiftieth of the expression."""


async def read_body(request: Request, receive: Receive, seconds: float) -> bytes:
    """The body; raises TooLarge, HTTPException 400, 408 or 415, RequestValidationError for what is not JSON,
    ClientDisconnect."""
    most = _most(request)
    declared = request.headers.get("content-length", "0")
    if not (declared.isascii() and declared.isdigit()):
        raise HTTPException(400, "The Content-Length of the request is no number.")
    if len(declared) > 20 or int(declared) > most:
        raise _too_large(most)
    try:
        async with asyncio.timeout(seconds):
            body = await _all_of(receive, most)
    except TimeoutError:
        raise HTTPException(
            408, f"The body did not arrive within {seconds:g} seconds.", {"Connection": "close"}
        ) from None
    if body:
        _check_kind(request, body)
    return body


def replayed(body: bytes, receive: Receive) -> Receive:
    """The body in one message, then whatever the server says: that the client has gone."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _all_of(receive: Receive, most: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > most:
            raise _too_large(most)
        if not message.get("more_body", False):
            return bytes(body)


def _most(request: Request) -> int:
    path = request.url.path
    return LARGEST_WORDS if within(path, LOGIN, LOGOUT) or _CHAT.fullmatch(path) else LARGEST


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"The body of the request is larger than {most:,} bytes.", "Send less at once.")


def _check_kind(request: Request, body: bytes) -> None:
    """A form of another site's page can send three kinds of body, and JSON is none of them."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if within(request.url.path, LOGIN, LOGOUT):
        if kind != "application/x-www-form-urlencoded":
            raise HTTPException(415, "Signing in takes a form.")
        return
    if kind != "application/json":
        raise HTTPException(415, "The body has to be JSON, with the Content-Type application/json.")
    _check_json(body)


def _check_json(body: bytes) -> None:
    """Whether the rest of the service can read it: its parser has bounds of depth (200) and of digits, and
    knows neither NaN nor half characters, any of which would fail later and deeper."""
    from pydantic_core import from_json, to_json

    try:
        value = from_json(body, allow_inf_nan=False)
        # A number such as 1e999 is read as infinity, which is none in JSON; the word may be a text's too.
        if b"Infinity" in to_json(value, inf_nan_mode="constants"):
            json.dumps(value, allow_nan=False)
    except ValueError as error:
        raise _invalid(f"is not valid JSON: {error}") from None
    if _PERHAPS_NUL in body and _NUL.search(body):
        raise _invalid("holds the character NUL, which cannot be stored")


def _invalid(why: str) -> RequestValidationError:
    return RequestValidationError([{"type": "json_invalid", "loc": ("body",), "msg": why}])
