"""``bms db``: the database that everything is kept in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.commands.common import print_json
from agent.settings import load_settings
from tools.faults import WrongUse

if TYPE_CHECKING:
    from store.copying import Copied, Side, Tell

ELSEWHERE = (
    "Not copied: reports, models and recordings that are played; they stay in the data directory ({home}), "
    "which is still BMS_HOME."
)


@click.group()
def db() -> None:
    """The database that everything is kept in."""


@db.command()
@click.option("--from", "source", metavar="HOME", help="Data directory or address; yours when left out.")
@click.option("--to", "target", metavar="URL", help="Address or data directory; else BMS_DATABASE_URL.")
@click.option("--json", "as_json", is_flag=True)
def copy(source: str | None, target: str | None, as_json: bool) -> None:
    """Copy all runs, conversations and checkpoints into an empty database.

    Of the SQLite files in your data directory into the PostgreSQL of BMS_DATABASE_URL, unless you say
    otherwise. What is copied stays where it was, too: do not go on with it there.
    """
    settings = load_settings()
    to = target or settings.database_url
    if to is None:
        raise WrongUse("There is nothing to copy to.", "Set BMS_DATABASE_URL, or name an address with --to.")
    start = source or str(settings.home)
    _check_there(start)
    if _places(start) == _places(to):
        raise WrongUse("That is the same database.", "Name another one with --to.")
    with _side(start) as old, _side(to) as new, _progress(quiet=as_json) as tell:
        copied = _copy(old, new, tell)
    if as_json:
        print_json(copied._asdict())
        return
    from store.copying import counted_in_words as counted

    rows = sum(copied.rows.values())
    click.echo(
        f"Copied {counted(copied.rows['runs'], 'run')} and "
        f"{counted(copied.rows['threads'], 'conversation')}: {rows:,} rows of "
        f"{len(copied.rows)} tables, {copied.checkpoints:,} checkpoints. Each table's rows were compared "
        "afterwards."
    )
    click.echo(ELSEWHERE.format(home=settings.home))
    if settings.database_url is None:
        click.echo("Set BMS_DATABASE_URL to that address, and bms works there.")


def _copy(old: Side, new: Side, tell: Tell) -> Copied:
    from store.copying import copy
    from tools.clock import SystemClock

    return asyncio.run(copy(old, new, SystemClock().now(), tell))


def _places(where: str) -> tuple[str, str]:
    """Addresses of rows and checkpoints, for the address of a database or a data directory."""
    from store.database import sqlite_url

    if "://" in where:
        return where, where
    home = Path(where).expanduser().absolute()
    return sqlite_url(home / "bms.sqlite"), sqlite_url(home / "checkpoints.sqlite")


def _check_there(where: str) -> None:
    if "://" not in where and not (Path(where).expanduser() / "bms.sqlite").is_file():
        raise WrongUse(f"There is no bms.sqlite in {where}.", "Name the data directory with --from.")


@contextmanager
def _side(where: str) -> Iterator[Side]:
    from store.copying import Side
    from store.database import Database

    rows, checkpoints = _places(where)
    with Database(rows) as database:
        yield Side(database, checkpoints)


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Tell]:
    """A line for each table, where somebody watches."""
    from rich.console import Console
    from rich.progress import Progress, TaskID

    tasks: dict[str, TaskID] = {}
    with Progress(
        console=Console(stderr=True), disable=quiet or not Console(stderr=True).is_terminal
    ) as shown:

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = shown.add_task(what, total=total)
            shown.update(tasks[what], completed=done)

        yield tell
