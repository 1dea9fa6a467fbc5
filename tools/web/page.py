"""A fetched page, and what fetches it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from tools.finite_json import finite, no_number
from tools.outcomes import Outcome

DEFAULT_MAX_BYTES = 2_000_000
LARGEST_INT = 2**64 - 1


class Page(BaseModel):
    """What one address answered, at one instant."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    """The address that was asked for; sources cite it."""
    final_url: str
    """The address that answered, after redirects."""
    status: int
    content_type: str
    """Lower case, without parameters; empty when the server named none. ``application/pdf`` for a PDF and
    ``application/x-gguf-header`` for the head of a GGUF file, whatever the server named."""
    text: str
    """The body as text, of a PDF or a gzip file what is in it; NUL characters replaced, so that every
    database can keep it."""
    content_hash: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")
    """SHA-256 of ``text``."""
    body_sha256: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")
    """SHA-256 of the bytes after the transfer's own decompression: of the file, if it is one."""
    body_bytes: int = Field(ge=0)
    """Number of those bytes."""
    retrieved_at: datetime
    headers: dict[str, str] = Field(default_factory=dict)
    """A few response headers in lower case: link, retry-after, ratelimit, etag …"""
    notes: tuple[str, ...] = ()
    """Sentences about the way here and the reading: a redirect from https to http, pages left out."""

    def json_value(self) -> Any:
        """The body as JSON; halves of characters, which no file and no database can hold, become ``?``, and
        numbers that neither 64 bits nor JSON itself can hold (10^400, NaN) null.

        Raises ValueError when it is none, or is nested too deeply to read.
        """
        try:
            value = json.loads(self.text, parse_int=_whole, parse_float=finite, parse_constant=no_number)
            if "\\ud" not in self.text and "\\uD" not in self.text:
                return value
            return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
        except RecursionError as error:
            raise ValueError("the JSON is nested too deeply") from error


def _whole(digits: str) -> int | None:
    value = int(digits) if len(digits) <= 21 else None
    return value if value is not None and abs(value) <= LARGEST_INT else None


class Web(Protocol):
    """Something that fetches pages. Every way a fetch can end is an outcome; nothing is raised for it."""

    async def get(
        self,
        url: str,
        *,
        accept: str | None = None,
        headers: Mapping[str, str] | None = None,
        max_bytes: int = DEFAULT_MAX_BYTES,
    ) -> Outcome[Page]: ...
