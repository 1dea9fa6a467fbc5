"""Answers about what came of the evaluation, recomputed from rows."""

from __future__ import annotations

import re

from sqlalchemy.orm import Session

from agent import views
from agent.conversation.records import Link, Said
from agent.conversation.replies import answer, first_of, items, names, percent, view
from agent.conversation.replies_trust import cautions
from graphs.materials import GENERAL_RUBRIC
from graphs.results import Result
from store import runs
from tools.escape import shorten
from tools.failures import FailureAnalysis, Row, analyse
from tools.request import EvaluationRequest
from tools.rows import not_met
from tools.rubric import Criterion, Rubric, parse_rubric
from tools.statistics import DEFAULT_THRESHOLDS

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
        cautions(session, run_id, found),
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
    return answer(
        items(lines),
        cautions(session, run_id, found),
        links=(view(run_id, "evaluation", "the evaluation"),),
        suggestions=SUGGESTED,
    )


def good_enough(session: Session, run_id: str, wanted: float | None) -> Said:
    """What a pass rate means by the thresholds of the decision, beside what was measured."""
    low, high = DEFAULT_THRESHOLDS
    bands = (
        f"From {percent(high)} on a model is good enough to be used as it is (DEPLOY); from {percent(low)} "
        "on a fine-tune is worth it; below that more is needed. The interval has to say so too, and gates "
        "can forbid it."
    )
    band = ""
    if wanted is not None:
        share = wanted / 100
        where = "good enough" if share >= high else "worth a fine-tune" if share >= low else "not good enough"
        band = f"{wanted:g} % by itself is {where}." if share <= 1 else f"{wanted:g} % is no pass rate."
    measured = pass_rate(session, run_id) if views.result_views(session, run_id) else None
    return answer(
        band,
        bands,
        "" if measured is None else measured.text,
        links=(view(run_id, "evaluation", "the evaluation"),),
        suggestions=("what is the pass rate?", "what failed most?") if measured is not None else ("status",),
    )


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


def weakest_topic(session: Session, run_id: str, *, best: bool = False) -> Said:
    """Pass rates by topic, the lowest first or with ``best`` the highest; whether chance explains it."""
    found = views.results(session, run_id)
    if not found:
        return nothing_yet(run_id)
    told, first = [], "strongest" if best else "weakest"
    for one in found:
        analysis = _analysis(one)
        for dimension in ("topic", "style"):
            every = [rate for rate in analysis.rates if rate.dimension == dimension]
            rates = (every[::-1] if best else every)[:MOST]
            lines = [
                f"{rate.value}: {rate.passed} of {rate.measured} pass (95 % interval "
                f"{percent(rate.interval[0])} to "
                f"{percent(rate.interval[1])}){', weaker than the rest beyond chance' if rate.weaker else ''}"
                for rate in rates
            ]
            if lines:
                told.append(
                    f"{_who(session, run_id, one)} by {dimension}, the {first} first:\n{items(lines)}"
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


def safety(session: Session, run_id: str) -> Said:
    """The gates of the rubric, each of which fails an answer by itself, and how they did."""
    found = views.results(session, run_id)
    if not found:
        rubric = _rubric_to_come(session, run_id)
        lines = [f"{one.id}: {one.question}" for one in rubric.criteria if one.id in rubric.gates]
        return answer(
            "Nobody is called safe here before their answers were judged, and none has been yet.",
            "What will be judged: an answer fails if it fails one of these gates, however good it is "
            f"otherwise:\n{items(lines)}"
            if lines
            else "The rubric has no gates, so no criterion fails an answer by itself.",
            links=(view(run_id, "evaluation", "the evaluation"),),
            suggestions=("which one is best?", "status"),
        )
    told = []
    for one in found:
        lines = [_gate_line(one, gate) for gate in one.rubric.ids if gate in one.rubric.gates]
        who = _who(session, run_id, one)
        told.append(
            f"{who}: {one.decision.answers_failing_a_gate} of {one.decision.measured} measured answers "
            f"failed a gate, judged by {one.judge}. A gate fails an answer by itself:\n{items(lines)}"
            if lines
            else f"{who}: the rubric has no gates."
        )
    first = next((gate for one in found for gate in one.rubric.ids if gate in one.rubric.gates), None)
    return answer(
        *told,
        "It says how these answers did, not that the model is safe for people in danger.",
        links=(view(run_id, "failures", "the failures"),),
        suggestions=(*((f"show an example of {first}",) if first else ()), "what failed most?"),
    )


def _gate_line(one: Result, gate: str) -> str:
    question = next(entry.question for entry in one.rubric.criteria if entry.id == gate)
    return f"{gate}: {_counts(one, gate)}. {question}"


def _counts(one: Result, wanted: str) -> str:
    said = [
        verdict.verdict.value
        for line in one.lines
        for verdict in line.assessment.verdicts
        if verdict.criterion == wanted
    ]
    measured = said.count("YES") + said.count("NO")
    aside = len(one.lines) - measured
    rest = f", {aside} not applicable or not measured" if aside else ""
    return f"failed {said.count('NO')} of {measured} times{rest}"


def _rubric_to_come(session: Session, run_id: str) -> Rubric:
    """The person's rubric, else the one that the run will take."""
    from tools.knowledge.loader import domains, knowledge_text

    row, stored = runs.get(session, run_id), runs.material(session, run_id, "rubric")
    if stored is not None:
        return parse_rubric(stored.text, stored.name)
    request = None if row.request is None else EvaluationRequest.model_validate(row.request)
    named = None if request is None else domains().named(request.domain_key, request.domain).rubric
    name = named or GENERAL_RUBRIC
    return parse_rubric(knowledge_text(name), name)


def criterion(session: Session, run_id: str, wanted: str) -> Said:
    """What a criterion of the rubric asks, and how it did."""
    found = views.results(session, run_id)
    rubric = found[0].rubric if found else _rubric_to_come(session, run_id)
    one = next((one for one in rubric.criteria if one.id.casefold() == wanted.casefold()), None)
    if one is None:
        return answer(
            f"The rubric has no criterion {wanted}; it has {names(rubric.ids, 40)}.",
            suggestions=("what failed most?",) if found else ("status",),
        )
    gate = " It is a gate: failing it fails the answer." if one.id in rubric.gates else ""
    lines = [f"{_who(session, run_id, result_)}: {_counts(result_, one.id)}" for result_ in found]
    reasons = [line for result_ in found for line in _reasons(result_, one)]
    return answer(
        f"{one.id} ({one.category}): {one.question}{gate}",
        items(lines),
        f"Why, as the judge says of answers that are not held out:\n{items(first_of(reasons, 4))}"
        if reasons
        else "",
        links=(view(run_id, "failures", "the failures"),) if found else (),
        suggestions=(f"show an example of {one.id}", "what failed most?") if found else ("status",),
    )


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


def _reasons(one: Result, criterion: Criterion) -> list[str]:
    """What the judge says where the criterion is not met; nothing of what is held out."""
    return [
        f"{line.scenario.id} ({line.scenario.topic}): {shorten(verdict.reason, 200)}"
        for line in one.lines
        for verdict in line.assessment.verdicts
        if not line.scenario.held_out
        and verdict.criterion == criterion.id
        and not_met(verdict.verdict, criterion)
        and verdict.reason
    ]


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
