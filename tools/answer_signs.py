"""Signs of trouble in the answers, counted, and what length and speed have to do with passing."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import quantiles
from typing import NamedTuple

from tools.evaluation import AnswerOutcome, SignKind
from tools.rows import Row
from tools.statistics import Interval, wilson

SETUP_SHARE = 0.1
"""Share of the answers from which a sign speaks of the set-up and no longer of the model."""
FEWEST_FOR_SETUP = 2
FEWEST_SAME = 3

_OF_THE_SETUP = {
    SignKind.TEMPLATE_LEAKAGE: (
        "Template tokens stand in {0}: check the chat template before believing any rate."
    ),
    SignKind.THINKING_LEAKAGE: (
        "Thinking stands in {0}: check the template and whether thinking is switched off."
    ),
    SignKind.REPETITION_LOOP: (
        "{0} run in a loop: check template, stop tokens and quantization, and the temperature."
    ),
    SignKind.ECHO: "{0} begin by repeating the message: check the chat template.",
    SignKind.WRONG_LANGUAGE: (
        "{0} are in another language than the message: name the language in the system prompt."
    ),
    SignKind.TO_THE_JUDGE: (
        "{0} speak to the judge instead of the person: read them before believing the rate, and label some."
    ),
}
_OF_THE_OUTCOME = {
    AnswerOutcome.EMPTY: "{0} are empty: check the template and whether thinking eats the token limit.",
    AnswerOutcome.TRUNCATED: "{0} are cut off: allow more tokens for an answer.",
    AnswerOutcome.TIMEOUT: "{0} ran out of time: allow more seconds, or ask fewer at once.",
}


class SignCount(NamedTuple):
    """Answers that show one kind of sign."""

    kind: SignKind
    answers: int
    of: int
    """All answers that hold text."""
    passed: int
    measured: int
    interval: Interval | None
    """Wilson, 95 %, of the pass rate among the measured ones; None when there is none."""
    scenario_ids: tuple[str, ...]
    """Those that are not held out."""

    @property
    def share(self) -> float:
        return self.answers / self.of


class Spread(NamedTuple):
    """Quartiles of a quantity."""

    low: float
    median: float
    high: float


class LengthAndSpeed(NamedTuple):
    """How long answers were and how long they took."""

    outcome: str
    """``passed`` or ``failed``."""
    answers: int
    words: Spread
    seconds: Spread | None
    """Wall time of the call; None where it was not recorded."""
    tokens_a_second: Spread | None


class Asked(NamedTuple):
    """Answers that reached their token limit."""

    again: int
    """Asked once more with a larger limit."""
    mended: int
    """Of those, the ones that came back whole."""
    truncated: int
    """Cut off in the end."""


class Signs(NamedTuple):
    """Everything that is counted about answers beside their verdicts."""

    counts: tuple[SignCount, ...] = ()
    """Most frequent first."""
    lengths: tuple[LengthAndSpeed, ...] = ()
    """Of passed and of failed answers."""
    asked: Asked = Asked(0, 0, 0)
    setup_problems: tuple[str, ...] = ()
    """What looks wrong with the set-up rather than with the model, in sentences with the next step."""


def answer_signs(rows: Sequence[Row]) -> Signs:
    """Counts over the rows; nothing here changes whether an answer passed."""
    again = [row for row in rows if row.answer.asked > 1]
    counts = _counts(rows)
    return Signs(
        counts=counts,
        lengths=tuple(
            found for passed in (True, False) if (found := _lengths(rows, passed=passed)) is not None
        ),
        asked=Asked(
            len(again),
            sum(row.answer.outcome is AnswerOutcome.ANSWERED for row in again),
            sum(row.answer.outcome is AnswerOutcome.TRUNCATED for row in rows),
        ),
        setup_problems=_setup_problems(rows, counts),
    )


def _counts(rows: Sequence[Row]) -> tuple[SignCount, ...]:
    holding: dict[SignKind, list[Row]] = {}
    for row in rows:
        for kind in {sign.kind for sign in row.answer.signs}:
            holding.setdefault(kind, []).append(row)
    said = sum(bool(row.answer.text or row.answer.signs) for row in rows)
    return tuple(
        _count(kind, holding[kind], said) for kind in sorted(holding, key=lambda k: -len(holding[k]))
    )


def _count(kind: SignKind, rows: Sequence[Row], said: int) -> SignCount:
    measured = [row for row in rows if not row.score.unmeasured]
    passed = sum(row.score.passed is True for row in measured)
    return SignCount(
        kind=kind,
        answers=len(rows),
        of=said,
        passed=passed,
        measured=len(measured),
        interval=wilson(passed, len(measured)) if measured else None,
        scenario_ids=tuple(row.scenario.id for row in rows if not row.scenario.held_out),
    )


def _lengths(rows: Sequence[Row], *, passed: bool) -> LengthAndSpeed | None:
    answers = [row.answer for row in rows if row.score.passed is passed]
    if not answers:
        return None
    speeds = [
        a.completion_tokens / a.seconds for a in answers if a.completion_tokens is not None and a.seconds
    ]
    words = _spread([len(answer.text.split()) for answer in answers])
    assert words is not None
    return LengthAndSpeed(
        outcome="passed" if passed else "failed",
        answers=len(answers),
        words=words,
        seconds=_spread([a.seconds for a in answers if a.seconds is not None]),
        tokens_a_second=_spread(speeds),
    )


def _spread(values: Sequence[float]) -> Spread | None:
    if not values:
        return None
    if len(values) == 1:
        return Spread(values[0], values[0], values[0])
    return Spread(*quantiles(values, n=4, method="inclusive"))


def _setup_problems(rows: Sequence[Row], counts: Sequence[SignCount]) -> tuple[str, ...]:
    found = {count.kind: count for count in counts}
    said = []
    for kind, sentence in _OF_THE_SETUP.items():
        if kind in found and found[kind].share >= SETUP_SHARE:
            said += _sentence(sentence, found[kind].answers, found[kind].of)
    for outcome, sentence in _OF_THE_OUTCOME.items():
        times = sum(row.answer.outcome is outcome for row in rows)
        if times >= SETUP_SHARE * len(rows):
            said += _sentence(sentence, times, len(rows))
    return (*said, *_same_again(rows))


def _same_again(rows: Sequence[Row]) -> list[str]:
    """One text as the answer to many different messages: an echo of the set-up, not of the messages."""
    messages: dict[str, set[str]] = {}
    for row in rows:
        if row.answer.text.strip():
            messages.setdefault(row.answer.text.strip(), set()).add(row.scenario.message.strip())
    most = max(map(len, messages.values()), default=0)
    if most < max(FEWEST_SAME, SETUP_SHARE * len(rows)):
        return []
    return [
        f"{most} different messages got the same answer, word for word: read it, and check that the message "
        "reaches the model at all."
    ]


def _sentence(sentence: str, times: int, n: int) -> list[str]:
    if times < FEWEST_FOR_SETUP:
        return []
    return [sentence.format(f"{times} of {n} answers ({times / n:.0%})")]
