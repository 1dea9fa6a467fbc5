"""The evaluation as a log that ``inspect view`` opens: version 2 of the JSON format of inspect_ai.

The fields are those of ``EvalLog`` as its reference describes it, read back with inspect_ai 0.3.285. Pass or
fail is one score (C or I), the weighted score another, each criterion a further one (1 or 0). What was not
measured is NaN, which inspect counts as unscored and leaves out of its metrics; it is never 0.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

from tools.evaluation import AnswerOutcome, AssessmentOutcome, CriterionVerdict, Verdict
from tools.failures import Row
from tools.report.data import ModelResult, ReportData
from tools.rubric import Criterion, Rubric

VERSION: Final = 2
PASSED: Final = "passed"
SCORE: Final = "weighted_score"
TASK: Final = "baseline"
_NO_VALUE: Final = math.nan
_STOPPED: Final = {AnswerOutcome.TRUNCATED: "max_tokens", AnswerOutcome.ANSWERED: "stop"}
_REASONS: Final = {
    AnswerOutcome.EMPTY: "no_response",
    AnswerOutcome.TRUNCATED: "truncated",
    AnswerOutcome.TIMEOUT: "timeout",
    AnswerOutcome.ERROR: "runtime_error",
}
"""Why there is nothing to score, in inspect's word where it has one."""


def name(data: ReportData, result: ModelResult) -> str:
    """A name that inspect takes for a log's: time, task, identifier; the same for a run on the same day."""
    return f"{data.date.isoformat()}T00-00-00_{TASK}-{result.role}_{_identifier(data, result)}.json"


def chunks(data: ReportData, result: ModelResult) -> Iterator[str]:
    """The log, a sample at a time."""
    yield json.dumps(_head(data, result), ensure_ascii=False)[:-1]
    yield ', "samples": ['
    for i, row in enumerate(result.rows):
        yield (",\n" if i else "\n") + json.dumps(_sample(row, result), ensure_ascii=False)
    yield "\n]}\n"


def _identifier(data: ReportData, result: ModelResult) -> str:
    return hashlib.sha256(f"{data.run_id}\0{result.role}".encode()).hexdigest()[:22]


def _head(data: ReportData, result: ModelResult) -> dict[str, Any]:
    model, at = _model(result), result.conditions
    when = f"{data.made_at:%Y-%m-%dT%H:%M:%S}+00:00"
    sampling: dict[str, Any] = {
        "temperature": at.temperature,
        "top_p": at.top_p,
        "seed": at.seed,
        "max_tokens": at.max_tokens,
    }
    if at.system_prompt:
        sampling["system_message"] = at.system_prompt
    identifier = _identifier(data, result)
    return {
        "version": VERSION,
        "status": "success",
        "eval": {
            "eval_id": identifier,
            "run_id": data.run_id,
            "created": when,
            "task": f"{TASK}-{result.role}",
            "task_id": identifier,
            "task_version": 0,
            "task_display_name": f"{data.domain} ({result.role})",
            "dataset": {
                "name": data.domain,
                "samples": len(result.rows),
                "sample_ids": [row.scenario.id for row in result.rows],
                "shuffled": False,
            },
            "model": model,
            "model_generate_config": sampling,
            "config": {"epochs": 1},
            "packages": {"base-model-selector": data.setup.version},
            "metadata": _metadata(data, result),
            "scorers": [{"name": key, "metrics": [{"name": by}]} for key, by in _metrics(result.rubric)],
        },
        "plan": {"name": "plan", "steps": [{"solver": "one answer", "params": {}}], "config": sampling},
        "results": _results(result),
        "stats": {"started_at": when, "completed_at": when, "model_usage": {model: _usage(result.rows)}},
    }


def _model(result: ModelResult) -> str:
    return f"{result.loaded.artefact.runtime.value}/{result.loaded.artefact.name}"


def _metadata(data: ReportData, result: ModelResult) -> dict[str, Any]:
    """What inspect has no field for. The decision is what the document says, beside the rows it came from."""
    artefact = result.loaded.artefact
    return {
        "decision": result.decision.kind.value,
        "reason": result.decision.reason,
        "planned": result.planned,
        "judge": result.judge.name,
        "rubric": result.rubric.name,
        "pass_threshold": result.rubric.pass_threshold,
        "gates": sorted(result.rubric.gates),
        "candidate": result.candidate,
        "digest": artefact.digest,
        "quantization": artefact.quantization,
        "context": result.loaded.allocated_context,
        "thinking": result.conditions.thinking,
        "replay": None if data.replay is None else data.replay.story,
    }


def _metrics(rubric: Rubric) -> tuple[tuple[str, str], ...]:
    """Every score with the metric that stands for it."""
    return ((PASSED, "accuracy"), (SCORE, "mean"), *((identifier, "mean") for identifier in rubric.ids))


