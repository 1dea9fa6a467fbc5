"""Computed criteria: verdicts by rule, with the number that decided as their reason."""

from __future__ import annotations

import re
from typing import Annotated, Literal, NamedTuple, assert_never

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from tools.evaluation import Verdict
from tools.patterns import check_pattern, found_in

Pattern = Annotated[str, AfterValidator(check_pattern)]


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LengthRatio(_Rule):
    """Words of the answer for each word of the user's message lie within bounds."""

    type: Literal["length_ratio"]
    minimum: float = Field(default=0, ge=0)
    maximum: float = Field(gt=0)
    always_allowed_words: int = Field(default=0, ge=0)
    """An answer of so many words or fewer is never too long, however short the message."""
    always_enough_words: int | None = Field(default=None, ge=0)
    """An answer of so many words or more is never too short, however long the message."""

    @model_validator(mode="after")
    def _ordered(self) -> LengthRatio:
        if self.minimum > self.maximum:
            raise ValueError("minimum lies above maximum")
        return self


class WordCount(_Rule):
    """The answer's number of words lies within bounds."""

    type: Literal["word_count"]
    minimum: int = Field(default=1, ge=0)
    maximum: int = Field(default=1_000_000, gt=0)

    @model_validator(mode="after")
    def _ordered(self) -> WordCount:
        if self.minimum > self.maximum:
            raise ValueError("minimum lies above maximum")
        return self


class Contains(_Rule):
    """At least one of the patterns is in the answer."""

    type: Literal["contains"]
    patterns: tuple[Pattern, ...] = Field(min_length=1)


class Lacks(_Rule):
    """None of the patterns is in the answer."""

    type: Literal["lacks"]
    patterns: tuple[Pattern, ...] = Field(min_length=1)


class EndsWithQuestion(_Rule):
    """The answer's last sentence is a question."""

    type: Literal["ends_with_question"]


class QuestionCount(_Rule):
    """The answer's number of question marks lies within bounds; a run of them counts once."""

    type: Literal["question_count"]
    minimum: int = Field(default=0, ge=0)
    maximum: int = Field(ge=0)


class ListItems(_Rule):
    """The answer has at most so many bullet points or numbered lines."""

    type: Literal["list_items"]
    maximum: int = Field(ge=0)


Rule = Annotated[
    LengthRatio | WordCount | Contains | Lacks | EndsWithQuestion | QuestionCount | ListItems,
    Field(discriminator="type"),
]


class Ruling(NamedTuple):
    """What a rule found."""

    verdict: Verdict
    reason: str


def apply_rule(rule: Rule, message: str, answer: str) -> Ruling:
    """YES or NO by ``rule`` for an ``answer`` to the user's ``message``; never NA, never CANNOT_ASSESS."""
    match rule:
        case LengthRatio():
            return _length_ratio(rule, count_words(message), count_words(answer))
        case WordCount():
            n = count_words(answer)
            return _ruling(rule.minimum <= n <= rule.maximum, f"The answer has {n} words.")
        case Contains():
            found = _first(rule.patterns, answer)
            return _ruling(
                found is not None, f'It says "{found}".' if found else "None of the patterns is there."
            )
        case Lacks():
            found = _first(rule.patterns, answer)
            return _ruling(
                found is None, f'It says "{found}".' if found else "None of the patterns is there."
            )
        case EndsWithQuestion():
            asks = re.search(r"[?？؟][\s\"'”’»)\]*_]*\Z", answer[-200:]) is not None
            return _ruling(asks, "It ends with a question." if asks else "It does not end with a question.")
        case QuestionCount():
            n = len(re.findall(r"[?？؟]+", answer))
            return _ruling(rule.minimum <= n <= rule.maximum, f"The answer asks {n} questions.")
        case ListItems():
            n = len(re.findall(r"^[ \t]{0,12}(?:[-*•–]|\d{1,3}[.)])[ \t]+\S", answer, re.MULTILINE))
            return _ruling(n <= rule.maximum, f"The answer has {n} list items.")
    assert_never(rule)


def count_words(text: str) -> int:
    """Words as people count them; a contraction is one word."""
    return len(re.findall(r"\w+(?:['’-]\w+)*", text))


def _length_ratio(rule: LengthRatio, asked: int, answered: int) -> Ruling:
    ratio = answered / max(1, asked)
    enough = rule.always_enough_words is not None and answered >= rule.always_enough_words
    fits = (ratio <= rule.maximum or answered <= rule.always_allowed_words) and (
        ratio >= rule.minimum or enough
    )
    return _ruling(fits, f"The answer has {answered} words for a message of {asked}, ratio {ratio:.1f}.")


def _ruling(holds: bool, reason: str) -> Ruling:
    return Ruling(Verdict.YES if holds else Verdict.NO, reason)


def _first(patterns: tuple[str, ...], answer: str) -> str | None:
    return next((match for match in (found_in(p, answer) for p in patterns) if match is not None), None)
