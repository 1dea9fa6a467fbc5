"""Figures of a pass rate over the three bands that decide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from tools.report.drawing import (
    MARGIN,
    WIDTH,
    Figure,
    anchor,
    dot,
    line,
    lines,
    paragraph,
    percent,
    rect,
    text,
)
from tools.statistics import DEFAULT_THRESHOLDS, Interval

LEFT: Final = MARGIN
RIGHT: Final = WIDTH - MARGIN
TOP: Final = 66
ROW: Final = 46


class Estimate(NamedTuple):
    """A rate with its interval, and what it is called on the figure."""

    label: str
    rate: float
    interval: Interval


def pass_rate(
    name: str,
    *,
    model: str,
    passes: int,
    measured: int,
    unmeasured: int,
    interval: Interval,
    clustered: Interval | None = None,
    thresholds: tuple[float, float] = DEFAULT_THRESHOLDS,
) -> Figure:
    """The pass rate with its 95 % intervals, Wilson's and the clustered one. ``measured`` is not 0."""
    rate = passes / measured
    shown = [Estimate("with Wilson's interval", rate, interval)]
    apart = f"; {unmeasured} not measured, counted apart" if unmeasured else ""
    said = (
        f"{passes} of {measured} measured answers pass: {percent(rate)}, "
        f"95% interval {percent(interval.low)} to {percent(interval.high)}"
    )
    if clustered is not None:
        shown.append(Estimate("with topics as clusters", rate, clustered))
        said += f", clustered by topic {percent(clustered.low)} to {percent(clustered.high)}"
    return estimates(name, f"Pass rate of {model}", shown, said + apart, thresholds)


def estimates(
    name: str, title: str, shown: Sequence[Estimate], said: str, thresholds: tuple[float, float]
) -> Figure:
    """Estimates of a rate under each other over the bands. ``shown`` is not empty; ``said`` ends openly."""
    bottom = TOP + 10 + ROW * len(shown)
    parts = [text(LEFT, 30, title, "head", room=RIGHT - LEFT), *_bands(TOP, bottom, thresholds)]
    for i, estimate in enumerate(shown):
        parts += _estimate(estimate, TOP + ROW * (i + 1) - 8)
    under = lines(said, RIGHT - LEFT)
    parts.append(paragraph(LEFT, bottom + 42, under, "soft"))
    low, high = thresholds
    bounds = f"Thresholds at {percent(low)} and {percent(high)}."
    height = bottom + 42 + 17 * len(under)
    return Figure(name, title, f"{said}. {bounds}", height, "".join(parts))


def _x(share: float) -> float:
    return LEFT + (RIGHT - LEFT) * share


def _bands(top: float, bottom: float, thresholds: tuple[float, float]) -> list[str]:
    ends = (0.0, *thresholds, 1.0)
    names = (("low", "full pipeline"), ("middling", "fine-tune"), ("high", "deploy"))
    parts = []
    for (style, words), begin, end in zip(names, ends, ends[1:], strict=False):
        parts.append(rect(_x(begin), top, _x(end) - _x(begin), bottom - top, style))
        parts.append(text((_x(begin) + _x(end)) / 2, top - 8, words, "soft small middle"))
    ticks = [tick for tick in (0.0, 0.25, 0.5, 0.75, 1.0) if all(abs(tick - t) > 0.06 for t in thresholds)]
    parts += [
        text(_x(tick), bottom + 18, percent(tick), f"soft small {anchor(tick)}")
        for tick in sorted({*ticks, *thresholds})
    ]
    return parts + [line(_x(edge), top, _x(edge), bottom, "rule dash") for edge in thresholds]


def _estimate(estimate: Estimate, y: float) -> list[str]:
    """Whisker and dot at ``y``, what they are above them at the left, where no threshold is crossed."""
    interval = estimate.interval
    return [
        line(_x(interval.low), y, _x(interval.high), y, "whisker"),
        dot(_x(estimate.rate), y, 6),
        text(LEFT + 8, y - 13, f"{percent(estimate.rate)} {estimate.label}"),
    ]
