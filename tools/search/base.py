"""What every search engine offers."""

from __future__ import annotations

from typing import Protocol

from pydantic import BaseModel, ConfigDict

from tools.outcomes import Outcome


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
