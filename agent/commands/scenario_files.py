"""``bms scenarios``: made from a taxonomy or a domain, or a person's own ones checked."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.commands.common import check_folder, opened, print_json, read_text
from tools.faults import Fault, WrongUse

if TYPE_CHECKING:
    from tools.brain_wording import Worded
    from tools.evaluation import Scenario
    from tools.taxonomy import Taxonomy


@dataclass(frozen=True)
class Wanted:
    """What was asked for on the command line."""

    taxonomy: Path | None
    domain: str | None
    count: int
    seed: int
    out: Path | None
    held_out: Path | None
    draft_out: Path | None
    brain: str | None


def make(wanted: Wanted, *, as_json: bool) -> None:
    """Write scenarios, or the drafted taxonomy, and show how well they cover it."""
    from agent.coverage_view import as_record, show
    from tools.phrases import counted
    from tools.scenarios import coverage, generate, unworded
    from tools.taxonomy import dump_taxonomy, summary

    _check_paths(wanted)
    taxonomy = _taxonomy(wanted)
    for warning in taxonomy.warnings:
        _warn(warning)
    record: dict[str, Any] = {}
    if wanted.draft_out is not None:
        record["draft_out"] = str(wanted.draft_out)
        said = _write(dump_taxonomy(taxonomy), wanted.draft_out)
        if not as_json:
            click.echo(
                f"{summary(taxonomy)}\nThe taxonomy is in {wanted.draft_out}; edit it as you like.{said}"
            )
    if wanted.out is None:
        if as_json:
            print_json(record)
        return
    made = generate(taxonomy, wanted.count, wanted.seed)
    worded = _worded(wanted, taxonomy, made)
    by_templates = worded is None or worded.report.by_brain < len(made)
    if by_templates and (labels_only := unworded(taxonomy)) is not None:
        _warn(labels_only)
    final = made if worded is None else list(worded.scenarios)
    said = _write(_lines(final), wanted.out)
    cover = coverage(final, taxonomy)
    held = [scenario for scenario in final if scenario.held_out]
    if wanted.held_out is not None:
        record["held_out_file"] = str(wanted.held_out)
        held_said = _write(_lines(held), wanted.held_out)
    if as_json:
        record |= {"scenarios": len(final), "out": str(wanted.out), **as_record(cover)}
        record["wording"] = None if worded is None else worded.report.model_dump(mode="json")
        print_json(record)
        return
    click.echo(f"{counted(len(final), 'scenario')} in {wanted.out}{said}")
    if wanted.held_out is not None:
        are = "is" if len(held) == 1 else "are"
        click.echo(f"{len(held)} of them, held out, {are} in {wanted.held_out} too{held_said}")
    if worded is not None:
        click.echo(worded.report.sentence)
    show(cover)


def check(file: Path, taxonomy_file: Path | None, *, as_json: bool) -> None:
    """Report on a person's own scenarios; nothing is written."""
    from agent.coverage_view import as_record, show
    from tools.scenario_check import check_scenarios
    from tools.scenario_files import load_scenarios
    from tools.scenarios import coverage
    from tools.taxonomy import parse_taxonomy

    own = load_scenarios(file)
    report = check_scenarios(own)
    cover = None
    if taxonomy_file is not None:
        taxonomy = parse_taxonomy(read_text(taxonomy_file, "taxonomy"), str(taxonomy_file))
        for warning in taxonomy.warnings:
            _warn(warning)
        cover = coverage(own, taxonomy)
    if as_json:
        print_json(report.model_dump(mode="json") | ({} if cover is None else as_record(cover)))
        return
    for line in report.lines:
        click.echo(_plain(line))
    if cover is not None:
        show(cover)


def _taxonomy(wanted: Wanted) -> Taxonomy:
    from tools.knowledge.loader import domains, knowledge_text
    from tools.taxonomy import draft_taxonomy, parse_taxonomy

    if wanted.taxonomy is not None:
        return parse_taxonomy(read_text(wanted.taxonomy, "taxonomy"), str(wanted.taxonomy))
    name = " ".join((wanted.domain or "").split())
    known = next((d for d in domains().domains if name.casefold() in {d.title.casefold(), *d.aliases}), None)
    if known is not None and known.taxonomy is not None:
        return parse_taxonomy(knowledge_text(known.taxonomy), known.taxonomy)
    return draft_taxonomy(name)


def _worded(wanted: Wanted, taxonomy: Taxonomy, made: Sequence[Scenario]) -> Worded | None:
    """The brain's wording; None where there is no brain, or the one of the settings does not answer."""
    from agent.settings import load_settings
    from tools.brain_wording import word_with_brain
    from tools.scenarios import language_warning

    languages = _languages(wanted.domain or taxonomy.domain)
    spec = wanted.brain or load_settings().brain
    if spec is None or spec.casefold() == "none":
        warning = language_warning(languages)
        if warning is not None:
            _warn(warning)
        return None

    async def ask() -> Worded:
        from agent.services import open_services

        with opened(quiet=True) as place:
            async with open_services(place.settings, place.database) as services:
                brain = await services.open_model(spec)
                return await word_with_brain(brain.chat, made, taxonomy, languages=languages)

    try:
        return asyncio.run(ask())
    except Fault as fault:
        if wanted.brain is not None:
            raise
        _warn(f"The brain {spec} does not word scenarios: {fault}")
        return None


def _languages(domain: str) -> tuple[str, ...]:
    """Languages that a domain's name asks for: "legal Q&A in German"."""
    from agent.intake_rules import take_languages
    from agent.intake_text import Words

    named = re.search(r"\bin\s.+$", domain, re.IGNORECASE)
    return take_languages(Words(named[0])) if named and take_languages(Words(named[0])) else ("en",)


def _check_paths(wanted: Wanted) -> None:
    """Before a brain is asked for anything."""
    from tools.whole_files import check_file

    if (wanted.taxonomy is None) == (wanted.domain is None):
        raise WrongUse("Scenarios need either --taxonomy or --domain.", "Name one of the two.")
    if wanted.out is None and wanted.draft_out is None:
        raise WrongUse("Nothing would be written.", "Name a file with --out, or with --draft-out.")
    if wanted.held_out is not None and wanted.out is None:
        raise WrongUse("--held-out goes with --out.", "Name a file with --out.")
    written = [path for path in (wanted.out, wanted.held_out, wanted.draft_out) if path is not None]
    named = [*written, *([] if wanted.taxonomy is None else [wanted.taxonomy])]
    if len({path.resolve() for path in named}) < len(named):
        raise WrongUse("Two of the files are the same.", "Give each its own name.")
    for path in written:
        check_file(path)
        check_folder(path.parent)


def _lines(scenarios: Sequence[Scenario]) -> str:
    from tools.scenario_files import scenario_lines

    return "".join(scenario_lines(scenarios))


def _write(text: str, path: Path) -> str:
    """Write a file; a few words on what it replaced, empty when there was nothing."""
    from tools.whole_files import write_whole

    try:
        before = path.read_bytes() if path.is_file() else None
    except OSError:
        before = b""
    write_whole(text, path)
    if before is None:
        return ""
    lines = before.count(b"\n")
    same = before == text.encode()
    return " (as it was)" if same else f" (in place of a file of {lines} line{'s' * (lines != 1)})"


def _warn(sentence: str) -> None:
    click.echo(f"Warning: {_plain(sentence)}", err=True)


def _plain(text: str) -> str:
    from tools.escape import terminal

    return terminal(text)
