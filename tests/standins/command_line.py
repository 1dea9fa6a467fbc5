"""``bms`` as people meet it: called in this process, started as a process of its own, or at a terminal."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Self

import psutil

from tests.standins.patience import PATIENCE
from tests.standins.zygote import Forked, Zygote

ROOT = Path(__file__).parents[2]
PERSON = "ada"
"""Who is at the terminal."""
OPENED = "opened\n"
"""What a forked process says when it has its terminal."""
SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][0-9A-B]|[=>])")
"""What rich and readline write to move the cursor and to colour."""


class Said(NamedTuple):
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """Standard error as one line."""
        return " ".join(self.err.split())

    @property
    def text(self) -> str:
        """Standard output as one line."""
        return " ".join(self.out.split())

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def environment(home: Path, **more: str) -> dict[str, str]:
    """The environment of a process with its data in ``home``, without the developer's settings and tokens."""
    kept = {
        name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR") if name in os.environ
    }
    ours = {
        "HOME": str(home),
        "LOGNAME": PERSON,
        "BMS_HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "PYTHONIOENCODING": "utf-8",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "OLLAMA_HOST": "http://127.0.0.1:9",
        "TERM": "xterm-256color",
    }
    return {**kept, **ours, **more}


@cache
def warm() -> Zygote:
    """What ``bms`` is forked from: one for this process, closed at the end of the test session."""
    ours = ("tests.standins.preloaded", "tests.standins.nested", __name__)
    return Zygote("agent.commands.serve", "agent.service.app", "uvicorn", *ours)


def start(home: Path, *arguments: str, env: Mapping[str, str] | None = None) -> Forked:
    """``bms ARGUMENTS`` as a process that has no terminal. Whoever starts it ends it with :func:`ended`."""
    return warm().bms(*arguments, cwd=home, env=environment(home, **(env or {})))


def ended(process: subprocess.Popen[str] | Forked) -> Said:
    """Wait for the end of a process; one that does not end is killed and fails the test."""
    try:
        out, err = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"the process did not end; it said:\n{out}\n{err}") from None
    assert process.returncode is not None
    return Said(process.returncode, out, err)


def bms_process(home: Path, *arguments: str, env: Mapping[str, str] | None = None) -> Said:
    """Run ``bms ARGUMENTS`` in a process of its own to its end."""
    return ended(start(home, *arguments, env=env))


def on_terminal(arguments: Sequence[str]) -> None:
    """In a forked process: ``bms`` with the terminal that comes first in ``arguments``.

    Opened by the leader of a session it is the controlling one, so that its Ctrl-C is a signal.
    """
    name, *rest = arguments
    opened = os.open(name, os.O_RDWR)
    print(OPENED, end="", flush=True)
    for number in range(3):
        os.dup2(opened, number)
    os.close(opened)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    from agent.cli import main

    main(rest)


def _asleep(pid: int) -> Any:
    """How often each of its threads has slept so far; None while one works, or waits for a processor."""
    if not Path(f"/proc/{pid}/task").exists():  # no Linux: its processor time has to do
        process = psutil.Process(pid)
        return process.cpu_times() if process.status() == psutil.STATUS_SLEEPING else None
    try:
        told = [path.read_text() for path in sorted(Path(f"/proc/{pid}/task").glob("*/status"))]
    except OSError:  # one has ended just now
        return None
    facts = [dict(line.split(":", 1) for line in one.splitlines()) for one in told]
    if any(one["State"].split()[0] != "S" for one in facts):
        return None
    return [(one["Pid"], one["voluntary_ctxt_switches"], one["nonvoluntary_ctxt_switches"]) for one in facts]


class AtTerminal:
    """``bms ARGUMENTS`` at a terminal of 45 lines and 170 columns; killed at the end of the block."""

    def __init__(self, home: Path, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 45, 170, 0, 0))
        self._process = warm().start(
            f"{__name__}:on_terminal",
            os.ttyname(theirs),
            *arguments,
            cwd=home,
            env=environment(home, **(env or {})),
        )
        said = self._process.stdout.readline()
        os.close(theirs)  # not before it is open on their side: a terminal that nobody has open has ended
        assert said == OPENED, self._process.communicate()[1]
        self.raw = b""
        """Everything that was written to the terminal."""
        self._seen = 0

    @property
    def screen(self) -> str:
        """What was written so far, without colours and movements, lines joined by single spaces."""
        return " ".join(SEQUENCE.sub("", self.raw.decode("utf-8", "replace")).split())

    def until(self, words: str) -> str:
        """Read until ``words`` appear after what was waited for before; the text from there to their end."""
        patience = time.monotonic() + PATIENCE
        while (found := self.screen.find(words, self._seen)) < 0:
            assert time.monotonic() < patience, f"{words!r} did not appear on the screen:\n{self.screen}"
            assert self._read(1.0), f"the process ended without {words!r}:\n{self.screen}"
        begun, self._seen = self._seen, found + len(words)
        return self.screen[begun : self._seen]

    def until_idle(self) -> None:
        """Wait until the process waits: a signal between a question and the reading of its answer is lost.

        Idle means that all its threads are asleep, and that none was awake since the look before.
        """
        patience, before = time.monotonic() + PATIENCE, None
        while (now := _asleep(self._process.pid)) is None or now != before:
            assert time.monotonic() < patience, f"the process is never idle:\n{self.screen}"
            before = now
            self._read(0.1)

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def end(self) -> int:
        """Wait for the end of the process; its exit status."""
        patience = time.monotonic() + PATIENCE
        while self._read(1.0):
            assert time.monotonic() < patience, f"the process did not end:\n{self.screen}"
        return self._process.wait(PATIENCE)

    def kill(self) -> None:
        """``kill -9``."""
        self._process.send_signal(signal.SIGKILL)
        assert self._process.wait(PATIENCE) == -signal.SIGKILL

    def _read(self, seconds: float) -> bool:
        """Take in what arrives within ``seconds``; False once the terminal is closed from the other side."""
        ready, _, _ = select.select([self._ours], [], [], seconds)
        if not ready:
            return True
        try:
            read = os.read(self._ours, 65536)
        except OSError:  # Linux tells the end of a terminal as an input/output error
            return False
        self.raw += read
        return bool(read)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate(timeout=PATIENCE)
        os.close(self._ours)
