"""The OpenAPI schema tells what an operation is for, and shows requests and answers that are true to it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from jsonschema import Draft202012Validator

from agent.api.tuples import FIELDS, TUPLES
from agent.service.app import make_app
from agent.settings import Settings

MOST_BYTES = 1500
"""Of one example: the schema is read by people and by programs with small windows."""
MEDIA = "application/json"


class Operation(NamedTuple):
    label: str
    record: dict[str, Any]

    @property
    def successes(self) -> dict[str, dict[str, Any]]:
        """What it answers when all is well, by status."""
        answers: dict[str, dict[str, Any]] = self.record["responses"]
        return {status: answer for status, answer in answers.items() if status.startswith("2")}


class Example(NamedTuple):
    """An example, where it stands, and the schema that it has to fit."""

    at: str
    value: Any
    schema: dict[str, Any]


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home: Path = tmp_path_factory.mktemp("examples")
    return make_app(Settings(home=home)).openapi()


@pytest.fixture(scope="module")
def operations(schema: dict[str, Any]) -> list[Operation]:
    return [
        Operation(f"{method.upper()} {path}", record)
        for path, methods in schema["paths"].items()
        if path.startswith("/api/")
        for method, record in methods.items()
    ]


def examples_of(media: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Name and value of every example of a media type."""
    if "example" in media:
        yield "example", media["example"]
    for name, one in media.get("examples", {}).items():
        yield name, one["value"]


def shown(operation: Operation) -> Iterator[tuple[str, Example]]:
    """Media type and example, of requests and of answers when all is well."""
    parts = {"request": operation.record.get("requestBody", {}), **operation.successes}
    for part, told in parts.items():
        for media, content in told.get("content", {}).items():
            for name, value in examples_of(content):
                at = f"{operation.label} {part} {media} {name}"
                yield media, Example(at, value, content.get("schema", {}))


def test_every_operation_says_what_it_is_for(operations: list[Operation]) -> None:
    assert len(operations) >= 36
    for label, record in operations:
        assert record["summary"], label
        assert record["description"], label
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", record["operationId"]), label
    names = [record["operationId"] for _label, record in operations]
    assert len(set(names)) == len(names)


def test_every_answer_has_an_example_in_each_of_its_forms(operations: list[Operation]) -> None:
    for operation in operations:
        assert operation.successes, operation.label
        for status, answer in operation.successes.items():
            assert answer["description"] not in {"", "Successful Response"}, operation.label
            assert bool(answer.get("content")) == (status != "204"), operation.label
            for media, content in answer.get("content", {}).items():
                assert list(examples_of(content)), f"{operation.label} {status} {media}"


def test_every_request_that_has_a_body_has_an_example(
    operations: list[Operation], schema: dict[str, Any]
) -> None:
    for operation in operations:
        content = operation.record.get("requestBody", {}).get("content", {}).get(MEDIA)
        if content is not None:
            assert list(examples_of(content)) or "examples" in str(referred(content, schema)), operation.label


def referred(content: dict[str, Any], schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The records that the schema of a body names."""
    names = re.findall(r"#/components/schemas/(\w+)", json.dumps(content["schema"]))
    return [schema["components"]["schemas"][name] for name in names]


def test_every_example_in_json_fits_its_schema(operations: list[Operation], schema: dict[str, Any]) -> None:
    checked = 0
    for operation in operations:
        for media, (at, value, fits) in shown(operation):
            if media == MEDIA:
                assert problems(value, fits, schema) == [], at
                checked += 1
    assert checked >= 45


def test_every_example_of_a_record_fits_it(schema: dict[str, Any]) -> None:
    records = schema["components"]["schemas"]
    told = [(name, value) for name, record in records.items() for value in record.get("examples", [])]
    assert told
    for name, value in told:
        assert problems(value, records[name], schema) == [], name


def test_an_example_that_does_not_fit_is_found(operations: list[Operation], schema: dict[str, Any]) -> None:
    found = [one for operation in operations for media, one in shown(operation) if media == MEDIA]
    table = next(one for one in found if one.at.startswith("GET /api/runs/{run_id}/table"))
    assert problems({**table.value, "hash": 7}, table.schema, schema) == ["hash"]


def problems(value: Any, fits: dict[str, Any], schema: dict[str, Any]) -> list[str]:
    """Where a value breaks a schema."""
    validator = Draft202012Validator(
        {**fits, "components": schema["components"]}, format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    return [
        ".".join(map(str, error.absolute_path)) or error.message for error in validator.iter_errors(value)
    ]


def test_examples_of_streams_are_streams_of_json_with_names(operations: list[Operation]) -> None:
    streams = [one for each in operations for media, one in shown(each) if media == "text/event-stream"]
    assert len(streams) == 2
    for at, value, _schema in streams:
        events = [part.splitlines() for part in value.split("\n\n") if part.startswith("id: ")]
        assert events, at
        for lines in events:
            fields = dict(line.split(": ", 1) for line in lines)
            assert json.loads(fields["data"]), at
            assert fields["event"], at


def test_examples_are_short(operations: list[Operation]) -> None:
    for operation in operations:
        for _media, (at, value, _schema) in shown(operation):
            size = len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
            assert size <= MOST_BYTES, f"{at}: {size} bytes"


# --- lists of numbers ---------------------------------------------------------------------------------------


def test_every_list_with_places_says_what_it_is_and_what_each_place_is(schema: dict[str, Any]) -> None:
    components = schema["components"]["schemas"]
    placed = {name: one for name, one in components.items() if "prefixItems" in one}
    assert set(placed) == set(TUPLES)
    for name, component in placed.items():
        assert component["description"], name
        assert all(item["description"] for item in component["prefixItems"]), name
        resolved = {**component, "components": schema["components"]}
        for example in component["examples"]:
            Draft202012Validator(resolved).validate(example)


def test_an_interval_says_its_ends_its_confidence_and_its_method(schema: dict[str, Any]) -> None:
    components = schema["components"]["schemas"]
    interval = components["tools__statistics__Interval"]
    assert [item["title"] for item in interval["prefixItems"]] == ["Low", "High"]
    for word in ("[low, high]", "95 %", "Wilson", "Newcombe"):
        assert word in interval["description"]
    for (name, field), sentence in FIELDS.items():
        assert components[name]["properties"][field]["description"] == sentence
