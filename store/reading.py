"""What research asked the outside world: searches, fetches, and the pages that came back."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, insert, select
from sqlalchemy.orm import Session

from store.schema import FetchRow, PageRow, RunRow, SearchRow
from tools.facts import content_hash
from tools.outcomes import Blocked, Empty, Failed, Found, Outcome
from tools.web import Page

_TEXT = select(PageRow.text).where(PageRow.content_hash == bindparam("of_hash"))
_STORED = select(PageRow.content_hash).where(PageRow.content_hash == bindparam("of_hash"))
_FETCH = (
    select(FetchRow, PageRow.text)
    .outerjoin(PageRow, PageRow.content_hash == FetchRow.content_hash)
    .where(FetchRow.run_id == bindparam("of_run"), FetchRow.url_hash == bindparam("of_url"))
)
_INSERT_TEXT = insert(PageRow)
_INSERT_FETCH = insert(FetchRow)


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


class Known(NamedTuple):
    """What was learnt of an address; the page when one was found."""

    row: FetchRow
    page: Page | None


def stored_fetch(session: Session, run_id: str, url: str) -> Known | None:
    """What this run already knows of ``url``."""
    found = session.execute(_FETCH, {"of_run": run_id, "of_url": _hash(url)}).one_or_none()
    return None if found is None else _known(*found)


def _known(row: FetchRow, text: str | None) -> Known:
    if row.page is None or text is None:
        return Known(row, None)
    return Known(row, Page.model_validate({**row.page, "text": text}))


def fetch_of_another_run(session: Session, run_id: str, url: str, since: datetime) -> Known | None:
    """What the newest other live run has known of ``url`` since then, where it was found or properly empty.

    A replayed story is a world of its own: it lends nothing.
    """
    query = (
        select(FetchRow)
        .join(RunRow, RunRow.id == FetchRow.run_id)
        .where(
            FetchRow.url_hash == _hash(url),
            FetchRow.run_id != run_id,
            FetchRow.outcome.in_(("found", "empty")),
            FetchRow.fetched_at >= since,
            RunRow.options["story"].as_string().is_(None),
        )
        .order_by(FetchRow.fetched_at.desc())
        .limit(1)
    )
    row = session.scalar(query)
    if row is None:
        return None
    return _known(row, None if row.content_hash is None else page_text(session, row.content_hash))


def lend_fetch(session: Session, run_id: str, known: Known) -> None:
    """Give this run the fetch of another one, with the instant at which that was made."""
    row = known.row
    columns = {column.key: getattr(row, column.key) for column in FetchRow.__table__.columns}
    session.merge(FetchRow(**{**columns, "run_id": run_id}))


def keep_fetch(session: Session, run_id: str, url: str, outcome: Outcome[Page], now: datetime) -> None:
    """Store the outcome of fetching ``url``; the text of a page is stored once."""
    page = outcome.value if isinstance(outcome, Found) else None
    if page is not None and not is_stored(session, page.content_hash):
        text = {"content_hash": page.content_hash, "text": page.text}
        session.connection().execute(_INSERT_TEXT, text)
    kind, reason, detail = outcome_columns(outcome)
    columns = {
        "run_id": run_id,
        "url_hash": _hash(url),
        "url": url,
        "outcome": kind,
        "reason": reason,
        "detail": detail,
        "page": None if page is None else page.model_dump(mode="json", exclude={"text"}),
        "content_hash": None if page is None else page.content_hash,
        "fetched_at": now,
    }
    row = session.get(FetchRow, (run_id, columns["url_hash"]))
    if row is None:
        session.connection().execute(_INSERT_FETCH, columns)
        return
    for name, value in columns.items():
        setattr(row, name, value)


def keep_text(session: Session, _run_id: str, text: str) -> None:
    """Store text that sources cite by its hash, such as the readable text of an HTML page."""
    digest = content_hash(text)
    if not is_stored(session, digest):
        session.add(PageRow(content_hash=digest, text=text))


def is_stored(session: Session, content_hash: str) -> bool:
    """Whether the page or record that a source cites is stored."""
    session.flush()
    return session.connection().scalar(_STORED, {"of_hash": content_hash}) is not None


def page_text(session: Session, content_hash: str) -> str | None:
    """Stored text of the page or record that a source cites."""
    session.flush()
    return session.connection().scalar(_TEXT, {"of_hash": content_hash})


def stored_search(session: Session, run_id: str, engine: str, query: str) -> SearchRow | None:
    return session.get(SearchRow, (run_id, engine, query[:400]))


def search_of_another_run(
    session: Session, run_id: str, engine: str, query: str, since: datetime
) -> SearchRow | None:
    """What the newest other live run was answered to this very query from ``since`` on."""
    found = (
        select(SearchRow)
        .join(RunRow, RunRow.id == SearchRow.run_id)
        .where(
            SearchRow.engine == engine,
            SearchRow.query == query[:400],
            SearchRow.run_id != run_id,
            SearchRow.outcome.in_(("found", "empty")),
            SearchRow.asked_at >= since,
            RunRow.options["story"].as_string().is_(None),
        )
        .order_by(SearchRow.asked_at.desc())
        .limit(1)
    )
    return session.scalar(found)


def lend_search(session: Session, run_id: str, row: SearchRow, wave: int) -> None:
    """Give this run the answer that another one got, with the instant at which it was asked."""
    columns = {column.key: getattr(row, column.key) for column in SearchRow.__table__.columns}
    last = session.scalar(select(func.max(SearchRow.position)).where(SearchRow.run_id == run_id)) or 0
    session.merge(SearchRow(**{**columns, "run_id": run_id, "wave": wave, "position": last + 1}))


def searches(session: Session, run_id: str) -> list[SearchRow]:
    """Every query asked, in the order in which they were asked."""
    query = select(SearchRow).where(SearchRow.run_id == run_id)
    return list(session.scalars(query.order_by(SearchRow.wave, SearchRow.position, SearchRow.engine)))


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
    last = session.scalar(select(func.max(SearchRow.position)).where(SearchRow.run_id == run_id)) or 0
    session.merge(
        SearchRow(
            run_id=run_id,
            engine=engine,
            query=query[:400],
            position=last + 1,
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
