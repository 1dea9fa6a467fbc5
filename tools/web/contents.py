"""What a body is, by its type and its first bytes, and the text in it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import NamedTuple

from tools.web.body import (
    GGUF_MAGIC,
    GZIP_MAGIC,
    PDF_MAGIC,
    UNNAMED_TYPES,
    Bound,
    decode,
    gunzipped,
    is_text_type,
    strict_utf8,
)
from tools.web.page import DEFAULT_MAX_BYTES
from tools.web.pdf import PDF_BYTES, PdfDesk

PDF_TYPE = "application/pdf"
GZIP_TYPES = frozenset({"application/gzip", "application/x-gzip"})
GGUF_TYPE = "application/x-gguf-header"
FIRST_PART = re.compile(r"\s*bytes\s*=\s*0-(\d{1,9})\s*", re.IGNORECASE)


class Reading(NamedTuple):
    """The text of a body, what it is text of, and what there is to say about the reading."""

    text: str
    content_type: str
    notes: tuple[str, ...] = ()


def is_readable_type(content_type: str) -> bool:
    """Whether a reply of this media type is worth its bytes."""
    return is_text_type(content_type) or content_type == PDF_TYPE or content_type in GZIP_TYPES


def wanted_bytes(headers: Mapping[str, str]) -> int | None:
    """How many bytes from the start a request asks for: 100 for ``Range: bytes=0-99``; None for all."""
    asked = FIRST_PART.fullmatch(headers.get("range", ""))
    return int(asked.group(1)) + 1 if asked else None


def bound_of(content_type: str, start: bytes, *, max_bytes: int, wanted: int | None) -> Bound:
    """How much of a body that begins with ``start`` is read."""
    if wanted is not None and wanted <= max_bytes:
        return Bound(wanted, cut=True)
    if _is_pdf(content_type, start) and max_bytes >= DEFAULT_MAX_BYTES:
        return Bound(max(max_bytes, PDF_BYTES))
    return Bound(max_bytes)


class Contents:
    """Reads bodies of every kind that is known."""

    def __init__(self) -> None:
        self._pdfs = PdfDesk()

    async def read(
        self, body: bytes, *, content_type: str, charset: str | None, max_bytes: int, wanted: int | None
    ) -> Reading:
        """The text of ``body``. Raises :class:`~tools.web.body.UnreadableError` when there is none, and
        :class:`~tools.web.body.TooLargeError` for a gzip file that holds more than ``max_bytes``."""
        if _is_pdf(content_type, body):
            return await self._pdf(body)
        unnamed = content_type in UNNAMED_TYPES
        if wanted is not None and unnamed and body.startswith(GGUF_MAGIC):
            from tools.web.gguf import header_text

            header = header_text(body)
            return Reading(header.text, GGUF_TYPE, header.notes)
        if (unnamed or content_type in GZIP_TYPES) and body.startswith(GZIP_MAGIC):
            unpacked = await asyncio.to_thread(gunzipped, body, max_bytes)
            note = f"A gzip file of {len(body):,} bytes was unpacked to {len(unpacked):,}."
            return Reading(strict_utf8(unpacked), content_type, (note,))
        unnamed_if_damaged = "" if content_type in GZIP_TYPES else content_type
        return Reading(decode(body, content_type=unnamed_if_damaged, charset=charset), content_type)

    async def _pdf(self, body: bytes) -> Reading:
        reading = await self._pdfs.read(body)
        note = f"{reading.pages_read} of {reading.pages} pages of the PDF were read."
        return Reading(reading.text, PDF_TYPE, (note,))


def _is_pdf(content_type: str, start: bytes) -> bool:
    return content_type == PDF_TYPE or (content_type in UNNAMED_TYPES and start.startswith(PDF_MAGIC))
