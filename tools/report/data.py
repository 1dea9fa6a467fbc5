"""What the document shows, read from rows; its numbers are checked against them before they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tools.calibration import Calibration
from tools.candidates import Candidate
from tools.decision import GATE_SHARE_LIMIT, Decision
from tools.evaluation import Label
from tools.failures import FailureAnalysis, Row
from tools.paired import PairedComparison
from tools.panel import PanelAgreement
from tools.proposal import Proposal
from tools.request import EvaluationRequest
from tools.retrial import Retrial
from tools.rubric import Rubric
from tools.runtimes.base import LoadedModel
from tools.scenarios import Coverage
from tools.statistics import DEFAULT_CERTAINTY, DEFAULT_THRESHOLDS
from tools.table import ComparisonTable, RejectedGroup

Role = Literal["primary", "backup"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ReplayNote(_Record):
    """The run replayed a recorded story: nothing in it measures the models that it names."""

    story: str
    recorded_on: date
    provenance: str
    """Which hosts were recorded live, from a local server, or authored; in words."""


class OutcomeTally(_Record):
    """How requests to the outside world ended."""

    found: int = Field(default=0, ge=0)
    empty: int = Field(default=0, ge=0)
    blocked: int = Field(default=0, ge=0)
    failed: int = Field(default=0, ge=0)

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> OutcomeTally:
        """From counts by outcome word; an unknown word is an error."""
        return cls.model_validate(dict(counts))

    @property
    def asked(self) -> int:
        return self.found + self.empty + self.blocked + self.failed

    @property
    def unanswered(self) -> int:
        """Blocked or failed: there may well be something."""
        return self.blocked + self.failed


class ResearchSummary(_Record):
    """What research did."""

    searches: OutcomeTally = OutcomeTally()
    """Search queries by outcome."""
    fetches: OutcomeTally = OutcomeTally()
    """Addresses fetched, by outcome."""
    pages_read: int = Field(default=0, ge=0)
    """Distinct pages and records."""
    accepted: int = Field(default=0, ge=0)
    """Candidates accepted."""
    rejected: tuple[RejectedGroup, ...] = ()
    """Candidates rejected, by reason."""
    facts: int = Field(default=0, ge=0)
    claims: int = Field(default=0, ge=0)
    waves: int = Field(default=1, ge=0)
    stopped: str = ""
    """Why it stopped, in a sentence."""
    oldest_fact: datetime | None = None
    """When the oldest fact was read."""

    @property
    def rejections(self) -> int:
        return sum(group.count for group in self.rejected)

    @property
    def seen(self) -> int:
        return self.accepted + self.rejections


class ApprovalNote(_Record):
    """Who approved what, and from which table."""

    action: str
    """approve, swap; ``named`` when the model was named on the command line."""
    primary: str | None
    backup: str | None = None
    by: str
    at: datetime
    reason: str = ""
    table_hash: str | None = None
    """Hash of the table that was seen; None when there was none."""
    by_policy: bool = False
    """No person approved it."""


class JudgeNote(_Record):
    """The judge, and whether it may be trusted."""

    name: str
    """``provider:model``, or ``human``."""
    preflight_passed: bool | None = None
    """Whether it told planted good answers from bad ones; None when it was not tried."""
    preflight: str = ""
    """The result of the preflight in a sentence."""
    relation: str | None = None
    """Why it is not independent of the candidate; None when it is."""
    insisted: bool = False
    """Somebody wanted it in spite of a problem."""
    insisted_by: str = ""
    """Who."""


class HostShare(_Record):
    """One of several inference hosts."""

    host: str
    digest: str | None
    """Of the model there; None where the host tells none."""
    answers: int


class Conditions(_Record):
    """Under what conditions the answers were made."""

    runtime: str
    runtime_version: str | None = None
    context_asked: int
    """Tokens of context asked for; the runtime's word on what it allocated is in the loaded model."""
    max_tokens: int
    temperature: float
    top_p: float
    seed: int
    thinking: bool | None = None
    """False: switched off; None: the model's default."""
    timeout_seconds: float | None = None
    system_prompt: str = ""
    system_prompt_from: str = ""
    """Where it came from: a file, or the domain's own."""
    hosts: tuple[HostShare, ...] = ()
    """Which of several hosts made how many answers; empty where there was one."""
    hosts_left_out: tuple[str, ...] = ()
    """Sentences on hosts that were not used, or not to the end."""


