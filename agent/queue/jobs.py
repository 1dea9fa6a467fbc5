"""Jobs of the queue: one for each open order, made and taken back inside our own transactions.

The orders are the outbox. Whoever looks makes the jobs that are missing, so an order is carried out although
the process that took it died right after; the database refuses a second job for the same order.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from agent import deaths
from agent.queue import tables
from agent.queue.parts import queue_of
from store import orders
from store.locks import is_taken
from tools.clock import Clock

TASK = "carry out"
HEARTBEAT_SECONDS = 2.0
"""How often a worker says that it is there."""
STALLED = timedelta(seconds=7)
"""A worker that has said nothing for so long is gone, or frozen."""

MISSING = text(
    "SELECT o.id FROM orders o WHERE o.done_at IS NULL AND NOT EXISTS ("
    "SELECT FROM procrastinate_jobs j WHERE j.lock = 'order:' || o.id AND j.status IN ('todo', 'doing'))"
    " ORDER BY o.id"
)
ABANDONED = text(
    "SELECT j.id, (j.args ->> 'order')::bigint AS order_id, j.args ->> 'run' AS run_id"
    " FROM procrastinate_jobs j LEFT JOIN procrastinate_workers w ON w.id = j.worker_id"
    " WHERE j.status = 'doing' AND (w.id IS NULL OR w.last_heartbeat < now() - :stalled) ORDER BY j.id"
)
OF_RUN = text(
    "SELECT id FROM procrastinate_jobs WHERE args ->> 'run' = :run AND status IN ('todo', 'doing')"
    " AND NOT abort_requested"
)


UNHEARD = text(
    "SELECT id FROM procrastinate_jobs WHERE status = 'doing' AND worker_id = ANY(:workers)"
    " AND NOT id = ANY(:known)"
)


class Abandoned(NamedTuple):
    run_id: str
    given_up: bool
    """It took its processes down once too often."""


def fill(session: Session) -> int:
    """Make a job for each open order that has none, where it belongs; how many."""
    if session.scalar(MISSING) is None:
        return 0
    tables.alone(session)
    missing = list(session.scalars(MISSING))
    if not missing:
        return 0  # somebody else has just made them
    from procrastinate.jobs import Job

    jobs = []
    for order_id in missing:
        order = orders.get(session, order_id)
        if order is not None:
            name = f"order:{order.id}"
            jobs.append(
                Job(
                    queue=queue_of(session, order),
                    lock=name,
                    queueing_lock=name,
                    task_name=TASK,
                    task_kwargs={"order": order.id, "run": order.run_id},
                )
            )
    tables.manager().batch_defer_jobs(jobs, connection=tables.driver_connection(session))
    return len(jobs)


def take_over(session: Session, clock: Clock) -> list[Abandoned]:
    """End the jobs whose workers are gone, and make new ones for what they have left open.

    A run that is still driven, by a worker that is only frozen or by a process that has outlived its worker,
    is left alone: its lock tells.
    """
    stalled = {"stalled": STALLED}
    if session.scalar(ABANDONED, stalled) is None:
        return []
    tables.alone(session)
    found = []
    for job_id, order_id, run_id in list(session.execute(ABANDONED, stalled)):
        if is_taken(session, f"run:{run_id}"):
            continue
        order = orders.get(session, order_id)
        if order is not None and order.done_at is None:
            given_up = deaths.note(session, order.id, "nothing, it went with its worker", clock)
            found.append(Abandoned(order.run_id, given_up))
        session.execute(text("DELETE FROM procrastinate_jobs WHERE id = :id"), {"id": job_id})
    session.flush()
    fill(session)
    return found


def unheard_of(session: Session, workers: list[int], known: list[int]) -> set[int]:
    """Jobs that were given to these workers, which know nothing of them: the answer was lost on its way."""
    return set(session.scalars(UNHEARD, {"workers": workers, "known": known}))


def disown(session: Session, job_ids: list[int]) -> None:
    """Let jobs be taken over as those of a worker that is gone."""
    query = "UPDATE procrastinate_jobs SET worker_id = NULL WHERE id = ANY(:ids) AND status = 'doing'"
    session.execute(text(query), {"ids": job_ids})


def withdraw(session: Session, run_id: str) -> None:
    """Take the jobs of a run back: one that waits is gone, of one that is carried out the worker is told."""
    if not tables.made(session):
        return
    for job_id in list(session.scalars(OF_RUN, {"run": run_id})):
        tables.manager().cancel_job_by_id(
            job_id, abort=True, delete_job=True, connection=tables.driver_connection(session)
        )
