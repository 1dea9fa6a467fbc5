"""What clients send. Fields that newer clients add are left alone."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

THREAD_ID = r"^[A-Za-z0-9_-]{1,40}$"
ThreadId = Annotated[str, StringConstraints(pattern=THREAD_ID)]
Modes = str | list[str] | None

ThreadStatus = Literal["idle", "busy", "interrupted", "error"]
RunStatus = Literal["pending", "running", "error", "success", "timeout", "interrupted"]

LARGEST_PAGE = 1000


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class AssistantQuery(_Body):
    metadata: dict[str, Any] | None = None
    graph_id: str | None = None
    name: str | None = None
    limit: int = Field(default=10, ge=1, le=LARGEST_PAGE)
    offset: int = Field(default=0, ge=0)
    select: list[str] | None = None


class NewThread(_Body):
    thread_id: ThreadId | None = None
    metadata: dict[str, Any] | None = None
    if_exists: Literal["raise", "do_nothing"] | None = None
    supersteps: list[Any] | None = None


class ThreadPatch(_Body):
    metadata: dict[str, Any] | None = None


class ThreadQuery(_Body):
    metadata: dict[str, Any] | None = None
    values: dict[str, Any] | None = None
    ids: list[str] | None = None
    status: ThreadStatus | None = None
    limit: int = Field(default=10, ge=1, le=LARGEST_PAGE)
    offset: int = Field(default=0, ge=0)
    sort_by: Literal["thread_id", "status", "created_at", "updated_at", "state_updated_at"] | None = None
    sort_order: Literal["asc", "desc"] | None = None
    select: list[str] | None = None


class StateUpdate(_Body):
    values: Any = None
    as_node: str | None = None


class CheckpointQuery(_Body):
    checkpoint: dict[str, Any] | None = None


class HistoryQuery(_Body):
    limit: int = Field(default=10, ge=1, le=LARGEST_PAGE)
    before: str | dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    select: list[str] | None = None


class RunCommand(_Body):
    resume: Any = None
    goto: Any = None
    update: Any = None


class NewRun(_Body):
    """``POST …/runs``, ``…/runs/stream`` and ``…/runs/wait``."""

    assistant_id: str
    input: Any = None
    command: RunCommand | None = None
    config: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    stream_mode: Modes = None
    checkpoint: dict[str, Any] | None = None
    checkpoint_id: str | None = None
    interrupt_before: Any = None
    interrupt_after: Any = None
    webhook: str | None = None
    multitask_strategy: Literal["reject", "interrupt", "rollback", "enqueue"] | None = None
    if_not_exists: Literal["create", "reject"] | None = None
    on_disconnect: Literal["cancel", "continue"] | None = None
    on_completion: Literal["delete", "keep"] | None = None
    after_seconds: float | None = None

    @property
    def configurable(self) -> dict[str, Any]:
        found = (self.config or {}).get("configurable")
        return found if isinstance(found, dict) else {}
