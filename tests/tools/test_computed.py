from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from tools.computed import Rule, apply_rule, count_words
from tools.evaluation import Verdict

RULE: TypeAdapter[Any] = TypeAdapter(Rule)
MESSAGE = "one two three four five"
GERMAN = "Das klingt sehr anstrengend. Was war für dich das Schwerste an dieser Woche? "
EASY = "We sat on the mat and it was red. " * 4


@pytest.mark.parametrize(
    ("rule", "answer", "verdict"),
    [
        ({"type": "length_ratio", "maximum": 2}, "w " * 10, "YES"),
        ({"type": "length_ratio", "maximum": 2}, "w " * 11, "NO"),
        ({"type": "length_ratio", "maximum": 2, "always_allowed_words": 11}, "w " * 11, "YES"),
        ({"type": "length_ratio", "maximum": 2, "minimum": 0.5}, "w w", "NO"),
        ({"type": "length_ratio", "maximum": 2, "minimum": 0.5, "always_enough_words": 2}, "w w", "YES"),
        ({"type": "word_count", "maximum": 3}, "don't self-harm now", "YES"),
        ({"type": "word_count", "maximum": 3}, "a b c d", "NO"),
        ({"type": "word_count", "maximum": 3}, "", "NO"),
        ({"type": "contains", "patterns": ["crisis", "helpline"]}, "Call a HELPLINE", "YES"),
        ({"type": "contains", "patterns": ["crisis"]}, "Call me", "NO"),
        ({"type": "lacks", "patterns": ["as an ai"]}, "As an AI I", "NO"),
        ({"type": "lacks", "patterns": ["as an ai"]}, "As a friend", "YES"),
        ({"type": "ends_with_question"}, "So. What now?", "YES"),
        ({"type": "ends_with_question"}, "So. “What now?” ", "YES"),
        ({"type": "ends_with_question"}, "**What now?**", "YES"),
        ({"type": "ends_with_question"}, "What now? Tell me.", "NO"),
        ({"type": "question_count", "maximum": 1}, "Really?!? Yes", "NO"),
        ({"type": "question_count", "maximum": 1}, "Really??? Yes", "YES"),
        ({"type": "question_count", "minimum": 1, "maximum": 2}, "No.", "NO"),
        ({"type": "list_items", "maximum": 2}, "- a\n- b\ntext", "YES"),
        ({"type": "list_items", "maximum": 2}, "1. a\n2) b\n  * c", "NO"),
        ({"type": "list_items", "maximum": 0}, "a - b\n-5 degrees", "YES"),
        ({"type": "list_items", "minimum": 2, "maximum": 5}, "- a", "NO"),
        ({"type": "contains", "patterns": ["because", "so that"], "at_least": 2}, "Because, so that.", "YES"),
        ({"type": "contains", "patterns": ["because", "so that"], "at_least": 2}, "Because.", "NO"),
        ({"type": "starts_with", "patterns": ["dear ", "hello"]}, "  Hello there", "YES"),
        ({"type": "starts_with", "patterns": ["dear "]}, "Oh dear me", "NO"),
        ({"type": "ends_with", "patterns": ["kind regards,? .{0,20}"]}, "…\n\nKind regards,\nAnna", "YES"),
        ({"type": "ends_with", "patterns": ["kind regards"]}, "Kind regards are fine.", "NO"),
        ({"type": "sentence_count", "maximum": 2}, "One. Two!\n```\nx. y. z.\n```", "YES"),
        ({"type": "sentence_count", "minimum": 2}, "Only one here", "NO"),
        ({"type": "paragraph_count", "maximum": 1}, "One\nstill one", "YES"),
        ({"type": "paragraph_count", "maximum": 1}, "One\n \n\nTwo", "NO"),
        ({"type": "sentence_length", "mean": 3}, "One two three. One two three four.", "NO"),
        ({"type": "sentence_length", "longest": 4}, "One two three. One two three four.", "YES"),
        ({"type": "code_block"}, "```python\nx\n```", "YES"),
        ({"type": "code_block", "language": "python"}, "```Python\nx\n```", "YES"),
        ({"type": "code_block", "language": "sql"}, "```python\nx\n```", "NO"),
        ({"type": "code_block"}, "```python\nnever closed", "NO"),
        ({"type": "code_block", "minimum": 2}, "`x` and ```y```", "NO"),
        ({"type": "valid_json"}, "[1, 2]", "YES"),
        ({"type": "valid_json", "required_keys": ["a"]}, '```json\n{"a": 1}\n```', "YES"),
        ({"type": "valid_json", "required_keys": ["a", "b"]}, '{"a": 1}', "NO"),
        ({"type": "valid_json", "required_keys": ["a"]}, '["a"]', "NO"),
        ({"type": "valid_json"}, 'Here it is: {"a": 1}', "NO"),
        ({"type": "valid_json"}, "NaN", "NO"),
        ({"type": "valid_json"}, "[" * 100_000, "NO"),
        ({"type": "language", "language": "de"}, GERMAN, "YES"),
        ({"type": "language", "language": "en"}, GERMAN, "NO"),
        ({"type": "language"}, GERMAN, "CANNOT_ASSESS"),
        ({"type": "language", "if_unsure": True}, GERMAN, "YES"),
        ({"type": "language", "language": "de", "if_unsure": "na"}, "Ja.", "NA"),
        ({"type": "reading_level", "formula": "lix", "maximum": 60}, GERMAN * 3, "YES"),
        ({"type": "reading_level", "formula": "lix", "minimum": 70, "maximum": 90}, GERMAN * 3, "NO"),
        ({"type": "reading_level", "formula": "flesch_kincaid", "maximum": 20}, GERMAN * 3, "CANNOT_ASSESS"),
        ({"type": "reading_level", "formula": "flesch_kincaid", "maximum": 5}, EASY, "YES"),
        (
            {"type": "reading_level", "formula": "flesch_kincaid", "maximum": 5, "if_unsure": False},
            "No.",
            "NO",
        ),
    ],
)
def test_rules_decide_and_say_by_what(rule: dict[str, Any], answer: str, verdict: str) -> None:
    ruling = apply_rule(RULE.validate_python(rule), MESSAGE, answer)
    assert ruling.verdict is Verdict(verdict)
    assert ruling.reason.endswith(".")


