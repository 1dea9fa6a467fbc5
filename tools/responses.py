"""Answers that exist already: JSONL of id, message and response, as a person has them from elsewhere."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

from tools.evaluation import Answer, Scenario
from tools.faults import WrongUse
from tools.hygiene import classify_reply
from tools.runtimes.base import ChatReply
from tools.runtimes.thinking import split_thinking
from tools.scenario_files import MAX_MESSAGE_CHARACTERS, UNLABELLED, read_lines, read_object
from tools.selection import MAX_COUNT
from tools.yaml_lines import wrong

MAX_ID_CHARACTERS = 200
_SHAPE = 'Each line is an object with "id", "message" and "response".'


class Response(NamedTuple):
    """One message and what was answered to it."""

    id: str
    """As the person calls it; any text."""
    scenario: Scenario
    """The message under a name of our own, with its topic where one was given."""
    answer: Answer
    """Thinking separated; what is empty, or was cut off, has its outcome."""

    @property
    def topic(self) -> str | None:
        return None if self.scenario.topic == UNLABELLED else self.scenario.topic

    def hash(self, *judged_with: str) -> str:
        """What was judged, by which texts: the same only where message, answer and all of these are."""
        parts = (self.scenario.message, self.answer.text, *judged_with)
        digest = hashlib.sha256()
        for part in parts:
            raw = part.encode("utf-8", "surrogatepass")
            digest.update(len(raw).to_bytes(8, "big") + raw)
        return f"sha256:{digest.hexdigest()}"


def load_responses(path: str | Path) -> list[Response]:
    """The answers in a JSONL file; :class:`WrongUse` names the line of what is wrong.

    ``topic`` is kept, and a ``finish_reason`` tells an answer that was cut off; other fields are left alone.
    """
    name = Path(path).name
    found: list[Response] = []
    seen: dict[str, int] = {}
    for number, raw in read_lines(Path(path)):
        response = _response(read_object(raw, name, number), name, number)
        if response.id in seen:
            wrong(name, number, f'the id "{response.id}" stands in line {seen[response.id]} already.')
        seen[response.id] = number
        found.append(response)
        if len(found) > MAX_COUNT:
            wrong(name, number, f"there are more than {MAX_COUNT:,} answers.", "Split the file.")
    if not found:
        raise WrongUse(f"{name} holds no answer.", _SHAPE)
    return found


def read_id(record: dict[str, Any], name: str, number: int) -> str:
    """The ``id`` of a line; a whole number is one too."""
    given = record.get("id")
    if isinstance(given, int) and not isinstance(given, bool):
        given = str(given)
    if not isinstance(given, str) or not given.strip():
        wrong(name, number, '"id" must be text.')
    if len(given) > MAX_ID_CHARACTERS:
        wrong(name, number, f"the id is longer than {MAX_ID_CHARACTERS} characters.")
    return given


def _response(record: dict[str, Any], name: str, number: int) -> Response:
    identifier = read_id(record, name, number)
    message, text = record.get("message"), record.get("response")
    if not isinstance(message, str) or not message.strip():
        wrong(name, number, '"message" must be text.', _SHAPE)
    if len(message) > MAX_MESSAGE_CHARACTERS:
        wrong(name, number, f"the message is longer than {MAX_MESSAGE_CHARACTERS:,} characters.")
    if not isinstance(text, str):
        wrong(name, number, '"response" must be text; an empty answer is "".', _SHAPE)
    labels = {key: _label(record.get(key)) for key in ("topic", "subtopic", "style")}
    scenario = Scenario(id=f"line-{number}", message=message, **labels)
    split = split_thinking(text)
    finish = record.get("finish_reason")
    reply = ChatReply(
        text=split.text,
        thinking=split.thinking,
        finish_reason=finish if isinstance(finish, str) else None,
        seconds=0.0,
    )
    return Response(identifier, scenario, classify_reply(reply, None, scenario))


def _label(value: Any) -> str:
    return value.strip() if isinstance(value, str) and value.strip() else UNLABELLED
