"""Commands that a reader can copy: to look again, to run again, to go on."""

from __future__ import annotations

import shlex

from tools.escape import clean
from tools.facts import Factor
from tools.report.data import ModelResult, ReportData
from tools.runtimes.base import RuntimeName

DEFAULT_MAX_TOKENS = 1024


def again(data: ReportData) -> str:
    """The command that makes this run again from its beginning."""
    if data.replay is not None:
        return _line(["bms", "demo", data.replay.story])
    if data.table is None:
        return evaluate(data, data.models[0])
    first = data.models[0]
    return _line(["bms", data.request.text, *_flags(data, first, count=None, judge=None, max_tokens=None)])


def evaluate(
    data: ReportData,
    result: ModelResult,
    *,
    count: int | None = None,
    judge: str | None = None,
    max_tokens: int | None = None,
) -> str:
    """The command that evaluates the same model alone, with what is named changed."""
    words = ["bms", "evaluate", "--model", result.loaded.artefact.name, "--domain", data.request.domain]
    return _line([*words, *_flags(data, result, count=count, judge=judge, max_tokens=max_tokens)])


def evaluate_backup(data: ReportData) -> str | None:
    """The command that evaluates the approved backup; None when there is none or its tag is unknown."""
    key = data.approval.backup if data.approval else None
    if not key or data.table is None or any(model.candidate == key for model in data.models):
        return None
    row = next((row for row in data.table.rows if row.key == key), None)
    facts = [fact for cell in row.cells for fact in cell.facts] if row else []
    first = data.models[0]
    if first.loaded.artefact.runtime is not RuntimeName.OLLAMA:
        return None
    tag = next((str(fact.value) for fact in facts if fact.factor is Factor.OLLAMA_TAG), None)
    if tag is None:
        return None
    words = ["bms", "evaluate", "--model", tag, "--domain", data.request.domain]
    return _line([*words, *_flags(data, first, count=None, judge=None, max_tokens=None)])


def report(data: ReportData) -> str:
    """The command that prints this document again from the rows."""
    return _line(["bms", "report", data.run_id])


def resume(data: ReportData, further: int | None = None) -> str:
    """The command that lets the run go on, with ``further`` scenarios where that is not None."""
    more = [] if further is None else ["--further", str(further)]
    return _line(["bms", "resume", data.run_id, *more])


def label(data: ReportData) -> str:
    """The command with which a person labels answers blind."""
    return _line(["bms", "label", data.run_id])


def _flags(
    data: ReportData, result: ModelResult, *, count: int | None, judge: str | None, max_tokens: int | None
) -> list[str]:
    flags: list[str] = []
    for flag, path in sorted(data.setup.files.items()):
        if not (flag == "scenarios" and count is not None):
            flags += [f"--{flag}", path]
    asked = count or data.setup.count
    if count is not None or "scenarios" not in data.setup.files:
        flags += ["--count", str(asked)]
    if data.setup.seed:
        flags += ["--seed", str(data.setup.seed)]
    tokens = max_tokens or result.conditions.max_tokens
    if tokens != DEFAULT_MAX_TOKENS:
        flags += ["--max-tokens", str(tokens)]
    flags += ["--runtime", result.loaded.artefact.runtime.value, *data.setup.flags]
    flags += ["--judge", judge or result.judge.name]
    if result.judge.insisted and judge is None:
        flags.append("--insist-judge")
    return flags


def _line(words: list[str]) -> str:
    return " ".join(shlex.quote(clean(word)) for word in words)
