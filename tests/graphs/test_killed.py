"""The journey killed with ``kill -9`` at every station, and carried on each time by a new process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from agent.story import load_story

ROOT = Path(__file__).parents[2]


class Point(NamedTuple):
    """Where to die: after the commit with the nth event of this stage and kind in the process."""

    stage: str
    kind: str
    nth: int


POINTS = (
    Point("intake", "request", 1),
    Point("research", "enumerated", 2),
    Point("research", "query", 5),
    Point("research", "page", 60),
    Point("research", "wave", 1),
    Point("compare", "table", 1),
    Point("approval", "approval", 1),
    Point("scenarios", "scenarios", 1),
    Point("pull", "artefact", 1),
    Point("pull", "progress", 3),
    Point("pull", "pulled", 1),
    Point("pull", "loaded", 1),
    Point("answer", "answer", 20),
    Point("answer", "answer", 15),
    Point("judge", "preflight", 1),
    Point("judge", "assessment", 25),
    Point("decide", "decision", 1),
    Point("review", "review", 1),
    Point("document", "document", 1),
)


@pytest.fixture
def place(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "BMS_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}


def bms(
    place: dict[str, str], *arguments: str, dying: Point | None = None
) -> subprocess.CompletedProcess[str]:
    how = ["-m", "agent.cli"] if dying is None else ["-m", "tests.graphs.killed", *map(str, dying)]
    command = [sys.executable, *how, *arguments]
    return subprocess.run(
        command, env=place, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )


def the_run(place: dict[str, str]) -> str:
    return str(json.loads(bms(place, "runs", "--json").stdout)[0]["run"])


def _is_model_call(request: dict[str, str]) -> bool:
    """A chat with messages; one without only unloads a model."""
    return request["uri"].endswith("/api/chat") and bool(json.loads(request["body"])["messages"])


def test_killed_at_every_station_and_resumed_no_model_call_is_repeated(
    place: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    first, *others = POINTS
    begun = bms(place, "demo", "--yes", "--out", str(out), dying=first)
    assert begun.returncode == -signal.SIGKILL, begun.stderr
    run_id = the_run(place)
    for point in others:
        died = bms(place, "resume", run_id, dying=point)
        assert died.returncode == -signal.SIGKILL, f"{point}: {died.stdout}\n{died.stderr}"
    ended = bms(place, "resume", run_id)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == str(out / "docs" / "base-model-evaluation.md")
    document = (out / "docs" / "base-model-evaluation.md").read_text("utf-8")
    assert f"<!-- bms run: {run_id} -->" in document
    assert "31 of 49" in document
    story = load_story("therapy-8b")
    interactions = yaml.load(story.http.read_text("utf-8"), Loader=yaml.CSafeLoader)["interactions"]
    chats = {n for n, one in enumerate(interactions) if _is_model_call(one["request"])}
    assert len(chats) == 1 + 50 + 1 + 5 + 50  # hello, answers, one asked again, preflight, judgements
    played = Counter(map(int, (tmp_path / "home" / "replays" / f"{run_id}.played").read_text().split()))
    wrong = {n: played[n] for n in chats if played[n] != 1}
    assert not wrong, [(times, interactions[n]["request"]["body"][-300:]) for n, times in wrong.items()]
    events = json.loads(bms(place, "show", run_id, "--events", "--json").stdout)["events"]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    kinds = Counter(event["kind"] for event in events)
    assert kinds["answer"] == kinds["assessment"] == 50
    assert kinds["approval"] == kinds["review"] == 1
