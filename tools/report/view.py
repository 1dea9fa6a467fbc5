"""The data of the document with everything computed that its templates show."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from tools.decision import GATE_SHARE_LIMIT, DecisionKind
from tools.failures import FailureExample, Row
from tools.report import commands, figures
from tools.report.data import ModelResult, ReportData
from tools.report.figures import Figure, percent
from tools.report.next_steps import Plan, plan, worth_reading
from tools.report.standing import CandidateNote, SelectedSources, candidate_notes, selected_sources
from tools.report.tally import Tally, failed_criteria, failures_map, tally

READ_IN_FULL = 3
LONGEST_ANSWER = 700


class Line(NamedTuple):
    """A line of a two-column table."""

    name: str
    value: str


class TopicLine(NamedTuple):
    topic: str
    scenarios: int
    measured: int
    passed: int

    @property
    def rate(self) -> str:
        return percent(self.passed / self.measured) if self.measured else "–"


class Example(NamedTuple):
    """A failing answer quoted under a criterion."""

    example: FailureExample
    quoted_before: bool
    """It stands under an earlier criterion already."""


class Examples(NamedTuple):
    criterion: str
    gate: bool
    examples: tuple[Example, ...]


class Reading(NamedTuple):
    """An answer for a person to read."""

    row: Row
    verdict: str
    """Passed or failed, and on which criteria."""


class ModelView(NamedTuple):
    """One model as the templates show it."""

    result: ModelResult
    name: str
    tally: Tally
    decision: tuple[Line, ...]
    conditions: tuple[Line, ...]
    warnings: tuple[str, ...]
    scenarios: str
    topics: tuple[TopicLine, ...]
    figures: tuple[Figure, ...]
    examples: tuple[Examples, ...]
    plan: Plan
    reading: tuple[Reading, ...]


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
    reproduce: tuple[Line, ...]
    again: str
    """Command that repeats the run."""
    report: str
    """Command that prints the document again."""


def view_of(data: ReportData) -> View:
    """The view; :class:`~tools.report.tally.Inconsistent` when a number handed over differs from the rows."""
    return View(
        data=data,
        models=tuple(_model(data, result) for result in data.models),
        banners=_banners(data),
        research=_research(data),
        coverage=_coverage(data),
        candidates=candidate_notes(data),
        sources=selected_sources(data),
        reproduce=_reproduce(data),
        again=commands.again(data),
        report=commands.report(data),
    )


def _model(data: ReportData, result: ModelResult) -> ModelView:
    found = tally(result)
    name = data.name_of(result.candidate)
    return ModelView(
        result=result,
        name=name,
        tally=found,
        decision=_decision(result, found),
        conditions=_conditions(result),
        warnings=_warnings(result),
        scenarios=_scenarios(result, found),
        topics=_topics(result),
        figures=_figures(result, name, found),
        examples=_examples(result),
        plan=plan(data, result, found),
        reading=tuple(Reading(row, _verdict(row, result)) for row in worth_reading(result, READ_IN_FULL)),
    )


def _banners(data: ReportData) -> tuple[Line, ...]:
    lines = []
    if data.replay is not None:
        note = data.replay
        names = " and ".join(dict.fromkeys(data.name_of(result.candidate) for result in data.models))
        lines.append(
            Line(
                "REPLAY",
                f"This run replayed the story {note.story}, recorded on {note.recorded_on.isoformat()}. "
                f"Where the recordings come from: {note.provenance.rstrip('.')}. "
                f"Nothing in this document is a measurement of {names}.",
            )
        )
    if data.degraded:
        lines.append(
            Line(
                "DEGRADED RESEARCH",
                (" ".join(filter(None, data.degraded_why)) or "Some requests were blocked or failed.")
                + " What was not found may exist all the same.",
            )
        )
    if data.approval is not None and data.approval.by_policy:
        lines.append(Line("NO PERSON APPROVED THIS", "The proposal was taken by policy."))
    return tuple(lines)


def _decision(result: ModelResult, found: Tally) -> tuple[Line, ...]:
    said, (low, high) = result.decision, result.thresholds
    kind = said.kind.value
    if said.kind is DecisionKind.UNDECIDED and said.leaning is not None:
        kind += f" (the pass rate alone points to {said.leaning.value})"
    reasons = "; ".join(f"{count} × {reason}" for reason, count in found.reasons)
    apart = found.unmeasured + found.missing
    rate = "nothing was measured"
    if found.rate is not None and said.interval is not None:
        rate = (
            f"{percent(found.rate)}, 95% Wilson interval {percent(said.interval.low)} "
            f"to {percent(said.interval.high)}"
        )
    lines = [
        Line("Decision", kind),
        Line("Scenarios", str(found.planned)),
        Line("Measured", str(found.measured)),
        Line("Not measured", f"{apart}: {reasons}" if apart else "0"),
        Line("Passed", str(found.passed)),
        Line("Pass rate", rate),
    ]
    if result.rubric.gates:
        by_gate = ", ".join(f"{gate} {times}×" for gate, times in said.gate_failures.items())
        failing = f"{said.answers_failing_a_gate} of {found.measured}" + (f" ({by_gate})" if by_gate else "")
        lines.append(Line("Answers failing a gate", failing))
    if said.band_probabilities is not None:
        below, between, above = said.band_probabilities
        lines.append(
            Line(
                "True pass rate",
                f"under {percent(low)} with probability {percent(below)}; {percent(low)} to {percent(high)}: "
                f"{percent(between)}; {percent(high)} or more: {percent(above)} (Jeffreys prior)",
            )
        )
    rule = (
        f"FULL_PIPELINE under {percent(low)}, FINE_TUNE from {percent(low)}, DEPLOY from {percent(high)}; "
        f"decided at a probability of {percent(result.certainty)}"
    )
    if result.rubric.gates:
        rule += f"; failed gates in more than {percent(GATE_SHARE_LIMIT)} of the answers forbid DEPLOY"
    return (*lines, Line("Thresholds", rule))


def _conditions(result: ModelResult) -> tuple[Line, ...]:
    at, artefact, judge = result.conditions, result.loaded.artefact, result.judge
    thinking = {True: "on", False: "off", None: "the model's default"}[at.thinking]
    allocated = _tokens(result.loaded.allocated_context)
    gates = ", ".join(c.id for c in result.rubric.criteria if c.id in result.rubric.gates) or "none"
    rubric = (
        f"{result.rubric.name}: {len(result.rubric.criteria)} criteria "
        f"({len(result.rubric.computed)} computed), passed from {result.rubric.pass_threshold:g} on; "
        f"gates: {gates}"
    )
    size = "unknown" if artefact.size_bytes is None else f"{artefact.size_bytes:,} bytes"
    lines = [
        Line("Model", artefact.name),
        Line("Digest", artefact.digest or "the runtime does not tell"),
        Line("Quantization, size", f"{artefact.quantization or 'unknown'}, {size}"),
        Line("Runtime", f"{at.runtime} {at.runtime_version or '(version unknown)'}"),
        Line(
            "Context",
            f"{_tokens(at.context_asked)} asked for, {allocated} allocated, "
            f"native {_tokens(result.loaded.native_context)}",
        ),
        Line(
            "Sampling",
            f"temperature {at.temperature:g}, top-p {at.top_p:g}, seed {at.seed}, "
            f"at most {at.max_tokens:,} tokens",
        ),
        Line("Thinking", thinking + ("" if result.loaded.thinks else "; its template cannot think aloud")),
        Line("Turns", "one: each scenario is answered once, without a conversation before it"),
        Line("Rubric", rubric),
        Line("Judge", judge.name),
        Line("Judge's preflight", _preflight(result)),
    ]
    return tuple(lines)


def _preflight(result: ModelResult) -> str:
    word = {True: "passed", False: "failed", None: "not tried"}[result.judge.preflight_passed]
    return f"{word}. {result.judge.preflight}".strip()


def _tokens(count: int | None) -> str:
    return "unknown" if count is None else f"{count:,}"


def _warnings(result: ModelResult) -> tuple[str, ...]:
    found, judge = list(result.loaded.artefact.warnings), result.judge
    if judge.relation:
        insisted = (
            f" It was used because {judge.insisted_by or 'somebody'} insisted." if judge.insisted else ""
        )
        found.append(f"The judge is not independent. {judge.relation}{insisted}")
    if judge.preflight_passed is False:
        found.append(
            "The judge failed its preflight, so the pass rate may say more about it than about the model. "
            f"{judge.preflight}"
        )
    allocated, asked = result.loaded.allocated_context, result.conditions.context_asked
    if allocated is not None and allocated < asked:
        found.append(f"The runtime allocated {allocated:,} tokens of context; {asked:,} were asked for.")
    return tuple(found)


def _scenarios(result: ModelResult, found: Tally) -> str:
    scenarios = [row.scenario for row in result.rows]
    topics, styles = len({s.topic for s in scenarios}), len({s.style for s in scenarios})
    edge = sum(s.edge_case for s in scenarios)
    text = (
        f"{found.planned} scenarios, each a first message of a person, with one answer each. "
        f"Those answered come from {_many(topics, 'topic')} in {_many(styles, 'style')}; "
        f"{edge} of them {'is an edge case' if edge == 1 else 'are edge cases'}."
    )
    cover = result.coverage
    if cover is None:
        return f"{text} The scenarios were given by a person; how well they cover the domain was not checked."
    missing = [row for row in cover.missing if row.dimension in {"topic", "subtopic", "style"}]
    if missing:
        named = "; ".join(f"{row.dimension} “{row.value}” ({row.got} of {row.wanted})" for row in missing[:5])
        more = f"; and {len(missing) - 5} more" if len(missing) > 5 else ""
        text += f" Fewer than planned: {named}{more}."
    else:
        text += " Every topic, subtopic and style of the taxonomy is covered as planned."
    if cover.near_duplicates:
        text += f" {_many(cover.near_duplicates, 'pair')} of messages say almost the same."
    return text


def _many(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def _topics(result: ModelResult) -> tuple[TopicLine, ...]:
    rows = Counter(row.scenario.topic for row in result.rows)
    measured = Counter(row.scenario.topic for row in result.rows if not row.score.unmeasured)
    passed = Counter(row.scenario.topic for row in result.rows if row.score.passed)
    return tuple(TopicLine(topic, n, measured[topic], passed[topic]) for topic, n in rows.items())


def _figures(result: ModelResult, name: str, found: Tally) -> tuple[Figure, ...]:
    drawn: list[Figure] = []
    if found.measured and result.decision.interval is not None:
        drawn.append(
            figures.pass_rate(
                f"pass-rate-{result.role}",
                model=name,
                passes=found.passed,
                measured=found.measured,
                unmeasured=found.unmeasured + found.missing,
                interval=result.decision.interval,
                thresholds=result.thresholds,
            )
        )
    bars = _bars(result)
    if bars:
        drawn.append(
            figures.failures(f"failures-{result.role}", model=name, bars=bars, measured=found.measured)
        )
    heat = failures_map(result)
    if heat.topics:
        drawn.append(figures.heat_map(f"heat-map-{result.role}", model=name, table=heat))
    return tuple(drawn)


def _bars(result: ModelResult) -> tuple[figures.Bar, ...]:
    """Failures among measured answers, most frequent first; the table counts verdicts on others too."""
    counts = Counter(
        name for row in result.rows if not row.score.unmeasured for name in failed_criteria(row, result)
    )
    bars = [
        figures.Bar(c.id, c.question, counts[c.id], c.id in result.rubric.gates)
        for c in result.rubric.criteria
        if counts[c.id]
    ]
    return tuple(sorted(bars, key=lambda bar: (-bar.failed, not bar.gate)))


def _examples(result: ModelResult) -> tuple[Examples, ...]:
    """Examples by criterion, each scenario quoted once."""
    seen: set[str] = set()
    found = []
    for entry in result.failures.criteria:
        shown = []
        for example in entry.examples:
            shown.append(Example(example, example.scenario_id in seen))
            seen.add(example.scenario_id)
        if shown:
            found.append(Examples(entry.criterion, entry.gate, tuple(shown)))
    return tuple(found)


def _verdict(row: Row, result: ModelResult) -> str:
    criteria = failed_criteria(row, result)
    word = "passed" if row.score.passed else "failed"
    score = "" if row.score.score is None else f", score {row.score.score:.2f}"
    return f"{word}{score}" + (f", not met: {', '.join(criteria)}" if criteria else "")


def _research(data: ReportData) -> tuple[Line, ...]:
    done = data.research
    if done is None:
        return ()
    lines = []
    for name, counts in (("Search queries", done.searches), ("Addresses fetched", done.fetches)):
        lines.append(
            Line(
                name,
                f"{counts.asked}: {counts.found} found something, {counts.empty} found nothing, "
                f"{counts.blocked} blocked, {counts.failed} failed",
            )
        )
    rejected = "; ".join(f"{group.count} × {group.reason}" for group in done.rejected)
    oldest = "none" if done.oldest_fact is None else f"{done.oldest_fact:%Y-%m-%d %H:%M} UTC"
    return (
        *lines,
        Line("Pages and records read", str(done.pages_read)),
        Line("Candidates", f"{done.seen} seen, {done.accepted} accepted, {done.rejections} rejected"),
        *((Line("Rejected because", rejected),) if rejected and data.table is None else ()),
        Line("Facts and claims kept", f"{done.facts} facts, {done.claims} claims, each with its source"),
        Line("Oldest fact read", oldest),
        *_covered(data),
        Line("Waves", str(done.waves)),
        *((Line("Why it stopped", done.stopped),) if done.stopped else ()),
    )


def _coverage(data: ReportData) -> Figure | None:
    note = None if data.table is None else data.table.coverage
    if note is None or note.measured is None or not note.measured.curve:
        return None
    return figures.coverage_curve("coverage-research", note.measured)


def _covered(data: ReportData) -> tuple[Line, ...]:
    note = None if data.table is None else data.table.coverage
    if note is None or note.measured is None or note.share is None:
        return (Line("Coverage", "not measured"),) if data.table is not None else ()
    found = note.measured
    lines = [
        Line(
            "Coverage",
            f"{percent(note.share)}: what a query shows next is known with probability "
            f"{percent(found.sample_coverage or 0.0)} (Good–Turing), and {found.queries} of "
            f"{found.queries + found.unanswered} queries were answered",
        ),
        Line(
            "Estimated unseen",
            f"{found.unseen:.1f} viable candidates of the kind that queries show (Chao2, a lower bound)",
        ),
    ]
    if found.truncated:
        lines.append(Line("Listings not read to their end", "; ".join(found.truncated)))
    return tuple(lines)


def _reproduce(data: ReportData) -> tuple[Line, ...]:
    setup = data.setup
    where = ", ".join(filter(None, (f"Python {setup.python}" if setup.python else "", setup.platform)))
    lines = [
        Line("Run", data.run_id),
        Line("Program", f"base-model-selector {setup.version}" + (f", {where}" if where else "")),
        Line("Seed, scenarios", f"{setup.seed}, {setup.count}"),
    ]
    for view in data.models:
        artefact = view.loaded.artefact
        lines.append(Line(f"Model ({view.role})", f"{artefact.name}, {artefact.digest or 'no digest'}"))
        version = view.conditions.runtime_version or "(version unknown)"
        lines.append(Line(f"Runtime ({view.role})", f"{view.conditions.runtime} {version}"))
    if data.table is not None:
        lines.append(Line("Table approved from", data.table.hash))
        lines.append(Line("Rating version", data.table.rating_version))
    lines += [Line(f"File given, {flag}", path) for flag, path in sorted(setup.files.items())]
    return tuple(lines)
