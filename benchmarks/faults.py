"""What becomes of an evaluation when something fails: ``python -m benchmarks.faults``.

Fifty scenarios are evaluated with a candidate and a judge on loopback, undisturbed and under each fault. The
table has the numbers before and after, and which calls were made again. Nothing sleeps: waits are counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import signal
import sqlite3
import subprocess
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from agent.services import open_services
from agent.settings import Settings
from graphs.options import Approver, RunOptions
from graphs.policy import policy_reply
from graphs.prompts import Prompt, Reply
from graphs.runner import Runner, create_run
from store import evaluation, events
from store.checkpoints import open_checkpointer
from store.database import Database, sqlite_url
from tests.standins.command_line import Said, ended, start
from tests.standins.faulty_server import (
    ANSWER,
    CANDIDATE,
    JUDGE,
    RUBRIC,
    Call,
    FaultyServer,
    Refusal,
    cases,
    in_form,
    replies,
)
from tests.standins.patience import PATIENCE
from tools.decision import Decision
from tools.evaluation import Answer, Assessment
from tools.scenarios import dump_scenarios

COUNT = 50
AT_ONCE = 8
THE_JUDGE = f"openai:{JUDGE}"
BROKEN = frozenset(range(1, COUNT, 5))
"""A fifth of the cases: answers that would have passed."""
STRUCK_AT = COUNT * 6 // 10


class Seen(NamedTuple):
    """What an evaluation left behind."""

    prompt: Prompt | None
    """What it waits for."""
    decision: Decision | None
    answers: dict[str, Answer]
    assessments: dict[str, Assessment]
    retries: list[dict[str, Any]]
    """Events of calls that were tried again."""
    waits: tuple[float, ...]
    """Seconds that it would have slept."""
    calls: tuple[Call, ...]
    """What the server was asked."""
    document: str

    @property
    def numbers(self) -> str:
        if self.decision is None:
            return f"{len(self.answers)} answers, no decision"
        d = self.decision
        rate = "–" if d.pass_rate is None else f"{d.pass_rate:.0%}"
        return f"{d.passes}/{d.measured} = {rate}, {d.unmeasured} unmeasured, {d.kind.value}"

    def replies(self, model: str) -> Counter[int]:
        """Replies by case."""
        return replies(self.calls, model)

    def again(self, model: str) -> dict[int, int]:
        """Cases that a model replied to more than once, with how often."""
        return {case: times for case, times in self.replies(model).items() if times > 1}


class _Driving(NamedTuple):
    database: Database
    runner: Runner


@contextlib.asynccontextmanager
async def _driving(server: FaultyServer, home: Path, waits: list[float]) -> AsyncIterator[_Driving]:
    async def waited(seconds: float) -> None:
        waits.append(seconds)

    settings = Settings(home=home, openai_base_url=f"{server.url}/v1", leaderboards=False)
    with Database(sqlite_url(home / "bms.sqlite")) as database:
        async with (
            open_services(settings, database) as services,
            open_checkpointer(settings.checkpoints_url) as checkpointer,
        ):
            yield _Driving(database, Runner(replace(services, sleep=waited), checkpointer))


async def evaluated(
    server: FaultyServer,
    home: Path,
    *,
    judge: str | None = THE_JUDGE,
    answering: Callable[[Prompt], Reply | None] = policy_reply,
) -> Seen:
    """A run from its request to its end, or to a prompt that ``answering`` leaves open."""
    options = RunOptions(
        out_dir=str(home / "out"),
        given={"domain": "therapy coaching", "size": "any"},
        insist=True,
        approver=Approver.POLICY,
        model=CANDIDATE,
        runtime="openai",
        judge=judge,
        concurrency=AT_ONCE,
    )
    waits: list[float] = []
    async with _driving(server, home, waits) as (database, runner):
        text = f"evaluate {CANDIDATE} for therapy coaching"
        run_id = create_run(database, text, options, {"rubric": ("one.rubric.yaml", RUBRIC)}, cases(COUNT))
        standing = await runner.drive(run_id)
        while standing.prompt is not None and (reply := answering(standing.prompt)) is not None:
            standing = await runner.drive(run_id, reply)
        return _seen(database, run_id, server, home)._replace(prompt=standing.prompt, waits=tuple(waits))


def _seen(database: Database, run_id: str, server: FaultyServer, home: Path) -> Seen:
    with database.reading() as session:
        told = events.after(session, run_id, 0, limit=10_000)
        decided = [event.data for event in told if event.kind == "decision"]
        document = home / "out" / "docs" / "base-model-evaluation.md"
        return Seen(
            prompt=None,
            decision=_decision(decided[-1]) if decided else None,
            answers=evaluation.answers(session, run_id, "primary"),
            assessments=evaluation.assessments(session, run_id, "primary", THE_JUDGE),
            retries=[event.data for event in told if event.kind == "retry"],
            waits=(),
            calls=tuple(server.calls),
            document=document.read_text("utf-8") if document.exists() else "",
        )


def _decision(data: dict[str, Any]) -> Decision:
    """The decision in its event, which names the role beside it."""
    return Decision.model_validate({name: data[name] for name in Decision.model_fields if name in data})


async def undisturbed(home: Path) -> Seen:
    with FaultyServer() as server:
        return await evaluated(server, home)


async def unreadable_verdicts(home: Path) -> Seen:
    """The judge answers a fifth of the cases in prose, however often it is asked."""

    def judge(case: int | None, word: str) -> str:
        return "I would call this quite good." if case in BROKEN else in_form(case, word)

    with FaultyServer(judge=judge) as server:
        return await evaluated(server, home)


async def scores_without_verdicts(home: Path) -> Seen:
    """The judge gives a score of its own instead of verdicts, to every case."""

    def judge(case: int | None, word: str) -> str:
        return in_form(case, word) if case is None else '{"score": 0, "reason": "terrible and unsafe"}'

    with FaultyServer(judge=judge) as server:
        return await evaluated(server, home)


async def empty_answers(home: Path) -> Seen:
    with FaultyServer(say=lambda case: "" if case in BROKEN else ANSWER) as server:
        return await evaluated(server, home)


THOUGHT = "The person wants advice; secretly I am bored."
THINKING = {
    "closed": f"<think>{THOUGHT}</think>{ANSWER}",
    "pre-opened": f"{THOUGHT}</think>{ANSWER}",
    "unclosed": f"<think>{THOUGHT} {ANSWER}",
}


async def thinking(home: Path, how: str) -> Seen:
    """Every answer comes with thoughts in its text."""
    with FaultyServer(say=lambda _: THINKING[how]) as server:
        return await evaluated(server, home)


async def limited(home: Path, retry_after: str | None = None) -> Seen:
    """Every tenth call is refused with 429."""
    with FaultyServer(limit=lambda nth: Refusal(retry_after) if nth % 10 == 0 else None) as server:
        return await evaluated(server, home)


async def judge_is_candidate(home: Path) -> Seen:
    with FaultyServer() as server:
        return await evaluated(server, home, judge=f"openai:{CANDIDATE}")


async def one_word_judge(home: Path, word: str, answering: Callable[[Prompt], Reply | None]) -> Seen:
    """The judge says the same of everything."""
    with FaultyServer(judge=lambda case, _: in_form(case, word)) as server:
        return await evaluated(server, home, answering=answering)


class Killed(NamedTuple):
    """A run that was killed twice, and carried on to its end."""

    seen: Seen
    lives: tuple[Life, ...]


class Life(NamedTuple):
    """A process that was killed."""

    model: str
    """Who was being asked."""
    stored: frozenset[int]
    """Cases whose answer, or assessment, was a row when it was dead."""
    replied: Counter[int]
    """Replies of this model by then."""


class _Strike:
    """Kills a process with SIGKILL at a model's call; the call gets no reply."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._victim: Future[subprocess.Popen[str]] = Future()

    def kill(self, process: subprocess.Popen[str]) -> Said:
        """Whom; what it left behind."""
        self._victim.set_result(process)
        return ended(process)

    def __call__(self, model: str, nth: int) -> bool:
        if model != self._model or nth != STRUCK_AT:
            return False
        self._victim.result(PATIENCE).send_signal(signal.SIGKILL)
        return True


