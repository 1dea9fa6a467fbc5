"""Judging answers that exist already: no run, no database, one file of verdicts that can be gone on with."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.commands.common import print_json, read_text
from tools.faults import Fault, WrongUse

if TYPE_CHECKING:
    from agent.verdict_file import VerdictFile
    from tools.responses import Response
    from tools.rubric import Rubric

HOW_TO_NAME = "Name one with --judge or BMS_JUDGE: ollama:gemma3:12b, openai:MODEL, several with commas."
INTERRUPTED = 130


@click.command()
@click.option(
    "--responses",
    type=click.Path(path_type=Path),
    required=True,
    help="JSONL of id, message, response; a topic where there is one.",
)
@click.option("--rubric", type=click.Path(path_type=Path), required=True, help="Rubric as YAML.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="JSONL of verdicts; the same command goes on with it. `bms score` reads it.",
)
@click.option("--judge", help="Judge model as provider:model; several, separated by commas, are a panel.")
@click.option("--candidate", help="The model that answered; a judge of its family is refused.")
@click.option("--insist-judge", is_flag=True, help="Use this judge in spite of a problem with it.")
@click.option("--per-criterion", is_flag=True, help="One call for each criterion instead of one for all.")
@click.option("--concurrency", type=click.IntRange(1, 256), help="Most calls under way at once.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def judge(
    responses: Path,
    rubric: Path,
    out: Path,
    judge: str | None,
    candidate: str | None,
    insist_judge: bool,
    per_criterion: bool,
    concurrency: int | None,
    as_json: bool,
) -> None:
    """Judge answers that exist already, by a rubric."""
    from agent.judge_bench import Bench
    from agent.judge_summary import summarised
    from agent.settings import load_settings
    from agent.verdict_file import Instrument, VerdictFile
    from tools.escape import terminal
    from tools.responses import load_responses
    from tools.rubric import parse_rubric
    from tools.runtimes import RuntimeFault

    text = read_text(rubric, "rubric")
    parsed = parse_rubric(text, str(rubric))
    given = load_responses(responses)
    for taken in (responses, rubric):
        if out.exists() and out.samefile(taken):
            raise WrongUse(f"{out} is read by this command.", "Name another file with --out.")
    settings = load_settings()
    judges = _judges(judge or settings.judge, parsed)
    with VerdictFile(out, Instrument(",".join(judges), text, per_criterion)) as verdicts:
        bench = Bench(settings, parsed, verdicts, judges, per_criterion=per_criterion, at_once=concurrency)
        try:
            asyncio.run(bench.judge(given, candidate=candidate, insist=insist_judge))
        except KeyboardInterrupt:
            raise _stopped(Fault("Interrupted."), verdicts, given, INTERRUPTED) from None
        except RuntimeFault as fault:
            raise _stopped(fault, verdicts, given, fault.exit_code) from fault
        summary = summarised(verdicts.lines, given, parsed, judges, usage=verdicts.usage, doubts=bench.doubts)
    if as_json:
        print_json({**summary.record, "judge": ",".join(judges), "preflight": bench.trials, "out": str(out)})
        return
    for sentence in summary.sentences:
        click.echo(terminal(sentence))
    click.echo(out)


def _stopped(fault: Fault, verdicts: VerdictFile, given: list[Response], exit_code: int) -> Fault:
    """The failure with what is kept, and how to go on."""
    done = sum(response.id in verdicts.lines for response in given)
    kept = f"{done} of {len(given)} answers are judged; the same command goes on."
    told = Fault(fault.sentence, f"{fault.next_step} {kept}".lstrip())
    told.exit_code = exit_code
    return told


def _judges(named: str | None, rubric: Rubric) -> tuple[str, ...]:
    """The judges by ``provider:model``; a rubric of rules alone needs none."""
    from tools.judging import COMPUTED
    from tools.panel import HUMAN, parse_panel

    if not rubric.judged:
        return (COMPUTED,)
    if named is None or not named.strip():
        raise WrongUse("No judge is set, and a model does not judge itself.", HOW_TO_NAME)
    judges = parse_panel(named)
    if judges == (HUMAN,):
        raise WrongUse(
            "A person's verdicts are not taken here.",
            "`bms label RUN` asks for them; `bms score` makes scores of a file of verdicts.",
        )
    return judges