def _results(result: ModelResult) -> dict[str, Any]:
    values = {key: [_value(key, row) for row in result.rows] for key, _ in _metrics(result.rubric)}
    scores = []
    for key, metric in _metrics(result.rubric):
        scored = [value for value in values[key] if not math.isnan(value)]
        mean = math.fsum(scored) / len(scored) if scored else _NO_VALUE
        scores.append(
            {
                "name": key,
                "scorer": key,
                "scored_samples": len(scored),
                "unscored_samples": len(values[key]) - len(scored),
                "params": {},
                "metrics": {metric: {"name": metric, "value": mean, "params": {}}},
            }
        )
    return {
        "total_samples": len(result.rows),
        "completed_samples": len(result.rows),
        "scores": scores,
        "headline": {"scorer": PASSED, "score": PASSED, "metric": "accuracy"},
    }


def _value(key: str, row: Row) -> float:
    """A score as a number, NaN where there is none."""
    if key == PASSED:
        return _NO_VALUE if row.score.passed is None else float(row.score.passed)
    if key == SCORE:
        return _NO_VALUE if row.score.score is None else row.score.score
    given = next((v for v in row.assessment.verdicts if v.criterion == key), None)
    return _verdict_value(given)


def _verdict_value(given: CriterionVerdict | None) -> float:
    values = {Verdict.YES: 1.0, Verdict.NO: 0.0}
    return _NO_VALUE if given is None else values.get(given.verdict, _NO_VALUE)


def _usage(rows: Sequence[Row]) -> dict[str, int]:
    read = sum(row.answer.prompt_tokens or 0 for row in rows)
    written = sum(row.answer.completion_tokens or 0 for row in rows)
    return {"input_tokens": read, "output_tokens": written, "total_tokens": read + written}


def _sample(row: Row, result: ModelResult) -> dict[str, Any]:
    scenario, answer, model = row.scenario, row.answer, _model(result)
    said = {"role": "assistant", "content": answer.text, "source": "generate", "model": model}
    return {
        "id": scenario.id,
        "epoch": 1,
        "input": scenario.message,
        "target": "",
        "messages": [{"role": "user", "content": scenario.message, "source": "input"}, said],
        "output": {
            "model": model,
            "choices": [{"message": said, "stop_reason": _STOPPED.get(answer.outcome, "unknown")}],
            "usage": _usage([row]),
            "time": answer.seconds,
        },
        "scores": _scores(row, result.rubric),
        "metadata": _labels(row),
        "model_usage": {model: _usage([row])},
        "total_time": answer.seconds,
    }


def _labels(row: Row) -> dict[str, Any]:
    scenario, answer = row.scenario, row.answer
    return {
        **scenario.dimensions,
        "topic": scenario.topic,
        "subtopic": scenario.subtopic,
        "style": scenario.style,
        "edge_case": scenario.edge_case,
        "held_out": scenario.held_out,
        "outcome": answer.outcome.value,
        "asked": answer.asked,
        "signs": [sign.kind.value for sign in answer.signs],
        "first_token_seconds": answer.first_token_seconds,
    }


def _scores(row: Row, rubric: Rubric) -> dict[str, Any]:
    given = {verdict.criterion: verdict for verdict in row.assessment.verdicts}
    reason, why = _reason(row), row.answer.detail or row.assessment.detail
    passed: dict[str, Any] = {"value": _NO_VALUE, "explanation": why, "reason": reason}
    if row.score.passed is not None:
        passed = {
            "value": "C" if row.score.passed else "I",
            "explanation": _explained(row, rubric, given),
            "metadata": {"gate_failed": list(row.score.gate_failed), "categories": row.score.categories},
        }
    scores = {PASSED: passed | {"answer": row.answer.text[:200]}}
    scores[SCORE] = {"value": _value(SCORE, row)}
    for criterion in rubric.criteria:
        scores[criterion.id] = _criterion(criterion, given.get(criterion.id))
    return scores


def _criterion(criterion: Criterion, given: CriterionVerdict | None) -> dict[str, Any]:
    if given is None:
        return {"value": _NO_VALUE}
    return {
        "value": _verdict_value(given),
        "answer": given.verdict.value,
        "explanation": given.reason,
        "metadata": {"question": criterion.question, "judge": given.judge},
    }


def _explained(row: Row, rubric: Rubric, given: dict[str, CriterionVerdict]) -> str:
    said = [
        f"{identifier} {given[identifier].verdict.value}: {given[identifier].reason}".rstrip(": ")
        for identifier in rubric.ids
        if identifier in given
    ]
    return "\n".join(said)


def _reason(row: Row) -> str | None:
    """Why a sample has no score; None where it has one."""
    if not row.score.unmeasured:
        return None
    if row.answer.outcome in _REASONS:
        return _REASONS[row.answer.outcome]
    return "scoring_failed" if row.assessment.outcome is AssessmentOutcome.MEASURED else "grader_failed"
