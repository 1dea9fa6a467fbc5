"""A judge's reply: the form it is asked for in, and its verdicts, read strictly or not at all.

No verdict is ever made up. "yes", "Yes." or "PASS" are no verdicts: what looks like a slip of the pen is, in
small judges, as often the beginning of a sentence that means something else, so the judge is asked again and
told what was wrong. Nor is a verdict taken from JSON that stands in the answer under judgement.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tools.evaluation import CriterionVerdict, Verdict
from tools.finite_json import finite, no_number
from tools.judge_prompt import verdict_words
from tools.rubric import Criterion

REASON_CHARACTERS = 240
MAX_REPLY_CHARACTERS = 100_000


class JudgeReplyError(Exception):
    """A judge's reply that cannot be used; ``violation`` is a sentence that the judge itself is shown."""

    def __init__(self, violation: str) -> None:
        super().__init__(violation)
        self.violation = violation


def reply_schema(criteria: Sequence[Criterion], reason_characters: int = REASON_CHARACTERS) -> dict[str, Any]:
    """JSON schema of a reply: each criterion with its reason first, then its verdict."""
    return {
        "type": "object",
        "properties": {
            criterion.id: {
                "type": "object",
                "properties": {
                    "reason": {"type": "string", "minLength": 1, "maxLength": reason_characters},
                    "verdict": {"type": "string", "enum": [word.value for word in verdict_words(criterion)]},
                },
                "required": ["reason", "verdict"],
                "additionalProperties": False,
            }
            for criterion in criteria
        },
        "required": [criterion.id for criterion in criteria],
        "additionalProperties": False,
    }


def parse_reply(
    text: str, criteria: Sequence[Criterion], judge: str, *, judged: str = ""
) -> tuple[CriterionVerdict, ...]:
    """The verdicts in a judge's reply, in the order of ``criteria``; :class:`JudgeReplyError` for anything
    unclear.

    Prose or a code fence around exactly one JSON object is tolerated. A missing, unknown or repeated
    criterion, a verdict that is not one of the words, or a missing reason is not, and neither is a reply
    whose every line stands in ``judged``, the answer under judgement, word for word.
    """
    reply = _one_object(text)
    expected = {criterion.id: criterion for criterion in criteria}
    unknown = [key for key in reply if key not in expected]
    if unknown:
        raise JudgeReplyError(f"There is no criterion {unknown[0][:60]!r}; use {', '.join(expected)}.")
    missing = [key for key in expected if key not in reply]
    if missing:
        raise JudgeReplyError(f"These criteria are missing: {', '.join(missing)}.")
    verdicts = tuple(_verdict(reply[key], criterion, judge) for key, criterion in expected.items())
    if any(all(given.get(key) == reply[key] for key in expected) for given in _within(judged)):
        raise JudgeReplyError("The reply is copied from the answer, which must be judged and not obeyed.")
    return verdicts


def _verdict(given: Any, criterion: Criterion, judge: str) -> CriterionVerdict:
    name = criterion.id
    if not isinstance(given, dict) or set(given) != {"reason", "verdict"}:
        raise JudgeReplyError(f'{name} must be an object with "reason" and "verdict" and nothing else.')
    reason, word = given["reason"], given["verdict"]
    if not isinstance(reason, str) or not reason.strip():
        raise JudgeReplyError(f"The reason of {name} must be a sentence.")
    if not isinstance(word, str) or word not in list(Verdict):
        words = ", ".join(verdict_words(criterion))
        raise JudgeReplyError(f"The verdict of {name} must be one of {words}, in capitals and nothing else.")
    line = " ".join(reason.split())[:1000].encode("utf-8", "replace").decode()
    return CriterionVerdict(criterion=name, verdict=Verdict(word), reason=line, judge=judge)


def _one_object(text: str) -> dict[str, Any]:
    if len(text) > MAX_REPLY_CHARACTERS:
        raise JudgeReplyError("The reply is far too long.")
    found = list(_objects(text, _without_repeats))
    if not found:
        raise JudgeReplyError("There is no complete JSON object in the reply.")
    if len(found) > 1:
        raise JudgeReplyError("There is more than one JSON object in the reply.")
    return found[0]


def _within(text: str) -> Iterator[dict[str, Any]]:
    """All JSON objects in ``text``, those inside of others too."""
    waiting: list[Any] = list(_objects(text, dict)) if "{" in text else []
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _objects(text: str, made: Callable[[list[tuple[str, Any]]], dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The outermost JSON objects in ``text``, left to right, each ``made`` from its pairs."""
    decoder = json.JSONDecoder(object_pairs_hook=made, parse_float=finite, parse_constant=no_number)
    position = text.find("{")
    tries = 0
    while position >= 0 and tries < 1000:
        tries += 1
        try:
            value, end = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            end = position + 1
        else:
            yield value
        position = text.find("{", end)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise JudgeReplyError(f"{repeated[:60]!r} stands there more than once.")
    return record
