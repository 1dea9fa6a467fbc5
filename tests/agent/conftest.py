"""The command line in this process, and a replay that many tests look at: at its table, and at its end."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.cli import main
from tests.standins.browser import CHROMIUM, Chromium
from tests.standins.command_line import PERSON, Said
from tests.standins.once import made_once
from tests.standins.postgres import TEMPLATE, Postgres, fresh
from tests.standins.replayed import Kept, drive_demo, kept

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Bms = Callable[..., Said]
SERVED_ON = os.environ.get("SERVED_ON", "sqlite")
MOMENTS = {
    "finished": "finished",
    "finished_run": "finished",
    "waiting": "waiting",
    "waiting_run": "waiting",
}
"""Fixtures with a run of their own, and at which moment it is."""


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


@pytest.fixture(autouse=True)
def served_on(
    request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str | None]:
    """The address of the PostgreSQL that settings lead to, with the rows of the run that the test asks for;
    None where rows are in SQLite, in the data directory.

    SQLite, unless the test has the mark ``both_databases``, or the environment has ``SERVED_ON=postgresql``.
    """
    assert home.is_dir()  # the settings of the developer are gone by now
    if getattr(request, "param", SERVED_ON) == "sqlite":
        yield None
        return
    server: Postgres = request.getfixturevalue("postgres")
    moment = next((MOMENTS[name] for name in request.fixturenames if name in MOMENTS), None)
    template = TEMPLATE if moment is None else _template(request, server, moment)
    with fresh(server, template) as url:
        monkeypatch.setenv("BMS_DATABASE_URL", url)
        yield url


def _template(request: pytest.FixtureRequest, server: Postgres, moment: str) -> str:
    """The name of a database that holds the run as it was then."""
    run, name = kept(request.getfixturevalue("demo"), moment), f"bms_{moment}"
    folders: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")

    def fill(folder: Path) -> None:
        server.fill_template(name, run.copied(folder / "home").rows_copied)

    made_once(folders, f"postgres {moment}", fill)
    return name


@pytest.fixture
def finished(demo_at_terminal: Kept, home: Path, served_on: str | None) -> Kept:
    """A copy of the finished run, in the data directory of this test."""
    return demo_at_terminal.copied(home / "bms", served_on)


@pytest.fixture
def waiting(demo: Path, home: Path, served_on: str | None) -> Kept:
    """A copy of the run that waits at its table, in the data directory of this test."""
    return kept(demo, "waiting").copied(home / "bms", served_on)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working directory, so that nothing is written to, or read from, the source tree."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """One browser for all tests of this process."""
    if not CHROMIUM.exists():
        pytest.skip(f"There is no {CHROMIUM}: `apt-get install chromium` brings it.")
    opened = Chromium()
    yield opened
    opened.close()


@pytest.fixture
def browser(chromium: Chromium) -> Iterator[Browser]:
    """The browser, for one test. Pages are opened in contexts of the test's own."""
    with chromium.lent() as opened:
        yield opened
