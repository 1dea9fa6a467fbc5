"""Scenarios as JSONL, and bounded reading of JSONL that people bring."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tools.evaluation import Scenario
from tools.faults import WrongUse
from tools.selection import MAX_COUNT
from tools.whole_files import open_file, write_whole
from tools.yaml_lines import wrong

MAX_LINE_BYTES = 256_000
MAX_MESSAGE_CHARACTERS = 20_000
MOST_LINES = 8
"""Bad lines of a file that are told in full."""
MOST_BAD = 1_000
"""After so many bad lines the rest is not read: it is another kind of file."""
UNLABELLED = "unlabelled"
"""Topic, subtopic or style of a person's own scenario that names none."""
_KNOWN_FIELDS = ("topic", "subtopic", "style")
_MARKS = ("edge_case", "held_out")
_OWN_NAMES = ("id", "message", "dimensions", *_KNOWN_FIELDS, *_MARKS)


def load_scenarios(path: str | Path) -> list[Scenario]:
    """A person's scenarios from JSONL: ``id``, ``message`` and free metadata on each line.

    ``topic``, ``subtopic``, ``style``, ``edge_case`` and ``held_out`` are taken where they are given; other
    text, number or boolean fields become dimensions. :class:`WrongUse` names the lines of what is wrong.
    """
    name = Path(path).name
    scenarios: list[Scenario] = []
    seen: dict[str, int] = {}
    bad: list[WrongUse] = []
    for number, raw in read_lines(Path(path)):
        try:
            scenario = _scenario(raw, name, number)
            if scenario.id in seen:
                wrong(name, number, f'the id "{scenario.id}" stands in line {seen[scenario.id]} already.')
        except WrongUse as fault:
            bad.append(fault)
            if len(bad) > MOST_BAD:
                break
            continue
        seen[scenario.id] = number
        scenarios.append(scenario)
        if len(scenarios) > MAX_COUNT:
            wrong(name, number, f"there are more than {MAX_COUNT:,} scenarios.", "Split the file.")
    _refuse(bad, name)
    if not scenarios:
        raise WrongUse(f"{name} holds no scenario.", 'Each line is an object with "id" and "message".')
    return scenarios


def _refuse(bad: Sequence[WrongUse], name: str) -> None:
    """Raise for all lines at once, so that a person mends the file once."""
    if len(bad) == 1:
        raise bad[0]
    if bad:
        shown = " ".join(fault.sentence.removeprefix(f"{name}, ") for fault in bad[:MOST_LINES])
        more = f" {len(bad) - MOST_LINES} more are not shown." if len(bad) > MOST_LINES else ""
        steps = " ".join(dict.fromkeys(fault.next_step for fault in bad[:MOST_LINES] if fault.next_step))
        count = f"More than {MOST_BAD:,}" if len(bad) > MOST_BAD else f"{len(bad)}"
        raise WrongUse(f"{count} lines of {name} cannot be used: {shown}{more}", steps)


def dump_scenarios(scenarios: Iterable[Scenario], path: str | Path) -> None:
    """Write JSONL that :func:`load_scenarios` reads back as it was; whole, or not at all.

    Raises :class:`WrongUse` when ``path`` cannot be written.
    """
    write_whole("".join(scenario_lines(scenarios)), Path(path))


def scenario_lines(scenarios: Iterable[Scenario]) -> Iterator[str]:
    """Lines of JSONL, each with its end."""
    return (json.dumps(scenario_record(scenario), ensure_ascii=False) + "\n" for scenario in scenarios)


def scenario_record(scenario: Scenario) -> dict[str, Any]:
    """Fields of a line, id and message first, dimensions last; ``held_out`` only where it is true."""
    said = scenario.model_dump(exclude={"dimensions"} if scenario.held_out else {"dimensions", "held_out"})
    record = {"id": scenario.id, "message": scenario.message} | said
    hidden = {name: value for name, value in scenario.dimensions.items() if name in _OWN_NAMES}
    return record | scenario.dimensions | record | ({"dimensions": hidden} if hidden else {})


def read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines that are not blank, with their numbers; a huge one is refused without being read whole."""
    number = 0
    try:
        with open_file(path) as stream:
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
        _check_text(field, record, name, number)
    if len(record["message"]) > MAX_MESSAGE_CHARACTERS:
        wrong(name, number, f"the message is longer than {MAX_MESSAGE_CHARACTERS:,} characters.")
    marks = {key: record.pop(key, False) for key in _MARKS}
    for key, mark in marks.items():
        if not isinstance(mark, bool):
            wrong(name, number, f'"{key}" must be true or false.')
    labels = {key: _label(record.pop(key, None)) for key in _KNOWN_FIELDS}
    identifier, message = record.pop("id"), record.pop("message")
    nested = record.pop("dimensions", None)
    extra = record | (nested if isinstance(nested, dict) else {})
    dimensions = {key: _plain(value) for key, value in extra.items() if isinstance(value, str | int | float)}
    try:
        return Scenario(id=identifier, message=message, dimensions=dimensions, **marks, **labels)
    except ValidationError as error:
        at_fault = error.errors(include_url=False, include_input=False)[0]["loc"][0]
        if at_fault != "id":
            wrong(name, number, f'"{at_fault}" is not text that can be written in UTF-8.')
        allowed = 'Use letters, digits, ".", "_" and "-", 64 at most.'
        wrong(name, number, f'the id "{identifier[:70]}" cannot be used.', allowed)


def _check_text(field: str, record: dict[str, Any], name: str, number: int) -> None:
    value = record.get(field)
    if isinstance(value, str) and value.strip():
        return
    if isinstance(value, str):
        wrong(name, number, f'"{field}" is empty.')
    if field == "message" and field not in record and isinstance(record.get("messages"), list):
        wrong(name, number, '"messages" is a conversation.', 'A scenario is one text, under "message".')
    said = "must be text" if field in record else "is missing"
    wrong(name, number, f'"{field}" {said}.', 'Each line is an object with "id" and "message".')


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
        step = "One object a line, without a list around them." if isinstance(record, list) else ""
        wrong(name, number, "this is not a JSON object.", step)
    return record


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for key, value in pairs:
        if key in record:
            raise ValueError(f'the key "{key}" stands there twice')
        record[key] = value
    return record
