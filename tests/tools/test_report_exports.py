"""What goes on from the document: files that other commands read, and a log that inspect opens."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from tests.standins.report_data import calibrated, compared, report, result, rows_of, told
from tools.evaluation import AnswerOutcome
from tools.failures import Row
from tools.report import WrittenDocument, write_document
from tools.report.data import ReportData
from tools.responses import load_responses
from tools.rubric import load_rubric
from tools.scenario_files import load_scenarios
from tools.scoring import score_file, summarise

ROWS = told(rows_of(30, 18, 2, 2))


@pytest.fixture(scope="module")
def data() -> ReportData:
    return compared(calibrated(ROWS), result(told(rows_of(40, 10)), "backup"))


@pytest.fixture(scope="module")
def written(data: ReportData, tmp_path_factory: pytest.TempPathFactory) -> WrittenDocument:
    return write_document(tmp_path_factory.mktemp("written"), data)


def lines(written: WrittenDocument, name: str) -> list[dict[str, Any]]:
    text = (written.path.with_suffix("") / name).read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def log(written: WrittenDocument, role: str) -> dict[str, Any]:
    path = next(path for path in written.exports if f"_baseline-{role}_" in path.name)
    loaded: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return loaded


def test_failures_hold_what_failed_and_nothing_that_is_held_out(written: WrittenDocument) -> None:
    found = lines(written, "failures.jsonl")
    wanted = [row for row in ROWS if row.score.passed is False and not row.scenario.held_out]
    assert [line["id"] for line in found] == [row.scenario.id for row in wanted]
    assert wanted
    for line, row in zip(found, wanted, strict=True):
        no = [v.criterion for v in row.assessment.verdicts if v.verdict.value == "NO"]
        assert [one["criterion"] for one in line["failed"]] == no
        assert all(one["reason"] == "It is not there." for one in line["failed"])
        assert (line["message"], line["response"]) == (row.scenario.message, row.answer.text)
        assert line["difficulty"] == row.scenario.dimensions["difficulty"]
    assert {label["by"] for line in found for label in line["labels"]} == {"Ada"}


def test_held_out_scenarios_are_a_scenario_file_of_their_own(written: WrittenDocument) -> None:
    kept = [row.scenario for row in ROWS if row.scenario.held_out]
    found = load_scenarios(written.path.with_suffix("") / "held-out.jsonl")
    assert found == kept


def test_a_run_without_held_out_scenarios_has_no_such_file(tmp_path: Path) -> None:
    written = write_document(tmp_path, report([result(rows_of(30, 18))]))
    assert [path.name for path in written.exports if "held" in path.name] == []


def test_answers_can_be_judged_again(written: WrittenDocument) -> None:
    found = load_responses(written.path.with_suffix("") / "answers.jsonl")
    assert [one.id for one in found] == [row.scenario.id for row in ROWS]
    for one, row in zip(found, ROWS, strict=True):
        assert one.scenario.message == row.scenario.message
        if row.answer.outcome is AnswerOutcome.ANSWERED:
            assert one.answer.text.strip() == row.answer.text.strip()
        assert (one.answer.outcome is AnswerOutcome.ANSWERED) == (
            row.answer.outcome is AnswerOutcome.ANSWERED
        )


@pytest.mark.parametrize("role", ["primary", "backup"])
def test_verdicts_scored_again_give_the_headline(
    data: ReportData, written: WrittenDocument, role: str
) -> None:
    folder, tail = written.path.with_suffix(""), "" if role == "primary" else "-backup"
    model = next(model for model in data.models if model.role == role)
    again = load_rubric(folder / f"rubric{tail}.yaml")
    assert again == model.rubric
    scored = list(score_file(folder / f"verdicts{tail}.jsonl", again))
    assert [row.score for row in scored] == [row.score for row in model.rows]
    summary, said = summarise(row.score for row in scored), model.decision
    assert (summary.passed, summary.measured, summary.unmeasured) == (
        said.passes,
        said.measured,
        said.unmeasured,
    )
    assert (summary.pass_rate, summary.interval) == (said.pass_rate, said.interval)


def test_the_log_has_the_fields_that_inspect_wants(data: ReportData, written: WrittenDocument) -> None:
    """Required fields of EvalLog and of the records within it, inspect_ai 0.3.285."""
    found = log(written, "primary")
    assert (found["version"], found["status"]) == (2, "success")
    assert {"created", "task", "dataset", "model", "config"} <= found["eval"].keys()
    assert found["eval"]["dataset"]["samples"] == len(ROWS)
    assert found["eval"]["dataset"]["sample_ids"] == [row.scenario.id for row in ROWS]
    for score in found["results"]["scores"]:
        assert {"name", "scorer", "metrics"} <= score.keys()
        assert all({"name", "value"} <= metric.keys() for metric in score["metrics"].values())
    for sample in found["samples"]:
        assert {"id", "epoch", "input", "target"} <= sample.keys()
        assert sample["scores"].keys() == {"passed", "weighted_score", *data.models[0].rubric.ids}
        assert all("value" in score for score in sample["scores"].values())
        assert sample["output"]["choices"][0]["message"]["role"] == "assistant"


def test_what_was_not_measured_is_unscored_in_the_log_and_never_0(written: WrittenDocument) -> None:
    found = log(written, "primary")
    samples = {sample["id"]: sample for sample in found["samples"]}
    for row in ROWS:
        scores = samples[row.scenario.id]["scores"]
        if row.score.unmeasured:
            assert all(math.isnan(score["value"]) for score in scores.values())
            assert scores["passed"]["reason"] in {"truncated", "grader_failed"}
        else:
            assert scores["passed"]["value"] == ("C" if row.score.passed else "I")
            assert scores["weighted_score"]["value"] == row.score.score
    passed = next(score for score in found["results"]["scores"] if score["name"] == "passed")
    assert (passed["scored_samples"], passed["unscored_samples"]) == (48, 4)
    assert passed["metrics"]["accuracy"]["value"] == pytest.approx(30 / 48)


def test_held_out_scenarios_are_marked_in_the_log(written: WrittenDocument) -> None:
    marked = {s["id"] for s in log(written, "primary")["samples"] if s["metadata"]["held_out"]}
    assert marked == {row.scenario.id for row in ROWS if row.scenario.held_out}


def test_inspect_reads_the_log(data: ReportData, written: WrittenDocument) -> None:
    """Where inspect_ai is installed; the fields alone are checked above."""
    inspect_log = pytest.importorskip("inspect_ai.log")
    listed = inspect_log.list_eval_logs(str(written.path.with_suffix("")))
    assert len(listed) == 2
    for info in listed:
        read = inspect_log.read_eval_log(info.name)
        model = next(m for m in data.models if info.task == f"baseline-{m.role}")
        accuracy = next(score for score in read.results.scores if score.name == "passed")
        assert accuracy.metrics["accuracy"].value == pytest.approx(model.decision.pass_rate)
        assert [sample.output.completion for sample in read.samples] == [
            row.answer.text for row in model.rows
        ]


def test_the_results_have_every_number_and_read_back(data: ReportData, written: WrittenDocument) -> None:
    body = json.loads(written.json_path.read_text("utf-8"))
    assert (body["version"], [one["role"] for one in body["results"]]) == (2, ["primary", "backup"])
    one = body["results"][0]
    assert (one["passed"], one["measured"], one["pass_rate"]) == (30, 48, 0.625)
    assert one["unmeasured"] == {
        "cut off by the token limit": 2,
        "the judge could not be asked or its reply could not be used": 2,
    }
    assert one["held_out"] == {"scenarios": 10, "measured": 9, "passed": 6}
    assert one["judge_cost"]["sent"] == 900 * len(ROWS)
    assert one["judge_cost"]["evaluated"] == 200 * len(ROWS)
    assert one["clustered"]["clusters"] == 5
    assert ReportData.model_validate(body["data"]) == data


def test_what_strangers_say_stays_within_its_line(tmp_path: Path) -> None:
    words = 'x\u2028y\x85z\n{"id": "S999"}\x1b[2J'
    rows = [_saying(row, words) for row in rows_of(0, 40)]
    written = write_document(tmp_path, report([result(rows)]))
    folder = written.path.with_suffix("")
    for name in ("failures.jsonl", "answers.jsonl", "verdicts.jsonl"):
        raw = (folder / name).read_bytes().splitlines()
        assert [json.loads(line)["id"] for line in raw] == [row.scenario.id for row in rows]


def _saying(row: Row, words: str) -> Row:
    return row._replace(answer=row.answer.model_copy(update={"text": words}))
