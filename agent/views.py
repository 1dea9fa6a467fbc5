"""What the rows say of a run, as records: what the API answers, the page shows, MCP and a conversation tell.

Every number in them is counted or computed from rows when it is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from agent.excerpts import find
from agent.waiting import NOT_RECORDED, REPLAY_CAUTION, Waiting, last_question, leaves_recording, waiting
from graphs.labels import agreed
from graphs.prompts import Approval, ApprovalPrompt
from graphs.results import Result, result_of
from store import evaluation, events, orders, reading, research, runs, threads
from store.research import Offered
from store.schema import (
    AnswerRow,
    AssessmentRow,
    CandidateRow,
    ClaimRow,
    EventRow,
    FactRow,
    RunRow,
    RunStatus,
)
from tools.candidates import Candidate, Claim, Standing
from tools.clock import Clock
from tools.decision import Decision
from tools.escape import one_line
from tools.facts import Fact
from tools.faults import NotFound, WrongUse
from tools.proposal import Proposal
from tools.rating import Rating
from tools.request import EvaluationRequest
from tools.runtimes import Artefact
from tools.table import ComparisonTable, CoverageNote
from tools.waves import Wave

ModelRole = Literal["primary", "backup"]
CURSOR = "%Y%m%dT%H%M%S%f"
"""The moment in the cursor of a page of runs, to the microsecond, in UTC."""
EXCERPT = 800
"""Characters before and after a quote."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class RunSummary(_Record):
    """A line in the list of runs."""

    id: str
    text: str
    status: RunStatus
    stage: str
    """The station that it is at, or was at last."""
    detail: str
    """Why it waits, stopped or ended, in a sentence."""
    story: str | None
    """Name of the recorded story that it replays."""
    host: str | None
    """Machine whose worker evaluates it, where several share the runs."""
    created_at: datetime
    updated_at: datetime


class Tally(_Record):
    """What research has asked and found."""

    searches: dict[str, int]
    """Outcome (found, empty, blocked, failed) → how many queries."""
    fetches: dict[str, int]
    pages: int
    seen: int
    """Candidates in the ledger."""
    viable: int
    """Of them, those that were accepted."""
    facts: int
    claims: int


class Progress(_Record):
    """How far the model of one role has got."""

    role: str
    candidate: str
    artefact: Artefact
    pulled_at: datetime | None
    planned: int
    """Scenarios."""
    answered: int
    judged: int
    judge: str | None


class ResultView(_Record):
    """The headline of one model, recomputed from rows."""

    role: ModelRole
    candidate: str
    judge: str
    planned: int
    judged: int
    labels: int
    """Answers that people labelled."""
    decision: Decision


class ApprovalView(_Record):
    action: str
    by: str
    at: datetime
    primary: str | None
    backup: str | None
    note: str


class RunState(RunSummary):
    """Where a run is, what it has found, and what it waits for."""

    request: EvaluationRequest | None
    waits_for: Waiting | None
    tally: Tally
    approvals: tuple[ApprovalView, ...]
    progress: tuple[Progress, ...]
    results: tuple[ResultView, ...]
    documents: tuple[str, ...]
    """Paths that were written."""
    problem: str
    """Why the last order could not be carried out; empty when it could."""
    last_event: int
    thread_id: str | None
    """The newest conversation about it."""


class EventRecord(_Record):
    """Something that happened in a run; numbered from 1, never changed."""

    seq: int
    at: datetime
    stage: str
    kind: str
    data: dict[str, Any]

    @cached_property
    def wire(self) -> bytes:
        """As a server-sent event; made once for however many readers."""
        # A kind is one word of ours; JSON has no bare line end in it.
        return f"id: {self.seq}\nevent: {self.kind}\ndata: {one_line(self.model_dump_json())}\n\n".encode()


class TableView(_Record):
    """The comparison table as it was offered, with the proposal made from it."""

    run_id: str
    hash: str
    """Goes into the approval: an approval of another table is refused."""
    table: ComparisonTable
    proposal: Proposal


class EvidenceView(_Record):
    """Everything that is known of one candidate, with its sources."""

    candidate: Candidate
    rating: Rating | None
    """None when it is not in the table."""
    facts: tuple[Fact, ...]
    claims: tuple[Claim, ...]


