"""Computed criteria: verdicts by rule, with the number that decided as their reason.

A criterion of ``kind: computed`` has a ``rule`` with a ``type`` and that type's fields; each class below
shows its own. Patterns are regular expressions, letter case and white space folded, bounded as
:mod:`tools.patterns` says.
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from tools.evaluation import Verdict
from tools.languages import alike, known_languages, language_of
from tools.patterns import check_pattern, found_in
from tools.prose import code_blocks, paragraphs, sentences, words
from tools.readability import NotMeasured, flesch_kincaid, lix

MAX_JSON_CHARACTERS = 200_000
EDGE = 400
"""Characters at the beginning and the end of an answer in which ``starts_with`` and ``ends_with`` look."""

_FENCES = ("```", "~~~")
_LIST_ITEM = re.compile(r"^[ \t]{0,12}(?:[-*•–]|\d{1,3}[.)])[ \t]+\S", re.MULTILINE)


def verdict_word(value: Any) -> Any:
    """YAML reads YES and NO as true and false; letter case does not matter."""
    if isinstance(value, bool):
        return "YES" if value else "NO"
    return value.upper() if isinstance(value, str) else value


def _known_language(code: str) -> str:
    known = known_languages()
    if code not in known:
        raise ValueError(f"{code!r} is not a language that can be recognised; known are {', '.join(known)}")
    return code


VerdictWord = Annotated[Verdict, BeforeValidator(verdict_word)]
Pattern = Annotated[str, AfterValidator(check_pattern)]
LanguageCode = Annotated[str, AfterValidator(_known_language)]


class Ruling(NamedTuple):
    """What a rule found."""

    verdict: Verdict
    reason: str


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def decide(self, message: str, answer: str) -> Ruling:
        """The verdict on an ``answer`` to the user's ``message``."""
        raise NotImplementedError


class _Bounded(_Rule):
    @model_validator(mode="after")
    def _ordered(self) -> _Bounded:
        low, high = getattr(self, "minimum", None), getattr(self, "maximum", None)
        if low is not None and high is not None and low > high:
            raise ValueError("minimum lies above maximum")
        return self


class _Counted(_Bounded):
    """Something in the answer is counted; the number lies within bounds."""

    counts: ClassVar[str]
    """What is counted, in the plural."""
    minimum: int = Field(default=1, ge=0)
    maximum: int = Field(default=1_000_000, gt=0)

    def count(self, answer: str) -> int:
        raise NotImplementedError

    def decide(self, message: str, answer: str) -> Ruling:
        n = self.count(answer)
        what = self.counts if n != 1 else self.counts[:-1]
        return _ruling(self.minimum <= n <= self.maximum, f"The answer has {n} {what}.")


class _Unsure(_Rule):
    if_unsure: VerdictWord = Verdict.CANNOT_ASSESS
    """Verdict where a text is too short or too mixed. CANNOT_ASSESS leaves the answer unmeasured."""


class LengthRatio(_Bounded):
    """Words of the answer for each word of the user's message lie within bounds.

    ``{type: length_ratio, minimum: 0.2, maximum: 4, always_allowed_words: 120, always_enough_words: 25}``
    """

    type: Literal["length_ratio"]
    minimum: float = Field(default=0, ge=0)
    maximum: float = Field(gt=0)
    always_allowed_words: int = Field(default=0, ge=0)
    """An answer of so many words or fewer is never too long, however short the message."""
    always_enough_words: int | None = Field(default=None, ge=0)
    """An answer of so many words or more is never too short, however long the message."""

    def decide(self, message: str, answer: str) -> Ruling:
        asked, answered = count_words(message), count_words(answer)
        ratio = answered / max(1, asked)
        enough = self.always_enough_words is not None and answered >= self.always_enough_words
        fits = (ratio <= self.maximum or answered <= self.always_allowed_words) and (
            ratio >= self.minimum or enough
        )
        return _ruling(fits, f"The answer has {answered} words for a message of {asked}, ratio {ratio:.1f}.")


class WordCount(_Counted):
    """The answer's number of words lies within bounds: ``{type: word_count, minimum: 20, maximum: 200}``."""

    counts = "words"
    type: Literal["word_count"]
    minimum: int = Field(default=1, ge=0)
    maximum: int = Field(default=1_000_000, gt=0)

    def count(self, answer: str) -> int:
        return count_words(answer)


class SentenceCount(_Counted):
    """The number of sentences lies within bounds, a list item counted as one; code is left out.

    ``{type: sentence_count, minimum: 2, maximum: 6}``
    """

    counts = "sentences"
    type: Literal["sentence_count"]
    minimum: int = Field(default=1, ge=0)
    maximum: int = Field(default=1_000_000, gt=0)

    def count(self, answer: str) -> int:
        return len(sentences(answer))


