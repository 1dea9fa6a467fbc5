"""Answers about what came of the evaluation, recomputed from rows."""

from __future__ import annotations

import re

from sqlalchemy.orm import Session

from agent import views
from agent.conversation.records import Link, Said
from agent.conversation.replies import answer, items, percent, view
from graphs.results import Result
from tools.escape import shorten
from tools.failures import FailureAnalysis, Row, analyse

MOST = 5
SUGGESTED = ("what failed most?", "which topic is weakest?", "show an example")


def nothing_yet(run_id: str) -> Said:
    return answer(
        "Nothing is judged yet, so there is no result.",
        links=(view(run_id, "evaluation", "the evaluation"),),
        suggestions=("status", "how long?"),
    )


def result(session: Session, run_id: str) -> Said:
    """The decision of every model with the numbers that it was computed from."""
    found = views.result_views(session, run_id)
    if not found:
        return nothing_yet(run_id)
    told = []
    for one in found:
        part = (
            "" if one.judged == one.planned else f" {one.judged} of {one.planned} answers are judged so far."
        )
        told.append(
            f"{one.role} {one.candidate}, judged by {one.judge}: {one.decision.kind.value}.{part} "
            f"{one.decision.reason}"
        )
    return answer(
        *told,
        links=(view(run_id, "report", "the report"), view(run_id, "failures", "the failures")),
        suggestions=SUGGESTED,
    )


def pass_rate(session: Session, run_id: str) -> Said:
    found = views.result_views(session, run_id)
    if not found:
        return nothing_yet(run_id)
    lines = []
    for one in found:
        decision = one.decision
        if decision.pass_rate is None or decision.interval is None:
            lines.append(
                f"{one.role} {one.candidate}: nothing could be measured, {decision.unmeasured} unmeasured"
            )
            continue
        low, high = decision.interval
        unmeasured = (
            f"; {decision.unmeasured} could not be measured and count neither way"
            if decision.unmeasured
            else ""
        )
        lines.append(
            f"{one.role} {one.candidate}: {decision.passes} of {decision.measured} measured answers pass, "
            f"{percent(decision.pass_rate)} (95 % interval {percent(low)} to {percent(high)}){unmeasured}"
        )
    return answer(items(lines), links=(view(run_id, "evaluation", "the evaluation"),), suggestions=SUGGESTED)


def failed_most(session: Session, run_id: str) -> Said:
    """The criteria that failed most, with where they failed."""
    found = views.results(session, run_id)
    if not found:
        return nothing_yet(run_id)
    told, links = [], [view(run_id, "failures", "all failures")]
    for one in found:
        analysis = _analysis(one)
        lines = [
            f"{entry.criterion}{' (a gate)' if entry.gate else ''}: failed {entry.failed} of "
            f"{entry.assessed} times. "
            f"{entry.question} {entry.pattern}"
            for entry in analysis.criteria[:MOST]
        ]
        who = _who(session, run_id, one)
        told.append(f"{who} failed most on:\n{items(lines)}" if lines else f"{who} failed no criterion.")
        told.append(analysis.caution if lines else "")
        links += [
            Link(
                label=f"answer {example.scenario_id}",
                href=f"/runs/{run_id}/answers/{one.role}/{example.scenario_id}",
                quote=example.excerpt,
            )
            for entry in analysis.criteria[:2]
            for example in entry.examples[:1]
        ]
    first = next((entry.criterion for one in found for entry in _analysis(one).criteria), None)
    more = (f"show an example of {first}",) if first else ()
    return answer(*told, links=links, suggestions=(*more, "which topic is weakest?"))


def weakest_topic(session: Session, run_id: str) -> Said:
    """Pass rates by topic, the lowest first, and whether chance explains the difference."""
    found = views.results(session, run_id)
    if not found:
        return nothing_yet(run_id)
    told = []
    for one in found:
        analysis = _analysis(one)
        for dimension in ("topic", "style"):
            rates = [rate for rate in analysis.rates if rate.dimension == dimension][:MOST]
            lines = [
                f"{rate.value}: {rate.passed} of {rate.measured} pass (95 % interval "
                f"{percent(rate.interval[0])} to "
                f"{percent(rate.interval[1])}){', weaker than the rest beyond chance' if rate.weaker else ''}"
                for rate in rates
            ]
            if lines:
                told.append(
                    f"{_who(session, run_id, one)} by {dimension}, the weakest first:\n{items(lines)}"
                )
        if not any(rate.weaker for rate in analysis.rates):
            told.append("None of these groups is weaker than the rest by more than chance explains.")
    return answer(
        *told,
        links=(view(run_id, "failures", "the failures by topic and style"),),
        suggestions=("what failed most?", "show an example"),
    )


