"""The same bad servers behind TLS, and certificates of the wrong host."""

from __future__ import annotations

from typing import NamedTuple

from tests.hostile.cases_network import BOMBS, ENDLESS, SLOW, Reply
from tests.hostile.kinds import REFUSED, USED, Kinds

HOST = "public.example"

_TRIED = {
    "a server that says nothing",
    "a head, a letter at a time",
    "a body, a letter at a time",
    "a body without end",
    "chunks without end",
    "chunks of one letter without end",
    "chunks with long extensions",
    "headers without end",
    "100 Continue without end",
    "packed blocks that hold nothing, without end",
    "gzip members that hold nothing, without end",
    "a Content-Length of 10^18",
    "gzip, 1000:1",
    "raw deflate",
    "gzip that is cut off",
    "gzip with rubbish behind it",
}


class Certificate(NamedTuple):
    """What a server shows of itself, and words of the refusal."""

    name: str
    names: tuple[str, ...]
    says: str = "certificate"
    got: str = REFUSED
    common_name: str = "x"
    expired: bool = False
    trusted: bool = True


BEHIND_TLS: tuple[Reply, ...] = tuple(
    case._replace(name=f"{case.name}, over TLS") for case in (*SLOW, *ENDLESS, *BOMBS) if case.name in _TRIED
)

CERTIFICATES = (
    Certificate("the host's own", (HOST,), "", USED),
    Certificate("the host's own among others", ("other.example", HOST), "", USED),
    Certificate("another host's", ("other.example",)),
    Certificate("the address's that is connected to", ("127.0.0.1",)),
    Certificate("a host's below", (f"www.{HOST}",)),
    Certificate("all hosts' below", (f"*.{HOST}",)),
    Certificate("a whole domain's", ("*.*",)),
    Certificate("the host's in its common name alone", (), common_name=HOST),
    Certificate("the host's, expired", (HOST,), expired=True),
    Certificate("the host's, of nobody's authority", (HOST,), trusted=False),
)

KINDS: Kinds = {"servers behind TLS": BEHIND_TLS, "certificates": CERTIFICATES}
