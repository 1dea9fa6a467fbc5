"""The tables. What is large is a row here; a checkpoint holds only identifiers.

Records of ``tools`` are kept as JSON beside the columns that queries need. Every change to this file comes
with a migration (``store/migrations``), and a test compares the two.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import JSON, DateTime, Dialect, ForeignKey, Index, MetaData, TypeDecorator, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeEngine

from store.plain import plain

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An instant in UTC on every database; SQLite forgets the zone, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class _Words(TypeDecorator[str]):
    """Text that is the same on every database: without NUL, ordered by code points, and as long as it is.

    A PostgreSQL database orders by the language that it was made for, unless it is told. It would also refuse
    what is longer than a column says, where SQLite takes it: lengths here say what is usual, and no more.
    """

    impl: type[sa.String] = sa.String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str]:
        if dialect.name != "postgresql":
            return self.impl_instance
        return type(self).impl(collation="C")

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else plain(value)


class String(_Words):
    impl = sa.String
    cache_ok = True


class Text(_Words):
    impl = sa.Text
    cache_ok = True


BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""Of rows that ten thousand runs a day would number beyond 2^31 within months. SQLite's are of 64 bits."""


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {dict[str, Any]: JSON, list[Any]: JSON, datetime: UtcDateTime}  # noqa: RUF012


class RunStatus(StrEnum):
    """Where a run is. ``stopped`` can be resumed; the last four are the end."""

    QUEUED = "queued"
    """An order waits for somebody to carry it out. Told from the orders, never stored."""
    RUNNING = "running"
    WAITING = "waiting"
    STOPPED = "stopped"
    DONE = "done"
    REJECTED = "rejected"
    NOT_NEEDED = "not needed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self in {RunStatus.DONE, RunStatus.REJECTED, RunStatus.NOT_NEEDED, RunStatus.CANCELLED}


def _run_fk() -> Any:
    return mapped_column(String(40), ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)


class RunRow(Base):
    __tablename__ = "runs"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    options: Mapped[dict[str, Any]]
    """:class:`graphs.options.RunOptions` as given at the start."""
    request: Mapped[dict[str, Any] | None]
    """:class:`tools.request.EvaluationRequest` once it is understood."""
    status: Mapped[str] = mapped_column(String(20), index=True)
    stage: Mapped[str] = mapped_column(String(20))
    detail: Mapped[str] = mapped_column(Text, default="")
    """Why it waits, stopped or ended, in a sentence."""
    created_at: Mapped[datetime] = mapped_column(index=True)
    updated_at: Mapped[datetime]


class EventRow(Base):
    """Append-only. The terminal, the page and the API read the same events by number."""

    __tablename__ = "events"

    run_id: Mapped[str] = _run_fk()
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    stage: Mapped[str] = mapped_column(String(20))
    kind: Mapped[str] = mapped_column(String(30))
    data: Mapped[dict[str, Any]]


class PageRow(Base):
    """A page or record as text, once for however many runs and addresses have it."""

    __tablename__ = "pages"

    content_hash: Mapped[str] = mapped_column(String(80), primary_key=True)
    text: Mapped[str] = mapped_column(Text)


class FetchRow(Base):
    """One request for one address in one run, with its outcome: found, empty, blocked or failed."""

    __tablename__ = "fetches"

    run_id: Mapped[str] = _run_fk()
    url_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    url: Mapped[str] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(String(10), index=True)
    reason: Mapped[str] = mapped_column(String(60), default="")
    detail: Mapped[str] = mapped_column(Text, default="")
    page: Mapped[dict[str, Any] | None]
    """The page's record without its text."""
    content_hash: Mapped[str | None] = mapped_column(String(80), ForeignKey("pages.content_hash"))
    fetched_at: Mapped[datetime]
    """When the network answered; for a page that another run lent, when it answered that run."""

    __table_args__ = (Index("ix_fetches_url_hash", "url_hash", "fetched_at"),)


class SearchRow(Base):
    """One search query in one run, with its outcome."""

    __tablename__ = "searches"

    run_id: Mapped[str] = _run_fk()
    engine: Mapped[str] = mapped_column(String(40), primary_key=True)
    query: Mapped[str] = mapped_column(String(400), primary_key=True)
    position: Mapped[int] = mapped_column(default=0, server_default="0")
    """Order in which the queries of a run were asked."""
    wave: Mapped[int]
    outcome: Mapped[str] = mapped_column(String(10), index=True)
    reason: Mapped[str] = mapped_column(String(60), default="")
    detail: Mapped[str] = mapped_column(Text, default="")
    hits: Mapped[list[Any]]
    asked_at: Mapped[datetime]

    __table_args__ = (Index("ix_searches_query", "query", "engine", "asked_at"),)


class SightingRow(Base):
    """A candidate in the answer of one listing or query; coverage is measured from these."""

    __tablename__ = "sightings"

    run_id: Mapped[str] = _run_fk()
    source: Mapped[str] = mapped_column(String(400), primary_key=True)
    """The listing or the query."""
    candidate: Mapped[str] = mapped_column(String(200), primary_key=True)
    census: Mapped[bool]
    """Whether the source is a listing rather than a query."""


