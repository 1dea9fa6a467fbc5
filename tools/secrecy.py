"""Secrets stay out of what is written: taken out of replies that repeat them, and out of a process's words.

A token leaves this process in one header for one server. That server may send it back, in an error, a page or
an answer; there it is taken out before anything is stored. What a process itself says, in logs, tracebacks
and sentences, is gone over once more by :func:`hushed`.
"""

from __future__ import annotations

import base64
import html
import json
import logging
import re
import sys
import traceback
from collections.abc import Iterable, Mapping
from types import TracebackType
from urllib.parse import quote, quote_plus, unquote, urlsplit

SHORTEST = 12
"""Characters. Servers on one's own machine are given keys such as ``ollama``; leaving that word out would
spoil what is said, and the header that it is sent in is never kept."""
GONE = "[withheld]"

_IN_ADDRESS = re.compile(r"(?<=://)[^\s/?#@'\"<>]{0,200}:[^\s'\"<>]{0,300}@")
_IN_SETTINGS = re.compile(
    r"\b(password|passwd|pwd|sslpassword|api_?key|access_?token)=[^\s&'\"]+", re.IGNORECASE
)
_NAMED = re.compile(r"TOKEN|SECRET|PASSW|PASSPHRASE|API_?KEY|_KEY(_|$)|CREDENTIAL|COOKIE", re.IGNORECASE)


class Secrets:
    """Values that are taken out of texts, in every spelling in which they are likely to come back."""

    def __init__(self, values: Iterable[str | None]) -> None:
        known = {value for value in values if value and len(value) >= SHORTEST}
        longest_first = sorted({form for value in known for form in _spellings(value)}, key=len, reverse=True)
        self._spellings = tuple(longest_first)
        self._bytes = tuple(form.encode("utf-8", "replace") for form in longest_first)

    def __bool__(self) -> bool:
        return bool(self._spellings)

    def __repr__(self) -> str:
        return f"Secrets({len(self._spellings)} spellings)"

    def stand_in(self, text: str) -> bool:
        """Whether ``text`` has one of them."""
        return any(form in text for form in self._spellings)

    def out_of(self, text: str, put: str = GONE) -> str:
        """``text`` with ``put`` in place of each."""
        for form in self._spellings:
            if form in text:
                text = text.replace(form, put)
        return text

    def out_of_bytes(self, data: bytes, put: str = GONE) -> bytes:
        for form in self._bytes:
            if form in data:
                data = data.replace(form, put.encode())
        return data


def _spellings(value: str) -> set[str]:
    raw = value.encode("utf-8", "replace")
    forms = {value, quote(value, safe=""), quote(value), quote_plus(value), html.escape(value)}
    forms |= {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    forms |= {raw.hex(), raw.hex().upper()}
    for before in range(3):  # base64 of a longer text has it at one of three places within a group
        encoded = base64.b64encode(b"\0" * before + raw).decode()
        core = encoded[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        forms |= {core, core.replace("+", "-").replace("/", "_")}
    return forms


def passwords_in(url: str | None) -> tuple[str, ...]:
    """The password of an address, as it stands there and as it is meant; nothing where there is none."""
    try:
        netloc = urlsplit(url if url and "://" in url else f"//{url or ''}").netloc
    except ValueError:
        return ()
    user, at, _ = netloc.rpartition("@")
    password = user.partition(":")[2]
    return tuple({password, unquote(password)}) if at and password else ()


_held = Secrets(())


def hold(values: Iterable[str | None]) -> None:
    """From now on :func:`hushed` takes these out, and no others."""
    global _held  # noqa: PLW0603 - a process has one set of settings, and many places where it speaks
    _held = Secrets(values)


def hushed(text: str) -> str:
    """``text`` without the secrets of this process, and without passwords in addresses."""
    return _IN_SETTINGS.sub(rf"\1={GONE}", _IN_ADDRESS.sub(f"{GONE}@", _held.out_of(text)))


class HushedFormatter(logging.Formatter):
    """Log lines, tracebacks included, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        return hushed(super().format(record))


def hush_tracebacks() -> None:
    """Let Python's last words go through :func:`hushed`."""
    sys.excepthook = _last_words


def _last_words(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    sys.stderr.write(hushed("".join(traceback.format_exception(kind, error, trace))))


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """What a child that needs no secret is given of an environment."""
    return {
        name: value
        for name, value in environment.items()
        if not _NAMED.search(name) and not _IN_ADDRESS.search(value) and not _IN_SETTINGS.search(value)
    }