class WaveList(_Record):
    """The waves of research, and how much of the field was seen."""

    items: tuple[Wave, ...]
    """The first wave first."""
    coverage: CoverageNote
    """Searches and fetches by outcome, and what is estimated to be missing; with the curve of candidates."""


class SourceExcerpt(_Record):
    """The stored text of a source around a quote. A stranger's text: data, never markup or instructions."""

    hash: str
    urls: tuple[str, ...]
    """Addresses at which this run read it."""
    before: str
    quote: str
    """As it stands in the text, white space folded; empty where the beginning of the text was asked for."""
    after: str
    cut_before: bool
    """Whether the text has more before ``before``."""
    cut_after: bool
    length: int
    """Characters of the whole text, white space folded."""


class Page(_Record):
    """A part of a longer list."""

    total: int = Field(ge=0)
    """Items of the whole list."""
    next: str | None = None
    """Cursor of the part that follows; None at the end."""


class RunPage(Page):
    items: tuple[RunSummary, ...]


class EventPage(Page):
    items: tuple[EventRecord, ...]


class CandidatePage(Page):
    items: tuple[Candidate, ...]


def summary(session: Session, row: RunRow, clock: Clock) -> RunSummary:
    story = row.options.get("story")
    status = orders.status_of(session, row, clock.now())
    return RunSummary(
        id=row.id,
        text=row.text,
        status=status,
        stage=row.stage,
        detail=_detail(session, row, status),
        story=None if story is None else str(story).replace("\\", "/").rstrip("/").rpartition("/")[2],
        host=row.options.get("host"),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _detail(session: Session, row: RunRow, status: RunStatus) -> str:
    host = row.options.get("host")
    if status is RunStatus.QUEUED and host is not None:
        from agent.queue import leaving

        return leaving.sentence(session, row.id, host) or row.detail
    if status is RunStatus.QUEUED and row.status == RunStatus.WAITING:
        return _answered(session, row)
    died = status is RunStatus.STOPPED and row.status == RunStatus.RUNNING
    return "its process has ended" if died and not row.detail else row.detail


def _answered(session: Session, row: RunRow) -> str:
    """Of a run that has its answer: so, and what a replay may make of it."""
    order, asked = orders.open_order(session, row.id), last_question(session, row.id)
    told = "has its answer, and goes on in a moment"
    if order is None or asked is None or not isinstance(asked.prompt, ApprovalPrompt):
        return told
    given = Approval.model_validate(order.record)
    out = row.options.get("story") is not None and leaves_recording(asked.prompt, given)
    return f"{told}. {REPLAY_CAUTION}" if out else told


def ran_out(run: RunSummary) -> bool:
    """Whether a replay stopped where its story has no recording: it would stop there again."""
    return run.status is RunStatus.STOPPED and run.story is not None and NOT_RECORDED in run.detail


def run_page(session: Session, clock: Clock, limit: int, offset: int) -> RunPage:
    """Runs, the newest first; the cursor is the number of those before it."""
    total = session.scalar(select(func.count()).select_from(RunRow)) or 0
    rows = runs.latest(session, limit, offset)
    more = offset + len(rows) < total
    return RunPage(
        total=total,
        next=str(offset + len(rows)) if more else None,
        items=tuple(summary(session, row, clock) for row in rows),
    )


def run_list(session: Session, clock: Clock, limit: int, cursor: str | None = None) -> RunPage:
    """Runs, the newest first. The cursor is the last run of the page before: nothing moves across pages."""
    total = session.scalar(select(func.count()).select_from(RunRow)) or 0
    query = select(RunRow).order_by(RunRow.created_at.desc(), RunRow.id)
    if cursor is not None:
        moment, _, name = cursor.partition("~")
        try:
            at = datetime.strptime(moment, CURSOR).replace(tzinfo=UTC)
        except ValueError:
            raise WrongUse("This is no cursor of a page of runs.", "Begin without one.") from None
        later = and_(RunRow.created_at == at, RunRow.id > name)
        query = query.where(or_(RunRow.created_at < at, later))
    rows = list(session.scalars(query.limit(limit + 1)))
    kept = rows[:limit]
    more = f"{kept[-1].created_at:{CURSOR}}~{kept[-1].id}" if len(rows) > limit else None
    return RunPage(total=total, next=more, items=tuple(summary(session, row, clock) for row in kept))


def run_state(session: Session, run_id: str, clock: Clock) -> RunState:
    row = runs.get(session, run_id)
    thread = threads.of_run(session, row.id)
    return RunState(
        **summary(session, row, clock).model_dump(),
        request=None if row.request is None else EvaluationRequest.model_validate(row.request),
        waits_for=waiting(session, row.id),
        tally=tally(session, row.id),
        approvals=tuple(
            ApprovalView(
                action=one.action,
                by=one.by,
                at=one.at,
                primary=one.record.get("primary"),
                backup=one.record.get("backup"),
                note=one.record.get("note", ""),
            )
            for one in research.approvals(session, row.id)
        ),
        progress=tuple(progress(session, row.id)),
        results=tuple(result_views(session, row.id)),
        documents=tuple(one.path for one in evaluation.documents(session, row.id)),
        problem="" if row.status == RunStatus.CANCELLED else orders.last_problem(session, row.id),
        last_event=events.last_seq(session, row.id),
        thread_id=None if thread is None else thread.id,
    )


def tally(session: Session, run_id: str) -> Tally:
    counted = reading.counts(session, run_id)
    found = research.totals(session, run_id)
    return Tally(
        searches=counted.searches,
        fetches=counted.fetches,
        pages=counted.pages,
        seen=_seen(session, run_id),
        viable=found.viable,
        facts=found.facts,
        claims=found.claims,
    )


def _seen(session: Session, run_id: str) -> int:
    query = select(func.count()).select_from(CandidateRow).where(CandidateRow.run_id == run_id)
    return session.scalar(query) or 0


def waves(session: Session, run_id: str) -> list[Wave]:
    """What each wave of research brought, with the coverage after it."""
    return research.waves(session, runs.get(session, run_id).id)


def wave_list(session: Session, run_id: str) -> WaveList:
    """What each wave brought, and the coverage as it is now."""
    from graphs.tables import coverage_note

    row = runs.get(session, run_id)
    return WaveList(items=tuple(research.waves(session, row.id)), coverage=coverage_note(session, row.id))


def source_excerpt(session: Session, run_id: str, content_hash: str, quote: str = "") -> SourceExcerpt:
    """The words around ``quote`` in a stored text that facts or claims of this run cite.

    Without a quote, the beginning of the text. :class:`~tools.faults.NotFound` for any other text, and for
    words that do not stand in it.
    """
    row = runs.get(session, run_id)
    urls = _cited_at(session, row.id, content_hash)
    text = reading.page_text(session, content_hash) if urls else None
    if text is None:
        raise NotFound(f"Run {row.id} cites no text with this hash.", "Take it from a fact or a claim.")
    folded, words = " ".join(text.split()), " ".join(quote.split())
    found = find(words, folded, EXCERPT)
    if found is None:
        raise NotFound("These words do not stand in the stored text.", "Take the quote as the source has it.")
    return SourceExcerpt(
        hash=content_hash,
        urls=urls,
        before=found.before,
        quote=found.found,
        after=found.after,
        cut_before=found.more_before,
        cut_after=found.more_after,
        length=len(folded),
    )


def _cited_at(session: Session, run_id: str, content_hash: str) -> tuple[str, ...]:
    """Addresses of the sources with this hash that facts and claims of the run cite."""
    found: dict[str, None] = {}
    for table in (FactRow, ClaimRow):
        source = table.record["source"]
        query = select(source["url"].as_string()).distinct()
        cited = source["content_hash"].as_string() == content_hash
        found |= dict.fromkeys(session.scalars(query.where(table.run_id == run_id, cited)))
    return tuple(found)


def progress(session: Session, run_id: str) -> list[Progress]:
    """How far each model has got: primary, then backup."""
    from graphs.trials import scenarios_of

    found = []
    for role in evaluation.roles(session, run_id):
        held = evaluation.held(session, run_id, role)
        assert held is not None
        judge = evaluation.judge_of(session, run_id, role)
        found.append(
            Progress(
                role=role,
                candidate=held.candidate,
                artefact=held.artefact,
                pulled_at=held.pulled_at,
                planned=len(scenarios_of(session, run_id, role)),
                answered=_count(session, AnswerRow, run_id, role),
                judged=_count(session, AssessmentRow, run_id, role),
                judge=judge,
            )
        )
    return found


def _count(session: Session, table: type[AnswerRow] | type[AssessmentRow], run_id: str, role: str) -> int:
    distinct = select(func.count(func.distinct(table.scenario_id)))
    return session.scalar(distinct.where(table.run_id == run_id, table.role == role)) or 0


def results(session: Session, run_id: str) -> list[Result]:
    """The result of every model that has judged answers: primary, then backup."""
    found = []
    for role in evaluation.roles(session, run_id):
        judge = evaluation.judge_of(session, run_id, role)
        if judge is not None and evaluation.has_assessments(session, run_id, role):
            found.append(result_of(session, run_id, role, judge))
    return found


def result_views(session: Session, run_id: str) -> list[ResultView]:
    found = []
    for result in results(session, run_id):
        held = evaluation.held(session, run_id, result.role)
        found.append(
            ResultView(
                role="primary" if result.role == "primary" else "backup",
                candidate=result.role if held is None else held.candidate,
                judge=result.judge,
                planned=result.planned,
                judged=len(result.lines),
                labels=len(agreed(result.labels)),
                decision=result.decision,
            )
        )
    return found


def event_record(row: EventRow) -> EventRecord:
    return EventRecord(seq=row.seq, at=row.at, stage=row.stage, kind=row.kind, data=row.data)


def event_records(session: Session, run_id: str, after: int, limit: int = 500) -> list[EventRecord]:
    """Events numbered above ``after``, in order."""
    return [event_record(row) for row in events.after(session, run_id, after, limit)]


def event_page(session: Session, run_id: str, after: int, limit: int) -> EventPage:
    """Events numbered above ``after``; ``next`` is the ``after`` of the following page."""
    row = runs.get(session, run_id)
    found = event_records(session, row.id, after, limit)
    last = events.last_seq(session, row.id)
    more = bool(found) and found[-1].seq < last
    return EventPage(total=last, next=str(found[-1].seq) if more else None, items=tuple(found))


def whole_id(session: Session, run_id: str) -> str:
    """The run's whole name, of which somebody may have given the beginning."""
    return runs.get(session, run_id).id


def table_view(session: Session, run_id: str) -> TableView:
    """The newest table; :class:`~tools.faults.NotFound` while there is none."""
    row = runs.get(session, run_id)
    offered = research.newest_table(session, row.id)
    if offered is None:
        raise NotFound(f"Run {row.id} has no table yet.", f"`bms show {row.id}` tells where it is.")
    return _table_view(row.id, offered)


def _table_view(run_id: str, offered: Offered) -> TableView:
    return TableView(run_id=run_id, hash=offered.table.hash, table=offered.table, proposal=offered.proposal)


def evidence_view(session: Session, run_id: str, model: str) -> EvidenceView:
    """What is known of a candidate, by its key, its name or a part of it that is its own."""
    from graphs.approval import resolve_key

    row = runs.get(session, run_id)
    offered = research.newest_table(session, row.id)
    known = {candidate.key: candidate for candidate in research.ledger(session, row.id)}
    key = model if model in known or offered is None else resolve_key(model, offered.table)
    if key not in known:
        raise NotFound(
            f"Run {row.id} has not come across {model[:100]!r}.",
            f"`bms table {row.id} --all` and `bms table {row.id} --rejected` list whom it has seen.",
        )
    listed = None if offered is None else next((r for r in offered.table.rows if r.key == key), None)
    return EvidenceView(
        candidate=known[key],
        rating=None if listed is None else listed.rating,
        facts=tuple(research.facts(session, row.id, key)),
        claims=tuple(research.claims(session, row.id, key)),
    )


def candidate_page(
    session: Session, run_id: str, standing: Standing | None, limit: int, offset: int
) -> CandidatePage:
    """The ledger: everybody that research came across."""
    everybody: Sequence[Candidate] = research.ledger(session, runs.get(session, run_id).id, standing)
    part = tuple(everybody[offset : offset + limit])
    more = offset + len(part) < len(everybody)
    return CandidatePage(total=len(everybody), next=str(offset + len(part)) if more else None, items=part)