class WaveRow(Base):
    """One wave of research: what it was for, what it brought, and why research went on or stopped."""

    __tablename__ = "waves"

    run_id: Mapped[str] = _run_fk()
    wave: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    record: Mapped[dict[str, Any]]
    """:class:`tools.waves.Wave`."""


class CandidateRow(Base):
    """The ledger: every candidate seen, accepted or rejected with its reason."""

    __tablename__ = "candidates"

    run_id: Mapped[str] = _run_fk()
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    standing: Mapped[str] = mapped_column(String(10), index=True)
    record: Mapped[dict[str, Any]]


class FactRow(Base):
    __tablename__ = "facts"

    id: Mapped[int] = mapped_column(BIG, primary_key=True, autoincrement=True)
    run_id: Mapped[str] = mapped_column(String(40), ForeignKey("runs.id", ondelete="CASCADE"))
    candidate: Mapped[str] = mapped_column(String(200))
    factor: Mapped[str] = mapped_column(String(40))
    fingerprint: Mapped[str] = mapped_column(String(64))
    """Hash of candidate, factor, value and source address: the same reading is stored once."""
    record: Mapped[dict[str, Any]]

    __table_args__ = (
        Index("ix_facts_run_candidate", "run_id", "candidate"),
        Index("uq_facts_run_fingerprint", "run_id", "fingerprint", unique=True),
    )


class ClaimRow(Base):
    __tablename__ = "claims"

    id: Mapped[int] = mapped_column(BIG, primary_key=True, autoincrement=True)
    run_id: Mapped[str] = mapped_column(String(40), ForeignKey("runs.id", ondelete="CASCADE"))
    candidate: Mapped[str] = mapped_column(String(200))
    fingerprint: Mapped[str] = mapped_column(String(64))
    record: Mapped[dict[str, Any]]

    __table_args__ = (
        Index("ix_claims_run_candidate", "run_id", "candidate"),
        Index("uq_claims_run_fingerprint", "run_id", "fingerprint", unique=True),
    )


class TableRow(Base):
    """A comparison table as it was offered for approval."""

    __tablename__ = "tables"

    run_id: Mapped[str] = _run_fk()
    hash: Mapped[str] = mapped_column(String(80), primary_key=True)
    position: Mapped[int]
    table: Mapped[dict[str, Any]]
    proposal: Mapped[dict[str, Any]]
    made_at: Mapped[datetime]
    shown_at: Mapped[datetime | None]
    """When a person last saw it."""


class ApprovalRow(Base):
    """What was decided about a table, by whom, and which table it was."""

    __tablename__ = "approvals"

    run_id: Mapped[str] = _run_fk()
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    action: Mapped[str] = mapped_column(String(20))
    table_hash: Mapped[str | None] = mapped_column(String(80))
    record: Mapped[dict[str, Any]]
    by: Mapped[str] = mapped_column(String(120))
    at: Mapped[datetime]


class ArtefactRow(Base):
    """The model of a role (primary or backup): proved, pulled, loaded."""

    __tablename__ = "artefacts"

    run_id: Mapped[str] = _run_fk()
    role: Mapped[str] = mapped_column(String(10), primary_key=True)
    candidate: Mapped[str] = mapped_column(String(200))
    artefact: Mapped[dict[str, Any]]
    pulled_at: Mapped[datetime | None]
    loaded: Mapped[dict[str, Any] | None]


class MaterialRow(Base):
    """The very text of the rubric, taxonomy or system prompt that a run used."""

    __tablename__ = "materials"

    run_id: Mapped[str] = _run_fk()
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    by_person: Mapped[bool]
    """Whether a person gave it, rather than the domain's own."""


class ScenarioRow(Base):
    __tablename__ = "scenarios"

    run_id: Mapped[str] = _run_fk()
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    position: Mapped[int]
    record: Mapped[dict[str, Any]]


class AnswerRow(Base):
    """One answer, committed the moment it arrives; a row that exists is a call that is not repeated."""

    __tablename__ = "answers"

    run_id: Mapped[str] = _run_fk()
    role: Mapped[str] = mapped_column(String(10), primary_key=True)
    scenario_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    outcome: Mapped[str] = mapped_column(String(40))
    record: Mapped[dict[str, Any]]
    conditions: Mapped[dict[str, Any]]
    """Runtime, model, digest, context, sampling and thinking mode that it was made under."""
    at: Mapped[datetime]


class AssessmentRow(Base):
    """One judged answer; its verdicts are rows of their own."""

    __tablename__ = "assessments"

    run_id: Mapped[str] = _run_fk()
    role: Mapped[str] = mapped_column(String(10), primary_key=True)
    scenario_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    judge: Mapped[str] = mapped_column(String(200), primary_key=True)
    outcome: Mapped[str] = mapped_column(String(60))
    detail: Mapped[str] = mapped_column(Text, default="")
    usage: Mapped[dict[str, Any] | None]
    """:class:`tools.evaluation.Usage` of the judge's calls."""
    at: Mapped[datetime]


