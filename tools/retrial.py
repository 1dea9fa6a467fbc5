"""Failed answers once more: could a better prompt have done it, was it luck, or can the model not?

An answer that failed may pass when it is asked for again, by luck of the draw: answers chosen for having
failed do better the second time whatever is changed (Galton, "Regression towards mediocrity in hereditary
stature", Journal of the Anthropological Institute 15 (1886)). So each scenario is run twice more: with the
same prompt and another seed (repeated, the control), and with the improved prompt (reprompted). Only the
difference of the two speaks for the prompt. It is an estimate for failed answers alone: what passed was not
run again, so no pass rate of all scenarios under the improved prompt follows from it, and none is given.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from tools.better_prompt import accept_prompt, improved_prompt, improvement_request
from tools.paired import PairedComparison, compare_paired
from tools.rows import Row, cases_by_criterion
from tools.rubric import Rubric
from tools.statistics import Interval, wilson
from tools.wording import Rejection

__all__ = [
    "CriterionRetrial",
    "Passes",
    "Rejection",
    "Retrial",
    "RetrialVerdict",
    "accept_prompt",
    "build_retrial",
    "improved_prompt",
    "improvement_request",
    "retry_ids",
]

MOST_RETRIED = 20
MANY = 0.25
"""Passes are many when their interval lies over this share, and nearly none when it lies under it."""
FEWEST = 12
"""With fewer retried answers not even no pass at all would be nearly none."""
LIKELY_CHANCE = 0.05
"""p value from which a difference may be chance."""


class RetrialVerdict(StrEnum):
    """What the second runs say of the failures."""

    PROMPT_COULD = "the prompt could"
    MODEL_CANNOT = "the model cannot"
    LUCK = "luck"
    NOT_CLEAR = "not clear"


class Passes(BaseModel):
    """How the failed scenarios ended in one of the two runs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    passed: int
    measured: int
    unmeasured: int
    """Run and not measured, or not run."""
    interval: Interval | None
    """Wilson, 95 %, of the share that passed; None when nothing was measured."""


class CriterionRetrial(BaseModel):
    """What became of one criterion's failures."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    criterion: str
    failed: int
    """Answers of the first run that failed it, and were assessed on it in both further runs."""
    gone_repeated: int
    """Of those, the ones that met it when only the seed was another."""
    gone_reprompted: int
    """Of those, the ones that met it with the improved prompt."""


class Retrial(BaseModel):
    """Failed answers run again with the same prompt and with an improved one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    failed: int
    """Failed answers of the first run that could have been retried: measured, not held out."""
    n: int
    """Those that were."""
    repeated: Passes
    """Same prompt, another seed."""
    reprompted: Passes
    """Improved prompt."""
    paired: PairedComparison | None
    """Repeated first, reprompted second, where both were measured; None where none was."""
    criteria: tuple[CriterionRetrial, ...]
    """Those that failed, in the rubric's order."""
    verdict: RetrialVerdict
    sentence: str
    """The verdict with its numbers, and what it doesn't say."""
    prompt: str
    """The improved system prompt."""


def retry_ids(rows: Sequence[Row], limit: int = MOST_RETRIED, seed: int = 0) -> tuple[str, ...]:
    """Scenarios to run again, drawn at random from the failed ones that are measured and not held out.

    In the order of ``rows``. The draw depends on ``seed`` and the identifiers alone.
    """
    failed = [row.scenario.id for row in _failed(rows)]
    drawn = set(sorted(failed, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())[:limit])
    return tuple(name for name in failed if name in drawn)


def build_retrial(
    first: Sequence[Row], repeated: Sequence[Row], reprompted: Sequence[Row], prompt: str, rubric: Rubric
) -> Retrial:
    """What the further runs say. ``prompt`` is the improved one.

    Scenarios count that failed in ``first`` as it is judged now: where another judge has judged it since,
    some of those that were run again may have passed. Held-out ones never count.
    """
    failed = {row.scenario.id: row for row in _failed(first)}
    again, better = (
        {row.scenario.id: row for row in rows if row.scenario.id in failed} for rows in (repeated, reprompted)
    )
    retried = [name for name in failed if name in again or name in better]
    both = [name for name in retried if _measured(again.get(name)) and _measured(better.get(name))]
    paired = compare_paired([(again[n].score.passed is True, better[n].score.passed is True) for n in both])
    repetition, reprompting = _passes(again, len(retried)), _passes(better, len(retried))
    verdict = _verdict(repetition, reprompting, paired)
    return Retrial(
        failed=len(failed),
        n=len(retried),
        repeated=repetition,
        reprompted=reprompting,
        paired=paired,
        criteria=_criteria([failed[name] for name in retried], again, better, rubric),
        verdict=verdict,
        sentence=_sentence(verdict, len(failed), len(retried), repetition, reprompting, paired),
        prompt=prompt,
    )


