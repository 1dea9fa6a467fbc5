"""A process that a zygote was forked for is as good as one that was started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.standins.command_line import ended, environment
from tests.standins.patience import PATIENCE
from tests.standins.zygote import Zygote

HERE = "tests.faults.test_zygote"


def echo(arguments: list[str]) -> int:
    print(sys.stdin.read().upper(), os.getcwd(), *arguments, os.environ.get("FLAVOUR"))
    print("beside it", file=sys.stderr)
    return 7


def waits(_arguments: list[str]) -> None:
    print("here", flush=True)
    threading.Event().wait()


def breaks(_arguments: list[str]) -> None:
    raise ValueError("nobody caught this")


def stays_until_its_thread_ends(_arguments: list[str]) -> None:
    threading.Timer(0.05, lambda: print("the thread has ended")).start()


def test_streams_arguments_environment_folder_and_exit_status_are_its_own(
    zygote: Zygote, tmp_path: Path
) -> None:
    env = {"FLAVOUR": "vanilla"}
    process = zygote.start(f"{HERE}:echo", "a", "b c", cwd=tmp_path, env=env, stdin=subprocess.PIPE)
    assert process.pid not in {os.getpid(), zygote.pid}
    out, err = process.communicate("said", timeout=PATIENCE)
    assert (out, err) == (f"SAID {tmp_path} a b c vanilla\n", "beside it\n")
    assert process.returncode == 7
    assert process.cpu_seconds > 0


def test_bms_itself_and_what_it_complains_of(zygote: Zygote, tmp_path: Path) -> None:
    said = ended(zygote.bms("show", "nothing", cwd=tmp_path, env=environment(tmp_path)))
    assert said.status == 2
    assert "There is no run" in said.sentence
    assert (tmp_path / "bms.sqlite").exists()


def test_signals_are_real_and_two_live_beside_each_other(zygote: Zygote) -> None:
    processes = [zygote.start(f"{HERE}:waits") for _ in range(2)]
    for process in processes:
        assert process.stdout.readline() == "here\n"
        assert process.poll() is None
    processes[0].kill()
    assert processes[0].wait(PATIENCE) == -signal.SIGKILL
    assert processes[1].poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        processes[1].communicate(timeout=0.01)
    processes[1].terminate()
    assert ended(processes[1]).status == -signal.SIGTERM
    processes[1].kill()  # one that has ended is left alone


def test_what_is_raised_and_what_still_runs(zygote: Zygote) -> None:
    broken = ended(zygote.start(f"{HERE}:breaks"))
    assert broken.status == 1
    assert broken.err.endswith("ValueError: nobody caught this\n")
    patient = ended(zygote.start(f"{HERE}:stays_until_its_thread_ends"))
    assert (patient.status, patient.out) == (0, "the thread has ended\n")
