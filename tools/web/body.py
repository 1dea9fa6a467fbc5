"""From the bytes of a reply to text: bounded decompression, then the right character set."""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import AsyncIterator

from tools.outcomes import FailReason

TEXT_TYPES = re.compile(
    r"^(text/.*|application/(json|x-ndjson|xml|xhtml\+xml|yaml|x-yaml|toml|markdown|javascript|octet-stream|"
    r"binary|.*\+json|.*\+xml|.*\+yaml|vnd\.docker\..*|vnd\.ollama\..*|vnd\.oci\..*)|binary/octet-stream|)$"
)
UNNAMED_TYPES = frozenset({"", "application/octet-stream", "binary/octet-stream", "application/binary"})
"""Types that say nothing: the bytes decide whether they are text."""

WEB_ENCODINGS = frozenset(
    {
        *(f"iso8859-{n}" for n in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)),
        *(f"cp{n}" for n in (866, 874, 1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258)),
        *("utf-8", "utf-16", "utf-16-le", "utf-16-be", "koi8-r", "koi8-u", "gbk", "gb2312", "gb18030"),
        *("big5", "euc_jp", "shift_jis", "iso2022_jp", "euc_kr"),
    }
)
"""The WHATWG encodings that Python has; anything else a page names is not obeyed."""

BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]{1,40})", re.IGNORECASE)


class TooLargeError(Exception):
    """The body is larger than was asked for."""


class UnreadableError(Exception):
    """The body is damaged, is encoded in a way that was not offered, or is no text."""

    def __init__(self, sentence: str, reason: FailReason = FailReason.BAD_REPLY) -> None:
        super().__init__(sentence)
        self.reason = reason


def is_text_type(content_type: str) -> bool:
    """Whether a reply of this media type is worth reading as text."""
    return TEXT_TYPES.match(content_type) is not None


async def read_bounded(chunks: AsyncIterator[bytes], *, encoding: str, max_bytes: int) -> bytes:
    """The decompressed body. Raises :class:`TooLargeError` past ``max_bytes``; the rest stays packed."""
    names = [name for part in encoding.split(",") if (name := part.strip().lower()) not in {"", "identity"}]
    if not names:
        return await _plain(chunks, max_bytes)
    if len(names) > 1 or names[0] not in {"gzip", "x-gzip", "deflate"}:
        raise UnreadableError(f"content encoding {encoding[:60]!r} was not offered")
    return await _inflated(chunks, max_bytes, deflate=names[0] == "deflate")


async def _plain(chunks: AsyncIterator[bytes], max_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > max_bytes:
            raise TooLargeError
    return bytes(body)


async def _inflated(chunks: AsyncIterator[bytes], max_bytes: int, *, deflate: bool) -> bytes:
    body = bytearray()
    received = 0
    inflater = None
    async for chunk in chunks:
        received += len(chunk)
        if received > max_bytes:
            raise TooLargeError
        if not chunk:
            continue
        if inflater is None:
            inflater = zlib.decompressobj(_window(chunk) if deflate else 16 + zlib.MAX_WBITS)
        try:
            body += inflater.decompress(chunk, max_bytes + 1 - len(body))
        except zlib.error as error:
            raise UnreadableError(f"the compressed body is damaged: {error}") from error
        if len(body) > max_bytes:
            raise TooLargeError
        if inflater.eof:
            break
    if inflater is not None and not inflater.eof:
        raise UnreadableError("the compressed body ends too early")
    return bytes(body)


def _window(first: bytes) -> int:
    """``deflate`` is zlib by the standard and raw by custom; a zlib header is divisible by 31."""
    zlib_header = len(first) > 1 and first[0] & 0x0F == 8 and int.from_bytes(first[:2], "big") % 31 == 0
    return zlib.MAX_WBITS if zlib_header else -zlib.MAX_WBITS


def decode(body: bytes, *, content_type: str, charset: str | None) -> str:
    """Text of ``body``: byte order mark, then the header's charset, then HTML's meta, then UTF-8, then
    Windows-1252. Raises :class:`UnreadableError` when bytes of an unnamed type are no text."""
    for mark, codec in BOMS:
        if body.startswith(mark):
            return _clean(body.decode(codec, "replace"))
    if content_type in UNNAMED_TYPES and charset is None:
        return _strict_utf8(body)
    named = _known(charset) or (_declared(body) if "html" in content_type else None)
    if named:
        return _clean(body.decode(named, "replace"))
    try:
        return _clean(body.decode("utf-8"))
    except UnicodeDecodeError:
        return _clean(body.decode("cp1252", "replace"))


def _strict_utf8(body: bytes) -> str:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableError("the body is binary", FailReason.UNSUPPORTED) from error
    if "\x00" in text:
        raise UnreadableError("the body is binary", FailReason.UNSUPPORTED)
    return text


def _declared(body: bytes) -> str | None:
    found = META_CHARSET.search(body[:4096])
    return _known(found.group(1).decode("ascii")) if found else None


def _known(charset: str | None) -> str | None:
    if not charset:
        return None
    try:
        name = codecs.lookup(charset.strip().strip("\"'")).name
    except (LookupError, ValueError):
        return None
    if name in {"ascii", "iso8859-1"}:
        return "cp1252"
    return name if name in WEB_ENCODINGS else None


def _clean(text: str) -> str:
    return text.replace("\x00", "\ufffd")
