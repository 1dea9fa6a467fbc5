"""Prompt tokens that llama.cpp evaluated against those that were sent: ``python -m benchmarks.judge_prefix``.

Ten answers are judged with the therapy rubric by a real embedded llama.cpp on a tiny random model, whose
verdicts mean nothing and whose tokens are mostly single letters; what counts is the share. The control sends
the same words with the message and the answer before the rules and the rubric.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.standins.tiny_gguf import write_tiny_gguf
from tools.evaluation import Assessment, Scenario, Usage
from tools.judge import judge_text
from tools.rubric import Rubric, starter_rubric
from tools.runtimes.base import ChatReply, ChatRequest, Message
from tools.runtimes.llamacpp import LlamaCppRuntime

JUDGEMENTS = 10
CONTEXT = 8_192
"""The tiny model spells many words, which makes prompts long."""
_MATTERS = (
    "my sister does not call any more",
    "i cannot sleep before a shift",
    "they passed me over again",
    "i shout at my children and hate it",
    "nobody at the office eats with me",
)


class Way(NamedTuple):
    """How the judge is asked."""

    per_criterion: bool
    answer_first: bool
    keeps_prefixes: bool

    @property
    def name(self) -> str:
        mode = "one call a criterion" if self.per_criterion else "one call an answer"
        order = "answer first" if self.answer_first else "prefix first"
        return f"{mode}, {order}" + ("" if self.keeps_prefixes else ", nothing kept")


class Row(NamedTuple):
    """What one way cost."""

    way: Way
    judgements: tuple[Usage, ...]
    verdicts: tuple[tuple[str, ...], ...]
    """Of each answer, to see whether a kept prefix changes any."""

    @property
    def sent(self) -> int:
        return sum(usage.prompt_tokens or 0 for usage in self.judgements)

    @property
    def evaluated(self) -> int:
        return sum(evaluated(usage) for usage in self.judgements)

    @property
    def later_share(self) -> float:
        """Evaluated of sent after the first of two judgements or more, 0 to 1."""
        later = self.judgements[1:]
        return sum(map(evaluated, later)) / sum(usage.prompt_tokens or 0 for usage in later)


def evaluated(usage: Usage) -> int:
    """Prompt tokens that the server did not have yet."""
    assert usage.prompt_tokens is not None
    assert usage.cached_tokens is not None
    return usage.prompt_tokens - usage.cached_tokens


WAYS = tuple(
    Way(per_criterion, answer_first, keeps)
    for per_criterion in (False, True)
    for answer_first, keeps in ((False, True), (True, True), (False, False))
)


async def measure(way: Way, model: Path, rubric: Rubric, judgements: int = JUDGEMENTS) -> Row:
    """Judge so many answers on a server of its own."""
    runtime = LlamaCppRuntime(model.parent, threads=1, cache_prompt=way.keeps_prefixes)

    async def chat(request: ChatRequest) -> ChatReply:
        messages = _answer_first(request.messages) if way.answer_first else request.messages
        changed = {"messages": messages, "context": CONTEXT, "json_schema": _terse(request.json_schema)}
        return await runtime.chat(str(model), request.model_copy(update=changed))

    done: list[Assessment] = []
    try:
        for number in range(judgements):
            scenario, answer = _texts(number)
            done.append(
                await judge_text(
                    chat, rubric, scenario, answer, judge="tiny", reasks=0, per_criterion=way.per_criterion
                )
            )
    finally:
        await runtime.aclose()
    usages = tuple(one.usage for one in done if one.usage is not None)
    return Row(way, usages, tuple(tuple(v.verdict.value for v in one.verdicts) for one in done))


def _answer_first(messages: Sequence[Message]) -> tuple[Message, ...]:
    system, task = messages
    return (Message(role="user", content=f"{task.content}\n\n{system.content}"),)


def _terse(schema: dict[str, Any] | None) -> dict[str, Any] | None:
    """The reply's form with reasons of a few letters: what is measured is how the prompt is read."""
    terse: dict[str, Any] | None = json.loads(
        re.sub(r'"maxLength": \d+', '"maxLength": 8', json.dumps(schema))
    )
    return terse


def _texts(number: int) -> tuple[Scenario, str]:
    matter = _MATTERS[number % len(_MATTERS)]
    message = f"{matter}, for {number + 2} weeks now. what am i supposed to do"
    answer = f"{number + 2} weeks is long. When you say that {matter}, what hurts most about it?"
    return Scenario(id=f"s{number}", topic="t", subtopic="s", style="terse", message=message), answer


def markdown(rows: Sequence[Row]) -> str:
    """A table for people."""
    lines = [
        "| judge asked | calls | tokens sent | evaluated | share | after the first judgement | seconds |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        calls, seconds = sum(u.calls for u in row.judgements), sum(u.seconds for u in row.judgements)
        lines.append(
            f"| {row.way.name} | {calls} | {row.sent:,} | {row.evaluated:,} | {row.evaluated / row.sent:.1%} "
            f"| {row.later_share:.1%} | {seconds:.1f} |"
        )
    for mode in (False, True):
        said = {row.verdicts for row in rows if row.way.per_criterion is mode and not row.way.answer_first}
        name = "one call a criterion" if mode else "one call an answer"
        same = "the same verdicts" if len(said) == 1 else "NOT the same verdicts"
        lines.append(f"\n{name}: {same} with a kept prefix and without.")
    return "\n".join(lines)


def record(row: Row) -> dict[str, object]:
    return {
        **row.way._asdict(),
        "sent": row.sent,
        "evaluated": row.evaluated,
        "later_share": round(row.later_share, 4),
        "judgements": [usage.model_dump() for usage in row.judgements],
    }


async def run(judgements: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        model = write_tiny_gguf(Path(folder) / "tiny.gguf", context_length=CONTEXT)
        rubric = starter_rubric("therapy-coaching")
        return [await measure(way, model, rubric, judgements) for way in WAYS]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--judgements", type=int, default=JUDGEMENTS)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    rows = asyncio.run(run(chosen.judgements))
    print(json.dumps([record(row) for row in rows], indent=1) if chosen.json else markdown(rows))


if __name__ == "__main__":
    main()
