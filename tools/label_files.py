"""Labels that travel as JSONL: what a colleague without the program gets, and what comes back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from pydantic import ValidationError

from tools.evaluation import Answer, AnswerOutcome, CriterionVerdict, Label, Scenario, Verdict
from tools.faults import WrongUse
from tools.labelling import MAX_NOTE_CHARACTERS, by_criteria, passes, words_allowed
from tools.responses import read_id
from tools.rubric import Rubric
from tools.scenario_files import read_lines, read_object
from tools.yaml_lines import did_you_mean, wrong

NOT_FILLED_IN = ""
"""``passed`` of an exported line that nobody has looked at yet."""
MAX_NAME_CHARACTERS = 120
_PASSED = {"pass": True, "fail": False, "cannot tell": None, "?": None}
_FIELDS = ("id", "message", "response", "questions", "passed", "verdicts", "note", "by")
HOW_TO_FILL_IN = (
    'For "passed" write true where the answer is good enough, false where it is not, null where you cannot '
    'tell; "note" may stay empty.'
)
HOW_TO_FILL_IN_VERDICTS = (
    'For each criterion in "verdicts" write one of the words that stand behind its question; "note" may stay '
    "empty."
)


def export_lines(
    wanted: Iterable[str],
    scenarios: Mapping[str, Scenario],
    answers: Mapping[str, Answer],
    rubric: Rubric | None = None,
) -> list[dict[str, Any]]:
    """What a colleague gets to label: message and response, nothing that tells of model or judge.

    With ``rubric`` a verdict on each of its judged criteria is asked for, from which it derives ``passed``;
    ``questions`` are for the reader's eyes and are not read back.
    """
    asked: dict[str, Any] = {"passed": NOT_FILLED_IN}
    if rubric is not None:
        asked = {
            "questions": {
                criterion.id: f"{criterion.question} ({', '.join(words_allowed(criterion))})"
                for criterion in rubric.judged
            },
            "verdicts": {criterion.id: NOT_FILLED_IN for criterion in rubric.judged},
        }
    return [
        {
            "id": identifier,
            "message": scenarios[identifier].message,
            "response": answers[identifier].text,
            **asked,
            "note": "",
        }
        for identifier in wanted
    ]


class ReadLabels(NamedTuple):
    """Labels from a file, all of them checked."""

    labels: tuple[Label, ...]
    not_filled_in: int
    """Lines that nobody has answered."""


def read_labels(
    path: str | Path,
    answers: Mapping[str, Answer],
    scenarios: Mapping[str, Scenario],
    rubric: Rubric | None,
    *,
    by: str,
    at: datetime,
) -> ReadLabels:
    """The labels in a JSONL file; :class:`WrongUse` names the line of what is wrong.

    A line has ``id`` and ``passed`` (true, false, null for "cannot tell", or "pass", "fail", "?"), or
    ``verdicts`` from which the rubric derives it, and may have ``note`` and ``by``. A ``response`` beside
    them, as an export has it, must be this run's.
    """
    reader = _Reader(Path(path).name, answers, scenarios, rubric, by, at)
    found: list[Label] = []
    seen: dict[tuple[str, str], int] = {}
    empty = 0
    for number, raw in read_lines(Path(path)):
        record = read_object(raw, reader.name, number)
        label = reader.label(record, number)
        if label is None:
            empty += 1
            continue
        key = (label.scenario_id, label.by)
        if key in seen:
            wrong(reader.name, number, f'the id "{label.scenario_id}" stands in line {seen[key]} already.')
        seen[key] = number
        found.append(label)
    if not found and not empty:
        raise WrongUse(f"{reader.name} holds no label.", 'Each line is an object with "id" and "passed".')
    return ReadLabels(tuple(found), empty)


class _Reader(NamedTuple):
    name: str
    answers: Mapping[str, Answer]
    scenarios: Mapping[str, Scenario]
    rubric: Rubric | None
    by: str
    at: datetime

    def label(self, record: dict[str, Any], number: int) -> Label | None:
        for key in record:
            if key not in _FIELDS:
                self.wrong(number, f'the key "{key[:60]}" is not known here.', did_you_mean(key, _FIELDS))
        answer = self._answer(record, number)
        scenario = self.scenarios[answer.scenario_id]
        if not {"passed", "verdicts"} & set(record):
            self.wrong(number, 'the line has neither "passed" nor "verdicts".')
        given = self._verdicts(record.get("verdicts"), number)
        if record.get("passed", NOT_FILLED_IN) == NOT_FILLED_IN and not given:
            return None
        verdicts: tuple[CriterionVerdict, ...] = ()
        passed = None
        if given and self.rubric is not None:
            verdicts = by_criteria(self.rubric, scenario, answer, given)
            passed = passes(verdicts, self.rubric)
        if record.get("passed", NOT_FILLED_IN) != NOT_FILLED_IN:
            passed = self._passed(record["passed"], number)
        try:
            return Label(
                scenario_id=scenario.id,
                by=self._text(record, "by", number, MAX_NAME_CHARACTERS) or self.by,
                passed=passed,
                verdicts=verdicts,
                note=self._text(record, "note", number, MAX_NOTE_CHARACTERS),
                at=self.at,
            )
        except ValidationError as error:
            self.wrong(number, f"{error.errors()[0]['msg']}.")

    def _answer(self, record: dict[str, Any], number: int) -> Answer:
        identifier = read_id(record, self.name, number)
        answer = self.answers.get(identifier)
        if answer is None or answer.outcome is not AnswerOutcome.ANSWERED:
            self.wrong(number, f'the run has no answer to "{identifier[:70]}".', "Is it the right run?")
        response = record.get("response")
        if response is not None and (
            not isinstance(response, str) or response.split() != answer.text.split()
        ):
            self.wrong(
                number, f'the response is not what the run has for "{identifier}".', "Is it the right run?"
            )
        return answer

    def _passed(self, given: Any, number: int) -> bool | None:
        if given is None or isinstance(given, bool):
            return given
        word = given.strip().lower() if isinstance(given, str) else given
        if word not in list(_PASSED):
            self.wrong(
                number,
                f"{str(given)[:40]!r} is not a label.",
                'Use true, false, null, "pass", "fail" or "?".',
            )
        return _PASSED[word]

    def _verdicts(self, given: Any, number: int) -> dict[str, Verdict]:
        """The verdicts that are filled in."""
        if given is None:
            return {}
        if self.rubric is None:
            self.wrong(number, "the run has no rubric yet, so verdicts have no criteria.")
        if not isinstance(given, dict):
            self.wrong(number, '"verdicts" must be an object of criterion and verdict.')
        judged = [criterion.id for criterion in self.rubric.judged]
        for name, word in given.items():
            if name not in judged:
                hint = did_you_mean(name, judged)
                self.wrong(number, f'the rubric has no judged criterion "{name[:60]}".', hint)
            if word != NOT_FILLED_IN and word not in list(Verdict):
                words = ", ".join(words_allowed(self.rubric.criterion(name)))
                self.wrong(number, f"{str(word)[:40]!r} on {name} is not a verdict.", f"Use one of {words}.")
        return {name: Verdict(word) for name, word in given.items() if word != NOT_FILLED_IN}

    def _text(self, record: dict[str, Any], field: str, number: int, longest: int) -> str:
        given = record.get(field)
        if given is None:
            return ""
        if not isinstance(given, str):
            self.wrong(number, f'"{field}" must be text.')
        if len(given.strip()) > longest:
            self.wrong(number, f'"{field}" is longer than {longest:,} characters.')
        return given.strip()

    def wrong(self, number: int, sentence: str, step: str = "") -> NoReturn:
        wrong(self.name, number, sentence, step)
