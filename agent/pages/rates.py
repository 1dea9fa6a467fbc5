"""How fast something goes and how long it will take, from the times of the events that told it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

WINDOW = timedelta(seconds=60)
"""A rate is that of the last minute of work."""
LONGEST = 30 * 86_400.0
"""Seconds left beyond which an estimate says nothing."""


class Pace(NamedTuple):
    """How far something has got, how fast it goes and how long it will take."""

    done: float
    total: float | None
    per_second: float | None
    """None while two instants with progress between them are wanting."""
    left: timedelta | None
    """Until it is finished at this rate; None when that cannot be told."""

    @property
    def finished(self) -> bool:
        return self.total is not None and self.done >= self.total


def pace(points: Sequence[tuple[datetime, float]], total: float | None, done: float | None = None) -> Pace:
    """From instants with how much was done then, in their order. ``done`` is what is done now, where that is
    known better than from the last point."""
    now = done if done is not None else points[-1][1] if points else 0.0
    if len(points) < 2:
        return Pace(now, total, None, None)
    last_at, last = points[-1]
    first_at, first = next(point for point in points if last_at - point[0] <= WINDOW)
    if first_at == last_at and len(points) > 1:
        first_at, first = points[-2]
    seconds = (last_at - first_at).total_seconds()
    if seconds <= 0 or last <= first:
        return Pace(now, total, None, None)
    rate = (last - first) / seconds
    remaining = None if total is None else max(0.0, total - now) / rate
    known = remaining is not None and remaining < LONGEST
    return Pace(now, total, rate, timedelta(seconds=remaining) if known and remaining is not None else None)


def duration(span: timedelta | None) -> str:
    """A time span as people say it: ``40 s``, ``12 min``, ``3 h 20 min``."""
    if span is None:
        return "unknown"
    seconds = max(0, round(span.total_seconds()))
    if seconds < 90:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"
