"""Commands that work on files and need no run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from agent.commands.common import print_json, read_text
from tools.faults import WrongUse


@click.command()
@click.option("--taxonomy", type=click.Path(path_type=Path), required=True, help="Taxonomy as YAML.")
@click.option("--count", type=click.IntRange(1, 5000), default=50, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="JSONL to write.")
@click.option("--json", "as_json", is_flag=True, help="Print the coverage as JSON.")
def scenarios(taxonomy: Path, count: int, seed: int, out: Path, as_json: bool) -> None:
    """Write scenarios that cover a taxonomy, and say how well they do."""
    from tools.scenarios import coverage, dump_scenarios, generate
    from tools.taxonomy import parse_taxonomy

    parsed = parse_taxonomy(read_text(taxonomy, "taxonomy"), str(taxonomy))
    for warning in parsed.warnings:
        click.echo(f"Warning: {warning}", err=True)
    made = generate(parsed, count, seed)
    try:
        out.write_text(dump_scenarios(made), "utf-8")
    except OSError as error:
        raise WrongUse(f"{out} cannot be written: {error.strerror}.") from error
    cover = coverage(made, parsed)
    if as_json:
        print_json({"scenarios": len(made), "out": str(out), "coverage": cover.model_dump(mode="json")})
        return
    click.echo(f"{len(made)} scenarios in {out}")
    for line in cover.lines():
        click.echo(f"  {line}")


@click.command()
@click.option("--answers", type=click.Path(path_type=Path), required=True, help="JSONL of id and verdicts.")
@click.option("--rubric", type=click.Path(path_type=Path), required=True, help="Rubric as YAML.")
@click.option("--json", "as_json", is_flag=True, help="Only JSON on standard output, the summary too.")
def score(answers: Path, rubric: Path, as_json: bool) -> None:
    """Turn verdicts into scores by the rubric, with no model at all."""
    from tools.rubric import parse_rubric
    from tools.scoring import score_lines, summarise

    parsed = parse_rubric(read_text(rubric, "rubric"), str(rubric))
    scored = list(score_lines(read_text(answers, "file of answers"), parsed, str(answers)))
    for line in scored:
        click.echo(json.dumps(line, ensure_ascii=False))
    summary = summarise(scored)
    if as_json:
        print_json({"summary": summary})
    else:
        click.echo(_sentence(summary), err=True)


def _sentence(summary: dict[str, Any]) -> str:
    if not summary["measured"]:
        return f"None of {summary['answers']} answers was measured."
    low, high = summary["interval"]
    return (
        f"{summary['passed']} of {summary['measured']} measured answers passed: {summary['pass_rate']:.1%} "
        f"(95 % Wilson interval {low:.1%}–{high:.1%}); {summary['unmeasured']} unmeasured."
    )
