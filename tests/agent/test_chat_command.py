"""``bms chat``: the conversation from a pipe and at a terminal."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.agent.conftest import Bms
from tests.standins.command_line import ROOT, Said, environment, warm
from tests.standins.patience import PATIENCE
from tests.standins.replayed import Kept


def chat(home: Path, typed: str, *arguments: str) -> Said:
    env = environment(home)
    process = warm().start("agent.cli:main", "chat", *arguments, cwd=ROOT, env=env, stdin=subprocess.PIPE)
    out, err = process.communicate(typed, timeout=PATIENCE)
    return Said(process.wait(), out, err)


def test_every_line_of_a_pipe_is_a_message(waiting: Kept) -> None:
    done = chat(waiting.home, "why not DeepSeek?\ndon't approve\nquit\nstatus\n", "--run", waiting.run_id)
    assert done.status == 0, done.err
    text = " ".join(done.out.split())
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
    assert done.status == 0, done.err
    text = " ".join(done.out.split())
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
