"""Figures as SVG, written by hand: the same numbers give the same bytes.

Each figure carries its own background and a light and a dark palette, so that it can be read on any page,
and a title and a description for those who do not see it. Nothing but text and shapes: no script, no
reference.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final, NamedTuple

from tools.coverage import Coverage
from tools.escape import html
from tools.statistics import DEFAULT_THRESHOLDS, Interval

WIDTH: Final = 760
MARGIN: Final = 24
CHARACTER: Final = 7.4
"""Width of an average character at 13 px in a wide font, for deciding what fits."""
MOST_BARS: Final = 15
MOST_TOPICS: Final = 20
MOST_CRITERIA: Final = 16

STYLE: Final = (
    ".bme text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Liberation Sans',Arial,sans-serif;"
    "font-size:13px;fill:#1f2328}"
    ".bme .back{fill:#ffffff;stroke:#d1d9e0}"
    ".bme .head{font-size:15px;font-weight:600}"
    ".bme .soft{fill:#59636e}.bme .small{font-size:11px}"
    ".bme .end{text-anchor:end}.bme .middle{text-anchor:middle}"
    ".bme .low{fill:#bc4c00}.bme .middling{fill:#bf8700}.bme .high{fill:#1a7f37}"
    ".bme .low,.bme .middling,.bme .high{fill-opacity:.13}"
    ".bme .rule{stroke:#818b98;stroke-width:1}.bme .dash{stroke-dasharray:4 3}"
    ".bme .track{fill:#818b98;fill-opacity:.12}"
    ".bme .whisker{stroke:#0550ae;stroke-width:3;stroke-linecap:round}.bme .dot{fill:#0550ae}"
    ".bme .bar{fill:#bc4c00}.bme .none{fill:#818b98;fill-opacity:.12}"
    "@media (prefers-color-scheme:dark){"
    ".bme text{fill:#e6edf3}.bme .back{fill:#0d1117;stroke:#3d444d}.bme .soft{fill:#9198a1}"
    ".bme .low{fill:#f0883e}.bme .middling{fill:#e3b341}.bme .high{fill:#3fb950}"
    ".bme .low,.bme .middling,.bme .high{fill-opacity:.2}"
    ".bme .whisker{stroke:#79c0ff}.bme .dot{fill:#79c0ff}.bme .bar{fill:#f0883e}"
    "}"
)
"""Style of every figure. A page that holds several puts it once at its top."""


class Bar(NamedTuple):
    """One criterion and how many answers failed it."""

    criterion: str
    question: str
    failed: int
    gate: bool = False


class HeatMap(NamedTuple):
    """How often a criterion failed in a topic, of the measured answers of that topic."""

    topics: tuple[str, ...]
    measured: tuple[int, ...]
    """Measured answers by topic, in the order of ``topics``."""
    criteria: tuple[str, ...]
    failed: tuple[tuple[int, ...], ...]
    """One row for each topic, one number for each criterion."""


def _most_failed(table: HeatMap) -> HeatMap:
    """The table with the criteria that fit across, those that fail most, in their order."""
    totals = [sum(failed[j] for failed in table.failed) for j in range(len(table.criteria))]
    kept = sorted(sorted(range(len(totals)), key=lambda j: (-totals[j], j))[:MOST_CRITERIA])
    return table._replace(
        criteria=tuple(table.criteria[j] for j in kept),
        failed=tuple(tuple(failed[j] for j in kept) for failed in table.failed),
    )


class Figure(NamedTuple):
    """A drawing that is not tied to a place yet."""

    name: str
    """Unique within a document; names the file and the identifiers inside."""
    title: str
    description: str
    height: float
    body: str

    @property
    def svg(self) -> str:
        """A file of its own."""
        return '<?xml version="1.0" encoding="UTF-8"?>\n' + self._element(f"<style>{STYLE}</style>") + "\n"

    @property
    def inline(self) -> str:
        """An element for a page that has :data:`STYLE` in its head."""
        return self._element("")

    def _element(self, style: str) -> str:
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="bme" role="img" '
            f'aria-labelledby="{self.name}-title {self.name}-desc" '
            f'width="{WIDTH}" height="{_n(self.height)}" viewBox="0 0 {WIDTH} {_n(self.height)}">'
            f'<title id="{self.name}-title">{html(self.title)}</title>'
            f'<desc id="{self.name}-desc">{html(self.description)}</desc>{style}'
            f'<rect class="back" x="0.5" y="0.5" width="{WIDTH - 1}" height="{_n(self.height - 1)}" rx="6"/>'
            f"{self.body}</svg>"
        )


def pass_rate(
    name: str,
    *,
    model: str,
    passes: int,
    measured: int,
    unmeasured: int,
    interval: Interval,
    thresholds: tuple[float, float] = DEFAULT_THRESHOLDS,
) -> Figure:
    """The pass rate with its 95 % Wilson interval over the three bands that decide. ``measured`` is not 0."""
    left, right, top, bottom = MARGIN, WIDTH - MARGIN, 66, 138

    def x(share: float) -> float:
        return left + (right - left) * share

    rate, (low, high) = passes / measured, thresholds
    ends = (0.0, low, high, 1.0)
    bands = zip(
        ("low", "middling", "high"),
        ("full pipeline", "fine-tune", "deploy"),
        ends,
        ends[1:],
        strict=False,
    )
    parts = [_text(left, 30, f"Pass rate of {model}", "head", room=WIDTH - 2 * MARGIN)]
    for style, words, begin, end in bands:
        parts.append(_rect(x(begin), top, x(end) - x(begin), bottom - top, style))
        parts.append(_text((x(begin) + x(end)) / 2, top - 8, words, "soft small middle"))
    ticks = [tick for tick in (0.0, 0.25, 0.5, 0.75, 1.0) if all(abs(tick - t) > 0.06 for t in thresholds)]
    parts += [
        _text(x(tick), bottom + 18, percent(tick), f"soft small {_anchor(tick)}")
        for tick in sorted({*ticks, *thresholds})
    ]
    middle = (top + bottom) / 2 + 10
    # Interrupted where the rate is written, which may stand on a threshold.
    for begin, end in ((top, top + 10), (middle - 12, bottom)):
        parts += [_line(x(edge), begin, x(edge), end, "rule dash") for edge in thresholds]
    parts.append(_line(x(interval.low), middle, x(interval.high), middle, "whisker"))
    parts.append(f'<circle class="dot" cx="{_n(x(rate))}" cy="{_n(middle)}" r="7"/>')
    # Kept a label's half away from the borders.
    parts.append(_text(min(max(x(rate), left + 40), right - 40), middle - 16, percent(rate), "head middle"))
    apart = f"; {unmeasured} not measured, counted apart" if unmeasured else ""
    said = (
        f"{passes} of {measured} measured answers pass: {percent(rate)}, "
        f"95% interval {percent(interval.low)} to {percent(interval.high)}{apart}"
    )
    parts.append(_text(left, bottom + 44, said, "soft"))
    bounds = f"Thresholds at {percent(low)} and {percent(high)}."
    return Figure(name, f"Pass rate of {model}", f"{said}. {bounds}", bottom + 62, "".join(parts))


def failures(name: str, *, model: str, bars: Sequence[Bar], measured: int) -> Figure:
    """Failures by criterion, most frequent first as given. ``bars`` is not empty."""
    shown = bars[:MOST_BARS]
    row, top = 26, 62
    labels = min(330.0, max(len(_label(bar)) for bar in shown) * CHARACTER + 8)
    left, right = MARGIN + labels + 8, WIDTH - MARGIN - 84
    most = max(1, *(bar.failed for bar in shown))
    title = f"Failures of {model} by criterion"
    under = f"of {measured} measured answers; one answer can fail several criteria"
    parts = [
        _text(MARGIN, 30, title, "head", room=WIDTH - 2 * MARGIN),
        _text(MARGIN, 48, under, "soft small"),
    ]
    for i, bar in enumerate(shown):
        y = top + i * row
        parts.append(_text(MARGIN, y + 15, _label(bar), room=labels))
        parts.append(_rect(left, y + 3, right - left, row - 9, "track"))
        parts.append(_rect(left, y + 3, (right - left) * bar.failed / most, row - 9, "bar"))
        share = f" ({percent(bar.failed / measured)})" if measured else ""
        parts.append(_text(right + 8, y + 15, f"{bar.failed}{share}", "soft"))
    height = top + len(shown) * row + 14
    if len(bars) > len(shown):
        parts.append(
            _text(MARGIN, height + 4, f"{len(bars) - len(shown)} more are in the table.", "soft small")
        )
        height += 18
    said = "; ".join(f"{bar.criterion}{' (gate)' if bar.gate else ''} {bar.failed}" for bar in bars)
    return Figure(
        name, title, f"Of {measured} measured answers, so many fail: {said}.", height, "".join(parts)
    )


def heat_map(name: str, *, model: str, table: HeatMap) -> Figure:
    """Where it fails: topics down, criteria across, coloured by the share of the topic's measured answers."""
    left_out = len(table.criteria) - MOST_CRITERIA
    table = _most_failed(table)
    shown = table.topics[:MOST_TOPICS]
    row, top = 26, 92
    labels = min(260.0, max((len(topic) for topic in shown), default=4) * CHARACTER + 36)
    left = MARGIN + labels + 8
    width = min(72.0, (WIDTH - MARGIN - left) / max(1, len(table.criteria)))
    title = f"Failures of {model} by topic and criterion"
    under = "number of answers that fail; colour: share of the topic's measured answers (in brackets)"
    parts = [
        _text(MARGIN, 30, title, "head", room=WIDTH - 2 * MARGIN),
        _text(MARGIN, 48, under, "soft small"),
    ]
    for j, criterion in enumerate(table.criteria):
        parts.append(_text(left + (j + 0.5) * width, top - 10, criterion, "soft small middle", room=width))
    for i, topic in enumerate(shown):
        y, n = top + i * row, table.measured[i]
        count = f" ({n})"
        name_room = labels - len(count) * CHARACTER
        parts.append(_text(MARGIN, y + 16, _fit(topic, name_room) + count, full=topic))
        for j, failed in enumerate(table.failed[i]):
            place = left + j * width
            parts.append(_rect(place + 1, y + 1, width - 2, row - 2, "none"))
            if failed and n:
                # Over 0.6 the figure on it would no longer be read easily in both palettes.
                parts.append(_rect(place + 1, y + 1, width - 2, row - 2, "bar", opacity=0.6 * failed / n))
            said = str(failed) if failed else "·"
            style = "middle" if failed else "soft middle"
            parts.append(_text(place + width / 2, y + 17, said, style))
    height: float = top + len(shown) * row + 16
    more = [f"{len(table.topics) - len(shown)} more topics"] if len(table.topics) > len(shown) else []
    more += [f"{left_out} more criteria"] if left_out > 0 else []
    if more:
        said = f"{' and '.join(more)} in the machine-readable results."
        parts.append(_text(MARGIN, height + 2, said, "soft small"))
        height += 18
    return Figure(name, title, _described(table), height, "".join(parts))


