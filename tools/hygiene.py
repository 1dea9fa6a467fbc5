"""What kind of answer came back, before anybody judges it, and signs of trouble in its text."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from tools.evaluation import Answer, AnswerOutcome, Scenario, Sign, SignKind
from tools.injection import Reach, fold, reach_of
from tools.knowledge.loader import load_yaml
from tools.languages import alike, language_of, read_language, speaks_of_language
from tools.patterns import check_pattern
from tools.prose import prose, without_code, words
from tools.runtimes.base import ChatReply, RuntimeFault, RuntimeFaultKind

_CUT_OFF = frozenset({"length", "max_tokens", "max_output_tokens", "limit"})
MAX_CHARACTERS = 24_000
"""Characters of an answer that are searched for signs: about 4,000 words."""
MAX_PERIOD = 300
"""Longest repeated stretch that is looked for, in words."""
REPEATS = ((25, 3), (12, 4), (1, 5))
"""Words of a stretch from which so many repeats in a row are a loop; a refrain comes less often."""
LEAST_LOOP = 15
"""Words of a loop, all repeats together."""
OPENING = 300
"""Characters at the beginning of an answer in which it would decline."""


def _safe(patterns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(check_pattern(pattern) for pattern in patterns)


_Patterns = Annotated[tuple[str, ...], AfterValidator(_safe)]


class _Places(BaseModel):
    """Patterns by where in an answer they are a sign."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    anywhere: _Patterns = ()
    start: _Patterns = ()
    end: _Patterns = ()
    line: _Patterns = ()