def example(session: Session, run_id: str, of: str) -> Said:
    """Failed answers, of a criterion, a topic or a style where one is named. Held-out ones are not quoted."""
    found = views.results(session, run_id)
    if not found:
        return nothing_yet(run_id)
    told, links = [], []
    for one in found:
        picked = _picked(one, of)
        for line, criterion, reason in picked[:2]:
            told.append(
                f"{line.scenario.id} ({line.scenario.topic}, {line.scenario.style}), "
                f"{_who(session, run_id, one)}, failed on {criterion}:\n"
                + items(
                    [
                        f"asked: “{shorten(line.scenario.message, 400)}”",
                        f"answered: “{shorten(line.answer.text, 500)}”",
                        f"the judge, {one.judge}: {shorten(reason, 300) or 'gave no reason'}",
                    ]
                )
            )
            links.append(
                Link(
                    label=f"answer {line.scenario.id}",
                    href=f"/runs/{run_id}/answers/{one.role}/{line.scenario.id}",
                )
            )
    if not told:
        known = [entry.criterion for one in found for entry in _analysis(one).criteria][:4]
        about = f" of “{of}”" if of else ""
        return answer(
            f"There is no failed answer{about} to show.",
            "Held-out scenarios are not quoted.",
            links=(view(run_id, "failures", "the failures"),),
            suggestions=tuple(f"show an example of {criterion}" for criterion in known),
        )
    return answer(*told[:3], links=links, suggestions=("what failed most?", "which topic is weakest?"))


def judge(session: Session, run_id: str) -> Said:
    found = [one for one in views.progress(session, run_id) if one.judge]
    if not found:
        return answer("No judge has been chosen yet.", suggestions=("status", "I judge myself"))
    lines = [
        f"{one.role} {one.candidate}: {one.judge}, {one.judged} of {one.planned} judged" for one in found
    ]
    checks = [
        report.sentence for result_ in views.results(session, run_id) for _, report in result_.preflights
    ]
    return answer(
        items(lines),
        " ".join(checks),
        links=(view(run_id, "evaluation", "the evaluation"),),
        suggestions=("what is the pass rate?",),
    )


def report(session: Session, run_id: str) -> Said:
    state_documents = views.results(session, run_id)
    if not state_documents:
        return nothing_yet(run_id)
    return answer(
        "The report is made from the rows as they are now.",
        links=(view(run_id, "report", "the report"), view(run_id, "failures", "the failures")),
        suggestions=SUGGESTED,
    )


def _who(session: Session, run_id: str, one: Result) -> str:
    from store import evaluation

    held = evaluation.held(session, run_id, one.role)
    return one.role if held is None else f"{one.role} {held.candidate}"


def _analysis(one: Result) -> FailureAnalysis:
    return analyse(one.lines, one.rubric, one.by_judge)


def _picked(one: Result, of: str) -> list[tuple[Row, str, str]]:
    """Failed lines that may be quoted, with the criterion and the judge's reason; those that ``of`` names."""
    wanted = " ".join(of.casefold().split())
    criteria = {entry.id: entry.question for entry in one.rubric.criteria}
    named = next((key for key in criteria if re.search(rf"\b{re.escape(key.casefold())}\b", wanted)), None)
    found = []
    for line in one.lines:
        if line.scenario.held_out or line.score.passed is not False:
            continue
        place = f"{line.scenario.topic} {line.scenario.style} {line.scenario.id}".casefold().replace("_", " ")
        no = [verdict for verdict in line.assessment.verdicts if verdict.verdict.value == "NO"]
        fits = [verdict for verdict in no if named is None or verdict.criterion == named]
        general = not wanted or wanted in {"a failure", "failure", "failures", "it", "that", "failing"}
        if not fits or not (
            general
            or named
            or wanted in place
            or wanted in " ".join(criteria[v.criterion] for v in fits if v.criterion in criteria).casefold()
        ):
            continue
        found.append((line, fits[0].criterion, fits[0].reason or ""))
    return found
