"""What research found: the ledger, facts, claims, sightings, waves; and the tables that were offered."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from store.reading import is_stored, page_text
from store.schema import (
    ApprovalRow,
    CandidateRow,
    ClaimRow,
    FactRow,
    SightingRow,
    TableRow,
    WaveRow,
)
from tools.candidates import Candidate, Claim, FoundBy, Standing
from tools.coverage import Sighting
from tools.facts import Fact, Source
from tools.proposal import Proposal
from tools.table import ComparisonTable
from tools.waves import Totals, Wave

BATCH = 400
"""Keys named in one query: SQLite takes a bounded number of parameters."""


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def keep_candidates(session: Session, run_id: str, candidates: Iterable[Candidate]) -> int:
    """Add to the ledger or change a standing; how many were new."""
    wanted = {candidate.key: candidate for candidate in candidates}
    rows: dict[str, CandidateRow] = {}
    for keys in batched(wanted, BATCH):
        query = select(CandidateRow).where(CandidateRow.run_id == run_id, CandidateRow.key.in_(keys))
        rows |= {row.key: row for row in session.scalars(query)}
    for key, candidate in wanted.items():
        row = rows.get(key) or CandidateRow(run_id=run_id, key=key)
        row.standing, row.record = candidate.standing.value, candidate.model_dump(mode="json")
        session.add(row)
    return len(wanted) - len(rows)


def known_keys(session: Session, run_id: str) -> frozenset[str]:
    """Keys of every candidate in the ledger."""
    return frozenset(session.scalars(select(CandidateRow.key).where(CandidateRow.run_id == run_id)))


def ledger(session: Session, run_id: str, standing: Standing | None = None) -> list[Candidate]:
    query = select(CandidateRow).where(CandidateRow.run_id == run_id)
    if standing is not None:
        query = query.where(CandidateRow.standing == standing.value)
    rows = session.scalars(query.order_by(CandidateRow.key))
    return [Candidate.model_validate(row.record) for row in rows]


def rejected_by_reason(session: Session, run_id: str) -> list[tuple[str, int]]:
    """Reasons of rejection with their counts, the most frequent first."""
    tally = Counter(c.reason for c in ledger(session, run_id, Standing.REJECTED))
    return sorted(tally.items(), key=lambda item: (-item[1], item[0]))


# --- facts and claims --------------------------------------------------------------------------------------


def batched(items: Iterable[str], size: int) -> Iterator[tuple[str, ...]]:
    """``items`` in tuples of at most ``size`` (``itertools.batched`` came with Python 3.12)."""
    rest = iter(items)
    while some := tuple(islice(rest, size)):
        yield some


class _Stored:
    """Texts that sources cite, each read and folded once for however many facts and claims cite it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[str, bool] = {}
        self._folded: dict[str, str | None] = {}

    def holds(self, source: Source) -> bool:
        """Whether the text that a source cites is stored, and holds the quote where there is one."""
        if source.quote is None:
            return self._is_stored(source.content_hash)
        text, words = self._text(source.content_hash), " ".join(source.quote.split())
        return text is not None and bool(words) and words in text

    def _is_stored(self, digest: str) -> bool:
        if digest not in self._known:
            self._known[digest] = is_stored(self._session, digest)
        return self._known[digest]

    def _text(self, digest: str) -> str | None:
        if digest not in self._folded:
            text = page_text(self._session, digest)
            self._folded[digest] = None if text is None else " ".join(text.split())
        return self._folded[digest]


def _new(
    session: Session, table: type[FactRow] | type[ClaimRow], run_id: str, marks: Iterable[str]
) -> set[str]:
    """The fingerprints among ``marks`` that no row of the run has."""
    found = set(marks)
    for some in batched(sorted(found), BATCH):
        query = select(table.fingerprint).where(table.run_id == run_id, table.fingerprint.in_(some))
        found -= set(session.scalars(query))
    return found