def coverage_curve(name: str, coverage: Coverage) -> Figure:
    """Viable candidates known after each answered query; the listings' count is where it begins. The curve
    has at least one point."""
    left, right, top, bottom = MARGIN + 44, WIDTH - MARGIN, 92, 232
    last, most = coverage.curve[-1].query, max(1, coverage.known)

    def x(query: int) -> float:
        return left + (right - left) * query / last

    def y(known: int) -> float:
        return bottom - (bottom - top) * known / most

    title = "Viable candidates known, query by query"
    share = coverage.sample_coverage
    said = [f"{coverage.listed} in listings, {coverage.known} after {coverage.queries} answered queries"]
    if share is not None and coverage.low is not None and coverage.high is not None:
        said.append(
            f"the next one that a query shows is known with probability {percent(share)}, "
            f"95% interval {percent(coverage.low)} to {percent(coverage.high)}"
        )
    steps = [(0, coverage.listed), *((point.query, point.known) for point in coverage.curve)]
    path = f"M{_n(x(0))} {_n(y(coverage.listed))}" + "".join(
        f"H{_n(x(query))}V{_n(y(known))}" for query, known in steps[1:]
    )
    parts = [
        _text(MARGIN, 30, title, "head", room=WIDTH - 2 * MARGIN),
        *(_text(MARGIN, 48 + 16 * number, line, "soft small") for number, line in enumerate(said)),
        _line(left, bottom, right, bottom, "rule"),
        _line(left, y(coverage.listed), right, y(coverage.listed), "rule dash"),
        f'<path class="whisker" fill="none" d="{path}"/>',
        _text(left - 8, y(coverage.known) + 4, str(coverage.known), "soft small end"),
        _text(left, bottom + 18, "0", "soft small"),
        _text(right, bottom + 18, f"{last} queries", "soft small end"),
    ]
    if y(coverage.listed) - y(coverage.known) > 14:
        parts.append(_text(left - 8, y(coverage.listed) + 4, str(coverage.listed), "soft small end"))
    return Figure(name, title, "; ".join(said) + ".", bottom + 34, "".join(parts))