class ParagraphCount(_Counted):
    """The number of blocks between blank lines: ``{type: paragraph_count, maximum: 3}``."""

    counts = "paragraphs"
    type: Literal["paragraph_count"]
    minimum: int = Field(default=1, ge=0)
    maximum: int = Field(default=1_000_000, gt=0)

    def count(self, answer: str) -> int:
        return len(paragraphs(answer))


class SentenceLength(_Rule):
    """Words of a sentence: ``{type: sentence_length, mean: 18, longest: 40}``; one of the two will do."""

    type: Literal["sentence_length"]
    mean: float | None = Field(default=None, gt=0)
    """Most words of a sentence on average."""
    longest: int | None = Field(default=None, gt=0)
    """Most words of any sentence."""

    @model_validator(mode="after")
    def _says_something(self) -> SentenceLength:
        if self.mean is None and self.longest is None:
            raise ValueError("mean or longest must be given")
        return self

    def decide(self, message: str, answer: str) -> Ruling:
        lengths = [len(words(sentence)) for sentence in sentences(answer)] or [0]
        mean, longest = sum(lengths) / len(lengths), max(lengths)
        fits = (self.mean is None or mean <= self.mean) and (self.longest is None or longest <= self.longest)
        return _ruling(fits, f"Its sentences have {mean:.1f} words on average, the longest {longest}.")


class Contains(_Rule):
    """At least one of the patterns is in the answer, or as many as ``at_least`` says.

    ``{type: contains, patterns: ["crisis line", "emergency"], at_least: 1}``
    """

    type: Literal["contains"]
    patterns: tuple[Pattern, ...] = Field(min_length=1)
    at_least: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _reachable(self) -> Contains:
        if self.at_least > len(self.patterns):
            raise ValueError("at_least is more than there are patterns")
        return self

    def decide(self, message: str, answer: str) -> Ruling:
        found = _found(self.patterns, answer)
        return _ruling(len(found) >= self.at_least, _says(found))


class Lacks(_Rule):
    """None of the patterns is in the answer: ``{type: lacks, patterns: ["as an AI"]}``."""

    type: Literal["lacks"]
    patterns: tuple[Pattern, ...] = Field(min_length=1)

    def decide(self, message: str, answer: str) -> Ruling:
        found = _found(self.patterns, answer)
        return _ruling(not found, _says(found[:1]))


class StartsWith(_Rule):
    """The answer begins with one of the patterns: ``{type: starts_with, patterns: ["dear ", "hello"]}``."""

    type: Literal["starts_with"]
    patterns: tuple[Pattern, ...] = Field(min_length=1)

    def decide(self, message: str, answer: str) -> Ruling:
        text = " ".join(answer[:EDGE].split())
        return _at_edge([rf"\A(?:{pattern})" for pattern in self.patterns], text, "begins")


class EndsWith(_Rule):
    """The answer ends with one of the patterns: ``{type: ends_with, patterns: ["regards,? .{0,40}"]}``."""

    type: Literal["ends_with"]
    patterns: tuple[Pattern, ...] = Field(min_length=1)

    def decide(self, message: str, answer: str) -> Ruling:
        text = " ".join(answer[-EDGE:].split())
        return _at_edge([rf"(?:{pattern})\Z" for pattern in self.patterns], text, "ends")


class EndsWithQuestion(_Rule):
    """The answer's last sentence is a question: ``{type: ends_with_question}``."""

    type: Literal["ends_with_question"]

    def decide(self, message: str, answer: str) -> Ruling:
        asks = re.search(r"[?？؟][\s\"'”’»)\]*_]*\Z", answer[-200:]) is not None
        return _ruling(asks, "It ends with a question." if asks else "It does not end with a question.")


class QuestionCount(_Counted):
    """The answer's number of question marks lies within bounds; a run of them counts once.

    ``{type: question_count, minimum: 1, maximum: 2}``
    """

    counts = "questions"
    type: Literal["question_count"]
    minimum: int = Field(default=0, ge=0)
    maximum: int = Field(ge=0)

    def count(self, answer: str) -> int:
        return len(re.findall(r"[?？؟]+", answer))


class ListItems(_Counted):
    """The number of bullet points and numbered lines: ``{type: list_items, minimum: 0, maximum: 3}``."""

    counts = "list items"
    type: Literal["list_items"]
    minimum: int = Field(default=0, ge=0)
    maximum: int = Field(ge=0)

    def count(self, answer: str) -> int:
        return len(_LIST_ITEM.findall(answer))


class CodeBlocks(_Rule):
    """The answer has fenced code blocks: ``{type: code_block, minimum: 1, language: python}``.

    With ``language`` only blocks count whose fence says so. A block that is never closed does not count.
    """

    type: Literal["code_block"]
    minimum: int = Field(default=1, ge=1)
    language: str = ""

    def decide(self, message: str, answer: str) -> Ruling:
        wanted = self.language.casefold()
        n = sum(block.closed and wanted in {"", block.language} for block in code_blocks(answer))
        named = f" of {self.language}" if self.language else ""
        return _ruling(n >= self.minimum, f"The answer has {n} code block{'s' * (n != 1)}{named}.")


