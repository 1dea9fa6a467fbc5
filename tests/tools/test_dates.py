"""Dates in texts."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.dates import dates_in

CASES = [
    ("on 2025-04-29", ["2025-04-29"]),
    ("2025/04/29 and 2025.04.30", ["2025-04-29", "2025-04-30"]),
    ("2025.04.29: We released", ["2025-04-29"]),
    ("July 23, 2024", ["2024-07-23"]),
    ("5th June 2024", ["2024-06-05"]),
    ("the 1st of May, 2025", ["2025-05-01"]),
    ("Sept. 3rd, 2025", ["2025-09-03"]),
    ("July 2025", ["2025-07"]),
    ("in July, 2025", ["2025-07"]),
    ("2025-07", ["2025-07"]),
    ("2025年4月29日", ["2025-04-29"]),
    ("2024-13-45 and 31 February 2024", []),
    ("version 2.1.2024.5", []),
    ("12-2024", []),
    ("may 5000 tokens", []),
]


@pytest.mark.parametrize(("text", "values"), CASES)
def test_dates_as_far_as_they_are_told(text: str, values: list[str]) -> None:
    assert [dated.value for dated in dates_in(text)] == values


@given(st.dates(min_value=date(2000, 1, 1)))
def test_a_day_is_read_in_every_form(day: date) -> None:
    for text in (
        day.isoformat(),
        day.strftime("%d %B %Y"),
        day.strftime("%B %d, %Y"),
        day.strftime("%Y.%m.%d"),
    ):
        assert [dated.value for dated in dates_in(text)] == [day.isoformat()]


@given(st.text(alphabet="0123456789-/. JulyMarch年月日,", max_size=40))
def test_any_text_is_read(text: str) -> None:
    assert all(len(dated.value) in {7, 10} and dated.start < dated.end for dated in dates_in(text))
