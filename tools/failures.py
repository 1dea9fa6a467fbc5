"""What the failed answers have in common, in numbers, in words and in quotations.

Every answer counts. Only scenarios that are not held out are quoted, and only their failures may shape a
better prompt (``CriterionFailures.open_failures``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tools.answer_signs import Signs, answer_signs
from tools.concentrations import FALSE_DISCOVERY_RATE, FEWEST_IN_A_GROUP, Concentration, concentrations
from tools.crosses import Count, Cross, Grouping, crosses, group
from tools.data_problems import DataProblem, Suspects, data_problems, suspects
from tools.evaluation import Assessment
from tools.reason_words import Reasons, SharedWord
from tools.review import Pick, review_sample
from tools.rows import Case, Row, cases_by_criterion, one_of_each
from tools.rubric import Criterion, Rubric
from tools.statistics import Interval, wilson
from tools.together import CoFailure, co_failures

__all__ = [
    "CriterionFailures",
    "FailureAnalysis",
    "FailureExample",
    "GroupRate",
    "Pick",
    "Row",
    "analyse",
    "review_sample",
]

EXAMPLES = 3
EXCERPT_CHARACTERS = 220
WHOLE_ANSWER = "the whole answer"
"""Stands for passing, where whole answers are counted like a criterion."""


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
    open_failures: int
    """Of the failures, those on scenarios that are not held out."""
    concentrations: tuple[Concentration, ...]
    """Strongest first, at most one a dimension; groups of two dimensions only where they are clear."""
    shared_words: tuple[SharedWord, ...]
    """Words that the judge's reasons have in common."""
    pattern: str
    """A few sentences built from the numbers."""
    examples: tuple[FailureExample, ...]


class GroupRate(NamedTuple):
    """The pass rate of the answers in one group."""

    dimension: str
    """topic, style, edge case, held out, or a dimension of the taxonomy."""
    value: str
    passed: int
    measured: int
    interval: Interval
    """Wilson, 95 %."""
    weaker: bool
    """Whether it passes less often than the rest, by more than chance explains."""


class FailureAnalysis(NamedTuple):
    criteria: tuple[CriterionFailures, ...]
    """Criteria with at least one failure, most frequent first, gates before others of the same count."""
    data_problems: tuple[DataProblem, ...]
    summary: str
    crosses: tuple[Cross, ...] = ()
    """Criteria by topic, by style, and by each further dimension in which the scenarios differ."""
    rates: tuple[GroupRate, ...] = ()
    """Pass rates of the groups, lowest first within a dimension."""
    weak_groups: tuple[Concentration, ...] = ()
    """Groups whose answers fail as a whole more often than elsewhere, where that is clear."""
    together: tuple[CoFailure, ...] = ()
    """Criteria that fail together."""
    signs: Signs = Signs()
    suspects: tuple[Suspects, ...] = ()
    """Scenarios that may themselves be at fault."""
    looked_at: int = 0
    """Groups that were tested for being worse than the rest, over all criteria and whole answers."""

    @property
    def caution(self) -> str:
        """How far the concentrations can be trusted, in a sentence or two."""
        if not self.looked_at:
            return "The groups are too small for any of them to be told from the rest."
        return (
            f"Concentrations were looked for {self.looked_at} times, with Fisher's exact test. One is called "
            "so only where it stands out among them all (Benjamini–Hochberg, false discovery rate "
            f"{FALSE_DISCOVERY_RATE:.0%})."
        )


def analyse(
    rows: Sequence[Row],
    rubric: Rubric,
    by_judge: Mapping[str, Mapping[str, Assessment]] | None = None,
) -> FailureAnalysis:
    """Failures by criterion, over every verdict given; answers without verdicts stand apart.

    A NO counts whether or not the answer passed in the end, and whether or not other criteria of it could be
    assessed: a weakness is one either way. ``by_judge`` has each judge's assessments by scenario, where there
    are several. Time grows linearly with the rows.
    """
    if not rows:
        return FailureAnalysis((), (), "There is nothing to analyse.")
    cases = cases_by_criterion(rows, rubric)
    grouping = group(rows)
    counts = {name: grouping.tally((c.position, c.failed) for c in found) for name, found in cases.items()}
    answers = grouping.tally(
        (i, not row.score.passed) for i, row in enumerate(rows) if not row.score.unmeasured
    )
    where = concentrations(grouping, {**counts, WHOLE_ANSWER: answers})
    reasons = Reasons(rows, cases)
    failing = [
        _criterion(rows, rubric, criterion, cases[criterion.id], where.by_criterion[criterion.id], reasons)
        for criterion in rubric.criteria
        if any(case.failed for case in cases[criterion.id])
    ]
    failing.sort(key=lambda entry: (-entry.failed, not entry.gate))
    problems, signs, suspected = data_problems(rows), answer_signs(rows), suspects(rows, by_judge)
    weak = tuple(c for c in where.by_criterion[WHOLE_ANSWER] if c.clear)
    together = co_failures(cases)
    return FailureAnalysis(
        criteria=tuple(failing),
        data_problems=problems,
        summary=_summary(failing, weak, together, problems, signs, suspected),
        crosses=crosses(grouping, counts),
        rates=_rates(grouping, answers, weak),
        weak_groups=weak,
        together=together,
        signs=signs,
        suspects=suspected,
        looked_at=where.looked_at,
    )


