"""What the tools answer, for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from agent.mcp.words import NOTICE


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class Question(_Record):
    """What a run asks a person."""

    kind: str = Field(description="request, approval, scenarios, judge, labels or review.")
    prompt_id: str = Field(description="Names this asking; an answer to an earlier one is refused.")
    sentence: str
    about: dict[str, Any] = Field(description="The question's own fields; long texts are cut.")


class Counts(_Record):
    """What research has asked and found."""

    searches: dict[str, int] = Field(description="Outcome to queries: found, empty, blocked, failed.")
    fetches: dict[str, int]
    pages: int
    seen: int = Field(description="Candidates in the ledger.")
    viable: int = Field(description="Of them, those that were accepted.")
    facts: int
    claims: int
    waves: int
    coverage: float | None = Field(description="Share of the field that was seen; null when not measured.")


class ModelProgress(_Record):
    """How far one model has got."""

    role: str
    candidate: str
    planned: int
    answered: int
    judged: int
    judge: str | None


class Headline(_Record):
    """The result of one model, recomputed from rows."""

    role: str
    candidate: str
    judge: str
    decision: str = Field(description="DEPLOY, FINE_TUNE, FULL_PIPELINE or UNDECIDED.")
    reason: str
    pass_rate: float | None = Field(description="0 to 1; null when nothing was measured.")
    low: float | None = Field(description="Wilson, 95 %.")
    high: float | None
    passes: int
    measured: int
    unmeasured: int = Field(description="Neither passed nor failed.")
    planned: int
    labels: int = Field(description="Answers that people labelled.")
    corrected: float | None = Field(description="Pass rate corrected by those labels.")
    further_scenarios: int | None = Field(
        description="How many more would settle it; 0 when it is settled, null when none can be recommended."
    )
    gate_failures: dict[str, int]


class Standing(_Record):
    """What a run does or waits for, and what to do next."""

    run: str
    status: str = Field(
        description="queued, running, waiting, stopped, done, rejected, not needed, cancelled."
    )
    stage: str
    detail: str
    replay_of: str | None = Field(description="The recorded story that it replays; its numbers are not news.")
    waits_for: Question | None
    problem: str = Field(description="Why the last order could not be carried out.")
    next: str = Field(description="What to do now.")


class RunReply(Standing):
    """Where a run is, with all that it has found."""

    text: str
    counts: Counts
    progress: tuple[ModelProgress, ...]
    results: tuple[Headline, ...]
    documents: tuple[str, ...]


class RunLine(_Record):
    run: str
    text: str
    status: str
    stage: str
    detail: str
    replay_of: str | None
    created_at: datetime


class RunsReply(_Record):
    runs: tuple[RunLine, ...]
    total: int
    next_offset: int | None


class CandidateLine(_Record):
    key: str = Field(description="Name it so in `approve` and `evidence`.")
    name: str
    stars: float | None = Field(description="1 to 5 in halves; null without evidence.")
    excluded: tuple[str, ...] = Field(description="Hard needs that it misses; it cannot be approved.")
    cells: dict[str, str] = Field(description="Column to what is shown.")


class ProposalReply(_Record):
    primary: str | None
    backup: str | None
    why_primary: str
    why_backup: str
    strengths: tuple[str, ...]
    concerns: tuple[str, ...]
    coverage_warning: str | None


class Rejected(_Record):
    reason: str
    count: int


class TableReply(_Record):
    run: str
    hash: str = Field(description="Goes into `approve`: an approval of another table is refused.")
    domain: str
    size: str
    columns: tuple[str, ...]
    rows: tuple[CandidateLine, ...]
    total: int
    next_offset: int | None
    proposal: ProposalReply
    rejected: tuple[Rejected, ...]
    notice: str = NOTICE


class FactLine(_Record):
    factor: str
    value: str
    said: str = Field(description="The source's own words, or the field of its record.")
    url: str
    source: str = Field(description="artefact, maker, vendor or third_party; the first of them wins.")
    retrieved_at: datetime
    read_by: str = Field(description="The rule that read the value, where one was needed.")


class ClaimLine(_Record):
    stance: str
    kind: str
    quality: str
    summary: str
    said: str
    url: str
    suspicious: bool = Field(description="Tries to instruct its reader: never counted.")
    copies: int = Field(description="Other addresses with the same words.")


class PartLine(_Record):
    name: str
    points: float
    weight: float
    why: str


class EvidenceReply(_Record):
    run: str
    key: str
    name: str
    standing: str
    reason: str
    stars: float | None
    parts: tuple[PartLine, ...] = Field(description="How the stars came about.")
    facts: tuple[FactLine, ...]
    claims: tuple[ClaimLine, ...]
    total: int = Field(description="Facts and claims together, facts first.")
    next_offset: int | None
    notice: str = NOTICE


class ResultsReply(_Record):
    run: str
    status: str
    results: tuple[Headline, ...]


class AnswerLine(_Record):
    scenario: str
    topic: str
    why: str = Field(description="Why it is in the sample.")
    message: str
    answer: str
    passed: bool | None = Field(description="Null when it could not be measured.")
    not_met: tuple[str, ...] = Field(description="Criteria with the verdict NO, and the judge's reason.")


class AnswersReply(_Record):
    run: str
    role: str
    answers: tuple[AnswerLine, ...]
    total: int
    next_offset: int | None
    notice: str = NOTICE


class Example(_Record):
    scenario: str
    message: str
    excerpt: str
    reason: str


class CriterionLine(_Record):
    criterion: str
    question: str
    gate: bool
    failed: int
    assessed: int
    share: float
    pattern: str
    where: tuple[str, ...] = Field(description="Groups in which it fails clearly more often than elsewhere.")
    examples: tuple[Example, ...]


class FailuresReply(_Record):
    run: str
    role: str
    summary: str
    caution: str
    criteria: tuple[CriterionLine, ...]
    total: int
    next_offset: int | None
    notice: str = NOTICE


class ReportReply(_Record):
    run: str
    markdown: str
    total: int = Field(description="Characters of the whole document.")
    next_offset: int | None
    notice: str = NOTICE
