"""The judge beside people's labels: what they agree on, where they differ, what it means for the decision."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import combinations
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from agent.terminal import plain
from graphs.labels import passes_by_people
from graphs.results import Result
from tools.calibration import Calibration, CorrectedRate, Share, calibrate
from tools.evaluation import Label, Verdict
from tools.failures import Row
from tools.interrater import Agreement, cohen_kappa, krippendorff_alpha
from tools.labelling import verdicts_of
from tools.phrases import counted
from tools.rubric import Criterion

MOST_SHOWN = 280
"""Characters of a message, an answer or a reason at the terminal; JSON has the whole of them."""


class Disagreement(NamedTuple):
    """An answer that judge and people see differently."""

    scenario_id: str
    message: str
    answer: str
    judge_passed: bool
    human_passed: bool
    reasons: tuple[str, ...]
    """Criteria that the judge says NO on, and why."""
    by_people: tuple[str, ...]
    """Criteria that people say NO on, where they went that far."""
    notes: tuple[str, ...]
    """People's."""


class Comparison(NamedTuple):
    judge: str
    people: tuple[str, ...]
    calibration: Calibration
    between_people: tuple[tuple[str, Agreement], ...]
    """Cohen's kappa of every two people, and Krippendorff's alpha of more than two."""
    criteria: tuple[tuple[str, Agreement], ...]
    """Of the judge and people, criterion by criterion, where people went that far."""
    bearing: str
    """What it means for the decision."""
    disagreements: tuple[Disagreement, ...]

    @property
    def record(self) -> dict[str, Any]:
        """For JSON."""

        def listed(pairs: Sequence[tuple[str, Agreement]]) -> list[dict[str, Any]]:
            return [{"of": name, **_agreement_record(agreement)} for name, agreement in pairs]

        return {
            "judge": self.judge,
            "people": list(self.people),
            "calibration": self.calibration.model_dump(mode="json"),
            "between_people": listed(self.between_people),
            "criteria": listed(self.criteria),
            "bearing": self.bearing,
            "disagreements": [one._asdict() for one in self.disagreements],
        }


def compare(result: Result, labels: Sequence[Label]) -> Comparison:
    """The judge of ``result`` beside ``labels``; several people count by majority."""
    passed = passes_by_people(list(labels))
    judged = {line.scenario.id: line.score.passed for line in result.lines if line.score.passed is not None}
    calibration = calibrate(judged, passed)
    return Comparison(
        judge=result.judge,
        people=tuple(sorted({label.by for label in labels})),
        calibration=calibration,
        between_people=_between(labels),
        criteria=_by_criterion(result, labels),
        bearing=f"{result.decision.kind.value}: {result.decision.reason}",
        disagreements=_disagreements(result.lines, passed, labels),
    )


def _between(labels: Sequence[Label]) -> tuple[tuple[str, Agreement], ...]:
    by: dict[str, dict[str, str]] = defaultdict(dict)
    for label in labels:
        if label.passed is not None:
            by[label.by][label.scenario_id] = _word(label.passed)
    found = []
    for one, other in combinations(sorted(by), 2):
        common = sorted(set(by[one]) & set(by[other]))
        pairs = [(by[one][name], by[other][name]) for name in common]
        found.append((f"{one} and {other}", cohen_kappa(pairs)))
    if len(by) > 2:
        every = sorted({name for given in by.values() for name in given})
        units = [[by[person].get(name) for person in sorted(by)] for name in every]
        found.append(("all of them (Krippendorff's alpha)", krippendorff_alpha(units)))
    return tuple(found)


def _by_criterion(result: Result, labels: Sequence[Label]) -> tuple[tuple[str, Agreement], ...]:
    judged = {
        (line.scenario.id, verdict.criterion): verdict.verdict
        for line in result.lines
        for verdict in line.assessment.verdicts
    }
    found = []
    for criterion in result.rubric.judged:
        votes: dict[str, list[Verdict]] = defaultdict(list)
        for label in labels:
            given = verdicts_of(label).get(criterion.id)
            if given is not None and given is not Verdict.CANNOT_ASSESS:
                votes[label.scenario_id].append(_counted(given, criterion))
        pairs = []
        for scenario, given_by_people in votes.items():
            by_judge = judged.get((scenario, criterion.id))
            by_people = _majority(given_by_people)
            if by_people is not None and by_judge is not None and by_judge is not Verdict.CANNOT_ASSESS:
                pairs.append((_counted(by_judge, criterion).value, by_people.value))
        if pairs:
            found.append((criterion.id, cohen_kappa(pairs)))
    return tuple(found)


def _counted(verdict: Verdict, criterion: Criterion) -> Verdict:
    """NA where the criterion does not allow it is NO, as in the score."""
    return Verdict.NO if verdict is Verdict.NA and not criterion.na_allowed else verdict


def _majority(votes: Sequence[Verdict]) -> Verdict | None:
    """What more than half say; None where they are divided."""
    word, count = Counter(votes).most_common(1)[0]
    return word if 2 * count > len(votes) else None


