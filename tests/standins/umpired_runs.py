"""Runs of ``bms evaluate`` against :class:`Umpired`: their files, their rows, and what they come to."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from store.database import Database, sqlite_url
from tests.standins.command_line import Said, ended, environment, warm
from tests.standins.umpired import CANDIDATE, JUDGE, RUBRIC

OF_THE_MOMENT = {
    "at",
    "by",
    "cached_tokens",
    "date",
    "first_token_seconds",
    "made_at",
    "run",
    "run_id",
    "seconds",
    "sha256",
    "tokens_a_second",
}
"""What two runs of the same work differ in."""
_PORT = re.compile(r"http://127\.0\.0\.1:\d+")


class Place(NamedTuple):
    """A data directory, and beside it where its run writes."""

    home: Path

    @property
    def out(self) -> Path:
        return self.home / "out"

    @property
    def docs(self) -> Path:
        return self.out / "docs"

    @property
    def document(self) -> Path:
        return self.docs / "base-model-evaluation.md"

    @property
    def exports(self) -> Path:
        return self.docs / "base-model-evaluation"

    @property
    def results(self) -> Any:
        return json.loads((self.docs / "base-model-evaluation.json").read_text("utf-8"))

    @property
    def run_id(self) -> str:
        (found,) = self.rows("SELECT id FROM runs")
        return str(found[0])

    def rows(self, query: str) -> list[Any]:
        with closing(sqlite3.connect(self.home / "bms.sqlite")) as rows:
            return rows.execute(query).fetchall()

    def kinds(self) -> list[str]:
        """Events, as ``stage kind``."""
        return [f"{stage} {kind}" for stage, kind in self.rows("SELECT stage, kind FROM events ORDER BY seq")]

    def opened(self) -> Database:
        return Database(sqlite_url(self.home / "bms.sqlite"))

    def evaluate(
        self, texts: Sequence[str] = (), *more: str, domain: str = "therapy coaching", judge: str = JUDGE
    ) -> tuple[str, ...]:
        """Arguments of an evaluation on one's own scenarios, or on made ones; one request at a time."""
        self.home.mkdir(exist_ok=True)
        rubric = self.home / "two.rubric.yaml"
        rubric.write_text(RUBRIC, "utf-8")
        flags = {
            "--model": CANDIDATE,
            "--runtime": "openai",
            "--domain": domain,
            "--rubric": str(rubric),
            "--judge": judge,
            "--out": str(self.out),
            "--concurrency": "1",
        }
        if texts:
            path = self.home / "own.jsonl"
            lines = [
                {"id": f"s{i}", "topic": f"topic {i % 3}", "message": text} for i, text in enumerate(texts, 1)
            ]
            path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
            flags["--scenarios"] = str(path)
        return ("evaluate", *(word for flag in flags.items() for word in flag), *more)

    def dies(self, module: str, *how: str, arguments: Sequence[str], env: Mapping[str, str]) -> None:
        """``bms`` in a process of ``module``, which has to kill itself."""
        process = warm().start(
            f"{module}:killed", *how, *arguments, cwd=self.home, env=environment(self.home, **env)
        )
        said: Said = ended(process)
        assert said.status == -signal.SIGKILL, said

    def comes_to(self) -> Any:
        """Every result and every row, without what belongs to the moment."""
        text = (self.docs / "base-model-evaluation.json").read_text("utf-8").replace(str(self.home), "HOME")
        return _without(json.loads(_PORT.sub("http://SERVER", text)), OF_THE_MOMENT)


def differences(one: Any, other: Any, at: str = "") -> list[str]:
    """Where two results differ, as paths with both values."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return [line for name in one for line in differences(one[name], other[name], f"{at}.{name}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return [line for i, (a, b) in pairs for line in differences(a, b, f"{at}[{i}]")]
    return [] if one == other else [f"{at}: {one!r} != {other!r}"]


def _without(value: Any, names: set[str]) -> Any:
    if isinstance(value, dict):
        return {name: _without(item, names) for name, item in value.items() if name not in names}
    if isinstance(value, list):
        return [_without(item, names) for item in value]
    return value
