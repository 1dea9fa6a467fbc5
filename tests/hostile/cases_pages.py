"""What a page, a record, a robots.txt or a PDF may hold, by kind, and what each gets."""

# ruff: noqa: E501

from __future__ import annotations

import json
import zlib
from typing import Any, NamedTuple

from tests.hostile.kinds import BOUNDED, REFUSED, USED, Kinds
from tests.standins.pdf_files import pdf_with
from tools.outcomes import FailReason

SCRIPT = "<script>"


class Encoded(NamedTuple):
    """A body that says something of its encoding which may be untrue."""

    name: str
    body: bytes
    content_type: str = "text/html"
    reads: str = ""
    """Words that are in the text."""
    got: str = USED


class Drowning(NamedTuple):
    """A page to drown in; what is read of it stays within the limits."""

    name: str
    text: str
    content_type: str = "text/html"
    got: str = BOUNDED
    most: int = 400_000
    """Characters of readable text."""
    lacks: str = "root:"
    """Words that are nowhere in it."""


class Told(NamedTuple):
    """JSON, and whether it is read; with what value."""

    name: str
    text: str
    got: str = REFUSED
    value: Any = None


class Rules(NamedTuple):
    """A robots.txt, whether a page may then be read, and the pause that it is worth."""

    name: str
    text: str
    allows: bool
    got: str = BOUNDED
    pause: float | None = None


class Printed(NamedTuple):
    """A PDF, and why it is not read; None where it is."""

    name: str
    body: bytes
    reason: FailReason | None
    got: str = REFUSED


class Listed(NamedTuple):
    """What the Hub's listing answers, always again; ``{here}`` is itself."""

    name: str
    rows: str
    link: str = ""
    records: int = 0
    requests: int = 1
    got: str = REFUSED


class Stated(NamedTuple):
    """A manifest of the registry; whether it proves anything."""

    name: str
    manifest: str
    got: str = REFUSED


_UTF7 = b"+ADw-script+AD4-alert(1)"
ENCODINGS = (
    Encoded("UTF-7", _UTF7, "text/html; charset=utf-7", "+ADw-"),
    Encoded("UTF-7 in the page itself", b"<meta charset=utf-7>" + _UTF7, reads="+ADw-"),
    Encoded("a codec that unpacks", zlib.compress(b"x" * 9_000_000), "text/html; charset=zlib_codec", got=BOUNDED),
    Encoded("a codec that executes escapes", rb"\x3cscript\x3e", "text/html; charset=unicode_escape", r"\x3c"),
    Encoded("a codec of pickles' strings", rb"\u003cscript>", "text/html; charset=raw_unicode_escape", r"\u003c"),
    Encoded("a codec that turns letters", b"<fpevcg>", "text/plain; charset=rot13", "fpevcg"),
    Encoded("a codec that always fails", b"abc", "text/html; charset=undefined", "abc"),
    Encoded("punycode", b"abc-", "text/html; charset=punycode", "abc-"),
    Encoded("idna", b"abc", "text/html; charset=idna", "abc"),
    Encoded("a codec named by a path", b"abc", "text/html; charset=../../etc/passwd", "abc"),
    Encoded("a codec with a NUL", b"<meta charset='utf\x00-8'>abc", reads="abc"),
    Encoded("a charset of 60,000 letters", b"abc", "text/html; charset=" + "a" * 60_000, "abc"),
    Encoded("a byte order mark that lies", b"\xef\xbb\xbfGr\xc3\xbc\xc3\x9fe", "text/html; charset=utf-16", "Grüße"),
    Encoded("UTF-16 with half a character", "Grüße".encode("utf-16") + b"x", "text/html", "Grüße"),
    Encoded("UTF-16 with half a pair", b"\xff\xfea\x00\x00\xd8b\x00", "text/html", "a"),
    Encoded("UTF-32", "abc".encode("utf-32"), "text/html", "a"),
    Encoded("UTF-16 that is said to be UTF-8", "<b>abc".encode("utf-16-le"), "text/html; charset=utf-8"),
    Encoded("UTF-8 that is too long", b"\xc0\xbcscript\xc0\xbe", "text/html; charset=utf-8", "script"),
    Encoded("UTF-8 of half a pair", b"\xed\xa0\x80abc", "text/html; charset=utf-8", "abc"),
    Encoded("UTF-8 beyond Unicode", b"\xf8\x88\x80\x80\x80abc", "text/html; charset=utf-8", "abc"),
    Encoded("a Japanese encoding left open", b"\x1b$B<script>", "text/html; charset=iso-2022-jp"),
    Encoded("a Chinese encoding that eats the quote", b"<a title='\x81'>abc</a>", "text/html; charset=gbk", "abc"),
    Encoded("two charsets", b"Gr\xfc\xdfe", "text/html; charset=iso-8859-1; charset=utf-8", "Grüße"),
    Encoded("a charset behind 5,000 bytes", b" " * 5_000 + b"<meta charset=utf-7>" + _UTF7, reads="+ADw-"),
    Encoded("NULs between the letters", b"<\x00s\x00cript>abc", "text/html; charset=utf-8", "abc"),
    Encoded("every byte there is", bytes(range(1, 256)) * 400, "text/plain"),
    Encoded("a picture that is said to be a page", b"\x89PNG\r\n\x1a\n" + b"\x00\xff" * 5_000),
)  # fmt: skip

