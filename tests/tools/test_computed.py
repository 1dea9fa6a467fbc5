from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from tools.computed import Rule, apply_rule, count_words
from tools.evaluation import Verdict

RULE: TypeAdapter[Any] = TypeAdapter(Rule)
MESSAGE = "one two three four five"


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
    ],
)
def test_rules_that_cannot_be_meant_are_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RULE.validate_python(rule)


def test_words_are_counted_as_people_do() -> None:
    assert count_words("I don't know – it's half-past 3, naïve…") == 7
