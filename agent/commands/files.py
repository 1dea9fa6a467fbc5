"""Commands that work on files and need no run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.commands.common import echo_json, read_text
from tools.faults import WrongUse

if TYPE_CHECKING:
    from tools.scoring import ScoreSummary


FILE = click.Path(path_type=Path)


@click.command()
@click.option("--taxonomy", type=FILE, help="Taxonomy as YAML.")
@click.option("--domain", help="Draft a taxonomy for this domain instead.")
@click.option("--count", type=click.IntRange(1, 5000), default=50, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--out", type=FILE, help="JSONL to write, the held-out fifth included and marked.")
@click.option("--held-out", type=FILE, help="JSONL to write the held-out fifth to as well.")
@click.option("--draft-out", type=FILE, help="Write the taxonomy as YAML, to be edited.")
@click.option("--brain", help="Model that words the messages, provider:model; none for the templates.")
@click.option("--check", type=FILE, help="Report on scenarios of your own; nothing is written.")
@click.option("--json", "as_json", is_flag=True, help="Print the coverage as JSON.")
def scenarios(
    taxonomy: Path | None,
    domain: str | None,
    count: int,
    seed: int,
    out: Path | None,
    held_out: Path | None,
    draft_out: Path | None,
    brain: str | None,
    check: Path | None,
    as_json: bool,
) -> None:
    """Write scenarios that cover a taxonomy, and say how well they do; or check your own."""
    from agent.commands import scenario_files

    if check is not None:
        if any(given is not None for given in (domain, out, held_out, draft_out, brain)):
            raise WrongUse("--check goes with --taxonomy and --json alone.", "Leave the others out.")
        scenario_files.check(check, taxonomy, as_json=as_json)
        return
    wanted = scenario_files.Wanted(taxonomy, domain, count, seed, out, held_out, draft_out, brain)
    scenario_files.make(wanted, as_json=as_json)


@click.command()
@click.option("--answers", type=click.Path(path_type=Path), required=True, help="JSONL of id and verdicts.")
@click.option("--rubric", type=click.Path(path_type=Path), required=True, help="Rubric as YAML.")
@click.option("--json", "as_json", is_flag=True, help="The summary as a last line of JSON.")
def score(answers: Path, rubric: Path, as_json: bool) -> None:
    """Turn verdicts into scores by the rubric, with no model at all."""
    from tools.rubric import parse_rubric
    from tools.scoring import score_file, summarise

    parsed = parse_rubric(read_text(rubric, "rubric"), str(rubric))
    rows = []
    for row in score_file(answers, parsed):
        rows.append(row.score)
        echo_json(json.dumps(row.record(), ensure_ascii=False))
    summary = summarise(rows)
    if as_json:
        interval = None if summary.interval is None else summary.interval._asdict()
        echo_json(json.dumps({"summary": {**summary._asdict(), "interval": interval}}))
    else:
        click.echo(_sentence(summary), err=True)


def _sentence(summary: ScoreSummary) -> str:
    if summary.pass_rate is None or summary.interval is None:
        return f"None of {summary.answers} answers was measured."
    low, high = summary.interval.low, summary.interval.high
    return (
        f"{summary.passed} of {summary.measured} measured answers passed: {summary.pass_rate:.1%} "
        f"(95 % Wilson interval {low:.1%}–{high:.1%}); {summary.unmeasured} unmeasured."
    )
