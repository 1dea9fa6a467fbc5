"""Machine-readable results: everything in the document, and every row on a line of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from enum import Enum
from typing import Any, Final

from pydantic import BaseModel

from tools.report.data import ModelResult
from tools.report.measures import held_out, judge_cost
from tools.report.view import ModelView, View
from tools.rows import Row

FORMAT: Final = "base-model-evaluation"
VERSION: Final = 2
"""2: ``results`` beside ``data``; more in ``data``."""


def chunks(view: View) -> Iterator[str]:
    """The JSON in pieces: ``results``, counted from the rows, then ``data`` with the rows themselves."""
    data = view.data
    head = {
        "format": FORMAT,
        "version": VERSION,
        "run": data.run_id,
        "results": [_results(model) for model in view.models],
    }
    yield json.dumps(plain(head), ensure_ascii=False, indent=2)[: -len("\n}")]
    rest = {name: getattr(data, name) for name in type(data).model_fields if name != "models"}
    yield ',\n  "data": {'
    for name, value in rest.items():
        yield f"\n{json.dumps(name)}: {json.dumps(plain(value), ensure_ascii=False)},"
    yield '\n"models": ['
    for i, result in enumerate(data.models):
        yield ",\n" if i else "\n"
        yield from _model(result)
    yield "\n]}}\n"


def plain(value: Any) -> Any:
    """JSON values with names instead of positions: a named tuple becomes an object."""
    match value:
        case Enum():
            return value.value
        case BaseModel():
            return {name: plain(getattr(value, name)) for name in type(value).model_fields}
        case tuple() if hasattr(value, "_fields"):
            return {name: plain(getattr(value, name)) for name in value._fields}
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(item) for item in value]
        case datetime() | date():
            return value.isoformat()
        case _:
            return value


def _results(model: ModelView) -> dict[str, Any]:
    """The numbers of one model, counted from its rows."""
    result, found, said = model.result, model.tally, model.result.decision
    cost = judge_cost(result.rows)
    return {
        "role": result.role,
        "model": result.loaded.artefact.name,
        "digest": result.loaded.artefact.digest,
        "judge": result.judge.name,
        "decision": said.kind,
        "scenarios": found.planned,
        "measured": found.measured,
        "passed": found.passed,
        "unmeasured": dict(found.reasons),
        "pass_rate": found.rate,
        "wilson": said.interval,
        "clustered": found.clustered,
        "band_probabilities": said.band_probabilities,
        "gate_failures": said.gate_failures,
        "answers_failing_a_gate": said.answers_failing_a_gate,
        "held_out": held_out(result.rows),
        "judge_cost": None if cost is None else cost._asdict() | {"evaluated": cost.evaluated},
    }


def _model(result: ModelResult) -> Iterator[str]:
    yield "{"
    for name in type(result).model_fields:
        if name != "rows":
            value = plain(getattr(result, name))
            yield f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)},\n"
    yield '"rows": ['
    for i, row in enumerate(result.rows):
        yield (",\n" if i else "\n") + _row(row)
    yield "\n]}"


def _row(row: Row) -> str:
    parts = (f"{json.dumps(name)}: {part.model_dump_json()}" for name, part in row._asdict().items())
    return f"{{{', '.join(parts)}}}"