class ValidJson(_Rule):
    """The answer is one JSON value (RFC 8259), alone or in one code block, with these keys at its top.

    ``{type: valid_json, required_keys: [name, amount]}``
    """

    type: Literal["valid_json"]
    required_keys: tuple[str, ...] = ()

    def decide(self, message: str, answer: str) -> Ruling:
        text = answer.strip()
        blocks = code_blocks(text)
        if len(blocks) == 1 and text.startswith(_FENCES) and text.endswith(_FENCES):
            text = blocks[0].text
        if len(text) > MAX_JSON_CHARACTERS:
            return _ruling(False, f"The answer is longer than {MAX_JSON_CHARACTERS:,} characters.")
        try:
            value = json.loads(text, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            return _ruling(False, f"It is not JSON: {str(error)[:120] or 'nested too deeply'}.")
        missing = [key for key in self.required_keys if not isinstance(value, dict) or key not in value]
        return _ruling(not missing, f"It lacks {', '.join(missing)}." if missing else "It is valid JSON.")


class InLanguage(_Unsure):
    """The answer is in the message's language, or in a named one: ``{type: language, language: de}``.

    Recognised as :mod:`tools.languages` says; ``if_unsure`` decides where either cannot be told.
    """

    type: Literal["language"]
    language: LanguageCode | None = None
    """ISO 639-1 code; without it the message's language is wanted."""

    def decide(self, message: str, answer: str) -> Ruling:
        answered = language_of(answer)
        if answered is None:
            return Ruling(self.if_unsure, "The language of the answer could not be told.")
        if self.language is not None:
            title = known_languages()[self.language]
            return _ruling(
                alike(answered.code, self.language), f"It is in {answered.title}; {title} is wanted."
            )
        asked = language_of(message)
        if asked is None:
            return Ruling(self.if_unsure, "The language of the message could not be told.")
        fits = alike(asked.code, answered.code)
        return _ruling(fits, f"The message is in {asked.title}, the answer in {answered.title}.")


class ReadingLevel(_Unsure, _Bounded):
    """The answer is as easy to read as wanted.

    ``{type: reading_level, formula: flesch_kincaid, maximum: 9}``

    ``flesch_kincaid`` is a school grade and for English alone, ``lix`` works in any language with spaces
    between words (:mod:`tools.readability` has sources). Fewer than 30 words are not measured: ``if_unsure``.
    """

    type: Literal["reading_level"]
    formula: Literal["flesch_kincaid", "lix"]
    minimum: float | None = None
    maximum: float

    def decide(self, message: str, answer: str) -> Ruling:
        english = self.formula == "flesch_kincaid"
        try:
            level = flesch_kincaid(answer) if english else lix(answer)
        except NotMeasured as why:
            return Ruling(self.if_unsure, str(why))
        fits = level <= self.maximum and (self.minimum is None or level >= self.minimum)
        return _ruling(fits, f"Its {'Flesch–Kincaid grade' if english else 'LIX'} is {level:.1f}.")


Rule = Annotated[
    LengthRatio
    | WordCount
    | SentenceCount
    | ParagraphCount
    | SentenceLength
    | Contains
    | Lacks
    | StartsWith
    | EndsWith
    | EndsWithQuestion
    | QuestionCount
    | ListItems
    | CodeBlocks
    | ValidJson
    | InLanguage
    | ReadingLevel,
    Field(discriminator="type"),
]


def apply_rule(rule: Rule, message: str, answer: str) -> Ruling:
    """The verdict of ``rule`` on an ``answer`` to the user's ``message``.

    YES or NO; only rules with ``if_unsure`` may say that instead.
    """
    return rule.decide(message, answer)


def count_words(text: str) -> int:
    """Words as people count them; a contraction is one, and so is each Chinese or Japanese character."""
    return len(words(text))


def _found(patterns: tuple[str, ...], answer: str) -> list[str]:
    return [match for match in (found_in(pattern, answer) for pattern in patterns) if match is not None]


def _says(found: list[str]) -> str:
    quoted = ", ".join(f'"{match}"' for match in found)
    return f"It says {quoted}." if found else "None of the patterns is there."


def _at_edge(patterns: list[str], text: str, verb: str) -> Ruling:
    for pattern in patterns:
        match = re.search(pattern, text, re.IGNORECASE)
        if match:
            return _ruling(True, f'It {verb} with "{match.group()}".')
    return _ruling(False, f"It {verb} with none of the patterns.")


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number in JSON")


def _ruling(holds: bool, reason: str) -> Ruling:
    return Ruling(Verdict.YES if holds else Verdict.NO, reason)
