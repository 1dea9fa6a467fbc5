"""What kind of answer came back, before anybody judges it, and signs of trouble in its text."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, field_validator

from tools.evaluation import Answer, AnswerOutcome, Scenario, Sign, SignKind
from tools.patterns import check_pattern, found_in
from tools.runtimes.base import ChatReply, RuntimeFault, RuntimeFaultKind
from tools.yaml_lines import parse, read_text, validate

_CUT_OFF = frozenset({"length", "max_tokens", "max_output_tokens", "limit"})
MAX_PERIOD = 60
"""Longest repeated stretch that is looked for, in words."""
MAX_WORDS = 4_000
"""Words of an answer that are searched for a loop."""


class _Patterns(BaseModel):
    """``tools/knowledge/signs.yaml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    refusal: tuple[str, ...]
    template_leakage: tuple[str, ...]
    thinking_leakage: tuple[str, ...]

    @field_validator("*")
    @classmethod
    def _safe(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(check_pattern(pattern) for pattern in patterns)


def classify_reply(reply: ChatReply | None, fault: RuntimeFault | None, scenario: Scenario) -> Answer:
    """The answer to ``scenario`` with its typed outcome; a fault decides over a reply.

    Cut off comes before empty: thinking may have eaten the whole token limit, and a larger limit helps.
    """
    if fault is not None or reply is None:
        timeout = fault is not None and fault.kind is RuntimeFaultKind.TIMEOUT
        return Answer(
            scenario_id=scenario.id,
            outcome=AnswerOutcome.TIMEOUT if timeout else AnswerOutcome.ERROR,
            text="",
            detail=fault.sentence
            if fault is not None
            else "The runtime gave neither an answer nor a reason.",
        )
    outcome, detail = _outcome(reply)
    return Answer(
        scenario_id=scenario.id,
        outcome=outcome,
        text=reply.text,
        thinking=reply.thinking,
        finish_reason=reply.finish_reason,
        prompt_tokens=reply.prompt_tokens,
        completion_tokens=reply.completion_tokens,
        seconds=reply.seconds,
        first_token_seconds=reply.first_token_seconds,
        detail=detail,
    )


def signs(text: str, scenario: Scenario) -> tuple[Sign, ...]:
    """Signs of trouble in an answer to ``scenario``; a pure function of its arguments."""
    found: list[Sign] = []
    loop = _loop(text)
    if loop:
        found.append(Sign(kind=SignKind.REPETITION_LOOP, detail=loop))
    patterns = _patterns()
    for kind, listed in (
        (SignKind.TEMPLATE_LEAKAGE, patterns.template_leakage),
        (SignKind.THINKING_LEAKAGE, patterns.thinking_leakage),
        (SignKind.REFUSAL, patterns.refusal),
    ):
        match = next((m for m in (found_in(pattern, text) for pattern in listed) if m), None)
        if match:
            found.append(Sign(kind=kind, detail=match.strip()))
    message, answer = _folded(scenario.message), _folded(text)
    if len(message.split()) >= 4 and answer.startswith(message):
        found.append(Sign(kind=SignKind.ECHO, detail="the answer begins with the whole message"))
    return tuple(found)


def is_blank(text: str) -> bool:
    """Whether ``text`` shows nothing: white space, control and invisible format characters only."""
    return all(unicodedata.category(c)[0] in "ZC" for c in text)


def _outcome(reply: ChatReply) -> tuple[AnswerOutcome, str]:
    if (reply.finish_reason or "").casefold() in _CUT_OFF:
        used = f" after {reply.completion_tokens} tokens" if reply.completion_tokens else ""
        return AnswerOutcome.TRUNCATED, f"The answer stopped at the token limit{used}."
    if is_blank(reply.text):
        only = "There was thinking and no answer." if reply.thinking else "There was no text in the answer."
        return AnswerOutcome.EMPTY, only
    return AnswerOutcome.ANSWERED, ""


@cache
def _patterns() -> _Patterns:
    path = Path(__file__).parent / "knowledge" / "signs.yaml"
    return validate(_Patterns, parse(read_text(path), path.name), path.name)


def _folded(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def _loop(text: str) -> str | None:
    """The stretch that stands four times or more in a row, at least twelve words in all; None without one."""
    words = text.casefold().split()[:MAX_WORDS]
    for period in range(1, min(MAX_PERIOD, len(words) // 4) + 1):
        run = 0
        for i in range(period, len(words)):
            run = run + 1 if words[i] == words[i - period] else 0
            if run >= max(3 * period, 12 - period):
                return " ".join(words[i - period + 1 : i + 1])[:200]
    glued = re.search(r"(\S)\1{39}", text[: MAX_WORDS * 10])
    return glued.group(1) * 3 + "…" if glued else None
