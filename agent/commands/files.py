"""Commands that work on files and need no run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.commands.common import echo_json, print_json, read_text
from tools.faults import WrongUse

if TYPE_CHECKING:
    from tools.scoring import ScoreSummary


@click.command()
@click.option("--taxonomy", type=click.Path(path_type=Path), required=True, help="Taxonomy as YAML.")
@click.option("--count", type=click.IntRange(1, 5000), default=50, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="JSONL to write.")
@click.option("--json", "as_json", is_flag=True, help="Print the coverage as JSON.")
def scenarios(taxonomy: Path, count: int, seed: int, out: Path, as_json: bool) -> None:
    """Write scenarios that cover a taxonomy, and say how well they do."""
    from tools.scenario_files import dump_scenarios
    from tools.scenarios import coverage, generate
    from tools.taxonomy import parse_taxonomy

    parsed = parse_taxonomy(read_text(taxonomy, "taxonomy"), str(taxonomy))
    for warning in parsed.warnings:
        click.echo(f"Warning: {warning}", err=True)
    made = generate(parsed, count, seed)
    try:
        dump_scenarios(made, out)
    except OSError as error:
        raise WrongUse(f"{out} cannot be written: {error.strerror}.") from error
    cover = coverage(made, parsed)
    if as_json:
        rows = [row._asdict() for row in cover.rows]
        print_json({"scenarios": len(made), "out": str(out), "coverage": rows})
        return
    click.echo(f"{len(made)} scenarios in {out}")
    for row in cover.rows:
        click.echo(f"  {row.dimension}: {row.value} – {row.got} of {row.wanted} wanted")


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
