"""Figures are well-formed, say what they show, and show what they are given."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree

from tools.crosses import Cell, Cross
from tools.report.drawing import MARGIN, WIDTH, Figure, lines, percent
from tools.report.figures import MOST_BARS, MOST_TOPICS, Bar, failures, heat_map
from tools.report.measures import Split
from tools.report.rates import Estimate, estimates, pass_rate
from tools.report.spread import Panel, spread
from tools.statistics import Interval, wilson

SVG = "{http://www.w3.org/2000/svg}"
ACROSS = WIDTH - 2 * MARGIN


def parse(figure: Figure) -> etree._Element:
    return etree.fromstring(figure.svg.encode())


def texts(figure: Figure) -> list[str]:
    return [element.text or "" for element in parse(figure).iter(f"{SVG}text")]


def rate(passes: int, measured: int, unmeasured: int = 0) -> Figure:
    return pass_rate(
        "pass-rate-primary",
        model="Qwen3 8B",
        passes=passes,
        measured=measured,
        unmeasured=unmeasured,
        interval=wilson(passes, measured),
        clustered=Interval(0.4, 0.8),
    )


def cross(
    failed: list[list[int]], assessed: list[list[int]], values: list[str], criteria: list[str]
) -> Cross:
    cells = tuple(
        tuple(Cell(k, n, wilson(k, n) if n else None) for k, n in zip(one, other, strict=True))
        for one, other in zip(failed, assessed, strict=True)
    )
    return Cross("topic", tuple(values), tuple(criteria), cells)


def test_the_pass_rate_stands_where_it_belongs() -> None:
    root = parse(rate(31, 48, 2))
    dots = [float(dot.get("cx", "")) for dot in root.iter(f"{SVG}circle")]
    whiskers = [line for line in root.iter(f"{SVG}line") if line.get("class") == "whisker"]
    ends = [float(line.get(name, "")) for line in whiskers for name in ("x1", "x2")]
    assert dots == pytest.approx([MARGIN + ACROSS * 31 / 48] * 2, abs=0.06)
    shares = [*wilson(31, 48), 0.4, 0.8]
    assert ends == pytest.approx([MARGIN + ACROSS * share for share in shares], abs=0.06)
    edges = [float(line.get("x1", "")) for line in root.iter(f"{SVG}line") if "dash" in line.get("class", "")]
    assert sorted(set(edges)) == pytest.approx([MARGIN + ACROSS * 0.5, MARGIN + ACROSS * 0.7], abs=0.06)


def test_it_says_what_it_shows() -> None:
    figure = rate(31, 48, 2)
    root = parse(figure)
    assert root.get("role") == "img"
    title, desc = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert desc is not None
    assert root.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"
    assert title.text == "Pass rate of Qwen3 8B"
    said = (
        "31 of 48 measured answers pass: 65%, 95% interval 50% to 77%, clustered by topic 40% to 80%; 2 not"
    )
    assert said in (desc.text or "")


def test_both_palettes_are_there() -> None:
    assert "prefers-color-scheme:dark" in rate(1, 2).svg
    assert "<style>" not in rate(1, 2).inline


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
@settings(max_examples=40)
def test_everything_stays_inside(counts: tuple[int, int]) -> None:
    root = parse(rate(*counts))
    for element in root.iter(f"{SVG}line", f"{SVG}circle"):
        for name in ("x1", "x2", "cx"):
            value = element.get(name)
            assert value is None or MARGIN <= float(value) <= WIDTH - MARGIN


def test_estimates_stand_under_each_other_with_their_names() -> None:
    shown = [Estimate("raw", 0.65, Interval(0.5, 0.8)), Estimate("corrected", 0.55, Interval(0.3, 0.9))]
    figure = estimates("corrected-primary", "Corrected", shown, "raw and corrected", (0.5, 0.7))
    assert [t for t in texts(figure) if "raw" in t or "corrected" in t][:2] == ["65% raw", "55% corrected"]
    heights = [float(dot.get("cy", "")) for dot in parse(figure).iter(f"{SVG}circle")]
    assert heights[1] - heights[0] > 30
    assert figure.description == "raw and corrected. Thresholds at 50% and 70%."


def test_bars_are_as_long_as_their_shares() -> None:
    bars = [Bar("CQ1", "a", 12, 48), Bar("CQ2", "b", 3, 24, gate=True)]
    figure = failures("failures-primary", model="M", bars=bars)
    drawn = [float(r.get("width", "")) for r in parse(figure).iter(f"{SVG}rect") if r.get("class") == "bar"]
    assert drawn[1] == pytest.approx(drawn[0] / 2, abs=0.1)
    assert "12/48 (25%)" in texts(figure)
    assert figure.description == "Answers that fail: CQ1 12 of 48; CQ2 (gate) 3 of 24."


def test_what_does_not_fit_is_said() -> None:
    figure = failures("failures-primary", model="M", bars=[Bar(f"C{i}", "q", 1, 9) for i in range(20)])
    assert len([t for t in texts(figure) if t.startswith("C")]) == MOST_BARS
    assert "5 more are in the table." in texts(figure)
    many = cross([[1]] * 25, [[4]] * 25, [f"topic {i}" for i in range(25)], ["CQ1"])
    heat = heat_map("heat-map-primary", model="M", cross=many)
    assert len([t for t in texts(heat) if t.startswith("topic ")]) == MOST_TOPICS
    assert "5 more topics in the machine-readable results." in texts(heat)
    ids = [f"C{j}" for j in range(40)]
    wide = cross([[9 if j >= 30 else 1 for j in range(40)]], [[9] * 40], ["grief"], ids)
    figure = heat_map("heat-map-primary", model="M", cross=wide)
    assert [t for t in texts(figure) if t.startswith("C")] == [*ids[:6], *ids[30:]]
    assert "24 more criteria in the machine-readable results." in texts(figure)


def test_the_heat_map_has_counts_in_every_place() -> None:
    table = cross(
        [[4, 0, 1], [0, 4, 2], [0, 0, 0]],
        [[8, 8, 8], [4, 4, 2], [3, 3, 0]],
        ["grief", "work", "x"],
        ["A", "B", "C"],
    )
    figure = heat_map("heat-map-primary", model="M", cross=table)
    assert [t for t in texts(figure) if t[0].isdigit()] == ["4/8", "0/8", "1/8", "0/4", "4/4", "2/2"]
    shades = [
        float(r.get("fill-opacity", "")) for r in parse(figure).iter(f"{SVG}rect") if r.get("fill-opacity")
    ]
    # 2 of 2 is too few for a colour.
    assert shades == pytest.approx([0.3, 0.075, 0.6])
    assert figure.description == "Failed of assessed. grief: A 4/8, C 1/8; work: B 4/4, C 2/2."


def test_a_wide_heat_map_is_wider_and_keeps_its_counts_apart() -> None:
    ids = [f"CRITERION-{j}" for j in range(14)]
    figure = heat_map("h", model="M", cross=cross([[321] * 14], [[1000] * 14], ["grief"], ids))
    assert figure.width > WIDTH
    assert 'class="bme broad"' in figure.svg
    places = [float(t.get("x", "")) for t in parse(figure).iter(f"{SVG}text") if t.text == "321/1000"]
    assert min(b - a for a, b in itertools.pairwise(places)) > 8 * 7


values = st.lists(st.floats(0, 1e5), max_size=30).map(tuple)


@given(values, values)
@example((), (5e-324,))
@settings(max_examples=40)
def test_all_answers_are_in_the_histograms(passed: tuple[float, ...], failed: tuple[float, ...]) -> None:
    if not passed and not failed:
        return
    figure = spread("lengths-primary", model="M", panels=[Panel("Length", "words", Split(passed, failed))])
    root = parse(figure)
    for style, group in (("good", passed), ("bar", failed)):
        bars = [r for r in root.iter(f"{SVG}rect") if r.get("class") == style]
        assert bool(bars) == bool(group)
        for bar in bars:
            assert float(bar.get("x", "")) >= MARGIN
            assert float(bar.get("x", "")) + float(bar.get("width", "")) <= WIDTH - MARGIN + 0.2
        assert f"n = {len(group)}" in texts(figure)


def test_one_answer_far_away_does_not_hide_the_others() -> None:
    passed = (*(float(n) for n in range(50, 150)), 40_000.0)
    figure = spread("lengths-primary", model="M", panels=[Panel("Length", "words", Split(passed, (90.0,)))])
    assert "200 words and more" in texts(figure)
    assert "101 answers that passed: median 100, 50 to 40,000" in figure.description


def test_lines_break_between_words() -> None:
    assert lines("aaa bbb ccc", 7.4 * 7) == ("aaa bbb", "ccc")
    assert lines("aaaaaaaaaaaa b", 10) == ("aaaaaaaaaaaa", "b")
    assert lines("", 10) == ()


@pytest.mark.parametrize(
    "words",
    ["<script>alert(1)</script>", '"/><b>', "]]>", "&amp;&#60;", "\x1b[31m\x00", "a\u202eb", "</svg>"],
)
def test_text_of_strangers_stays_text(words: str) -> None:
    drawn = (
        pass_rate(
            "pass-rate-primary", model=words, passes=1, measured=2, unmeasured=0, interval=wilson(1, 2)
        ),
        failures("failures-primary", model=words, bars=[Bar(words, words * 30, 1, 2)]),
        heat_map("heat-map-primary", model=words, cross=cross([[1]], [[3]], [words * 30], [words])),
        spread("lengths-primary", model=words, panels=[Panel(words, words, Split((1.0,), ()))]),
    )
    known = {"svg", "title", "desc", "style", "rect", "text", "line", "circle"}
    for figure in drawn:
        assert {etree.QName(element).localname for element in parse(figure).iter()} <= known


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0, "0%"),
        (1, "100%"),
        (0.645, "64%"),
        (0.999, "99.9%"),
        (0.9999, "over 99.9%"),
        (0.002, "0.2%"),
        (1e-6, "under 0.1%"),
    ],
)
def test_nothing_is_rounded_to_certainty(share: float, said: str) -> None:
    assert percent(share) == said