def _criterion(
    rows: Sequence[Row],
    rubric: Rubric,
    criterion: Criterion,
    own: Sequence[Case],
    where: Sequence[Concentration],
    reasons: Reasons,
) -> CriterionFailures:
    failed = [case for case in own if case.failed]
    quotable = [case for case in failed if not rows[case.position].scenario.held_out]
    interval = wilson(len(failed), len(own))
    shown = _strongest(where)
    words = reasons.shared(criterion)
    return CriterionFailures(
        criterion=criterion.id,
        question=criterion.question,
        gate=criterion.id in rubric.gates,
        failed=len(failed),
        assessed=len(own),
        share=len(failed) / len(own),
        interval=interval,
        open_failures=len(quotable),
        concentrations=shown,
        shared_words=words,
        pattern=_pattern(len(failed), len(own), interval, shown, words),
        examples=tuple(_example(rows[case.position], case) for case in _telling(rows, quotable, shown)),
    )


def _strongest(where: Sequence[Concentration]) -> tuple[Concentration, ...]:
    """The first of each dimension; of two dimensions together only what is clear."""
    first: dict[str, Concentration] = {}
    for found in where:
        if found.clear or len(found.group.dimensions) == 1:
            first.setdefault(found.dimension, found)
    return tuple(first.values())


def _pattern(
    failed: int, n: int, interval: Interval, where: Sequence[Concentration], words: Sequence[SharedWord]
) -> str:
    span = f"95 % interval {interval.low:.0%} to {interval.high:.0%}"
    said = [f"Not met in {failed} of {n} answers ({failed / n:.0%}, {span})."]
    clear = [c for c in where if c.clear]
    if clear:
        said.append(f"It concentrates in {', and '.join(_counted(c) for c in clear[:2])}.")
    elif failed >= FEWEST_IN_A_GROUP:
        said.append("No topic, style or other group stands out by more than chance explains.")
    if words:
        listed = ", ".join(f"“{word.word}” ({word.reasons} of {word.of})" for word in words)
        said.append(f"Words that the judge's reasons share: {listed}.")
    return " ".join(said)


def _counted(where: Concentration) -> str:
    return f"{where.place} ({where.failed} of {where.assessed}, against {where.elsewhere:.0%} elsewhere)"


def _telling(rows: Sequence[Row], failed: Sequence[Case], where: Sequence[Concentration]) -> list[Case]:
    """Examples: first from the strongest concentration, then from other topics than those shown."""
    lead = where[0].group if where else None
    ordered = sorted(failed, key=lambda case: lead is None or not lead.holds(rows[case.position].scenario))
    return one_of_each(ordered, lambda case: rows[case.position].scenario.topic)[:EXAMPLES]


def _example(row: Row, case: Case) -> FailureExample:
    scenario = row.scenario
    return FailureExample(
        scenario.id, _excerpt(scenario.message), _excerpt(row.answer.text), case.verdict.reason
    )


def _excerpt(text: str) -> str:
    folded = " ".join(text.split())
    if len(folded) <= EXCERPT_CHARACTERS:
        return folded
    return folded[:EXCERPT_CHARACTERS].rsplit(" ", 1)[0] + " …"


def _rates(grouping: Grouping, answers: Count, weak: Sequence[Concentration]) -> tuple[GroupRate, ...]:
    weaker = {found.group for found in weak}
    found = [
        GroupRate(entry.dimension, entry.value, n - failed, n, wilson(n - failed, n), entry in weaker)
        for entry, n, failed in zip(grouping.groups, answers.assessed, answers.failed, strict=True)
        if n and len(entry.dimensions) == 1
    ]
    order = {name: i for i, name in enumerate(grouping.dimensions)}
    return tuple(
        sorted(found, key=lambda rate: (order[rate.dimension], rate.passed / rate.measured, rate.value))
    )


def _summary(
    failing: Sequence[CriterionFailures],
    weak: Sequence[Concentration],
    together: Sequence[CoFailure],
    problems: Sequence[DataProblem],
    signs: Signs,
    suspected: Sequence[Suspects],
) -> str:
    parts = list(signs.setup_problems)
    if failing:
        first = failing[0]
        parts.append(f"{first.criterion} fails most often, in {first.failed} of {first.assessed} answers.")
        gates = [f"{entry.criterion} {entry.failed}×" for entry in failing if entry.gate]
        if gates:
            parts.append(f"Gates that failed: {', '.join(gates)}.")
    else:
        parts.append("No criterion failed in any answer that was assessed.")
    clear = [(entry, found) for entry in failing for found in entry.concentrations if found.clear]
    if clear:
        entry, found = min(clear, key=lambda pair: pair[1].adjusted)
        parts.append(f"The clearest concentration: {entry.criterion} in {_counted(found)}.")
    if weak:
        parts.append(f"Whole answers fail most in {_counted(weak[0])}.")
    parts += [pair.sentence for pair in together[:1] if pair.clear]
    if problems:
        counted = "; ".join(f"{problem.kind} ({len(problem.scenario_ids)})" for problem in problems)
        parts.append(f"Data problems, counted apart: {counted}.")
    if suspected:
        counted = ", ".join(f"{len(found.scenario_ids)} × {found.kind}" for found in suspected)
        parts.append(f"Scenarios to look at, which may be at fault themselves: {counted}.")
    return " ".join(parts)