def killed(home: Path) -> Killed:
    """``bms evaluate`` killed at 60 % of the answers, its resume at 60 % of the judgements, and resumed."""
    lives = []
    with FaultyServer() as server:
        command = _command(home, "--judge", THE_JUDGE)
        for model in (CANDIDATE, JUDGE):
            server.strike = strike = _Strike(model)
            said = strike.kill(_bms(server, home, *command))
            assert said.status == -signal.SIGKILL, said
            seen = _left(server, home)
            rows = seen.answers if model == CANDIDATE else seen.assessments
            stored = frozenset(int(name.removeprefix("case-")) for name in rows)
            lives.append(Life(model, stored, replies(server.calls, model)))
            command = ("resume", _run_id(home), "--yes")
        said = ended(_bms(server, home, *command))
        assert said.status == 0, said
        return Killed(_left(server, home), tuple(lives))


class NoJudge(NamedTuple):
    """``bms evaluate`` without a judge, then ``bms resume --judge``."""

    first: Said
    before: Seen
    second: Said
    after: Seen


def no_judge(home: Path) -> NoJudge:
    with FaultyServer() as server:
        first = ended(_bms(server, home, *_command(home)))
        before = _left(server, home)
        calls = [*server.calls]
        second = ended(_bms(server, home, "resume", _run_id(home), "--judge", THE_JUDGE, "--yes"))
        after = _left(server, home)
        return NoJudge(first, before._replace(calls=tuple(calls)), second, after)


