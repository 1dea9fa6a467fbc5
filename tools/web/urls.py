"""One address for one page, so that a run fetches it once whatever form it is linked in."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit, urlunsplit

TRACKING = re.compile(
    r"utm_\w*|fbclid|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|yclid|twclid|ttclid|li_fat_id|igshid|"
    r"mc_cid|mc_eid|mkt_tok|_hsenc|_hsmi|_ga|_gl|vero_id|oly_anon_id|oly_enc_id|srsltid",
    re.IGNORECASE,
)
"""Query parameters that tell where a reader came from and never change the page."""

DEFAULT_PORTS = {"http": 80, "https": 443}
ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
UNSAFE = re.compile(r"%[0-9A-Fa-f]{2}|[^A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]+|%")

HUB_HOSTS = frozenset({"huggingface.co", "www.huggingface.co", "hf.co"})
HUB_PAGE = re.compile(r"(/(?:datasets/|spaces/)?[^/]+/[^/]+)(?:/tree/main|/blob/main(?:/README\.md)?)?/?")
HUB_PREFIXES = frozenset(
    {"api", "docs", "blog", "papers", "collections", "organizations", "learn", "models", "posts", "tasks"}
)
"""First parts of the Hub's addresses that are no owner of a repository."""


def canonical(url: str) -> str:
    """The address that stands for ``url``; the same one again when given its own result.

    Scheme and host in lower case, default port, fragment and tracking parameters dropped, dot segments
    resolved, percent-encoding as RFC 3986 normalises it. A slash at the end stays, because two addresses may
    be two pages; so do the order of parameters, ``http``, and hosts such as ``m.`` and ``amp.``. On the
    Hugging Face Hub, the file list of ``main`` and its README are the repository's page. What is no http
    address comes back as it is.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return url
    scheme = parts.scheme.lower()
    if scheme not in DEFAULT_PORTS or not host:
        return url
    netloc = _netloc(parts, host, None if port == DEFAULT_PORTS[scheme] else port)
    path = _without_dots(_escaped(parts.path)) or "/"
    query = "&".join(
        _escaped(pair)
        for pair in parts.query.split("&")
        if pair and TRACKING.fullmatch(_escaped(pair).partition("=")[0]) is None
    )
    if netloc in HUB_HOSTS:
        netloc, path = "huggingface.co", _hub_path(path)
    return urlunsplit((scheme, netloc, path, query, ""))


def _netloc(parts: SplitResult, host: str, port: int | None) -> str:
    user = parts.netloc.rpartition("@")[0]
    shown = f"[{host}]" if ":" in host else _ascii(host)
    return (f"{user}@" if user else "") + shown + ("" if port is None else f":{port}")


def _ascii(host: str) -> str:
    """An internationalised name as it is asked for; one that cannot be encoded stays."""
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return host


def _escaped(text: str) -> str:
    """Escapes in upper case, unreserved characters unescaped, and what must be escaped, escaped."""

    def plain(found: re.Match[str]) -> str:
        piece = found.group()
        if len(piece) == 3 and ESCAPE.fullmatch(piece):
            character = chr(int(piece[1:], 16))
            return character if character in UNRESERVED else piece.upper()
        return "".join(f"%{byte:02X}" for byte in piece.encode("utf-8", "replace"))

    return UNSAFE.sub(plain, text)


def _without_dots(path: str) -> str:
    """RFC 3986, 5.2.4: ``.`` and ``..`` resolved."""
    kept: list[str] = []
    parts = path.split("/")[1:]
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        if part == "..":
            del kept[-1:]
        elif part != ".":
            kept.append(part)
        if last and part in {".", ".."}:
            kept.append("")
    return "/" + "/".join(kept) if parts else path


def _hub_path(path: str) -> str:
    found = HUB_PAGE.fullmatch(path)
    if found is None or path.split("/")[1] in HUB_PREFIXES:
        return path
    return found.group(1)
