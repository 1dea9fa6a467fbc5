"""The figures behind the gate: the benchmark runs, and what it says holds at its seed."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import gate
from tests.standins.patience import PATIENCE
from tools.calibration import CorrectedRate
from tools.decision import DecisionKind, decide
from tools.scoring import Score
from tools.statistics import Interval

ROOT = Path(__file__).parents[2]


@cache
def small() -> dict[str, list[dict[str, Any]]]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gate", "--small", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, list[dict[str, Any]]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    ("interval", "least", "most"),
    [
        ("Wilson", 0.92, 0.98),
        ("clustered Wilson", 0.92, 1.0),
        ("paired difference", 0.93, 0.985),
        ("prediction-powered", 0.925, 0.985),
        ("Rogan–Gladen", 0.97, 1.0),
        ("kappa", 0.92, 0.98),
    ],
)
def test_intervals_hold_the_truth_as_often_as_they_say(interval: str, least: float, most: float) -> None:
    rows = [row for row in small()["coverage"] if row["interval"] == interval]
    assert len(rows) >= 6
    for row in rows:
        assert least <= row["covered"] <= most, row


def test_the_plain_interval_is_not_for_other_topics() -> None:
    rows = [row for row in small()["coverage"] if row["interval"] == "plain Wilson"]
    assert all(row["covered"] < 0.9 for row in rows if "drawn, correlation 0.2" in row["truth"])
    assert all(row["covered"] > 0.92 for row in rows if "fixed" in row["truth"])


def test_rogan_gladen_is_the_wider_of_both_corrections() -> None:
    rows = small()["coverage"]
    width = {(row["interval"], row["truth"], row["n"]): row["width"] for row in rows}
    pairs = [
        (w, width["Rogan–Gladen", truth, n])
        for (interval, truth, n), w in width.items()
        if interval == "prediction-powered"
    ]
    assert len(pairs) == 12
    assert all(gladen > 1.5 * powered for powered, gladen in pairs)


def test_the_rule_is_wrong_less_often_than_the_bare_thresholds() -> None:
    rows = {(row["rule"], row["n"], row["rate"]): row for row in small()["decisions"]}
    for n in gate.SIZES:
        for rate in gate.RATES:
            ours, naive = rows["ours", n, rate], rows["naive", n, rate]
            assert ours["wrong"] <= naive["wrong"]
            assert sum(ours["kinds"].values()) == pytest.approx(1)
            # On a threshold either side may be called wrong; elsewhere five points are enough.
            assert ours["wrong"] < (0.25 if rate in {0.5, 0.7} else 0.085)
    # The figure of the bare gate that this is about.
    assert rows["naive", 50, 0.65]["kinds"]["DEPLOY"] == pytest.approx(0.28, abs=0.005)
    assert rows["ours", 50, 0.65]["kinds"]["DEPLOY"] < 0.07


def test_the_least_number_is_where_it_is_said_to_be() -> None:
    rows = {row["n"]: row for row in small()["least"]}
    assert rows[3]["ten_points_from_here"] > 0.3
    assert rows[3]["five_points_from_here"] > 0.33
    assert rows[30]["ten_points_from_here"] < 0.07
    assert rows[30]["five_points_from_here"] < 0.11


def test_further_scenarios_settle_it_about_as_often_as_said() -> None:
    rows = small()["further"]
    asked = sum(row["asked"] for row in rows)
    settled = sum(row["asked"] * row["settled"] for row in rows) / asked
    assert 0.5 < settled < 0.7


def test_labels_make_wrong_decisions_rarer() -> None:
    rows = small()["judged"]
    for alone, labels, laxer in zip(rows[::3], rows[1::3], rows[2::3], strict=True):
        assert alone["wrong"] >= laxer["wrong"] >= labels["wrong"]


@pytest.mark.parametrize("interval", [(0.3, 0.45), (0.3, 0.55), (0.52, 0.66), (0.45, 0.75), (0.72, 0.9)])
@pytest.mark.parametrize("passes", [80, 124, 160])
def test_the_short_cut_for_labels_is_the_rule(passes: int, interval: tuple[float, float]) -> None:
    row = {"score": None, "unmeasured": False, "categories": {}}
    good, bad = (Score.model_validate(row | {"passed": passed}) for passed in (True, False))
    corrected = CorrectedRate(sum(interval) / 2, Interval(*interval))
    found = decide([good] * passes + [bad] * (200 - passes), gate.RUBRIC, corrected=corrected)
    assert gate.labels_decide(gate.decided(passes, 200), corrected.rate) is found.kind


def test_tables_are_weighed_by_how_often_they_came() -> None:
    rows = np.array([[1], [1], [1], [9]])
    found = gate.tally(rows, lambda k: Interval(0, 0.5) if k == 1 else None, 0.4)
    assert found == (1.0, 0.5, 0.75)
    assert gate.right_at(0.7) is DecisionKind.DEPLOY
    assert sum(gate.chances(200, 0.7)) == pytest.approx(1)


def test_the_tables_are_markdown() -> None:
    text = gate.markdown("Title", [{"n": 50, "rate": 0.5, "median": None, "kinds": {"DEPLOY": 0.25}}])
    assert text.splitlines() == [
        "## Title",
        "",
        "| n | rate | median | DEPLOY |",
        "|---|---|---|---|",
        "| 50 | 0.500 | – | 0.250 |",
    ]
