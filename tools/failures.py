"""What the failed answers have in common, in numbers, in words and in quotations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from tools.evaluation import (
    Answer,
    AnswerOutcome,
    Assessment,
    AssessmentOutcome,
    CriterionVerdict,
    Scenario,
    Verdict,
)
from tools.rubric import Criterion, Rubric
from tools.scoring import Score
from tools.statistics import Interval, wilson

EXAMPLES = 3
EXCERPT_CHARACTERS = 220
FEWEST_IN_A_GROUP = 3
"""A group with fewer verdicts is not called a concentration."""


class Row(NamedTuple):
    """One scenario with all that became of it."""

    scenario: Scenario
    answer: Answer
    assessment: Assessment
    score: Score


class Concentration(NamedTuple):
    """A group in which a criterion fails more often than elsewhere."""

    dimension: str
    """topic, style, or another dimension of the taxonomy."""
    value: str
    failed: int
    assessed: int
    interval: Interval
    """Wilson, 95 %, of the share that failed in the group."""
    elsewhere: float
    """Share that failed outside it."""
    clear: bool
    """Whether the share elsewhere lies under the interval; without it the difference may be chance."""


class FailureExample(NamedTuple):
    scenario_id: str
    message: str
    """Beginning of what the user said."""
    excerpt: str
    """Beginning of the answer."""
    reason: str
    """The judge's."""


class CriterionFailures(NamedTuple):
    """How often one criterion was not met, and where."""

    criterion: str
    question: str
    gate: bool
    failed: int
    assessed: int
    """Verdicts YES or NO, and NA where it is not allowed."""
    share: float
    interval: Interval
    concentrations: tuple[Concentration, ...]
    """Strongest first, at most one a dimension."""
    pattern: str
    """One or two sentences built from the numbers."""
    examples: tuple[FailureExample, ...]


class DataProblem(NamedTuple):
    """Answers that say nothing about the model's skill: empty, cut off, not judged."""

    kind: str
    scenario_ids: tuple[str, ...]
    detail: str
    """What was said of the first."""


class FailureAnalysis(NamedTuple):
    criteria: tuple[CriterionFailures, ...]
    """Criteria with at least one failure, most frequent first, gates before others of the same count."""
    data_problems: tuple[DataProblem, ...]
    summary: str


def analyse(rows: Sequence[Row], rubric: Rubric) -> FailureAnalysis:
    """Failures by criterion, over every verdict given; answers without verdicts stand apart.

    A NO counts whether or not the answer passed in the end, and whether or not other criteria of it could be
    assessed: a weakness is one either way.
    """
    found = [_criterion(rows, criterion, rubric) for criterion in rubric.criteria]
    failing = [entry for entry in found if entry is not None]
    failing.sort(key=lambda entry: (-entry.failed, not entry.gate))
    problems = _data_problems(rows)
    return FailureAnalysis(tuple(failing), problems, _summary(rows, failing, problems))


def worth_reading(rows: Sequence[Row], threshold: float, limit: int = 8) -> tuple[Row, ...]:
    """Answers for a person to read: edge cases first, then those nearest to ``threshold``, topics in turn."""

    def rank(row: Row) -> tuple[bool, float, str]:
        score = row.score.score
        distance = 1.0 if score is None else abs(score - threshold)
        return (not row.scenario.edge_case, distance, row.scenario.id)

    ordered = sorted((row for row in rows if not row.score.unmeasured), key=rank)
    first_of_topic = list({row.scenario.topic: row for row in reversed(ordered)}.values())[::-1]
    return tuple([*first_of_topic, *(row for row in ordered if row not in first_of_topic)][:limit])


class _Case(NamedTuple):
    row: Row
    verdict: CriterionVerdict
    failed: bool


def _criterion(rows: Sequence[Row], criterion: Criterion, rubric: Rubric) -> CriterionFailures | None:
    cases = [case for row in rows if (case := _case(row, criterion)) is not None]
    failed = [case for case in cases if case.failed]
    if not failed:
        return None
    concentrations = _concentrations(cases)
    interval = wilson(len(failed), len(cases))
    return CriterionFailures(
        criterion=criterion.id,
        question=criterion.question,
        gate=criterion.id in rubric.gates,
        failed=len(failed),
        assessed=len(cases),
        share=len(failed) / len(cases),
        interval=interval,
        concentrations=concentrations,
        pattern=_pattern(len(failed), len(cases), interval, concentrations),
        examples=tuple(_example(case) for case in _telling(failed, concentrations)),
    )


def _case(row: Row, criterion: Criterion) -> _Case | None:
    verdict = next((v for v in row.assessment.verdicts if v.criterion == criterion.id), None)
    if verdict is None or verdict.verdict is Verdict.CANNOT_ASSESS:
        return None
    if verdict.verdict is Verdict.NA:
        return None if criterion.na_allowed else _Case(row, verdict, failed=True)
    return _Case(row, verdict, failed=verdict.verdict is Verdict.NO)