class VerdictRow(Base):
    __tablename__ = "verdicts"

    run_id: Mapped[str] = _run_fk()
    role: Mapped[str] = mapped_column(String(10), primary_key=True)
    scenario_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    assessed_by: Mapped[str] = mapped_column(String(200), primary_key=True)
    """The judge of the assessment that this verdict belongs to."""
    criterion: Mapped[str] = mapped_column(String(40), primary_key=True)
    position: Mapped[int]
    verdict: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(Text)
    judge: Mapped[str] = mapped_column(String(200))
    """Who gave this one verdict: the model, or ``computed`` for a rule."""


class LabelRow(Base):
    """What a person made of one answer; labelled again, the newest word counts."""

    __tablename__ = "labels"

    run_id: Mapped[str] = _run_fk()
    role: Mapped[str] = mapped_column(String(10), primary_key=True)
    scenario_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    by: Mapped[str] = mapped_column(String(120), primary_key=True)
    record: Mapped[dict[str, Any]]
    """:class:`tools.evaluation.Label`."""
    at: Mapped[datetime]


class CallRow(Base):
    """Replies of the agent's own model and of the judge's preflight, so that none is paid for twice."""

    __tablename__ = "calls"

    run_id: Mapped[str] = _run_fk()
    purpose: Mapped[str] = mapped_column(String(40), primary_key=True)
    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    reply: Mapped[dict[str, Any]]
    at: Mapped[datetime]


class ReviewRow(Base):
    """What a person noted when reading answers, and what they want next."""

    __tablename__ = "reviews"

    run_id: Mapped[str] = _run_fk()
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    role: Mapped[str] = mapped_column(String(10))
    record: Mapped[dict[str, Any]]
    by: Mapped[str] = mapped_column(String(120))
    at: Mapped[datetime]


class DocumentRow(Base):
    __tablename__ = "documents"

    run_id: Mapped[str] = _run_fk()
    path: Mapped[str] = mapped_column(String(500), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    written_at: Mapped[datetime]


class LeaseRow(Base):
    """Who drives a run. ``fence`` rises with every taking, so that a sleeper that wakes up is noticed."""

    __tablename__ = "leases"

    run_id: Mapped[str] = _run_fk()
    holder: Mapped[str] = mapped_column(String(200))
    fence: Mapped[int]
    expires_at: Mapped[datetime]
    last_write: Mapped[str] = mapped_column(String(32), default="", server_default="")
    """Name of the newest transaction that was written under the lease."""


class OrderRow(Base):
    """Something that a run is to be driven for: its start, a person's answer, another look after its end.

    It is stored before anybody is told that it was accepted, and done when a process has carried it out: an
    answer outlives the server that took it.
    """

    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(BIG, primary_key=True, autoincrement=True)
    run_id: Mapped[str] = mapped_column(String(40), ForeignKey("runs.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    """:class:`store.orders.OrderKind`."""
    prompt_id: Mapped[str | None] = mapped_column(String(80))
    """The question that a reply answers."""
    record: Mapped[dict[str, Any]]
    by: Mapped[str] = mapped_column(String(120))
    at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    problem: Mapped[str] = mapped_column(Text, default="")
    """Why it could not be carried out."""

    __table_args__ = (
        Index(
            "uq_orders_open",
            "run_id",
            unique=True,
            sqlite_where=text("done_at IS NULL"),
            postgresql_where=text("done_at IS NULL"),
        ),
    )


class CreationRow(Base):
    """A run that a client asked for under a key of its own, so that asking again makes no second one."""

    __tablename__ = "creations"

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    """Hash of what was asked for."""
    run_id: Mapped[str] = mapped_column(String(40), ForeignKey("runs.id", ondelete="CASCADE"))
    at: Mapped[datetime]


class ThreadRow(Base):
    """A conversation. LangGraph's clients call it a thread, and it has their identifier."""

    __tablename__ = "threads"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    run_id: Mapped[str | None] = mapped_column(
        String(40), ForeignKey("runs.id", ondelete="SET NULL"), index=True
    )
    """The run that it is about now."""
    title: Mapped[str] = mapped_column(Text, default="")
    tags: Mapped[dict[str, Any]]
    """What a client wants to find it by (LangGraph: ``metadata``)."""
    created_at: Mapped[datetime] = mapped_column(index=True)
    updated_at: Mapped[datetime]


class MessageRow(Base):
    """One message of a conversation, by a person or in answer to one."""

    __tablename__ = "messages"

    thread_id: Mapped[str] = mapped_column(
        String(40), ForeignKey("threads.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[str] = mapped_column(String(80))
    """As the client named it, or a new one: a message sent twice is one message."""
    author: Mapped[str] = mapped_column(String(10))
    """``person`` or ``bms``."""
    text: Mapped[str] = mapped_column(Text)
    data: Mapped[dict[str, Any]]
    """:class:`agent.conversation.records.Extras`: links to sources, an action that waits for a yes."""
    after_event: Mapped[int] = mapped_column(default=0, server_default="0")
    """Number of the run's last event when it was written: where it stands among what the run told."""
    at: Mapped[datetime]

    __table_args__ = (Index("uq_messages_thread_id", "thread_id", "id", unique=True),)
