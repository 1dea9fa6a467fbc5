"""Several judges: their majority on every criterion, and how far they agree.

A judge whose reply could not be used has no vote. CANNOT_ASSESS is a vote like any other, so that one YES
beside two judges who could not tell is no YES; NA where the criterion does not allow it is NO, as in scoring.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from itertools import combinations

from pydantic import BaseModel, ConfigDict

from tools.evaluation import Assessment, AssessmentOutcome, CriterionVerdict, Verdict
from tools.faults import WrongUse
from tools.interrater import Agreement, cohen_kappa, krippendorff_alpha
from tools.judging import COMPUTED, assessment_of, total_usage
from tools.rubric import Criterion, Rubric
from tools.scoring import score_assessment
from tools.statistics import Interval

HUMAN = "human"
RELIABLE, TENTATIVE = 0.8, 0.667
"""Krippendorff's own limits: above the first conclusions hold, above the second they are tentative
("Content Analysis", 2004, chapter 11)."""
MOST_DISPUTED = 3
_REASON_CHARACTERS = 160
_VOTING = frozenset({AssessmentOutcome.MEASURED, AssessmentOutcome.CANNOT_ASSESS})


class Coefficient(BaseModel):
    """A coefficient of agreement with what it rests on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float | None
    """1 full agreement, 0 what chance gives; None where nothing can be compared or only one word was used."""
    interval: Interval | None
    n: int
    """Units with two ratings or more."""
    observed: float
    """Share of pairs of ratings that agree."""


class PairAgreement(BaseModel):
    """Cohen's kappa of two judges."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    judges: tuple[str, str]
    passed: Coefficient
    """On pass and fail, over answers that both could measure."""
    verdicts: Coefficient
    """On the verdicts of judged criteria."""


class PanelAgreement(BaseModel):
    """How far the judges of a panel agree. Goes to JSON and back as it was."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    judges: tuple[str, ...]
    answers: int
    """Answers that two judges or more have judged."""
    units: int
    """Criteria of answers with two verdicts or more."""
    pairs: tuple[PairAgreement, ...]
    alpha: Coefficient
    """Krippendorff's alpha over all judged criteria."""
    criteria: dict[str, Coefficient]
    """Alpha of each judged criterion, in the rubric's order."""
    most_disputed: tuple[str, ...]
    """Criteria on which the judges differ most often, the worst first; none on which all agree."""
    sentence: str


def parse_panel(spec: str) -> tuple[str, ...]:
    """The judges in ``ollama:gemma3:12b, openai:MODEL``.

    :class:`WrongUse` for one that stands there twice, is none, or is ``human`` beside others.
    """
    from tools.runtimes.shelf import parse_model_spec

    judges = tuple(part.strip() for part in spec.split(","))
    if len(judges) == 1 and judges[0].casefold() == HUMAN:
        return (HUMAN,)
    seen: set[object] = set()
    for judge in judges:
        if not judge:
            raise WrongUse(f"{spec[:80]!r} names no judge between two commas.", "Name one, or none at all.")
        if judge.casefold() == HUMAN:
            raise WrongUse("A person does not judge in a panel.", "Label beside a judge with `bms label`.")
        parsed = parse_model_spec(judge)
        if parsed in seen:
            raise WrongUse(f"{judge} is named twice; one judge has one vote.", "Name each judge once.")
        seen.add(parsed)
    return judges


def combine(by_judge: Mapping[str, Assessment], rubric: Rubric) -> Assessment:
    """The panel's assessment of one answer, from each judge's.

    A strict majority of the verdicts given on a criterion decides; without one it is CANNOT_ASSESS. With
    votes from fewer than half of the judges the outcome is JUDGE_ERROR. Computed criteria are taken once.
    ValueError when there is no assessment, or they are of different answers.
    """
    scenarios = {assessment.scenario_id for assessment in by_judge.values()}
    if len(scenarios) != 1:
        raise ValueError("a panel combines assessments of one answer")
    scenario_id = scenarios.pop()
    for assessment in by_judge.values():
        if assessment.outcome is AssessmentOutcome.NO_ANSWER:
            return assessment
    computed = {v.criterion: v for a in by_judge.values() for v in a.verdicts if v.judge == COMPUTED}
    usages = [a.usage for a in by_judge.values() if a.usage is not None]
    usage = total_usage(usages) if usages else None
    voting = {judge: a for judge, a in by_judge.items() if a.outcome in _VOTING}
    if 2 * len(voting) < len(by_judge):
        failed = " ".join(f"{judge}: {a.detail}" for judge, a in by_judge.items() if judge not in voting)
        error = f"Only {len(voting)} of {len(by_judge)} judges gave verdicts. {failed}"
        return assessment_of(rubric, scenario_id, computed.values(), error=error, usage=usage)
    silent = [judge for judge in by_judge if judge not in voting]
    verdicts = [_majority(criterion, voting, silent) for criterion in rubric.judged]
    return assessment_of(rubric, scenario_id, [*computed.values(), *verdicts], usage=usage)


