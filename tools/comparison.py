"""Two models, or two runs, on the same scenarios: which passes more, where, and how sure that is.

Scenarios are paired, so that what makes one harder than another cancels. Topics and criteria are many
comparisons: their p values are adjusted together (Benjamini–Hochberg, see ``tools/significance.py``). The
probability that the second model is better is that of a Beta posterior (Jeffreys prior) over the scenarios on
which the two differ; the others say nothing about which is better.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from tools.faults import WrongUse
from tools.paired import PairedComparison, compare_paired
from tools.phrases import counted
from tools.rows import Row, cases_by_criterion
from tools.rubric import Rubric
from tools.significance import benjamini_hochberg
from tools.statistics import beta_cdf

CLEAR = 0.05
"""Adjusted p value up to which a difference is called clear."""
MOST_EXAMPLES = 10


class LeftOutReason(StrEnum):
    """Why a scenario is not in the comparison."""

    ONLY_FIRST = "only the first model has it"
    ONLY_SECOND = "only the second model has it"
    MESSAGE_DIFFERS = "the message differs"
    UNMEASURED_FIRST = "not measured for the first model"
    UNMEASURED_SECOND = "not measured for the second model"
    UNMEASURED_BOTH = "not measured for either model"


class LeftOut(BaseModel):
    """Scenarios that could not be compared."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: LeftOutReason
    scenario_ids: tuple[str, ...]


class Difference(BaseModel):
    """One topic's passes, or one criterion's verdicts, of both models on the same scenarios."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """The topic, or the criterion's id."""
    paired: PairedComparison
    """Of passing within the topic; of meeting the criterion where both were assessed on it."""
    adjusted: float
    """p value adjusted for all topics, or all criteria."""

    @property
    def clear(self) -> bool:
        return self.adjusted <= CLEAR


class ModelComparison(BaseModel):
    """Two models on the scenarios that both were measured on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first: str
    """Name of the first model or run."""
    second: str
    held_out_only: bool
    """Whether only scenarios that either run held out were compared, as for a fine-tune with its base."""
    paired: PairedComparison | None
    """Passes; None when no scenario could be compared."""
    second_better: float | None
    """Probability that the second model's true pass rate is the higher one."""
    topics: tuple[Difference, ...]
    """Largest difference first."""
    criteria: tuple[Difference, ...]
    """In the rubric's order; those that both were assessed on."""
    only_first: tuple[str, ...]
    """Scenarios to read on which only the first passes, 10 at most, none of them held out."""
    only_second: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    sentence: str
    """Which is better, and how sure that is."""


def compare_models(
    first: Sequence[Row],
    second: Sequence[Row],
    rubric: Rubric,
    *,
    names: tuple[str, str],
    held_out_only: bool = False,
) -> ModelComparison:
    """Pairs by identifier and identical message; both judged by ``rubric``.

    Raises WrongUse when a scenario stands twice in the same rows.
    """
    # The second run may have got the held-out scenarios from their file, as ordinary ones.
    held_out = {row.scenario.id for row in (*first, *second) if row.scenario.held_out}
    one, other = (
        _by_id([row for row in rows if row.scenario.id in held_out or not held_out_only], name)
        for rows, name in zip((first, second), names, strict=True)
    )
    left_out: dict[LeftOutReason, list[str]] = {}
    both: list[tuple[Row, Row]] = []
    for identifier in dict.fromkeys([*one, *other]):
        reason = _reason(one.get(identifier), other.get(identifier))
        if reason is None:
            both.append((one[identifier], other[identifier]))
        else:
            left_out.setdefault(reason, []).append(identifier)
    paired = compare_paired([_passed(pair) for pair in both])
    better = None if paired is None else _second_better(paired)
    return ModelComparison(
        first=names[0],
        second=names[1],
        held_out_only=held_out_only,
        paired=paired,
        second_better=better,
        topics=_topics(both),
        criteria=_criteria(both, rubric),
        only_first=_examples(both, (True, False)),
        only_second=_examples(both, (False, True)),
        left_out=tuple(LeftOut(reason=why, scenario_ids=tuple(ids)) for why, ids in left_out.items()),
        sentence=_sentence(names, paired, better, left_out, held_out_only=held_out_only),
    )


def _by_id(rows: Sequence[Row], name: str) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for row in rows:
        if row.scenario.id in found:
            raise WrongUse(f"Scenario {row.scenario.id} stands twice among the results of {name}.")
        found[row.scenario.id] = row
    return found


