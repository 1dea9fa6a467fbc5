"""What files, names and places may do, by kind, and what each gets."""

# ruff: noqa: E501

from __future__ import annotations

import gzip
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.hostile.kinds import BOUNDED, REFUSED, USED, Kinds


class Document(NamedTuple):
    """YAML, and words of the sentence that refuses it; none where it is read."""

    name: str
    text: str | bytes
    says: str
    got: str = REFUSED


class Lines(NamedTuple):
    """JSONL as ``write`` makes it, and words of the sentence that refuses it; none where it is read."""

    name: str
    write: Callable[[Path], None]
    says: str
    got: str = REFUSED


class Header(NamedTuple):
    """The first bytes of a GGUF file, and words of the sentence; none where something is told."""

    name: str
    data: bytes
    says: str
    got: str = REFUSED


class Name(NamedTuple):
    """A name of a model, a run, a story or a scenario."""

    text: str
    name: str
    got: str = REFUSED


class Place(NamedTuple):
    """Where a document or table is to be written. ``make`` gets an empty folder and the path of a file of
    somebody else's; it gives the folder that is named with ``--out``. ``says`` is none where it is written."""

    name: str
    make: Callable[[Path, Path], Path]
    says: str
    got: str = REFUSED


class Other(NamedTuple):
    """Something that lies where a file is expected, and words of the sentence that refuses it."""

    name: str
    make: Callable[[Path], object]
    says: str
    got: str = REFUSED


class Target(NamedTuple):
    """A single file to be written, as a person names it."""

    name: str
    make: Callable[[Path, Path], Path]
    says: str
    got: str = REFUSED


class Recording(NamedTuple):
    """A file of a story, and words of the sentence that refuses it."""

    name: str
    file: str
    text: str | bytes
    says: str
    got: str = REFUSED