def keep_facts(session: Session, run_id: str, facts: Iterable[Fact]) -> int:
    """Store facts whose source stands in a stored text, the same reading once; how many were new.

    A page that was fetched anew and says the same makes the fact as young as that.
    """
    stored = _Stored(session)
    marked = {_hash(f.candidate, f.factor, repr(f.value), f.source.url): f for f in facts}
    fresh = _new(session, FactRow, run_id, marked)
    for some in batched(sorted(set(marked) - fresh), BATCH):
        query = select(FactRow).where(FactRow.run_id == run_id, FactRow.fingerprint.in_(some))
        for row in session.scalars(query):
            source = marked[row.fingerprint].source
            read_at = datetime.fromisoformat(row.record["source"]["retrieved_at"])
            if source.retrieved_at > read_at and stored.holds(source):
                row.record = marked[row.fingerprint].model_dump(mode="json")
    return _add(
        session,
        FactRow,
        (
            {
                "run_id": run_id,
                "candidate": fact.candidate,
                "factor": fact.factor.value,
                "fingerprint": mark,
                "record": fact.model_dump(mode="json"),
            }
            for mark in marked
            if mark in fresh and stored.holds((fact := marked[mark]).source)
        ),
    )


def facts(session: Session, run_id: str, candidate: str | None = None) -> list[Fact]:
    query = select(FactRow).where(FactRow.run_id == run_id)
    if candidate is not None:
        query = query.where(FactRow.candidate == candidate)
    return [Fact.model_validate(row.record) for row in session.scalars(query.order_by(FactRow.id))]


def keep_claims(session: Session, run_id: str, claims: Iterable[Claim]) -> int:
    """Store claims whose source stands in a stored text, the same words once; how many were new."""
    stored = _Stored(session)
    marked = {_hash(c.candidate, c.source.url, c.source.quote or c.summary): c for c in claims}
    fresh = _new(session, ClaimRow, run_id, marked)
    return _add(
        session,
        ClaimRow,
        (
            {
                "run_id": run_id,
                "candidate": claim.candidate,
                "fingerprint": mark,
                "record": claim.model_dump(mode="json"),
            }
            for mark in marked
            if mark in fresh and stored.holds((claim := marked[mark]).source)
        ),
    )


def _add(session: Session, table: type[FactRow | ClaimRow], rows: Iterable[dict[str, Any]]) -> int:
    kept = list(rows)
    if kept:
        session.flush()
        session.connection().execute(insert(table), kept)
    return len(kept)


def claims(session: Session, run_id: str, candidate: str | None = None) -> list[Claim]:
    query = select(ClaimRow).where(ClaimRow.run_id == run_id)
    if candidate is not None:
        query = query.where(ClaimRow.candidate == candidate)
    return [Claim.model_validate(row.record) for row in session.scalars(query.order_by(ClaimRow.id))]


# --- sightings and waves -----------------------------------------------------------------------------------


def keep_sightings(session: Session, run_id: str, sightings: Iterable[Sighting]) -> None:
    """Store who was seen where, once."""
    wanted = {(s.source[:400], s.candidate): s for s in sightings}
    known: set[tuple[str, str]] = set()
    for sources in batched(sorted({source for source, _ in wanted}), BATCH):
        query = select(SightingRow.source, SightingRow.candidate).where(
            SightingRow.run_id == run_id, SightingRow.source.in_(sources)
        )
        known |= {(row.source, row.candidate) for row in session.execute(query)}
    session.add_all(
        SightingRow(run_id=run_id, source=source, candidate=candidate, census=sighting.census)
        for (source, candidate), sighting in wanted.items()
        if (source, candidate) not in known
    )


def sightings(session: Session, run_id: str) -> list[Sighting]:
    rows = session.scalars(select(SightingRow).where(SightingRow.run_id == run_id))
    return [Sighting(row.source, row.candidate, row.census) for row in rows]


