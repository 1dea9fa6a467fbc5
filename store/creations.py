"""Runs that clients asked for under a key of their own (the ``Idempotency-Key`` of an IETF draft).

draft-ietf-httpapi-idempotency-key-header: the same key with the same body gives the first outcome again, with
another body it is refused.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from store.schema import CreationRow
from tools.faults import Conflict


class KeyReused(Conflict):
    """The key was used for something else."""


def run_of(session: Session, key: str, fingerprint: str) -> str | None:
    """The run that was made under ``key``; :class:`KeyReused` when something else was asked for then."""
    row = session.get(CreationRow, key)
    if row is None:
        return None
    if row.fingerprint != fingerprint:
        raise KeyReused(
            "This idempotency key was used for another request.", "Take a new key for a new request."
        )
    return row.run_id


def keep(session: Session, key: str, fingerprint: str, run_id: str, now: datetime) -> None:
    session.add(CreationRow(key=key, fingerprint=fingerprint, run_id=run_id, at=now))
