"""Dates as cards and pages write them, as far as they are told: a day, or a month."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMED = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\.?"
)
_FORMS = re.compile(
    r"(?<![\d.])(?P<y1>\d{4})(?P<sep>[-/.])(?P<m1>\d{1,2})(?:(?P=sep)(?P<d1>\d{1,2}))?(?![\d.]\d|\d)|"
    rf"\b(?P<d2>\d{{1,2}})(?:st|nd|rd|th)? (?:of )?(?P<m2>{_NAMED}),? (?P<y2>\d{{4}})\b|"
    rf"\b(?P<m3>{_NAMED}) (?P<d3>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<y3>\d{{4}})\b|"
    rf"\b(?P<m4>{_NAMED}),? (?:of )?(?P<y4>\d{{4}})\b|"
    r"(?P<y5>\d{4})年(?P<m5>\d{1,2})月(?:(?P<d5>\d{1,2})日)?"
)


class Dated(NamedTuple):
    """A date in a text."""

    value: str
    """``2025-04-29``, or ``2025-07`` where only the month is told."""
    start: int
    end: int


def dates_in(text: str) -> Iterator[Dated]:
    """Dates of ``text``, left to right; impossible ones are left out.

    Numbers alone are read year first: nobody can tell 04/05 from 05/04.
    """
    for found in _FORMS.finditer(text):
        parts = found.groupdict()
        for form in "12345":
            year, month, day = parts.get(f"y{form}"), parts.get(f"m{form}"), parts.get(f"d{form}")
            value = _iso(year, month, day) if year and month else None
            if value:
                yield Dated(value, found.start(), found.end())


def _iso(year: str, month: str, day: str | None) -> str | None:
    number = int(month) if month.isdigit() else MONTHS.index(month[:3].lower()) + 1
    try:
        whole = date(int(year), number, int(day or 1))
    except ValueError:
        return None
    return whole.isoformat() if day else whole.isoformat()[:7]
