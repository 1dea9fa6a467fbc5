"""Words, stations, rates and the coverage curve: what the live views are made of."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.pages.curve import LONGEST_TABLE, drawing, points, thinned
from agent.pages.rates import duration, pace
from agent.pages.render import short_address
from agent.pages.stations import STATIONS, stations
from agent.pages.words import LONGEST, line_of
from agent.views import EventRecord
from graphs.journey import STATIONS as STEPS
from store.schema import RunStatus
from tests.standins.records import NOW
from tools.coverage import Sighting, measure


def event(kind: str, stage: str = "research", **data: Any) -> EventRecord:
    return EventRecord(seq=1, at=NOW, stage=stage, kind=kind, data=data)


def test_a_blocked_query_is_a_warning_that_names_the_engine() -> None:
    line = line_of(
        event("query", query="8B", engine="duckduckgo", outcome="blocked", reason="captcha", hits=0)
    )
    assert line is not None
    assert (line.text, line.tone) == ("Searched for “8B”: duckduckgo blocked (captcha).", "warn")


def test_an_event_of_another_version_is_still_told() -> None:
    line = line_of(event("decision", stage="decide", verdict="?"))
    assert line is not None
    assert line.text == "decision (decide)"


def test_a_strangers_long_text_is_cut() -> None:
    line = line_of(event("warning", sentence="x" * 10_000))
    assert line is not None
    assert len(line.text) == LONGEST


def test_an_unknown_kind_says_nothing() -> None:
    assert line_of(event("heartbeat")) is None


@pytest.mark.parametrize("step", STEPS)
def test_every_step_of_the_graph_is_at_a_station(step: str) -> None:
    found = stations(step, RunStatus.RUNNING, {step})
    assert sum(one.standing == "now" for one in found) == 1
    if step not in {"intake", "ask"}:
        assert found[0].standing != "now"


def test_stations_before_are_done_or_skipped_and_those_after_are_not_yet() -> None:
    found = {one.name: one.standing for one in stations("answer", RunStatus.WAITING, {"intake", "pull"})}
    assert found["intake"] == found["pull"] == "done"
    assert found["research"] == found["approve"] == "skipped"
    assert found["answer"] == "waiting"
    assert found["review"] == found["document"] == "not yet"


def test_a_finished_run_is_done_to_its_last_station() -> None:
    found = stations("document", RunStatus.DONE, {name for name, _ in STATIONS})
    assert {one.standing for one in found} == {"done"}


def test_a_rate_and_the_time_left() -> None:
    seen = [(NOW + timedelta(seconds=second), 10.0 * second) for second in range(11)]
    told = pace(seen, 200.0)
    assert (told.done, told.per_second, told.left) == (100.0, 10.0, timedelta(seconds=10))


def test_a_rate_is_that_of_the_last_minute() -> None:
    slow = [(NOW, 0.0), (NOW + timedelta(minutes=10), 10.0)]
    fast = [(NOW + timedelta(minutes=10, seconds=second), 10.0 + second) for second in range(1, 31)]
    assert pace(slow + fast, None).per_second == pytest.approx(1.0)


def test_no_rate_without_progress() -> None:
    assert pace([], 5.0).per_second is None
    assert pace([(NOW, 1.0)], 5.0).left is None
    assert pace([(NOW, 1.0), (NOW, 3.0)], 5.0).per_second is None
    assert pace([(NOW, 3.0), (NOW + timedelta(seconds=1), 3.0)], 5.0).left is None


@given(st.lists(st.tuples(st.integers(0, 10**6), st.floats(0, 1e12)), max_size=30), st.floats(1, 1e12))
def test_a_pace_is_never_negative(steps: list[tuple[int, float]], total: float) -> None:
    seen = sorted((NOW + timedelta(seconds=second), done) for second, done in steps)
    told = pace(seen, total)
    assert told.per_second is None or told.per_second > 0
    assert told.left is None or told.left >= timedelta(0)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (89, "89 s"), (600, "10 min"), (12_000, "3 h 20 min"), (400_000, "4 d 15 h")],
)
def test_durations(seconds: int, said: str) -> None:
    assert duration(timedelta(seconds=seconds)) == said


SIGHTINGS = st.lists(
    st.builds(
        Sighting,
        st.sampled_from(["q1", "q2", "q3", "q4", "a listing"]),
        st.sampled_from([f"m{n}" for n in range(8)]),
        st.just(False),
    ),
    max_size=40,
)


@given(SIGHTINGS, st.lists(st.sampled_from([f"m{n}" for n in range(8)]), max_size=4))
def test_the_last_point_of_the_curve_is_the_coverage(shown: list[Sighting], listed: list[str]) -> None:
    answered = ["q1", "q2", "q3"]
    seen = [*shown, *(Sighting("the Hub", name, True) for name in listed)]
    whole = measure(seen, answered)
    found = points(seen, answered)
    assert [(one.query, one.known, one.new) for one in found] == [
        (one.query, one.known, one.new) for one in whole.curve
    ]
    assert found[-1].coverage == whole.sample_coverage


def test_the_drawing_has_axes_a_threshold_and_words_for_those_who_do_not_see_it() -> None:
    seen = [Sighting(f"q{n}", f"m{n % 7}", False) for n in range(100)]
    found = points(seen, [f"q{n}" for n in range(100)])
    svg = str(drawing(found))
    assert svg.count("<polyline") == 1
    assert "95 % is enough" in svg
    assert "queries answered" in svg
    assert 'role="img"' in svg
    assert "after 100 queries" in svg
    table = thinned(found)
    assert len(table) == LONGEST_TABLE
    assert (table[0].query, table[-1].query) == (1, 100)


def test_nothing_is_drawn_of_nothing() -> None:
    assert drawing([]) == ""
    assert drawing(points([], ["q1"])) == ""


def test_an_address_is_shortened_for_reading_only() -> None:
    assert short_address("https://huggingface.co/a/b/") == "huggingface.co/a/b"
    assert len(short_address("https://huggingface.co/api?x=" + "y" * 500)) <= 71
    assert short_address("javascript:alert(1)") == "javascript:alert(1)"
