"""What says nothing about the model's skill: answers without a measurement, and corrupt scenarios."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tools.evaluation import AnswerOutcome, Assessment, AssessmentOutcome
from tools.hygiene import is_blank
from tools.rows import Row

NOTHING_APPLIED = "no criterion applied"
JUDGE_FAILED = "the judge could not be asked or its reply could not be used"
BLANK = "the message shows nothing"
TEMPLATE = "template tokens or an unfilled placeholder in the message"
DUPLICATE = "the same message as another scenario"
NOBODY_COULD = "no judge could assess it"

_TEMPLATE = re.compile(
    r"<\|[a-z0-9_]{1,40}\|>|<(?:start|end)_of_turn>|\[/?INST\]|<</?SYS>>|</?think>"
    r"|\{(?:topic|subtopic|domain|style|message)\}",
    re.IGNORECASE,
)


class DataProblem(NamedTuple):
    """Answers that could not be measured, by reason: empty, cut off, not judged. They count as neither."""

    kind: str
    scenario_ids: tuple[str, ...]
    detail: str
    """What was said of the first that is not held out."""


class Suspects(NamedTuple):
    """Scenarios that may themselves be at fault. Their answers count as they were judged."""

    kind: str
    scenario_ids: tuple[str, ...]
    measured: int
    """How many of them are in the pass rate all the same."""
    failed: int
    """Of those, the ones that failed."""


def data_problems(rows: Sequence[Row]) -> tuple[DataProblem, ...]:
    """Every unmeasured answer under one reason, the most frequent reason first."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        if row.score.unmeasured:
            groups.setdefault(why_unmeasured(row), []).append(row)
    return tuple(
        DataProblem(kind, tuple(row.scenario.id for row in group), _detail(group))
        for kind, group in sorted(groups.items(), key=lambda item: -len(item[1]))
    )


def suspects(
    rows: Sequence[Row], by_judge: Mapping[str, Mapping[str, Assessment]] | None = None
) -> tuple[Suspects, ...]:
    """Scenarios with corrupt messages, and those on which no judge could say anything.

    ``by_judge`` has the assessments of each judge by scenario where there are several; without it the rows'
    own are taken for the only judge's.
    """
    groups: dict[str, list[Row]] = {}
    seen: set[str] = set()
    for row in rows:
        folded = " ".join(row.scenario.message.casefold().split())
        if is_blank(row.scenario.message):
            groups.setdefault(BLANK, []).append(row)
        elif folded in seen:
            groups.setdefault(DUPLICATE, []).append(row)
        if template_token(row.scenario.message):
            groups.setdefault(TEMPLATE, []).append(row)
        if _nobody_could(row, by_judge):
            groups.setdefault(NOBODY_COULD, []).append(row)
        seen.add(folded)
    return tuple(
        Suspects(
            kind,
            tuple(row.scenario.id for row in group),
            sum(not row.score.unmeasured for row in group),
            sum(row.score.passed is False for row in group),
        )
        for kind, group in sorted(groups.items(), key=lambda item: -len(item[1]))
    )


def template_token(text: str) -> str | None:
    """The first control token of a chat template, or unfilled placeholder of ours, in ``text``."""
    found = _TEMPLATE.search(text)
    return found.group() if found else None


def why_unmeasured(row: Row) -> str:
    """The reason for which an unmeasured answer has no measurement; what exactly was wrong is its detail."""
    if row.answer.outcome is not AnswerOutcome.ANSWERED:
        return row.answer.outcome.value
    if row.assessment.outcome is not AssessmentOutcome.MEASURED:
        failed = row.assessment.outcome is AssessmentOutcome.JUDGE_ERROR
        return JUDGE_FAILED if failed else row.assessment.outcome.value
    return NOTHING_APPLIED


def _detail(group: Sequence[Row]) -> str:
    """A held-out scenario is not quoted, not even by what went wrong with it."""
    first = next((row for row in group if not row.scenario.held_out), None)
    return "" if first is None else first.answer.detail or first.assessment.detail


def _nobody_could(row: Row, by_judge: Mapping[str, Mapping[str, Assessment]] | None) -> bool:
    if by_judge is None:
        return row.assessment.outcome is AssessmentOutcome.CANNOT_ASSESS
    given = [found[row.scenario.id] for found in by_judge.values() if row.scenario.id in found]
    # A judge whose reply could not be used has said nothing about the scenario.
    said = [one.outcome for one in given if one.outcome is not AssessmentOutcome.JUDGE_ERROR]
    return bool(said) and all(outcome is AssessmentOutcome.CANNOT_ASSESS for outcome in said)
