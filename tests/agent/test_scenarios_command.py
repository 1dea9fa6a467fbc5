"""``bms scenarios``: from a taxonomy, a domain, in a brain's words, or a person's own ones checked."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.standins.command_line import Said
from tests.standins.openai_server import OpenAIServer
from tools.scenario_files import load_scenarios
from tools.taxonomy import load_taxonomy

TAXONOMY = """
taxonomy:
  domain: tenancy law
  topics:
    - {name: deposits, weight: 3, subtopics: [late deposit, {name: fraud, edge_case: true}]}
    - {name: notice, weight: 1, subtopics: [giving notice]}
  styles: {terse: 0.5, detailed: 0.5}
  urgency: [today, this month]
guidelines: be nice
"""


@pytest.fixture(autouse=True)
def _alone(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BMS_HOME", str(elsewhere / "home"))
    monkeypatch.delenv("BMS_BRAIN", raising=False)


@pytest.fixture
def taxonomy(elsewhere: Path) -> str:
    (elsewhere / "t.yaml").write_text(TAXONOMY, "utf-8")
    return "t.yaml"


def refused(said: Said, words: str) -> None:
    assert said.status == 2
    assert words in said.sentence


def test_the_table_shows_wanted_and_got_and_the_warnings_go_to_standard_error(
    bms: Any, taxonomy: str
) -> None:
    said = bms("scenarios", "--taxonomy", taxonomy, "--count", "20", "--out", "s.jsonl")
    assert said.status == 0
    assert said.out.startswith("20 scenarios in s.jsonl\n")
    assert re.search(r"^deposits +75% +15 +15 ", said.out, re.MULTILINE)
    assert re.search(r"^ *style +terse +50% +10 +10", said.out, re.MULTILINE)
    assert "urgency" in said.out
    assert "topic × urgency: 4 of 4 pairs have a scenario" in said.out
    assert "Near-duplicates: none. Held out: 4." in said.out
    assert "sum to 4" in said.sentence
    assert "Warning: Urgency is a label that the texts do not show." in said.sentence


def test_the_table_says_what_coverage_costs_and_what_repeats(bms: Any, elsewhere: Path) -> None:
    (elsewhere / "t.yaml").write_text("topics: {a: 0.9}\nedge_cases: {c: 0.02, d: 0.04, e: 0.04}\n", "utf-8")
    few = bms("scenarios", "--taxonomy", "t.yaml", "--count", "10", "--out", "s.jsonl")
    assert "wanted off theirs: topic a (7, weight 90%), topic edge cases (3, weight 10%) and" in few.text
    one = bms("scenarios", "--taxonomy", "t.yaml", "--count", "1", "--out", "s.jsonl")
    assert one.out.startswith("1 scenario in s.jsonl")
    line = '{"id": "ID", "message": "Where is my deposit?", "topic": "a", "mood": "low"}\n'
    (elsewhere / "own.jsonl").write_text("".join(line.replace("ID", f"x{i}") for i in range(3)), "utf-8")
    said = bms("scenarios", "--check", "own.jsonl", "--taxonomy", "t.yaml")
    assert "2 messages say the same or almost the same as an earlier one (3 pairs)" in said.text
    assert "By topic: a 3. By mood: low 3. Unlabelled: 3 have no subtopic" in said.text


def test_held_out_ones_stand_in_both_files(bms: Any, taxonomy: str) -> None:
    said = bms("scenarios", "--taxonomy", taxonomy, "--out", "new/s.jsonl", "--held-out", "h.jsonl", "--json")
    every, held = load_scenarios("new/s.jsonl"), load_scenarios("h.jsonl")
    assert held == [scenario for scenario in every if scenario.held_out]
    assert (said.json["held_out"], len(held), len(every)) == (10, 10, 50)
    assert said.json["wording"] is None
    assert {"rows", "cells"} & set(said.json["pairs"][0]) == {"cells"}


def test_what_a_file_replaced_is_said(bms: Any, taxonomy: str) -> None:
    bms("scenarios", "--taxonomy", taxonomy, "--count", "3", "--out", "s.jsonl")
    same = bms("scenarios", "--taxonomy", taxonomy, "--count", "3", "--out", "s.jsonl")
    assert same.out.startswith("3 scenarios in s.jsonl (as it was)\n")
    other = bms("scenarios", "--taxonomy", taxonomy, "--count", "4", "--out", "s.jsonl")
    assert other.out.startswith("4 scenarios in s.jsonl (in place of a file of 3 lines)\n")


def test_a_domain_is_drafted_shown_and_written_to_be_edited(bms: Any) -> None:
    said = bms("scenarios", "--domain", "legal Q&A in German", "--draft-out", "d.yaml", "--out", "s.jsonl")
    assert "Draft for legal Q&A in German\n  25% core tasks: " in said.out
    assert "people will write in German" in said.sentence
    assert load_taxonomy("d.yaml").drafted
    again = bms("scenarios", "--taxonomy", "d.yaml", "--out", "s.jsonl")
    assert "(as it was)" in again.out
    alone = bms("scenarios", "--domain", "poetry", "--draft-out", "p.yaml", "--json")
    assert alone.json == {"draft_out": "p.yaml"}


def test_a_domain_with_a_starter_gets_the_starter(bms: Any) -> None:
    bms("scenarios", "--domain", "Therapy coaching", "--draft-out", "d.yaml")
    assert load_taxonomy("d.yaml").name == "Therapy coaching"


def worded(asked: dict[str, Any]) -> str:
    slots = re.findall(r"^Slot (\S+)", asked["messages"][-1]["content"], re.MULTILINE)
    return json.dumps({slot: f"My {slot}a owes me {slot}b, what about {slot}c {slot}d?" for slot in slots})


def test_a_brain_words_the_messages(bms: Any, taxonomy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with OpenAIServer(reply=worded) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        flags = ("--taxonomy", taxonomy, "--count", "6", "--out", "s.jsonl")
        said = bms("scenarios", *flags, "--brain", "openai:tiny")
        assert "The brain worded 6 of 6 scenarios." in said.out
        monkeypatch.setenv("BMS_BRAIN", "openai:tiny")
        assert "worded" in bms("scenarios", *flags).out
        assert "a label" not in bms("scenarios", *flags).err
        assert "worded" not in bms("scenarios", *flags, "--brain", "none").out
    assert bms("scenarios", *flags, "--brain", "openai:tiny").status == 1
    left = bms("scenarios", *flags)
    assert (left.status, "does not word scenarios" in left.sentence) == (0, True)


def test_own_scenarios_are_checked_and_nothing_is_written(bms: Any, taxonomy: str, elsewhere: Path) -> None:
    lines = [
        {"id": "a", "message": "Where is my deposit?", "topic": "deposits", "subtopic": "late deposit"},
        {
            "id": "b",
            "message": "where is  my deposit?",
            "topic": "cooking",
            "style": "terse",
            "held_out": True,
        },
        {"id": "c", "message": "I understand how hard this must be for you."},
    ]
    (elsewhere / "own.jsonl").write_text("\n".join(map(json.dumps, lines)), "utf-8")
    before = sorted(path.name for path in elsewhere.iterdir())
    said = bms("scenarios", "--check", "own.jsonl", "--taxonomy", taxonomy)
    assert said.out.startswith("3 scenarios, 1 of them held out; 0 edge cases.\n")
    for words in (
        "By topic: deposits 1, cooking 1.",
        "Unlabelled: 1 has no topic, 2 have no subtopic, 2 have no style.",
        "The same message twice: a and b.",
        "Near-duplicates: none.",
        "Look at these: c (it answers instead of asking).",
        "Missing: topic notice, 0 of 1.",
        "Not in the taxonomy: ",
    ):
        assert words in said.out
    told = bms("scenarios", "--check", "own.jsonl", "--json").json
    assert (told["duplicates"], told["unlabelled"]["style"]) == ([["a", "b"]], 2)
    assert sorted(path.name for path in elsewhere.iterdir()) == before


def test_wrong_uses_are_refused_before_anything_is_made(bms: Any, taxonomy: str, elsewhere: Path) -> None:
    refused(bms("scenarios", "--out", "s.jsonl"), "either --taxonomy or --domain")
    refused(bms("scenarios", "--taxonomy", taxonomy, "--domain", "x", "--out", "s.jsonl"), "either")
    refused(bms("scenarios", "--taxonomy", taxonomy), "Nothing would be written")
    refused(bms("scenarios", "--taxonomy", taxonomy, "--out", taxonomy), "Two of the files are the same")
    refused(bms("scenarios", "--taxonomy", taxonomy, "--out", str(elsewhere)), "it is a folder")
    refused(bms("scenarios", "--domain", "x", "--draft-out", "d", "--held-out", "h"), "--held-out goes with")
    refused(bms("scenarios", "--check", taxonomy, "--out", "s.jsonl"), "--check goes with")
    assert not (elsewhere / "s.jsonl").exists()
