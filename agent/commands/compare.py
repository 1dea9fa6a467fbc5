"""Two models on the same scenarios: a base and its fine-tune, or a run's primary and backup."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent.commands.common import opened, print_json
from tools.faults import Fault, WrongUse

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from graphs.results import Result
    from store.evaluation import ModelRole
    from tools.comparison import Difference, ModelComparison


@click.command()
@click.argument("run_id", metavar="RUN")
@click.argument("other", metavar="[OTHER]", required=False)
@click.option("--held-out", is_flag=True, help="Only the scenarios that were kept for judging a fine-tune.")
@click.option("--json", "as_json", is_flag=True)
def compare(run_id: str, other: str | None, held_out: bool, as_json: bool) -> None:
    """Compare two runs scenario by scenario; with one run, its primary with its backup."""
    from tools.comparison import compare_models

    with opened(quiet=as_json) as place, place.database.reading() as session:
        first = _result(session, run_id, "primary")
        second = _result(session, other or run_id, "backup" if other is None else "primary")
        if first[1].rubric != second[1].rubric:
            raise WrongUse(
                "The two were judged by different rubrics, so their passes are not the same thing.",
                "Evaluate one of them again with the rubric of the other.",
            )
        found = compare_models(
            first[1].lines,
            second[1].lines,
            first[1].rubric,
            names=(first[0], second[0]),
            held_out_only=held_out,
        )
        judges = (first[1].judge, second[1].judge)
    if as_json:
        print_json(found.model_dump(mode="json") | {"judges": judges})
    if found.paired is None:
        raise Fault(
            found.sentence,
            "Scenarios are paired by id and message: evaluate both runs with the same --scenarios FILE.",
        )
    if as_json:
        return
    for line in _lines(found, judges):
        click.echo(line)


def _result(session: Session, run_id: str, role: ModelRole) -> tuple[str, Result]:
    from graphs.results import result_of
    from store import evaluation, runs

    row = runs.get(session, run_id)
    held = evaluation.held(session, row.id, role)
    if held is None:
        raise WrongUse(
            f"Run {row.id} has not evaluated a {role} model.",
            "Name a second run, or have the backup evaluated when the review asks.",
        )
    judge = evaluation.judge_of(session, row.id, role) or ""
    return f"{held.candidate} ({row.id})", result_of(session, row.id, role, judge)


def _lines(found: ModelComparison, judges: tuple[str, str]) -> list[str]:
    from tools.escape import terminal

    lines = [found.sentence]
    if judges[0] != judges[1]:
        lines.append(f"Warning: the judges differ: {judges[0]} and {judges[1]}.")
    for title, differences in (("Topic", found.topics), ("Criterion", found.criteria)):
        lines += [f"{title} {one.name}: {_one(one)}" for one in differences if one.paired.difference]
    for name, ids in ((found.first, found.only_first), (found.second, found.only_second)):
        if ids:
            lines.append(f"Only {name} passes: {', '.join(ids)}")
    lines += [f"Left out, {left.reason.value}: {len(left.scenario_ids)}" for left in found.left_out]
    return [terminal(line) for line in lines]


def _one(difference: Difference) -> str:
    paired = difference.paired
    may = "" if difference.clear else ", which may be chance"
    low, high = paired.interval
    return (
        f"{paired.difference * 100:+.0f} points for the second (95 % interval {low * 100:+.0f} to "
        f"{high * 100:+.0f}, {paired.n} pairs){may}"
    )
