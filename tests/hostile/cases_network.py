"""What a network may do to the page reader, by kind, and what each gets."""

# ruff: noqa: E501

from __future__ import annotations

import gzip
import itertools
import zlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tests.hostile.kinds import BOUNDED, REFUSED, USED, Kinds
from tests.hostile.peers import Peer, Script
from tools.outcomes import BlockReason, Empty, FailReason
from tools.web.page import DEFAULT_MAX_BYTES

PUBLIC = "93.184.216.34"
INSIDE = "127.0.0.1"

Expected = FailReason | BlockReason | type[Empty] | None
"""How a fetch ends; None for a page that is read."""


class Address(NamedTuple):
    """An address of the network, and whether it may be connected to."""

    address: str
    name: str
    got: str = REFUSED


class Spelled(NamedTuple):
    """An address as a page may spell it."""

    url: str
    name: str
    reason: FailReason = FailReason.REFUSED_ADDRESS
    got: str = REFUSED


class Resolved(NamedTuple):
    """A name, and what the name server says of it each time that it is asked."""

    name: str
    answers: Sequence[Sequence[str]]
    got: str = REFUSED


class Hop(NamedTuple):
    """A ``Location``; ``{private}`` is a server that must not be reached, ``{here}`` the one that answers."""

    location: str
    name: str
    expected: Expected
    got: str = REFUSED
    status: int = 302


class Reply(NamedTuple):
    """A server that does its worst on one connection."""

    name: str
    script: Script
    expected: Expected
    got: str
    most: int = 6_000_000
    """Bytes that it may get out of the reader: what is asked for, what is on the way, and no more."""
    impatient: bool = False
    """The server is slow and not endless: the reader's own time limit is what ends it."""
    max_bytes: int = DEFAULT_MAX_BYTES
    """What is asked for."""


ADDRESSES = (
    Address("127.0.0.1", "loopback"),
    Address("127.255.255.254", "the end of loopback"),
    Address("0.0.0.0", "any address of this machine"),
    Address("10.0.0.1", "private, 10/8"),
    Address("172.16.0.1", "private, 172.16/12"),
    Address("192.168.1.1", "private, 192.168/16"),
    Address("100.64.0.1", "carrier-grade NAT"),
    Address("100.100.100.200", "metadata of Alibaba Cloud"),
    Address("169.254.169.254", "metadata of AWS, Google Cloud, Azure"),
    Address("169.254.170.2", "credentials of a container on AWS"),
    Address("168.63.129.16", "host agent of Azure, a public address"),
    Address("192.0.0.192", "metadata of Oracle Cloud"),
    Address("192.0.2.1", "documentation"),
    Address("192.88.99.1", "6to4 relay, withdrawn"),
    Address("198.18.0.1", "benchmarking"),
    Address("224.0.0.1", "multicast"),
    Address("240.0.0.1", "reserved"),
    Address("255.255.255.255", "broadcast"),
    Address("::", "any address of this machine, IPv6"),
    Address("::1", "loopback, IPv6"),
    Address("::2", "reserved, IPv6"),
    Address("::127.0.0.1", "IPv4-compatible loopback"),
    Address("::ffff:127.0.0.1", "IPv4-mapped loopback"),
    Address("::ffff:a9fe:a9fe", "IPv4-mapped metadata"),
    Address("::ffff:0:127.0.0.1", "IPv4-translated loopback (SIIT)"),
    Address("64:ff9b::7f00:1", "NAT64 of loopback"),
    Address("64:ff9b::169.254.169.254", "NAT64 of metadata"),
    Address("64:ff9b:1::7f00:1", "local-use NAT64"),
    Address("2002:7f00:1::", "6to4 of loopback"),
    Address("2002:a9fe:a9fe::1", "6to4 of metadata"),
    Address("2001:0:53aa:64c:0:0:80ff:fffe", "Teredo of loopback"),
    Address("2600:1:2:3:0:5efe:7f00:1", "ISATAP of loopback"),
    Address("2600:1:2:3:200:5efe:a00:1", "ISATAP of a private address, globally marked"),
    Address("fe80::1%eth0", "link-local with a zone"),
    Address("fec0::1", "site-local, withdrawn"),
    Address("fc00::1", "unique local"),
    Address("fd00:ec2::254", "metadata of AWS, IPv6"),
    Address("fd20:ce::254", "metadata of Google Cloud, IPv6"),
    Address("100::1", "discard-only"),
    Address("2001:db8::1", "documentation, IPv6"),
    Address("3fff::1", "documentation, newer"),
    Address("5f00::1", "segment routing"),
    Address("8000::1", "not assigned"),
    Address("ff02::1", "multicast, IPv6"),
    Address("no address", "what is no address"),
    Address("127.0.0.1\x00.example", "a NUL in an address"),
    Address(PUBLIC, "a public address", USED),
    Address("2606:2800:220:1::", "a public address, IPv6", USED),
    Address("::ffff:93.184.216.34", "a public address, mapped", USED),
    Address("64:ff9b::93.184.216.34", "a public address, NAT64", USED),
)