def _reason(first: Row | None, second: Row | None) -> LeftOutReason | None:
    if first is None:
        return LeftOutReason.ONLY_SECOND
    if second is None:
        return LeftOutReason.ONLY_FIRST
    if first.scenario.message != second.scenario.message:
        return LeftOutReason.MESSAGE_DIFFERS
    unmeasured = (first.score.unmeasured, second.score.unmeasured)
    return {
        (True, True): LeftOutReason.UNMEASURED_BOTH,
        (True, False): LeftOutReason.UNMEASURED_FIRST,
        (False, True): LeftOutReason.UNMEASURED_SECOND,
    }.get(unmeasured)


def _passed(pair: tuple[Row, Row]) -> tuple[bool, bool]:
    return pair[0].score.passed is True, pair[1].score.passed is True


def _second_better(paired: PairedComparison) -> float:
    return 1 - beta_cdf(0.5, paired.second_only + 0.5, paired.first_only + 0.5)


def _topics(both: Sequence[tuple[Row, Row]]) -> tuple[Difference, ...]:
    groups: dict[str, list[tuple[bool, bool]]] = {}
    for pair in both:
        groups.setdefault(pair[0].scenario.topic, []).append(_passed(pair))
    found = _differences(groups)
    return tuple(sorted(found, key=lambda entry: (-abs(entry.paired.difference), entry.name)))


def _criteria(both: Sequence[tuple[Row, Row]], rubric: Rubric) -> tuple[Difference, ...]:
    one, other = (
        {name: {case.position: case.failed for case in cases} for name, cases in found.items()}
        for found in (cases_by_criterion([pair[side] for pair in both], rubric) for side in (0, 1))
    )
    return _differences(
        {
            name: [(not one[name][i], not other[name][i]) for i in one[name] if i in other[name]]
            for name in rubric.ids
        }
    )


def _differences(groups: Mapping[str, Sequence[tuple[bool, bool]]]) -> tuple[Difference, ...]:
    found = {name: paired for name, pairs in groups.items() if (paired := compare_paired(pairs)) is not None}
    adjusted = benjamini_hochberg([paired.p_value for paired in found.values()])
    return tuple(
        Difference(name=name, paired=paired, adjusted=value)
        for (name, paired), value in zip(found.items(), adjusted, strict=True)
    )


def _examples(both: Sequence[tuple[Row, Row]], wanted: tuple[bool, bool]) -> tuple[str, ...]:
    shown = (
        pair[0].scenario.id
        for pair in both
        if _passed(pair) == wanted and not (pair[0].scenario.held_out or pair[1].scenario.held_out)
    )
    return tuple(shown)[:MOST_EXAMPLES]


def _sentence(
    names: tuple[str, str],
    paired: PairedComparison | None,
    better: float | None,
    left_out: Mapping[LeftOutReason, Sequence[str]],
    *,
    held_out_only: bool,
) -> str:
    if paired is None or better is None:
        among = "held-out scenario" if held_out_only else "measured scenario"
        why = "; ".join(f"{counted(len(ids), 'scenario')}: {reason}" for reason, ids in left_out.items())
        if not why:
            why = "neither has held one out" if held_out_only else "neither has one"
        return f"{names[0]} and {names[1]} have no {among} in common that could be compared ({why})."
    number = sum(map(len, left_out.values()))
    apart = f" {counted(number, 'scenario')} could not be compared." if left_out else ""
    rates = [(paired.both + only) / paired.n for only in (paired.first_only, paired.second_only)]
    counts = (
        f"On the same {paired.n} scenarios {names[0]} passes {rates[0]:.0%} and {names[1]} {rates[1]:.0%}: "
        f"{paired.first_only} only the first, {paired.second_only} only the second "
        f"(difference {100 * paired.difference:+.0f} points, 95 % interval "
        f"{100 * paired.interval.low:+.0f} to {100 * paired.interval.high:+.0f}; McNemar p = "
        f"{paired.p_value:.2g})."
    )
    leader, probability = (names[1], better) if paired.difference > 0 else (names[0], 1 - better)
    if paired.difference == 0:
        verdict = "Neither is ahead."
    elif paired.p_value <= CLEAR and not paired.interval.low <= 0 <= paired.interval.high:
        verdict = f"{leader} is better, with probability {_sure(probability)}."
    else:
        verdict = f"{leader} is ahead, which may be chance: it is the better one with probability "
        verdict += f"{_sure(probability)}."
    return f"{counts} {verdict}{apart}"


def _sure(probability: float) -> str:
    return "over 99%" if probability > 0.99 else f"{probability:.0%}"
