"""Real processes that start together: for races, and for what is left when one is killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.standins.patience import PATIENCE

ROOT = Path(__file__).parents[2]


@contextmanager
def python(*codes: str, **env: str) -> Iterator[list[subprocess.Popen[str]]]:
    """Python processes, one a code. Each has to print ``ready`` once it is; then the body runs. All are
    killed at its end."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, **env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for code in codes
    ]
    try:
        for process in started:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line == "ready\n", line + process.communicate(timeout=PATIENCE)[1]
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate(timeout=PATIENCE)


def together(*codes: str) -> list[str]:
    """What the processes print after all of them were ready and let go at once; each has to end well."""
    with python(*codes) as processes:
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        said = []
        for process in processes:
            out, err = process.communicate(timeout=PATIENCE)
            assert process.returncode == 0, err
            said.append(out.strip())
        return said
