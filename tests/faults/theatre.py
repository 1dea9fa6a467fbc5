"""Where faults strike: the world, an Ollama and one run at a time, driven by ``bms`` in other processes."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import sqlite3
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from graphs.options import Approver, RunOptions
from graphs.runner import create_run
from store import events, research, runs
from store.database import Database, sqlite_url
from tests.faults.driver import Part
from tests.graphs.evaluating import RUBRIC
from tests.standins.command_line import Said, ended, environment
from tests.standins.ollama_server import OllamaServer
from tests.standins.patience import PATIENCE
from tests.standins.therapy_story import ANSWER, JUDGE, ollama
from tests.standins.umpired_runs import OF_THE_MOMENT
from tests.standins.world import World
from tests.standins.zygote import Forked, Zygote

TEXT = "evaluate 8B models for therapy coaching"
BUDGET = {"queries": 2, "pages": 2, "candidates": 6, "waves": 1}
COUNT = 30
"""Scenarios; fewer decide nothing."""


OF_A_RUN = {
    "bms.sqlite": ("events", "runs", "answers", "assessments", "calls", "tables"),
    "checkpoints.sqlite": ("checkpoints", "writes"),
}
OF_TIME = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d UTC"
    r"|^\| (?:Seconds|Tokens a second).*$"
    r"|^!\[Length, in words: .*$"
    r"|_baseline-primary_[0-9a-f]+",
    re.MULTILINE,
)
"""What two documents of the same work differ in."""


class Stop(NamedTuple):
    """A driver that waits in the middle of a station."""

    station: str
    writes: int
    left: bool
    """Whether it is done with the station."""
    process: Forked


def say(request: dict[str, Any]) -> str:
    """What the candidate answers, and what the judge says of it: all is well, but for what is planted."""
    said = request["messages"][-1]["content"]
    if not request["model"].startswith(JUDGE):
        return f"Good that you say so: {said[:40]}"
    found = ANSWER.search(said)
    assert found is not None
    word = "YES" if found["text"].startswith(("Good", "Tuesday")) else "NO"
    return json.dumps(
        {name: {"reason": "Plainly.", "verdict": word} for name in request["format"]["required"]}
    )


@dataclass
class Theatre:
    """One run, in a folder of its own, on its database."""

    zygote: Zygote
    home: Path
    url: str
    world: World
    ollama: OllamaServer
    run_id: str = ""
    finished: Counter[str] = field(default_factory=Counter)
    """Chats that were answered, by what was asked."""
    unstored: Counter[str] = field(default_factory=Counter)
    """Those of them that came when nothing could be stored any more."""
    dies_at_next_chat: bool = False
    """Whether the Ollama dies in the middle of its next answer."""
    _listening: socket.socket = field(init=False)

    def begin(self, **options: object) -> str:
        given = {
            "out_dir": str(self.home),
            "judge": f"ollama:{JUDGE}",
            "approver": Approver.POLICY,
            "budget": BUDGET,
            "count": COUNT,
            "concurrency": 1,
            **options,
        }
        with Database(self.url) as database:
            self.run_id = create_run(
                database, TEXT, RunOptions.model_validate(given), {"rubric": ("small.yaml", RUBRIC)}
            )
        return self.run_id

    def __post_init__(self) -> None:
        self.ollama.reply = self._say
        self.hush()
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(self._address)
        self._listening.listen()

    def hush(self) -> None:
        """A caller that is killed breaks its connections; the Ollama need not complain of it."""
        self.ollama._server.handle_error = lambda *_: None  # type: ignore[assignment, method-assign]

    def close(self) -> None:
        self._listening.close()

    @property
    def _address(self) -> str:
        return str(self.home / "watch")

    def start(
        self, stops: Mapping[str, int] | None = None, command: tuple[str, ...] = (), **part: Any
    ) -> Watched:
        """``bms resume``, or another command, in a process of its own."""
        told = Part(
            watcher=self._address,
            addresses=self.world.addresses,
            ollama=self.ollama.url,
            stops=dict(stops or {}),
            **part,
        )
        env = environment(self.home)
        if not self.url.startswith("sqlite"):
            env["BMS_DATABASE_URL"] = self.url
        process = self.zygote.start(
            "tests.faults.driver:main",
            told.model_dump_json(),
            *(command or ("resume", self.run_id)),
            cwd=self.home,
            env=env,
        )
        self._listening.settimeout(PATIENCE)
        connection, _ = self._listening.accept()
        return Watched(process, connection)

    def _say(self, request: dict[str, Any]) -> str:
        if self.dies_at_next_chat:
            self.dies_at_next_chat = False
            threading.Thread(target=self.ollama.kill).start()
            raise ConnectionResetError("the runtime was killed")
        self.finished[json.dumps(request, sort_keys=True)] += 1
        return say(request)

    def look(self, query: Callable[..., Any], *arguments: Any) -> Any:
        """``query(session, run_id, …)``."""
        with Database(self.url) as database, database.reading() as session:
            return query(session, self.run_id, *arguments)

    def rows(self) -> str:
        """What tells one state of the run's rows and checkpoints from another, on SQLite."""
        digest = sha256()
        for name, tables in OF_A_RUN.items():
            with contextlib.closing(sqlite3.connect(self.home / name)) as connection:
                for table in tables:
                    for row in connection.execute(f"SELECT * FROM {table}"):
                        digest.update(repr(row).encode())
        return digest.hexdigest()

    def told(self) -> list[Any]:
        """The events of the run."""
        return list(self.look(events.after, 0, 100_000))

    def outcome(self) -> Outcome:
        document = (self.home / "docs" / "base-model-evaluation.md").read_text("utf-8")
        results = (self.home / "docs" / "base-model-evaluation.json").read_text("utf-8")
        told, row, offered = self.told(), self.look(runs.get), self.look(research.newest_table)
        return Outcome(
            row.status,
            row.detail,
            offered.table.hash,
            _without(json.loads(results.replace(str(self.home), "HOME"))),
            OF_TIME.sub("TIME", document.replace(str(self.home), "HOME").replace(self.run_id, "RUN")),
            tuple(event.seq for event in told),
            Counter(f"{event.stage} {event.kind}" for event in told),
            self.finished - self.unstored,
        )


