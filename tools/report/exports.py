"""Files beside the document, for programs and for people who go on from here; a line at a time.

``scenario.message`` and answers are data of strangers. Nothing here is shown, so nothing is escaped but what
JSON escapes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import yaml

from tools.evaluation import Label
from tools.report import inspect_log
from tools.report.data import ModelResult, ReportData
from tools.report.tally import Tally
from tools.rubric import Rubric
from tools.scenario_files import scenario_record


class Export(NamedTuple):
    """One file."""

    name: str
    """Within the folder of the document's figures."""
    about: str
    """What it holds and what it is for, in words."""
    text: Iterable[str]
    """Its content in pieces; made when it is read, so that nothing of it is held before."""


def exports(data: ReportData, tallies: Mapping[str, Tally]) -> tuple[Export, ...]:
    """Every file of a run; ``tallies`` by role. A name says ``-backup`` where it isn't the primary's."""
    found: list[Export] = []
    for result in data.models:
        tail = "" if result.role == "primary" else f"-{result.role}"
        found += [
            Export(
                f"failures{tail}.jsonl",
                "answers that failed, with the criteria that they don't meet and why: a seed for training "
                "data, without held-out scenarios and data problems",
                failures(data, result, tallies[result.role]),
            ),
            Export(
                f"answers{tail}.jsonl",
                "every answer, to be judged again with bms judge --responses",
                answers(result),
            ),
            Export(
                f"verdicts{tail}.jsonl",
                "every verdict, to be scored again with bms score --answers",
                verdicts(result),
            ),
            Export(f"rubric{tail}.yaml", "the rubric that was judged by", rubric(result.rubric)),
            Export(
                inspect_log.name(data, result),
                "everything as a log that inspect view opens",
                inspect_log.chunks(data, result),
            ),
        ]
    held = {row.scenario.id: row.scenario for model in data.models for row in model.rows}
    kept = [scenario for scenario in held.values() if scenario.held_out]
    if kept:
        about = "the held-out scenarios, for judging a later fine-tune; keep them out of its training data"
        found.append(Export("held-out.jsonl", about, (_line(scenario_record(s)) for s in kept)))
    return tuple(found)


def failures(data: ReportData, result: ModelResult, found: Tally) -> Iterator[str]:
    """Answers that were measured and failed, not of held-out scenarios, in the order of the rows."""
    labels: dict[str, list[Label]] = {}
    for label in result.labels:
        labels.setdefault(label.scenario_id, []).append(label)
    problems = {i for problem in result.failures.data_problems for i in problem.scenario_ids}
    criteria = {criterion.id: criterion for criterion in result.rubric.criteria}
    for row in result.rows:
        scenario = row.scenario
        if row.score.passed is not False or scenario.held_out or scenario.id in problems:
            continue
        given = {verdict.criterion: verdict for verdict in row.assessment.verdicts}
        failed = [
            {
                "criterion": name,
                "category": criteria[name].category,
                "question": criteria[name].question,
                "gate": name in result.rubric.gates,
                "verdict": given[name].verdict.value,
                "reason": given[name].reason,
                "judge": given[name].judge,
            }
            for name in found.not_met[scenario.id]
        ]
        yield _line(
            {
                "run": data.run_id,
                "model": result.loaded.artefact.name,
                **scenario_record(scenario),
                "response": row.answer.text,
                "score": row.score.score,
                "failed": failed,
                "labels": [label.model_dump(mode="json") for label in labels.get(scenario.id, ())],
            }
        )


def answers(result: ModelResult) -> Iterator[str]:
    """Message and answer with what is known of them."""
    for row in result.rows:
        said = row.answer.model_dump(mode="json", exclude={"scenario_id", "text", "thinking"})
        yield _line({**scenario_record(row.scenario), "response": row.answer.text} | said)


def verdicts(result: ModelResult) -> Iterator[str]:
    """Verdicts by criterion; none for an answer without a measurement."""
    for row in result.rows:
        given = {verdict.criterion: verdict.verdict.value for verdict in row.assessment.verdicts}
        yield _line({"id": row.scenario.id, "verdicts": given})


def rubric(of: Rubric) -> Iterator[str]:
    """The rubric as a file that the program reads."""
    record = of.model_dump(mode="json", exclude_defaults=True)
    yield yaml.safe_dump(record, allow_unicode=True, sort_keys=False)


def _line(record: Mapping[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n"
