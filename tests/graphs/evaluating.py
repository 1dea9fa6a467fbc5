"""An evaluation on stand-ins: an OpenAI-compatible server that answers and judges as a test scripts it."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.intake import read_request
from agent.services import no_room_needed
from graphs.desk import NamedModel, Services
from graphs.options import Approver, RunOptions
from graphs.policy import policy_reply
from graphs.prompts import Reply
from graphs.runner import Runner, Standing, create_run
from store.checkpoints import open_checkpointer
from store.database import Database, sqlite_url
from tests.standins.openai_server import OpenAIServer
from tests.standins.stage import TODAY, no_sleep
from tools.clock import FixedClock
from tools.evaluation import Scenario
from tools.runtimes import Runtime
from tools.runtimes.openai_compatible import OpenAICompatibleRuntime
from tools.scenario_files import UNLABELLED

RUBRIC = """
name: Small
pass_threshold: 0.5
categories: {sense: {weight: 1}}
criteria:
  - {id: S1, category: sense, question: "Does the answer make sense?"}
planted:
  message: "What is the day after Monday?"
  good: "Tuesday."
  bad: "A spoon."
"""
JUDGE = "openai:umpire"
CANDIDATE = "player"

_ANSWER = re.compile(r"<answer [0-9a-f]{12}>\n(.*?)\n</answer [0-9a-f]{12}>", re.DOTALL)


@dataclass
class Script:
    """What the models say. ``verdict`` gets the judge's name and the answer under judgement."""

    answer: Callable[[dict[str, Any]], str] = lambda asked: f"Good {asked['messages'][-1]['content']}"
    verdict: Callable[[str, str], str] = lambda _judge, answer: (
        "YES" if answer.startswith(("Good", "Tuesday")) else "NO"
    )
    answered: list[dict[str, Any]] = field(default_factory=list)
    judged: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, asked: dict[str, Any]) -> str:
        if "response_format" not in asked:
            self.answered.append(asked)
            return self.answer(asked)
        found = _ANSWER.search(asked["messages"][-1]["content"])
        assert found is not None
        self.judged.append((asked["model"], found[1]))
        verdict = self.verdict(asked["model"], found[1])
        names = asked["response_format"]["json_schema"]["schema"]["required"]
        return json.dumps({name: {"reason": f"{verdict} it is.", "verdict": verdict} for name in names})

    @property
    def messages(self) -> list[str]:
        """What the candidate was asked, the greeting left out."""
        said = [asked["messages"][-1]["content"] for asked in self.answered]
        return [message for message in said if message != "Hello, testing."]


@dataclass
class Evaluation:
    runner: Runner
    database: Database
    script: Script
    server: OpenAIServer
    home: Path

    def start(
        self,
        texts: list[str] | None = None,
        *,
        domain: str = "therapy coaching",
        materials: dict[str, tuple[str, str]] | None = None,
        **options: object,
    ) -> str:
        """A run of the candidate with the person's own scenarios, or with ``count`` made ones."""
        given = {
            "out_dir": str(self.home),
            "model": CANDIDATE,
            "runtime": "openai",
            "judge": JUDGE,
            "given": {"domain": domain, "size": "any"},
            "insist": True,
            **options,
        }
        own = [
            Scenario(id=f"s{i}", topic=f"topic {i % 3}", subtopic=UNLABELLED, style="terse", message=text)
            for i, text in enumerate(texts or (), 1)
        ]
        texts_of = {"rubric": ("small.yaml", RUBRIC), **(materials or {})}
        if own:
            texts_of["scenarios"] = ("own.jsonl", "")
        text = f"evaluate {CANDIDATE} for {domain}"
        return create_run(self.database, text, RunOptions.model_validate(given), texts_of, own)

    async def to_the_end(self, run_id: str, reply: Reply | None = None) -> Standing:
        """Drive with the policy's answers."""
        while True:
            standing = await self.runner.drive(run_id, reply)
            reply = None if standing.prompt is None else policy_reply(standing.prompt)
            if reply is None:
                return standing


@contextlib.asynccontextmanager
async def evaluating(
    home: Path, script: Script | None = None, *, candidate: Runtime | None = None
) -> AsyncIterator[Evaluation]:
    """``candidate`` answers instead of the server; whoever made it closes it."""
    told = script or Script()
    with (
        OpenAIServer(reply=told, model=CANDIDATE, serves_any=True) as server,
        Database(f"sqlite:///{home}/bms.sqlite") as db,
    ):
        runtime = OpenAICompatibleRuntime(f"{server.url}/v1")

        async def choose(preference: str, *, model: str | None = None) -> Runtime:
            return candidate or runtime

        async def open_model(spec: str) -> NamedModel:
            return NamedModel(spec, runtime, spec.partition(":")[2])

        services = Services(
            database=db,
            web=None,  # type: ignore[arg-type]  # nothing is read from the web
            engines=(),
            choose_runtime=choose,
            open_model=open_model,
            read_request=read_request,
            hub_endpoint="http://127.0.0.1:1",
            registry_url="http://127.0.0.1:1",
            check_room=no_room_needed,
            clock=FixedClock(TODAY),
            sleep=no_sleep,
        )
        try:
            async with open_checkpointer(sqlite_url(home / "checkpoints.sqlite")) as checkpointer:
                yield Evaluation(Runner(services, checkpointer), db, told, server, home)
        finally:
            await runtime.aclose()


__all__ = ["Approver", "Evaluation", "Script", "evaluating"]
