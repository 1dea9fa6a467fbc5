"""What a run was started with. Stored with the run, so that a resume needs no flags again."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Approver(StrEnum):
    """Who answers when the journey waits."""

    PERSON = "person"
    POLICY = "policy"
    """The proposal is taken, and the record says that no person approved it."""


class RunOptions(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    out_dir: str
    """Absolute path of the folder under which ``docs/base-model-evaluation.md`` is written."""
    given: dict[str, Any] = Field(default_factory=dict)
    """Parts of the request that flags named, in the words of :func:`agent.intake.read_request`."""
    insist: bool = False
    """Run although the words say that no baseline is needed."""
    approver: Approver = Approver.PERSON
    model: str | None = None
    """Model named directly (``bms evaluate --model``): no research, and the command is the approval."""
    runtime: str = "auto"
    judge: str | None = None
    """``provider:model``; asked for when it is None."""
    judge_insisted: bool = False
    """A person wants this judge although it is of the candidate's family or failed its preflight."""
    brain: str | None = None
    count: int = Field(default=50, ge=1, le=5000)
    """Scenarios."""
    seed: int = 0
    temperature: float = Field(default=0.7, ge=0.0, le=2.0)
    max_tokens: int = Field(default=1024, ge=1)
    story: str | None = None
    """Recorded story that this run replays."""
    query_budget: int = Field(default=12, ge=0)
    """Search queries in the first wave."""
    page_budget: int = Field(default=16, ge=0)
    """Pages read from search hits in a wave."""
    candidate_budget: int = Field(default=40, ge=1)
    """Candidates whose records are read one by one in a wave."""