class _Signs(BaseModel):
    """``tools/knowledge/signs.yaml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    refusal: _Patterns
    template_leakage: _Places
    turns: tuple[str, ...]
    dialogue_words: tuple[str, ...]
    thinking_leakage: _Places
    to_the_judge: _Places


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
    looked_at = outcome in {AnswerOutcome.ANSWERED, AnswerOutcome.TRUNCATED}
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
        left_out=reply.left_out,
        detail=detail,
        signs=signs(reply.text, scenario) if looked_at else (),
    )


def signs(text: str, scenario: Scenario) -> tuple[Sign, ...]:
    """Signs of trouble in an answer to ``scenario``, each kind once; a pure function of its arguments.

    Beyond :data:`MAX_CHARACTERS` nothing is read but the end. Code in backticks shows no sign.
    """
    if len(text) > MAX_CHARACTERS:
        text = f"{text[: MAX_CHARACTERS // 2]}\n{text[-MAX_CHARACTERS // 2 :]}"
    bare = without_code(text).replace("’", "'").strip()
    plain = prose(text)
    message = scenario.message
    found = {
        SignKind.REPETITION_LOOP: _loop(plain),
        SignKind.TEMPLATE_LEAKAGE: _first(_template_patterns(), bare, message) or _next_turn(bare, message),
        SignKind.THINKING_LEAKAGE: _first(_thinking_patterns(), bare, message),
        SignKind.REFUSAL: _refusal(bare),
        SignKind.WRONG_LANGUAGE: _wrong_language(plain, message),
        SignKind.ECHO: _echo(text, message),
        SignKind.TO_THE_JUDGE: _to_the_judge(text, message),
    }
    return tuple(Sign(kind=kind, detail=detail) for kind, detail in found.items() if detail)


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


def _data() -> _Signs:
    return load_yaml("signs", _Signs)


@cache
def _template_patterns() -> tuple[re.Pattern[str], ...]:
    return tuple(_placed(_data().template_leakage))


@cache
def _thinking_patterns() -> tuple[re.Pattern[str], ...]:
    return tuple(_placed(_data().thinking_leakage))


@cache
def _judge_patterns() -> tuple[re.Pattern[str], ...]:
    return tuple(_placed(_data().to_the_judge))


@cache
def _refusal_patterns() -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern) for pattern in _data().refusal)


@cache
def _turn_pattern() -> re.Pattern[str]:
    labels = "|".join(re.escape(label) for label in _data().turns)
    return re.compile(rf"(?:^[ \t]*(?:\*\*)?|(?<=[.!?] ))(?:{labels})(?:\*\*)?:(?:\*\*)?[ \n]", re.MULTILINE)


def _placed(places: _Places) -> Iterable[re.Pattern[str]]:
    """Patterns that begin with a plain character are fast; the places are told by anchors around them."""
    yield from (re.compile(pattern) for pattern in places.anywhere)
    yield from (re.compile(rf"\A(?:{pattern})") for pattern in places.start)
    yield from (re.compile(rf"(?:{pattern})\s*\Z") for pattern in places.end)
    yield from (re.compile(rf"^(?:{pattern})", re.MULTILINE) for pattern in places.line)


def _first(patterns: Iterable[re.Pattern[str]], text: str, message: str) -> str:
    """The first match that the message does not contain itself; blank without one."""
    for pattern in patterns:
        match = pattern.search(text)
        if match and match.group().strip() not in message:
            return match.group().strip()[:200]
    return ""


def _next_turn(text: str, message: str) -> str:
    """The label of a turn that the model wrote itself; blank where a dialogue is announced or asked for."""
    asked = message.casefold()
    match = _turn_pattern().search(text)
    if match is None or any(word in asked for word in _data().dialogue_words):
        return ""
    before = text[: match.start()].rstrip()
    last_line = before[before.rfind("\n") + 1 :][-200:]
    announced = last_line.rstrip("*_ ").endswith(":") or re.match(r"\W{0,4}[\w ]{1,30}: ", last_line)
    return "" if announced else match.group().strip()


def _refusal(text: str) -> str:
    opening = re.sub(r"[\"“„«][^\"“”„«»]{0,200}[\"”“»]", " ", text[:OPENING])
    opening = " ".join(["", *re.sub(r"[^\w\s'.,;!?，。、-]", " ", opening).split()]).lower()
    matches = (pattern.search(opening) for pattern in _refusal_patterns())
    return next((match.group().strip() for match in matches if match), "")


def _wrong_language(plain: str, message: str) -> str:
    """Both languages, where the message's and the answer's are sure and differ, and none was asked for."""
    answered = language_of(plain)
    if answered is None:
        return ""
    asked = read_language(message)
    if asked.language is None or not asked.pure or alike(asked.language.code, answered.code):
        return ""
    if speaks_of_language(message):
        return ""
    return f"the message is in {asked.language.title}, the answer in {answered.title}"


def _echo(text: str, message: str) -> str:
    asked = re.findall(r"\w+", message.casefold())
    answered = re.findall(r"\w+", text[: 2 * len(message) + 100].casefold())
    whole = len(asked) >= 4 and answered[: len(asked)] == asked
    return "the answer begins with the whole message" if whole else ""


def _to_the_judge(text: str, message: str) -> str:
    """Words that are meant for whoever judges the answer; in disguise, and in code, too."""
    found = _first(_judge_patterns(), fold(text), fold(message))
    if found:
        return found
    orders = reach_of(text) is Reach.PAGE and reach_of(message) is not Reach.PAGE
    return "instructs whoever reads it" if orders else ""


def _loop(plain: str) -> str:
    """The stretch that stands several times in a row; blank without one. Words without a letter do not count.

    Only distances at which many pairs of words came back are tried: most pairs in a stretch stand there once.
    """
    said = [word for word in words(plain.lower()) if not word.isdigit()]
    distances: Counter[int] = Counter()
    last: dict[tuple[str, str], int] = {}
    for i, pair in enumerate(itertools.pairwise(said)):
        if pair in last:
            distances[i - last[pair]] += 1
        last[pair] = i
    for period in sorted(period for period, n in distances.items() if n >= 2 and period <= MAX_PERIOD):
        times = next(times for least, times in REPEATS if period >= least)
        needed = max(times * period, LEAST_LOOP) - period
        if distances[period] < needed // 4:
            continue
        run = 0
        for i in range(period, len(said)):
            run = run + 1 if said[i] == said[i - period] else 0
            if run >= needed:
                return " ".join(said[i - period + 1 : i + 1])[:200]
    glued = re.search(r"([^\W\d_]|[!?])\1{39}|(\d)\2{299}", plain)
    return glued.group()[:3] + "…" if glued else ""
