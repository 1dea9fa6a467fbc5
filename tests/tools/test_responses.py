"""Answers that exist already, read from JSONL."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.evaluation import Answer, AnswerOutcome, Scenario
from tools.faults import WrongUse
from tools.responses import Response, load_responses
from tools.scenario_files import MAX_LINE_BYTES


def file_of(folder: Path, *records: dict[str, Any] | str) -> Path:
    path = folder / "answers.jsonl"
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def one(folder: Path, **fields: Any) -> Any:
    (response,) = load_responses(file_of(folder, {"id": "a", "message": "Hi", "response": "Yes.", **fields}))
    return response


def test_an_answer_with_free_metadata(tmp_path: Path) -> None:
    response = one(tmp_path, id="chat/12#3", topic="grief", style="terse", anything={"else": [1]})
    assert (response.id, response.topic, response.scenario.style) == ("chat/12#3", "grief", "terse")
    assert (response.scenario.message, response.answer.text) == ("Hi", "Yes.")
    assert response.answer.outcome is AnswerOutcome.ANSWERED
    assert one(tmp_path, id=7).id == "7"
    assert one(tmp_path).topic is None


@pytest.mark.parametrize(
    ("text", "answer", "thinking"),
    [
        ("<think>hm</think>\nYes.", "Yes.", "hm"),
        ("hm</think>Yes.", "Yes.", "hm"),
        ("Plain, a < b.", "Plain, a < b.", None),
    ],
)
def test_thinking_is_separated(tmp_path: Path, text: str, answer: str, thinking: str | None) -> None:
    response = one(tmp_path, response=text)
    assert (response.answer.text, response.answer.thinking) == (answer, thinking)
    assert response.answer.outcome is AnswerOutcome.ANSWERED


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"response": ""}, AnswerOutcome.EMPTY),
        ({"response": " \n\u200b"}, AnswerOutcome.EMPTY),
        ({"response": "<think>never closed"}, AnswerOutcome.EMPTY),
        ({"response": "Well,", "finish_reason": "length"}, AnswerOutcome.TRUNCATED),
    ],
)
def test_what_is_no_answer_has_its_outcome(
    tmp_path: Path, fields: dict[str, str], outcome: AnswerOutcome
) -> None:
    assert one(tmp_path, **fields).answer.outcome is outcome


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        ({"message": "Hi", "response": "x"}, '"id" must be text.'),
        ({"id": True, "message": "Hi", "response": "x"}, '"id" must be text.'),
        ({"id": "i" * 201, "message": "Hi", "response": "x"}, "the id is longer than 200 characters."),
        ({"id": "b", "message": " ", "response": "x"}, '"message" must be text.'),
        ({"id": "b", "message": "m" * 20_001, "response": "x"}, "the message is longer than 20,000"),
        ({"id": "b", "message": "Hi"}, '"response" must be text; an empty answer is "".'),
        ({"id": "b", "message": "Hi", "response": None}, '"response" must be text'),
        ({"id": "a", "message": "Hi", "response": "x"}, 'the id "a" stands in line 1 already.'),
        ("[1]", "this is not a JSON object."),
        ('{"id": "b"', "this is not valid JSON"),
        ("x" * (MAX_LINE_BYTES + 1), "the line is longer than 256,000 bytes."),
    ],
)
def test_what_is_wrong_is_told_with_its_line(
    tmp_path: Path, record: dict[str, Any] | str, sentence: str
) -> None:
    path = file_of(tmp_path, {"id": "a", "message": "Hi", "response": "Yes."}, record)
    with pytest.raises(WrongUse) as wrong:
        load_responses(path)
    assert str(wrong.value).startswith(f"answers.jsonl, line 2: {sentence}")


def test_no_file_and_no_answers(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="cannot be read: No such file"):
        load_responses(tmp_path / "none.jsonl")
    with pytest.raises(WrongUse, match=r"holds no answer\. Each line is an object"):
        load_responses(file_of(tmp_path, "", "  "))


@settings(max_examples=40)
@given(st.lists(st.text(max_size=6), min_size=2, max_size=4))
def test_the_hash_tells_its_parts_apart(words: list[str]) -> None:
    """Moving a character from one part to the next is another hash."""
    response = _fixed("Hi", "Yes.")
    assert response.hash(*words) == response.hash(*words)
    glued = ["".join(words[:2]), *words[2:]]
    assert response.hash(*words) != response.hash(*glued)
    assert response.hash() != _fixed("HiY", "es.").hash()


def _fixed(message: str, text: str) -> Response:
    scenario = Scenario(id="a", topic="t", subtopic="t", style="s", message=message)
    return Response("a", scenario, Answer(scenario_id="a", outcome=AnswerOutcome.ANSWERED, text=text))
