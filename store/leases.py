"""One process drives a run at a time.

A lease is a row with a holder, an expiry and a fencing number (Kleppmann 2016, "How to do distributed
locking"). It can be taken when there is none, when it has expired, or when its holder was a process of this
machine that is dead: after ``kill -9`` the next process need not wait. Every write of a run checks the fence
in its own transaction, so a process that slept through its lease cannot write over its successor. Each write
also leaves its mark on the row: a process that did not hear how its commit ended finds out from that.
"""

from __future__ import annotations

import os
import re
import socket
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import bindparam, update
from sqlalchemy.orm import Session

from store.locks import hold, is_taken, tell
from store.schema import LeaseRow
from tools.faults import Fault

DURATION = timedelta(seconds=30)

SAME_START_SECONDS = 2.0
"""The start of a process, read twice, may differ by this much: outside Linux a clock that is being set tells
it."""


_MARK = (
    update(LeaseRow)
    .where(
        LeaseRow.run_id == bindparam("of_run"),
        LeaseRow.fence == bindparam("with_fence"),
        LeaseRow.holder == bindparam("by_holder"),
    )
    .values(last_write=bindparam("write"))
)
_HOLDER = re.compile(r"(?P<host>.+):(?P<pid>[0-9]{1,9}):(?P<start>[0-9]+\.[0-9]+)")


class AlreadyRunning(Fault):
    """Another process drives this run."""


class LostLease(Fault):
    """This process was away for longer than its lease, and another has taken over."""


class Lease(NamedTuple):
    run_id: str
    holder: str
    fence: int


def this_process() -> str:
    """``host:pid:start`` — the start tells a process from a later one with the same number."""
    import psutil

    return f"{socket.gethostname()}:{os.getpid()}:{_start(psutil.Process()):.2f}"


def _start(process: Any) -> float:
    """When a process began, in seconds. Linux counts from its own start, which no setting of the clock moves;
    psutil makes a time of day of that, with the clock as it is now."""
    import psutil

    began: float = process.create_time()
    return began - psutil.boot_time() if psutil.LINUX else began


def _is_dead(holder: str) -> bool:
    """Whether ``holder`` was a process of this machine that no longer runs; False when that is unknown."""
    import psutil

    found = _HOLDER.fullmatch(holder)
    if found is None or found["host"] != socket.gethostname():
        return False
    try:
        process = psutil.Process(int(found["pid"]))
        if process.status() == psutil.STATUS_ZOMBIE:
            return True
        return abs(_start(process) - float(found["start"])) > SAME_START_SECONDS
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False


def take(session: Session, run_id: str, holder: str, now: datetime, *, alone: bool = False) -> Lease:
    """Take the lease of a run, or raise :class:`AlreadyRunning`.

    ``alone`` says that nobody else can be driving it, as who holds its lock (:mod:`store.locks`) knows: a
    lease that has not run out is then the one of a process that is gone.
    """
    row = _locked(session, run_id)
    if row is None:
        hold(session, run_id)  # of those who find no row, one makes it
        row = _locked(session, run_id)
    if row is None:
        session.add(LeaseRow(run_id=run_id, holder=holder, fence=1, expires_at=now + DURATION))
        session.flush()
        return Lease(run_id, holder, 1)
    if not alone and row.holder and row.expires_at > now and not _is_dead(row.holder):
        raise already_running(run_id, row.holder)
    row.holder, row.fence, row.expires_at = holder, row.fence + 1, now + DURATION
    return Lease(run_id, holder, row.fence)


def _locked(session: Session, run_id: str) -> LeaseRow | None:
    """The lease as it is now, also where this session has read it before."""
    return session.get(LeaseRow, run_id, with_for_update=True, populate_existing=True)


def already_running(run_id: str, holder: str) -> AlreadyRunning:
    """What somebody is told who wants to drive a run beside its driver."""
    return AlreadyRunning(
        f"Run {run_id} is already running ({holder.rpartition(':')[0]}).",
        f"`bms show {run_id}` follows it; `bms cancel {run_id}` ends it.",
    )


def renew(session: Session, lease: Lease, now: datetime) -> None:
    check(session, lease).expires_at = now + DURATION


def check(session: Session, lease: Lease) -> LeaseRow:
    """The row of a lease that is still held, or :class:`LostLease`."""
    row = _locked(session, lease.run_id)
    if row is None or row.fence != lease.fence or row.holder != lease.holder:
        raise lost(lease.run_id)
    return row


def lost(run_id: str) -> LostLease:
    """What the process is told that was away."""
    return LostLease(
        f"Run {run_id} was taken over by another process while this one was away.",
        f"`bms show {run_id}` follows it.",
    )


def mark(session: Session, lease: Lease, write: str) -> None:
    """Sign this transaction with a name of its own; :class:`LostLease` where the lease is not held.

    One statement, since every write begins with it. It waits for whoever is taking the lease, and then looks
    at what they left (PostgreSQL manual, 13.2.1); until this transaction ends, nobody else takes it.
    """
    session.flush()
    held = {"of_run": lease.run_id, "with_fence": lease.fence, "by_holder": lease.holder}
    if session.connection().execute(_MARK, {**held, "write": write}).rowcount != 1:
        raise lost(lease.run_id)


def marked(session: Session, lease: Lease, write: str) -> bool:
    """Whether the transaction signed so was committed, as far as it was the newest under the lease.

    A commit that is still under way is waited for: its row is locked.
    """
    row = _locked(session, lease.run_id)
    return row is not None and row.fence == lease.fence and row.last_write == write


def release(session: Session, lease: Lease) -> None:
    """Give the lease back; nothing happens when somebody else holds it by now."""
    row = _locked(session, lease.run_id)
    if row is not None and row.fence == lease.fence and row.holder == lease.holder:
        row.holder = ""
        tell(session, lease.run_id)  # no event says that nobody drives it any more


def holder_of(session: Session, run_id: str, now: datetime) -> str | None:
    """Who drives the run now, or None.

    The clocks of machines differ. Where the lease alone would say that nobody does, the driver's lock is
    asked for; a lease that runs longer than any is given was given by a clock ahead, and says nothing.
    """
    row = session.get(LeaseRow, run_id)
    if row is None or not row.holder:
        return None
    held = now < row.expires_at <= now + DURATION and not _is_dead(row.holder)
    return row.holder if held or is_taken(session, f"run:{run_id}") else None
