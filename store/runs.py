"""Runs: what was asked, where it is, and what became of it."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from store import events, leases
from store.schema import MaterialRow, RunRow, RunStatus
from tools.faults import NotFound, WrongUse
from tools.request import EvaluationRequest

LONGEST_NAME = 100
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"


def new_run_id(now: datetime) -> str:
    """Sortable by day, short enough to type, without letters that look alike: ``20261121-k7m2q``."""
    return f"{now:%Y%m%d}-" + "".join(secrets.choice(_ALPHABET) for _ in range(5))


def create(session: Session, text: str, options: dict[str, Any], now: datetime) -> str:
    run_id = new_run_id(now)
    while session.get(RunRow, run_id) is not None:  # a short name is drawn twice now and then
        run_id = new_run_id(now)
    session.add(
        RunRow(
            id=run_id,
            text=text,
            options=options,
            request=None,
            status=RunStatus.STOPPED,
            stage="intake",
            detail="not started yet",
            created_at=now,
            updated_at=now,
        )
    )
    return run_id


def get(session: Session, run_id: str) -> RunRow:
    """The run; :class:`WrongUse` when there is none of that name. A unique beginning of a name is enough."""
    # What no database takes, a NUL or a pattern of 100 kB, is the name of no run.
    could_be = 0 < len(run_id) <= LONGEST_NAME and run_id.isascii() and run_id.isprintable()
    row = session.get(RunRow, run_id) if could_be else None
    if row is not None:
        return row
    if could_be and all(c.isalnum() or c == "-" for c in run_id):
        query = select(RunRow).where(RunRow.id.startswith(run_id)).order_by(RunRow.id)
        found = session.scalars(query.limit(2)).all()
        if len(found) == 1:
            return found[0]
        if found:
            raise WrongUse(
                f"{run_id[:60]!r} could be {found[0].id}, {found[1].id} or another run.",
                "Write more of its name; `bms runs` lists them.",
            )
    raise NotFound(f"There is no run {run_id[:60]!r}.", "`bms runs` lists them.")


def locked(session: Session, run_id: str) -> RunRow:
    """The run as it is now, which nobody else changes until this transaction ends: what is decided by its
    status is still true when it is written. SQLite has one writer at a time anyway."""
    row = get(session, run_id)
    if session.get_bind().dialect.name == "postgresql":
        session.flush()  # what has been changed here and not written would be forgotten
        session.refresh(row, with_for_update={"key_share": True})
    return row


def latest(session: Session, limit: int = 20, offset: int = 0) -> list[RunRow]:
    """The newest runs first."""
    query = select(RunRow).order_by(RunRow.created_at.desc(), RunRow.id)
    return list(session.scalars(query.limit(limit).offset(offset)))


def set_status(
    session: Session, run_id: str, status: RunStatus, detail: str, now: datetime, *, stage: str | None = None
) -> bool:
    """Whether the run has this status now: a cancellation that came while the last step finished stays."""
    row = locked(session, run_id)
    if RunStatus(row.status).ended:
        return False
    row.status, row.detail, row.updated_at = status, detail, now
    if stage is not None:
        row.stage = stage
    return True


def set_and_tell(
    session: Session,
    run_id: str,
    status: RunStatus,
    detail: str,
    stage: str,
    kind: str,
    told: dict[str, Any],
    now: datetime,
) -> bool:
    """Where the run rests now and the event that tells it, or neither and False: a run that was cancelled in
    this moment has ended with that. What it has waited for before is not told again."""
    before = locked(session, run_id).status
    if not set_status(session, run_id, status, detail, now):
        return False
    asked = events.newest_of_kind(session, run_id, kind) if before == status == RunStatus.WAITING else None
    question = told.get("prompt_id")
    if asked is None or question is None or asked.data.get("prompt_id") != question:
        events.append(session, run_id, stage, kind, told, now)
    return True


def reopen(session: Session, run_id: str, now: datetime) -> None:
    """A run that has ended goes on."""
    row = locked(session, run_id)
    row.status, row.detail, row.updated_at = RunStatus.STOPPED, "opened again", now


def set_stage(session: Session, run_id: str, stage: str, now: datetime) -> None:
    row = get(session, run_id)
    row.stage, row.updated_at = stage, now


def set_request(session: Session, run_id: str, request: EvaluationRequest, now: datetime) -> None:
    row = get(session, run_id)
    row.request, row.updated_at = request.model_dump(mode="json"), now


def set_options(session: Session, run_id: str, options: dict[str, Any], now: datetime) -> None:
    row = get(session, run_id)
    row.options, row.updated_at = options, now


def request_of(session: Session, run_id: str) -> EvaluationRequest:
    """What is being evaluated; :class:`WrongUse` while it is not understood yet."""
    row = get(session, run_id)
    if row.request is None:
        raise WrongUse(
            f"Run {row.id} has not understood its request yet.",
            f"`bms resume {row.id}` asks what is missing.",
        )
    return EvaluationRequest.model_validate(row.request)


def keep_material(
    session: Session, run_id: str, kind: str, name: str, text: str, *, by_person: bool = False
) -> None:
    """Store the text of a rubric, taxonomy or prompt; the first one stored for a run stays."""
    if session.get(MaterialRow, (run_id, kind)) is None:
        session.add(MaterialRow(run_id=run_id, kind=kind, name=name, text=text, by_person=by_person))


def replace_material(session: Session, run_id: str, kind: str, name: str, text: str) -> None:
    """Put a person's text in the place of the one that was used so far."""
    session.merge(MaterialRow(run_id=run_id, kind=kind, name=name, text=text, by_person=True))


def material(session: Session, run_id: str, kind: str) -> MaterialRow | None:
    return session.get(MaterialRow, (run_id, kind))


def status_now(session: Session, row: RunRow, now: datetime) -> RunStatus:
    """The status of a run; one that says "running" while nobody drives it has stopped."""
    status = RunStatus(row.status)
    if status is RunStatus.RUNNING and leases.holder_of(session, row.id, now) is None:
        return RunStatus.STOPPED
    return status
