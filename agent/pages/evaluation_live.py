"""How far pull, answers and judging have got, from rows, with rates from the times of events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import zip_longest
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from agent.pages.rates import Pace, pace
from agent.views import Progress, progress
from graphs.labels import without_verdict
from store import research, runs
from store.evaluation import ModelRole
from store.schema import AnswerRow, AssessmentRow, EventRow, ScenarioRow, VerdictRow
from tools.panel import HUMAN
from tools.rubric import Rubric, parse_rubric

ANSWERS_SHOWN = 12
LONGEST_ANSWER = 4000
"""Characters of an answer that stream in; the whole one is in its own view."""
POINTS = 400
"""Newest events that a rate is made from."""


class AnswerLine(NamedTuple):
    scenario: str
    topic: str
    style: str
    held_out: bool
    """It counts, and neither its message nor its answer is shown."""
    message: str
    text: str
    """At most :data:`LONGEST_ANSWER` characters."""
    cut: bool
    outcome: str
    detail: str
    seconds: float | None
    at: datetime


class CriterionChips(NamedTuple):
    """Verdicts on one criterion so far; of a panel, those of every judge."""

    criterion: str
    question: str
    gate: bool
    yes: int
    no: int
    other: int
    """Not applicable, or could not be assessed."""


class Preflight(NamedTuple):
    judge: str
    passed: bool
    sentence: str


class RoleLive(NamedTuple):
    """The model of one role."""

    progress: Progress
    pull: Pace | None
    """In bytes; None before the pull has told anything."""
    pull_status: str
    answering: Pace
    judging: Pace
    """In answers, or in judgements where several judge."""
    judges: int
    outcomes: tuple[tuple[str, int], ...]
    """How answers ended → how many."""
    unmeasured: int
    """Judgements without a result."""
    answers: tuple[AnswerLine, ...]
    """The newest first."""
    chips: tuple[CriterionChips, ...]
    human: bool
    """A person is the judge."""


class EvaluationLive(NamedTuple):
    roles: tuple[RoleLive, ...]
    preflights: tuple[Preflight, ...]
    scenarios: int
    proving: str
    """The model that is being looked for; empty once it is proved."""
    chosen: bool
    """Whether a model is approved, or was named in the request."""


def evaluation_live(session: Session, run_id: str) -> EvaluationLive:
    run_id = runs.get(session, run_id).id
    material = runs.material(session, run_id, "rubric")
    rubric = None if material is None else parse_rubric(material.text, material.name)
    found = progress(session, run_id)
    spans = _spans(session, run_id, len(found))
    return EvaluationLive(
        roles=tuple(
            _role(session, run_id, one, rubric, span) for one, span in zip(found, spans, strict=True)
        ),
        preflights=tuple(
            Preflight(row.data["judge"], bool(row.data["passed"]), row.data["sentence"])
            for row in _newest(session, run_id, "preflight", 0, None, 8)
        ),
        scenarios=session.scalar(
            select(func.count()).select_from(ScenarioRow).where(ScenarioRow.run_id == run_id)
        )
        or 0,
        proving="" if found else _proving(session, run_id),
        chosen=_chosen(session, run_id),
    )


def _chosen(session: Session, run_id: str) -> bool:
    approved = any(one.action in {"approve", "swap"} for one in research.approvals(session, run_id))
    return approved or bool(runs.get(session, run_id).options.get("model"))


class _Span(NamedTuple):
    """Numbers of the events that belong to one model: above ``after``, up to ``to``."""

    after: int
    to: int | None


def _spans(session: Session, run_id: str, models: int) -> list[_Span]:
    """One model is evaluated after the other; each begins with the artefact that was proved for it.

    A primary that was proved and could not be had is not among the models that are held.
    """
    query = select(EventRow.seq).where(EventRow.run_id == run_id, EventRow.kind == "artefact")
    starts = list(session.scalars(query.order_by(EventRow.seq)))[-models:] if models else []
    starts = [0] * (models - len(starts)) + starts
    return [_Span(start, end) for start, end in zip_longest(starts, starts[1:])]


def _proving(session: Session, run_id: str) -> str:
    newest = _newest(session, run_id, "proving", 0, None, 1)
    return str(newest[0].data.get("name", "")) if newest else ""


def _newest(
    session: Session, run_id: str, kind: str, after: int, to: int | None, most: int
) -> list[EventRow]:
    """The newest events of a kind in a span of numbers, the oldest first."""
    query = select(EventRow).where(EventRow.run_id == run_id, EventRow.kind == kind, EventRow.seq > after)
    if to is not None:
        query = query.where(EventRow.seq <= to)
    return list(session.scalars(query.order_by(EventRow.seq.desc()).limit(most)))[::-1]


def _role(session: Session, run_id: str, one: Progress, rubric: Rubric | None, span: _Span) -> RoleLive:
    judges = len([name for name in (one.judge or "").split(",") if name.strip()]) or 1
    human = one.judge == HUMAN
    bar, status = _pull(session, run_id, one, span)
    judged = (
        one.planned - without_verdict(session, run_id, _model_role(one.role))
        if human
        else _judgements(session, run_id, one)
    )
    return RoleLive(
        progress=one,
        pull=bar,
        pull_status=status,
        answering=_counted(session, run_id, "answer", one.answered, one.planned, span),
        judging=_counted(session, run_id, "assessment", judged, one.planned * judges, span),
        judges=judges,
        outcomes=_outcomes(session, run_id, one.role),
        unmeasured=_unmeasured(session, run_id, one.role),
        answers=_answers(session, run_id, one.role),
        chips=_chips(session, run_id, one.role, rubric),
        human=human,
    )


def _model_role(role: str) -> ModelRole:
    return "backup" if role == "backup" else "primary"


def _judgements(session: Session, run_id: str, one: Progress) -> int:
    counted = select(func.count()).select_from(AssessmentRow)
    return session.scalar(counted.where(AssessmentRow.run_id == run_id, AssessmentRow.role == one.role)) or 0


def _pull(session: Session, run_id: str, one: Progress, span: _Span) -> tuple[Pace | None, str]:
    """Bytes of all layers together; what is reported is of one layer at a time."""
    total = one.artefact.size_bytes
    if one.pulled_at is not None:
        done = float(total or 0)
        return Pace(done, done, None, None), "here, and its digest is verified"
    told = _newest(session, run_id, "progress", span.after, span.to, POINTS)
    told = [row for row in told if row.stage == "pull" and "status" in row.data]
    if not told:
        return None, ""
    layers: dict[str, int] = {}
    hosts: set[str] = set()
    seen: list[tuple[datetime, float]] = []
    for row in told:
        completed = row.data.get("completed_bytes")
        if completed is not None:
            host = row.data.get("host") or ""
            hosts.add(host)
            layers[host + (row.data.get("digest") or row.data["status"])] = completed
            seen.append((row.at, float(sum(layers.values()))))
    known = max((row.data.get("total_bytes") or 0 for row in told), default=0)
    # Several hosts pull the same at once: their bytes are counted together.
    return pace(seen, float((total or known) * max(1, len(hosts))) or None), str(told[-1].data["status"])


def _counted(session: Session, run_id: str, kind: str, done: int, total: int, span: _Span) -> Pace:
    told = _newest(session, run_id, kind, span.after, span.to, POINTS)
    # Numbered here: with several judges, or after a resume, the events begin to count anew.
    return pace([(row.at, float(number)) for number, row in enumerate(told, 1)], float(total), float(done))


def _outcomes(session: Session, run_id: str, role: str) -> tuple[tuple[str, int], ...]:
    grouped = (
        select(AnswerRow.outcome, func.count())
        .where(AnswerRow.run_id == run_id, AnswerRow.role == role)
        .group_by(AnswerRow.outcome)
    )
    return tuple(sorted(((outcome, count) for outcome, count in session.execute(grouped)), key=_by_count))


def _by_count(pair: tuple[str, int]) -> int:
    return -pair[1]


def _unmeasured(session: Session, run_id: str, role: str) -> int:
    counted = select(func.count()).select_from(AssessmentRow)
    mine = (AssessmentRow.run_id == run_id, AssessmentRow.role == role)
    return session.scalar(counted.where(*mine, AssessmentRow.outcome != "measured")) or 0


def _answers(session: Session, run_id: str, role: str) -> tuple[AnswerLine, ...]:
    query = (
        select(AnswerRow, ScenarioRow.record)
        .join(
            ScenarioRow, (ScenarioRow.run_id == AnswerRow.run_id) & (ScenarioRow.id == AnswerRow.scenario_id)
        )
        .where(AnswerRow.run_id == run_id, AnswerRow.role == role)
        .order_by(AnswerRow.at.desc(), ScenarioRow.position.desc())
        .limit(ANSWERS_SHOWN)
    )
    found = []
    for row, scenario in session.execute(query):
        held_out = bool(scenario.get("held_out"))
        text = "" if held_out else str(row.record.get("text") or "")
        found.append(
            AnswerLine(
                scenario=row.scenario_id,
                topic=scenario["topic"],
                style=scenario["style"],
                held_out=held_out,
                message="" if held_out else scenario["message"],
                text=text[:LONGEST_ANSWER],
                cut=len(text) > LONGEST_ANSWER,
                outcome=row.outcome,
                detail=str(row.record.get("detail") or ""),
                seconds=row.record.get("seconds"),
                at=row.at,
            )
        )
    return tuple(found)


def _chips(session: Session, run_id: str, role: str, rubric: Rubric | None) -> tuple[CriterionChips, ...]:
    grouped = (
        select(VerdictRow.criterion, VerdictRow.verdict, func.count())
        .where(VerdictRow.run_id == run_id, VerdictRow.role == role)
        .group_by(VerdictRow.criterion, VerdictRow.verdict)
    )
    counts: dict[str, dict[str, int]] = {}
    for criterion, verdict, count in session.execute(grouped):
        counts.setdefault(criterion, {})[verdict] = count
    order: Sequence[str] = () if rubric is None else rubric.ids
    names = [name for name in order if name in counts] + sorted(set(counts) - set(order))
    questions = {} if rubric is None else {one.id: one.question for one in rubric.criteria}
    gates = frozenset[str]() if rubric is None else rubric.gates
    return tuple(
        CriterionChips(
            criterion=name,
            question=questions.get(name, ""),
            gate=name in gates,
            yes=counts[name].get("YES", 0),
            no=counts[name].get("NO", 0),
            other=sum(count for verdict, count in counts[name].items() if verdict not in {"YES", "NO"}),
        )
        for name in names
    )


def per_minute(speed: Pace) -> str:
    """A rate of answers or judgements as people say it."""
    if speed.per_second is None:
        return "rate not known yet"
    minute = speed.per_second * 60
    return f"{minute:.0f} a minute" if minute >= 10 else f"{minute:.1f} a minute"
