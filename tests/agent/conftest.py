"""The command line in this process, and a replay that many tests look at: at its table, and at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.cli import main
from tests.standins.command_line import PERSON, Said
from tests.standins.once import made_once
from tests.standins.replayed import Kept, drive_demo, kept

Bms = Callable[..., Said]


@pytest.fixture
def bms(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Bms:
    """``bms ARGUMENTS`` in this process, without a terminal."""
    monkeypatch.setenv("LOGNAME", PERSON)

    def call(*arguments: str) -> Said:
        with pytest.raises(SystemExit) as left:
            main(arguments)
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return Said(int(left.value.code or 0), out, err)

    return call


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``bms demo`` at a terminal, driven once for all workers: what :func:`drive_demo` leaves behind."""
    return made_once(tmp_path_factory, "demo", drive_demo)


@pytest.fixture(scope="session")
def demo_at_terminal(demo: Path) -> Kept:
    """The finished run where it was driven; to be read only."""
    return kept(demo, "finished")


@pytest.fixture
def finished(demo_at_terminal: Kept, home: Path) -> Kept:
    """A copy of the finished run, in the data directory of this test."""
    return demo_at_terminal.copied(home / "bms")


@pytest.fixture
def waiting(demo: Path, home: Path) -> Kept:
    """A copy of the run that waits at its table, in the data directory of this test."""
    return kept(demo, "waiting").copied(home / "bms")


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working directory, so that nothing is written to, or read from, the source tree."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder
