"""The data of the document with everything computed that its templates show."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import quantiles
from typing import NamedTuple

from tools.answer_signs import SignCount, Spread
from tools.concentrations import Concentration
from tools.failures import FailureExample, GroupRate
from tools.phrases import counted
from tools.report import commands, exports, figures, rates
from tools.report import spread as spreads
from tools.report.against_people import calibration_figure, calibration_lines, panel_lines
from tools.report.cautions import banners, warnings
from tools.report.checks import check_paired
from tools.report.data import ModelResult, ReportData
from tools.report.drawing import Figure
from tools.report.lines import Line, condition_lines, cost_lines, decision_lines, retrial_lines
from tools.report.measures import first_token, held_out, judge_cost, seconds, split, words
from tools.report.next_steps import Plan, plan
from tools.report.researched import coverage_figure, reproduce_lines, research_lines
from tools.report.standing import CandidateNote, SelectedSources, candidate_notes, selected_sources
from tools.report.tally import Tally, tally
from tools.review import Pick, review_sample
from tools.rows import Row
from tools.statistics import Interval
from tools.together import CoFailure

READ_IN_FULL = 3
LONGEST_ANSWER = 700
MOST_QUOTED = 10
"""Criteria, those that fail most, under which answers are quoted."""
WORST = 20
"""Failed answers that the page shows in full, folded; the others are in the file of failures."""
MOST_GROUPS = 12
"""Values of a dimension whose pass rates are shown, the lowest first."""


MOST_TOGETHER = 5


class Example(NamedTuple):
    """A failing answer quoted under a criterion."""

    example: FailureExample
    quoted_before: bool
    """It stands under an earlier criterion already."""


class Examples(NamedTuple):
    criterion: str
    gate: bool
    examples: tuple[Example, ...]


class Reason(NamedTuple):
    """A criterion that an answer does not meet, and why."""

    criterion: str
    gate: bool
    reason: str


class Failed(NamedTuple):
    """A failed answer."""

    row: Row
    score: str
    reasons: tuple[Reason, ...]

    @property
    def not_met(self) -> str:
        return ", ".join(f"{r.criterion}{' (gate)' if r.gate else ''}" for r in self.reasons)


class Reading(NamedTuple):
    """An answer for a person to read."""

    row: Row
    verdict: str
    """Passed or failed, and on which criteria."""
    why: str
    """Why it was chosen."""


class Where(NamedTuple):
    """A criterion that fails more often in a group of answers than elsewhere."""

    criterion: str
    group: Concentration


class SpeedLine(NamedTuple):
    """One number of passed and of failed answers: median and quartiles, in words."""

    name: str
    passed: str
    failed: str


class Groups(NamedTuple):
    """Pass rates by the values of one dimension."""

    dimension: str
    rates: tuple[GroupRate, ...]
    more: int
    """Values that are left out."""


class ModelView(NamedTuple):
    """One model as the templates show it."""

    result: ModelResult
    name: str
    tally: Tally
    decision: tuple[Line, ...]
    conditions: tuple[Line, ...]
    warnings: tuple[str, ...]
    scenarios: str
    groups: tuple[Groups, ...]
    rates: tuple[Figure, ...]
    """Figures of the pass rate."""
    figures: tuple[Figure, ...]
    """Figures of what fails."""
    lengths: tuple[Figure, ...]
    """Figures of length and speed."""
    calibration: tuple[Line, ...]
    """The judge beside people; empty without labels."""
    corrected: Figure | None
    panel: tuple[Line, ...]
    """How far several judges agree; empty with a single one."""
    retrial: tuple[Line, ...]
    """Failures run again; empty when they were not."""
    together: tuple[CoFailure, ...]
    """Criteria that clearly fail together."""
    signs: tuple[SignCount, ...]
    speed: tuple[SpeedLine, ...]
    cost: tuple[Line, ...]
    examples: tuple[Examples, ...]
    where: tuple[Where, ...]
    worst: tuple[Failed, ...]
    failed_open: int
    """Failed answers that are not held out, of which ``worst`` are the worst."""
    plan: Plan
    reading: tuple[Reading, ...]

    @property
    def drawn(self) -> tuple[Figure, ...]:
        corrected = () if self.corrected is None else (self.corrected,)
        return (*self.rates, *corrected, *self.figures, *self.lengths)


class View(NamedTuple):
    """Everything, ready to be put into words."""

    data: ReportData
    models: tuple[ModelView, ...]
    banners: tuple[Line, ...]
    """A word in capitals and what it means for the reader."""
    research: tuple[Line, ...]
    coverage: Figure | None
    """How candidates became known, query by query; None when it was not measured."""
    candidates: tuple[CandidateNote, ...]
    sources: tuple[SelectedSources, ...]
    paired: tuple[Line, ...]
    """Primary and backup on the same scenarios."""
    reproduce: tuple[Line, ...]
    again: str
    """Command that repeats the run."""
    report: str
    """Command that prints the document again."""
    exports: tuple[exports.Export, ...]
    """Files beside the document."""


def view_of(data: ReportData) -> View:
    """The view; :class:`~tools.report.checks.Inconsistent` when a number differs from the rows."""
    models = tuple(_model(data, result) for result in data.models)
    return View(
        data=data,
        models=models,
        banners=banners(data, [model.tally for model in models]),
        research=research_lines(data),
        coverage=coverage_figure(data),
        candidates=candidate_notes(data),
        sources=selected_sources(data),
        paired=_paired(data),
        reproduce=reproduce_lines(data),
        again=commands.again(data),
        report=commands.report(data),
        exports=exports.exports(data, {model.result.role: model.tally for model in models}),
    )


def _model(data: ReportData, result: ModelResult) -> ModelView:
    found = tally(result)
    name = data.name_of(result.candidate)
    signs = result.failures.signs
    picks = review_sample(result.rows, result.rubric, disagreeing=result.disputed)
    failed = [r for r in result.rows if r.score.passed is False and not r.scenario.held_out]
    return ModelView(
        result=result,
        name=name,
        tally=found,
        decision=decision_lines(result, found, held_out(result.rows), signs.asked),
        conditions=condition_lines(result),
        warnings=warnings(result),
        scenarios=_scenarios(data, result, found),
        groups=_groups(result),
        rates=_rates(result, name, found),
        figures=_figures(result, name, found),
        lengths=_lengths(result, name, replayed=data.replay is not None),
        calibration=calibration_lines(result.calibration),
        corrected=calibration_figure(f"corrected-{result.role}", name, result.calibration, result.thresholds),
        panel=panel_lines(result.panel),
        retrial=retrial_lines(result.retrial),
        together=tuple(pair for pair in result.failures.together if pair.clear)[:MOST_TOGETHER],
        signs=signs.counts,
        speed=_speed(result, replayed=data.replay is not None),
        cost=cost_lines(judge_cost(result.rows)),
        examples=_examples(result),
        where=tuple(
            Where(entry.criterion, group)
            for entry in result.failures.criteria[:MOST_QUOTED]
            for group in entry.concentrations
            if group.clear
        ),
        worst=_worst(failed, result, found),
        failed_open=len(failed),
        plan=plan(data, result, found, [pick.row for pick in picks]),
        reading=tuple(_reading(pick, found) for pick in picks[:READ_IN_FULL]),
    )


def _scenarios(data: ReportData, result: ModelResult, found: Tally) -> str:
    scenarios = [row.scenario for row in result.rows]
    topics, styles = len({s.topic for s in scenarios}), len({s.style for s in scenarios})
    edge = sum(s.edge_case for s in scenarios)
    text = (
        f"{found.planned} scenarios, each a first message of a person, with one answer each. "
        f"Those answered come from {counted(topics, 'topic')} in {counted(styles, 'style')}; "
        f"{edge} of them {'is an edge case' if edge == 1 else 'are edge cases'}."
    )
    if data.wording:
        text += f" {data.wording}"
    cover = result.coverage
    if cover is None:
        given = "" if data.wording else " The scenarios were given by a person."
        return f"{text}{given} How well they cover the domain was not checked: no taxonomy was given."
    missing = [row for row in cover.missing if row.dimension in {"topic", "subtopic", "style"}]
    if missing:
        named = "; ".join(f"{row.dimension} “{row.value}” ({row.got} of {row.wanted})" for row in missing[:5])
        more = f"; and {len(missing) - 5} more" if len(missing) > 5 else ""
        text += f" Fewer than planned: {named}{more}."
    else:
        text += " Every topic, subtopic and style of the taxonomy is covered as planned."
    if cover.near_duplicates:
        text += f" {counted(cover.near_duplicates, 'pair')} of messages say almost the same."
    return text


def _groups(result: ModelResult) -> tuple[Groups, ...]:
    """Pass rates by dimension; one with a single value says nothing that the whole does not."""
    by_dimension: dict[str, list[GroupRate]] = {}
    for rate in result.failures.rates:
        by_dimension.setdefault(rate.dimension, []).append(rate)
    return tuple(
        Groups(dimension, tuple(rates_[:MOST_GROUPS]), max(0, len(rates_) - MOST_GROUPS))
        for dimension, rates_ in by_dimension.items()
        if len(rates_) > 1
    )


def _rates(result: ModelResult, name: str, found: Tally) -> tuple[Figure, ...]:
    if not found.measured or result.decision.interval is None:
        return ()
    clustered = found.clustered
    return (
        rates.pass_rate(
            f"pass-rate-{result.role}",
            model=name,
            passes=found.passed,
            measured=found.measured,
            unmeasured=found.unmeasured + found.missing,
            interval=result.decision.interval,
            clustered=None if clustered is None else Interval(clustered.low, clustered.high),
            thresholds=result.thresholds,
        ),
    )


def _figures(result: ModelResult, name: str, found: Tally) -> tuple[Figure, ...]:
    drawn: list[Figure] = []
    failing = result.failures.criteria
    if failing:
        bars = [figures.Bar(e.criterion, e.question, e.failed, e.assessed, e.gate) for e in failing]
        drawn.append(figures.failures(f"failures-{result.role}", model=name, bars=bars))
    topics = next((cross for cross in result.failures.crosses if cross.dimension == "topic"), None)
    if topics is not None and failing:
        drawn.append(figures.heat_map(f"heat-map-{result.role}", model=name, cross=topics))
    return tuple(drawn)


def _lengths(result: ModelResult, name: str, *, replayed: bool) -> tuple[Figure, ...]:
    panels = [spreads.Panel("Length", "words", split(result.rows, words))]
    if not replayed:
        panels.append(spreads.Panel("Time for the whole answer", "seconds", split(result.rows, seconds)))
    shown = [panel for panel in panels if any(panel.values)]
    return (spreads.spread(f"lengths-{result.role}", model=name, panels=shown),) if shown else ()


def _speed(result: ModelResult, *, replayed: bool) -> tuple[SpeedLine, ...]:
    """A replay has no speed of its own."""
    by_outcome = {entry.outcome: entry for entry in result.failures.signs.lengths}
    passed, failed = by_outcome.get("passed"), by_outcome.get("failed")
    first = split(result.rows, first_token)
    lines = (
        ("Words an answer", passed and passed.words, failed and failed.words),
        ("Seconds an answer", passed and passed.seconds, failed and failed.seconds),
        ("Seconds to the first token", _quartiles(first.passed), _quartiles(first.failed)),
        ("Tokens a second", passed and passed.tokens_a_second, failed and failed.tokens_a_second),
    )
    told = lines[:1] if replayed else lines
    return tuple(SpeedLine(name, _spread(one), _spread(other)) for name, one, other in told if one or other)


def _quartiles(values: Sequence[float]) -> Spread | None:
    if len(values) < 2:
        return Spread(values[0], values[0], values[0]) if values else None
    return Spread(*quantiles(values, n=4, method="inclusive"))


def _spread(value: Spread | None) -> str:
    if value is None:
        return "–"
    return f"{_short(value.median)} ({_short(value.low)} to {_short(value.high)})"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def _worst(failed: list[Row], result: ModelResult, found: Tally) -> tuple[Failed, ...]:
    """Failed gates first, then the lowest scores; an answer without a score failed a gate."""

    def rank(row: Row) -> tuple[bool, float, str]:
        return (not row.score.gate_failed, row.score.score or 0.0, row.scenario.id)

    shown = []
    for row in sorted(failed, key=rank)[:WORST]:
        given = {verdict.criterion: verdict.reason for verdict in row.assessment.verdicts}
        reasons = tuple(
            Reason(name, name in result.rubric.gates, given[name]) for name in found.not_met[row.scenario.id]
        )
        score = "no score" if row.score.score is None else f"score {row.score.score:.2f}"
        shown.append(Failed(row, score, reasons))
    return tuple(shown)


def _examples(result: ModelResult) -> tuple[Examples, ...]:
    """Examples by criterion, each scenario quoted once."""
    seen: set[str] = set()
    found = []
    for entry in result.failures.criteria[:MOST_QUOTED]:
        shown = []
        for example in entry.examples:
            shown.append(Example(example, example.scenario_id in seen))
            seen.add(example.scenario_id)
        if shown:
            found.append(Examples(entry.criterion, entry.gate, tuple(shown)))
    return tuple(found)


def _reading(pick: Pick, found: Tally) -> Reading:
    row, criteria = pick.row, found.not_met[pick.row.scenario.id]
    word = "passed" if row.score.passed else "failed"
    score = "" if row.score.score is None else f", score {row.score.score:.2f}"
    return Reading(row, word + score + (f", not met: {', '.join(criteria)}" if criteria else ""), pick.why)


def _paired(data: ReportData) -> tuple[Line, ...]:
    said = data.paired
    if said is None:
        return ()
    primary, backup = data.models
    check_paired(primary, backup, said)
    first, second = (data.name_of(model.candidate) for model in data.models)
    p_value = "under 0.001" if said.p_value < 0.001 else f"{said.p_value:.3f}"
    return (
        Line("Scenarios that both were measured on", f"{said.n:,}"),
        Line("Both pass", str(said.both)),
        Line(f"Only {first} passes (the first)", str(said.first_only)),
        Line(f"Only {second} passes (the second)", str(said.second_only)),
        Line("Neither passes", str(said.neither)),
        Line(
            "Difference, second less first",
            f"{said.difference * 100:+.0f} points, 95% interval {said.interval.low * 100:+.0f} to "
            f"{said.interval.high * 100:+.0f}; McNemar's test, exact, mid-p {p_value}",
        ),
    )