def panel_agreement(by_judge: Mapping[str, Mapping[str, Assessment]], rubric: Rubric) -> PanelAgreement:
    """Agreement of judges; ``by_judge`` holds each judge's assessments by scenario."""
    judges = tuple(by_judge)
    answers = list(dict.fromkeys(scenario for given in by_judge.values() for scenario in given))
    ratings = {judge: _ratings(given, rubric) for judge, given in by_judge.items()}
    places = [(answer, criterion.id) for criterion in rubric.judged for answer in answers]
    units: dict[str, list[list[str | None]]] = defaultdict(list)
    for answer, criterion in places:
        units[criterion].append([ratings[judge].get((answer, criterion)) for judge in judges])
    alpha = krippendorff_alpha([unit for listed in units.values() for unit in listed])
    criteria = {c.id: _coefficient(krippendorff_alpha(units[c.id])) for c in rubric.judged}
    disputed = sorted((c.observed, place, name) for place, (name, c) in enumerate(criteria.items()) if c.n)
    most = tuple(name for observed, _, name in disputed if observed < 1)[:MOST_DISPUTED]
    shared = Counter(answer for given in by_judge.values() for answer, a in given.items() if _votes(a))
    pairs = [_pair(one, two, by_judge, ratings, rubric) for one, two in combinations(judges, 2)]
    return PanelAgreement(
        judges=judges,
        answers=sum(n > 1 for n in shared.values()),
        units=alpha.n,
        pairs=tuple(pairs),
        alpha=_coefficient(alpha),
        criteria=criteria,
        most_disputed=most,
        sentence=_sentence(len(judges), alpha, criteria, most),
    )


def _majority(
    criterion: Criterion, voting: Mapping[str, Assessment], silent: Iterable[str]
) -> CriterionVerdict:
    given = {
        judge: verdict
        for judge, assessment in voting.items()
        for verdict in assessment.verdicts
        if verdict.criterion == criterion.id
    }
    votes = Counter(_counted(verdict.verdict, criterion) for verdict in given.values())
    word, most = votes.most_common(1)[0] if votes else (Verdict.CANNOT_ASSESS, 0)
    if 2 * most > len(given):
        said = f"{most} of {len(given)} {word}"
    else:
        counts = ", ".join(f"{votes[verdict]} {verdict}" for verdict in Verdict if votes[verdict])
        word, said = Verdict.CANNOT_ASSESS, f"No majority: {counts or 'no verdict at all'}"
    without = [*silent, *(judge for judge in voting if judge not in given)]
    absent = f" (no vote from {', '.join(without)})" if without else ""
    ordered = sorted(given.items(), key=lambda item: _counted(item[1].verdict, criterion) is not word)
    reasons = " ".join(f"{judge}, {v.verdict}: {_short(v.reason)}" for judge, v in ordered)
    return CriterionVerdict(
        criterion=criterion.id,
        verdict=word,
        reason=f"{said}{absent}: {reasons}" if reasons else f"{said}{absent}.",
        judge=", ".join([*voting, *silent]),
    )


def _counted(verdict: Verdict, criterion: Criterion) -> Verdict:
    return Verdict.NO if verdict is Verdict.NA and not criterion.na_allowed else verdict


def _short(reason: str) -> str:
    line = reason if len(reason) <= _REASON_CHARACTERS else reason[: _REASON_CHARACTERS - 1] + "…"
    return line if line.endswith((".", "!", "?", "…")) else line + "."


def _votes(assessment: Assessment) -> bool:
    return assessment.outcome in _VOTING


def _ratings(given: Mapping[str, Assessment], rubric: Rubric) -> dict[tuple[str, str], str]:
    """A judge's verdicts by answer and judged criterion."""
    judged = {criterion.id: criterion for criterion in rubric.judged}
    return {
        (answer, verdict.criterion): _counted(verdict.verdict, judged[verdict.criterion]).value
        for answer, assessment in given.items()
        if _votes(assessment)
        for verdict in assessment.verdicts
        if verdict.criterion in judged
    }


def _pair(
    one: str,
    two: str,
    by_judge: Mapping[str, Mapping[str, Assessment]],
    ratings: Mapping[str, Mapping[tuple[str, str], str]],
    rubric: Rubric,
) -> PairAgreement:
    passed: list[tuple[str, str]] = []
    for answer in by_judge[one].keys() & by_judge[two].keys():
        both = [by_judge[judge][answer] for judge in (one, two)]
        scores = [score_assessment(a, rubric).passed if _votes(a) else None for a in both]
        if None not in scores:
            passed.append((str(scores[0]), str(scores[1])))
    common = ratings[one].keys() & ratings[two].keys()
    return PairAgreement(
        judges=(one, two),
        passed=_coefficient(cohen_kappa(sorted(passed))),
        verdicts=_coefficient(
            cohen_kappa([(ratings[one][place], ratings[two][place]) for place in sorted(common)])
        ),
    )


def _coefficient(agreement: Agreement) -> Coefficient:
    return Coefficient(**agreement._asdict())


def _sentence(
    judges: int, alpha: Agreement, criteria: Mapping[str, Coefficient], most: tuple[str, ...]
) -> str:
    if not alpha.n:
        return "No answer was judged by two judges, so that nothing can be said of their agreement."
    said = f"{judges} judges agree in {alpha.observed:.0%} of the pairs of their {alpha.n} common verdicts"
    if alpha.value is None:
        said += "; they used one word throughout, so that chance alone would agree as often."
    else:
        between = f", 95 % {alpha.interval.low:.2f} to {alpha.interval.high:.2f}" if alpha.interval else ""
        said += f" (Krippendorff's alpha {alpha.value:.2f}{between}): {_weight(alpha.value)}."
    if most:
        listed = ", ".join(f"{name} ({1 - criteria[name].observed:.0%})" for name in most)
        said += f" They differ most on {listed}."
    return said


def _weight(alpha: float) -> str:
    if alpha >= RELIABLE:
        return "one could stand in for another, which does not say that they are right"
    if alpha >= TENTATIVE:
        return "enough for tentative conclusions"
    return "too little to take any one of them for the truth"
