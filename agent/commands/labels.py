"""What people say of a run's answers, and what the judge is worth beside it."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.commands.common import Opened, opened, print_json
from tools.faults import Fault, WrongUse

if TYPE_CHECKING:
    from agent.labelling import Work

ROLES = click.Choice(["primary", "backup"])
INTERRUPTED = 130


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option("--role", type=ROLES, default="primary", show_default=True)
@click.option("--by", help="Who labels; your user name when left out.")
@click.option(
    "--count",
    type=click.IntRange(1, 5000),
    help="Answers in the sample; 50 when left out.",
)
@click.option("--criteria", is_flag=True, help="Ask for each criterion of the rubric.")
@click.option(
    "--from", "source", type=click.Path(path_type=Path), help="Read labels from JSONL of id and passed."
)
@click.option("--export", type=click.Path(path_type=Path), help="Write JSONL for somebody to fill in.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def label(
    run_id: str,
    role: str,
    by: str | None,
    count: int | None,
    criteria: bool,
    source: Path | None,
    export: Path | None,
    as_json: bool,
) -> None:
    """Label answers of a run without seeing model or judge.

    A random sample is shown in random order, message and answer only; 30 to 50 labels tell what the judge is
    worth (`bms calibrate RUN`). What is labelled already is not asked for again.
    """
    if source is not None and export is not None:
        raise WrongUse("Only one of --from and --export can be meant.")
    with opened(quiet=as_json) as place:
        from agent.labelling import work_of
        from agent.questions import who

        person = (by if by is not None else who()).strip()
        if not 1 <= len(person) <= 120:
            raise WrongUse("--by takes a name of 1 to 120 characters.")
        with place.database.reading() as session:
            work = work_of(session, run_id, role)
        criteria = criteria or work.judged_by_people
        if source is not None:
            _read(place, work, source, person)
        elif export is not None:
            _export(place, work, export, person, criteria=criteria, count=count)
        else:
            _ask(place, work, person, criteria=criteria, count=count)
        _tell(place, work, person, criteria=criteria, count=count, as_json=as_json)


def _ask(place: Opened, work: Work, by: str, *, criteria: bool, count: int | None) -> None:
    from agent.labelling import label_in_terminal

    if not (sys.stdin.isatty() and (sys.stdout.isatty() or sys.stderr.isatty())):
        raise WrongUse(
            "There is nobody to ask here.",
            "--export FILE writes the answers for somebody to fill in, --from FILE reads the labels back.",
        )
    try:
        label_in_terminal(
            place.console, place.database, work.run_id, work.role, by, criteria=criteria, count=count
        )
    except (KeyboardInterrupt, EOFError, click.Abort):
        told = Fault("Interrupted.", f"Every label is kept; `bms label {work.run_id}` goes on.")
        told.exit_code = INTERRUPTED
        raise told from None


def _export(place: Opened, work: Work, path: Path, by: str, *, criteria: bool, count: int | None) -> None:
    from tools.label_files import HOW_TO_FILL_IN, HOW_TO_FILL_IN_VERDICTS, export_lines
    from tools.phrases import counted

    left = work.left(by, criteria=criteria, count=count).left
    if not left:
        return  # what is said of where labelling stands tells it
    rubric = work.rubric if criteria else None
    lines = export_lines(left, work.scenarios, work.answers, rubric)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as stream:
            stream.writelines(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines)
    except FileExistsError:
        raise WrongUse(f"{path} exists already, perhaps with labels in it.", "Name another file.") from None
    except OSError as error:
        raise WrongUse(f"{path} cannot be written: {error.strerror}.", "Name another file.") from error
    how = HOW_TO_FILL_IN if rubric is None else HOW_TO_FILL_IN_VERDICTS
    role = f" --role {work.role}" if work.role != "primary" else ""
    _say(place, f"{counted(len(lines), 'answer')}, one a line, written to {path}. {how}")
    _say(place, f"`bms label {work.run_id}{role} --from {shlex.quote(str(path))} --by NAME` reads it back.")


def _say(place: Opened, sentence: str) -> None:
    place.console.print(sentence, highlight=False, markup=False, soft_wrap=True)


def _read(place: Opened, work: Work, path: Path, by: str) -> None:
    from store import evaluation
    from tools.clock import SystemClock
    from tools.label_files import read_labels
    from tools.phrases import counted

    read = read_labels(path, work.answers, work.scenarios, work.rubric, by=by, at=SystemClock().now())
    with place.database.session() as session:
        for one in read.labels:
            evaluation.keep_label(session, work.run_id, work.role, one)
    people = sorted({one.by for one in read.labels})
    said = f"{counted(len(read.labels), 'label')} read" + (f", by {', '.join(people)}" if people else "")
    verb = "is" if read.not_filled_in == 1 else "are"
    empty = f"; {counted(read.not_filled_in, 'line')} {verb} not filled in" if read.not_filled_in else ""
    _say(place, f"{said}{empty}.")


def _tell(place: Opened, work: Work, by: str, *, criteria: bool, count: int | None, as_json: bool) -> None:
    """Where labelling stands, from the rows."""
    from agent.labelling import work_of
    from tools.labelling import RECOMMENDED
    from tools.phrases import counted

    with place.database.reading() as session:
        now = work_of(session, work.run_id, work.role)
    left = now.left(by, criteria=criteria, count=count)
    people = {one.by for one in now.labels}
    if as_json:
        print_json(
            {
                "run": now.run_id,
                "role": now.role,
                "by": by,
                "labelled": left.done,
                "left": len(left.left),
                "labels": len(now.labels),
                "people": sorted(people),
            }
        )
        return
    verb = "is" if left.done == 1 else "are"
    _say(place, f"{left.done} of {counted(left.total, 'answer')} {verb} labelled by {by}.")
    if now.judged_by_people and left.left:
        one = len(left.left) == 1
        missing = f"{counted(len(left.left), 'answer')} still {'needs its' if one else 'need their'} verdicts"
        _say(place, f"{missing}: `bms label {now.run_id}` asks for them; `bms resume {now.run_id}` goes on.")
    elif now.judged_by_people:
        _say(place, f"`bms resume {now.run_id}` goes on.")
    elif left.done < RECOMMENDED[0]:
        low, high = RECOMMENDED
        _say(place, f"{low} to {high} are recommended; `bms label {now.run_id}` goes on.")
    else:
        _say(place, f"`bms calibrate {now.run_id}` says what the judge is worth.")


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option("--role", type=ROLES, default="primary", show_default=True)
@click.option("--by", help="Whose labels count; everybody's, by majority, when left out.")
@click.option("--disagreements", is_flag=True, help="List the answers on which judge and people differ.")
@click.option("--json", "as_json", is_flag=True)
def calibrate(run_id: str, role: str, by: str | None, disagreements: bool, as_json: bool) -> None:
    """Hold the judge against people's labels, and correct the pass rate for its errors."""
    from agent.calibration_view import compare, print_comparison
    from agent.labelling import work_of
    from graphs.results import result_of
    from store import evaluation

    with opened() as place, place.database.reading() as session:
        work = work_of(session, run_id, role)
        if work.judged_by_people:
            raise WrongUse(
                f"People are the judge of run {work.run_id}: there is no other judge to hold against them."
            )
        labels = [one for one in work.labels if by is None or one.by == by]
        if not labels:
            people = ", ".join(sorted({one.by for one in work.labels}))
            raise WrongUse(
                f"No answer of the {role} model of run {work.run_id} is labelled"
                + (f" by {by}; there are labels by {people}." if people else " yet."),
                f"`bms label {work.run_id}` asks for labels; 30 to 50 are recommended.",
            )
        judge = evaluation.judge_of(session, work.run_id, role) or ""
        result = result_of(session, work.run_id, "primary" if role == "primary" else "backup", judge)
        comparison = compare(result, labels)
        if as_json:
            print_json({"run": work.run_id, "role": role, **comparison.record})
            return
        print_comparison(place.console, comparison, disagreements=disagreements)
        place.console.print(
            f"[dim]The document shows this after `bms report {work.run_id}`.[/]", highlight=False
        )
