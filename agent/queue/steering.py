"""What a person does to a run that workers drive: cancel it, or move it to another host."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from graphs.options import RunOptions
from store import evaluation, leases, orders, runs
from store.orders import OrderKind
from store.schema import ArtefactRow, RunRow, RunStatus
from tools.faults import Conflict


def cancel(session: Session, run_id: str, now: datetime) -> str:
    """End a run, wherever it is driven; what happened, in a sentence."""
    from graphs.runner import cancel_run

    row = runs.get(session, run_id)
    sentence = cancel_run(session, row.id, now)
    if session.get_bind().dialect.name == "postgresql":
        from agent.queue import jobs

        jobs.withdraw(session, row.id)
    return sentence


def order_at(session: Session, run_id: str, host: str, now: datetime, *, by: str) -> None:
    """Have a run carried on by the workers of ``host``; one that was on another host is moved there."""
    row = runs.get(session, run_id)
    _check(session, row, now)
    options = RunOptions.model_validate(row.options)
    if options.host != host:
        moved = options.model_copy(update={"host": host})
        runs.set_options(session, row.id, moved.model_dump(mode="json"), now)
        if options.host is not None:
            _forget_pulls(session, row.id)
        from agent.queue import jobs

        jobs.withdraw(session, row.id)  # from the queue of the other host; a new one is made for this
    if orders.open_order(session, row.id) is None and row.status != RunStatus.WAITING:
        orders.submit(session, row.id, OrderKind.DRIVE, now, by=by)


def _check(session: Session, row: RunRow, now: datetime) -> None:
    """A run that is driven, or has ended, is not moved."""
    if RunStatus(row.status).ended and orders.open_order(session, row.id) is None:
        raise Conflict(f"Run {row.id} has ended ({row.status}).", "A new request starts a new run.")
    from store.locks import is_taken

    if is_taken(session, f"run:{row.id}"):
        holder = leases.holder_of(session, row.id, now) or "another process:"
        raise leases.already_running(row.id, holder)


def _forget_pulls(session: Session, run_id: str) -> None:
    """What was pulled was pulled elsewhere. What was proved stays: it is the same model that is pulled."""
    for role in evaluation.roles(session, run_id):
        row = session.get_one(ArtefactRow, (run_id, role))
        row.pulled_at, row.loaded = None, None
        row.artefact = {**row.artefact, "already_here": False}
