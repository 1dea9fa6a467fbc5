"""The conversation with a model: a scripted one behind an OpenAI-compatible stand-in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.conversation.brain import MOST_STEPS, Known, unfounded
from tests.agent.test_conversation import Stage
from tests.standins.openai_server import OpenAIServer
from tests.standins.replayed import Kept

UNCLEAR = "could you give me the gist in your own words"


def step(tool: str, text: str = "", model: str = "", backup: str = "") -> str:
    return json.dumps({"tool": tool, "text": text, "model": model, "backup": backup})


class Scripted:
    """Replies in turn; the last one stays."""

    def __init__(self, *replies: str) -> None:
        self.replies = list(replies)
        self.asked: list[Any] = []

    def __call__(self, body: dict[str, Any]) -> str:
        self.asked.append(body)
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


With = Callable[..., tuple[Stage, Scripted]]


@pytest.fixture
def with_brain(waiting: Kept) -> Iterator[With]:
    with OpenAIServer() as server, waiting.opened() as database:

        def make(*replies: str) -> tuple[Stage, Scripted]:
            script = Scripted(*replies)
            server.reply = script
            given = {"brain": "openai:tiny", "openai_base_url": f"{server.url}/v1"}
            return Stage(waiting.home, database, waiting.run_id, **given), script

        yield make


def test_it_looks_up_and_answers_with_the_sources(with_brain: With) -> None:
    stage, script = with_brain(step("evidence", model="qwen3"), step("answer", "Qwen3 8B has 3.5 stars."))
    said = stage.say(UNCLEAR)
    assert said.text == "Qwen3 8B has 3.5 stars."
    assert said.extras.by_brain
    assert any(link.quote for link in said.extras.links)
    results = [message["content"] for message in script.asked[1]["messages"] if message["role"] == "user"]
    assert "Qwen/Qwen3-8B" in results[-1]


@pytest.mark.parametrize(
    "answer",
    [
        "Qwen3 8B scores 97 on it.",
        "Take Mistral Large.",
        "acme/secret-9b is better.",
        "It passes in ninety cases.",
    ],
)
def test_what_no_result_says_is_not_shown(with_brain: With, answer: str) -> None:
    stage, _ = with_brain(step("status"), step("answer", answer))
    said = stage.say(UNCLEAR)
    assert not said.extras.by_brain
    assert answer not in said.text
    assert "was not used" in said.text
    assert "waits for an approval" in said.text


def test_an_approval_is_only_offered(with_brain: With) -> None:
    stage, _ = with_brain(step("approve", model="qwen3", backup="gemma"))
    said = stage.say(UNCLEAR)
    assert said.extras.offer is not None
    assert "google/gemma-2-9b-it" in said.extras.offer.sentence
    assert stage.orders() == []


def test_rules_come_first(with_brain: With) -> None:
    stage, script = with_brain(step("answer", "never"))
    assert "Nothing was done" in stage.say("no").text
    assert stage.say("don't approve").extras.offer is None
    assert script.asked == []


@pytest.mark.parametrize(
    "reply", ["I am not JSON", '{"tool": "rm -rf", "text": ""}', "[]", step("answer", "  ")]
)
def test_nonsense_gives_the_rules_answer(with_brain: With, reply: str) -> None:
    stage, _ = with_brain(reply)
    said = stage.say(UNCLEAR)
    assert said.text.startswith("I did not understand that")
    assert "The brain openai:tiny was not used" in said.text


def test_it_stops_after_some_steps(with_brain: With) -> None:
    stage, script = with_brain(step("status"))
    assert "was not used" in stage.say(UNCLEAR).text
    assert len(script.asked) == MOST_STEPS


def test_a_brain_that_is_not_there(waiting: Kept) -> None:
    with waiting.opened() as database:
        away = {"brain": "openai:tiny", "openai_base_url": "http://127.0.0.1:9/v1"}
        said = Stage(waiting.home, database, waiting.run_id, **away).say(UNCLEAR)
    assert said.text.startswith("I did not understand that")
    assert "The brain openai:tiny was not used" in said.text


def test_results_are_fenced_as_data(with_brain: With) -> None:
    stage, script = with_brain(step("table"), step("answer", "See the table."))
    stage.say(UNCLEAR)
    system = script.asked[0]["messages"][0]["content"]
    mark = system.split("between the marks ")[1].split()[0]
    assert script.asked[1]["messages"][-1]["content"].count(mark) == 2


KNOWN = Known(frozenset({"qwen3", "gemma"}))


@given(st.text(max_size=200), st.lists(st.text(max_size=100), max_size=3))
def test_a_figure_is_founded_only_where_a_result_has_it(text: str, results: list[str]) -> None:
    wrong = unfounded(text, results, KNOWN)
    assert unfounded(text, [*results, text], KNOWN) == []
    assert "123456789" in unfounded(f"{text} 123456789 ", results, KNOWN)
    assert isinstance(wrong, list)


def test_names_and_figures_stand_by_themselves() -> None:
    assert unfounded("_a0 0_a0", ["_a0 0_a0"], KNOWN) == []
    assert unfounded("gemma", ["qwen3"], KNOWN) == ["gemma"]
    assert unfounded("63%", ["163%"], KNOWN) == ["63"]
