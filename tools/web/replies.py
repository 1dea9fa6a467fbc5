"""What a status line and its headers mean as an outcome."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from tools.escape import clean
from tools.outcomes import Blocked, BlockReason, Empty, Failed, FailReason

LONGEST_WAIT_SECONDS = 24 * 3600.0
"""A server that asks for a longer wait is taken to mean a day."""

LONGEST_HEADER = 200
"""Characters of a header that are read; a search through 90 kB of one took 49 seconds."""

MISSING_CODES = frozenset({"reponotfound", "revisionnotfound", "entrynotfound"})


def refusal(status: int, headers: Mapping[str, str], now: datetime) -> Empty | Blocked | Failed | None:
    """The outcome of a reply that is no page; None when the reply is one.

    ``headers`` are read by lower-case name. ``X-Error-Code`` is the Hugging Face Hub's: it tells a missing
    repository (401 without a token) from a gated one.
    """
    if 200 <= status < 300:
        return None
    code = clean(headers.get("x-error-code", "")[:80])
    wait = retry_after(headers, now)
    detail = f"HTTP {status}" + (f" {code}" if code else "")
    if code.lower() == "gatedrepo":
        return Blocked(BlockReason.GATED, detail)
    if status in {404, 410} or (status in {401, 403} and code.lower() in MISSING_CODES):
        return Empty(detail)
    if status == 429 or (status == 503 and wait is not None):
        return Blocked(BlockReason.RATE_LIMIT, detail, wait)
    if headers.get("cf-mitigated", "").lower() == "challenge":
        return Blocked(BlockReason.CHALLENGE, detail, wait)
    if status in {401, 403, 407, 451}:
        return Blocked(BlockReason.FORBIDDEN, detail, wait)
    if status == 408:
        return Failed(FailReason.TIMEOUT, detail)
    return Failed(FailReason.SERVER_ERROR if status >= 500 else FailReason.BAD_REPLY, detail)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds to wait, from ``Retry-After`` (RFC 9110: seconds or a date) or ``RateLimit: …;r=0;t=55``."""
    seconds = _seconds(headers.get("retry-after", "")[:LONGEST_HEADER].strip(), now)
    limit = headers.get("ratelimit", "")[:LONGEST_HEADER]
    if seconds is None and (limited := re.search(r"\br=0\b.*?\bt=(\d{1,9})\b", limit)):
        seconds = float(limited.group(1))
    return None if seconds is None else min(max(seconds, 0.0), LONGEST_WAIT_SECONDS)


def _seconds(value: str, now: datetime) -> float | None:
    if not value:
        return None
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", value):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return (aware - now).total_seconds()
