"""What the journey asks a person, and what it accepts as an answer.

Each pair is the value and the response schema of one ``interrupt``; the terminal, the API and other LangGraph
clients all speak these.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

POLICY = "policy, no person"
"""Who decided, when nobody was there to be asked."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AskedField(_Record):
    """Something that the request leaves open."""

    field: str
    sentence: str
    examples: tuple[str, ...] = ()


class RequestPrompt(_Record):
    """The request cannot be started as it is: something is missing, or no run is needed."""

    kind: Literal["request"] = "request"
    questions: tuple[AskedField, ...] = ()
    not_needed: str | None = None
    """Why no baseline is needed; the person can insist."""


class RequestAnswer(_Record):
    answers: dict[str, str] = Field(default_factory=dict)
    """Field name → the person's words."""
    insist: bool | None = None
    """Answer to ``not_needed``."""


class ApprovalAction(StrEnum):
    APPROVE = "approve"
    SWAP = "swap"
    """Approve with primary and backup exchanged."""
    EDIT = "edit"
    """Add or exclude candidates, then show the table again."""
    MORE = "more"
    """Another wave of research, with a note."""
    REJECT = "reject"


class ApprovalPrompt(_Record):
    """The table is ready; nothing is pulled before an answer."""

    kind: Literal["approval"] = "approval"
    run_id: str
    table_hash: str
    primary: str | None
    """Proposed."""
    backup: str | None
    problem: str | None = None
    """Why the last answer was refused."""


class Approval(_Record):
    action: ApprovalAction
    table_hash: str
    """Hash of the table that the person saw."""
    primary: str | None = None
    backup: str | None = None
    """None leaves it to the proposal; an empty text wants none."""
    add: tuple[str, ...] = ()
    """Hub repositories to consider as well (``edit``)."""
    exclude: tuple[str, ...] = ()
    """Candidates to leave out (``edit``)."""
    note: str = Field(default="", max_length=4000)
    """Reason, feedback, or what to look for."""
    by: str = Field(min_length=1, max_length=120)
    """Who decided."""
    at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    """When; also what tells one decision from the same one made again."""


class ScenariosPrompt(_Record):
    """The taxonomy was drafted from the domain's words; nothing runs on it before somebody has agreed."""

    kind: Literal["scenarios"] = "scenarios"
    run_id: str
    count: int
    """Scenarios."""
    taxonomy: str
    """The draft as YAML, which can be edited and handed back."""
    sample: tuple[str, ...]
    """Messages from it."""
    problem: str | None = None
    """Why the taxonomy that was handed back could not be used."""


class ScenariosAgreement(_Record):
    agree: bool
    taxonomy: str | None = Field(default=None, max_length=1_000_000)
    """YAML to be used instead of the draft; the scenarios are made anew from it."""
    by: str = Field(min_length=1, max_length=120)


class LabelsPrompt(_Record):
    """A person is the judge: answers wait for their verdicts."""

    kind: Literal["labels"] = "labels"
    run_id: str
    role: Literal["primary", "backup"]
    missing: int
    """Answers without a verdict."""


class Labelled(_Record):
    """The verdicts have been stored."""

    enough: bool = False
    """Go on although some answers have none; they are unmeasured."""
    by: str = Field(min_length=1, max_length=120)


class JudgePrompt(_Record):
    """There is no judge yet, or the one named should not be used."""

    kind: Literal["judge"] = "judge"
    problem: str
    judge: str | None
    """The judge that the problem is about."""
    usable: bool = True
    """Whether it can be asked at all; only then can a person insist on it."""
    related: bool = False
    """Whether it is the candidate or of its family."""


class JudgeChoice(_Record):
    judge: str = Field(min_length=1, max_length=200)
    """``provider:model``."""
    insist: bool = False
    """Use it in spite of the problem; every output says so."""
    by: str = Field(min_length=1, max_length=120)


class ReviewPrompt(_Record):
    """The result is there. At 70 % and above a person reads a sample before anybody deploys."""

    kind: Literal["review"] = "review"
    run_id: str
    role: Literal["primary", "backup"]
    decision: str
    sentence: str
    pass_rate: float | None = None
    """0 to 1; None when nothing was measured."""
    sample: tuple[str, ...]
    """Scenarios worth reading."""
    backup: str | None
    """Candidate that can be run next; None when there is none left."""
    further: int | None = None
    """Scenarios that would settle an open decision; None when there is nothing to settle, or none would."""
    failures: int = 0
    """Failed answers that can be asked again under an improved system prompt; 0 when that was done."""


class Review(_Record):
    notes: str = Field(default="", max_length=20000)
    """Qualitative notes for the document."""
    run_backup: bool = False
    further: int = Field(default=0, ge=0, le=5000)
    """Run so many more scenarios, then decide anew."""
    try_prompt: bool = False
    """Ask the failures again under an improved system prompt, beside a repetition under the same one."""
    by: str = Field(min_length=1, max_length=120)
    at: datetime = Field(default_factory=lambda: datetime.now(UTC))


Prompt = RequestPrompt | ApprovalPrompt | ScenariosPrompt | JudgePrompt | LabelsPrompt | ReviewPrompt
Reply = RequestAnswer | Approval | ScenariosAgreement | JudgeChoice | Labelled | Review
