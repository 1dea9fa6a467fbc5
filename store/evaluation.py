"""What was pulled, asked, answered, judged, reviewed and written. A row that exists is work not repeated."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeVar

from pydantic import BaseModel
from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from store.schema import (
    AnswerRow,
    ArtefactRow,
    AssessmentRow,
    CallRow,
    DocumentRow,
    LabelRow,
    ReviewRow,
    ScenarioRow,
    VerdictRow,
)
from tools.evaluation import (
    Answer,
    AnswerOutcome,
    Assessment,
    AssessmentOutcome,
    CriterionVerdict,
    Label,
    Scenario,
    Usage,
    Verdict,
)
from tools.panel import HUMAN
from tools.runtimes import Artefact, LoadedModel

IN_PARTS = {"yield_per": 500}
"""How thousands of rows are read: columns rather than entities, which cost more than the record in them,
and a few hundred at a time."""

Record = TypeVar("Record", bound=BaseModel)
_SET_FIELDS: dict[frozenset[str], set[str]] = {}


def _slim(record: Record) -> Record:
    """The record, which shares with all alike the set of the fields that were given: of thousands of records
    these sets are nearly half the memory. Nothing changes them, as the records are frozen."""
    given = record.model_fields_set
    shared = _SET_FIELDS.setdefault(frozenset(given), given)
    object.__setattr__(record, "__pydantic_fields_set__", shared)
    return record


class Held(NamedTuple):
    """The model of a role as far as it has got."""

    candidate: str
    artefact: Artefact
    pulled_at: datetime | None
    loaded: LoadedModel | None


def keep_artefact(session: Session, run_id: str, role: str, candidate: str, artefact: Artefact) -> None:
    """Store what was proved before the pull; a second proof of the same role replaces the first."""
    session.merge(
        ArtefactRow(
            run_id=run_id,
            role=role,
            candidate=candidate,
            artefact=artefact.model_dump(mode="json"),
            pulled_at=None,
            loaded=None,
        )
    )


def drop_artefact(session: Session, run_id: str, role: str) -> None:
    """Forget what was proved for a role: it cannot be had."""
    session.delete(session.get_one(ArtefactRow, (run_id, role)))


def mark_pulled(session: Session, run_id: str, role: str, now: datetime) -> None:
    session.get_one(ArtefactRow, (run_id, role)).pulled_at = now


def keep_loaded(session: Session, run_id: str, role: str, loaded: LoadedModel) -> None:
    session.get_one(ArtefactRow, (run_id, role)).loaded = loaded.model_dump(mode="json")


def held(session: Session, run_id: str, role: str) -> Held | None:
    row = session.get(ArtefactRow, (run_id, role))
    if row is None:
        return None
    loaded = None if row.loaded is None else LoadedModel.model_validate(row.loaded)
    return Held(row.candidate, Artefact.model_validate(row.artefact), row.pulled_at, loaded)


ModelRole = Literal["primary", "backup"]
_MODEL_ROLES: tuple[ModelRole, ...] = ("primary", "backup")


def roles(session: Session, run_id: str) -> list[ModelRole]:
    """Roles that a model was proved for: ``primary``, then ``backup``."""
    found = set(session.scalars(select(ArtefactRow.role).where(ArtefactRow.run_id == run_id)))
    return [role for role in _MODEL_ROLES if role in found]


def keep_scenarios(session: Session, run_id: str, scenarios: Sequence[Scenario], after: int = 0) -> None:
    """Store scenarios in their order, behind the ``after`` first ones."""
    there = set(session.scalars(select(ScenarioRow.id).where(ScenarioRow.run_id == run_id)))
    again = [scenario.id for scenario in scenarios if scenario.id in there]
    if again:
        session.execute(delete(ScenarioRow).where(ScenarioRow.run_id == run_id, ScenarioRow.id.in_(again)))
    rows = [
        {
            "run_id": run_id,
            "id": scenario.id,
            "position": position,
            "record": scenario.model_dump(mode="json"),
        }
        for position, scenario in enumerate(scenarios, after)
    ]
    if rows:
        session.connection().execute(insert(ScenarioRow), rows)


def drop_scenarios(session: Session, run_id: str) -> None:
    """Forget the scenarios of a run, which nobody has answered yet."""
    session.execute(delete(ScenarioRow).where(ScenarioRow.run_id == run_id))


def scenarios(session: Session, run_id: str) -> list[Scenario]:
    query = select(ScenarioRow.record).where(ScenarioRow.run_id == run_id).order_by(ScenarioRow.position)
    found = session.execute(query, execution_options=IN_PARTS)
    return [_slim(Scenario.model_validate(record)) for (record,) in found]


def keep_answers(
    session: Session,
    run_id: str,
    role: str,
    given: Sequence[Answer],
    conditions: dict[str, Any],
    now: datetime,
) -> None:
    """Store answers that were made under the same conditions."""
    rows = [
        {
            "run_id": run_id,
            "role": role,
            "scenario_id": answer.scenario_id,
            "outcome": answer.outcome.value,
            "record": answer.model_dump(mode="json"),
            "conditions": conditions,
            "at": now,
        }
        for answer in given
    ]
    session.connection().execute(insert(AnswerRow), rows)


def answers(session: Session, run_id: str, role: str) -> dict[str, Answer]:
    """Answers of a role by scenario."""
    query = select(AnswerRow.record).where(AnswerRow.run_id == run_id, AnswerRow.role == role)
    found = session.execute(query, execution_options=IN_PARTS)
    given = (_slim(Answer.model_validate(record)) for (record,) in found)
    return {answer.scenario_id: answer for answer in given}


def answered(session: Session, run_id: str, role: str) -> set[str]:
    """Scenarios of which a role has an answer, whatever became of it."""
    query = select(AnswerRow.scenario_id).where(AnswerRow.run_id == run_id, AnswerRow.role == role)
    return set(session.scalars(query))


def conditions(session: Session, run_id: str, role: str) -> dict[str, Any]:
    """Conditions of the first answer of a role; empty when there is none."""
    query = select(AnswerRow.conditions).where(AnswerRow.run_id == run_id, AnswerRow.role == role)
    return session.scalars(query.order_by(AnswerRow.scenario_id).limit(1)).first() or {}


def hosts(session: Session, run_id: str, role: str) -> list[tuple[str, str | None, int]]:
    """Which of several hosts made how many answers of a role, with its digest; empty where there was one."""
    host, digest = (AnswerRow.conditions[name].as_string() for name in ("host", "digest"))
    query = (
        select(host, digest, func.count())
        .where(AnswerRow.run_id == run_id, AnswerRow.role == role, host.is_not(None))
        .group_by(host, digest)
        .order_by(func.count().desc(), host)
    )
    return [(name, told, count) for name, told, count in session.execute(query)]


def keep_assessments(
    session: Session, run_id: str, role: str, judge: str, given: Sequence[Assessment], now: datetime
) -> None:
    """Store assessments by one judge, each with its verdicts."""
    key = {"run_id": run_id, "role": role}
    rows = [
        {
            **key,
            "scenario_id": assessment.scenario_id,
            "judge": judge,
            "outcome": assessment.outcome.value,
            "detail": assessment.detail,
            "usage": None if assessment.usage is None else assessment.usage.model_dump(mode="json"),
            "at": now,
        }
        for assessment in given
    ]
    verdicts = [
        {
            **key,
            "scenario_id": assessment.scenario_id,
            "assessed_by": judge,
            "criterion": verdict.criterion,
            "position": position,
            "verdict": verdict.verdict.value,
            "reason": verdict.reason,
            "judge": verdict.judge,
        }
        for assessment in given
        for position, verdict in enumerate(assessment.verdicts)
    ]
    session.connection().execute(insert(AssessmentRow), rows)
    if verdicts:
        session.connection().execute(insert(VerdictRow), verdicts)


def forget_unmeasured(
    session: Session, run_id: str, role: str, judges: Sequence[str], unmeasured: Sequence[str]
) -> None:
    """Forget what ended without a result on the scenarios that are ``unmeasured``, so that it is asked again:
    answers that a timeout or a fault of the runtime ended, with all that was said of them, and replies of
    these ``judges`` that could not be used."""
    mine = (AnswerRow.run_id == run_id, AnswerRow.role == role, AnswerRow.scenario_id.in_(unmeasured))
    lost = AnswerRow.outcome.in_((AnswerOutcome.TIMEOUT.value, AnswerOutcome.ERROR.value))
    unanswered = set(session.scalars(select(AnswerRow.scenario_id).where(*mine, lost)))
    session.execute(delete(AnswerRow).where(*mine, lost))
    judged = select(AssessmentRow.scenario_id, AssessmentRow.judge, AssessmentRow.outcome).where(
        AssessmentRow.run_id == run_id,
        AssessmentRow.role == role,
        AssessmentRow.scenario_id.in_(unmeasured),
    )
    for scenario, judge, outcome in session.execute(judged).all():
        failed = judge in judges and outcome == AssessmentOutcome.JUDGE_ERROR.value
        if failed or scenario in unanswered:
            of_verdicts = (VerdictRow.run_id == run_id, VerdictRow.role == role)
            this = (VerdictRow.scenario_id == scenario, VerdictRow.assessed_by == judge)
            session.execute(delete(VerdictRow).where(*of_verdicts, *this))
            session.delete(session.get_one(AssessmentRow, (run_id, role, scenario, judge)))


def forget_calls(session: Session, run_id: str, purpose: str) -> None:
    """Forget the stored replies of a purpose: what they were kept for has its own rows, or is asked anew."""
    session.execute(delete(CallRow).where(CallRow.run_id == run_id, CallRow.purpose == purpose))


def assessments(session: Session, run_id: str, role: str, judge: str) -> dict[str, Assessment]:
    """Assessments of a role by one judge, by scenario, with their verdicts in the rubric's order."""
    verdicts: dict[str, list[CriterionVerdict]] = {}
    of_verdicts = select(
        VerdictRow.scenario_id, VerdictRow.criterion, VerdictRow.verdict, VerdictRow.reason, VerdictRow.judge
    ).where(VerdictRow.run_id == run_id, VerdictRow.role == role, VerdictRow.assessed_by == judge)
    in_order = of_verdicts.order_by(VerdictRow.scenario_id, VerdictRow.position)
    for scenario, criterion, verdict, reason, by in session.execute(in_order, execution_options=IN_PARTS):
        verdicts.setdefault(scenario, []).append(
            _slim(CriterionVerdict(criterion=criterion, verdict=Verdict(verdict), reason=reason, judge=by))
        )
    query = select(
        AssessmentRow.scenario_id, AssessmentRow.outcome, AssessmentRow.detail, AssessmentRow.usage
    ).where(AssessmentRow.run_id == run_id, AssessmentRow.role == role, AssessmentRow.judge == judge)
    return {
        scenario: _slim(
            Assessment(
                scenario_id=scenario,
                outcome=AssessmentOutcome(outcome),
                verdicts=tuple(verdicts.pop(scenario, ())),
                detail=detail,
                usage=None if usage is None else _slim(Usage.model_validate(usage)),
            )
        )
        for scenario, outcome, detail, usage in session.execute(query, execution_options=IN_PARTS)
    }


