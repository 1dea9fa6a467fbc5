"""Two-column tables about one model: its decision, its conditions, its judge."""

from __future__ import annotations

from typing import NamedTuple

from tools.answer_signs import Asked
from tools.clusters import ClusteredInterval
from tools.decision import DecisionKind
from tools.phrases import counted
from tools.report.data import Conditions, ModelResult
from tools.report.drawing import percent
from tools.report.measures import HeldOut, JudgeCost
from tools.report.tally import Tally
from tools.retrial import Passes, Retrial
from tools.statistics import Interval

HUMAN = "human"
"""Judge of a run in which a person gave the verdicts."""


class Line(NamedTuple):
    """A line of a two-column table."""

    name: str
    value: str


def span(interval: Interval) -> str:
    """``50% to 77%``."""
    return f"{percent(interval.low)} to {percent(interval.high)}"


def decision_lines(result: ModelResult, found: Tally, kept: HeldOut, asked: Asked) -> tuple[Line, ...]:
    said, (low, high) = result.decision, result.thresholds
    kind = said.kind.value
    if said.kind is DecisionKind.UNDECIDED and said.leaning is not None:
        kind += f" (the pass rate alone points to {said.leaning.value})"
    reasons = "; ".join(f"{count} × {reason}" for reason, count in found.reasons)
    apart = found.unmeasured + found.missing
    lines = [
        Line("Decision", kind),
        Line("Scenarios", str(found.planned)),
        Line("Measured", str(found.measured)),
        Line("Not measured", f"{apart}: {reasons}" if apart else "0"),
        Line("Passed", str(found.passed)),
        *_rate(result, found),
    ]
    if result.rubric.gates:
        lines.append(Line("Answers failing a gate", _gates(result, found)))
    if said.band_probabilities is not None:
        below, between, above = said.band_probabilities
        lines.append(
            Line(
                "True pass rate",
                f"under {percent(low)} with probability {percent(below)}; {percent(low)} to {percent(high)}: "
                f"{percent(between)}; {percent(high)} or more: {percent(above)} (Jeffreys prior)",
            )
        )
    if len(result.looks) > 1:
        looks = f"{len(result.looks)} times, the run being extended in between: {'; '.join(result.looks)}"
        note = (
            "The probabilities are those of one look; near a threshold several looks err a little more often"
        )
        lines.append(Line("Looked at", f"{looks}. {note}"))
    lines.append(Line("Thresholds", _rule(result)))
    if kept.scenarios:
        lines.append(Line("Held out", _held_out(kept)))
    if asked.again:
        cut = f"{counted(asked.again, 'answer')} cut off by the token limit"
        mended = f"asked for once more with a larger one: {asked.mended} came back whole"
        lines.append(Line("Asked again", f"{cut}, {mended}"))
    return tuple(lines)


def _rate(result: ModelResult, found: Tally) -> tuple[Line, ...]:
    interval = result.decision.interval
    if found.rate is None or interval is None:
        return (Line("Pass rate", "nothing was measured"),)
    rate = Line("Pass rate", f"{percent(found.rate)}, 95% Wilson interval {span(interval)}")
    clustered = found.clustered
    if clustered is None:
        return (rate, Line("Clustered by topic", "there is one topic, so how topics differ is not known"))
    value = (
        f"95% interval {span(Interval(clustered.low, clustered.high))} over {clustered.clusters} topics; "
        f"{_worth(clustered, found.measured)}"
    )
    return rate, Line("Clustered by topic", value)


def _worth(clustered: ClusteredInterval, measured: int) -> str:
    """What the clusters make of the number of answers; fewer, never more."""
    effect = f"design effect {clustered.design_effect:.1f}"
    if clustered.design_effect <= 1:
        return f"{effect}, topics differ no more than chance lets them"
    return f"{effect}: {measured} answers are worth {clustered.effective_n:.0f} unrelated ones"


def _gates(result: ModelResult, found: Tally) -> str:
    said = result.decision
    failing = f"{said.answers_failing_a_gate} of {found.measured}"
    if said.gate_failures:
        failing += f" ({', '.join(f'{gate} {times}×' for gate, times in said.gate_failures.items())})"
    if not found.measured:
        return failing
    share = said.answers_failing_a_gate / found.measured
    over = share > result.gate_share_limit
    word = "more than the" if over else "within the"
    end = " allowed: DEPLOY is forbidden whatever the pass rate" if over else " allowed"
    return f"{failing}: {percent(share)}, {word} {percent(result.gate_share_limit)}{end}"


