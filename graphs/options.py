"""What a run was started with. Stored with the run, so that a resume needs no flags again."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tools.decision import GATE_SHARE_LIMIT


class Approver(StrEnum):
    """Who answers when the journey waits."""

    PERSON = "person"
    POLICY = "policy"
    """The proposal is taken, and the record says that no person approved it."""


class Budget(BaseModel):
    """How much research may cost. It stops before that where it has seen nearly everything."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    queries: int = Field(default=80, ge=0)
    """Search queries."""
    pages: int = Field(default=160, ge=0)
    """Pages read from search hits."""
    candidates: int = Field(default=150, ge=1)
    """Candidates whose records are read one by one; of the others the listing's own figures stand."""
    waves: int = Field(default=4, ge=1, le=20)
    """Waves, each led by what the one before it found or left open."""

    def widened(self) -> Budget:
        """Half as much again, for a person who asks for more research."""
        return Budget(
            queries=self.queries + max(4, self.queries // 2),
            pages=self.pages + max(8, self.pages // 2),
            candidates=self.candidates + max(10, self.candidates // 2),
            waves=self.waves + 2,
        )


class RunOptions(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    out_dir: str
    """Folder under which ``docs/base-model-evaluation.md`` is written. One that is not absolute is in the
    data directory of whoever writes it: a worker has another one than the server that took the order."""
    given: dict[str, Any] = Field(default_factory=dict)
    """Parts of the request that flags named, in the words of :func:`agent.intake.read_request`."""
    insist: bool = False
    """Run although the words say that no baseline is needed."""
    approver: Approver = Approver.PERSON
    model: str | None = None
    """Model named directly (``bms evaluate --model``): no research, and the command is the approval."""
    runtime: str = "auto"
    host: str | None = None
    """Machine that the model is pulled and evaluated on, where several workers share the work; the first that
    takes the run when it is None."""
    judge: str | None = None
    """``provider:model``, several of them separated by commas, or ``human``; asked for when it is None."""
    judge_insisted: bool = False
    """A person wants this judge although it is of the candidate's family or failed its preflight."""
    brain: str | None = None
    count: int = Field(default=50, ge=1, le=5000)
    """Scenarios."""
    seed: int = 0
    one_call_per_criterion: bool = False
    """The judge is asked for each criterion by itself instead of for all at once."""
    concurrency: int | None = Field(default=None, ge=1, le=256)
    """Most requests under way at once; None lets the throughput find it."""
    gate_share: float = Field(default=GATE_SHARE_LIMIT, ge=0, le=1)
    """Share of the answers that may fail a gate; above it nothing is deployed."""
    try_prompt: bool = False
    """The failures are asked again under an improved system prompt without a person's asking for it."""
    temperature: float = Field(default=0.7, ge=0.0, le=2.0)
    max_tokens: int = Field(default=1024, ge=1)
    story: str | None = None
    """Recorded story that this run replays."""
    budget: Budget = Field(default_factory=Budget)
    machine_memory_bytes: int | None = Field(default=None, gt=0)
    """Memory of the machine that the run was started on; None when it says nothing, as in a replay."""