def assessed(session: Session, run_id: str, role: str, judge: str) -> set[str]:
    """Scenarios whose answers one judge has been through."""
    query = select(AssessmentRow.scenario_id).where(
        AssessmentRow.run_id == run_id, AssessmentRow.role == role, AssessmentRow.judge == judge
    )
    return set(session.scalars(query))


_JUDGE = "judge of the role"


def set_judge(session: Session, run_id: str, role: str, judge: str, now: datetime) -> None:
    """Say who judges a role, as it was named: one judge, several with commas between them, or a person."""
    session.merge(CallRow(run_id=run_id, purpose=_JUDGE, key=call_key(role), reply={"judge": judge}, at=now))


def judge_of(session: Session, run_id: str, role: str) -> str | None:
    """Who judges a role; None while nobody has begun."""
    named = stored_call(session, run_id, _JUDGE, role)
    if named is not None:
        return str(named["judge"])
    query = select(AssessmentRow.judge).where(AssessmentRow.run_id == run_id, AssessmentRow.role == role)
    return session.scalars(query.order_by(AssessmentRow.at.desc()).limit(1)).first()


def has_assessments(session: Session, run_id: str, role: str) -> bool:
    """Whether anything of a role has been judged; where a person judges, whether there is a label."""
    if judge_of(session, run_id, role) == HUMAN:
        given = select(LabelRow.scenario_id).where(LabelRow.run_id == run_id, LabelRow.role == role)
        return session.scalars(given.limit(1)).first() is not None
    query = select(AssessmentRow.judge).where(AssessmentRow.run_id == run_id, AssessmentRow.role == role)
    return session.scalars(query.limit(1)).first() is not None


