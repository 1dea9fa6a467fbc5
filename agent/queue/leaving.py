"""A run that goes on where its model is: what a person says elsewhere is left to the workers there."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from agent.queue.parts import Part, part_of, part_of_order, this_host
from graphs.options import RunOptions
from graphs.prompts import Reply
from store import orders, runs
from store.schema import RunStatus

AT_WORK = "bms worker on "
"""Beginning of the name under which a worker that evaluates is known to PostgreSQL; its host follows."""

WORKERS = text(
    "SELECT DISTINCT application_name FROM pg_stat_activity"
    " WHERE datname = current_database() AND starts_with(application_name, :beginning)"
)


def hosts_at_work(session: Session) -> frozenset[str]:
    """Hosts whose models can be evaluated now: a worker of that name is connected to the database."""
    names = session.scalars(WORKERS, {"beginning": AT_WORK})
    return frozenset(name.removeprefix(AT_WORK) for name in names)


def elsewhere(session: Session, run_id: str, reply: Reply | None) -> str | None:
    """The host at which the run goes on with ``reply``, or without one; None where this machine will do.

    A run that nobody has evaluated yet has no host, and is driven by whoever asks for it.
    """
    if session.get_bind().dialect.name != "postgresql":
        return None
    row = runs.get(session, run_id)
    options = RunOptions.model_validate(row.options)
    if options.host is None or options.host == this_host():
        return None
    order = orders.open_order(session, row.id)
    if order is None and reply is None and row.status == RunStatus.WAITING:
        return None  # nothing is done: the question is put once more
    part = part_of(options, row.stage, reply) if order is None else part_of_order(session, order)
    return options.host if part is Part.EVALUATE else None


def sentence(session: Session, run_id: str, host: str) -> str:
    """Who carries a run on that belongs to ``host``, and what to do where nobody is there.

    Empty on SQLite, where a run that was copied from PostgreSQL is driven by whoever has it.
    """
    if session.get_bind().dialect.name != "postgresql":
        return ""
    if host in hosts_at_work(session):
        return f"It goes on at {host}, whose worker is at work."
    return (
        f"It goes on at {host}, and no worker of {host} is at work: start `bms worker --host {host}` there, "
        f"or move the run with `bms resume {run_id} --host OTHER`."
    )
