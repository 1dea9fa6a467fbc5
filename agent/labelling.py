"""Labels of a run's answers: what there is to label, and asking a person at the terminal."""

from __future__ import annotations

from typing import NamedTuple

from rich.console import Console
from sqlalchemy.orm import Session

from agent.label_screen import Card, LabelScreen
from agent.terminal import plain
from graphs.options import RunOptions
from store import evaluation, runs
from store.database import Database
from tools.clock import SystemClock
from tools.evaluation import Answer, Label, Scenario
from tools.faults import WrongUse
from tools.labelling import RECOMMENDED, Labelling, is_finished, to_label
from tools.panel import HUMAN
from tools.phrases import counted
from tools.rubric import Rubric, parse_rubric


class Work(NamedTuple):
    """The answers of one role of a run, and what people said of them."""

    run_id: str
    role: str
    scenarios: dict[str, Scenario]
    answers: dict[str, Answer]
    rubric: Rubric | None
    """None until the run has one."""
    labels: tuple[Label, ...]
    """Everybody's."""
    judged_by_people: bool
    """Whether the labels are the verdicts, and not a yardstick for a judge's."""

    def of(self, by: str) -> dict[str, Label]:
        """One person's labels by scenario."""
        return {label.scenario_id: label for label in self.labels if label.by == by}

    def left(self, by: str, *, criteria: bool, count: int | None) -> Labelling:
        """What one person still has to label, in the order in which it is shown.

        Without ``count``: every answer where people are the judge, else as many as tell enough of a judge.
        """
        rubric = self.rubric if criteria else None
        done = [name for name, label in self.of(by).items() if is_finished(label, rubric)]
        wanted = count or (None if self.judged_by_people else RECOMMENDED[1])
        return to_label(self.answers.values(), self.run_id, wanted, done)


def work_of(session: Session, run_id: str, role: str) -> Work:
    """The answers of a role; :class:`WrongUse` while there are none."""
    row = runs.get(session, run_id)
    answers = evaluation.answers(session, row.id, role)
    if not answers:
        raise WrongUse(
            f"Run {row.id} has no answers of its {role} model yet.", f"`bms show {row.id}` tells where it is."
        )
    material = runs.material(session, row.id, "rubric")
    judge = evaluation.judge_of(session, row.id, role) or RunOptions.model_validate(row.options).judge
    return Work(
        run_id=row.id,
        role=role,
        scenarios={scenario.id: scenario for scenario in evaluation.scenarios(session, row.id)},
        answers=answers,
        rubric=None if material is None else parse_rubric(material.text, material.name),
        labels=tuple(evaluation.labels(session, row.id, role)),
        judged_by_people=judge == HUMAN,
    )


def label_in_terminal(
    console: Console,
    database: Database,
    run_id: str,
    role: str,
    by: str,
    *,
    criteria: bool = True,
    count: int | None = None,
) -> None:
    """Ask a person for labels until they are through or quit; each is a row before the next is asked for."""
    with database.reading() as session:
        work = work_of(session, run_id, role)
    if criteria and work.rubric is None:
        raise WrongUse(
            f"Run {work.run_id} has no rubric yet, so there are no criteria to ask for.",
            f"`bms show {work.run_id}` tells where it is.",
        )

    def keep(label: Label) -> None:
        with database.session() as session:
            evaluation.keep_label(session, work.run_id, role, label)

    left = work.left(by, criteria=criteria, count=count)
    if not left.left:
        return
    verb = "is" if left.done == 1 else "are"
    done = f"{left.done} of {counted(left.total, 'answer')} {verb} labelled by {plain(by)}."
    console.print(done, highlight=False)
    screen = LabelScreen(
        console,
        keep,
        by=by,
        rubric=work.rubric if criteria else None,
        earlier=work.of(by),
        clock=SystemClock(),
    )
    cards = [Card(work.scenarios[name], work.answers[name]) for name in left.left]
    screen.show(cards, done=left.done)
