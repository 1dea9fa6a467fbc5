"""What is here, and what is missing for a run."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from agent.commands.common import print_json
from agent.settings import Settings, load_settings

if TYPE_CHECKING:
    from store.database import Database


class Finding(NamedTuple):
    """One line of the doctor's report."""

    what: str
    fine: bool
    detail: str


@click.command()
@click.option("--offline", is_flag=True, help="Do not ask the network.")
@click.option("--json", "as_json", is_flag=True)
def doctor(offline: bool, as_json: bool) -> None:
    """Look for runtimes, database, disk, memory, network and judge, and say what is missing."""
    from rich.console import Console

    settings = load_settings()
    findings = _machine(settings)
    with contextlib.ExitStack() as stack:
        finding, database = _database(settings, stack)
        findings += [finding, *asyncio.run(_look(settings, database, offline))]
    if as_json:
        print_json([finding._asdict() for finding in findings])
        return
    console = Console()
    for finding in findings:
        mark = "[green]✓[/]" if finding.fine else "[yellow]–[/]"
        console.print(f"{mark} {finding.what}: ", end="", highlight=False)
        console.print(finding.detail, highlight=False, markup=False, soft_wrap=True)


def _database(settings: Settings, stack: contextlib.ExitStack) -> tuple[Finding, Database]:
    """How it stands, and one to look at the rest with: an empty one where the real one is of no use."""
    from store.database import Database, sqlite_url
    from tools.faults import Fault

    try:
        database = stack.enter_context(Database(settings.rows_url))
        return _answering(database), database
    except Fault as fault:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        empty = stack.enter_context(Database(sqlite_url(folder / "bms.sqlite")))
        return Finding("database", False, str(fault)), empty


def _answering(database: Database) -> Finding:
    """Which one, at which schema, and who carries out orders. A password is never shown."""
    from sqlalchemy import text
    from sqlalchemy.engine import make_url

    from store.migrate import HEAD

    where = make_url(database.url).set(query={}).render_as_string(hide_password=True)
    if database.dialect != "postgresql":
        return Finding("database", True, f"{where}, schema {HEAD}; orders are carried out by `bms serve`")
    with database.reading() as session:
        number = session.scalar(text("SHOW server_version"))
    engine = "orders go through the queue to `bms worker`"
    return Finding("database", True, f"{where}, PostgreSQL {number}, schema {HEAD}; {engine}")


def _machine(settings: Settings) -> list[Finding]:
    import psutil

    found = [Finding("data directory", True, str(settings.home))]
    existing = next(folder for folder in (settings.home, *settings.home.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    found.append(Finding("disk", free > 10e9, f"{free / 1e9:.1f} GB free (an 8B model takes about 5 GB)"))
    memory = psutil.virtual_memory()
    found.append(
        Finding(
            "memory",
            memory.available > 8e9,
            f"{memory.available / 1e9:.1f} of {memory.total / 1e9:.1f} GB available",
        )
    )
    return found


async def _look(settings: Settings, database: Database, offline: bool) -> list[Finding]:
    from agent.services import open_services
    from tools.faults import Fault

    found: list[Finding] = []
    async with open_services(settings, database) as services:
        assert services.runtime_statuses is not None
        for name, status in (await services.runtime_statuses()).items():
            found.append(Finding(f"runtime {name.value}", status.available, status.detail))
        if services.host_statuses is not None:
            found += [
                Finding(f"host {one.host.label}", one.available, one.detail)
                for one in await services.host_statuses()
            ]
        if not offline:
            found += await _network(services)
        for role in ("judge", "brain"):
            spec = getattr(settings, role)
            if spec is None:
                hint = "none; a run asks for one" if role == "judge" else "none; research works by rules"
                found.append(Finding(role, role == "brain", hint))
                continue
            try:
                opened_model = await services.open_model(spec)
                artefact = await opened_model.runtime.prove(opened_model.model, context=4096)
                told = "" if artefact.already_here else " (not pulled yet)"
                found.append(Finding(role, artefact.already_here, f"{spec}{told}"))
            except Fault as fault:
                found.append(Finding(role, False, f"{spec}: {fault}"))
    return found


async def _network(services: Any) -> list[Finding]:
    """One small request to each service that research reads."""
    from tools.outcomes import Empty, Found

    found = []
    for what, url in (
        ("Hugging Face Hub", f"{services.hub_endpoint}/api/models?limit=1"),
        ("Ollama registry", f"{services.registry_url}/v2/library/qwen3/manifests/8b"),
    ):
        outcome = await services.web.get(url)
        fine = isinstance(outcome, Found | Empty)
        detail = "answers" if fine else f"{outcome.reason.value}: {outcome.detail}"
        found.append(Finding(what, fine, detail))
    return found