def _laughs(levels: int, width: int = 9) -> str:
    lines = [f"a0: &a0 [{', '.join('x' * width)}]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(lines)


DOCUMENTS = (
    Document("a billion laughs", _laughs(10), "more than"),
    Document("a billion laughs in mappings", "\n".join(["a0: &a0 {x: 1}", *(f"a{n}: &a{n} {{{', '.join(f'k{k}: *a{n - 1}' for k in range(9))}}}" for n in range(1, 10))]), "more than"),
    Document("one anchor 300,000 times", "a: &a 1\nb: [" + "*a, " * 300_000 + "1]", "more than"),
    Document("an alias of itself", "a: &a [*a]", "not defined"),
    Document("an alias of nothing", "a: *nobody", "not defined"),
    Document("a merge key", "a: &a {b: 1}\nc: {<<: *a}", "merge keys"),
    Document("a list of merge keys", "a: &a {b: 1}\nc: {<<: [*a, *a, *a]}", "merge keys"),
    Document("a tag that runs a program", "a: !!python/object/apply:os.system ['true']", "is not read"),
    Document("a tag that runs a program, written out", "a: !<tag:yaml.org,2002:python/object/apply:os.system> x", "cannot be read"),
    Document("a tag that makes an object", "a: !!python/object/new:os.system x", "cannot be read"),
    Document("a tag that names a module", "a: !!python/module:os x", "cannot be read"),
    Document("a tag of its own", "a: !exec x", "the tag"),
    Document("a tag by a prefix of its own", "%TAG ! tag:evil.example,2000:\n---\na: !x y", "the tag"),
    Document("lists nested 100,000 deep", "[" * 100_000, "nested more than"),
    Document("mappings nested 100,000 deep", "{a: " * 100_000, "nested more than"),
    Document("blocks nested 1,000 deep", "\n".join(" " * n + "a:" for n in range(1_000)), "nested more than"),
    Document("lists in blocks nested 900 deep", "- " * 900 + "x", "nested more than"),
    Document("a key twice", "a: 1\na: 2", "second time"),
    Document("a key twice, in quotes", "a: 1\n\"a\": 2", "second time"),
    Document("a key twice, escaped", 'a: 1\n"\\x61": 2', "second time"),
    Document("a key that is a list", "? [a, b]\n: c", "key must be text"),
    Document("a text of 2.1 MB", "a: " + "x" * 2_100_000, "larger than"),
    Document("10,000 documents", "---\na: 1\n" * 10_000, "second document"),
    Document("a number of 1,000,000 digits", "a: " + "9" * 1_000_000, "is no number"),
    Document("a hexadecimal number of 300,000 digits", "a: 0x" + "f" * 300_000, "is no number"),
    Document("a number to the base of 60, 300,000 places", "a: 1" + ":1" * 300_000, "is no number"),
    Document("a date that is none", "a: 2026-99-99", "cannot be read"),
    Document("binary that is none", "a: !!binary 'x'", "cannot be read"),
    Document("half a pair", 'a: "\\ud800"', "not valid YAML"),
    Document("a character beyond Unicode", 'a: "\\U00110000"', "not valid YAML"),
    Document("a NUL", b"a: \x00", "does not allow"),
    Document("a terminal's escape", b"a: \x1b[2J", "does not allow"),
    Document("Windows-1252", b"a: caf\xe9", "not UTF-8"),
    Document("UTF-16", "a: 1".encode("utf-16"), "not UTF-8"),
    Document("UTF-32", "a: 1".encode("utf-32"), "not UTF-8"),
    Document("a gzip file", gzip.compress(b"a: 1"), "not UTF-8"),
    Document("tabs for indentation", "a:\n\tb: 1", "not valid YAML"),
    Document("a version to come", "%YAML 9.9\n---\na: 1", "not valid YAML"),
    Document("a quote left open", 'a: "x', "not valid YAML"),
    Document("a byte order mark", b"\xef\xbb\xbfa: 1", "", USED),
    Document("carriage returns alone", b"a: 1\rb: 2\r", "", USED),
)  # fmt: skip


def _bytes(data: bytes) -> Callable[[Path], None]:
    return lambda path: (path.write_bytes(data), None)[1]


def _sparse(path: Path) -> None:
    """A file of 1 GB without a line break, which takes no room on the disk."""
    with path.open("wb") as stream:
        stream.write(b'{"id": "a", "message": "')
        stream.truncate(1_000_000_000)


def _many(count: int, line: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with path.open("w") as stream:
            stream.writelines(line.replace("%", str(number)) for number in range(count))

    return write


_GOOD = '{"id": "s%", "message": "Hello there."}\n'
LINES = (
    Lines("one line of 1 GB", _sparse, "longer than"),
    Lines("6,000 scenarios", _many(6_000, _GOOD), "more than", BOUNDED),
    Lines("200,000 bad lines", _many(200_000, "{\n"), "More than 1,000 lines", BOUNDED),
    Lines("50,000 empty lines", _many(50_000, "\n"), "no scenario"),
    Lines("nothing", _bytes(b""), "no scenario"),
    Lines("lists nested 100,000 deep", _bytes(b"[" * 100_000), "not valid JSON"),
    Lines("objects nested 10,000 deep", _bytes(b'{"a":' * 10_000), "not valid JSON"),
    Lines("a key twice", _bytes(b'{"id": "a", "id": "b", "message": "x"}'), "twice"),
    Lines("an id twice", _many(2, _GOOD.replace("%", "1")), "already"),
    Lines("an id of 5,000 digits", _bytes(b'{"id": ' + b"9" * 5_000 + b', "message": "x"}'), "not valid JSON"),
    Lines("an id that is a path", _bytes(b'{"id": "../../etc/passwd", "message": "x"}'), "cannot be used"),
    Lines("an id with a slash", _bytes(b'{"id": "a/b", "message": "x"}'), "cannot be used"),
    Lines("an id that begins with a dot", _bytes(b'{"id": ".bashrc", "message": "x"}'), "cannot be used"),
    Lines("an id that is a flag", _bytes(b'{"id": "--force", "message": "x"}'), "cannot be used"),
    Lines("an id with a line break", _bytes(b'{"id": "a\\n", "message": "x"}'), "cannot be used"),
    Lines("an id with a NUL", _bytes(b'{"id": "a\\u0000", "message": "x"}'), "cannot be used"),
    Lines("an id in other directions", _bytes('{"id": "a\u202eb", "message": "x"}'.encode()), "cannot be used"),
    Lines("an id of 10,000 letters", _bytes(b'{"id": "' + b"a" * 10_000 + b'", "message": "x"}'), "cannot be used"),
    Lines("half a pair", _bytes(b'{"id": "a", "message": "\\ud800"}'), "UTF-8"),
    Lines("a message of 100,000 letters", _bytes(b'{"id": "a", "message": "' + b"x" * 100_000 + b'"}'), "longer than"),
    Lines("a message that is a list", _bytes(b'{"id": "a", "message": ["x"]}'), "must be text"),
    Lines("a conversation", _bytes(b'{"id": "a", "messages": []}'), "conversation"),
    Lines("one list around all", _bytes(b'[{"id": "a", "message": "x"}]'), "not a JSON object"),
    Lines("UTF-16", _bytes(_GOOD.encode("utf-16")), "not UTF-8"),
    Lines("Windows-1252 in the second line", _bytes(b'{"id": "a", "message": "x"}\n{"id": "b", "message": "\xe9"}'), "line 2"),
    Lines("carriage returns alone", _bytes(b'{"id": "a", "message": "x"}\r{"id": "b", "message": "y"}'), "not valid JSON"),
    Lines("a gzip file", _bytes(gzip.compress(_GOOD.encode())), "not UTF-8"),
    Lines("a folder", lambda path: path.mkdir(), "cannot be read"),
    Lines("a link in a circle", lambda path: path.symlink_to(path), "cannot be read"),
    Lines("a link to nowhere", lambda path: path.symlink_to("/nowhere/at/all"), "cannot be read"),
    Lines("NaN and infinity beside the message", _bytes(b'{"id": "a", "message": "x", "n": NaN, "m": 1e999}'), "", USED),
    Lines("a byte order mark and Windows' line ends", _bytes(b'\xef\xbb\xbf{"id": "a", "message": "x"}\r\n'), "", USED),
)  # fmt: skip


def _head(tensors: int = 0, keys: int = 1, version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, keys)


def _key(name: bytes, kind: int, value: bytes) -> bytes:
    return struct.pack("<Q", len(name)) + name + struct.pack("<I", kind) + value


def _array(kind: int, count: int, items: bytes = b"") -> bytes:
    return struct.pack("<IQ", kind, count) + items


_MOST = 2**64 - 1
HEADERS = (
    Header("nothing", b"", "too few"),
    Header("another kind of file", b"PK\x03\x04" + b"\x00" * 40, "letters GGUF"),
    Header("a version to come", _head(version=99), "version 99"),
    Header("the other byte order", b"GGUF" + struct.pack(">IQQ", 3, 0, 1), "big-endian"),
    Header("2^64 keys", _head(keys=_MOST), "not believed"),
    Header("2^64 tensors", _head(tensors=_MOST), "not believed"),
    Header("a key of 2^64 bytes", _head() + struct.pack("<Q", _MOST), "not believed"),
    Header("a text of 2^64 bytes", _head() + _key(b"general.name", 8, struct.pack("<Q", _MOST)), "not believed"),
    Header("a text of 2^63 bytes", _head() + _key(b"general.name", 8, struct.pack("<Q", 2**63)), "not believed"),
    Header("an array of 2^64 items", _head() + _key(b"a", 9, _array(4, _MOST)), "not believed"),
    Header("an array of 50,000,000 empty texts", _head() + _key(b"a", 9, _array(8, 50_000_000)), "not believed|most believed"),
    Header("an array of arrays", _head() + _key(b"a", 9, _array(9, 3)), "nested"),
    Header("a type that is none", _head() + _key(b"a", 99, b""), "unknown type"),
    Header("a key twice", _head(keys=2) + _key(b"general.license", 8, struct.pack("<Q", 3) + b"mit") * 2, "twice"),
    Header("a tensor with 2^32 dimensions", _head(1, 0) + struct.pack("<Q", 1) + b"t" + struct.pack("<I", 2**32 - 1), "not believed"),
    Header("60 arrays of 4,096 numbers", _head(keys=60) + b"".join(_key(b"k%d" % n, 9, _array(0, 4_096, b"\x01" * 4_096)) for n in range(60)), "", BOUNDED),
    Header("a text with NULs and escapes", _head() + _key(b"general.name", 8, struct.pack("<Q", 6) + b"a\x00\x1b[2J"), "", USED),
    Header("a text that is no UTF-8", _head() + _key(b"general.name", 8, struct.pack("<Q", 2) + b"\xff\xfe"), "", USED),
    Header("numbers that are none", _head(keys=2) + _key(b"a", 6, struct.pack("<f", float("nan"))) + _key(b"b", 12, struct.pack("<d", float("inf"))), "", USED),
    Header("a context of 2^64 tokens", _head() + _key(b"llama.context_length", 10, struct.pack("<Q", _MOST)), "", USED),
    Header("an alignment of 0", _head() + _key(b"general.alignment", 4, struct.pack("<I", 0)), "", USED),
    Header("eight dimensions of 2^64", _head(1, 0) + struct.pack("<Q", 1) + b"t" + struct.pack("<I", 8) + struct.pack("<8Q", *[_MOST] * 8) + struct.pack("<IQ", 0, 0), "", USED),
)  # fmt: skip


MODEL_NAMES = (
    Name("../../etc/passwd", "a path upwards"),
    Name("owner/../../../etc/x.gguf", "a path upwards in a repository"),
    Name("owner/repo/../../../x.gguf", "a path upwards in a file"),
    Name("owner/repo/a/./x.gguf", "a dot as a folder"),
    Name("owner/repo//etc/x.gguf", "two slashes"),
    Name("owner/repo/x.gguf@../../main", "a path upwards in a revision"),
    Name("owner/repo/x.gguf@", "an empty revision"),
    Name("owner\\repo\\x.gguf", "backslashes"),
    Name("owner/repo/..\\..\\x.gguf", "backslashes in a file"),
    Name("owner/repo/C:x.gguf", "a drive"),
    Name("owner/repo/x.gguf:stream", "a stream of a file"),
    Name("owner/repo/a\x00.gguf", "a NUL"),
    Name("owner/repo/a\nb.gguf", "a line break"),
    Name("owner/repo/a\u202efgug.gguf", "another direction"),
    Name("owner/repo/a\u200b.gguf", "a character without width"),
    Name("-o/repo/x.gguf", "a flag"),
    Name("--help", "a flag alone"),
    Name(".hidden/repo/x.gguf", "a hidden folder"),
    Name("owner/.git/x.gguf", "a repository that begins with a dot"),
    Name("owner/repo/" + "a" * 500 + ".gguf", "a file of 500 letters"),
    Name("o" * 300 + "/repo/x.gguf", "an owner of 300 letters"),
    Name("owner/repo/" + "d/" * 250 + "x.gguf", "250 folders"),
    Name("owner/repo/x-00001-of-00003.gguf", "a part of a model"),
    Name("оwner/repo/x .gguf?download=1", "an address's query"),
    Name("http://127.0.0.1/x.gguf", "an address"),
    Name("file:///etc/passwd.gguf", "an address of a file"),
    Name("owner/repo/a*.gguf", "a pattern"),
    Name("owner/repo/$(id).gguf|x", "a command"),
    Name("", "nothing"),
    Name("   ", "white space"),
    Name("owner/repo/x.gguf", "an honest name", USED),
    Name("owner/repo/sub/x.gguf@v1.0", "an honest name with a folder and a revision", USED),
)

TAGS = (
    Name("../qwen3:8b", "a path upwards"),
    Name("qwen3:../8b", "a path upwards in a tag"),
    Name("a/../b:c", "a path upwards in between"),
    Name("qwen3..x:8b", "two dots"),
    Name("/qwen3:8b", "a slash in front"),
    Name("a/b/c/d:e", "too many parts"),
    Name("-qwen3:8b", "a flag"),
    Name("qwen3:8b\n", "a line break"),
    Name("qwen3:8b\x00", "a NUL"),
    Name("qwen3%2f..:8b", "an escape"),
    Name("qwen3:8b?x=1", "a query"),
    Name("qwen3:8b#x", "a fragment"),
    Name("user@host/qwen3:8b", "a user name"),
    Name("qwen3\\x:8b", "a backslash"),
    Name("qw\u202een3:8b", "another direction"),
    Name("q" * 300, "300 letters"),
    Name("qwen3:" + "8" * 300, "a tag of 300 letters"),
    Name("", "nothing"),
    Name("http://127.0.0.1:1/qwen3", "an address"),
    Name("qwen3:8b", "an honest tag", USED),
)

RUN_NAMES = (
    Name("..", "a path upwards"),
    Name("../../etc/passwd", "a longer path upwards"),
    Name("%", "a wildcard of SQL"),
    Name("_", "another wildcard of SQL"),
    Name("20261121-%", "a wildcard behind a beginning"),
    Name("' OR 1=1 --", "SQL"),
    Name("a\x00b", "a NUL"),
    Name("%2e%2e%2f", "an escaped path"),
    Name("..%2f..%2fetc%2fpasswd", "a half escaped path"),
    Name("\u202e20261121", "another direction"),
    Name("２０２６", "full-width digits"),
    Name("-", "a hyphen"),
    Name("", "nothing"),
    Name("a" * 60_000, "60,000 letters"),
    Name("\ud800", "half a pair"),
    Name("20261121-kept", "a run that is there", USED),
    Name("20261121-k", "the beginning of its name", USED),
)

STORY_NAMES = (
    Name("..", "a path upwards"),
    Name("../secret", "a longer path upwards"),
    Name("/etc", "a path from the root"),
    Name("a/b", "a folder"),
    Name("a\\b", "a backslash"),
    Name("", "nothing"),
    Name(".", "this folder"),
    Name(".hidden", "a hidden folder"),
    Name("-rf", "a flag"),
    Name("A", "a capital letter"),
    Name("a\n", "a line break"),
    Name("a\x00", "a NUL"),
    Name("a" * 80, "80 letters"),
    Name("con", "a device of Windows, which is not there"),
)


def _folder(here: Path) -> Path:
    place = here / "out"
    place.mkdir()
    return place


def _link(link: Path, target: Path, *, folder: bool = False) -> None:
    link.symlink_to(target, target_is_directory=folder)


def _linked_file(ending: str) -> Callable[[Path, Path], Path]:
    def make(here: Path, precious: Path) -> Path:
        place = _folder(here)
        _link(place / f"base-model-evaluation{ending}", precious)
        return place

    return make


def _in_the_way(ending: str, put: Callable[[Path], None]) -> Callable[[Path, Path], Path]:
    def make(here: Path, _precious: Path) -> Path:
        place = _folder(here)
        put(place / f"base-model-evaluation{ending}")
        return place

    return make


def _fifo(path: Path) -> None:
    import os

    os.mkfifo(path)


def _socket(path: Path) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


def _figure_link(here: Path, precious: Path) -> Path:
    """A link among the figures, under a name that an earlier document may have used."""
    place = _folder(here)
    (place / "base-model-evaluation").mkdir()
    for name in ("answers.jsonl", "failures.jsonl", "pass-rate-primary-0123456789.svg"):
        _link(place / "base-model-evaluation" / name, precious)
    return place


def _elsewhere(here: Path, _precious: Path) -> Path:
    """The folder itself is a link; a person named it, so it is meant."""
    place = _folder(here)
    _link(here / "link", place, folder=True)
    return here / "link"


def _dangling(here: Path, _precious: Path) -> Path:
    _link(here / "link", here / "nowhere")
    return here / "link"


def _circle(here: Path, _precious: Path) -> Path:
    _link(here / "link", here / "link")
    return here / "link"


def _closed(here: Path, _precious: Path) -> Path:
    place = _folder(here)
    place.chmod(0o555)
    return place


PLACES = (
    *(Place(f"a link for the document{ending}", _linked_file(ending), "is a link") for ending in (".md", ".json", ".html")),
    Place("a link for the folder of figures", lambda here, _: (_link(_folder(here) / "base-model-evaluation", here, folder=True), here / "out")[1], "is a link"),
    Place("links among the figures", _figure_link, "", USED),
    Place("a folder for the document", _in_the_way(".md", Path.mkdir), "is not a file"),
    Place("a pipe for the document", _in_the_way(".md", _fifo), "is not a file"),
    Place("a pipe for the results", _in_the_way(".json", _fifo), "is not a file"),
    Place("a socket for the page", _in_the_way(".html", _socket), "is not a file"),
    Place("a file for the folder of figures", _in_the_way("", Path.touch), "is not a folder"),
    Place("a device", lambda *_: Path("/dev/null"), "is not a folder"),
    Place("a file for the folder", lambda _, precious: precious, "is not a folder"),
    Place("a folder in a file", lambda _, precious: precious / "docs", "not"),
    Place("a folder that is a link to nowhere", _dangling, "link to nowhere"),
    Place("a folder that is a link in a circle", _circle, "link"),
    Place("a folder in a folder that is not there", lambda here, _: here / "a" / "b" / "c", "does not exist"),
    Place("a name of 300 letters", lambda here, _: here / ("a" * 300), "could not be written"),
    Place("a path of 5,000 letters", lambda here, _: here.joinpath(*["a" * 100] * 50), "could not be written"),
    Place("a folder that may not be written", _closed, "may not be written"),
    Place("a folder that does not belong to anybody", lambda *_: Path("/proc"), "could not be written|may not be written"),
    Place("a folder that is a link, as it was named", _elsewhere, "", USED),
)  # fmt: skip


def _planted(here: Path, precious: Path) -> Path:
    """A link under the name that a temporary file had in earlier versions."""
    _link(here / f".s.jsonl.{os.getpid()}.part", precious)
    return here / "s.jsonl"


def _pipe(here: Path, _: Path) -> Path:
    os.mkfifo(here / "s.jsonl")
    return here / "s.jsonl"


def _linked_pipe(path: Path) -> None:
    pipe = path.with_suffix(".pipe")
    os.mkfifo(pipe)
    path.symlink_to(pipe)


def _socket(path: Path) -> None:
    here = os.open(path.parent, os.O_RDONLY)
    try:  # the name of a socket is short, and this folder's is not
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(f"/proc/self/fd/{here}/{path.name}")
    finally:
        os.close(here)


OTHERS = (
    Other("a pipe that nobody writes into", os.mkfifo, "is a pipe and not a file"),
    Other("a link to a pipe", _linked_pipe, "is a pipe and not a file"),
    Other("a socket", _socket, "is a socket and not a file"),
    Other("zeros without end (/dev/zero)", lambda path: path.symlink_to("/dev/zero"), "is a device and not a file"),
    Other("noise without end (/dev/urandom)", lambda path: path.symlink_to("/dev/urandom"), "is a device and not"),
    Other("a terminal (/dev/tty)", lambda path: path.symlink_to("/dev/ptmx"), "is a device and not a file"),
    Other("a folder", lambda path: path.mkdir(), "Is a directory"),
)  # fmt: skip

TARGETS = (
    Target("a folder", lambda here, _: here, "is a folder"),
    Target("a file in a file", lambda _, precious: precious / "s.jsonl", "cannot be written"),
    Target("a full disk (/dev/full)", lambda *_: Path("/dev/full"), "cannot be written"),
    Target("a name of 300 letters", lambda here, _: here / ("a" * 300), "cannot be written"),
    Target("a path of 5,000 letters", lambda here, _: here.joinpath(*["a" * 100] * 50), "cannot be written"),
    Target("a link in a circle", _circle, "cannot be written"),
    Target("a name with a NUL", lambda here, _: here / "a\x00b", "cannot be written"),
    Target("a name of half a pair", lambda here, _: here / "a\ud800b", "cannot be written"),
    Target("a place that is no disk", lambda *_: Path("/proc/1/x/s.jsonl"), "cannot be written"),
    Target("a folder that may not be written", lambda here, _: _closed(here, here) / "s.jsonl", "cannot be written"),
    Target("a link planted for the temporary file", _planted, "", USED),
    Target("a link to nowhere, as it was named", _dangling, "", USED),
    Target("a pipe that nobody reads", _pipe, "cannot be written"),
    Target("nowhere (/dev/null)", lambda *_: Path("/dev/null"), "", USED),
    Target("a name of 250 letters", lambda here, _: here / ("a" * 250), "", USED),
)  # fmt: skip

_ABOUT = "text: evaluate 8B models\nrecorded_at: 2026-01-01T00:00:00Z\nhosts: []\n"
RECORDINGS = (
    Recording("a billion laughs as story", "story.yaml", _laughs(10), "more than 200,000 values"),
    Recording("a billion laughs as hosts", "story.yaml", _laughs(10) + "\nhosts: *a9\n" + _ABOUT.replace("hosts: []\n", ""), "more than 200,000 values"),
    Recording("a program as story", "story.yaml", "text: !!python/object/apply:os.system ['true']\n", "cannot be read"),
    Recording("lists nested 10,000 deep as story", "story.yaml", "[" * 10_000, "cannot be"),
    Recording("3 MB as story", "story.yaml", "text: " + "x" * 3_000_000, "cannot be"),
    Recording("10^20 scenarios as story", "story.yaml", _ABOUT + "count: 100000000000000000000\n", "cannot be used"),
    Recording("binary as story", "story.yaml", b"\xff\xfe\x00", "cannot be"),
    Recording("a program as recording", "http.yaml", "interactions: !!python/object/apply:os.system ['true']\nversion: 1\n", "recording"),
    Recording("a program in an answer", "http.yaml", "interactions:\n- request: !!python/name:os.system\n  response: {}\nversion: 1\n", "recording"),
    Recording("a billion laughs as recording", "http.yaml", _laughs(10) + "\nversion: 1\n", "recording"),
    Recording("a billion laughs as answers", "http.yaml", _laughs(10) + "\ninteractions: *a9\nversion: 1\n", "recording"),
    Recording("lists nested 5,000 deep as recording", "http.yaml", "[" * 5_000, "recording"),
    Recording("rows of nothing as recording", "http.yaml", "interactions: [null, 1, a]\nversion: 1\n", "recording"),
    Recording("binary as recording", "http.yaml", b"\xff\xfe\x00", "recording"),
)  # fmt: skip

KINDS: Kinds = {
    "YAML files": DOCUMENTS,
    "JSONL files": LINES,
    "heads of GGUF files": HEADERS,
    "names of models": MODEL_NAMES,
    "tags of the registry": TAGS,
    "names of runs": RUN_NAMES,
    "names of stories": STORY_NAMES,
    "places for a document": PLACES,
    "files to write": TARGETS,
    "stories and recordings": RECORDINGS,
    "what is no file, for 11 readers": OTHERS,
}
