"""How asking the outside world can end: found, empty, blocked or failed.

A block is never an empty result (design, invariant 3), so the four are types and not a list that may be
empty for four reasons.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

T = TypeVar("T")


class BlockReason(StrEnum):
    """Why a service would not answer."""

    RATE_LIMIT = "rate limit"
    CHALLENGE = "challenge page"
    FORBIDDEN = "forbidden"
    ROBOTS = "robots.txt"
    GATED = "gated, a licence must be accepted first"


class FailReason(StrEnum):
    """What went wrong between us and the service."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    TOO_LARGE = "too large"
    BAD_REPLY = "unreadable reply"
    SERVER_ERROR = "server error"
    REFUSED_ADDRESS = "private address refused"
    UNSUPPORTED = "unsupported content"
    NOT_RECORDED = "not in the recording"


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """The service answered, and there was something."""

    value: T


@dataclass(frozen=True, slots=True)
class Empty:
    """The service answered properly that there is nothing."""

    detail: str = ""


@dataclass(frozen=True, slots=True)
class Blocked:
    """The service refused to answer; there may well be something."""

    reason: BlockReason
    detail: str = ""
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """No usable answer arrived; there may well be something."""

    reason: FailReason
    detail: str = ""


Outcome = Found[T] | Empty | Blocked | Failed