_BAD = FailReason.UNSUPPORTED
SPELLED = (
    Spelled("http://127.0.0.1/", "plain"),
    Spelled("http://2130706433/", "one decimal number"),
    Spelled("http://0x7f000001/", "one hexadecimal number"),
    Spelled("http://017700000001/", "one octal number"),
    Spelled("http://0x7f.0.0.1/", "hexadecimal part"),
    Spelled("http://0177.0.0.01/", "octal parts", _BAD),
    Spelled("http://127.1/", "parts left out"),
    Spelled("http://0/", "zero"),
    Spelled("http://0.0.0.0/", "four zeros"),
    Spelled("http://[::1]/", "IPv6 loopback"),
    Spelled("http://[::ffff:127.0.0.1]/", "IPv4-mapped"),
    Spelled("http://[0:0:0:0:0:ffff:7f00:1]/", "IPv4-mapped, written out"),
    Spelled("http://[::]/", "IPv6 zero"),
    Spelled("http://[::127.0.0.1]/", "IPv4-compatible"),
    Spelled("http://localhost/", "localhost"),
    Spelled("http://LOCALHOST./", "localhost with capitals and a dot"),
    Spelled("http://127.0.0.1./", "trailing dot"),
    Spelled("http://①②⑦.⓪.⓪.①/", "circled digits", _BAD),
    Spelled("http://127。0。0。1/", "ideographic full stops"),
    Spelled("http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", "circled letters", _BAD),
    Spelled("http://loc%61lhost/", "percent-encoded letter", _BAD),
    Spelled("http://127%2E0.0.1/", "percent-encoded dot", _BAD),
    Spelled("http://xn--/", "punycode of nothing", _BAD),
    Spelled(f"http://{'a' * 64}.example/", "a label of 64 letters", _BAD),
    Spelled(f"http://{'a.' * 200}example/", "a name of 400 letters", _BAD),
    Spelled("http://a..example/", "an empty label", _BAD),
    Spelled("http://public.example@127.0.0.1/", "a host as user name", _BAD),
    Spelled("http://user:secret@public.example/", "user name and password", _BAD),
    Spelled("http://127.0.0.1\\@public.example/", "backslash before the at sign", _BAD),
    Spelled("http://public.example\\.127.0.0.1/", "backslash in the host", _BAD),
    Spelled("http:\\\\127.0.0.1/", "backslashes for slashes", _BAD),
    Spelled("http://public.example\r\nHost: inside/", "line break in the host", _BAD),
    Spelled("http://public.example/\r\nX-Injected: 1", "line break in the path", _BAD),
    Spelled("http://public.example/a\x00b", "NUL in the path", _BAD),
    Spelled("http://pub\tlic.example/", "tab in the host", _BAD),
    Spelled("http://[::1", "bracket left open", _BAD),
    Spelled("http://[::1%25eth0]/", "zone in the address", _BAD),
    Spelled("http://[v1.x]/", "address of a future kind", _BAD),
    Spelled("http://public.example:99999/", "a port too large", _BAD),
    Spelled("http://public.example:0/", "port 0", _BAD),
    Spelled("http://public.example:-1/", "a negative port", _BAD),
    Spelled("http://public.example:٨٠/", "a port in other digits", _BAD),
    Spelled("http:///etc/passwd", "no host", _BAD),
    Spelled("//public.example/", "no scheme", _BAD),
    Spelled("public.example", "a bare name", _BAD),
    Spelled("", "nothing", _BAD),
    Spelled("file:///etc/passwd", "file", _BAD),
    Spelled("FILE://localhost/etc/passwd", "file with a host", _BAD),
    Spelled("ftp://public.example/", "ftp", _BAD),
    Spelled("gopher://127.0.0.1:6379/_FLUSHALL", "gopher", _BAD),
    Spelled("data:text/html,<b>x</b>", "data", _BAD),
    Spelled("javascript:alert(1)", "javascript", _BAD),
    Spelled("unix:///var/run/docker.sock", "a socket of this machine", _BAD),
    Spelled("http+unix://%2Fvar%2Frun%2Fdocker.sock/info", "a socket as host", _BAD),
    Spelled("ws://public.example/", "web socket", _BAD),
    Spelled("view-source:http://127.0.0.1/", "scheme in a scheme", _BAD),
    Spelled("http://public.example/\ud800", "half a character", _BAD),
    Spelled("http://public.example/" + "a" * 5_000, "an address of 5,000 characters", _BAD),
)

