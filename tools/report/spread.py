"""Figure of length and speed: how they are spread over the answers that passed and those that failed."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from statistics import median
from typing import Final, NamedTuple

from tools.report.drawing import MARGIN, WIDTH, Figure, line, rect, text
from tools.report.measures import Split

_BINS: Final = (16, 32)
"""Few values are counted in wider bins."""
_MANY: Final = 100
_LABELS: Final = 64
_ROW: Final = 44
_PANEL: Final = 2 * _ROW + 62


class Panel(NamedTuple):
    """One number of an answer."""

    title: str
    unit: str
    values: Split


def spread(name: str, *, model: str, panels: Sequence[Panel]) -> Figure:
    """One histogram above the other for each panel; a bar is the share of the group, so that groups of
    different size compare. Each panel has a value."""
    title = f"Length and speed of {model}'s answers"
    parts = [
        text(MARGIN, 30, title, "head", room=WIDTH - 2 * MARGIN),
        text(MARGIN, 48, "share of those that passed, and of those that failed; line: median", "soft small"),
    ]
    said = []
    for i, panel in enumerate(panels):
        parts += _panel(panel, 66 + i * _PANEL)
        said.append(_described(panel))
    return Figure(name, title, " ".join(said), 66 + _PANEL * len(panels), "".join(parts))


def _panel(panel: Panel, top: float) -> list[str]:
    left, right = MARGIN + _LABELS, WIDTH - MARGIN
    end, cut = _end([*panel.values.passed, *panel.values.failed])
    parts = [text(MARGIN, top + 14, panel.title)]
    bins = _BINS[sum(map(len, panel.values)) >= _MANY]
    counts = [_binned(values, end, bins) for values in panel.values]
    tallest = max(max(shares) for shares in counts)
    for i, (style, word, values, shares) in enumerate(
        zip(("good", "bar"), ("passed", "failed"), panel.values, counts, strict=True)
    ):
        base = top + 22 + _ROW * (i + 1)
        parts.append(text(MARGIN, base - 16, word, "soft small"))
        parts.append(text(MARGIN, base - 3, f"n = {len(values)}", "soft small"))
        step = (right - left) / bins
        for j, share in enumerate(shares):
            if share:
                tall = max(1.0, (_ROW - 10) * share / tallest)
                parts.append(rect(left + j * step + 0.5, base - tall, step - 1, tall, style))
        parts.append(line(left, base, right, base, "rule"))
        if values:
            x = left + (right - left) * min(1.0, median(values) / end)
            parts.append(line(x, base - _ROW + 6, x, base, "whisker"))
    foot = top + 22 + 2 * _ROW + 15
    last = f"{_said(end)} {panel.unit}" + (" and more" if cut else "")
    parts.append(text(left, foot, "0", "soft small"))
    parts.append(text((left + right) / 2, foot, _said(end / 2), "soft small middle"))
    parts.append(text(right, foot, last, "soft small end"))
    return parts


def _binned(values: Sequence[float], end: float, bins: int) -> list[float]:
    """Share of ``values`` in each bin from 0 to ``end``; what is larger stands in the last."""
    counts = [0] * bins
    for value in values:
        # Compared before it is divided: by the smallest numbers there are, that is more than a float holds.
        counts[bins - 1 if value >= end else min(bins - 1, int(bins * value / end))] += 1
    return [count / max(1, len(values)) for count in counts]


def _end(values: Sequence[float]) -> tuple[float, bool]:
    """Where the axis ends, a round number, and whether values lie beyond: far ones would hide the rest."""
    ordered = sorted(values)
    most, usual = ordered[-1], ordered[int(0.98 * (len(ordered) - 1))]
    end = _round_up(usual * 1.25 if most > 2 * usual > 0 else most)
    return end, most > end


def _round_up(value: float) -> float:
    if value < sys.float_info.min:  # nothing, or too small for its power of ten
        return 1.0
    ten = 10.0 ** math.floor(math.log10(value))
    return next(ten * step for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10, 15) if ten * step >= value)


def _said(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def _described(panel: Panel) -> str:
    parts = []
    for word, values in zip(("passed", "failed"), panel.values, strict=True):
        if values:
            ends = f"{_said(min(values))} to {_said(max(values))}"
            parts.append(f"{len(values)} answers that {word}: median {_said(median(values))}, {ends}")
    return f"{panel.title}, in {panel.unit}: {'; '.join(parts)}."