class Outcome(NamedTuple):
    """What a run has come to."""

    status: str
    detail: str
    table_hash: str
    results: Any
    document: str
    numbers: tuple[int, ...]
    """Of its events."""
    kinds: Counter[str]
    chats: Counter[str]
    """Answered ones."""


class Watched:
    """A driver that is watched: :meth:`next` is where it waits."""

    def __init__(self, process: Forked, connection: socket.socket) -> None:
        self.process = process
        self._connection = connection
        self._lines = connection.makefile("r", encoding="utf-8")
        self._ahead: tuple[Stop | None, ...] = ()

    def look(self) -> Stop | None:
        """Where it waits; :meth:`next` says the same again."""
        self._ahead = (self.next(),)
        return self._ahead[0]

    def next(self) -> Stop | None:
        """Where it waits; None when it has ended."""
        if self._ahead:
            (stop,), self._ahead = self._ahead, ()
            return stop
        self._connection.settimeout(PATIENCE)
        with contextlib.suppress(ConnectionError):
            line = self._lines.readline()
            if line:
                told = json.loads(line)
                return Stop(told["station"], told["writes"], told["left"], self.process)
        return None

    def go_on(self, **answer: Any) -> None:
        with contextlib.suppress(ConnectionError):
            self._connection.sendall((json.dumps(answer) + "\n").encode())

    def end(self) -> Said:
        try:
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGUSR1)  # it says where each of its threads is
            return ended(self.process)
        finally:
            self._lines.close()
            self._connection.close()


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without(item) for name, item in value.items() if name not in OF_THE_MOMENT}
    if isinstance(value, list):
        return [_without(item) for item in value]
    return value


@contextlib.contextmanager
def theatre(zygote: Zygote, world: World, home: Path, url: str | None = None) -> Iterator[Theatre]:
    """A stage with a run that has not begun."""
    home.mkdir(parents=True, exist_ok=True)
    with ollama(world) as server:
        stage = Theatre(zygote, home, url or sqlite_url(home / "bms.sqlite"), world, server)
        stage.begin()
        try:
            yield stage
        finally:
            stage.close()
