"""A candidate and its judges on one loopback server that keeps every call, and that can kill who calls.

A call is kept once it has been answered. One at which the caller is killed gets no answer and is not kept, so
that a call which stands there twice was paid for twice.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tests.standins.command_line import Said, bms_process, ended, start
from tests.standins.openai_server import OpenAIServer
from tests.standins.patience import PATIENCE

CANDIDATE = "player-8b"
UMPIRE, SECOND = "umpire-70b", "linesman-30b"
JUDGE = f"openai:{UMPIRE}"
PANEL = f"openai:{UMPIRE},openai:{SECOND}"
RUBRIC = """\
name: Two questions
pass_threshold: 1.0
categories:
  sense: {weight: 1}
criteria:
  - {id: S1, category: sense, question: "Does the answer make sense?"}
  - {id: S2, category: sense, question: "Is the answer kind?"}
planted:
  message: "What is the day after Monday?"
  good: "Good that you ask, it is Tuesday."
  bad: "A spoon."
"""
GREETING = "Hello, testing."
_ANSWER = re.compile(r"<answer ([0-9a-f]{12})>\n(.*?)\n</answer \1>", re.DOTALL)


class Call(NamedTuple):
    """What a model was asked."""

    model: str
    text: str
    """The message to a candidate, the answer before a judge."""
    system: str
    """The candidate's system prompt; empty for a judge."""
    limit: int
    """Tokens."""
    seed: int | None
    criteria: tuple[str, ...]
    """What a judge is asked about."""
    words: str
    """The last message, whole: a judgement that is asked for again differs in it alone."""

    @property
    def by_judge(self) -> bool:
        return bool(self.criteria)


def fair(call: Call, _criterion: str) -> str:
    return "YES" if call.text.startswith("Good") else "NO"


def never(_call: Call) -> bool:
    return False


@dataclass
class Umpired(OpenAIServer):
    say: Callable[[Call], str] = lambda call: f"Good {call.text}"
    """What the candidate answers; the greeting and planted messages are none of it."""
    verdict: Callable[[Call, str], str] = fair
    """A word on one criterion. One that is no verdict breaks the form."""
    strike: Callable[[Call], bool] = never
    """At which call the process in :meth:`killed` is killed; asked once a call."""
    model: str = CANDIDATE
    serves_any: bool = True
    calls: list[Call] = field(default_factory=list)
    """Answered ones, in their order; without greetings and planted answers."""
    greetings: int = 0
    planted: int = 0
    _victim: Future[subprocess.Popen[str]] = field(default_factory=Future)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.reply = self._said
        self._server.handle_error = _cut_off  # type: ignore[assignment, method-assign]

    @property
    def env(self) -> dict[str, str]:
        return {"OPENAI_BASE_URL": f"{self.url}/v1"}

    def answered(self) -> list[str]:
        """What the candidate was asked."""
        return [call.text for call in self.calls if not call.by_judge]

    def judged(self, model: str = UMPIRE) -> list[str]:
        """Which answers a judge was asked about."""
        return [call.text for call in self.calls if call.model == model]

    def again(self) -> dict[Call, int]:
        """Calls that were answered more than once."""
        return {call: times for call, times in Counter(self.calls).items() if times > 1}

    def killed(self, home: Path, *arguments: str, at: Callable[[Call], bool]) -> Said:
        """``bms ARGUMENTS`` in a process that is killed with SIGKILL at the first call for which ``at`` is
        true."""
        self.strike, self._victim = at, Future()
        self._victim.set_result(start(home, *arguments, env=self.env))
        said = ended(self._victim.result())
        self.strike = never
        assert said.status == -signal.SIGKILL, said
        return said

    def process(self, home: Path, *arguments: str) -> Said:
        """``bms ARGUMENTS`` in a process of its own to its end."""
        return bms_process(home, *arguments, env=self.env)

    def _said(self, body: dict[str, Any]) -> str:
        call = _call(body)
        if not call.by_judge and call.text == GREETING:
            self.greetings += 1
            return "Hello."
        asked_of_planted = call.by_judge and "What is the day after Monday?" in call.words
        if not asked_of_planted and self.strike(call):
            self._victim.result(PATIENCE).send_signal(signal.SIGKILL)
            raise ConnectionResetError("the caller was killed")
        said = self._verdicts(call, asked_of_planted) if call.by_judge else self.say(call)
        if asked_of_planted:
            self.planted += 1
        else:
            self.calls.append(call)
        return said

    def _verdicts(self, call: Call, planted: bool) -> str:
        word = fair if planted else self.verdict
        given = {name: word(call, name) for name in call.criteria}
        return json.dumps({name: {"reason": f"{w}, plainly.", "verdict": w} for name, w in given.items()})


def _cut_off(_request: object, _address: object) -> None:
    """A caller that is killed breaks its connections, and leaves half of what it was sending."""
    error = sys.exception()
    if error is not None and not isinstance(error, ConnectionError | json.JSONDecodeError):
        traceback.print_exception(error)


def _call(body: dict[str, Any]) -> Call:
    messages = body["messages"]
    last, system = messages[-1]["content"], messages[0]["content"] if len(messages) > 1 else ""
    limit = body.get("max_tokens") or body.get("max_completion_tokens") or 0
    if "response_format" not in body:
        return Call(body["model"], last, system, limit, body.get("seed"), (), last)
    found = _ANSWER.search(last)
    assert found is not None
    names = body["response_format"]["json_schema"]["schema"]["required"]
    return Call(body["model"], found[2], "", limit, None, tuple(names), last)


def nth(times: int, of: Callable[[Call], bool]) -> Callable[[Call], bool]:
    """True at the call number ``times`` among those that ``of`` is true for."""
    seen = 0

    def counted(call: Call) -> bool:
        nonlocal seen
        seen += of(call)
        return of(call) and seen == times

    return counted
