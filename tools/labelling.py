"""Which answers a person labels, in which order, and what their verdicts come to.

The order is random and the same each time: sorted by a hash of run and scenario, so that any beginning of it
is a simple random sample of the answers, whoever labels and however many. Only such a sample tells the
judge's error rates without bias.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from tools.evaluation import Answer, AnswerOutcome, CriterionVerdict, Label, Scenario, Verdict
from tools.judging import COMPUTED, computed_verdicts
from tools.panel import HUMAN
from tools.rubric import Criterion, Rubric
from tools.scoring import score

RECOMMENDED = (30, 50)
"""Labels that say something about a judge, and those after which more say little more."""
MAX_NOTE_CHARACTERS = 4000
_SECONDS_IN_A_MINUTE = 60


class Labelling(NamedTuple):
    """What one person still has to label."""

    left: tuple[str, ...]
    """Scenario ids, in the order in which they are shown."""
    done: int
    """Answers that the person has labelled already."""

    @property
    def total(self) -> int:
        return self.done + len(self.left)


def to_label(
    answers: Iterable[Answer], seed: str, count: int | None = None, done: Iterable[str] = ()
) -> Labelling:
    """A simple random sample of the answers, in random order, without those that are ``done``.

    ``count`` is the size of the whole sample, what is done included; None takes every answer. Answers that
    are empty, cut off or missing are no matter for a judge, and are left out.
    """
    given = (answer.scenario_id for answer in answers if answer.outcome is AnswerOutcome.ANSWERED)
    ordered = sorted(given, key=lambda identifier: _lot(seed, identifier))
    labelled = set(done).intersection(ordered)
    open_ = [identifier for identifier in ordered if identifier not in labelled]
    wanted = len(open_) if count is None else max(0, count - len(labelled))
    return Labelling(tuple(open_[:wanted]), len(labelled))


def is_finished(label: Label, rubric: Rubric | None) -> bool:
    """Whether a person is through with an answer; with ``rubric``, with each judged criterion of it."""
    if rubric is None:
        return label.passed is not None or not label.verdicts
    given = {verdict.criterion for verdict in label.verdicts}
    return all(criterion.id in given for criterion in rubric.judged)


def by_criteria(
    rubric: Rubric, scenario: Scenario, answer: Answer, given: Mapping[str, Verdict]
) -> tuple[CriterionVerdict, ...]:
    """A person's verdicts with those of the rules beside them, in the rubric's order."""
    ruled = {verdict.criterion: verdict for verdict in computed_verdicts(rubric, scenario, answer.text)}
    own = {
        name: CriterionVerdict(criterion=name, verdict=verdict, judge=HUMAN)
        for name, verdict in given.items()
    }
    both = ruled | own
    return tuple(both[identifier] for identifier in rubric.ids if identifier in both)


def passes(verdicts: Sequence[CriterionVerdict], rubric: Rubric) -> bool | None:
    """What the rubric makes of verdicts; None while one that matters is missing."""
    return score({verdict.criterion: verdict.verdict for verdict in verdicts}, rubric).passed


def verdicts_of(label: Label) -> dict[str, Verdict]:
    """What the person said, criterion by criterion; the rules' verdicts left out."""
    return {v.criterion: v.verdict for v in label.verdicts if v.judge != COMPUTED}


def words_allowed(criterion: Criterion) -> tuple[Verdict, ...]:
    """The verdicts that a person may give."""
    return tuple(word for word in Verdict if word is not Verdict.NA or criterion.na_allowed)


def time_left(seconds: Sequence[float], left: int) -> str:
    """How long ``left`` more will take at the median pace so far; empty before there is a pace."""
    if not seconds or not left:
        return ""
    ordered = sorted(seconds)
    total = ordered[len(ordered) // 2] * left
    if total < _SECONDS_IN_A_MINUTE:
        return "less than a minute left"
    minutes = round(total / _SECONDS_IN_A_MINUTE)
    return f"about {minutes} minute{'' if minutes == 1 else 's'} left"


def _lot(seed: str, identifier: str) -> bytes:
    return hashlib.sha256(f"{seed}\0{identifier}".encode("utf-8", "surrogatepass")).digest()