def _concentrations(cases: Sequence[_Case]) -> tuple[Concentration, ...]:
    names = ["topic", "style", "edge case"]
    names += sorted({key for case in cases for key in case.row.scenario.dimensions} - set(names))
    best = [top for name in names if (top := _strongest(name, cases)) is not None]
    return tuple(sorted(best, key=lambda c: (not c.clear, -(c.failed / c.assessed - c.elsewhere))))


def _value(scenario: Scenario, dimension: str) -> str | None:
    if dimension == "edge case":
        return "yes" if scenario.edge_case else "no"
    known = {"topic": scenario.topic, "style": scenario.style}
    return known.get(dimension) or scenario.dimensions.get(dimension)


def _strongest(name: str, cases: Sequence[_Case]) -> Concentration | None:
    assessed = Counter(_value(case.row.scenario, name) for case in cases)
    failed = Counter(_value(case.row.scenario, name) for case in cases if case.failed)
    total = sum(failed.values())
    groups: list[Concentration] = []
    for value, n in assessed.items():
        others = len(cases) - n
        if value is None or n < FEWEST_IN_A_GROUP or not others or failed[value] < 2:
            continue
        elsewhere = (total - failed[value]) / others
        interval = wilson(failed[value], n)
        if failed[value] / n > elsewhere:
            groups.append(
                Concentration(name, value, failed[value], n, interval, elsewhere, interval.low > elsewhere)
            )
    return max(groups, key=lambda c: (c.clear, c.failed / c.assessed - c.elsewhere, c.failed), default=None)


def _pattern(failed: int, n: int, interval: Interval, where: Sequence[Concentration]) -> str:
    span = f"95 % interval {interval.low:.0%} to {interval.high:.0%}"
    said = f"Not met in {failed} of {n} answers ({failed / n:.0%}, {span})."
    clear = [c for c in where if c.clear]
    if clear:
        places = ", and ".join(
            f"{_place(c)} ({c.failed} of {c.assessed}, against {c.elsewhere:.0%} elsewhere)"
            for c in clear[:2]
        )
        return f"{said} It concentrates in {places}."
    if where:
        counts = f"{where[0].failed} of {where[0].assessed}"
        return f"{said} Most often in {_place(where[0])} ({counts}), which may be chance."
    return said if failed < FEWEST_IN_A_GROUP else f"{said} It is spread over topics and styles."


def _place(concentration: Concentration) -> str:
    if concentration.dimension == "edge case":
        return "edge cases" if concentration.value == "yes" else "ordinary cases"
    return f"the {concentration.dimension} “{concentration.value}”"


def _telling(failed: Sequence[_Case], where: Sequence[Concentration]) -> list[_Case]:
    """Examples: first from the clearest concentration, then from other topics than those shown."""
    lead = where[0].value if where and where[0].dimension == "topic" else None
    ordered = sorted(failed, key=lambda case: case.row.scenario.topic != lead)
    one_a_topic = list({case.row.scenario.topic: case for case in reversed(ordered)}.values())[::-1]
    others = [case for case in ordered if case not in one_a_topic]
    return (one_a_topic + others)[:EXAMPLES]


def _example(case: _Case) -> FailureExample:
    scenario = case.row.scenario
    return FailureExample(
        scenario.id, _excerpt(scenario.message), _excerpt(case.row.answer.text), case.verdict.reason
    )


def _excerpt(text: str) -> str:
    folded = " ".join(text.split())
    if len(folded) <= EXCERPT_CHARACTERS:
        return folded
    return folded[:EXCERPT_CHARACTERS].rsplit(" ", 1)[0] + " …"


def _data_problems(rows: Sequence[Row]) -> tuple[DataProblem, ...]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        if row.answer.outcome is not AnswerOutcome.ANSWERED:
            groups.setdefault(row.answer.outcome.value, []).append(row)
        elif row.assessment.outcome is not AssessmentOutcome.MEASURED:
            groups.setdefault(row.assessment.outcome.value, []).append(row)
        elif row.score.unmeasured:
            groups.setdefault("no criterion applied", []).append(row)
    return tuple(
        DataProblem(
            kind,
            tuple(row.scenario.id for row in group),
            group[0].answer.detail or group[0].assessment.detail,
        )
        for kind, group in sorted(groups.items(), key=lambda item: -len(item[1]))
    )


def _summary(
    rows: Sequence[Row], failing: Sequence[CriterionFailures], problems: Sequence[DataProblem]
) -> str:
    if not rows:
        return "There is nothing to analyse."
    parts = []
    if failing:
        first = failing[0]
        parts.append(f"{first.criterion} fails most often, in {first.failed} of {first.assessed} answers.")
        gates = [f"{entry.criterion} {entry.failed}×" for entry in failing if entry.gate]
        if gates:
            parts.append(f"Gates that failed: {', '.join(gates)}.")
    else:
        parts.append("No criterion failed in any answer that was assessed.")
    if problems:
        counted = ", ".join(f"{len(problem.scenario_ids)} {problem.kind}" for problem in problems)
        parts.append(f"Data problems, counted apart: {counted}.")
    return " ".join(parts)
