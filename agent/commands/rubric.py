"""``bms rubric``: from Markdown to YAML, and what a YAML rubric says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.commands.common import print_json, read_text
from tools.escape import terminal
from tools.faults import WrongUse
from tools.phrases import counted

if TYPE_CHECKING:
    from tools.rubric import Rubric
    from tools.rubric_import import Note

FALSE_FAILS = (0.01, 0.03, 0.05)
"""Rates at which a judge may wrongly say NO, for which reachability is shown."""


@click.group()
def rubric() -> None:
    """Import a rubric from Markdown, or check one."""


@rubric.command("import")
@click.argument("file", metavar="FILE.md", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="YAML to write.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@click.option("--json", "as_json", is_flag=True, help="Print what was read as JSON.")
def import_(file: Path, out: Path, force: bool, as_json: bool) -> None:
    """Turn a Markdown rubric into YAML, and say what could not be read."""
    from tools.rubric import parse_rubric
    from tools.rubric_import import import_markdown
    from tools.whole_files import write_whole

    if out.exists() and not force:
        raise WrongUse(f"{out} is there already.", "Use --force to write over it, or name another file.")
    if not out.absolute().parent.is_dir():
        raise WrongUse(f"{out} cannot be written: there is no folder {out.parent}.", "Make it first.")
    imported = import_markdown(read_text(file, "rubric"), file.name)
    write_whole(imported.yaml, out)
    parsed = parse_rubric(imported.yaml, str(out))
    if as_json:
        notes = [note._asdict() for note in imported.notes]
        print_json({"out": str(out), **_record(parsed), "notes": notes})
        return
    click.echo(f"{out}")
    _show(parsed)
    _show_notes(imported.notes)


@rubric.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print what was read as JSON.")
def check(file: Path, as_json: bool) -> None:
    """Check a YAML rubric: categories, gates, and whether a perfect model could pass it."""
    from tools.preflight import reachability
    from tools.rubric import parse_rubric

    parsed = parse_rubric(read_text(file, "rubric"), str(file))
    chances = {rate: reachability(parsed, rate) for rate in FALSE_FAILS}
    if as_json:
        reached = [{"false_fail_rate": rate, "perfect_passes": chance} for rate, chance in chances.items()]
        print_json(_record(parsed) | {"warnings": parsed.warnings, "reachability": reached})
        return
    _show(parsed)
    for warning in parsed.warnings:
        click.echo(terminal(f"Warning: {warning}"))
    click.echo("A perfect answer passes, if the judge wrongly says NO in")
    for rate, chance in chances.items():
        click.echo(f"  {rate:.0%} of its verdicts: {chance:.1%} of the time{_verdict_on(chance)}")


def _verdict_on(chance: float) -> str:
    from tools.preflight import NEEDED_RATE

    return "" if chance >= NEEDED_RATE else f"; {NEEDED_RATE:.0%} are needed, so fewer gates or criteria"


def _show(parsed: Rubric) -> None:
    click.echo(
        terminal(
            f"{parsed.name}: {counted(len(parsed.criteria), 'criterion', 'criteria')} "
            f"({len(parsed.computed)} computed) in "
            f"{counted(len(parsed.categories), 'category', 'categories')}, "
            f"passed from {parsed.pass_threshold:g} on, NA {parsed.na.value.replace('_', ' ')}"
        )
    )
    for name, category in parsed.categories.items():
        ids = [criterion.id for criterion in parsed.criteria if criterion.category == name]
        click.echo(
            terminal(f"  {name}, weight {category.weight:g}{', a gate' * category.gate}: {', '.join(ids)}")
        )
    gates = [identifier for identifier in parsed.ids if identifier in parsed.gates]
    click.echo(terminal(f"  Gates: {', '.join(gates) or 'none'}"))


def _show_notes(notes: tuple[Note, ...]) -> None:
    for title, assumed in (("Assumed", True), ("Not read", False)):
        listed = [note for note in notes if note.assumed is assumed]
        if listed:
            click.echo(f"{title}:")
        for note in listed:
            click.echo(terminal(f"  {note}"))


def _record(parsed: Rubric) -> dict[str, Any]:
    return {
        "name": parsed.name,
        "pass_threshold": parsed.pass_threshold,
        "na": parsed.na.value,
        "categories": {name: category.model_dump() for name, category in parsed.categories.items()},
        "criteria": [
            {"id": c.id, "category": c.category, "kind": c.kind.value, "gate": c.id in parsed.gates}
            for c in parsed.criteria
        ],
        "gates": [identifier for identifier in parsed.ids if identifier in parsed.gates],
    }
