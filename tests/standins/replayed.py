"""The recorded therapy story, driven once at a terminal: as it waits at its table, and at its end."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from graphs.options import RunOptions
from store import evaluation, runs
from store.database import Database, sqlite_url
from tests.standins.command_line import AtTerminal
from tests.standins.records import NOW
from tools.knowledge.loader import knowledge_text
from tools.scenarios import generate
from tools.taxonomy import parse_taxonomy

PROMPT = "[m]ore research, [r]eject"
NOTES = "It listens before it advises."
TAXONOMY = "therapy-coaching.taxonomy.yaml"


class Kept(NamedTuple):
    """A data directory with one run in it."""

    home: Path
    run_id: str
    screen: str
    """What the terminal showed."""
    url: str | None = None
    """Of the database with its rows; None where they are in SQLite, in ``home``."""

    @property
    def out(self) -> Path:
        """Where the run writes its document."""
        return self.home / "out"

    @property
    def document(self) -> Path:
        return self.out / "docs" / "base-model-evaluation.md"

    def opened(self) -> Database:
        return Database(self.url or sqlite_url(self.home / "bms.sqlite"))

    def copied(self, home: Path, url: str | None = None) -> Kept:
        """The data directory at another place; its run writes there. With ``url`` its rows are there already
        (:meth:`rows_copied`), and no SQLite is left in it.

        SQLite's files beside a database come and go while another test looks at this one, which is at rest.
        """
        without = ("*.sqlite-wal", "*.sqlite-shm") if url is None else ("*.sqlite*",)
        shutil.copytree(self.home, home, ignore=shutil.ignore_patterns(*without))
        copy = self._replace(home=home, url=url)
        with copy.opened() as database, database.session() as session:
            row = runs.get(session, self.run_id)
            options = RunOptions.model_validate(row.options).model_copy(update={"out_dir": str(copy.out)})
            runs.set_options(session, row.id, options.model_dump(mode="json"), NOW)
        return copy

    def rows_copied(self, url: str) -> None:
        """Rows and checkpoints into an empty database, as ``bms db copy`` does it."""
        from store.copying import Side, copy

        with self.opened() as old, Database(url) as new:
            source = Side(old, sqlite_url(self.home / "checkpoints.sqlite"))
            asyncio.run(copy(source, Side(new, url), NOW, lambda *_: None))

    def shortened(self) -> Kept:
        """With the story's first two scenarios as a person's own: its recordings hold them."""
        taxonomy = parse_taxonomy(knowledge_text(TAXONOMY), TAXONOMY)
        two = list(generate(taxonomy, 50, 0))[:2]
        with self.opened() as database, database.session() as session:
            evaluation.keep_scenarios(session, self.run_id, two)
        return self


def drive_demo(folder: Path) -> None:
    """``bms demo`` at a terminal: Enter at the proposal, notes at the review; to its end.

    While it asks for the approval, the data directory is copied as ``kill -9`` would have left it.
    """
    home = folder / "finished"
    home.mkdir()
    with AtTerminal(home, "demo", "--out", str(home / "out")) as terminal:
        terminal.until(PROMPT)
        terminal.until_idle()
        (folder / "waiting.txt").write_text(terminal.screen, "utf-8")
        _snapshot(home, folder / "waiting")
        terminal.type("\n")
        terminal.until("Qualitative notes")
        terminal.type(f"{NOTES}\n")
        assert terminal.end() == 0, terminal.screen
        assert not list(home.glob("*.sqlite-wal"))
        (folder / "finished.txt").write_text(terminal.screen, "utf-8")


def kept(folder: Path, moment: str) -> Kept:
    """The run at that moment, in the folder that :func:`drive_demo` has filled."""
    home = folder / moment
    return Kept(home, the_run(home), (folder / f"{moment}.txt").read_text("utf-8"))


def the_run(home: Path) -> str:
    """The only run of a data directory."""
    with closing(sqlite3.connect(home / "bms.sqlite")) as rows:
        (found,) = rows.execute("SELECT id FROM runs").fetchall()
    return str(found[0])


def _snapshot(home: Path, to: Path) -> None:
    """A copy of a data directory that a process has open: SQLite copies its own files."""
    shutil.copytree(home, to, ignore=shutil.ignore_patterns("*.sqlite*"))
    for path in home.glob("*.sqlite"):
        with closing(sqlite3.connect(path)) as live, closing(sqlite3.connect(to / path.name)) as copy:
            live.backup(copy)