_LAUGHS = "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 12))
_ENTITIES = f"<!DOCTYPE x [<!ENTITY l0 'lol'>{_LAUGHS}]>"
DROWNING = (
    Drowning("10,000 links", "".join(f"<a href='/p{n}'>page {n}</a> " for n in range(10_000))),
    Drowning("10,000 links in Markdown", "".join(f"[page](https://b.example/{n}) " for n in range(10_000)), "text/markdown", most=2_000_000),
    Drowning("one link 20,000 times", "<a href='/x'>x</a>" * 20_000),
    Drowning("links that are no addresses", "<a href='http://['>x</a><a href='javascript:x'>x</a>" * 5_000),
    Drowning("elements nested 300,000 deep", "<b>" * 300_000 + "words"),
    Drowning("tables nested 30,000 deep", "<table><tr><td>" * 30_000),
    Drowning("60,000 paragraphs", "<p>a" * 60_000),
    Drowning("an attribute of 1.9 MB", f"<p title='{'a' * 1_900_000}'>words"),
    Drowning("100,000 attributes", "<p " + "".join(f"a{n}=1 " for n in range(100_000)) + ">words"),
    Drowning("300,000 named characters", "&amp;" * 300_000),
    Drowning("characters by numbers that are none", "&#0;&#xD800;&#x110000;&#99999999999;" * 1_000 + "words"),
    Drowning("a million laughs in HTML", f"{_ENTITIES}<p>&l9;", lacks="lollol"),
    Drowning("a million laughs in XHTML", f"{_ENTITIES}<p>&l9;", "application/xhtml+xml", lacks="lollol"),
    Drowning("a million laughs in XML", f"{_ENTITIES}<x>&l9;</x>", "application/xml", USED, lacks="lollol"),
    Drowning("a file as an entity", "<!DOCTYPE x [<!ENTITY f SYSTEM 'file:///etc/passwd'>]><p>&f;"),
    Drowning("a file as an entity in XHTML", "<!DOCTYPE x [<!ENTITY f SYSTEM 'file:///etc/passwd'>]><p>&f;", "application/xhtml+xml"),
    Drowning("a stylesheet that reads a file", "<?xml-stylesheet href='file:///etc/passwd'?><p>words"),
    Drowning("50,000 comments", "<!-- hidden -->" * 50_000),
    Drowning("200,000 beginnings of comments", "<!--" * 200_000),
    Drowning("30,000 hidden paragraphs", "<p hidden>hidden</p>" * 30_000),
    Drowning("a style of 500 kB", f"<p style='{'color:#fff;' * 45_000}'>words"),
    Drowning("10,000 styles", "".join(f"<p style='top:-{n}px'>x" for n in range(10_000))),
    Drowning("500,000 brackets", "[" * 500_000, "text/markdown", most=2_000_000),
    Drowning("500,000 beginnings of tags", "<" * 500_000),
    Drowning("a line of 1.9 MB", "a" * 1_900_000, "text/plain", most=2_000_000),
)  # fmt: skip

