"""What every answer tells the browser: nothing from elsewhere is loaded, and nothing is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import Send

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    # Nothing goes to other sites. Not `no-referrer`: browsers then send `Origin: null` with the service's own
    # forms, which cannot be told from a forged one.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class Dressed:
    """``send`` with the headers put on, which also knows whether an answer has begun."""

    def __init__(self, send: Send, *, kept: bool, more: Mapping[str, str]) -> None:
        self._send = send
        self._kept = kept
        self._more = more
        self.begun = False

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            message.setdefault("headers", [])
            self._put_on(MutableHeaders(raw=message["headers"]))
        await self._send(message)

    def _put_on(self, headers: MutableHeaders) -> None:
        headers.update(ALWAYS)
        headers.update(self._more)
        own = headers.get("content-security-policy")
        if own is None:
            headers["Content-Security-Policy"] = CSP
        elif "frame-ancestors" not in own:
            headers["Content-Security-Policy"] = f"{own.rstrip('; ')}; frame-ancestors 'self'"
        if not self._kept:
            headers["Cache-Control"] = "no-store"
