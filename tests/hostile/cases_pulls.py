"""Hubs that announce no size of a file, or another one than they send, and what a pull of each comes to."""

# ruff: noqa: E501

from __future__ import annotations

import struct
from typing import NamedTuple

from tests.hostile.kinds import BOUNDED, REFUSED, Kinds
from tests.hostile.peers import Peer, Script
from tools.runtimes.base import RuntimeFaultKind

COMMIT = "x-repo-commit: " + "0123456789abcdef" * 2 + "01234567"
LAST = "Connection: close"


def _head_of_gguf(parameters: int | None) -> bytes:
    """The beginning of a GGUF file with one line of metadata, and a tensor that it does not list yet."""
    key = b"general.parameter_count"
    claimed = (
        b"" if parameters is None else struct.pack("<Q", len(key)) + key + struct.pack("<IQ", 10, parameters)
    )
    return b"GGUF" + struct.pack("<IQQ", 3, 1, int(parameters is not None)) + claimed


def hub(content: Script, *, announced: int | None = None, parameters: int | None = None) -> Script:
    """Tells a commit and maybe a size; the first bytes are honest, and ``content`` is all of them."""

    def script(peer: Peer) -> None:
        size = [] if announced is None else [f"x-linked-size: {announced}"]
        if peer.request.startswith(b"HEAD"):
            return peer.head(COMMIT, *size, LAST)
        if b"range: bytes=0-" in peer.request.lower():
            head = _head_of_gguf(parameters)
            peer.head(f"Content-Length: {len(head)}", LAST)
            return peer.send(head)
        return content(peer)

    return script


def _endless(peer: Peer) -> None:
    peer.head(LAST)
    peer.endless(b"x")


def _endless_chunks(peer: Peer) -> None:
    peer.head("Transfer-Encoding: chunked", LAST)
    peer.endless(b"1000\r\n" + b"x" * 4096 + b"\r\n")


def _endless_part(peer: Peer) -> None:
    start = peer.request.lower().partition(b"range: bytes=")[2].partition(b"-")[0].decode() or "0"
    peer.head(f"Content-Range: bytes {start}-99999999999/*", LAST, status="206 Partial Content")
    peer.endless(b"x")


def _length_of(size: int) -> Script:
    def script(peer: Peer) -> None:
        peer.head(f"Content-Length: {size}", LAST)
        peer.endless(b"x")

    return script


def _packed(peer: Peer) -> None:
    peer.head("Content-Encoding: gzip", LAST)
    peer.endless(b"x")


def _heads_without_end(peer: Peer) -> None:
    peer.drip([b"HTTP/1.1 100 Continue\r\n\r\n"] * 200)


def _no_metadata(peer: Peer) -> None:
    if peer.request.startswith(b"HEAD"):
        return _heads_without_end(peer)
    return None


class Pulled(NamedTuple):
    """A Hub, and how a pull from it ends."""

    name: str
    script: Script
    kind: RuntimeFaultKind
    says: str
    got: str = BOUNDED
    part: int | None = None
    """Bytes of an earlier pull that lie there."""
    kept: bool = False
    """Whether what had arrived is kept for another pull."""
    full_disk: bool = False
    impatient: bool = False
    """The Hub does not come to the point: the pull's own time limit is what ends it."""


_BAD, _LARGE = (
    RuntimeFaultKind.BAD_REPLY,
    "announced no size of .*more than such a model can take.*thrown away",
)
PULLS = (
    Pulled("a body without end", hub(_endless), _BAD, _LARGE),
    Pulled("chunks without end", hub(_endless_chunks), _BAD, _LARGE),
    Pulled("a body without end, of few parameters", hub(_endless, parameters=1_000), _BAD, _LARGE),
    Pulled("a body without end, of 2^63 parameters", hub(_endless, parameters=2**63), _BAD, _LARGE),
    Pulled("a rest without end", hub(_endless_part), _BAD, _LARGE, part=2_000_000),
    Pulled("a rest of what was too large already", hub(_endless_part), _BAD, _LARGE, part=9_000_000),
    Pulled("a disk that fills up", hub(_endless), RuntimeFaultKind.DISK_FULL, "only .* are free.*needed to go on", kept=True, full_disk=True),
    Pulled("a petabyte, told with the body alone", hub(_length_of(10**15)), _BAD, _LARGE, REFUSED),
    Pulled("more than was announced", hub(_endless, announced=1_500_000), RuntimeFaultKind.DIGEST_MISMATCH, "more than the 1,500,000 bytes"),
    Pulled("a packed body", hub(_packed), _BAD, "packed what was asked for", REFUSED, kept=True),
    Pulled("interim replies without end before the file", hub(_heads_without_end), RuntimeFaultKind.TIMEOUT, "in time", kept=True, impatient=True),
    Pulled("interim replies without end before the metadata", _no_metadata, RuntimeFaultKind.TIMEOUT, "in time", impatient=True),
)  # fmt: skip

KINDS: Kinds = {"files of a Hub without a size": PULLS}