def _disagreements(
    lines: Sequence[Row], passed: dict[str, bool], labels: Sequence[Label]
) -> tuple[Disagreement, ...]:
    notes: dict[str, list[str]] = defaultdict(list)
    by_people: dict[str, list[str]] = defaultdict(list)
    for label in labels:
        if label.note:
            notes[label.scenario_id].append(f"{label.by}: {label.note}")
        noes = [name for name, word in verdicts_of(label).items() if word is Verdict.NO]
        if noes:
            by_people[label.scenario_id].append(f"{label.by}: {', '.join(noes)} NO")
    found = []
    for line in lines:
        name, by_judge = line.scenario.id, line.score.passed
        if by_judge is None or passed.get(name, by_judge) is by_judge:
            continue
        quoted = not line.scenario.held_out  # whoever reads it may write training data next
        missed = [verdict for verdict in line.assessment.verdicts if verdict.verdict is Verdict.NO]
        found.append(
            Disagreement(
                scenario_id=name,
                message=line.scenario.message if quoted else "",
                answer=line.answer.text if quoted else "",
                judge_passed=by_judge,
                human_passed=not by_judge,
                reasons=tuple(f"{v.criterion} NO: {v.reason if quoted else ''}".rstrip(": ") for v in missed),
                by_people=tuple(by_people[name]),
                notes=tuple(notes[name]),
            )
        )
    return tuple(found)


def _word(passed: bool) -> str:
    return "pass" if passed else "fail"


def _agreement_record(agreement: Agreement) -> dict[str, Any]:
    interval = agreement.interval
    return {**agreement._asdict(), "interval": None if interval is None else interval._asdict()}


def print_comparison(console: Console, comparison: Comparison, *, disagreements: bool) -> None:
    """The comparison as a person reads it."""
    found = comparison.calibration
    grid = Table(title=f"{plain(comparison.judge)} beside {plain(', '.join(comparison.people))}")
    for head in ("", "people: pass", "people: fail"):
        grid.add_column(head, justify="right")
    grid.add_row("judge: pass", str(found.both_pass), str(found.judge_only))
    grid.add_row("judge: fail", str(found.human_only), str(found.both_fail))
    console.print(grid)

    def say(sentence: str) -> None:
        console.print(plain(sentence), highlight=False)

    say(f"Sensitivity (of what people pass, the judge passes): {_share(found.sensitivity)}")
    say(f"Specificity (of what people fail, the judge fails): {_share(found.specificity)}")
    say(f"Cohen's kappa of judge and people: {_agreement(found.kappa)}")
    if found.raw_rate is not None and found.raw_interval is not None:
        raw = CorrectedRate(found.raw_rate, found.raw_interval)
        say(f"Pass rate by the judge alone: {_rate(raw)}, {found.judged} answers")
    say(f"Corrected, prediction-powered: {_rate(found.prediction_powered)}")
    say(f"Corrected, Rogan–Gladen: {_rate(found.rogan_gladen)}")
    say(found.sentence)
    for warning in found.warnings:
        console.print(f"[yellow]! {plain(warning)}[/]", highlight=False)
    say(comparison.bearing)
    for names, agreement in comparison.between_people:
        say(f"Agreement of {names}: {_agreement(agreement)}")
    for criterion, agreement in comparison.criteria:
        say(f"{criterion}: judge and people agree in {agreement.observed:.0%}; kappa {_agreement(agreement)}")
    count = len(comparison.disagreements)
    if count and not disagreements:
        differ = counted(count, "answer")
        say(f"--disagreements lists the {differ} on which they differ.")
    for one in comparison.disagreements if disagreements else ():
        say(f"{one.scenario_id}: people {_word(one.human_passed)}, judge {_word(one.judge_passed)}")
        shown = [("message", one.message), ("answer", one.answer)]
        shown += [("judge", reason) for reason in one.reasons or ("no criterion is NO",)]
        shown += [("people", said) for said in (*one.by_people, *one.notes)]
        if not one.message:
            say("  held out: counted, not quoted")
        for whose, text in shown if one.message else shown[2:]:
            say(f"  {whose}: {_shortened(text)}")


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MOST_SHOWN else f"{line[:MOST_SHOWN].rstrip()} …"


def _share(share: Share | None) -> str:
    if share is None:
        return "none to tell from"
    low, high = share.interval
    return f"{share.value:.0%} of {share.n} (95 % interval {low:.0%} to {high:.0%})"


def _rate(rate: CorrectedRate | None) -> str:
    if rate is None:
        return "not given, see below"
    low, high = rate.interval
    return f"{rate.rate:.0%} (95 % interval {low:.0%} to {high:.0%})"


def _agreement(agreement: Agreement) -> str:
    if agreement.value is None:
        return f"{agreement.n}, no second verdict to tell by"
    if agreement.interval is None:
        return f"{agreement.value:.2f}, {agreement.n} answers"
    low, high = agreement.interval
    return f"{agreement.value:.2f} (95 % interval {low:.2f} to {high:.2f}), {agreement.n} answers"