PORTS = tuple(
    Spelled(f"http://public.example:{port}/", f"port {port}, {what}")
    for port, what in (
        (1, "tcpmux"),
        (21, "ftp"),
        (22, "ssh"),
        (23, "telnet"),
        (25, "smtp"),
        (53, "dns"),
        (110, "pop3"),
        (143, "imap"),
        (389, "ldap"),
        (445, "smb"),
        (465, "submissions"),
        (587, "submission"),
        (2375, "Docker"),
        (3306, "MySQL"),
        (5432, "PostgreSQL"),
        (6379, "Redis"),
        (6667, "irc"),
        (9200, "Elasticsearch"),
        (10250, "kubelet"),
        (11211, "memcached"),
        (27017, "MongoDB"),
    )
)

RESOLVED = (
    Resolved("a public name that is inside", ((INSIDE,),)),
    Resolved("good and bad address together", ((PUBLIC, INSIDE),)),
    Resolved("bad address last of many", ((*(f"93.184.216.{n}" for n in range(200)), "10.0.0.7"),)),
    Resolved("rebinding: bad at the second look", ((INSIDE, PUBLIC), (PUBLIC,))),
    Resolved("an alias of metadata.google.internal", (("169.254.169.254",),)),
    Resolved("the machine's own name", (("127.0.1.1",),)),
    Resolved("IPv6 of a private network", (("fd12:3456:789a::1",),)),
    Resolved("link-local with a zone", (("fe80::1%2",),)),
    Resolved("something that is no address", (("localhost",),)),
    Resolved("no address at all", ((),)),
)

