"""From the bytes of a reply to text: bounded decompression, then the right character set."""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing
from typing import NamedTuple

from tools.outcomes import FailReason

TEXT_TYPES = re.compile(
    r"^(text/.*|application/(json|x-ndjson|xml|xhtml\+xml|yaml|x-yaml|toml|markdown|javascript|octet-stream|"
    r"binary|.*\+json|.*\+xml|.*\+yaml|vnd\.docker\..*|vnd\.ollama\..*|vnd\.oci\..*)|binary/octet-stream|)$"
)
UNNAMED_TYPES = frozenset({"", "application/octet-stream", "binary/octet-stream", "application/binary"})
"""Types that say nothing: the bytes decide whether they are text."""

START_BYTES = 8
"""Enough of a body to tell what kind of file it is."""
PIECE_BYTES = 65_536
MAX_MEMBERS = 10_000
"""Parts of a gzip file that are read; each is a gzip file of its own."""
PDF_MAGIC = b"%PDF-"
GZIP_MAGIC = b"\x1f\x8b"
GGUF_MAGIC = b"GGUF"

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


class Bound(NamedTuple):
    """How much of a body is read."""

    max_bytes: int
    cut: bool = False
    """Stop quietly after ``max_bytes`` instead of raising :class:`TooLargeError`."""


def is_text_type(content_type: str) -> bool:
    """Whether a reply of this media type is worth reading as text."""
    return TEXT_TYPES.match(content_type) is not None


async def read_bounded(
    chunks: AsyncIterator[bytes], *, encoding: str, bound: Callable[[bytes], Bound]
) -> bytes:
    """The decompressed body. Raises :class:`TooLargeError` past its bound; the rest stays packed.

    ``bound`` is asked once, with the first bytes of the body: ``START_BYTES`` of them if it has so many.
    """
    body = bytearray()
    limit: Bound | None = None
    async with aclosing(_unpacked(chunks, encoding)) as pieces:
        async for piece in pieces:
            body += piece
            if limit is None and len(body) >= START_BYTES:
                limit = bound(bytes(body[:START_BYTES]))
            if limit is not None and len(body) > limit.max_bytes:
                break
    limit = limit or bound(bytes(body))
    if len(body) > limit.max_bytes and not limit.cut:
        raise TooLargeError
    return bytes(body[: limit.max_bytes])


async def _unpacked(chunks: AsyncIterator[bytes], encoding: str) -> AsyncGenerator[bytes]:
    """The body in pieces, each small however well it was packed."""
    names = [name for part in encoding.split(",") if (name := part.strip().lower()) not in {"", "identity"}]
    if not names:
        async for chunk in chunks:
            yield chunk
        return
    if len(names) > 1 or names[0] not in {"gzip", "x-gzip", "deflate"}:
        raise UnreadableError(f"content encoding {encoding[:60]!r} was not offered")
    deflate = names[0] == "deflate"
    inflater = None
    members = 0
    rest = b""
    async for chunk in chunks:
        rest += chunk
        while rest:
            if inflater is not None and inflater.eof:  # one that is done; gzip may have another
                if deflate or not rest.startswith(GZIP_MAGIC[: len(rest)]):
                    return
                if len(rest) < len(GZIP_MAGIC):
                    break
                inflater = None
            if inflater is None:
                inflater = zlib.decompressobj(_window(rest) if deflate else 16 + zlib.MAX_WBITS)
                members += 1
            if members > MAX_MEMBERS:
                raise TooLargeError
            for piece in _inflated(inflater, rest):
                yield piece
            rest = inflater.unused_data
    if inflater is not None and not inflater.eof:
        raise UnreadableError("the compressed body ends too early")


def _inflated(inflater: zlib._Decompress, packed: bytes) -> Iterator[bytes]:
    while not inflater.eof:
        try:
            piece = inflater.decompress(packed, PIECE_BYTES)
        except zlib.error as error:
            raise UnreadableError(f"the compressed body is damaged: {error}") from error
        packed = inflater.unconsumed_tail
        yield piece
        if not packed and len(piece) < PIECE_BYTES:
            return


def gunzipped(body: bytes, max_bytes: int) -> bytes:
    """What a gzip file holds, all its members. Raises :class:`TooLargeError` past ``max_bytes``,
    :class:`UnreadableError` when it is damaged."""
    unpacked = bytearray()
    place = 0
    for _ in range(MAX_MEMBERS):
        if not body.startswith(GZIP_MAGIC, place):
            break
        inflater = zlib.decompressobj(16 + zlib.MAX_WBITS)
        while not inflater.eof:
            if place >= len(body):
                raise UnreadableError("the gzip file ends too early")
            for piece in _inflated(inflater, body[place : place + PIECE_BYTES]):
                unpacked += piece
                if len(unpacked) > max_bytes:
                    raise TooLargeError
            place = min(place + PIECE_BYTES, len(body))
        place -= len(inflater.unused_data)
    else:
        raise TooLargeError
    return bytes(unpacked)


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
        return strict_utf8(body)
    named = _known(charset) or (_declared(body) if "html" in content_type else None)
    if named:
        return _clean(body.decode(named, "replace"))
    try:
        return _clean(body.decode("utf-8"))
    except UnicodeDecodeError:
        return _clean(body.decode("cp1252", "replace"))


def strict_utf8(body: bytes) -> str:
    """Raises :class:`UnreadableError` when ``body`` is no text."""
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
