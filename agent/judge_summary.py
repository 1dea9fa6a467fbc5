"""What a file of verdicts comes to, recomputed from its lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tools.clusters import ClusteredInterval, clustered_wilson
from tools.data_problems import JUDGE_FAILED, NOTHING_APPLIED
from tools.evaluation import Assessment, AssessmentOutcome, CriterionVerdict, Verdict
from tools.judging import COMPUTED, assessment_of
from tools.panel import PanelAgreement, panel_agreement
from tools.phrases import counted
from tools.responses import Response
from tools.rubric import Kind, Rubric
from tools.scoring import Score, ScoreSummary, score, summarise


class Summary(NamedTuple):
    """The answers of one call of ``bms judge``."""

    scores: ScoreSummary
    by_topic: ClusteredInterval | None
    """None where the answers name no topics, or too few."""
    unmeasured: Mapping[str, int]
    """Answers by the reason for which they could not be measured."""
    agreement: PanelAgreement | None
    """None with one judge."""
    usage: Mapping[str, Any]
    doubts: Sequence[str]
    """What spoke against a judge that a person insisted on."""
    others: int
    """Lines of the file that belong to other answers."""

    @property
    def record(self) -> dict[str, Any]:
        """For JSON."""
        interval = self.scores.interval
        return {
            **self.scores._asdict(),
            "interval": None if interval is None else interval._asdict(),
            "clustered_interval": None if self.by_topic is None else self.by_topic._asdict(),
            "unmeasured_by_reason": dict(self.unmeasured),
            "agreement": None if self.agreement is None else self.agreement.model_dump(mode="json"),
            "usage": dict(self.usage),
            "insisted": " ".join(self.doubts) or None,
        }

    @property
    def sentences(self) -> list[str]:
        """For people."""
        said = [self._rate()]
        if self.unmeasured:
            listed = "; ".join(f"{reason} ({count})" for reason, count in self.unmeasured.items())
            said.append(f"{self.scores.unmeasured} unmeasured: {listed}.")
        if self.agreement is not None:
            said.append(self.agreement.sentence)
        said.append(self._cost())
        said += [f"Insisted on: {doubt}" for doubt in self.doubts]
        if self.others:
            are = "is" if self.others == 1 else "are"
            others = counted(self.others, "further answer")
            said.append(f"The file holds {others}, which {are} not counted here.")
        return said

    def _rate(self) -> str:
        counted, interval = self.scores, self.scores.interval
        if counted.pass_rate is None or interval is None:
            return f"None of {counted.answers} answers could be measured."
        said = (
            f"{counted.passed} of {counted.measured} measured answers passed: {counted.pass_rate:.1%} "
            f"(95 % Wilson interval {interval.low:.1%}–{interval.high:.1%}"
        )
        if self.by_topic is None:
            return f"{said})."
        low, high, clusters = self.by_topic[:3]
        return f"{said}; {low:.1%}–{high:.1%} with the answers clustered in {clusters} topics)."

    def _cost(self) -> str:
        said = f"{counted(self.usage['calls'], 'call')} of judges"
        if self.usage["calls_now"] != self.usage["calls"]:
            said += f", {self.usage['calls_now']} of them now"
        if self.usage["prompt_tokens"] is not None:
            said += f"; {self.usage['prompt_tokens']:,} tokens sent"
        if self.usage["cached_tokens"]:
            said += f", {self.usage['cached_tokens']:,} of them kept by the server from earlier calls"
        if self.usage["completion_tokens"] is not None:
            said += f", {self.usage['completion_tokens']:,} received"
        return f"{said}."


def summarised(
    lines: Mapping[str, Mapping[str, Any]],
    responses: Sequence[Response],
    rubric: Rubric,
    judges: Sequence[str],
    *,
    usage: Mapping[str, Any],
    doubts: Sequence[str],
) -> Summary:
    """The summary of ``responses``, each of which has its line."""
    mine = [(response, lines[response.id]) for response in responses]
    scored = [(response, line, _score(line, rubric)) for response, line in mine]
    groups: dict[str, tuple[int, int]] = {}
    for response, _, one in scored:
        if response.topic is not None and not one.unmeasured:
            passes, n = groups.get(response.topic, (0, 0))
            groups[response.topic] = (passes + (one.passed is True), n + 1)
    reasons = Counter(_why(line) for _, line, one in scored if one.unmeasured)
    everywhere = all(response.topic is not None for response, _ in mine)
    return Summary(
        scores=summarise(one for _, _, one in scored),
        by_topic=clustered_wilson(groups) if everywhere else None,
        unmeasured=dict(reasons.most_common()),
        agreement=_agreement(mine, rubric, judges) if len(judges) > 1 else None,
        usage=usage,
        doubts=doubts,
        others=len(lines) - len(mine),
    )


def _score(line: Mapping[str, Any], rubric: Rubric) -> Score:
    return score({name: Verdict(word) for name, word in line["verdicts"].items()}, rubric)


def _why(line: Mapping[str, Any]) -> str:
    outcome = AssessmentOutcome(line["outcome"])
    if outcome is AssessmentOutcome.JUDGE_ERROR:
        return JUDGE_FAILED
    return NOTHING_APPLIED if outcome is AssessmentOutcome.MEASURED else outcome.value


def _agreement(
    mine: Sequence[tuple[Response, Mapping[str, Any]]], rubric: Rubric, judges: Sequence[str]
) -> PanelAgreement:
    """Of the judges with one another, from what each of them said."""
    by_judge = {
        judge: {
            response.id: _assessment(response.id, line["by_judge"][judge], rubric, judge)
            for response, line in mine
        }
        for judge in judges
    }
    return panel_agreement(by_judge, rubric)


def _assessment(name: str, words: Mapping[str, str], rubric: Rubric, judge: str) -> Assessment:
    verdicts = [
        CriterionVerdict(
            criterion=criterion.id,
            verdict=Verdict(words[criterion.id]),
            judge=COMPUTED if criterion.kind is Kind.COMPUTED else judge,
        )
        for criterion in rubric.criteria
        if criterion.id in words
    ]
    missing = [identifier for identifier in rubric.ids if identifier not in words]
    return assessment_of(rubric, name, verdicts, error=", ".join(missing))
