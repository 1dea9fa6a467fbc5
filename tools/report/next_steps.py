"""What to do next, concretely, by decision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tools.data_problems import JUDGE_FAILED
from tools.decision import Decision, DecisionKind
from tools.evaluation import AnswerOutcome, AssessmentOutcome
from tools.phrases import counted
from tools.report import commands
from tools.report.data import ModelResult, ReportData
from tools.report.tally import NOT_YET, Tally
from tools.rows import Row

FINE_TUNE_EXAMPLES = (500, 1_000)
FULL_PIPELINE_EXAMPLES = (2_000, 5_000)
"""Starting sizes, not measurements. LIMA (Zhou et al., 2023) aligned the style of a model with 1,000 curated
examples; a skill that is missing altogether needs more, and a preference stage besides."""
HELD_OUT = 0.1
LEAST_FOR_A_CRITERION = 50
TO_READ = 8
MANY_CUT_OFF = 0.1
"""Share of the planned answers; with more of them cut off, what further scenarios would settle is unknown."""
MOST_QUOTED = 240
ANOTHER_JUDGE = "PROVIDER:MODEL"


class Step(NamedTuple):
    """One thing to do."""

    text: str
    command: str | None = None


class Share(NamedTuple):
    """Examples to write for one criterion."""

    criterion: str
    question: str
    gate: bool
    failed: int
    examples: int


class Plan(NamedTuple):
    """Steps for one model, and what data to make where data is called for."""

    steps: tuple[Step, ...]
    shares: tuple[Share, ...] = ()


def plan(data: ReportData, result: ModelResult, found: Tally, reading: Sequence[Row]) -> Plan:
    """The next steps for one model; ``reading`` are answers for a person to read."""
    kind = result.decision.kind
    if kind is DecisionKind.DEPLOY:
        return Plan(_deploy(data, result, reading))
    if kind is DecisionKind.UNDECIDED:
        return Plan(_undecided(data, result, found))
    sizes = FINE_TUNE_EXAMPLES if kind is DecisionKind.FINE_TUNE else FULL_PIPELINE_EXAMPLES
    shares = _shares(result, sizes[0])
    steps = _fine_tune if kind is DecisionKind.FINE_TUNE else _pipeline
    return Plan(steps(data, result, sizes), shares)


def _deploy(data: ReportData, result: ModelResult, reading: Sequence[Row]) -> tuple[Step, ...]:
    model = result.loaded.artefact
    read = [note for note in data.reviews if note.role == result.role and not note.by_policy]
    if read:
        first = Step(
            "A person has read answers; their notes stand above. Settle every objection in them first."
        )
    else:
        ids = ", ".join(row.scenario.id for row in reading)
        first = Step(
            "Have a person who knows the domain read answers before anybody deploys. A pass rate says how "
            f"often the rubric was met, not whether the rubric asks for the right things. Begin with: {ids}."
        )
    pinned = f", pinned to {model.digest}" if model.digest else ""
    steps = [
        first,
        Step(
            f"Deploy {model.name}{pinned}, with the system prompt and the context of this evaluation. "
            "Another quantization, template or system prompt is another model: evaluate it anew."
        ),
    ]
    if result.failures.criteria:
        often = ", ".join(f"{entry.criterion} ({entry.failed}×)" for entry in result.failures.criteria[:3])
        steps.append(Step(f"Watch in use what failed here most often: {often}."))
    steps.append(Step("No fine-tuning is needed. Evaluate again when the model or the domain changes."))
    return tuple(steps)


def _fine_tune(data: ReportData, result: ModelResult, sizes: tuple[int, int]) -> tuple[Step, ...]:
    return (
        *_backup(data, result),
        *_gates_first(result),
        Step(
            f"Write {sizes[0]:,} to {sizes[1]:,} training examples aimed at what fails, in the proportions "
            "below. Use the topics and styles in which it fails; take the failing answers as what to avoid."
        ),
        Step(
            f"Hold out {HELD_OUT:.0%} of them for validation. Keep the scenarios of this evaluation out of "
            "the training data: they are the baseline that the tuned model is measured against."
        ),
        Step(
            "Fine-tune with a low-rank adapter, convert to the same quantization, then evaluate the result "
            "under the same conditions, with its own name after --model, and compare the two pass rates.",
            commands.evaluate(data, result),
        ),
    )


def _gates_first(result: ModelResult) -> tuple[Step, ...]:
    """What is dangerous comes before what is merely weak."""
    failing = result.decision.gate_failures
    if not failing:
        return ()
    named = ", ".join(f"{gate} ({times}×)" for gate, times in failing.items())
    return (Step(f"Look at the failed gates first: {named}. One such answer can do harm; read every one."),)


def _pipeline(data: ReportData, result: ModelResult, sizes: tuple[int, int]) -> tuple[Step, ...]:
    steps: list[Step] = []
    if _looks_broken(result.decision):
        steps.append(
            Step(
                "First make sure that the model works at all: read a few answers, check template, system "
                "prompt and quantization. So few passes are more often a broken set-up than a weak model.",
                commands.evaluate(data, result, count=10),
            )
        )
    steps += [
        *_backup(data, result),
        Step(
            f"Plan the full pipeline: {sizes[0]:,} to {sizes[1]:,} reviewed examples over the whole "
            "taxonomy, supervised fine-tuning, then a preference stage on the criteria that still fail. "
            "The proportions below are where to begin."
        ),
        Step(
            f"Hold out {HELD_OUT:.0%} for validation and keep the scenarios of this evaluation out of the "
            "training data. After each stage, evaluate under the same conditions, with the new name after "
            "--model.",
            commands.evaluate(data, result),
        ),
    ]
    return tuple(steps)


def _looks_broken(decision: Decision) -> bool:
    return decision.measured > 0 and decision.passes <= 0.05 * decision.measured


def _backup(data: ReportData, result: ModelResult) -> tuple[Step, ...]:
    """A cheaper way than training, where one is left: the approved backup."""
    key = data.approval.backup if data.approval else None
    if result.role != "primary" or not key or any(model.candidate == key for model in data.models):
        return ()
    text = f"Before spending money on training, evaluate the approved backup, {data.name_of(key)}, alone."
    return (Step(text, commands.evaluate_backup(data)),)


class _Changes(NamedTuple):
    """What another run would do differently; None for what stays."""

    judge: str | None = None
    max_tokens: int | None = None
    scenarios: int | None = None


def _undecided(data: ReportData, result: ModelResult, found: Tally) -> tuple[Step, ...]:
    steps = [*_judge_first(result), *_unmeasured(data, result, found), *_more_scenarios(data, result, found)]
    if not found.measured:
        steps.append(Step("Nothing was measured: choose no model and plan no training on this run."))
    changes = _changes(data, result, found)
    if changes.judge or changes.max_tokens or data.replay is not None:
        judge, max_tokens, scenarios = changes
        command = commands.evaluate(data, result, judge=judge, max_tokens=max_tokens, count=scenarios)
        steps.append(Step("All of that in one run, under otherwise the same conditions:", command))
    return tuple(steps)


def _changes(data: ReportData, result: ModelResult, found: Tally) -> _Changes:
    reasons = {reason for reason, _ in found.reasons}
    of_judge = reasons & {JUDGE_FAILED, AssessmentOutcome.CANNOT_ASSESS.value}
    further = result.decision.further_scenarios
    own = "scenarios" in data.setup.files
    return _Changes(
        judge=ANOTHER_JUDGE if of_judge or result.judge.preflight_passed is False else None,
        max_tokens=2 * result.conditions.max_tokens if AnswerOutcome.TRUNCATED in reasons else None,
        scenarios=found.measured + further if further and not own and not _many_cut_off(found) else None,
    )


def _more_scenarios(data: ReportData, result: ModelResult, found: Tally) -> tuple[Step, ...]:
    further, n = result.decision.further_scenarios, found.measured
    bands = result.decision.band_probabilities
    # A judge that cannot be trusted leaves nothing to be settled by more of its verdicts, and a model that is
    # cut off nothing by more of its answers.
    if bands is None or further == 0 or result.judge.preflight_passed is False or _many_cut_off(found):
        return ()
    if further is None and max(bands) >= result.certainty:
        return ()
    if further is None:
        text = (
            "The pass rate stands so close to a threshold that more scenarios would hardly settle it. "
            "Let a person read the answers and decide, and write down why."
        )
        return (Step(text),)
    if "scenarios" in data.setup.files:
        return (
            Step(
                f"Add about {counted(further, 'scenario')} of the same kind to your file; {n} were measured "
                "so far."
            ),
        )
    text = (
        f"Measure about {counted(further, 'more scenario')}, {n + further} in all. Where the rates stay as "
        "they are, so many settle it about six times in ten."
    )
    changed = _changes(data, result, found)
    alone = changed.judge is None and changed.max_tokens is None and result.role == "primary"
    return (Step(text, commands.resume(data, further) if alone and data.replay is None else None),)


def _judge_first(result: ModelResult) -> tuple[Step, ...]:
    if result.judge.preflight_passed is not False:
        return ()
    text = (
        f"Take another judge: {result.judge.name} could not tell planted good answers from bad ones, "
        "so its verdicts say little."
    )
    return (Step(text),)


def _unmeasured(data: ReportData, result: ModelResult, found: Tally) -> tuple[Step, ...]:
    many = _many_cut_off(found)
    ordered = sorted(found.reasons, key=lambda one: not (many and one.reason == AnswerOutcome.TRUNCATED))
    steps = (_remedy(reason, count, data, result, found) for reason, count in ordered)
    return tuple(step for step in steps if step is not None)


def _many_cut_off(found: Tally) -> bool:
    """Whether so many answers are cut off that a longer limit comes before further scenarios."""
    cut_off = dict(found.reasons).get(AnswerOutcome.TRUNCATED.value, 0)
    return cut_off > MANY_CUT_OFF * found.planned


def _remedy(reason: str, count: int, data: ReportData, result: ModelResult, found: Tally) -> Step | None:
    """What to do about answers that could not be measured for ``reason``."""
    answers = counted(count, "answer")
    if reason == AnswerOutcome.TRUNCATED:
        limit = result.conditions.max_tokens
        text = f"Allow longer answers: {answers} reached the limit of {limit:,} tokens."
        if _many_cut_off(found):
            text += " Whether further scenarios are needed can be told when these are measured."
        return Step(text)
    if reason == AssessmentOutcome.CANNOT_ASSESS:
        return Step(f"Take a judge that can use the rubric: for {answers}, {reason}.")
    if reason == JUDGE_FAILED:
        return Step(_of_judge(answers, result))
    if reason in {AnswerOutcome.TIMEOUT, AnswerOutcome.ERROR}:
        text = (
            f"Look at the runtime: {answers} ended with {reason}. Free memory, or use a smaller quantization."
        )
        return Step(text, "bms doctor")
    if reason == AnswerOutcome.EMPTY:
        return Step(f"Check the chat template and the thinking mode: {answers} came back empty.")
    if reason == NOT_YET:
        has = "has" if count == 1 else "have"
        text = f"Let the run go on: {counted(count, 'scenario')} {has} no judged answer yet."
        return Step(text, commands.resume(data))
    return None


def _of_judge(answers: str, result: ModelResult) -> str:
    detail = next((one.detail for one in result.failures.data_problems if one.kind == JUDGE_FAILED), "")
    if len(detail) > MOST_QUOTED:
        detail = f"{detail[:MOST_QUOTED].rstrip()} …"
    said = f" Of the first was said: {detail}" if detail else ""
    return (
        f"Take a judge that can be asked and uses the rubric: for {answers}, {JUDGE_FAILED}.{said} Where the "
        "rubric is too long for the judge, one call for each criterion, a shorter rubric or a judge with "
        "more context will do."
    )


def _shares(result: ModelResult, total: int) -> tuple[Share, ...]:
    """``total`` examples over the failing criteria, in proportion to their failures and to tens."""
    entries = result.failures.criteria
    failed = sum(entry.failed for entry in entries)
    return tuple(
        Share(
            entry.criterion,
            entry.question,
            entry.gate,
            entry.failed,
            max(LEAST_FOR_A_CRITERION, round(total * entry.failed / failed / 10) * 10),
        )
        for entry in entries
    )
