"""What a client may send to the service, by kind, and what each gets."""

# ruff: noqa: E501

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote

from tests.hostile.cases_files import RUN_NAMES
from tests.hostile.kinds import REFUSED, USED, Kinds


class Sent(NamedTuple):
    """A body for ``POST /api/runs``, and the statuses that it may get."""

    name: str
    body: bytes
    statuses: tuple[int, ...] = (400, 422)
    got: str = REFUSED
    content_type: str = "application/json"


class Asked(NamedTuple):
    """A path below ``/api/runs/``, as it stands on the wire: its characters escaped."""

    name: str
    path: str
    got: str = REFUSED


_TEXT = b'{"text": "evaluate 8B models for therapy coaching"'
BODIES = (
    Sent("nothing", b""),
    Sent("no JSON", b"text=evaluate"),
    Sent("lists nested 100,000 deep", b"[" * 100_000),
    Sent("objects nested 20,000 deep", b'{"text":' * 20_000),
    Sent("a list", b"[]"),
    Sent("null", b"null"),
    Sent("a text of 9 MB", b'{"text": "' + b"a" * 9_000_000 + b'"}', (413, 422)),
    Sent("a text of 200 kB", b'{"text": "' + b"a" * 200_000 + b'"}', (413, 422)),
    Sent("a NUL", b'{"text": "evaluate 8B models\\u0000 for coding"}'),
    Sent("half a pair", b'{"text": "evaluate 8B models\\ud800 for coding"}'),
    Sent("Windows-1252", b'{"text": "caf\xe9"}'),
    Sent("a gzip file", b"\x1f\x8b\x08\x00\x00"),
    Sent("an unknown field", _TEXT + b', "admin": true}'),
    Sent("a prototype", _TEXT + b', "__proto__": {"admin": true}}'),
    Sent("a number that is none", _TEXT + b', "count": NaN}'),
    Sent("infinitely many scenarios", _TEXT + b', "count": 1e999}'),
    Sent("10^400 scenarios", _TEXT + b', "count": ' + b"9" * 400 + b"}"),
    Sent("10^5000 scenarios", _TEXT + b', "count": ' + b"9" * 5_000 + b"}"),
    Sent("fewer scenarios than none", _TEXT + b', "count": -1}'),
    Sent("a folder of the server's", _TEXT + b', "out_dir": "/etc"}'),
    Sent("a file of the server's", _TEXT + b', "rubric": "/etc/passwd"}'),
    Sent("XML", b"<!DOCTYPE x [<!ENTITY f SYSTEM 'file:///etc/passwd'>]><x>&f;</x>", (400, 415, 422), content_type="application/xml"),
    Sent("a form", b"text=evaluate+8B+models+for+coding", (400, 415, 422), content_type="application/x-www-form-urlencoded"),
    Sent("an honest request", _TEXT + b"}", (201,), USED),
)  # fmt: skip

PATHS = (
    *(Asked(f"a run called: {case.name}", quote(case.text, safe="")) for case in RUN_NAMES if case.got == REFUSED and case.text not in {"", "\ud800"}),
    Asked("a file by an escaped path", "%2e%2e%2f%2e%2e%2fetc%2fpasswd"),
    Asked("a file by a path escaped twice", "%252e%252e%252fetc%252fpasswd"),
    Asked("a file by backslashes", "..%5c..%5cetc%5cpasswd"),
    Asked("UTF-8 that is too long", "%c0%ae%c0%ae%c0%af"),
    Asked("an escape that is none", "%zz"),
    Asked("a line break", "a%0d%0aX-Injected:%201"),
    Asked("an escaped NUL", "a%00"),
)  # fmt: skip

KINDS: Kinds = {"bodies for the service": BODIES, "paths of the service": PATHS}
