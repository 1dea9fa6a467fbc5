"""The demonstration story's Ollama: authored answers and verdicts, served over Ollama's wire format.

Nothing here is the output of a model. ``facts/therapy_answers.jsonl`` holds what the stand-in says as the
candidate, and what it says as the judge.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from tests.standins.ollama_server import OllamaServer, StandInModel, layer
from tests.standins.world import FACTS, World
from tools.judge import neutralise
from tools.knowledge.loader import knowledge_text
from tools.rubric import Rubric, parse_rubric

CANDIDATE = "qwen3:8b"
JUDGE = "gemma3:12b"
RUBRIC = "therapy-coaching.rubric.yaml"
HELLO = "Hello! I'm here and ready. What would you like to talk about?"
ANYTHING_ELSE = "Thank you for writing this down. What feels most important in it right now?"
ANSWER = re.compile(r"<answer (?P<mark>[0-9a-f]{12})>\n(?P<text>.*)\n</answer (?P=mark)>", re.DOTALL)


@dataclass(frozen=True)
class PinnedModel(StandInModel):
    """A model whose digest is that of the registry's manifest."""

    pinned: str = ""

    @property
    def digest(self) -> str:
        return self.pinned


@cache
def _authored() -> tuple[dict[str, Any], ...]:
    lines = (FACTS / "therapy_answers.jsonl").read_text("utf-8").splitlines()
    return tuple(json.loads(line) for line in lines if line.strip())


@cache
def _answers() -> dict[str, str]:
    return {entry["message"]: entry["answer"] for entry in _authored()}


@cache
def _verdicts() -> dict[str, dict[str, Any]]:
    """The authored verdicts by the answer as the judge is shown it."""
    return {neutralise(entry["answer"]): entry["verdicts"] for entry in _authored()}


def rubric() -> Rubric:
    return parse_rubric(knowledge_text(RUBRIC), RUBRIC)


def say(request: dict[str, Any], *, strict: bool = False) -> str:
    """What the stand-in answers to one chat request, as the candidate or as the judge.

    A message that the story does not have gets a plain sentence, and with ``strict`` an error.
    """
    said = request["messages"][-1]["content"]
    if request["model"].startswith(JUDGE):
        return json.dumps(_judge(said), ensure_ascii=False)
    if said == "Hello, testing.":
        return HELLO
    return _answers()[said] if strict else _answers().get(said, ANYTHING_ELSE)


def _judge(task: str) -> dict[str, Any]:
    found = ANSWER.search(task)
    assert found is not None, "the judge's prompt has no answer between its marks"
    known = _verdicts().get(found["text"])
    if known is not None:
        return {name: {"reason": v["reason"], "verdict": v["verdict"]} for name, v in known.items()}
    return _planted(found["text"])


def _planted(text: str) -> dict[str, Any]:
    """Verdicts on the preflight's planted answers: the good one is good, the others are not."""
    used = rubric()
    assert used.planted is not None
    good = text == neutralise(used.planted.good)
    word = "YES" if good else "NO"
    reason = "A planted answer that meets it." if good else "A planted answer that does not meet it."
    return {criterion.id: {"reason": reason, "verdict": word} for criterion in used.judged}


def ollama(world: World, *, strict: bool = False) -> OllamaServer:
    """The server: the candidate can be pulled as the world's registry has it; the judge is here already."""
    manifest = json.loads(world.registry.manifests["qwen3", "8b"])
    layers = tuple(layer(one["digest"], one["size"]) for one in manifest["layers"])
    layers += (layer(manifest["config"]["digest"], manifest["config"]["size"]),)
    pinned = world.registry.digest_of(CANDIDATE).removeprefix("sha256:")
    candidate = PinnedModel(name=CANDIDATE, layers=layers, pinned=pinned)
    judge = StandInModel(
        name=JUDGE,
        layers=(layer("gemma3:12b", 8_149_180_896),),
        parameter_size="12.2B",
        parameter_count=12_187_325_040,
        native_context=131_072,
        capabilities=("completion", "vision"),
        licence="Gemma Terms of Use\n",
    )
    return OllamaServer(
        reply=partial(say, strict=strict), registry={CANDIDATE: candidate}, local={JUDGE: judge}
    )
