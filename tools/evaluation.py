"""Records of a baseline evaluation: scenario, answer, verdict, assessment."""

from __future__ import annotations

from datetime import datetime
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
    held_out: bool = False
    """Kept for judging a later fine-tune: counted in the pass rate, but neither quoted in the failure
    analysis nor handed on as a seed of training data."""


class AnswerOutcome(StrEnum):
    """How asking the candidate ended. Only ANSWERED is judged; the others are unmeasured, and why."""

    ANSWERED = "answered"
    EMPTY = "empty answer"
    TRUNCATED = "cut off by the token limit"
    TIMEOUT = "timeout"
    ERROR = "runtime error"


class SignKind(StrEnum):
    """Signs are reported beside an answer; they neither fail it nor excuse it."""

    REPETITION_LOOP = "repetition loop"
    TEMPLATE_LEAKAGE = "template leakage"
    THINKING_LEAKAGE = "thinking in the answer"
    REFUSAL = "refusal"
    WRONG_LANGUAGE = "wrong language"
    ECHO = "repeats the message"
    TO_THE_JUDGE = "speaks to the judge"


class Sign(BaseModel):
    """One sign of trouble in an answer, with the words that show it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: SignKind
    detail: str


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
    max_tokens: int | None = None
    """Token limit of the call that gave this answer, larger than the run's where it was asked again."""
    asked: int = 1
    """Calls that it took: 2 where the first answer was cut off and asked for again with a larger limit."""
    signs: tuple[Sign, ...] = ()
    left_out: tuple[str, ...] = ()
    """Wishes that the server refused, and the answer was made without: thinking, seed, temperature …"""


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


class Usage(BaseModel):
    """What calls of a model cost. Tokens are None where a server does not tell."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    calls: int = 0
    prompt_tokens: int | None = None
    """Tokens sent."""
    cached_tokens: int | None = None
    """Of those, the ones that the server had read before and did not evaluate again."""
    completion_tokens: int | None = None
    seconds: float = 0.0
    """Wall time of the calls, summed."""


class Assessment(BaseModel):
    """All verdicts on one answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scenario_id: str
    outcome: AssessmentOutcome
    verdicts: tuple[CriterionVerdict, ...] = ()
    detail: str = ""
    """What went wrong, when the outcome is not ``measured``."""
    usage: Usage | None = None
    """What the judge's calls cost; None for a person, a rule, or an answer that was not judged."""


class Label(BaseModel):
    """What a person, who saw neither the model's name nor the judge's verdicts, made of one answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scenario_id: str
    by: str = Field(min_length=1, max_length=120)
    passed: bool | None
    """Whether the answer is good enough as a whole; None when the person could not tell."""
    verdicts: tuple[CriterionVerdict, ...] = ()
    """Criterion by criterion, where the person went that far."""
    note: str = Field(default="", max_length=4000)
    at: datetime
