"""Verdicts to scores, with no model: the arithmetic of a rubric, exact.

Rules, in the order in which they are applied:

1. NA where the criterion does not allow it is NO. Where it is allowed it counts as YES when the rubric says
   ``na: counts_as_pass``; else the criterion does not apply.
2. A gate that is NO fails the answer, whatever else is known or unknown: no verdict still missing could make
   it pass. So a failed gate is decisive beside CANNOT_ASSESS too; the score is then None, because it cannot
   be computed, and the answer counts as measured and failed.
3. Otherwise CANNOT_ASSESS or a missing verdict makes the answer unmeasured: neither passed nor failed.
4. Category score: share of YES among its criteria that apply; None when none applies.
5. Score: mean of the category scores weighted by category, over the categories that apply and have a weight.
   When there is no such category (everything NA), there is no score and the answer is unmeasured.
6. An answer passes when its exact score is not below the threshold. Only what is shown is rounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict

from tools.evaluation import Assessment, Verdict
from tools.faults import WrongUse
from tools.rubric import NotApplicable, Rubric
from tools.scenario_files import read_lines, read_object
from tools.statistics import Interval, wilson
from tools.yaml_lines import did_you_mean, wrong

DECIMALS = 4


class Score(BaseModel):
    """What a rubric makes of the verdicts on one answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    score: float | None
    """0 to 1, rounded to 4 decimals; None when a verdict is missing or nothing applies."""
    passed: bool | None
    """None exactly when the answer is unmeasured."""
    gate_failed: tuple[str, ...] = ()
    """Gates that failed, in the rubric's order."""
    unmeasured: bool
    categories: dict[str, float | None]
    """Share of YES a category, rounded; None when it does not apply or a verdict of its own is missing."""


class ScoreRow(NamedTuple):
    """One line of ``bms score``."""

    id: str
    score: Score

    def record(self) -> dict[str, Any]:
        """The contract's fields: id, score, passed, gate_failed, unmeasured, categories."""
        return {"id": self.id} | self.score.model_dump(mode="json")


class ScoreSummary(NamedTuple):
    """Scores taken together; the rate is over the measured ones."""

    answers: int
    measured: int
    unmeasured: int
    passed: int
    gate_failures: int
    pass_rate: float | None
    interval: Interval | None
    """Wilson, 95 %."""


def score(verdicts: Mapping[str, Verdict], rubric: Rubric) -> Score:
    """The score of one answer by the rules above. WrongUse for a verdict on a criterion the rubric lacks."""
    for identifier in verdicts:
        if identifier not in rubric.ids:
            hint = did_you_mean(identifier, rubric.ids)
            raise WrongUse(f'The rubric "{rubric.name}" has no criterion "{identifier}".', hint)
    counted = {c.id: _counted(verdicts.get(c.id), c.na_allowed, rubric.na) for c in rubric.criteria}
    gate_failed = tuple(i for i in rubric.ids if i in rubric.gates and counted[i] is Verdict.NO)
    shares = {
        name: _share([counted[c.id] for c in rubric.criteria if c.category == name])
        for name in rubric.categories
    }
    unknown = any(verdict is Verdict.CANNOT_ASSESS for verdict in counted.values())
    total = None if unknown else _weighted_mean(shares, rubric)
    if gate_failed:
        passed: bool | None = False
    elif total is None:
        passed = None
    else:
        passed = total >= Fraction(str(rubric.pass_threshold))
    return Score(
        score=_rounded(total),
        passed=passed,
        gate_failed=gate_failed,
        unmeasured=passed is None,
        categories={name: _rounded(share) for name, share in shares.items()},
    )


def score_assessment(assessment: Assessment, rubric: Rubric) -> Score:
    """The score of an assessment; verdicts that are not there leave it unmeasured unless a gate failed."""
    return score({verdict.criterion: verdict.verdict for verdict in assessment.verdicts}, rubric)


