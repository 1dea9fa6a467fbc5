"""The command line in this process, and two replays at a terminal that many tests look at."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from agent.cli import main
from graphs.options import RunOptions
from store import runs
from store.database import Database, sqlite_url
from tests.standins.command_line import PERSON, AtTerminal, Said
from tests.standins.records import NOW

Bms = Callable[..., Said]

PROMPT = "[m]ore research, [r]eject"


class Kept(NamedTuple):
    """A data directory with one run in it."""

    home: Path
    run_id: str
    out: Path
    """Where the run writes its document."""
    screen: str
    """What the terminal showed."""

    @property
    def document(self) -> Path:
        return self.out / "docs" / "base-model-evaluation.md"

    def opened(self) -> Database:
        return Database(sqlite_url(self.home / "bms.sqlite"))


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
def demo_at_terminal(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """``bms demo`` at a terminal: Enter at the proposal, notes at the review; to its end."""
    home = tmp_path_factory.mktemp("demo")
    out = home / "out"
    with AtTerminal(home, "demo", "--out", str(out)) as terminal:
        terminal.until(PROMPT)
        terminal.type("\n")
        terminal.until("Qualitative notes")
        terminal.type("It listens before it advises.\n")
        assert terminal.end() == 0, terminal.screen
        return Kept(home, the_run(home), out, terminal.screen)


@pytest.fixture(scope="session")
def killed_at_prompt(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """``bms demo`` at a terminal, killed with ``kill -9`` while it asks for the approval."""
    home = tmp_path_factory.mktemp("killed")
    with AtTerminal(home, "demo", "--out", str(home / "out")) as terminal:
        terminal.until(PROMPT)
        terminal.kill()
        return Kept(home, the_run(home), home / "out", terminal.screen)


@pytest.fixture
def finished(demo_at_terminal: Kept, home: Path) -> Kept:
    """A copy of the finished run, in the data directory of this test."""
    return _copied(demo_at_terminal, home / "bms")


@pytest.fixture
def waiting(killed_at_prompt: Kept, home: Path) -> Kept:
    """A copy of the run that waits at its table, in the data directory of this test."""
    return _copied(killed_at_prompt, home / "bms")


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working directory, so that nothing is written to, or read from, the source tree."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def the_run(home: Path) -> str:
    with closing(sqlite3.connect(home / "bms.sqlite")) as rows:
        (found,) = rows.execute("SELECT id FROM runs").fetchall()
    return str(found[0])


def _copied(kept: Kept, home: Path) -> Kept:
    """The data directory at another place; its run writes beside it."""
    shutil.copytree(kept.home, home)
    copy = kept._replace(home=home, out=home / "out")
    with copy.opened() as database, database.session() as session:
        row = runs.get(session, kept.run_id)
        options = RunOptions.model_validate(row.options).model_copy(update={"out_dir": str(copy.out)})
        runs.set_options(session, row.id, options.model_dump(mode="json"), NOW)
    return copy