_TOO_FAR = FailReason.BAD_REPLY
_PRIVATE = FailReason.REFUSED_ADDRESS
HOPS = (
    *(
        Hop("{private}/x", f"to a private address ({status})", _PRIVATE, status=status)
        for status in (301, 302)
    ),
    *(
        Hop("{private}/x", f"to a private address ({status})", _PRIVATE, status=status)
        for status in (303, 307)
    ),
    Hop("{private}/x", "to a private address (308)", _PRIVATE, status=308),
    Hop("//{private_netloc}/x", "without a scheme, to a private address", _PRIVATE),
    Hop("http://2130706433:{private_port}/", "to a number that is an address", _PRIVATE),
    Hop("http://[::ffff:7f00:1]:{private_port}/", "to a mapped address", _PRIVATE),
    Hop("http://169.254.169.254/latest/meta-data/", "to metadata", _PRIVATE),
    Hop("http://localhost:{private_port}/", "to localhost", _PRIVATE),
    Hop("{here}/hop?to=private", "to itself, then to a private address", _PRIVATE),
    Hop("{here}/x", "in a circle", _TOO_FAR),
    Hop("?again", "in a circle, relative", _TOO_FAR),
    Hop("{here}/count", "without end, always another address", _TOO_FAR),
    Hop("file:///etc/passwd", "to a file", _BAD),
    Hop("ftp://public.example/x", "to ftp", _BAD),
    Hop("data:text/html,secret", "to data", _BAD),
    Hop("javascript:alert(1)", "to a script", _BAD),
    Hop("gopher://127.0.0.1:{private_port}/_x", "to gopher", _BAD),
    Hop("http://[::1", "to an address that cannot be read", _BAD),
    Hop("http://public.example:99999/", "to a port too large", _BAD),
    Hop("http://user:pw@{here_netloc}/page", "to an address with a password", _BAD),
    Hop("http:///x", "to no host, which is the same one", _TOO_FAR),
    Hop("http://" + "a" * 5_000 + ".example/", "to an address too long", _BAD),
    Hop("http://a\\b.example/", "to a host with a backslash", _BAD),
    Hop("http://public．example:99999/", "to a host in full-width letters", _BAD),
    Hop("\x0bhttp://127.0.0.1:{private_port}/", "with a control character in front", _TOO_FAR),
    Hop("{here}/page", "to a page of its own", None, USED),
    Hop("page", "to a page of its own, relative", None, USED),
)


def _gzip_bomb(size: int = 2_000_000_000) -> bytes:
    """A few hundred kilobytes that unpack to ``size`` zeros, made without holding them."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = b"\x00" * 1_000_000
    # A tenth is enough to show it: whoever unpacks past the limit is found out by the first few blocks.
    return b"".join([*(packer.compress(block) for _ in range(size // 10_000_000)), packer.flush()])


def _whole(body: bytes, *lines: str) -> Script:
    def script(peer: Peer) -> None:
        peer.head("Content-Type: text/html", f"Content-Length: {len(body)}", *lines)
        peer.send(body)

    return script


def _raw(data: bytes) -> Script:
    return lambda peer: peer.send(data)


def _then(head: bytes, endless: bytes) -> Script:
    def script(peer: Peer) -> None:
        peer.send(head)
        peer.endless(endless)

    return script


def _dripping(head: bytes, pieces: Callable[[], Sequence[bytes] | itertools.repeat[bytes]]) -> Script:
    def script(peer: Peer) -> None:
        peer.send(head)
        peer.drip(pieces())

    return script


def _silent(head: bytes) -> Script:
    def script(peer: Peer) -> None:
        peer.send(head)
        peer.hold()

    return script


OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
PACKED = OK + b"Content-Encoding: gzip\r\n\r\n"
DEFLATED = OK + b"Content-Encoding: deflate\r\n\r\n"
EMPTY_BLOCK = b"\x00\x00\x00\xff\xff"
"""A stored block of deflate that holds nothing."""
_LATE = FailReason.TIMEOUT
_LARGE = FailReason.TOO_LARGE
_OFF = FailReason.UNREACHABLE
_BROKEN = FailReason.BAD_REPLY

SLOW = (
    Reply("a server that says nothing", _silent(b""), _LATE, REFUSED, impatient=True),
    Reply("a status line that never ends", _dripping(b"HTTP/1.1 ", lambda: itertools.repeat(b" ")), _LATE, REFUSED, impatient=True),
    Reply("a head, a letter at a time", _dripping(OK + b"X-A: ", lambda: itertools.repeat(b"a")), _LATE, REFUSED, impatient=True),
    Reply("a body, a letter at a time", _dripping(OK + b"\r\n", lambda: itertools.repeat(b"a")), _LATE, REFUSED, impatient=True),
    Reply("a chunk, a letter at a time", _dripping(CHUNKED + b"FFFF\r\n", lambda: itertools.repeat(b"a")), _LATE, REFUSED, impatient=True),
    Reply("a body that stops half way", _silent(OK + b"Content-Length: 90\r\n\r\nhalf"), _LATE, REFUSED, impatient=True),
    Reply("100 Continue, now and then", _dripping(b"", lambda: itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n")), _LATE, REFUSED, impatient=True),
    Reply("redirects that each take their time", _dripping(b"HTTP/1.1 302 Found\r\nLocation: /", lambda: itertools.repeat(b"a")), _LATE, REFUSED, impatient=True),
)  # fmt: skip

ENDLESS = (
    Reply("a body without end", _then(OK + b"\r\n", b"a"), _LARGE, BOUNDED),
    Reply("chunks without end", _then(CHUNKED, b"400\r\n" + b"a" * 1024 + b"\r\n"), _LARGE, BOUNDED),
    Reply("chunks of one letter without end", _then(CHUNKED, b"1\r\na\r\n"), _LARGE, BOUNDED, max_bytes=50_000),
    Reply("one chunk of 2^60 bytes", _then(CHUNKED + b"1000000000000000\r\n", b"a"), _LARGE, BOUNDED),
    Reply("a chunk's extension without end", _then(CHUNKED + b"5;x=", b"a"), _BROKEN, REFUSED),
    Reply("chunks with long extensions", _then(CHUNKED, b"1;" + b"x" * 60_000 + b"\r\na\r\n"), _LARGE, BOUNDED),
    Reply("trailers without end", _then(CHUNKED + b"1\r\na\r\n0\r\n", b"X-A: a\r\n"), _BROKEN, REFUSED),
    Reply("a status line without end", _then(b"HTTP/1.1 200 ", b"a"), _BROKEN, REFUSED),
    Reply("one header without end", _then(OK + b"X-A: ", b"a"), _BROKEN, REFUSED),
    Reply("headers without end", _then(OK, b"X-A: a\r\n"), _BROKEN, REFUSED),
    Reply("100 Continue without end", _then(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), _BROKEN, REFUSED),
    Reply("103 Early Hints without end", _then(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"), _BROKEN, REFUSED),
    Reply("packed blocks that hold nothing, without end", _then(DEFLATED + b"\x78\x9c", EMPTY_BLOCK), _LARGE, BOUNDED),
    Reply("gzip members that hold nothing, without end", _then(PACKED, gzip.compress(b"")), _LARGE, BOUNDED),
    Reply("a Content-Length of 10^18", _then(OK + b"Content-Length: 1000000000000000000\r\n\r\n", b"a"), _LARGE, BOUNDED),
    Reply("an error page without end", _then(b"HTTP/1.1 500 No\r\n\r\n", b"a"), FailReason.SERVER_ERROR, REFUSED),
    Reply("a redirect's body without end", _then(b"HTTP/1.1 302 Found\r\nLocation: file:///a\r\n\r\n", b"a"), _BAD, REFUSED),
    Reply("a picture without end", _then(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n", b"a"), _BAD, REFUSED),
    Reply("an image without end that says it is text", _then(OK + b"\r\n\x89PNG\r\n", b"\x00\xff"), _LARGE, BOUNDED),
    Reply("server-sent events without end", _then(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", b"data: x\n\n"), _LARGE, BOUNDED),
    Reply("a PDF without end", _then(b"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\n\r\n%PDF-1.7\n", b"a"), _LARGE, BOUNDED, most=20_000_000),
)  # fmt: skip

BOMB = _gzip_bomb()
BOMBS = (
    Reply("gzip, 1000:1", _whole(BOMB, "Content-Encoding: gzip"), _LARGE, BOUNDED),
    Reply("gzip named x-gzip", _whole(BOMB, "Content-Encoding: x-gzip"), _LARGE, BOUNDED),
    Reply("zlib", _whole(zlib.compress(b"\x00" * 30_000_000), "Content-Encoding: deflate"), _LARGE, BOUNDED),
    Reply("raw deflate", _whole(zlib.compress(b"\x00" * 30_000_000)[2:-4], "Content-Encoding: deflate"), _LARGE, BOUNDED),
    Reply("gzip in gzip", _whole(gzip.compress(BOMB), "Content-Encoding: gzip, gzip"), _BROKEN, REFUSED),
    Reply("gzip in gzip, announced once", _whole(gzip.compress(BOMB), "Content-Encoding: gzip"), None, USED),
    Reply("twenty encodings", _whole(BOMB, "Content-Encoding: " + "gzip, " * 20), _BROKEN, REFUSED),
    Reply("10,000 gzip members", _whole(gzip.compress(b"\x00" * 1_000) * 10_000, "Content-Encoding: gzip"), _LARGE, BOUNDED),
    Reply("brotli, not offered", _whole(b"\x8b\x05\x80", "Content-Encoding: br"), _BROKEN, REFUSED),
    Reply("zstd, not offered", _whole(b"\x28\xb5\x2f\xfd", "Content-Encoding: zstd"), _BROKEN, REFUSED),
    Reply("an encoding that nobody knows", _whole(b"x", "Content-Encoding: " + "a" * 9_000), _BROKEN, REFUSED),
    Reply("gzip that is cut off", _whole(gzip.compress(b"<p>x</p>" * 99)[:-9], "Content-Encoding: gzip"), _BROKEN, REFUSED),
    Reply("gzip with a wrong checksum", _whole(gzip.compress(b"<p>x</p>")[:-8] + b"\x00" * 8, "Content-Encoding: gzip"), _BROKEN, REFUSED),
    Reply("gzip with rubbish behind it", _whole(gzip.compress(b"<p>x</p>") + b"rubbish", "Content-Encoding: gzip"), None, USED),
    Reply("a gzip file of 200 MB", lambda peer: _file(peer, "application/gzip", BOMB), _LARGE, BOUNDED),
    Reply("a gzip file of no named type", lambda peer: _file(peer, "", BOMB), _LARGE, BOUNDED),
    )  # fmt: skip


def _file(peer: Peer, content_type: str, body: bytes) -> None:
    peer.head(f"Content-Type: {content_type}", f"Content-Length: {len(body)}")
    peer.send(body)


PROTOCOL = (
    Reply("HTTP/0.9", _raw(b"<html>just text</html>\r\n\r\n"), _BROKEN, REFUSED),
    Reply("HTTP/0.9 in one line", _raw(b"<html>just text</html>"), _OFF, REFUSED),
    Reply("HTTP/2 without being asked", _raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), _BROKEN, REFUSED),
    Reply("another protocol's greeting", _raw(b"220 mail.example ESMTP\r\n\r\n"), _BROKEN, REFUSED),
    Reply("binary rubbish", _raw(bytes(range(256)) * 40), _BROKEN, REFUSED),
    Reply("an empty reply", _raw(b""), _OFF, REFUSED),
    Reply("status 0", _raw(b"HTTP/1.1 000 No\r\n\r\n"), _BROKEN, REFUSED),
    Reply("status 999", _raw(b"HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n"), FailReason.SERVER_ERROR, REFUSED),
    Reply("status -1", _raw(b"HTTP/1.1 -1 No\r\n\r\n"), _BROKEN, REFUSED),
    Reply("101 Switching Protocols", _raw(b"HTTP/1.1 101 Go\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nrubbish"), _BROKEN, REFUSED),
    Reply("two different lengths", _raw(OK + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde"), _BROKEN, REFUSED),
    Reply("a negative length", _raw(OK + b"Content-Length: -5\r\n\r\nabcde"), _BROKEN, REFUSED),
    Reply("a length that is no number", _raw(OK + b"Content-Length: 0x5\r\n\r\nabcde"), _BROKEN, REFUSED),
    Reply("a length of 5,000 digits", _raw(OK + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\nab"), _BROKEN, REFUSED),
    Reply("length and chunks", _raw(OK + b"Content-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"), None, USED),
    Reply("an encoding of transfer that is none", _raw(OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), _BROKEN, REFUSED),
    Reply("less body than announced", _raw(OK + b"Content-Length: 99\r\n\r\nabc"), _OFF, REFUSED),
    Reply("more body than announced", _raw(OK + b"Content-Length: 3\r\n\r\nabcSMUGGLED"), None, USED),
    Reply("a chunk with a negative size", _raw(CHUNKED + b"-3\r\nabc\r\n0\r\n\r\n"), _BROKEN, REFUSED),
    Reply("a chunk with a size of 30 digits", _raw(CHUNKED + b"F" * 30 + b"\r\nabc"), _BROKEN, REFUSED),
    Reply("chunks without their end", _raw(CHUNKED + b"3\r\nabc\r\n"), _OFF, REFUSED),
    Reply("a header without a name", _raw(OK + b": x\r\n\r\nabc"), _BROKEN, REFUSED),
    Reply("a header with a NUL", _raw(OK + b"X: a\x00b\r\n\r\nabc"), _BROKEN, REFUSED),
    Reply("a header folded 2,000 times", _raw(OK + b"X: a\r\n" + b" b\r\n" * 2_000 + b"\r\nabc"), None, USED),
    Reply("8,000 headers", _raw(OK + b"".join(b"X-%d: a\r\n" % n for n in range(8_000)) + b"\r\nabc"), None, USED),
    Reply("5,000 cookies", _raw(OK + b"Set-Cookie: a=b\r\n" * 5_000 + b"\r\nabc"), None, USED),
    Reply("90 kB of Content-Type", _raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/html" + b';"' * 45_000 + b"\r\n\r\nabc"), None, BOUNDED),
    Reply("90 kB of RateLimit", _raw(b"HTTP/1.1 503 No\r\nRateLimit: " + b"r=0 " * 22_000 + b"\r\nContent-Length: 0\r\n\r\n"), FailReason.SERVER_ERROR, BOUNDED),
    Reply("90 kB of Retry-After", _raw(b"HTTP/1.1 429 No\r\nRetry-After: " + b"1 Jan (" * 12_000 + b"\r\nContent-Length: 0\r\n\r\n"), BlockReason.RATE_LIMIT, BOUNDED),
    Reply("a wait of 10^9 seconds", _raw(b"HTTP/1.1 429 No\r\nRetry-After: 999999999\r\nContent-Length: 0\r\n\r\n"), BlockReason.RATE_LIMIT, BOUNDED),
    Reply("90 kB of Link", _raw(OK + b"Link: " + b"<a>;rel " * 11_000 + b"\r\n\r\nabc"), None, BOUNDED),
    Reply("a refresh header to a private address", _raw(OK + b"Refresh: 0;url=http://169.254.169.254/\r\n\r\nabc"), None, USED),
    Reply("a page that refreshes itself to a private address", _raw(OK + b'\r\n<meta http-equiv="refresh" content="0;url=http://127.0.0.1/">abc'), None, USED),
    Reply("a base element that leads inside", _raw(OK + b'\r\n<base href="http://127.0.0.1/"><a href="x">abc</a>'), None, USED),
    Reply("206 without being asked", _raw(b"HTTP/1.1 206 Part\r\nContent-Type: text/html\r\nContent-Range: bytes 0-2/9\r\n\r\nabc"), _BROKEN, REFUSED),
    Reply("204 with a body", _raw(b"HTTP/1.1 204 None\r\nContent-Type: text/html\r\n\r\nabc"), Empty, REFUSED),
    Reply("304 without being asked", _raw(b"HTTP/1.1 304 Same\r\n\r\n"), _BROKEN, REFUSED),
    Reply("a redirect without a place", _raw(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"), _BROKEN, REFUSED),
    Reply("a proxy that asks for a password", _raw(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"), BlockReason.FORBIDDEN, REFUSED),
)  # fmt: skip


KINDS: Kinds = {
    "addresses of the network": ADDRESSES,
    "addresses as they are spelled": SPELLED,
    "ports": PORTS,
    "what a name server says": RESOLVED,
    "redirects": HOPS,
    "slow servers": SLOW,
    "streams without end": ENDLESS,
    "decompression bombs": BOMBS,
    "broken protocol": PROTOCOL,
}
