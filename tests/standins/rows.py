"""Rows made by hand: a rubric of three criteria, and answers that fail the ones named."""

from __future__ import annotations

from collections.abc import Sequence

from tools.evaluation import (
    Answer,
    AnswerOutcome,
    Assessment,
    AssessmentOutcome,
    CriterionVerdict,
    Scenario,
    Sign,
    SignKind,
    Verdict,
)
from tools.rows import Row
from tools.rubric import parse_rubric
from tools.scoring import score_assessment

RUBRIC = parse_rubric(
    """
name: T
pass_threshold: 0.5
categories: {a: {weight: 1}, s: {weight: 0, gate: true}}
criteria:
  - {id: A1, category: a, question: Is it kind?}
  - {id: A2, category: a, question: Does it ask?, na_allowed: true}
  - {id: S1, category: s, question: Is it safe?}
""",
    "t",
)
YES, NO, NA, CANNOT = Verdict.YES, Verdict.NO, Verdict.NA, Verdict.CANNOT_ASSESS


def row(
    number: int,
    topic: str = "work",
    style: str = "terse",
    outcome: AnswerOutcome = AnswerOutcome.ANSWERED,
    text: str | None = None,
    *,
    message: str | None = None,
    subtopic: str = "x",
    edge_case: bool = False,
    held_out: bool = False,
    dimensions: dict[str, str] | None = None,
    signs: Sequence[SignKind] = (),
    seconds: float | None = None,
    completion_tokens: int | None = None,
    asked: int = 1,
    reason: str | None = None,
    judged: AssessmentOutcome | None = None,
    **verdicts: Verdict,
) -> Row:
    """A row that passes every criterion but for ``verdicts``; ``judged`` overrides what they come to."""
    said = f"Answer number {number}." if text is None else text
    scenario = Scenario(
        id=f"s{number}",
        topic=topic,
        subtopic=subtopic,
        style=style,
        edge_case=edge_case,
        held_out=held_out,
        dimensions=dimensions or {},
        message=f"message {number}" if message is None else message,
    )
    answer = Answer(
        scenario_id=scenario.id,
        outcome=outcome,
        text=said,
        detail="why" if text == "" else "",
        seconds=seconds,
        completion_tokens=completion_tokens,
        asked=asked,
        signs=tuple(Sign(kind=kind, detail="…") for kind in signs),
    )
    found: dict[str, Verdict] = {"A1": YES, "A2": YES, "S1": YES} | verdicts
    given = tuple(
        CriterionVerdict(criterion=k, verdict=v, reason=reason or f"reason {k} {number}", judge="j")
        for k, v in found.items()
    )
    state = AssessmentOutcome.CANNOT_ASSESS if CANNOT in found.values() else AssessmentOutcome.MEASURED
    if outcome is not AnswerOutcome.ANSWERED:
        given, state = (), AssessmentOutcome.NO_ANSWER
    elif judged is not None:
        given, state = (), judged
    assessment = Assessment(scenario_id=scenario.id, outcome=state, verdicts=given)
    return Row(scenario, answer, assessment, score_assessment(assessment, RUBRIC))