def test_an_empty_message_does_not_divide_by_nothing() -> None:
    rule = RULE.validate_python({"type": "length_ratio", "maximum": 2})
    assert apply_rule(rule, "?", "two words").verdict is Verdict.YES


@pytest.mark.parametrize(
    "rule",
    [
        {"type": "nothing"},
        {"maximum": 3},
        {"type": "length_ratio", "maximum": 1, "minimum": 2},
        {"type": "word_count", "maximum": 1, "minimum": 2},
        {"type": "contains", "patterns": []},
        {"type": "lacks", "patterns": ["(a+)+"]},
        {"type": "ends_with_question", "extra": 1},
        {"type": "contains", "patterns": ["a"], "at_least": 2},
        {"type": "starts_with", "patterns": ["(a+)+"]},
        {"type": "ends_with", "patterns": ["(a|aa)+"]},
        {"type": "sentence_length"},
        {"type": "language", "language": "klingon"},
        {"type": "language", "if_unsure": "maybe"},
        {"type": "reading_level", "maximum": 9},
        {"type": "reading_level", "formula": "lix", "minimum": 50, "maximum": 40},
    ],
)
def test_rules_that_cannot_be_meant_are_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RULE.validate_python(rule)


def test_words_are_counted_as_people_do() -> None:
    assert count_words("I don't know – it's half-past 3, naïve…") == 7


def test_the_messages_language_is_the_answers() -> None:
    rule = RULE.validate_python({"type": "language"})
    asked = "ich kann nicht mehr schlafen und weiß nicht warum"
    assert apply_rule(rule, asked, GERMAN).verdict is Verdict.YES
    ruling = apply_rule(rule, asked, EASY)
    assert (ruling.verdict, ruling.reason) == (
        Verdict.NO,
        "The message is in German, the answer in English.",
    )


def test_words_of_scripts_without_spaces_are_their_characters() -> None:
    assert count_words("我很好") == 3
    assert count_words("मैं ठीक हूँ") == 3
