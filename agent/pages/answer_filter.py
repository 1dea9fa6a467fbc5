"""Which answers of a model are shown: by criterion, topic, style, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple
from urllib.parse import urlencode

from fastapi import Depends, Query

from graphs.results import Result
from tools.data_problems import why_unmeasured
from tools.evaluation import CriterionVerdict
from tools.rows import Row, not_met
from tools.rubric import Rubric

EXCERPT_CHARACTERS = 260

Outcome = Literal["", "passed", "failed", "unmeasured"]
Text = Annotated[str, Query(max_length=300)]


class Filter(NamedTuple):
    """Empty words leave everything in. With a criterion, the outcome is the one on that criterion."""

    criterion: str = ""
    topic: str = ""
    style: str = ""
    outcome: Outcome = ""
    reason: str = ""
    """Why it could not be measured."""

    def query(self, **changes: str) -> str:
        """``?criterion=CQ7&outcome=failed``, with what is empty left out; an empty text when all is."""
        wanted = {name: value for name, value in (self._asdict() | changes).items() if value}
        return f"?{urlencode(wanted)}" if wanted else ""

    def rows(self, result: Result) -> tuple[Row, ...]:
        """The answers in question: where a gate failed, then what failed, was not measured, passed."""
        found = [row for row in result.lines if self._holds(row, result.rubric)]
        worst = [False, None, True]
        return tuple(
            sorted(found, key=lambda row: (not row.score.gate_failed, worst.index(row.score.passed)))
        )

    def _holds(self, row: Row, rubric: Rubric) -> bool:
        scenario = row.scenario
        return (
            self.topic in {"", scenario.topic}
            and self.style in {"", scenario.style}
            and self.outcome in {"", outcome(row, rubric, self.criterion)}
            and (not self.reason or (row.score.unmeasured and why_unmeasured(row) == self.reason))
        )


def wanted(
    criterion: Text = "", topic: Text = "", style: Text = "", outcome: Outcome = "", reason: Text = ""
) -> Filter:
    return Filter(criterion, topic, style, outcome, reason)


Wanted = Annotated[Filter, Depends(wanted)]


def outcome(row: Row, rubric: Rubric, criterion: str = "") -> Outcome:
    """What became of an answer, as a whole or on one criterion."""
    if not criterion:
        return _word(failed=None if row.score.passed is None else not row.score.passed)
    given = verdicts(row).get(criterion)
    if given is None or criterion not in rubric.ids:
        return "unmeasured"
    return _word(failed=not_met(given.verdict, rubric.criterion(criterion)))


def _word(*, failed: bool | None) -> Outcome:
    if failed is None:
        return "unmeasured"
    return "failed" if failed else "passed"


def verdicts(row: Row) -> dict[str, CriterionVerdict]:
    """The verdict that counts, by criterion: the last."""
    return {verdict.criterion: verdict for verdict in row.assessment.verdicts}


class Failing(NamedTuple):
    """A criterion that an answer does not meet."""

    criterion: str
    gate: bool
    reason: str
    """Empty for a held-out scenario."""


class Listed(NamedTuple):
    """An answer in a list. Of a held-out scenario nothing is quoted."""

    scenario_id: str
    topic: str
    style: str
    edge_case: bool
    held_out: bool
    outcome: Outcome
    """Of the answer as a whole."""
    unmeasured: str
    """Why it has no measurement; empty where it has one."""
    not_met: tuple[Failing, ...]
    message: str
    answer: str


def listed(row: Row, rubric: Rubric) -> Listed:
    scenario = row.scenario
    quoted = not scenario.held_out
    return Listed(
        scenario_id=scenario.id,
        topic=scenario.topic,
        style=scenario.style,
        edge_case=scenario.edge_case,
        held_out=scenario.held_out,
        outcome=outcome(row, rubric),
        unmeasured=why_unmeasured(row) if row.score.unmeasured else "",
        not_met=tuple(
            Failing(name, name in rubric.gates, verdict.reason if quoted else "")
            for name, verdict in in_order(verdicts(row), rubric)
            if outcome(row, rubric, name) == "failed"
        ),
        message=excerpt(scenario.message) if quoted else "",
        answer=excerpt(row.answer.text) if quoted else "",
    )


def in_order(given: dict[str, CriterionVerdict], rubric: Rubric) -> list[tuple[str, CriterionVerdict]]:
    """Gates first, then in the rubric's order."""
    ordered: Sequence[str] = sorted(rubric.ids, key=lambda name: name not in rubric.gates)
    return [(name, given[name]) for name in ordered if name in given]


def excerpt(text: str) -> str:
    folded = " ".join(text[: 20 * EXCERPT_CHARACTERS].split())
    if len(folded) <= EXCERPT_CHARACTERS:
        return folded
    return folded[:EXCERPT_CHARACTERS].rsplit(" ", 1)[0] + " …"
