"""What was pulled, asked, answered, judged, reviewed and written. A row that exists is work not repeated."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import delete, insert, select
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
from tools.runtimes import Artefact, LoadedModel


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
    for position, scenario in enumerate(scenarios, after):
        record = scenario.model_dump(mode="json")
        session.merge(ScenarioRow(run_id=run_id, id=scenario.id, position=position, record=record))


def drop_scenarios(session: Session, run_id: str) -> None:
    """Forget the scenarios of a run, which nobody has answered yet."""
    session.execute(delete(ScenarioRow).where(ScenarioRow.run_id == run_id))


def scenarios(session: Session, run_id: str) -> list[Scenario]:
    query = select(ScenarioRow).where(ScenarioRow.run_id == run_id).order_by(ScenarioRow.position)
    return [Scenario.model_validate(row.record) for row in session.scalars(query)]


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
    query = select(AnswerRow).where(AnswerRow.run_id == run_id, AnswerRow.role == role)
    return {row.scenario_id: Answer.model_validate(row.record) for row in session.scalars(query)}


def conditions(session: Session, run_id: str, role: str) -> dict[str, Any]:
    """Conditions of the first answer of a role; empty when there is none."""
    query = select(AnswerRow.conditions).where(AnswerRow.run_id == run_id, AnswerRow.role == role)
    return session.scalars(query.order_by(AnswerRow.scenario_id).limit(1)).first() or {}


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


def forget_unmeasured(session: Session, run_id: str, role: str) -> int:
    """Forget the answers that a timeout or a fault of the runtime ended, and the judgements that could not be
    used, so that they are asked for again. How many answers get another chance."""
    mine = (AnswerRow.run_id == run_id, AnswerRow.role == role)
    lost = (AnswerOutcome.TIMEOUT.value, AnswerOutcome.ERROR.value)
    unanswered = set(session.scalars(select(AnswerRow.scenario_id).where(*mine, AnswerRow.outcome.in_(lost))))
    of_role = (AssessmentRow.run_id == run_id, AssessmentRow.role == role)
    unjudged = set(
        session.scalars(
            select(AssessmentRow.scenario_id).where(
                *of_role, AssessmentRow.outcome == AssessmentOutcome.JUDGE_ERROR.value
            )
        )
    )
    again = sorted(unanswered | unjudged)
    session.execute(delete(AnswerRow).where(*mine, AnswerRow.scenario_id.in_(sorted(unanswered))))
    session.execute(
        delete(VerdictRow).where(
            VerdictRow.run_id == run_id, VerdictRow.role == role, VerdictRow.scenario_id.in_(again)
        )
    )
    session.execute(delete(AssessmentRow).where(*of_role, AssessmentRow.scenario_id.in_(again)))
    return len(again)


def assessments(session: Session, run_id: str, role: str, judge: str) -> dict[str, Assessment]:
    """Assessments of a role by one judge, by scenario, with their verdicts in the rubric's order."""
    of_verdicts = select(VerdictRow).where(
        VerdictRow.run_id == run_id, VerdictRow.role == role, VerdictRow.assessed_by == judge
    )
    verdicts: dict[str, list[CriterionVerdict]] = {}
    for row in session.scalars(of_verdicts.order_by(VerdictRow.scenario_id, VerdictRow.position)):
        verdicts.setdefault(row.scenario_id, []).append(
            CriterionVerdict(
                criterion=row.criterion, verdict=Verdict(row.verdict), reason=row.reason, judge=row.judge
            )
        )
    query = select(AssessmentRow).where(
        AssessmentRow.run_id == run_id, AssessmentRow.role == role, AssessmentRow.judge == judge
    )
    return {
        row.scenario_id: Assessment(
            scenario_id=row.scenario_id,
            outcome=AssessmentOutcome(row.outcome),
            verdicts=tuple(verdicts.get(row.scenario_id, ())),
            detail=row.detail,
            usage=None if row.usage is None else Usage.model_validate(row.usage),
        )
        for row in session.scalars(query)
    }


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
    """Whether anything of a role has been judged."""
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
    session.add(CallRow(run_id=run_id, purpose=purpose, key=call_key(key), reply=reply, at=now))


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