class ModelResult(_Record):
    """One model, evaluated alone."""

    role: Role
    candidate: str
    """Key of the candidate, or the name given on the command line."""
    loaded: LoadedModel
    conditions: Conditions
    judge: JudgeNote
    rubric: Rubric
    planned: int = Field(ge=0)
    """Scenarios of the run; those without a row were not answered and judged yet."""
    rows: tuple[Row, ...]
    """Scenario, answer, assessment and score, in the order of the scenarios."""
    coverage: Coverage | None = None
    """How the scenarios cover the taxonomy; None for a person's own scenarios."""
    decision: Decision
    thresholds: tuple[float, float] = DEFAULT_THRESHOLDS
    """That the decision was made with."""
    certainty: float = DEFAULT_CERTAINTY
    """That the decision was made with."""
    gate_share_limit: float = GATE_SHARE_LIMIT
    """Share of the answers that might fail a gate, as the decision was made."""
    failures: FailureAnalysis
    labels: tuple[Label, ...] = ()
    """What people made of its answers, blind; one for a scenario, those that calibrate the judge."""
    calibration: Calibration | None = None
    """The judge beside ``labels``; None without any."""
    panel: PanelAgreement | None = None
    """How far several judges agree; None with a single one."""
    looks: tuple[str, ...] = ()
    """What was decided each time that the result was looked at, the newest last; more than one where
    scenarios were added, or asked again, after a look."""
    disputed: tuple[str, ...] = ()
    """Scenarios on which one of several judges would have decided otherwise than another."""
    retrial: Retrial | None = None
    """Failed answers run again, with the same prompt and an improved one; None when that was not asked."""


class ReviewNote(_Record):
    """What a person noted when reading answers."""

    role: Role = "primary"
    by: str
    at: datetime
    text: str
    by_policy: bool = False
    """Nobody read anything."""


class Setup(_Record):
    """What somebody needs to run it again."""

    version: str
    """Of this program."""
    python: str = ""
    platform: str = ""
    seed: int = 0
    count: int = Field(default=50, ge=1)
    """Scenarios asked for."""
    files: dict[str, str] = Field(default_factory=dict)
    """Files that a person gave, by the flag without dashes: rubric, taxonomy, scenarios, system-prompt."""
    flags: tuple[str, ...] = ()
    """Further words of the command line that are not the default: ``--gate-share``, ``0.1`` …"""


class ReportData(_Record):
    """Everything that the document shows."""

    run_id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$")
    domain: str = Field(min_length=1)
    """Title of the domain."""
    request: EvaluationRequest
    date: date
    """Today, as the run's clock has it."""
    made_at: datetime
    """When the document was made, by the machine's clock."""
    setup: Setup
    replay: ReplayNote | None = None
    research: ResearchSummary | None = None
    """None when a model was named directly."""
    table: ComparisonTable | None = None
    """The table that was approved from; None when a model was named directly."""
    candidates: tuple[Candidate, ...] = ()
    """Lines of the ledger; those of the rows in the table are used, for why they were considered."""
    proposal: Proposal | None = None
    approval: ApprovalNote | None = None
    models: tuple[ModelResult, ...] = Field(min_length=1, max_length=2)
    paired: PairedComparison | None = None
    """Primary (the first) and backup (the second) on the scenarios that both were measured on."""
    reviews: tuple[ReviewNote, ...] = ()
    wording: str = ""
    """Who worded the scenarios, in a sentence: templates, a brain, or a person."""
    degraded: bool = False
    """Something was blocked or failed, so that silence may not mean absence."""
    degraded_why: tuple[str, ...] = ()
    """In sentences."""

    @model_validator(mode="after")
    def _consistent(self) -> ReportData:
        roles = [model.role for model in self.models]
        if len(set(roles)) != len(roles):
            raise ValueError("a role is there twice")
        if (self.table is None) != (self.proposal is None):
            raise ValueError("a table and its proposal come together")
        if self.degraded and not self.degraded_why:
            raise ValueError("degraded research says why")
        if self.paired is not None and roles != ["primary", "backup"]:
            raise ValueError("a comparison is of the primary and the backup, in this order")
        return self

    def candidate(self, key: str) -> Candidate | None:
        """The ledger's line for ``key``."""
        return next((line for line in self.candidates if line.key == key), None)

    def name_of(self, key: str) -> str:
        """What people call the candidate, as the table says; the key itself without a table."""
        rows = self.table.rows if self.table else ()
        return next((row.name for row in rows if row.key == key), key)
