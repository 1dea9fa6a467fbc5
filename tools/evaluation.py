"""Records of a baseline evaluation: scenario, answer, verdict, assessment."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class Scenario(BaseModel):
    """One message a user might send, and where in the taxonomy it stands. An input only."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    topic: str
    subtopic: str
    style: str
    """terse, conversational, detailed, or whatever the taxonomy calls its styles."""
    edge_case: bool = False
    dimensions: dict[str, str] = Field(default_factory=dict)
    """Further dimensions of the taxonomy: difficulty, cadence …"""
    message: str = Field(min_length=1)


class AnswerOutcome(StrEnum):
    """How asking the candidate ended. Only ANSWERED is judged; the others are unmeasured, and why."""

    ANSWERED = "answered"
    EMPTY = "empty answer"
    TRUNCATED = "cut off by the token limit"
    TIMEOUT = "timeout"
    ERROR = "runtime error"


class Answer(BaseModel):
    """What a model said to one scenario."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scenario_id: str
    outcome: AnswerOutcome
    text: str
    """The answer itself, thinking removed."""
    thinking: str | None = None
    """Text that the model thought aloud; stored, never judged."""
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    seconds: float | None = None
    """Wall time of the call."""
    first_token_seconds: float | None = None
    detail: str = ""
    """What went wrong, in the runtime's words."""


class Verdict(StrEnum):
    """The judge's word on one criterion."""

    YES = "YES"
    NO = "NO"
    NA = "NA"
    CANNOT_ASSESS = "CANNOT_ASSESS"


class CriterionVerdict(BaseModel):
    """A verdict with its one-sentence reason."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    criterion: str
    """Identifier in the rubric: ``CQ3``."""
    verdict: Verdict
    reason: str = ""
    judge: str
    """Model that judged, ``computed`` for a rule, or ``human``."""


class AssessmentOutcome(StrEnum):
    """Whether an answer could be measured. Unmeasured is neither passed nor failed (design, invariant 9)."""

    MEASURED = "measured"
    NO_ANSWER = "there was no answer to judge"
    JUDGE_ERROR = "the judge's reply could not be used"
    CANNOT_ASSESS = "the judge could not assess a criterion"


class Assessment(BaseModel):
    """All verdicts on one answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scenario_id: str
    outcome: AssessmentOutcome
    verdicts: tuple[CriterionVerdict, ...] = ()
    detail: str = ""
    """What went wrong, when the outcome is not ``measured``."""