def _failed(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.score.passed is False and not row.scenario.held_out]


def _measured(row: Row | None) -> bool:
    return row is not None and not row.score.unmeasured


def _passes(rows: Mapping[str, Row], retried: int) -> Passes:
    measured = [row for row in rows.values() if not row.score.unmeasured]
    passed = sum(row.score.passed is True for row in measured)
    return Passes(
        passed=passed,
        measured=len(measured),
        unmeasured=retried - len(measured),
        interval=wilson(passed, len(measured)) if measured else None,
    )


def _verdict(repeated: Passes, reprompted: Passes, paired: PairedComparison | None) -> RetrialVerdict:
    if paired is None or repeated.interval is None or reprompted.interval is None:
        return RetrialVerdict.NOT_CLEAR
    if paired.difference > 0 and paired.p_value < LIKELY_CHANCE:
        return RetrialVerdict.PROMPT_COULD
    if repeated.interval.low > MANY:
        return RetrialVerdict.LUCK
    if reprompted.interval.high < MANY:
        return RetrialVerdict.MODEL_CANNOT
    return RetrialVerdict.NOT_CLEAR


def _criteria(
    first: Sequence[Row], again: Mapping[str, Row], better: Mapping[str, Row], rubric: Rubric
) -> tuple[CriterionRetrial, ...]:
    before, repeated, reprompted = (
        _failures(rows, rubric) for rows in (first, list(again.values()), list(better.values()))
    )
    found = []
    for name in rubric.ids:
        failed = [one for one, wrong in before[name].items() if wrong]
        known = [one for one in failed if one in repeated[name] and one in reprompted[name]]
        if failed:
            gone = [sum(not run[name][one] for one in known) for run in (repeated, reprompted)]
            found.append(
                CriterionRetrial(
                    criterion=name, failed=len(known), gone_repeated=gone[0], gone_reprompted=gone[1]
                )
            )
    return tuple(found)


def _failures(rows: Sequence[Row], rubric: Rubric) -> dict[str, dict[str, bool]]:
    """Criterion → scenario → whether it failed, where that is known."""
    return {
        name: {rows[case.position].scenario.id: case.failed for case in cases}
        for name, cases in cases_by_criterion(rows, rubric).items()
    }


def _sentence(
    verdict: RetrialVerdict,
    failed: int,
    n: int,
    repeated: Passes,
    reprompted: Passes,
    paired: PairedComparison | None,
) -> str:
    if not n:
        return "No failed answer was run again."
    counts = (
        f"Of {failed} failed answers {n} were run again. With the same prompt and another seed "
        f"{_counted(repeated)}, with the improved prompt {_counted(reprompted)}."
    )
    if paired is not None:
        counts += (
            f" Over the {paired.n} measured in both, the difference has p = {paired.p_value:.2g} (McNemar)."
        )
    meaning = _MEANING[verdict]
    if verdict is RetrialVerdict.NOT_CLEAR and reprompted.measured < FEWEST:
        meaning += f" Fewer than {FEWEST} were measured, too few to tell."
    if paired is not None and paired.difference < 0 and paired.p_value < LIKELY_CHANCE:
        meaning += " Fewer pass with the changed prompt: it is no improvement."
    return f"{counts} {meaning} {_CAUTION}"


_MEANING = {
    RetrialVerdict.PROMPT_COULD: (
        "The prompt could: clearly more pass with the improved prompt than by repetition. Evaluate all "
        "scenarios with it before any fine-tuning."
    ),
    RetrialVerdict.MODEL_CANNOT: (
        "The model cannot: with the improved prompt nearly none passes either. Another prompt may still do "
        "better; this one says what the criteria ask for, and that was not enough."
    ),
    RetrialVerdict.LUCK: (
        "Luck: many pass when they are merely asked again, so that a single answer says little. Lower the "
        "temperature, or ask each scenario more than once."
    ),
    RetrialVerdict.NOT_CLEAR: "It is not clear whether a better prompt would help.",
}
_CAUTION = (
    "This is said of failed answers alone. What passed was not run again and may fail under another prompt, "
    "so no pass rate of all scenarios follows from it."
)


def _counted(passes: Passes) -> str:
    said = f"{passes.passed} of {passes.measured} passed"
    if passes.interval is not None:
        said += f" (95 % interval {passes.interval.low:.0%} to {passes.interval.high:.0%})"
    return f"{said} and {passes.unmeasured} could not be measured" if passes.unmeasured else said