def percent(share: float) -> str:
    """``64%``, rounded to whole per cent, but never up to 100 or down to 0 when it is neither."""
    whole = round(share * 100)
    if (whole == 100 and share < 1) or (whole == 0 and share > 0):
        return (
            f"{share * 100:.1f}%" if 0.0005 <= share < 0.9995 else ("over 99.9%" if whole else "under 0.1%")
        )
    return f"{whole}%"


def _described(table: HeatMap) -> str:
    rows = []
    for topic, n, failed in zip(table.topics, table.measured, table.failed, strict=True):
        named = [f"{c} {k}" for c, k in zip(table.criteria, failed, strict=True) if k]
        if named:
            rows.append(f"{topic} ({n} measured): {', '.join(named)}")
    return ("; ".join(rows) or "No failures") + "."


def _label(bar: Bar) -> str:
    return f"{bar.criterion}{' (gate)' if bar.gate else ''} {bar.question}"


def _anchor(share: float) -> str:
    return {0.0: "", 1.0: "end"}.get(share, "middle")


def _fit(text: str, room: float) -> str:
    """``text`` cut so that it takes about ``room`` pixels; wide characters count twice."""
    used, kept = 0.0, ""
    for character in text:
        used += CHARACTER * (2 if unicodedata.east_asian_width(character) in "WF" else 1)
        if used > room:
            return kept[:-1].rstrip() + "…"
        kept += character
    return kept


def _text(
    x: float, y: float, text: str, style: str = "", *, room: float | None = None, full: str = ""
) -> str:
    shown = text if room is None else _fit(text, room)
    whole = full or text
    tip = f"<title>{html(whole)}</title>" if whole not in shown else ""
    mark = f' class="{style.strip()}"' if style.strip() else ""
    return f'<text{mark} x="{_n(x)}" y="{_n(y)}">{html(shown)}{tip}</text>'


def _rect(
    x: float, y: float, width: float, height: float, style: str, *, opacity: float | None = None
) -> str:
    seen = "" if opacity is None else f' fill-opacity="{opacity:.3f}"'
    place = f'x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}"'
    return f'<rect class="{style}" {place} rx="2"{seen}/>'


def _line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    return f'<line class="{style}" x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}"/>'


def _n(value: float) -> str:
    """A number with at most one decimal, always written the same way."""
    return f"{value:.1f}".removesuffix(".0")
