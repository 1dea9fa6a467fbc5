"""What the rows tell beside passed and failed: what is held out, length and speed, the judge's cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from tools.evaluation import Answer
from tools.rows import Row


class HeldOut(NamedTuple):
    """Scenarios kept for judging a later fine-tune."""

    scenarios: int
    measured: int
    passed: int


class JudgeCost(NamedTuple):
    """What judging these rows cost; the preflight is not in it. Tokens are None where no server told."""

    answers: int
    calls: int
    sent: int | None
    """Tokens of all prompts."""
    cached: int | None
    """Of ``sent``, those that the server had kept from an earlier prompt; None where a call does not tell."""
    written: int | None
    seconds: float
    """Wall time of the calls, summed; calls that ran side by side count each."""

    @property
    def evaluated(self) -> int | None:
        """Tokens that the server really read."""
        return None if self.sent is None or self.cached is None else self.sent - self.cached


class Split(NamedTuple):
    """One number of the answers that passed and of those that failed."""

    passed: tuple[float, ...]
    failed: tuple[float, ...]


def held_out(rows: Iterable[Row]) -> HeldOut:
    kept = [row for row in rows if row.scenario.held_out]
    measured = [row for row in kept if not row.score.unmeasured]
    return HeldOut(len(kept), len(measured), sum(row.score.passed is True for row in measured))


def words(answer: Answer) -> float:
    """Words of an answer, apart by white space."""
    return float(len(answer.text.split()))


def seconds(answer: Answer) -> float | None:
    return answer.seconds


def first_token(answer: Answer) -> float | None:
    return answer.first_token_seconds


def split(rows: Iterable[Row], measure: Callable[[Answer], float | None]) -> Split:
    """``measure`` of the measured answers that have it."""
    passed: list[float] = []
    failed: list[float] = []
    for row in rows:
        value = None if row.score.unmeasured else measure(row.answer)
        if value is not None:
            (passed if row.score.passed else failed).append(value)
    return Split(tuple(passed), tuple(failed))


def judge_cost(rows: Iterable[Row]) -> JudgeCost | None:
    """The sum over the assessments; None when none of them says what it cost."""
    used = [row.assessment.usage for row in rows if row.assessment.usage is not None]
    if not used:
        return None
    told = all(usage.cached_tokens is not None for usage in used if usage.prompt_tokens is not None)
    return JudgeCost(
        answers=len(used),
        calls=sum(usage.calls for usage in used),
        sent=_sum(usage.prompt_tokens for usage in used),
        cached=_sum(usage.cached_tokens for usage in used) if told else None,
        written=_sum(usage.completion_tokens for usage in used),
        seconds=sum(usage.seconds for usage in used),
    )


def _sum(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
