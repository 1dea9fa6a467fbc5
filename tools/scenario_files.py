"""Scenarios as JSONL, and bounded reading of JSONL that people bring."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tools.evaluation import Scenario
from tools.faults import WrongUse
from tools.selection import MAX_COUNT
from tools.yaml_lines import wrong

MAX_LINE_BYTES = 256_000
MAX_MESSAGE_CHARACTERS = 20_000
UNLABELLED = "unlabelled"
"""Topic, subtopic or style of a person's own scenario that names none."""
_KNOWN_FIELDS = ("topic", "subtopic", "style")


def load_scenarios(path: str | Path) -> list[Scenario]:
    """A person's scenarios from JSONL: ``id``, ``message`` and free metadata on each line.

    ``topic``, ``subtopic``, ``style`` and ``edge_case`` are taken where they are given; other text, number or
    boolean fields become dimensions. :class:`WrongUse` names the line of what is wrong.
    """
    name = Path(path).name
    scenarios: list[Scenario] = []
    seen: dict[str, int] = {}
    for number, raw in read_lines(Path(path)):
        scenario = _scenario(raw, name, number)
        if scenario.id in seen:
            wrong(name, number, f'the id "{scenario.id}" stands in line {seen[scenario.id]} already.')
        seen[scenario.id] = number
        scenarios.append(scenario)
        if len(scenarios) > MAX_COUNT:
            wrong(name, number, f"there are more than {MAX_COUNT:,} scenarios.", "Split the file.")
    if not scenarios:
        raise WrongUse(f"{name} holds no scenario.", 'Each line is an object with "id" and "message".')
    return scenarios


def dump_scenarios(scenarios: Iterable[Scenario], path: str | Path) -> None:
    """Write JSONL that :func:`load_scenarios` reads back as it was."""
    with Path(path).open("w", encoding="utf-8", newline="\n") as stream:
        for scenario in scenarios:
            record = scenario.model_dump(exclude={"dimensions"}) | scenario.dimensions
            stream.write(json.dumps(record, ensure_ascii=False) + "\n")


def read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines that are not blank, with their numbers; a huge one is refused without being read whole."""
    number = 0
    try:
        with path.open("rb") as stream:
            while raw := stream.readline(MAX_LINE_BYTES + 1):
                number += 1
                if len(raw) > MAX_LINE_BYTES:
                    wrong(path.name, number, f"the line is longer than {MAX_LINE_BYTES:,} bytes.")
                line = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
                if line.strip():
                    yield number, line
    except OSError as error:
        reason = error.strerror or "it cannot be opened"
        raise WrongUse(f"{path.name} cannot be read: {reason}.", "Check the path.") from error


def _scenario(raw: bytes, name: str, number: int) -> Scenario:
    record = read_object(raw, name, number)
    if isinstance(record.get("id"), int) and not isinstance(record["id"], bool):
        record["id"] = str(record["id"])
    for field in ("id", "message"):
        if not isinstance(record.get(field), str) or not record[field].strip():
            wrong(name, number, f'"{field}" must be text.', 'Each line is an object with "id" and "message".')
    if len(record["message"]) > MAX_MESSAGE_CHARACTERS:
        wrong(name, number, f"the message is longer than {MAX_MESSAGE_CHARACTERS:,} characters.")
    edge = record.pop("edge_case", False)
    if not isinstance(edge, bool):
        wrong(name, number, '"edge_case" must be true or false.')
    labels = {key: _label(record.pop(key, None)) for key in _KNOWN_FIELDS}
    identifier, message = record.pop("id"), record.pop("message")
    nested = record.pop("dimensions", None)
    extra = record | (nested if isinstance(nested, dict) else {})
    dimensions = {key: _plain(value) for key, value in extra.items() if isinstance(value, str | int | float)}
    try:
        return Scenario(id=identifier, message=message, edge_case=edge, dimensions=dimensions, **labels)
    except ValidationError:
        allowed = 'Use letters, digits, ".", "_" and "-", 64 at most.'
        wrong(name, number, f'the id "{identifier[:70]}" cannot be used.', allowed)


def _label(value: Any) -> str:
    return value.strip() if isinstance(value, str) and value.strip() else UNLABELLED


def _plain(value: str | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def read_object(raw: bytes, name: str, number: int) -> dict[str, Any]:
    """The JSON object in one line; :class:`WrongUse` for anything else, a key that stands twice included."""
    try:
        record = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique)
    except UnicodeDecodeError:
        wrong(name, number, "this is not UTF-8 text.")
    except (ValueError, RecursionError) as error:
        said = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        wrong(name, number, f"this is not valid JSON: {said}.", "One object a line.")
    if not isinstance(record, dict):
        wrong(name, number, "this is not a JSON object.")
    return record


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for key, value in pairs:
        if key in record:
            raise ValueError(f'the key "{key}" stands there twice')
        record[key] = value
    return record
