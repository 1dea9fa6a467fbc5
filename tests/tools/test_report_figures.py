"""Figures are well-formed, say what they show, and show what they are given."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from tools.report.figures import (
    MOST_BARS,
    MOST_TOPICS,
    Bar,
    Figure,
    HeatMap,
    failures,
    heat_map,
    pass_rate,
    percent,
)
from tools.statistics import wilson

SVG = "{http://www.w3.org/2000/svg}"


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
    )


def test_the_pass_rate_stands_where_it_belongs() -> None:
    root = parse(rate(31, 48, 2))
    dot = root.find(f"{SVG}circle")
    whisker = next(line for line in root.iter(f"{SVG}line") if line.get("class") == "whisker")
    assert dot is not None
    width = 760 - 2 * 24
    assert float(dot.get("cx", "")) == pytest.approx(24 + width * 31 / 48, abs=0.06)
    assert float(whisker.get("x1", "")) == pytest.approx(24 + width * wilson(31, 48).low, abs=0.06)
    assert float(whisker.get("x2", "")) == pytest.approx(24 + width * wilson(31, 48).high, abs=0.06)
    edges = [float(line.get("x1", "")) for line in root.iter(f"{SVG}line") if "dash" in line.get("class", "")]
    assert sorted(set(edges)) == pytest.approx([24 + width * 0.5, 24 + width * 0.7], abs=0.06)


def test_it_says_what_it_shows() -> None:
    figure = rate(31, 48, 2)
    root = parse(figure)
    assert root.get("role") == "img"
    title, desc = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert desc is not None
    assert root.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"
    assert title.text == "Pass rate of Qwen3 8B"
    assert "31 of 48 measured answers pass: 65%, 95% interval 50% to 77%; 2 not measured" in (desc.text or "")


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
            assert value is None or 24 <= float(value) <= 736


def test_bars_are_as_long_as_their_counts() -> None:
    figure = failures(
        "failures-primary", model="M", bars=[Bar("CQ1", "a", 12), Bar("CQ2", "b", 3, gate=True)], measured=48
    )
    bars = [float(r.get("width", "")) for r in parse(figure).iter(f"{SVG}rect") if r.get("class") == "bar"]
    assert bars[1] == pytest.approx(bars[0] / 4, abs=0.1)
    assert {"12 (25%)", "3 (6%)", "CQ2 (gate) b"} <= set(texts(figure))


def test_long_lists_are_cut_and_say_so() -> None:
    figure = failures(
        "failures-primary", model="M", bars=[Bar(f"C{i}", "question", 1) for i in range(20)], measured=48
    )
    assert len([t for t in texts(figure) if t.startswith("C")]) == MOST_BARS
    assert "5 more are in the table." in texts(figure)
    many = tuple(f"topic {i}" for i in range(25))
    heat = heat_map("heat-map-primary", model="M", table=HeatMap(many, (1,) * 25, ("CQ1",), ((1,),) * 25))
    assert len([t for t in texts(heat) if t.startswith("topic ")]) == MOST_TOPICS
    assert "5 more topics in the machine-readable results." in texts(heat)
    ids = tuple(f"C{j}" for j in range(40))
    wide = HeatMap(("grief",), (9,), ids, (tuple(9 if j >= 30 else 1 for j in range(40)),))
    shown = texts(heat_map("heat-map-primary", model="M", table=wide))
    assert [t for t in shown if t.startswith("C")] == [*ids[:6], *ids[30:]]
    assert "24 more criteria in the machine-readable results." in shown


def test_the_heat_map_has_a_number_in_every_place() -> None:
    table = HeatMap(("grief", "work"), (8, 4), ("CQ1", "CQ2", "CQ3"), ((4, 0, 1), (0, 4, 0)))
    figure = heat_map("heat-map-primary", model="M", table=table)
    numbers = [t for t in texts(figure) if t == "·" or t.isdigit()]
    assert numbers == ["4", "·", "1", "·", "4", "·"]
    shades = [
        float(r.get("fill-opacity", "")) for r in parse(figure).iter(f"{SVG}rect") if r.get("fill-opacity")
    ]
    assert shades == pytest.approx([0.3, 0.075, 0.6])
    assert "grief (8 measured): CQ1 4, CQ3 1" in figure.description


@pytest.mark.parametrize(
    "words",
    ["<script>alert(1)</script>", '"/><b>', "]]>", "&amp;&#60;", "\x1b[31m\x00", "a\u202eb", "</svg>"],
)
def test_text_of_strangers_stays_text(words: str) -> None:
    drawn = (
        pass_rate(
            "pass-rate-primary", model=words, passes=1, measured=2, unmeasured=0, interval=wilson(1, 2)
        ),
        failures("failures-primary", model=words, bars=[Bar(words, words * 30, 1)], measured=2),
        heat_map("heat-map-primary", model=words, table=HeatMap((words * 30,), (1,), (words,), ((1,),))),
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
