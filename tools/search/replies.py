"""What a search engine's reply means. The signs by which it is told stand in ``search_engines.yaml``."""

from __future__ import annotations

import re
from functools import cache, cached_property
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, field_validator

from tools.outcomes import Blocked, BlockReason, Empty, Failed, FailReason, Found, Outcome
from tools.search.base import SearchHit


class Reply(NamedTuple):
    """What an engine's address answered."""

    status: int
    text: str
    retry_after_seconds: float | None = None
    """The wait that ``Retry-After`` asks for."""
    url: str = ""
    """The address that answered, after redirects; empty where it is not known."""


class EngineSigns(BaseModel):
    """One engine of ddgs: how it refuses, how it says that there is nothing, how often it may be asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """As ddgs and the setting ``search_engines`` name it."""
    min_interval_seconds: float = Field(ge=0)
    """Between the starts of two queries."""
    jitter_seconds: float = Field(ge=0)
    """Most of the random time that is added."""
    challenge: tuple[str, ...] = ()
    """Regular expressions found in a challenge page or in its address."""
    no_results: tuple[str, ...] = Field(min_length=1)
    """Regular expressions found in a page that says that there are no results."""

    @field_validator("challenge", "no_results")
    @classmethod
    def _patterns(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        return _checked(patterns)

    @cached_property
    def challenge_sign(self) -> re.Pattern[str] | None:
        return _any_of(self.challenge) if self.challenge else None

    @cached_property
    def no_results_sign(self) -> re.Pattern[str]:
        return _any_of(self.no_results)


class SearchSigns(BaseModel):
    """``tools/knowledge/search_engines.yaml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    blocked_statuses: dict[int, BlockReason]
    """Statuses by which any engine refuses to answer."""
    challenge: tuple[str, ...] = Field(min_length=1)
    """Signs of a challenge page of any engine."""
    engines: tuple[EngineSigns, ...] = Field(min_length=1)

    @field_validator("challenge")
    @classmethod
    def _patterns(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        return _checked(patterns)

    @cached_property
    def challenge_sign(self) -> re.Pattern[str]:
        return _any_of(self.challenge)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(engine.name for engine in self.engines)

    def engine(self, name: str) -> EngineSigns:
        """The engine of that name. Raises LookupError for one that the file does not know."""
        found = next((engine for engine in self.engines if engine.name == name), None)
        if found is None:
            raise LookupError(f"search_engines.yaml has no {name!r}")
        return found


@cache
def signs() -> SearchSigns:
    """The signs that ship with the package."""
    from tools.knowledge.loader import load_yaml

    return load_yaml("search_engines", SearchSigns)


def read_reply(
    reply: Reply | None, hits: tuple[SearchHit, ...], engine: str
) -> Outcome[tuple[SearchHit, ...]]:
    """The outcome of a reply and the hits parsed from it. A page that says neither hits nor "no results" is a
    failure to read, not an empty result."""
    if reply is None:
        return Failed(FailReason.BAD_REPLY, "no reply was seen")
    if reply.status != 200:
        return refusal(reply.status, reply.retry_after_seconds)
    if hits:
        return Found(hits)
    own = signs().engine(engine)
    for place in (reply.url, reply.text):
        if signs().challenge_sign.search(place) or (own.challenge_sign and own.challenge_sign.search(place)):
            return Blocked(BlockReason.CHALLENGE, "the page asks for a proof that a person is searching")
    if own.no_results_sign.search(reply.text):
        return Empty("the engine says that there are no results")
    return Failed(FailReason.BAD_REPLY, "the page has neither results nor a word that there are none")


def refusal(status: int, retry_after_seconds: float | None, detail: str = "") -> Blocked | Failed:
    """What a status other than 200 means. 503 that names a wait is a limit, any other 5xx a failure."""
    detail = detail or f"HTTP {status}"
    reason = signs().blocked_statuses.get(status)
    if reason is None and status == 503 and retry_after_seconds is not None:
        reason = BlockReason.RATE_LIMIT
    if reason is not None:
        return Blocked(reason, detail, retry_after_seconds)
    if status == 408:
        return Failed(FailReason.TIMEOUT, detail)
    return Failed(FailReason.SERVER_ERROR if status >= 500 else FailReason.BAD_REPLY, detail)


def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)


def _checked(patterns: tuple[str, ...]) -> tuple[str, ...]:
    for pattern in patterns:
        try:
            compiled = re.compile(pattern)
        except re.error as error:
            raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
        if compiled.search(""):
            raise ValueError(f"{pattern!r} is found in an empty page")
    return patterns
