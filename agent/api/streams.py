"""Server-sent events: written as they come, heartbeats between them, an end when the service ends.

The format is that of the HTML standard, section "Server-sent events".
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi import Request
from starlette.responses import StreamingResponse
from starlette.types import Send

MEDIA_TYPE = "text/event-stream"
HEARTBEAT = b": still here\n\n"
RETRY_MILLISECONDS = 1000
"""How long a browser waits before it connects again."""
PATIENCE_SECONDS = 60.0
"""How long a reader may take nothing before it is let go; it goes on with ``Last-Event-ID``."""


class EventStream(StreamingResponse):
    """A response that is written for as long as there are events.

    What a reader does not take waits in the source and not in memory: the next piece is asked for when the
    last one is on its way.
    """

    def __init__(self, pieces: AsyncGenerator[bytes, None]) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(pieces, media_type=MEDIA_TYPE, headers=headers)
        self._pieces = pieces

    async def stream_response(self, send: Send) -> None:
        async with aclosing(self._pieces):
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            first = f"retry: {RETRY_MILLISECONDS}\n\n".encode()
            await send({"type": "http.response.body", "body": first, "more_body": True})
            async for piece in self._pieces:
                message = {"type": "http.response.body", "body": piece, "more_body": True}
                try:
                    await asyncio.wait_for(send(message), PATIENCE_SECONDS)
                except TimeoutError:
                    return
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def wants_stream(request: Request) -> bool:
    """Whether the client names the media type of a stream, as ``EventSource`` does."""
    ranges = request.headers.get("accept", "").lower().split(",")
    return any(part.partition(";")[0].strip() == MEDIA_TYPE for part in ranges)


def last_id(text: str | None, otherwise: int) -> int:
    """The number in ``Last-Event-ID``, where a reader goes on; ``otherwise`` where it holds none.

    The header goes before the query: a browser that connects again repeats the address that it began with.
    """
    words = (text or "").strip()
    return int(words) if words.isascii() and words.isdigit() and len(words) <= 15 else otherwise
