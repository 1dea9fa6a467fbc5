"""``bms chat``: the conversation from a pipe and at a terminal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.agent.conftest import Bms
from tests.standins.command_line import ROOT, environment
from tests.standins.replayed import Kept

STARTED = "from agent.commands.chat import chat; chat.main(prog_name='bms chat')"


def chat(home: Path, typed: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", STARTED, *arguments],
        input=typed,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        env=environment(home),
        check=False,
    )


def test_every_line_of_a_pipe_is_a_message(waiting: Kept) -> None:
    done = chat(waiting.home, "why not DeepSeek?\ndon't approve\nquit\nstatus\n", "--run", waiting.run_id)
    assert done.returncode == 0, done.stderr
    text = " ".join(done.stdout.split())
    assert "The table is ready" in text
    assert "> why not DeepSeek?" in text
    assert "deepseek-ai/DeepSeek-R1-Distill-Llama-8B" in text
    assert "nothing was done" in text
    assert "> status" not in text


@pytest.mark.slow
def test_a_story_from_start_to_end(tmp_path: Path) -> None:
    typed = (
        "replay the demo\napprove qwen3 with gemma as backup\nyes\nmy notes: it listens\nwhat failed most?\n"
    )
    done = chat(tmp_path, typed)
    assert done.returncode == 0, done.stderr
    text = " ".join(done.stdout.split())
    places = [
        text.find(words)
        for words in (
            "Replaying the recorded story therapy-8b",
            "Shall Qwen3 8B be evaluated",
            "yes / no",
            "Done: Approve Qwen3 8B",
            "qwen3:8b is pulled",
            "FINE_TUNE for the primary model",
            "Your notes go into the document",
            "The run is done",
            "CQ7: failed 17 of 50 times",
        )
    ]
    assert -1 not in places
    assert places == sorted(places)


@pytest.mark.parametrize(
    "arguments", [("--thread", "nowhere"), ("--run", "nowhere"), ("--thread", "a", "--run", "b")]
)
def test_wrong_uses(bms: Bms, elsewhere: Path, arguments: tuple[str, ...]) -> None:
    assert bms("chat", *arguments).status == 2
