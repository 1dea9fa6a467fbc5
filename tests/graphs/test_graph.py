"""The graph compiles, every wired station exists, and its drawing in the documentation is the current one."""

from __future__ import annotations

from pathlib import Path

from graphs.journey import EDGES, STATIONS, build_graph

DRAWING = Path(__file__).parents[2] / "docs" / "graph.md"


def test_every_station_is_reachable_and_leads_on() -> None:
    drawn = build_graph().get_graph()
    edges = {(edge.source, edge.target) for edge in drawn.edges}
    assert set(drawn.nodes) == {*STATIONS, "__start__", "__end__"}
    for station in STATIONS:
        assert any(target == station for _, target in edges), f"nothing leads to {station}"
        assert any(source == station for source, _ in edges), f"nothing leads on from {station}"


def test_edges_name_stations_that_exist() -> None:
    known = {*STATIONS, "__start__", "__end__"}
    assert {end for edge in EDGES for end in edge} <= known


def test_nothing_is_pulled_without_passing_the_record_of_an_approval() -> None:
    """Invariant 6: from research, the only way to ``pull`` goes through ``record_approval``."""
    drawn = build_graph().get_graph()
    seen, open_ends = {"research"}, ["research"]
    while open_ends:
        here = open_ends.pop()
        for edge in drawn.edges:
            if edge.source == here and edge.target not in seen and here != "record_approval":
                seen.add(edge.target)
                open_ends.append(edge.target)
    assert "record_approval" in seen
    assert "pull" not in seen


def test_drawing_in_the_documentation_is_current() -> None:
    assert build_graph().get_graph().draw_mermaid().strip() in DRAWING.read_text("utf-8")