def totals(session: Session, run_id: str) -> Totals:
    """How much is known now."""

    def count(table: type[CandidateRow | FactRow | ClaimRow], *conditions: Any) -> int:
        query = select(func.count()).select_from(table).where(table.run_id == run_id, *conditions)
        return session.scalar(query) or 0

    accepted = CandidateRow.standing == Standing.ACCEPTED.value
    by_brain = ClaimRow.record["found_by"].as_string() == FoundBy.BRAIN.value
    return Totals(
        viable=count(CandidateRow, accepted), facts=count(FactRow), claims=count(ClaimRow, ~by_brain)
    )


def keep_wave(session: Session, run_id: str, wave: Wave) -> None:
    """Store what a wave brought; the same wave again replaces it."""
    session.merge(WaveRow(run_id=run_id, wave=wave.number, record=wave.model_dump(mode="json")))


def waves(session: Session, run_id: str) -> list[Wave]:
    """The waves of a run, the first one first."""
    rows = session.scalars(select(WaveRow).where(WaveRow.run_id == run_id).order_by(WaveRow.wave))
    return [Wave.model_validate(row.record) for row in rows]


# --- tables and approvals ----------------------------------------------------------------------------------


class Offered(NamedTuple):
    """A table as it was offered, with its proposal."""

    table: ComparisonTable
    proposal: Proposal
    shown_at: datetime | None


def keep_table(
    session: Session, run_id: str, table: ComparisonTable, proposal: Proposal, now: datetime
) -> None:
    """Store the table that is offered now; it becomes the newest even when it was offered before."""
    last = session.scalar(select(func.max(TableRow.position)).where(TableRow.run_id == run_id)) or 0
    row = session.get(TableRow, (run_id, table.hash))
    if row is None:
        row = TableRow(run_id=run_id, hash=table.hash, shown_at=None)
        session.add(row)
    row.position, row.made_at = last + 1, now
    row.table, row.proposal = table.model_dump(mode="json"), proposal.model_dump(mode="json")


def newest_table(session: Session, run_id: str) -> Offered | None:
    query = select(TableRow).where(TableRow.run_id == run_id).order_by(TableRow.position.desc()).limit(1)
    row = session.scalar(query)
    return None if row is None else _offered(row)


def table_with_hash(session: Session, run_id: str, table_hash: str) -> Offered | None:
    row = session.get(TableRow, (run_id, table_hash))
    return None if row is None else _offered(row)


def _offered(row: TableRow) -> Offered:
    table, proposal = ComparisonTable.model_validate(row.table), Proposal.model_validate(row.proposal)
    return Offered(table, proposal, row.shown_at)


def mark_shown(session: Session, run_id: str, table_hash: str, now: datetime) -> None:
    """Remember that a person saw this table."""
    session.get_one(TableRow, (run_id, table_hash)).shown_at = now


def last_shown(session: Session, run_id: str) -> Offered | None:
    """The table that a person saw last."""
    query = select(TableRow).where(TableRow.run_id == run_id, TableRow.shown_at.is_not(None))
    row = session.scalar(query.order_by(TableRow.shown_at.desc(), TableRow.position.desc()).limit(1))
    return None if row is None else _offered(row)


def keep_approval(
    session: Session,
    run_id: str,
    action: str,
    table_hash: str | None,
    record: dict[str, Any],
    by: str,
    at: datetime,
) -> bool:
    """Store a decision; False when this very one is stored already, as after a crash in between."""
    earlier = approvals(session, run_id)
    if earlier and earlier[-1].record == record:
        return False
    session.add(
        ApprovalRow(
            run_id=run_id,
            position=len(earlier) + 1,
            action=action,
            table_hash=table_hash,
            record=record,
            by=by,
            at=at,
        )
    )
    return True


def approvals(session: Session, run_id: str) -> list[ApprovalRow]:
    query = select(ApprovalRow).where(ApprovalRow.run_id == run_id)
    return list(session.scalars(query.order_by(ApprovalRow.position)))
