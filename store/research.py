"""What research asked, read and found: searches, fetches, pages, ledger, facts, claims, tables."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from store.schema import (
    ApprovalRow,
    CandidateRow,
    ClaimRow,
    FactRow,
    FetchRow,
    PageRow,
    SearchRow,
    TableRow,
)
from tools.candidates import Candidate, Claim, Standing
from tools.facts import Fact, Source, content_hash, quote_is_in
from tools.outcomes import Blocked, Empty, Failed, Found, Outcome
from tools.proposal import Proposal
from tools.table import ComparisonTable
from tools.web import Page


class OutcomeColumns(NamedTuple):
    """An outcome as columns; ``value`` only when something was found."""

    outcome: str
    reason: str
    detail: str


def outcome_columns(outcome: Outcome[Any]) -> OutcomeColumns:
    match outcome:
        case Found():
            return OutcomeColumns("found", "", "")
        case Empty(detail):
            return OutcomeColumns("empty", "", detail)
        case Blocked(reason, detail):
            return OutcomeColumns("blocked", reason.value, detail)
        case Failed(reason, detail):
            return OutcomeColumns("failed", reason.value, detail)


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


# --- fetches -----------------------------------------------------------------------------------------------


def stored_fetch(session: Session, run_id: str, url: str) -> tuple[FetchRow, Page | None] | None:
    """What this run already knows of ``url``; the page when one was found."""
    row = session.get(FetchRow, (run_id, _hash(url)))
    if row is None:
        return None
    if row.page is None or row.content_hash is None:
        return row, None
    text = session.get_one(PageRow, row.content_hash).text
    return row, Page.model_validate({**row.page, "text": text})


def keep_fetch(session: Session, run_id: str, url: str, outcome: Outcome[Page], now: datetime) -> None:
    """Store the outcome of fetching ``url``; the text of a page is stored once."""
    page = outcome.value if isinstance(outcome, Found) else None
    if page is not None and session.get(PageRow, page.content_hash) is None:
        session.add(PageRow(content_hash=page.content_hash, text=page.text))
        session.flush()
    kind, reason, detail = outcome_columns(outcome)
    session.merge(
        FetchRow(
            run_id=run_id,
            url_hash=_hash(url),
            url=url,
            outcome=kind,
            reason=reason,
            detail=detail,
            page=None if page is None else page.model_dump(mode="json", exclude={"text"}),
            content_hash=None if page is None else page.content_hash,
            fetched_at=now,
        )
    )


def keep_text(session: Session, _run_id: str, text: str) -> None:
    """Store text that sources cite by its hash, such as the readable text of an HTML page."""
    digest = content_hash(text)
    if session.get(PageRow, digest) is None:
        session.add(PageRow(content_hash=digest, text=text))


def page_text(session: Session, content_hash: str) -> str | None:
    """Stored text of the page or record that a source cites."""
    row = session.get(PageRow, content_hash)
    return None if row is None else row.text


# --- searches ----------------------------------------------------------------------------------------------


def stored_search(session: Session, run_id: str, engine: str, query: str) -> SearchRow | None:
    return session.get(SearchRow, (run_id, engine, query[:400]))


def keep_search(
    session: Session,
    run_id: str,
    engine: str,
    query: str,
    wave: int,
    outcome: Outcome[Any],
    hits: list[dict[str, str]],
    now: datetime,
) -> None:
    kind, reason, detail = outcome_columns(outcome)
    session.merge(
        SearchRow(
            run_id=run_id,
            engine=engine,
            query=query[:400],
            wave=wave,
            outcome=kind,
            reason=reason,
            detail=detail,
            hits=hits,
            asked_at=now,
        )
    )


class Counts(NamedTuple):
    """How often each outcome came: of searches, and of fetches."""

    searches: dict[str, int]
    fetches: dict[str, int]
    pages: int
    """Distinct pages and records read."""


def counts(session: Session, run_id: str) -> Counts:
    def by_outcome(table: type[SearchRow] | type[FetchRow]) -> dict[str, int]:
        query = (
            select(table.outcome, func.count().label("number"))
            .where(table.run_id == run_id)
            .group_by(table.outcome)
        )
        return {row.outcome: row.number for row in session.execute(query)}

    distinct = select(func.count(func.distinct(FetchRow.content_hash))).where(FetchRow.run_id == run_id)
    return Counts(by_outcome(SearchRow), by_outcome(FetchRow), session.scalar(distinct) or 0)


# --- ledger ------------------------------------------------------------------------------------------------


def keep_candidates(session: Session, run_id: str, candidates: Iterable[Candidate]) -> int:
    """Add to the ledger or change a standing; how many were new."""
    new = 0
    for candidate in candidates:
        row = session.get(CandidateRow, (run_id, candidate.key))
        if row is None:
            new += 1
            row = CandidateRow(run_id=run_id, key=candidate.key)
            session.add(row)
        row.standing, row.record = candidate.standing.value, candidate.model_dump(mode="json")
    return new


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


def stands_in_store(session: Session, source: Source) -> bool:
    """Whether the text that a source cites is stored, and holds the quote where there is one."""
    text = page_text(session, source.content_hash)
    return text is not None and (source.quote is None or quote_is_in(source.quote, text))


def keep_facts(session: Session, run_id: str, facts: Iterable[Fact]) -> int:
    """Store facts whose source stands in a stored text, the same reading once; how many were new."""
    new = 0
    for fact in facts:
        if not stands_in_store(session, fact.source):
            continue
        mark = _hash(fact.candidate, fact.factor, repr(fact.value), fact.source.url)
        known = select(FactRow.id).where(FactRow.run_id == run_id, FactRow.fingerprint == mark)
        if session.scalar(known) is None:
            new += 1
            session.add(
                FactRow(
                    run_id=run_id,
                    candidate=fact.candidate,
                    factor=fact.factor.value,
                    fingerprint=mark,
                    record=fact.model_dump(mode="json"),
                )
            )
    return new


def facts(session: Session, run_id: str, candidate: str | None = None) -> list[Fact]:
    query = select(FactRow).where(FactRow.run_id == run_id)
    if candidate is not None:
        query = query.where(FactRow.candidate == candidate)
    return [Fact.model_validate(row.record) for row in session.scalars(query.order_by(FactRow.id))]


def keep_claims(session: Session, run_id: str, claims: Iterable[Claim]) -> int:
    """Store claims whose source stands in a stored text, the same words once; how many were new."""
    new = 0
    for claim in claims:
        if not stands_in_store(session, claim.source):
            continue
        mark = _hash(claim.candidate, claim.source.url, claim.source.quote or claim.summary)
        known = select(ClaimRow.id).where(ClaimRow.run_id == run_id, ClaimRow.fingerprint == mark)
        if session.scalar(known) is None:
            new += 1
            session.add(
                ClaimRow(
                    run_id=run_id,
                    candidate=claim.candidate,
                    fingerprint=mark,
                    record=claim.model_dump(mode="json"),
                )
            )
    return new


def claims(session: Session, run_id: str, candidate: str | None = None) -> list[Claim]:
    query = select(ClaimRow).where(ClaimRow.run_id == run_id)
    if candidate is not None:
        query = query.where(ClaimRow.candidate == candidate)
    return [Claim.model_validate(row.record) for row in session.scalars(query.order_by(ClaimRow.id))]


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
