"""Coverage after every answered query, and its drawing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from markupsafe import Markup

from agent.pages.render import percent
from tools.coverage import ENOUGH, Sighting, good_turing

WIDTH, HEIGHT = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 12, 40
LONGEST_TABLE = 40


class CoveragePoint(NamedTuple):
    """Where research stood after one answered query."""

    query: int
    """Number of the query, from 1."""
    known: int
    """Viable candidates known after it."""
    new: int
    coverage: float | None
    """Good–Turing sample coverage of the queries so far; None while none has shown a candidate."""


def points(sightings: Iterable[Sighting], answered: Sequence[str]) -> list[CoveragePoint]:
    """One point a query, in the order of ``answered``; the last one agrees with
    :func:`tools.coverage.measure`."""
    seen = set(sightings)
    listed = {one.candidate for one in seen if one.census}
    by_query: dict[str, set[str]] = {}
    for one in seen:
        if not one.census:
            by_query.setdefault(one.source, set()).add(one.candidate)
    known, times, showings, once, twice = set(listed), dict[str, int](), 0, 0, 0
    found = []
    for number, query in enumerate(dict.fromkeys(answered), 1):
        shown = by_query.get(query, set())
        for candidate in shown - listed:
            times[candidate] = times.get(candidate, 0) + 1
            once += {1: 1, 2: -1}.get(times[candidate], 0)
            twice += {2: 1, 3: -1}.get(times[candidate], 0)
        showings += len(shown)
        new = len(shown - known)
        known |= shown
        estimate = good_turing(once, twice, showings)
        found.append(CoveragePoint(number, len(known), new, estimate.estimate if estimate else None))
    return found


def thinned(found: Sequence[CoveragePoint]) -> list[CoveragePoint]:
    """At most :data:`LONGEST_TABLE` points for a table, the first and the last among them."""
    if len(found) <= LONGEST_TABLE:
        return list(found)
    step = (len(found) - 1) / (LONGEST_TABLE - 1)
    return [found[round(at * step)] for at in range(LONGEST_TABLE)]


def drawing(found: Sequence[CoveragePoint]) -> Markup:
    """The curve as SVG, with axes and a line at the coverage that is enough; empty without a point.

    Colours come from classes of the style sheet.
    """
    measured = [point for point in found if point.coverage is not None]
    if not measured:
        return Markup()
    across, down = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    last = max(2, found[-1].query)

    def x(query: float) -> float:
        return round(LEFT + across * (query - 1) / (last - 1), 1)

    def y(share: float) -> float:
        return round(TOP + down * (1 - share), 1)

    grid = Markup().join(
        Markup(
            '<line class="grid" x1="{0}" x2="{1}" y1="{2}" y2="{2}"/>'
            '<text class="tick" x="{3}" y="{4}" text-anchor="end">{5}</text>'
        ).format(LEFT, WIDTH - RIGHT, y(share), LEFT - 6, y(share) + 4, percent(share))
        for share in (0.0, 0.25, 0.5, 0.75, 1.0)
    )
    ticks = Markup().join(
        Markup('<text class="tick" x="{}" y="{}" text-anchor="middle">{}</text>').format(
            x(query), HEIGHT - BOTTOM + 16, query
        )
        for query in sorted({1, *(round(1 + (last - 1) * part / 4) for part in range(1, 5))})
    )
    line = " ".join(f"{x(point.query)},{y(point.coverage or 0.0)}" for point in measured)
    end = measured[-1]
    return Markup(
        '<svg class="curve" role="img" viewBox="0 0 {w} {h}" aria-label="Sample coverage after each query: '
        '{now} after {n} queries; {enough} is enough. The table below has the numbers.">{grid}{ticks}'
        '<line class="enough" x1="{left}" x2="{right}" y1="{ye}" y2="{ye}"/>'
        '<text class="enough-word" x="{right}" y="{yw}" text-anchor="end">{enough} is enough</text>'
        '<polyline class="line" points="{line}"/><circle class="dot" cx="{cx}" cy="{cy}" r="3.5"/>'
        '<text class="tick" x="{mid}" y="{foot}" text-anchor="middle">queries answered</text></svg>'
    ).format(
        w=WIDTH,
        h=HEIGHT,
        now=percent(end.coverage),
        n=found[-1].query,
        enough=percent(ENOUGH),
        grid=grid,
        ticks=ticks,
        left=LEFT,
        right=WIDTH - RIGHT,
        ye=y(ENOUGH),
        yw=y(ENOUGH) + 16,
        line=line,
        cx=x(end.query),
        cy=y(end.coverage or 0.0),
        mid=LEFT + across // 2,
        foot=HEIGHT - 6,
    )