def _rule(result: ModelResult) -> str:
    low, high = result.thresholds
    rule = (
        f"FULL_PIPELINE under {percent(low)}, FINE_TUNE from {percent(low)}, DEPLOY from {percent(high)}; "
        f"decided at a probability of {percent(result.certainty)}"
    )
    if result.rubric.gates:
        rule += f"; failed gates in more than {percent(result.gate_share_limit)} of the answers forbid DEPLOY"
    return rule


def _held_out(kept: HeldOut) -> str:
    return (
        f"{counted(kept.scenarios, 'scenario')} among these, {kept.measured} measured, {kept.passed} passed. "
        "They are kept for judging a later fine-tune against this baseline: counted above, never quoted "
        "here, and not among the failures that training data starts from"
    )


def condition_lines(result: ModelResult) -> tuple[Line, ...]:
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
        *_hosts(at),
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
    ]
    if judge.name == HUMAN:
        return (*lines, Line("Judge", "a person, and no model"))
    return (*lines, Line("Judge", judge.name), Line("Judge's preflight", _preflight(result)))


def _hosts(at: Conditions) -> tuple[Line, ...]:
    """Who answered how much, where there were several hosts, and who was left out."""
    out = (Line("Hosts left out", " ".join(at.hosts_left_out)),) if at.hosts_left_out else ()
    if not at.hosts:
        return out
    shares = ", ".join(f"{one.host} {counted(one.answers, 'scenario')}" for one in at.hosts)
    told = {one.digest for one in at.hosts if one.digest}
    silent = [one.host for one in at.hosts if one.digest is None]
    digests = f"; digest {' and '.join(sorted(told))} on every one that tells its digest" if told else ""
    unsaid = f"; {', '.join(silent)} {'tells' if len(silent) == 1 else 'tell'} none" if silent else ""
    return (Line("Hosts", f"answered by {shares}{digests}{unsaid}"), *out)


def _preflight(result: ModelResult) -> str:
    word = {True: "passed", False: "failed", None: "not tried"}[result.judge.preflight_passed]
    return f"{word}. {result.judge.preflight}".strip()


def cost_lines(cost: JudgeCost | None) -> tuple[Line, ...]:
    """What judging cost; nothing where no call of a model was made."""
    if cost is None:
        return ()
    told = "; the server does not tell how many it had kept"
    if cost.cached is not None:
        told = f", of which {_tokens(cost.evaluated)} evaluated and {_tokens(cost.cached)} kept from before"
    return (
        Line("Calls", f"{cost.calls:,} for {counted(cost.answers, 'answer')}, the preflight not counted"),
        Line("Tokens sent", f"{_tokens(cost.sent)}{told}"),
        Line("Tokens written", _tokens(cost.written)),
        Line("Seconds", f"{cost.seconds:,.1f}, each call's own, also of those that ran side by side"),
    )


def retrial_lines(said: Retrial | None) -> tuple[Line, ...]:
    """Failed answers run again, with the same prompt and with an improved one."""
    if said is None:
        return ()
    return (
        Line("Failed answers run again", f"{said.n} of {said.failed}"),
        Line("Pass with the same prompt and another seed", _passes(said.repeated)),
        Line("Pass with the improved prompt", _passes(said.reprompted)),
        *(
            Line(
                f"{one.criterion}, met this time",
                f"{one.gone_repeated} of {one.failed} with the same prompt, "
                f"{one.gone_reprompted} of {one.failed} with the improved one",
            )
            for one in said.criteria
        ),
        Line("So", said.verdict.value),
    )


def _passes(said: Passes) -> str:
    interval = "" if said.interval is None else f" (95% interval {span(said.interval)})"
    apart = f"; {said.unmeasured} not measured" if said.unmeasured else ""
    return f"{said.passed} of {said.measured}{interval}{apart}"


def _tokens(count: int | None) -> str:
    return "unknown" if count is None else f"{count:,}"