def unmeasured(rubric: Rubric) -> Score:
    """The score of an answer on which there is no verdict."""
    return score({}, rubric)


def score_file(path: str | Path, rubric: Rubric) -> Iterator[ScoreRow]:
    """A score for each line ``{"id": …, "verdicts": {"CQ1": "YES", …}}``.

    WrongUse names the bad line, or says that there is none.
    """
    name = Path(path).name
    seen: dict[str, int] = {}
    for number, raw in read_lines(Path(path)):
        record = read_object(raw, name, number)
        identifier = record.get("id")
        if isinstance(identifier, int) and not isinstance(identifier, bool):
            identifier = str(identifier)
        if not isinstance(identifier, str) or not identifier.strip():
            wrong(name, number, '"id" must be text.')
        if identifier in seen:
            wrong(name, number, f'the id "{identifier}" stands in line {seen[identifier]} already.')
        seen[identifier] = number
        yield ScoreRow(identifier, score(_verdicts(record.get("verdicts"), rubric, name, number), rubric))
    if not seen:
        raise WrongUse(
            f"{name} holds no verdicts.", 'Each line is an object with "id" and "verdicts"; see `bms judge`.'
        )


def summarise(scores: Iterable[Score]) -> ScoreSummary:
    """Counts, pass rate and its interval, recomputed from the scores."""
    rows = list(scores)
    measured = [row for row in rows if not row.unmeasured]
    passed = sum(row.passed is True for row in measured)
    n = len(measured)
    return ScoreSummary(
        answers=len(rows),
        measured=n,
        unmeasured=len(rows) - n,
        passed=passed,
        gate_failures=sum(bool(row.gate_failed) for row in rows),
        pass_rate=passed / n if n else None,
        interval=wilson(passed, n) if n else None,
    )


def _counted(verdict: Verdict | None, na_allowed: bool, na: NotApplicable) -> Verdict:
    """The verdict as it counts; CANNOT_ASSESS for a missing one."""
    if verdict is None:
        return Verdict.CANNOT_ASSESS
    if verdict is not Verdict.NA:
        return verdict
    if not na_allowed:
        return Verdict.NO
    return Verdict.YES if na is NotApplicable.COUNTS_AS_PASS else Verdict.NA


def _share(verdicts: list[Verdict]) -> Fraction | None:
    applicable = [verdict for verdict in verdicts if verdict is not Verdict.NA]
    if not applicable or Verdict.CANNOT_ASSESS in applicable:
        return None
    return Fraction(applicable.count(Verdict.YES), len(applicable))


def _weighted_mean(shares: Mapping[str, Fraction | None], rubric: Rubric) -> Fraction | None:
    weights = {name: Fraction(str(category.weight)) for name, category in rubric.categories.items()}
    applying = {name: share for name, share in shares.items() if share is not None and weights[name] > 0}
    if not applying:
        return None
    total = sum((weights[name] * share for name, share in applying.items()), Fraction())
    return total / sum((weights[name] for name in applying), Fraction())


def _rounded(value: Fraction | None) -> float | None:
    return None if value is None else round(float(value), DECIMALS)


def _verdicts(given: Any, rubric: Rubric, name: str, number: int) -> dict[str, Verdict]:
    if not isinstance(given, dict):
        wrong(name, number, '"verdicts" must be an object of criterion and verdict.')
    verdicts: dict[str, Verdict] = {}
    for identifier, word in given.items():
        if identifier not in rubric.ids:
            hint = did_you_mean(identifier, rubric.ids)
            wrong(name, number, f'the rubric has no criterion "{identifier}".', hint)
        if word not in list(Verdict):
            words = ", ".join(Verdict)
            wrong(
                name, number, f"{str(word)[:40]!r} on {identifier} is not a verdict.", f"Use one of {words}."
            )
        verdicts[identifier] = Verdict(word)
    return verdicts