def _command(home: Path, *more: str) -> tuple[str, ...]:
    rubric, scenarios = home / "one.rubric.yaml", home / "scenarios.jsonl"
    rubric.write_text(RUBRIC, encoding="utf-8")
    dump_scenarios(cases(COUNT), scenarios)
    flags = {
        "--model": CANDIDATE,
        "--runtime": "openai",
        "--domain": "therapy coaching",
        "--scenarios": str(scenarios),
        "--rubric": str(rubric),
        "--concurrency": str(AT_ONCE),
        "--out": str(home / "out"),
    }
    return ("evaluate", *(word for flag in flags.items() for word in flag), "--yes", *more)


def _bms(server: FaultyServer, home: Path, *arguments: str) -> subprocess.Popen[str]:
    return start(home, *arguments, env={"OPENAI_BASE_URL": f"{server.url}/v1"})


def _run_id(home: Path) -> str:
    with closing(sqlite3.connect(home / "bms.sqlite")) as rows:
        (found,) = rows.execute("SELECT id FROM runs").fetchall()
    return str(found[0])


def _left(server: FaultyServer, home: Path) -> Seen:
    """What a process has left."""
    with Database(sqlite_url(home / "bms.sqlite")) as database:
        return _seen(database, _run_id(home), server, home)


def nobody(_prompt: Prompt) -> None:
    """Answers no prompt, as where no person is."""


class Row(NamedTuple):
    """A line of the table."""

    fault: str
    seen: Seen
    told: str = ""

    @property
    def cells(self) -> tuple[str, ...]:
        seen = self.seen
        return (
            self.fault,
            seen.numbers,
            f"{seen.replies(CANDIDATE).total()} + {seen.replies(JUDGE).total()}",
            f"{sum(n - 1 for n in seen.again(CANDIDATE).values())} + "
            f"{sum(n - 1 for n in seen.again(JUDGE).values())}",
            str(len(seen.retries)),
            self.told,
        )


HEADER = (
    "fault",
    "passed / measured",
    "replies: answers + verdicts",
    "of these again",
    "429 retried",
    "said",
)


async def _in_process(home: Callable[[], Path]) -> AsyncIterator[Row]:
    yield Row("none", await undisturbed(home()))
    yield Row("20 % of the judge's replies are prose", await unreadable_verdicts(home()))
    yield Row('judge: `{"score": 0, …}` without verdicts', await scores_without_verdicts(home()))
    yield Row("20 % of the answers are empty", await empty_answers(home()))
    for how in THINKING:
        yield Row(f"thinking, {how}", await thinking(home(), how))
    yield Row("429 every tenth call", await limited(home()))
    yield Row("429 every tenth call, Retry-After: 7", await limited(home(), "7"))
    yield Row("the judge is the candidate", seen := await judge_is_candidate(home()), _problem(seen))
    for word in ("YES", "NO"):
        seen = await one_word_judge(home(), word, nobody)
        yield Row(f"the judge says {word} to everything", seen, _problem(seen))


def _problem(seen: Seen) -> str:
    return str(getattr(seen.prompt, "problem", ""))


async def rows(folder: Path) -> AsyncIterator[Row]:
    """All rows of the table, each made in a data directory of its own."""
    numbers = itertools.count()

    def home() -> Path:
        made = folder / str(next(numbers))
        made.mkdir()
        return made

    async for row in _in_process(home):
        yield row
    dead = await asyncio.to_thread(killed, home())
    left = " and ".join(f"{len(life.stored)} rows of {life.model} left" for life in dead.lives)
    yield Row("kill -9 at 60 % of answers, then of judgements", dead.seen, left)
    without = await asyncio.to_thread(no_judge, home())
    yield Row("no judge", without.before, f"exit {without.first.status}")
    yield Row("then `bms resume --judge`", without.after, f"exit {without.second.status}")


async def main() -> None:
    print("| " + " | ".join(HEADER) + " |\n" + "|---" * len(HEADER) + "|")
    with tempfile.TemporaryDirectory() as folder:
        async for row in rows(Path(folder)):
            print("| " + " | ".join(row.cells) + " |", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
