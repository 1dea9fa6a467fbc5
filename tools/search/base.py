"""What every search engine offers."""

from __future__ import annotations

import re
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from tools.outcomes import Outcome

MISS_NAMES = ("CannotOverwriteExistingCassette", "NotRecordedError", "UnhandledHTTPRequestError")
LONGEST_URL = 2048
LANGCHAIN_PREFIX = "langchain:"
"""Stands before a dotted class in the setting ``search_engines``, and before that engine's name."""


class SearchHit(BaseModel):
    """One result of a query, as the engine worded it. A snippet is a pointer, never a source."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    url: str
    """Absolute http or https address."""
    snippet: str


class SearchEngine(Protocol):
    """A search engine. Every way a query can end is an outcome; only a recording's miss is raised."""

    @property
    def name(self) -> str: ...

    async def search(self, query: str, *, page: int = 1) -> Outcome[tuple[SearchHit, ...]]:
        """Results of ``query``; ``page`` counts from 1."""
        ...


class NotRecordedError(Exception):
    """A replay was asked for something that its recording does not hold."""

    def __init__(self, what: str, detail: str = "") -> None:
        super().__init__(f"not in the recording: {what}" + (f" ({detail})" if detail else ""))
        self.what = what


def make_hit(title: object, url: object, snippet: object) -> SearchHit | None:
    """A hit from what an engine wrote, bounded; None when its address is no web address."""
    address = str(url or "").strip()
    if not address.lower().startswith(("http://", "https://")) or len(address) > LONGEST_URL:
        return None
    if _encodable(address) != address:
        return None
    return SearchHit(title=_line(title)[:300], url=address, snippet=_line(snippet)[:2000])


def is_miss(error: BaseException | None) -> bool:
    """Whether a recording's miss is the error, its cause, or the words that a library kept of it."""
    seen = 0
    while error is not None and seen < 10:
        if any(name in type(error).__name__ or name in str(error) for name in MISS_NAMES):
            return True
        error, seen = error.__cause__ or error.__context__, seen + 1
    return False


def in_brief(error: BaseException) -> str:
    """The words of an error, on one line, bounded; addresses without their query, where keys are written."""
    words = re.sub(r"(https?://[^\s?]+|/[^\s?]*)\?[^\s)\"']*", r"\1?…", _line(error)[:2000])
    return words[:300] or type(error).__name__


def _line(text: object) -> str:
    return " ".join(_encodable(str(text or "")).replace("\x00", " ").split())


def _encodable(text: str) -> str:
    """``text`` without halves of characters, which JSON can spell and no file and no database can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")
