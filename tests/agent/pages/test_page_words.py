"""One spelling on every page: the decision, per cent, names that differ in case; and links for commands."""

from __future__ import annotations

import re

import pytest

from agent.pages.render import percent, told
from agent.pages.table_rows import names_once
from agent.pages.ways import ways
from agent.settings import Settings
from tests.standins.replayed import Kept
from tests.standins.service import NoEngine, inside

VIEWS = ("", "/research", "/table", "/approval", "/evaluation", "/labels", "/failures", "/report")


def test_a_decision_and_a_share_are_spelt_one_way() -> None:
    assert told("FINE_TUNE: 63% pass, not FULL_PIPELINE.") == "FINE-TUNE: 63 % pass, not FULL PIPELINE."
    assert told("DEPLOY at 95 %") == "DEPLOY at 95 %"
    assert told("https://x.example/a1%20b") == "https://x.example/a1%20b"
    assert (percent(0.634), percent(None)) == ("63 %", "–")


async def test_no_view_spells_them_otherwise(finished_run: Kept) -> None:
    async with inside(Settings(home=finished_run.home), engine=NoEngine()) as client:
        for path in ("/runs", *(f"/runs/{finished_run.run_id}{view}" for view in VIEWS)):
            text = re.sub(r"<[^>]+>", " ", (await client.get(path)).text)
            assert not re.search(r"FINE_TUNE|FULL_PIPELINE|FINE TUNE|\d%(?!\w)", text), path


async def test_candidates_are_counted_one_way(finished_run: Kept) -> None:
    run = f"/runs/{finished_run.run_id}"
    async with inside(Settings(home=finished_run.home), engine=NoEngine()) as client:
        assert (
            "<h2>43 candidates, 40 eligible, for therapy coaching" in (await client.get(f"{run}/table")).text
        )
        assert "<b>43</b> candidates, 40 eligible<" in (await client.get(f"{run}/research")).text


def test_names_that_differ_in_case_are_one_in_their_commonest_spelling() -> None:
    assert names_once(["Verdugie", "verdugie", "Verdugie", "qwen"]) == (
        ("qwen", "qwen"),
        ("verdugie", "Verdugie"),
    )


@pytest.mark.parametrize(
    ("text", "command", "labels"),
    [
        ("No human has checked this judge: bms label r1 does that.", None, ["Label answers"]),
        ("Measure more.", "bms resume r1 --further 40", ["Go on with the run"]),
        ("Evaluate it, and compare the two pass rates.", "bms evaluate --model x", 2),
        ("Look at the runtime.", "bms doctor", []),
    ],
)
def test_a_command_leads_to_the_view_that_does_it(text: str, command: str | None, labels: object) -> None:
    found = [way.label for way in ways(text, "r1", command)]
    assert (len(found) if isinstance(labels, int) else found) == labels
    assert all(way.href.startswith("/") for way in ways(text, "r1", command))