def keep_label(session: Session, run_id: str, role: str, label: Label) -> None:
    """Store a person's word on one answer; it replaces an earlier one of the same person."""
    record = label.model_dump(mode="json")
    session.merge(
        LabelRow(
            run_id=run_id,
            role=role,
            scenario_id=label.scenario_id,
            by=label.by,
            record=record,
            at=label.at,
        )
    )


def labels(session: Session, run_id: str, role: str) -> list[Label]:
    """Every person's labels of a role's answers, oldest first."""
    query = select(LabelRow).where(LabelRow.run_id == run_id, LabelRow.role == role)
    return [Label.model_validate(row.record) for row in session.scalars(query.order_by(LabelRow.at))]


def call_key(key: str) -> str:
    """Keys of any length in 64 characters, no two alike."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def stored_call(session: Session, run_id: str, purpose: str, key: str) -> dict[str, Any] | None:
    """The reply of an earlier call of this purpose and key."""
    row = session.get(CallRow, (run_id, purpose, call_key(key)))
    return None if row is None else row.reply


def stored_calls(session: Session, run_id: str, purpose: str) -> dict[str, dict[str, Any]]:
    """The replies of all earlier calls of this purpose, by the hash of their keys (:func:`call_key`)."""
    query = select(CallRow).where(CallRow.run_id == run_id, CallRow.purpose == purpose)
    return {row.key: row.reply for row in session.scalars(query)}


def keep_call(
    session: Session, run_id: str, purpose: str, key: str, reply: dict[str, Any], now: datetime
) -> None:
    # Merged: the same question may have been asked twice at once, as by two scenarios of the same text.
    session.merge(CallRow(run_id=run_id, purpose=purpose, key=call_key(key), reply=reply, at=now))


def keep_review(
    session: Session, run_id: str, role: str, record: dict[str, Any], by: str, at: datetime
) -> bool:
    """Store a review; False when this very one is stored already, as after a crash in between."""
    earlier = reviews(session, run_id)
    if earlier and earlier[-1].record == record:
        return False
    position = len(earlier) + 1
    session.add(ReviewRow(run_id=run_id, position=position, role=role, record=record, by=by, at=at))
    return True


def reviews(session: Session, run_id: str) -> list[ReviewRow]:
    query = select(ReviewRow).where(ReviewRow.run_id == run_id).order_by(ReviewRow.position)
    return list(session.scalars(query))


def keep_document(session: Session, run_id: str, path: str, sha256: str, now: datetime) -> None:
    session.merge(DocumentRow(run_id=run_id, path=path, sha256=sha256, written_at=now))


def documents(session: Session, run_id: str) -> list[DocumentRow]:
    query = select(DocumentRow).where(DocumentRow.run_id == run_id).order_by(DocumentRow.written_at)
    return list(session.scalars(query))