_DEEP = 200_000
TOLD = (
    Told("lists nested 200,000 deep", "[" * _DEEP + "]" * _DEEP),
    Told("lists that are not closed", "[" * _DEEP),
    Told("objects nested 100,000 deep", '{"a":' * 100_000),
    Told("two documents", "{}{}"),
    Told("nothing", ""),
    Told("a comment", "{} // words"),
    Told("a comma too many", "[1,]"),
    Told("a raw line break in a text", '"a\nb"'),
    Told("a number with a leading zero", "[01]"),
    Told("NaN", "[NaN]", USED, [None]),
    Told("infinities", "[Infinity, -Infinity]", USED, [None, None]),
    Told("10^400", "[1e400, -1e400]", USED, [None, None]),
    Told("2^64", f"[{2**64}, {-(2**64)}]", USED, [None, None]),
    Told("an integer of 4,000 digits", "[" + "9" * 4_000 + "]", USED, [None]),
    Told("an integer of 1,000,000 digits", "[" + "9" * 1_000_000 + "]", USED, [None]),
    Told("a fraction of 100,000 digits", "[0." + "9" * 100_000 + "]", USED, [1.0]),
    Told("half a pair", '["\\ud800"]', USED, ["?"]),
    Told("a key twice", '{"license": "mit", "license": "other"}', USED, {"license": "other"}),
    Told("a text of 1.9 MB", json.dumps("a" * 1_900_000), USED, "a" * 1_900_000),
    Told("__proto__", '{"__proto__": {"admin": true}}', USED, {"__proto__": {"admin": True}}),
    Told("__class__", '{"__class__": "os.system", "py/object": "os"}', USED, {"__class__": "os.system", "py/object": "os"}),
)  # fmt: skip

_ALL = "User-agent: *\n"
RULES = (
    Rules("a rule with 200 stars", f"{_ALL}Disallow: /{'*a' * 200}b\n", True),
    Rules("4,000 rules with 50 stars", f"{_ALL}{('Disallow: /' + '*a' * 50 + 'b' + chr(10)) * 4_000}", True),
    Rules("one rule of 400 kB", f"{_ALL}Disallow: /{'*b' * 200_000}", True),
    Rules("40,000 rules", f"{_ALL}{'Disallow: /x' + chr(10)}" + "Disallow: /none\n" * 30_000, False),
    Rules("15,000 robots", "".join(f"User-agent: r{n}\nDisallow: /\n" for n in range(15_000)), True),
    Rules("a pause of 10^300 seconds", f"{_ALL}Crawl-delay: 1e300\n", True, pause=10.0),
    Rules("a pause of a year", f"{_ALL}Crawl-delay: 31536000\n", True, pause=10.0),
    Rules("a negative pause", f"{_ALL}Crawl-delay: -5\n", True),
    Rules("a pause that is no number", f"{_ALL}Crawl-delay: nan\n", True),
    Rules("times of day that are none", f"{_ALL}Visit-time: 9999-9999\nRequest-rate: 1/0\n", True),
    Rules("NULs and control characters", f"{_ALL}Disallow: /\x00\x1b[2J\n", True),
    Rules("a file of the wrong kind", "<html>" * 9_000, True, USED),
)


def _objects(*objects: bytes, root: int = 1) -> bytes:
    """A PDF of these objects, without a table: a reader has to search for them."""
    body = b"".join(b"%d 0 obj\n%b\nendobj\n" % (n, one) for n, one in enumerate(objects, 1))
    return b"%PDF-1.7\n" + body + b"trailer\n<< /Size 99 /Root %d 0 R >>\n%%%%EOF\n" % root


_CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"
_BAD, _MUCH, _NOT = FailReason.BAD_REPLY, FailReason.TOO_LARGE, FailReason.UNSUPPORTED
PRINTED = (
    Printed("a stream that unpacks to 300 MB", pdf_with([b"(a) Tj " * 6_000_000]), _MUCH, BOUNDED),
    Printed("operators without end", pdf_with([b"BT " + b"(a) Tj " * 400_000 + b"ET"]), _MUCH, BOUNDED),
    Printed("pages that hold themselves", _objects(_CATALOG, b"<< /Type /Pages /Count 1 /Kids [2 0 R] >>"), _BAD),
    Printed("10^9 pages that are one", _objects(_CATALOG, b"<< /Type /Pages /Count 1000000000 /Kids [3 0 R] >>", b"<< /Type /Page /Parent 2 0 R >>"), _BAD),
    Printed("a table that refers to itself", b"%PDF-1.7\nxref\n0 0\ntrailer\n<< /Prev 9 /Size 1 >>\nstartxref\n9\n%%EOF\n", _BAD),
    Printed("lists nested 100,000 deep", _objects(_CATALOG, b"[" * 100_000), _BAD),
    Printed("a program that runs when it is opened", pdf_with([b"BT /F1 12 Tf (Hello there) Tj ET"]).replace(b"/Type /Catalog", b"/Type /Catalog /OpenAction << /S /Launch /F (/bin/sh) >>"), None, USED),
)  # fmt: skip

_ROW = {"id": "a/b", "pipeline_tag": "text-generation"}
_HUGE = "9" * 4_000
LISTED = (
    Listed("a next page without end", json.dumps([_ROW]), '<{here}/api/models?p=n>; rel="next"', 1, 3, BOUNDED),
    Listed("a next page inside", json.dumps([_ROW]), '<http://169.254.169.254/>; rel="next"', 1, 1, USED),
    Listed("a next page that is no address", json.dumps([_ROW]), '<http://[>; rel="next"', 1, 1, USED),
    Listed("counts of 4,000 digits", f'[{{"id": "a/b", "downloads": {_HUGE}, "safetensors": {{"total": {_HUGE}}}}}]', "", 1, 1, USED),
    Listed("names that are paths", json.dumps([{"id": "../../etc"}, {"id": "a/../b"}, {"id": "/etc/passwd"}, {"id": "a/b\x00"}])),
    Listed("names in other directions", json.dumps([{"id": "a/\u202eb"}, {"id": "а/b"}, {"id": "a/b\n"}])),
    Listed("names that are addresses", json.dumps([{"id": "http://127.0.0.1/"}, {"id": "a/b?x"}, {"id": "a/b#x"}, {"id": "a@b/c"}])),
    Listed("rows that are anything", '[null, 1, "a", [], {}, {"id": 5}, {"id": null}, true]'),
    Listed("a row of 3 MB", json.dumps([{**_ROW, "cardData": {"license": "x" * 3_000_000}}]), "", 1, 1, USED),
    Listed("100,000 tags", json.dumps([{**_ROW, "tags": ["t"] * 100_000}]), "", 1, 1, BOUNDED),
    Listed("20,000 files", json.dumps([{**_ROW, "siblings": [{"rfilename": f"f{n}"} for n in range(20_000)]}]), "", 1, 1, BOUNDED),
    Listed("no list", '{"error": "no"}'),
    Listed("no JSON", "<html>"),
)  # fmt: skip

_LAYER = '{{"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:{digest}", "size": {size}}}'


def _manifest(size: object = 5, digest: str = "0" * 64, layers: int = 1) -> str:
    layer = _LAYER.format(digest=digest, size=size)
    return f'{{"config": {layer}, "layers": [{", ".join([layer] * layers)}]}}'


STATED = (
    Stated("a size below zero", _manifest(-5)),
    Stated("a size of 4,000 digits", _manifest(_HUGE)),
    Stated("a size of 10^400", _manifest("1e400")),
    Stated("a size of 18 exabytes", _manifest(18_000_000_000_000_000_000)),
    Stated("a size that is text", _manifest('"much"')),
    Stated("a digest that is a path", _manifest(digest="../../../etc/passwd")),
    Stated("a digest with more behind it", _manifest(digest="0" * 64 + "/../x")),
    Stated("a digest with a line break behind it", _manifest(digest="0" * 64 + "\\n")),
    Stated("no layers", _manifest(layers=0)),
    Stated("5,000 layers, too large to read", _manifest(layers=5_000)),
    Stated("a list", "[]"),
    Stated("lists nested deep", "[" * 100_000),
)

KINDS: Kinds = {
    "broken encodings": ENCODINGS,
    "pages to drown in": DROWNING,
    "JSON": TOLD,
    "robots.txt": RULES,
    "PDFs": PRINTED,
    "listings of the Hub": LISTED,
    "manifests of the registry": STATED,
}
