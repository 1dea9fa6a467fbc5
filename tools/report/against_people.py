"""The judge beside people and beside other judges: agreement, and the pass rate corrected for its errors."""

from __future__ import annotations

from tools.calibration import Calibration, CorrectedRate, Share
from tools.interrater import Agreement
from tools.panel import Coefficient, PanelAgreement
from tools.report.drawing import Figure, percent
from tools.report.lines import Line, span
from tools.report.rates import Estimate, estimates


def calibration_lines(said: Calibration | None) -> tuple[Line, ...]:
    """Raw and corrected rates beside each other, then what they come from; nothing without labels."""
    if said is None or not said.labels or said.raw_rate is None or said.raw_interval is None:
        return ()
    raw = CorrectedRate(said.raw_rate, said.raw_interval)
    return (
        Line("Labels", f"{said.labels} of {said.judged} judged answers labelled by people, blind"),
        Line("Pass rate, the judge's", f"{_rate(raw)}; knows nothing of the judge's errors"),
        Line("Pass rate, corrected", f"{_rate(said.prediction_powered)} (prediction-powered)"),
        Line("The same by Rogan–Gladen", _rate(said.rogan_gladen)),
        Line("Sensitivity", _share(said.sensitivity, "pass", "passes")),
        Line("Specificity", _share(said.specificity, "fail", "fails")),
        Line("Cohen's kappa", agreement(said.kappa)),
        Line(
            "Judge and people",
            f"both pass {said.both_pass}, only the judge {said.judge_only}, only people {said.human_only}, "
            f"both fail {said.both_fail}",
        ),
    )


def panel_lines(said: PanelAgreement | None) -> tuple[Line, ...]:
    """How far several judges agree; nothing with a single one."""
    if said is None:
        return ()
    return (
        Line("Judges", ", ".join(said.judges)),
        Line("Answers judged by two or more", str(said.answers)),
        Line("Krippendorff's alpha", f"{agreement(said.alpha, 'criteria of answers')}"),
        *(
            Line(
                f"Cohen's kappa, {' and '.join(pair.judges)}",
                f"{agreement(pair.verdicts, 'verdicts')}; on pass or fail {agreement(pair.passed)}",
            )
            for pair in said.pairs
        ),
        *(Line(f"{name}, alpha", agreement(said.criteria[name], "answers")) for name in said.most_disputed),
    )


def calibration_figure(
    name: str, model: str, said: Calibration | None, thresholds: tuple[float, float]
) -> Figure | None:
    """The judge's rate and the corrected ones; None where nothing could be corrected."""
    if said is None or said.raw_rate is None or said.raw_interval is None:
        return None
    corrected = [
        Estimate(label, *rate)
        for label, rate in (
            ("corrected, prediction-powered", said.prediction_powered),
            ("corrected, Rogan–Gladen", said.rogan_gladen),
        )
        if rate is not None
    ]
    if not corrected:
        return None
    shown = [Estimate("as the judge says", said.raw_rate, said.raw_interval), *corrected]
    words = [f"{one.label}: {percent(one.rate)}, 95% interval {span(one.interval)}" for one in shown]
    title = f"Pass rate of {model}, corrected by {said.labels} labels"
    return estimates(name, title, shown, "; ".join(words), thresholds)


def agreement(of: Agreement | Coefficient, what: str = "answers") -> str:
    """``0.71, 95% interval 0.48 to 0.86, over 40 answers``."""
    if of.value is None:
        return f"not defined over {of.n} {what}: nothing to compare, or one word throughout"
    interval = (
        "" if of.interval is None else f", 95% interval {of.interval.low:.2f} to {of.interval.high:.2f}"
    )
    return f"{of.value:.2f}{interval}, over {of.n} {what}"


def _rate(rate: CorrectedRate | None) -> str:
    return "not given" if rate is None else f"{percent(rate.rate)}, 95% interval {span(rate.interval)}"


def _share(share: Share | None, people: str, judge: str) -> str:
    if share is None:
        return f"unknown: people {people} none of the labelled answers"
    rate = f"{percent(share.value)}, 95% interval {span(share.interval)}"
    return f"of the {share.n} answers that people {people}, the judge {judge} {rate}"
