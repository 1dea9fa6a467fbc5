"""What a reader must know before believing a number."""

from __future__ import annotations

from collections.abc import Sequence

from tools.decision import FEWEST_MEASURED
from tools.phrases import counted
from tools.report.commands import label
from tools.report.data import ModelResult, ReportData
from tools.report.lines import HUMAN, Line
from tools.report.tally import Tally


def banners(data: ReportData, tallies: Sequence[Tally]) -> tuple[Line, ...]:
    """What stands at the top of the document, ``tallies`` in the order of the models."""
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
    for result, found in zip(data.models, tallies, strict=True):
        of = f" of {data.name_of(result.candidate)}" if len(data.models) > 1 else ""
        lines += [
            *_judge(data, result, of),
            *_size(found, of),
            *(Line("LOOK AT THE SET-UP", sentence) for sentence in result.failures.signs.setup_problems),
        ]
    return tuple(dict.fromkeys(lines))


def warnings(result: ModelResult) -> tuple[str, ...]:
    """What stands beside the results of one model: how it was run differs from what was asked for."""
    found = list(result.loaded.artefact.warnings)
    allocated, asked = result.loaded.allocated_context, result.conditions.context_asked
    if allocated is not None and allocated < asked:
        found.append(f"The runtime allocated {allocated:,} tokens of context; {asked:,} were asked for.")
    return tuple(found)


def _judge(data: ReportData, result: ModelResult, of: str) -> list[Line]:
    judge = result.judge
    found = []
    if judge.relation:
        insisted = (
            f" It was used because {judge.insisted_by or 'somebody'} insisted." if judge.insisted else ""
        )
        found.append(Line("THE JUDGE IS NOT INDEPENDENT", f"{judge.relation}{insisted}"))
    if judge.preflight_passed is False:
        text = "The pass rate may say more about the judge than about the model."
        found.append(Line("THE JUDGE FAILED ITS PREFLIGHT", f"{text} {judge.preflight}".strip()))
    if judge.name != HUMAN and (result.calibration is None or not result.calibration.labels):
        found.append(Line("NOT CALIBRATED", f"No human has checked this judge{of}: {label(data)} does that."))
    return found


def _size(found: Tally, of: str) -> list[Line]:
    if found.measured >= FEWEST_MEASURED:
        return []
    said = f"{counted(found.measured, 'answer')}{of} measured"
    return [Line("FEW ANSWERS", f"{said}; nothing is decided on fewer than {FEWEST_MEASURED}.")]
