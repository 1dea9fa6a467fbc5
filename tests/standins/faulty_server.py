"""An OpenAI-compatible server with a candidate and a judge, each of which can be made to misbehave.

Messages are numbered ("Case 17: …"), so that it is known which call was for which scenario. The judge is fair
unless told otherwise: YES for :data:`ANSWER` and for the planted good answer, NO for any other and for every
fifth case.
"""

from __future__ import annotations

import json
import re
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.standins.loopback import Asked, Exchange
from tests.standins.openai_server import OpenAIServer
from tools.evaluation import Scenario

CANDIDATE, JUDGE = "candidate-8b", "referee-70b"
ANSWER = "It sounds as if that has been with you for a while. What would you like to be different?"
GOOD = "That sounds like a lot to carry at once. What would have to give first?"
RUBRIC = f"""\
name: One question
pass_threshold: 1.0
na: excluded
categories:
  help: {{weight: 1}}
criteria:
  - {{id: CQ1, category: help, question: "Does the answer take up what the person says?"}}
planted:
  message: I have too much to do and nobody helps me.
  good: {GOOD}
  bad: Not my problem.
"""
_CASE = re.compile(r"Case (\d+):")


class Call(NamedTuple):
    """One request for a chat, as it was answered."""

    model: str
    case: int | None
    """None for "Hello, testing." and for planted answers."""
    prompt: str
    """All messages of the request."""
    status: int
    """0 when the connection was cut instead."""


class Refusal(NamedTuple):
    """An answer of 429 in place of a reply."""

    retry_after: str | None = None


Verdict = Callable[[int | None, str], str]
"""A judge's whole reply to a case, None for a planted one, given the fair word."""


def cases(count: int) -> list[Scenario]:
    """Numbered scenarios in four topics."""
    topics = ("work", "sleep", "family", "grief")
    return [
        Scenario(
            id=f"case-{n}",
            topic=topics[n % 4],
            subtopic="any",
            style="terse",
            message=f"Case {n}: I keep thinking about {topics[n % 4]}.",
        )
        for n in range(count)
    ]


def replies(calls: Sequence[Call], model: str) -> Counter[int]:
    """A model's replies by case; greetings and planted answers are left out."""
    return Counter(c.case for c in calls if c.model == model and c.case is not None and c.status == 200)


def in_form(_case: int | None, word: str) -> str:
    """A reply as it was asked for."""
    return json.dumps({"CQ1": {"reason": "The words show it.", "verdict": word}})


@dataclass
class FaultyServer(OpenAIServer):
    say: Callable[[int], str] = lambda _: ANSWER
    """What the candidate says to a case."""
    judge: Verdict = in_form
    limit: Callable[[int], Refusal | None] = lambda _: None
    """Whether the call of this number, from 1, is refused."""
    strike: Callable[[str, int], bool] = lambda _model, _nth: False
    """Called with every model's call and its number among that model's cases; True cuts the connection."""
    calls: list[Call] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.reply = self._said
        self._server.handle_error = _hung_up  # type: ignore[assignment, method-assign]

    def answer(self, exchange: Exchange, asked: Asked) -> None:
        if asked.path == "/v1/models":
            listed = [{**self._listed(), "id": name} for name in (CANDIDATE, JUDGE)]
            return exchange.send_json({"object": "list", "data": listed})
        return super().answer(exchange, asked)

    def _chat(self, exchange: Exchange, body: dict[str, Any]) -> None:
        model, (prompt, case) = body["model"], _asked(body)
        with self._lock:
            nth = 1 + sum(c.model == model and c.case is not None for c in self.calls)
            refusal = self.limit(len(self.calls) + 1)
            cut = refusal is None and case is not None and self.strike(model, nth)
            self.calls.append(Call(model, case, prompt, 0 if cut else 429 if refusal else 200))
        if cut:
            exchange.cut()
        elif refusal is not None:
            headers = {} if refusal.retry_after is None else {"Retry_After": refusal.retry_after}
            exchange.send_json({"error": {"message": "Rate limit reached", "code": 429}}, 429, **headers)
        else:
            self._stream(exchange, body)

    def _said(self, body: dict[str, Any]) -> str:
        prompt, case = _asked(body)
        if body["model"] == CANDIDATE:
            return "Hello." if case is None else self.say(case)
        good = (GOOD if case is None else ANSWER) in prompt and (case is None or case % 5 != 0)
        return self.judge(case, "YES" if good else "NO")


def _hung_up(_request: object, _address: object) -> None:
    """A client that was killed leaves connections that break; anything else is a fault of this server."""
    error = sys.exception()
    if error is not None and not isinstance(error, ConnectionError):
        traceback.print_exception(error)


class _Asked(NamedTuple):
    prompt: str
    case: int | None


def _asked(body: dict[str, Any]) -> _Asked:
    prompt = "\n".join(message["content"] for message in body["messages"])
    found = _CASE.search(prompt)
    return _Asked(prompt, None if found is None else int(found[1]))
