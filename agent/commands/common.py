"""What several commands share: the database, the screen, files named by a person."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click
from rich.console import Console

from agent.settings import Settings, load_settings
from store.database import Database
from tools.faults import WrongUse
from tools.whole_files import open_file

CONTROLS = re.compile(r"[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")

LARGEST_FILE = 10_000_000
"""Bytes of a rubric, taxonomy or scenario file; a larger one was hardly meant."""


class Opened(NamedTuple):
    settings: Settings
    database: Database
    console: Console


@contextlib.contextmanager
def opened(*, width: int | None = None, quiet: bool = False) -> Iterator[Opened]:
    """Settings, database and console. With ``quiet`` the console writes to standard error."""
    settings = load_settings()
    with Database(settings.rows_url) as database:
        yield Opened(settings, database, Console(stderr=quiet, width=width or _width()))


def _width() -> int | None:
    """A table of ten columns is unreadable at 80; where there is no terminal, nothing limits it."""
    import sys

    return None if sys.stdout.isatty() else 160


def read_text(path: Path, what: str) -> str:
    """The text of a file that a person named; :class:`WrongUse` says why it cannot be read."""
    try:
        with open_file(path) as stream:
            raw = stream.read(LARGEST_FILE + 1)
        if len(raw) > LARGEST_FILE:
            raise WrongUse(f"The {what} {path} is larger than {LARGEST_FILE // 1_000_000} MB.")
        return raw.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    except OSError as error:
        raise WrongUse(f"The {what} {path} cannot be read: {error.strerror}.", "Check the path.") from error
    except UnicodeDecodeError as error:
        raise WrongUse(f"The {what} {path} is not text in UTF-8.") from error


def check_folder(path: Path) -> None:
    """Raise :class:`WrongUse` when nothing could be written under ``path``, before hours of work are done."""
    place = path.absolute()
    existing = next(folder for folder in (place, *place.parents) if folder.exists())
    if not existing.is_dir():
        problem = f"{existing} is not a folder"
    elif not os.access(existing, os.W_OK | os.X_OK):
        problem = f"{existing} is not yours to write to"
    else:
        return
    raise WrongUse(f"Nothing can be written to {path}: {problem}.", "Name another folder with --out.")


def whole_id(database: Database, run_id: str) -> str:
    """The run's whole name, of which a person may have typed the beginning."""
    from store import runs

    with database.reading() as session:
        return runs.get(session, run_id).id


def print_json(value: Any) -> None:
    echo_json(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def echo_json(text: str) -> None:
    """Print JSON. Control characters that JSON allows in a string, and a terminal obeys, are spelled out."""
    click.echo(CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text))
